#pragma once

#include <algorithm>
#include <string>

#include "data.h"

/// The optimizer's step alone, over parameters in a number of tensors of the same size.
namespace compare::optim {

inline constexpr double rate = 1e-3, momentum = 0.9, decay = 1e-2;
inline constexpr int check_steps = 2;

struct Size {
  std::string name;
  std::int64_t parameters, tensors;
  bool scale = false;
};
/// 10M parameters however they are split, for all optimizers; then, for Adam alone, more and more of them.
inline std::vector<Size> sizes(const std::string& optimizer) {
  std::vector<Size> all;
  for (const std::int64_t tensors : {1, 100, 1000})
    all.push_back({"optim/" + optimizer + "/10M/" + std::to_string(tensors), 10'000'000, tensors});
  if (optimizer == "adam")
    for (std::int64_t n = 1000; n <= 100'000'000; n *= 10)
      all.push_back({"scale/adam/" + std::to_string(n), n, 1, true});
  return all;
}

/// Values of parameters and gradients, in turn: cheap to make, since there are many.
inline void fill(float* x, std::int64_t n, std::int64_t first, std::uint32_t seed, float scale) {
  for (std::int64_t i = 0; i < n; ++i) {
    const std::uint32_t mixed = (static_cast<std::uint32_t>(first + i) + seed) * 2654435761u;
    x[i] = scale * (static_cast<float>(mixed >> 8) / 8388608.f - 1);
  }
}
inline void fill_parameters(float* x, std::int64_t n, std::int64_t first) { fill(x, n, first, 1, 1); }
inline void fill_gradients(float* x, std::int64_t n, std::int64_t first) { fill(x, n, first, 7, 0.1f); }

/// The sum of what the steps have moved.
inline double moved(const float* x, std::int64_t n, std::int64_t first) {
  std::vector<float> before(4096);
  double sum = 0;
  for (std::int64_t at = 0; at < n; at += 4096) {
    const std::int64_t count = std::min<std::int64_t>(4096, n - at);
    fill_parameters(before.data(), count, first + at);
    for (std::int64_t i = 0; i < count; ++i)
      sum += static_cast<double>(std::abs(x[at + i] - before[static_cast<std::size_t>(i)]));
  }
  return sum;
}

}  // namespace compare::optim
