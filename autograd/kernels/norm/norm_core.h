#pragma once

#include <cmath>
#include <cstdint>
#include <tuple>
#include <utility>

#include "slope/autograd/core/parallel.h"
#include "slope/autograd/kernels/loops/reduce_core.h"
#include "slope/autograd/kernels/loops/rows.h"
#include "slope/autograd/kernels/norm/norm.h"
#include "slope/autograd/kernels/pointwise/formula.h"
#include "slope/autograd/kernels/simd/internal/row_lanes.h"

/// What the three ways of normalising share: along runs of one weight each, along rows with a weight for each element, and down columns.
namespace slope::norm_kernels {

/// Runs of at least this many elements are worth a loop of their own.
inline constexpr std::int64_t shortest_run = 16;

/// All arguments of a call, typed.
template <class T>
struct Forward {
  T* y;
  const T* x;
  const T *weight, *bias;
  NormMoments moments;
  NormShape shape;
};
template <class T>
struct Backward {
  T *dx, *dweight, *dbias;
  const T *g, *x, *weight;
  NormMoments moments;
  NormShape shape;

  bool sums_wanted() const { return dweight || dbias; }
};

template <class T>
void along_runs(const Forward<T>& f);
template <class T>
void along_runs(const Backward<T>& f);
template <class T>
void along_rows(const Forward<T>& f);
template <class T>
void along_rows(const Backward<T>& f);
template <class T>
void down_columns(const Forward<T>& f);
template <class T>
void down_columns(const Backward<T>& f);

/// Two sums that one pass gives.
struct Sums {
  double first = 0, second = 0;
  Sums& operator+=(const Sums& more) {
    first += more.first;
    second += more.second;
    return *this;
  }
};

/// Elements as lanes of double.
template <class D, class T>
struct Widened {
  const T* p;
  D full(std::int64_t at) const { return slope::detail::load_wide<D>(p + at); }
  D first(std::int64_t at, int n) const { return slope::detail::load_wide_n<D>(p + at, n); }
};

/// Σ d and Σ d² of d = x - shift, as running results in lanes of double.
template <class D>
class Deviations {
 public:
  explicit Deviations(double shift) : shift_(shift) {
    for (int k = 0; k < chains; ++k) sum_[k] = square_[k] = D(0);
  }
  template <class T>
  void add(const T* x, std::int64_t n) {
    simd::each_vector_of<D, chains>(n, [&](const auto& load, const auto&, int count, std::int64_t, auto k) {
      const D d = simd::first_lanes(load(Widened<D, T>{x}) - shift_, count);
      sum_[k] += d;
      square_[k].v += d.v * d.v;
    });
  }
  Sums total() const {
    return {reduce_add((sum_[0] + sum_[1]) + (sum_[2] + sum_[3])),
            reduce_add((square_[0] + square_[1]) + (square_[2] + square_[3]))};
  }

 private:
  static constexpr int chains = 4;
  D shift_, sum_[chains], square_[chains];
};

struct Moments {
  double mean, variance;
};
/// From the sums of the deviations of n elements from `shift`.
inline Moments moments_of(const Sums& sums, double shift, std::int64_t n, bool centred) {
  const auto count = static_cast<double>(n);
  if (!centred) return {0, sums.second / count};
  const double mean = sums.first / count, variance = sums.second / count - mean * mean;
  return {shift + mean, variance < 0 ? 0 : variance};
}

/// scale_cotangent of numbers.
inline double scaled(double a, double d) { return a == 0 ? 0 : a * d; }

inline double reciprocal_deviation(const NormMoments& m, std::int64_t set) {
  return 1 / std::sqrt(m.variance[set] + m.epsilon);
}

/// A mean in two parts, so that near it x - mean is exact, and 1/√(variance + ε).
template <class T>
struct Scale {
  T high, low, factor;
  Scale(const NormMoments& m, std::int64_t set) : factor(static_cast<T>(reciprocal_deviation(m, set))) {
    std::tie(high, low) = slope::detail::in_two_parts<T>(m.mean[set]);
  }
};

/// What a set adds to its gradients, from the Σ h and Σ h·(x - mean) of its n elements: ∂x = r·(h - level - (x - mean)·tilt).
template <class T>
struct Pull {
  T level = 0, tilt = 0;
  Pull() = default;
  Pull(const Sums& sums, double r, const NormShape& shape) {
    const auto n = static_cast<double>(shape.set_size());
    if (shape.centred) level = static_cast<T>(sums.first / n);
    tilt = static_cast<T>(sums.second == 0 ? 0 : sums.second / n * r * r);
  }
};

/// Σ g and Σ g·d over lanes; where g is 0 it adds 0 whatever d is.
template <class V, class Sum>
struct Products {
  Sum first[2], second[2];
  template <class K>
  void add(const V& g, const V& d, K k) {
    first[k].add(g);
    second[k].add_product(g, where(g == 0, V(0), d));
  }
  Sums total() {
    first[0].add(first[1]);
    second[0].add(second[1]);
    return {first[0].total(), second[0].total()};
  }
};

}  // namespace slope::norm_kernels
