#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>

#include "slope/autograd/kernels/simd/internal/inline_call.h"
#include "slope/autograd/kernels/simd/lanes.h"

/// The vocabulary of lanes as a table beside trusted references, for `ulp_sweep` and the tests.
namespace slope::ulp {

/// What a result in T is judged against: float against double, double against long double.
template <class T>
using Wider = std::conditional_t<std::is_same_v<T, float>, double, long double>;

/// Distance between `got` and the exact value `want` in units in the last place of T at `want`.
///
/// Infinity where no rounding explains the result: one is NaN and the other not, a zero of the wrong sign, an infinity for a finite
/// value. Overflow is judged as if the exponent range went on: infinity stands for 2^max_exponent and everything above.
template <class T>
double distance(T got, Wider<T> want) {
  using W = Wider<T>;
  using Limits = std::numeric_limits<T>;
  constexpr double wrong = std::numeric_limits<double>::infinity();
  if (std::isnan(got) || std::isnan(want)) return std::isnan(got) && std::isnan(want) ? 0.0 : wrong;
  if (got == 0 && std::signbit(got) != std::signbit(want)) return wrong;
  W value = got;
  if (std::isinf(got)) {
    const W beyond = std::copysign(std::ldexp(W(1), Limits::max_exponent), W(got));
    if (got > 0 ? want >= beyond : want <= beyond) return 0.0;
    value = beyond;
  } else if (std::isinf(want)) {
    return wrong;
  }
  int exponent = Limits::min_exponent;
  if (want != 0) std::frexp(want, &exponent);
  exponent = std::clamp(exponent, Limits::min_exponent, Limits::max_exponent);
  return static_cast<double>(std::ldexp(std::fabs(value - want), Limits::digits - exponent));
}

/// A function of one argument: its lanes reading over an array, the reference, and the largest error allowed in ULP.
template <class T>
struct Unary {
  const char* name;
  void (*lanes)(const T* x, T* y, std::int64_t n);
  Wider<T> (*exact)(Wider<T> x);
  double bar;
};

template <class T>
struct Binary {
  const char* name;
  void (*lanes)(const T* x, const T* z, T* y, std::int64_t n);
  Wider<T> (*exact)(Wider<T> x, Wider<T> z);
  double bar;
};

/// Runs a formula over arrays with the instruction set in force, tails included, as any kernel does.
template <class T, class Formula>
void map(const Formula& formula, const T* x, T* y, std::int64_t n) {
  simd::dispatch([&](auto isa) {
    using V = typename decltype(isa)::template Lanes<T>;
    V r;
    std::int64_t i = 0;
    for (; i + V::size <= n; i += V::size) {
      SLOPE_INLINE_CALL r = formula(V::load(x + i));
      r.store(y + i);
    }
    const int rest = static_cast<int>(n - i);
    SLOPE_INLINE_CALL r = formula(V::load_n(x + i, rest));
    r.store_n(y + i, rest);
  });
}

template <class T, class Formula>
void map(const Formula& formula, const T* x, const T* z, T* y, std::int64_t n) {
  simd::dispatch([&](auto isa) {
    using V = typename decltype(isa)::template Lanes<T>;
    V r;
    std::int64_t i = 0;
    for (; i + V::size <= n; i += V::size) {
      SLOPE_INLINE_CALL r = formula(V::load(x + i), V::load(z + i));
      r.store(y + i);
    }
    const int rest = static_cast<int>(n - i);
    SLOPE_INLINE_CALL r = formula(V::load_n(x + i, rest), V::load_n(z + i, rest));
    r.store_n(y + i, rest);
  });
}

/// The remainder with the sign of the divisor.
template <class W>
W python_remainder(W a, W b) {
  const W r = std::fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

/// Any number as one in [0, 1].
template <class V>
V unit(const V& v) {
  return where(abs(v) <= 1, abs(v), 1);
}
inline double unit(double v) { return std::fabs(v) <= 1 ? std::fabs(v) : 1; }
inline long double unit(long double v) { return std::fabs(v) <= 1 ? std::fabs(v) : 1; }

template <class W>
W exact_log_cosh(W x) {
  const W a = std::fabs(x), m = std::expm1(-a);
  return a < 1 ? std::log1p(m * m / (2 * (1 + m))) : a + std::log1p(m + m * m / 2);
}

// One row per function: name, lanes formula, reference formula, bar for float and for double.
#define SLOPE_UNARY(name, formula, reference, float_bar, double_bar)                                        \
  Unary<T> {                                                                                                \
    name, [](const T* x, T* y, std::int64_t n) { map<T>([](const auto& v) { return formula; }, x, y, n); }, \
        [](Wider<T> v) -> Wider<T> { return reference; },                                                   \
        std::is_same_v<T, float> ? double(float_bar) : double(double_bar)                                   \
  }
#define SLOPE_UNARY_STD(name, float_bar, double_bar) SLOPE_UNARY(#name, name(v), std::name(v), float_bar, double_bar)
#define SLOPE_BINARY(name, formula, reference, float_bar, double_bar)               \
  Binary<T> {                                                                       \
    name,                                                                           \
        [](const T* x, const T* z, T* y, std::int64_t n) {                          \
          map<T>([](const auto& a, const auto& b) { return formula; }, x, z, y, n); \
        },                                                                          \
        [](Wider<T> a, Wider<T> b) -> Wider<T> { return reference; },               \
        std::is_same_v<T, float> ? double(float_bar) : double(double_bar)           \
  }

/// Every function of one argument.
template <class T>
std::span<const Unary<T>> unary_table() {
  using W = Wider<T>;
  static const Unary<T> table[] = {
      SLOPE_UNARY("neg", neg(v), -v, 0, 0),
      SLOPE_UNARY("abs", abs(v), std::fabs(v), 0, 0),
      SLOPE_UNARY("sign", sign(v),
                  v > 0   ? W(1)
                  : v < 0 ? W(-1)
                          : v + 0,
                  0, 0),
      SLOPE_UNARY("square", square(v), v * v, 0.5, 0.5),
      SLOPE_UNARY("reciprocal", reciprocal(v), 1 / v, 0.5, 0.501),
      SLOPE_UNARY_STD(floor, 0, 0),
      SLOPE_UNARY_STD(ceil, 0, 0),
      SLOPE_UNARY_STD(trunc, 0, 0),
      SLOPE_UNARY("round", round(v), std::nearbyint(v), 0, 0),
      SLOPE_UNARY_STD(sqrt, 0.5, 0.501),
      SLOPE_UNARY("rsqrt", rsqrt(v), 1 / std::sqrt(v), 1.5, 1.5),
      SLOPE_UNARY_STD(exp, 1, 1),
      SLOPE_UNARY_STD(exp2, 1, 1),
      SLOPE_UNARY_STD(expm1, 1, 1),
      SLOPE_UNARY_STD(log, 1, 1),
      SLOPE_UNARY_STD(log2, 1, 1),
      SLOPE_UNARY_STD(log10, 1, 1),
      SLOPE_UNARY_STD(log1p, 1, 1),
      SLOPE_UNARY("log1p_unit", log1p_unit(unit(v)), std::log1p(unit(v)), 1, 1),
      // + 0: the sign of a logarithm of 1 is not promised.
      SLOPE_UNARY("log_pair.of", log_pair(unit(v)).of + 0, std::log(unit(v)) + 0, 1.1, 1),
      SLOPE_UNARY("log_pair.rest", log_pair(unit(v)).rest + 0, std::log1p(-unit(v)) + 0, 1.1, 1),
      SLOPE_UNARY("log_cosh", log_cosh(v), exact_log_cosh(v), 2, 5),
      SLOPE_UNARY("tanh_log_cosh", log_cosh_slope(v), std::tanh(v), 2, 2),
      SLOPE_UNARY_STD(sin, 1, 1),
      SLOPE_UNARY_STD(cos, 1, 1),
      SLOPE_UNARY_STD(tan, 1, 1),
      SLOPE_UNARY_STD(asin, 1, 1),
      SLOPE_UNARY_STD(acos, 1, 1),
      SLOPE_UNARY_STD(atan, 1, 1),
      SLOPE_UNARY_STD(sinh, 2, 2),
      SLOPE_UNARY_STD(cosh, 2, 2),
      SLOPE_UNARY_STD(tanh, 2, 2),
      SLOPE_UNARY_STD(asinh, 2, 2),
      SLOPE_UNARY_STD(acosh, 2, 2),
      SLOPE_UNARY_STD(atanh, 2, 2),
      SLOPE_UNARY_STD(erf, 2, 2),
      SLOPE_UNARY_STD(erfc, 2, 2),
      SLOPE_UNARY("sigmoid", sigmoid(v), 1 / (1 + std::exp(-v)), 2, 2.5),
      SLOPE_UNARY("logsigmoid", logsigmoid(v), v < 0 ? v - std::log1p(std::exp(v)) : -std::log1p(std::exp(-v)), 2, 2.5),
      SLOPE_UNARY("softplus1", softplus1(v), v > 0 ? v + std::log1p(std::exp(-v)) : std::log1p(std::exp(v)), 2, 2.5),
      SLOPE_UNARY("pow_0", pow(v, 0), std::pow(v, W(0)), 0, 0),
      SLOPE_UNARY("pow_1", pow(v, 1), v, 0, 0),
      SLOPE_UNARY("pow_2", pow(v, 2), v * v, 0.5, 0.501),
      SLOPE_UNARY("pow_3", pow(v, 3), v * v * v, 1.5, 1.5),
      SLOPE_UNARY("pow_4", pow(v, 4), std::pow(v, W(4)), 2, 2),
      SLOPE_UNARY("pow_-1", pow(v, -1), 1 / v, 0.5, 0.501),
      SLOPE_UNARY("pow_-2", pow(v, -2), std::pow(v, W(-2)), 2, 2),
      SLOPE_UNARY("pow_0.5", pow(v, 0.5), std::pow(v, W(0.5)), 0.5, 0.501),
      SLOPE_UNARY("pow_2.5", pow(v, 2.5), std::pow(v, W(2.5)), 1, 2),
      SLOPE_UNARY("pow_-3", pow(v, -3), std::pow(v, W(-3)), 1, 2),
  };
  return table;
}

/// Every function of two arguments.
template <class T>
std::span<const Binary<T>> binary_table() {
  using W = Wider<T>;
  static const Binary<T> table[] = {
      SLOPE_BINARY("maximum", maximum(a, b), a > b || std::isnan(a) ? a : b, 0, 0),
      SLOPE_BINARY("minimum", minimum(a, b), a < b || std::isnan(a) ? a : b, 0, 0),
      SLOPE_BINARY("copysign", copysign(a, b), std::copysign(a, b), 0, 0),
      SLOPE_BINARY("atan2", atan2(a, b), std::atan2(a, b), 2, 2),
      SLOPE_BINARY("pow", pow(a, b), std::pow(a, b), 2, 2),
      SLOPE_BINARY("fmod", fmod(a, b), std::fmod(a, b), 0, 0),
      SLOPE_BINARY("remainder", remainder(a, b), python_remainder(a, b), 0.501, 0.501),
      SLOPE_BINARY("xlogy", xlogy(a, b), a == 0 && !std::isnan(b) ? W(0) : a * std::log(b), 2, 2),
  };
  return table;
}

#undef SLOPE_UNARY
#undef SLOPE_UNARY_STD
#undef SLOPE_BINARY

}  // namespace slope::ulp
