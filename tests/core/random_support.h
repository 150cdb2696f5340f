#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

/// What the tests of random numbers share.
namespace random_support {

/// The n elements that `fill(out, n)` writes.
template <class T, class Fill>
std::vector<T> filled(std::int64_t n, const Fill& fill) {
  const std::unique_ptr<T[]> out(new T[static_cast<std::size_t>(n)]);  // vector<bool> has no bools to point at.
  fill(out.get(), n);
  return std::vector<T>(out.get(), out.get() + n);
}

/// sqrt(n) times the largest distance between the sample's distribution and `cdf` (Kolmogorov and Smirnov);
/// 1.95 has p = 0.001.
template <class T>
double ks(std::vector<T> x, const std::function<double(double)>& cdf) {
  std::sort(x.begin(), x.end());
  const double n = static_cast<double>(x.size());
  double d = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double f = cdf(static_cast<double>(x[i]));
    d = std::max({d, f - static_cast<double>(i) / n, static_cast<double>(i + 1) / n - f});
  }
  return d * std::sqrt(n);
}

/// Chi-square of counts against expectations, in standard deviations from its mean.
inline double chi_square_sigmas(const std::vector<std::int64_t>& count, const std::vector<double>& probability) {
  double n = 0, chi = 0;
  for (const std::int64_t c : count) n += static_cast<double>(c);
  for (std::size_t i = 0; i < count.size(); ++i) {
    const double expected = n * probability[i];
    chi += (static_cast<double>(count[i]) - expected) * (static_cast<double>(count[i]) - expected) / expected;
  }
  const double freedom = static_cast<double>(count.size()) - 1;
  return (chi - freedom) / std::sqrt(2 * freedom);
}
inline double chi_square_sigmas(const std::vector<std::int64_t>& count) {
  return chi_square_sigmas(count, std::vector<double>(count.size(), 1.0 / static_cast<double>(count.size())));
}

}  // namespace random_support
