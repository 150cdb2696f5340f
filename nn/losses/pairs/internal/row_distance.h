#pragma once

#include <cmath>
#include <limits>

#include "slope/autograd/ops/reduce/reduce.h"
#include "slope/nn/losses/shared/internal/row_loss.h"

/// Distances ‖u‖_p of rows u. Per p: what is added up, the distance made of the sum, and the slope by the elements of
/// u: first two numbers per row, which contain a factor, then an expression in them and u.
namespace slope::nn::detail {

/// A running maximum (minimum) of magnitudes in place of a sum.
template <class Isa, class T, bool Largest>
class RunningExtreme {
 public:
  using V = typename Isa::template Lanes<T>;
  void add(const V& v) { best_ = Largest ? maximum(best_, v) : minimum(best_, v); }
  double total() const {
    T lanes[V::size];
    best_.store(lanes);
    T best = lanes[0];
    for (const T v : lanes)
      if (v != v || (Largest ? v > best : v < best)) best = v;
    return static_cast<double>(best);
  }

 private:
  V best_ = V(Largest ? 0.0 : std::numeric_limits<double>::infinity());
};

inline double extreme_of(double a, double b, bool largest) { return a != a || (largest ? a > b : a < b) ? a : b; }

/// u = a - b + eps of two rows.
template <class T>
struct RowDifference {
  const T* a;
  const T* b;
  double eps;

  T operator[](std::int64_t i) const { return a[i] - b[i] + static_cast<T>(eps); }
  template <class Load>
  auto operator()(const Load& load) const {
    return of(load(a), load(b), eps);
  }
  template <class V>
  static V of(const V& a, const V& b, double eps) {
    return a - b + V(eps);
  }
};

/// p = 1: Σ|u|, slope sign(u).
struct Manhattan {
  static constexpr double outside = 0;
  static constexpr std::int64_t grain = grain_cheap;
  double p = 1;
  template <class Sum, class V>
  void add(Sum& sum, const V& u) const {
    sum.add(abs(u));
  }
  template <class T>
  double distance(double sum, std::int64_t, const RowDifference<T>&) const {
    return sum;
  }
  template <class Isa, class T>
  void slope(double, double factor, std::int64_t, const RowDifference<T>&, double* c) const {
    c[0] = factor;
    c[1] = 0;
  }
  template <class V>
  V along(const V& u, const V* c) const {
    return c[0] * sign(u);
  }
};

/// p = 2: √Σu², slope u/d.
struct Euclidean {
  static constexpr double outside = 0;
  static constexpr std::int64_t grain = grain_cheap;
  double p = 2;
  template <class Sum, class V>
  void add(Sum& sum, const V& u) const {
    sum.add_product(u, u);
  }
  template <class T>
  double distance(double sum, std::int64_t n, const RowDifference<T>& u) const {
    // Squares of float32 fit into double; those of float64 may not, and are then scaled.
    if (std::is_same_v<T, float> || (sum >= 1e-280 && sum <= 1e300) || sum != sum) return std::sqrt(sum);
    double largest = 0, scaled = 0;
    for (std::int64_t i = 0; i < n; ++i) largest = std::max<double>(largest, std::abs(u[i]));
    if (largest == 0 || std::isinf(largest)) return largest;
    for (std::int64_t i = 0; i < n; ++i) scaled += (u[i] / largest) * (u[i] / largest);
    return largest * std::sqrt(scaled);
  }
  template <class Isa, class T>
  void slope(double d, double factor, std::int64_t, const RowDifference<T>&, double* c) const {
    // 1/d of the smallest distances is no T: they are scaled up with u first.
    constexpr double smallest = std::is_same_v<T, float> ? 0x1p-100 : 0x1p-900,
                     up = std::is_same_v<T, float> ? 0x1p90 : 0x1p600;
    c[1] = d < smallest ? up : 1;
    c[0] = d == 0 ? 0 : factor / (d * c[1]);
  }
  template <class V>
  V along(const V& u, const V* c) const {
    return c[0] * (c[1] * u);
  }
};

/// p = ∞ (-∞): the largest (smallest) |u|; elements that are equal to it share the slope.
template <bool Largest>
struct Extreme {
  static constexpr double outside = Largest ? 0 : std::numeric_limits<double>::infinity();
  static constexpr std::int64_t grain = grain_cheap;
  double p = Largest ? std::numeric_limits<double>::infinity() : -std::numeric_limits<double>::infinity();
  template <class Isa, class T>
  using Accumulator = RunningExtreme<Isa, T, Largest>;
  static double combine(double a, double b) { return extreme_of(a, b, Largest); }
  template <class Sum, class V>
  void add(Sum& sum, const V& u) const {
    sum.add(abs(u));
  }
  template <class T>
  double distance(double sum, std::int64_t, const RowDifference<T>&) const {
    return sum;
  }
  template <class Isa, class T>
  void slope(double d, double factor, std::int64_t n, const RowDifference<T>& u, double* c) const {
    using V = typename Isa::template Lanes<T>;
    typename Isa::template WideSum<T> ties;
    simd::each_vector<V>(n, [&](const auto& load, const auto&, int count) {
      ties.add_n(where(abs(u(load)) == V(d), V(1), V(0)), count);
    });
    c[0] = ties.total() == 0 ? 0 : factor / ties.total();
    c[1] = d;
  }
  template <class V>
  V along(const V& u, const V* c) const {
    return where(abs(u) == c[1], c[0] * sign(u), V(0));
  }
};

/// Any other p but 0: (Σ|u|^p)^(1/p), slope sign(u)·(|u|/d)^(p-1).
struct Minkowski {
  static constexpr std::int64_t grain = grain_math;
  double p = 3, outside = 0;
  explicit Minkowski(double order) : p(order), outside(order > 0 ? 0 : std::numeric_limits<double>::infinity()) {}
  Minkowski() = default;
  template <class Sum, class V>
  void add(Sum& sum, const V& u) const {
    sum.add(pow(abs(u), p));
  }
  template <class T>
  double distance(double sum, std::int64_t n, const RowDifference<T>& u) const {
    constexpr double lowest = std::is_same_v<T, float> ? 1e-30 : 1e-280,
                     highest = std::is_same_v<T, float> ? 1e30 : 1e280;
    if ((sum >= lowest && sum <= highest) || sum != sum) return std::pow(sum, 1 / p);
    // By the element that counts most, so that no power leaves the range.
    double scale = outside, scaled = 0;
    for (std::int64_t i = 0; i < n; ++i) scale = extreme_of(static_cast<double>(std::abs(u[i])), scale, p > 0);
    if (scale == 0 || std::isinf(scale)) return scale;
    for (std::int64_t i = 0; i < n; ++i) scaled += std::pow(static_cast<double>(std::abs(u[i])) / scale, p);
    return scale * std::pow(scaled, 1 / p);
  }
  template <class Isa, class T>
  void slope(double d, double factor, std::int64_t, const RowDifference<T>&, double* c) const {
    c[0] = d == 0 ? 0 : factor;
    c[1] = d;
  }
  template <class V>
  V along(const V& u, const V* c) const {
    return c[0] * where(u == 0, V(0), copysign(pow(abs(u) / c[1], p - 1), u));
  }
};

/// p = 0: the number of elements that are not 0, slope 0.
struct Hamming {
  static constexpr double outside = 0;
  static constexpr std::int64_t grain = grain_cheap;
  double p = 0;
  template <class Sum, class V>
  void add(Sum& sum, const V& u) const {
    sum.add(where(u == 0, V(0), V(1)));
  }
  template <class T>
  double distance(double sum, std::int64_t, const RowDifference<T>&) const {
    return sum;
  }
  template <class Isa, class T>
  void slope(double, double, std::int64_t, const RowDifference<T>&, double* c) const {
    c[0] = c[1] = 0;
  }
  template <class V>
  V along(const V&, const V*) const {
    return V(0);
  }
};

/// Calls `f` with the distance of order p.
template <class F>
Tensor with_order(double p, const F& f) {
  if (p == 2) return f(Euclidean());
  if (p == 1) return f(Manhattan());
  if (p == 0) return f(Hamming());
  if (std::isinf(p)) return p > 0 ? f(Extreme<true>()) : f(Extreme<false>());
  return f(Minkowski(p));
}

/// Throws ValueError for an order that is NaN, ShapeError where rows of this shape are empty and the order needs an
/// element.
void require_order(const char* op, double p, const Shape& shape, SourceLoc loc);

}  // namespace slope::nn::detail
