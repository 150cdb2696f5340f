#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

/// Readings of a formula besides the SIMD lanes: `Probe` finds out what a derivative mentions, `Dual` carries
/// derivatives along, `Int` evaluates on integers. All share the vocabulary of lanes.h.
///
/// A formula of N arguments is a functor `template <class T> T operator()(const T&...) const`. It may state its partial
/// derivatives as members d0, d1, ... `template <class T> T d0(const T&... args, const T& value) const`, by all arguments it
/// is differentiable by; without them they follow by the chain rule (partials.h). It may also have, for messages and the graph, `name` ("MseLoss"
/// makes the node MseLossBackward of the function mse_loss) and `arguments`; `differentiable`, the mask of the
/// arguments it has a derivative by; and `grain`, the number of elements worth a thread.
namespace slope {

class Tensor;

/// Stands for a value and records which arguments it was computed from (bit i: argument i, bit 7: the formula's value).
struct Probe {
  unsigned mask = 0;
  bool is_constant = false;
  double constant = 0;
  constexpr Probe() = default;
  template <class S>
    requires std::is_arithmetic_v<S>
  constexpr Probe(S c) : is_constant(true), constant(static_cast<double>(c)) {}
  static constexpr Probe argument(unsigned bit) {
    Probe p;
    p.mask = 1u << bit;
    return p;
  }
  static constexpr Probe of(const Probe& a, const Probe& b = Probe(0), const Probe& c = Probe(0)) {
    Probe p;
    p.mask = a.mask | b.mask | c.mask;
    return p;
  }
  friend constexpr Probe operator+(const Probe& a, const Probe& b) { return of(a, b); }
  friend constexpr Probe operator-(const Probe& a, const Probe& b) { return of(a, b); }
  friend constexpr Probe operator*(const Probe& a, const Probe& b) { return of(a, b); }
  friend constexpr Probe operator/(const Probe& a, const Probe& b) { return of(a, b); }
  friend constexpr Probe operator-(const Probe& a) { return of(a); }
  friend constexpr Probe operator<(const Probe& a, const Probe& b) { return of(a, b); }
  friend constexpr Probe operator<=(const Probe& a, const Probe& b) { return of(a, b); }
  friend constexpr Probe operator>(const Probe& a, const Probe& b) { return of(a, b); }
  friend constexpr Probe operator>=(const Probe& a, const Probe& b) { return of(a, b); }
  friend constexpr Probe operator==(const Probe& a, const Probe& b) { return of(a, b); }
  friend constexpr Probe operator!=(const Probe& a, const Probe& b) { return of(a, b); }
  friend constexpr Probe operator&(const Probe& a, const Probe& b) { return of(a, b); }
  friend constexpr Probe operator|(const Probe& a, const Probe& b) { return of(a, b); }
  friend constexpr Probe operator!(const Probe& a) { return of(a); }
  friend constexpr Probe where(const Probe& c, const Probe& a, const Probe& b) { return of(c, a, b); }
};

#define SLOPE_PROBE_UNARY(name, ...) \
  constexpr Probe name(const Probe& a) { return Probe::of(a); }
#define SLOPE_PROBE_BINARY(name) \
  constexpr Probe name(const Probe& a, const Probe& b) { return Probe::of(a, b); }
#define SLOPE_UNARY SLOPE_PROBE_UNARY
#include "slope/autograd/tensor/tensor-unary.h"
SLOPE_PROBE_UNARY(log1p_unit)
SLOPE_PROBE_UNARY(isnan)
SLOPE_PROBE_UNARY(isinf)
SLOPE_PROBE_UNARY(isfinite)
SLOPE_PROBE_BINARY(maximum)
SLOPE_PROBE_BINARY(minimum)
SLOPE_PROBE_BINARY(pow)
SLOPE_PROBE_BINARY(atan2)
SLOPE_PROBE_BINARY(fmod)
SLOPE_PROBE_BINARY(remainder)
SLOPE_PROBE_BINARY(xlogy)
SLOPE_PROBE_BINARY(copysign)
#undef SLOPE_PROBE_UNARY
#undef SLOPE_PROBE_BINARY

/// int64 with wrap-around arithmetic, for the formulas that integers share with floats.
struct Int {
  std::int64_t v = 0;
  constexpr Int() = default;
  template <class S>
    requires std::is_arithmetic_v<S>
  constexpr Int(S s) : v(static_cast<std::int64_t>(s)) {}
  static constexpr Int wrap(std::uint64_t u) { return Int(static_cast<std::int64_t>(u)); }
  constexpr std::uint64_t u() const { return static_cast<std::uint64_t>(v); }
  friend constexpr Int operator+(Int a, Int b) { return wrap(a.u() + b.u()); }
  friend constexpr Int operator-(Int a, Int b) { return wrap(a.u() - b.u()); }
  friend constexpr Int operator*(Int a, Int b) { return wrap(a.u() * b.u()); }
  friend constexpr Int operator-(Int a) { return wrap(0 - a.u()); }
  friend constexpr bool operator<(Int a, Int b) { return a.v < b.v; }
  friend constexpr bool operator<=(Int a, Int b) { return a.v <= b.v; }
  friend constexpr bool operator>(Int a, Int b) { return a.v > b.v; }
  friend constexpr bool operator>=(Int a, Int b) { return a.v >= b.v; }
  friend constexpr bool operator==(Int a, Int b) { return a.v == b.v; }
  friend constexpr bool operator!=(Int a, Int b) { return a.v != b.v; }
  friend constexpr Int where(bool c, Int a, Int b) { return c ? a : b; }
  friend constexpr Int neg(Int a) { return -a; }
  friend constexpr Int abs(Int a) { return a.v < 0 ? -a : a; }
  friend constexpr Int sign(Int a) { return (a.v > 0) - (a.v < 0); }
  friend constexpr Int square(Int a) { return a * a; }
  friend constexpr Int maximum(Int a, Int b) { return a.v < b.v ? b : a; }
  friend constexpr Int minimum(Int a, Int b) { return b.v < a.v ? b : a; }
  friend constexpr Int floor(Int a) { return a; }
  friend constexpr Int ceil(Int a) { return a; }
  friend constexpr Int trunc(Int a) { return a; }
  friend constexpr Int round(Int a) { return a; }
  friend constexpr Int relu(Int a) { return maximum(a, 0); }
};

/// a·d, but exactly 0 where a is 0 even if d is infinite or NaN: a zero cotangent stays zero through singular derivatives.
/// (Tensors have an operation of this name, formula::ScaleCotangent.)
template <class V>
  requires(!std::is_same_v<V, Tensor>)
V scale_cotangent(const V& a, const V& d) {
  return where(a == 0, V(0), a * d);
}

/// A value with its derivatives in K directions: forward-mode differentiation over lanes V.
template <class V, int K>
struct Dual {
  V x;
  V d[K];

  Dual() = default;
  Dual(const V& value) : x(value) {
    for (V& e : d) e = V(0);
  }
  template <class S>
    requires std::is_arithmetic_v<S>
  Dual(S value) : Dual(V(value)) {}
  /// The k-th direction itself.
  static Dual seed(const V& value, int k) {
    Dual r(value);
    r.d[k] = V(1);
    return r;
  }

  friend Dual operator+(const Dual& a, const Dual& b) {
    return linear(a.x + b.x, a, b, [](auto& p, auto& q) { return p + q; });
  }
  friend Dual operator+(const Dual& a, double b) { return with(a.x + b, a); }
  friend Dual operator+(double a, const Dual& b) { return with(a + b.x, b); }
  friend Dual operator+(const Dual& a, const V& b) { return with(a.x + b, a); }
  friend Dual operator+(const V& a, const Dual& b) { return with(a + b.x, b); }
  friend Dual operator-(const Dual& a, const Dual& b) {
    return linear(a.x - b.x, a, b, [](auto& p, auto& q) { return p - q; });
  }
  friend Dual operator-(const Dual& a, double b) { return with(a.x - b, a); }
  friend Dual operator-(const Dual& a, const V& b) { return with(a.x - b, a); }
  friend Dual operator-(double a, const Dual& b) { return scaled(a - b.x, b, V(-1)); }
  friend Dual operator-(const V& a, const Dual& b) { return scaled(a - b.x, b, V(-1)); }
  friend Dual operator-(const Dual& a) { return scaled(-a.x, a, V(-1)); }
  friend Dual operator*(const Dual& a, const Dual& b) {
    return linear(a.x * b.x, a, b, [&](auto& p, auto& q) { return p * b.x + a.x * q; });
  }
  friend Dual operator*(const Dual& a, double b) { return scaled(a.x * b, a, V(b)); }
  friend Dual operator*(const Dual& a, const V& b) { return scaled(a.x * b, a, b); }
  friend Dual operator*(double a, const Dual& b) { return scaled(a * b.x, b, V(a)); }
  friend Dual operator*(const V& a, const Dual& b) { return scaled(a * b.x, b, a); }
  friend Dual operator/(const Dual& a, const Dual& b) {
    const V r = V(1) / b.x, y = a.x / b.x;
    return linear(y, a, b, [&](auto& p, auto& q) { return scale_cotangent(p, r) - scale_cotangent(q, y * r); });
  }
  friend Dual operator/(const Dual& a, double b) { return scaled(a.x / b, a, V(1.0 / b)); }
  friend Dual operator/(const Dual& a, const V& b) { return chain(a.x / b, a, V(1) / b); }
  friend Dual operator/(double a, const Dual& b) { return V(a) / b; }
  friend Dual operator/(const V& a, const Dual& b) {
    const V y = a / b.x;
    return chain(y, b, -y / b.x);
  }
  friend Dual& operator+=(Dual& a, const Dual& b) { return a = a + b; }
  friend Dual& operator-=(Dual& a, const Dual& b) { return a = a - b; }
  friend Dual& operator*=(Dual& a, const Dual& b) { return a = a * b; }
  friend Dual& operator/=(Dual& a, const Dual& b) { return a = a / b; }

  friend auto operator<(const Dual& a, const Dual& b) { return a.x < b.x; }
  friend auto operator<=(const Dual& a, const Dual& b) { return a.x <= b.x; }
  friend auto operator>(const Dual& a, const Dual& b) { return a.x > b.x; }
  friend auto operator>=(const Dual& a, const Dual& b) { return a.x >= b.x; }
  friend auto operator==(const Dual& a, const Dual& b) { return a.x == b.x; }
  friend auto operator!=(const Dual& a, const Dual& b) { return a.x != b.x; }
  friend auto isnan(const Dual& a) { return isnan(a.x); }
  friend auto isinf(const Dual& a) { return isinf(a.x); }
  friend auto isfinite(const Dual& a) { return isfinite(a.x); }

  template <class M>
  friend Dual where(const M& mask, const Dual& a, const Dual& b) {
    Dual r;
    r.x = where(mask, a.x, b.x);
    for (int k = 0; k < K; ++k) r.d[k] = where(mask, a.d[k], b.d[k]);
    return r;
  }

  /// y with derivatives a.d · slope, safe where a.d is zero.
  static Dual chain(const V& y, const Dual& a, const V& slope) {
    Dual r;
    r.x = y;
    for (int k = 0; k < K; ++k) r.d[k] = scale_cotangent(a.d[k], slope);
    return r;
  }
  static Dual chain(const V& y, const Dual& a, const V& slope_a, const Dual& b, const V& slope_b) {
    Dual r;
    r.x = y;
    for (int k = 0; k < K; ++k) r.d[k] = scale_cotangent(a.d[k], slope_a) + scale_cotangent(b.d[k], slope_b);
    return r;
  }

 private:
  static Dual with(const V& y, const Dual& a) {
    Dual r = a;
    r.x = y;
    return r;
  }
  static Dual scaled(const V& y, const Dual& a, const V& factor) {
    Dual r;
    r.x = y;
    for (int k = 0; k < K; ++k) r.d[k] = a.d[k] * factor;
    return r;
  }
  template <class G>
  static Dual linear(const V& y, const Dual& a, const Dual& b, const G& combine) {
    Dual r;
    r.x = y;
    for (int k = 0; k < K; ++k) r.d[k] = combine(a.d[k], b.d[k]);
    return r;
  }
};

}  // namespace slope
