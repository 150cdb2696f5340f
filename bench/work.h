#pragma once

#include <cmath>
#include <cstdint>
#include <functional>

/// What is measured, as bench_compare and bench_losses share it.
namespace bench {

struct Work {
  std::function<void()> run;
  /// Does the work and returns a number computed from its result: all contestants must agree on it. Called once, before
  /// `run`.
  std::function<double()> check{};
  /// Runs before each call and is not timed: restores what the work overwrites.
  std::function<void()> before{};
  /// What a call consists of, if it is many of something: 44 "step"s. Tables show the time of one. Taken from slope's
  /// work.
  double count = 1;
  const char* unit = "";
  /// How far apart two checks may be, relative to the larger.
  double tolerance = 1e-3;
};

/// The sum of magnitudes: what checks compare of a tensor.
template <class T>
double magnitude(const T* x, std::int64_t n) {
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += std::abs(static_cast<double>(x[i]));
  return sum;
}

/// Whether two checks of the same work agree.
inline bool agree(double a, double b, double tolerance) {
  return std::abs(a - b) <= tolerance * std::max(std::abs(a), std::abs(b));
}

}  // namespace bench
