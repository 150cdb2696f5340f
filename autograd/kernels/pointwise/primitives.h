#pragma once

#include "slope/autograd/kernels/pointwise/formula.h"

/// The vocabulary as formulas: each function once, with its derivative under it. Lanes evaluate them, dual numbers chain
/// them, and the Tensor operations of the same names are made of them.
namespace slope::formula {

inline constexpr double ln2 = 0.693147180559945309417232121458, ln10 = 2.302585092994045684017991454684,
                        two_over_sqrt_pi = 1.128379167095512573896158903122;

#define SLOPE_VALUE(expression)                 \
  template <class T>                            \
  constexpr auto operator()(const T& x) const { \
    return expression;                          \
  }
#define SLOPE_SLOPE(expression)                                                    \
  template <class T>                                                               \
  constexpr T d0([[maybe_unused]] const T& x, [[maybe_unused]] const T& y) const { \
    return T(expression);                                                          \
  }
#define SLOPE_UNARY_FORMULA(Name, function, slope_expression, ...) \
  struct Name {                                                    \
    static constexpr const char* name = #Name;                     \
    SLOPE_VALUE(function(x))                                       \
    SLOPE_SLOPE(slope_expression)                                  \
    __VA_ARGS__                                                    \
  };
// The slope is 0 or 1 (or a share), and 0 lets nothing pass: also an infinite or NaN gradient ends there.
#define SLOPE_SELECTS static constexpr bool selects = true;

// clang-format off
SLOPE_UNARY_FORMULA(Neg, -, -1)
SLOPE_UNARY_FORMULA(Abs, abs, sign(x))
SLOPE_UNARY_FORMULA(Sign, sign, 0, SLOPE_SELECTS)
SLOPE_UNARY_FORMULA(Floor, floor, 0, SLOPE_SELECTS)
SLOPE_UNARY_FORMULA(Ceil, ceil, 0, SLOPE_SELECTS)
SLOPE_UNARY_FORMULA(Trunc, trunc, 0, SLOPE_SELECTS)
SLOPE_UNARY_FORMULA(Round, round, 0, SLOPE_SELECTS)
SLOPE_UNARY_FORMULA(Sqrt, sqrt, 0.5 / y)
SLOPE_UNARY_FORMULA(Rsqrt, rsqrt, -0.5 * (y * (y * y)))
SLOPE_UNARY_FORMULA(Reciprocal, reciprocal, -(y * y))
SLOPE_UNARY_FORMULA(Square, square, 2.0 * x)
SLOPE_UNARY_FORMULA(Exp, exp, y)
SLOPE_UNARY_FORMULA(Exp2, exp2, y * ln2)
SLOPE_UNARY_FORMULA(Expm1, expm1, y + 1.0)
SLOPE_UNARY_FORMULA(Log, log, 1.0 / x)
SLOPE_UNARY_FORMULA(Log2, log2, 1.0 / (x * ln2))
SLOPE_UNARY_FORMULA(Log10, log10, 1.0 / (x * ln10))
SLOPE_UNARY_FORMULA(Log1p, log1p, 1.0 / (x + 1.0))
SLOPE_UNARY_FORMULA(Sin, sin, cos(x))
SLOPE_UNARY_FORMULA(Cos, cos, -sin(x))
SLOPE_UNARY_FORMULA(Tan, tan, 1.0 + y * y)
SLOPE_UNARY_FORMULA(Asin, asin, rsqrt(1.0 - x * x))
SLOPE_UNARY_FORMULA(Acos, acos, -rsqrt(1.0 - x * x))
SLOPE_UNARY_FORMULA(Atan, atan, 1.0 / (1.0 + x * x))
SLOPE_UNARY_FORMULA(Sinh, sinh, cosh(x))
SLOPE_UNARY_FORMULA(Cosh, cosh, sinh(x))
SLOPE_UNARY_FORMULA(Tanh, tanh, 1.0 - y * y)
SLOPE_UNARY_FORMULA(Asinh, asinh, rsqrt(x * x + 1.0))
SLOPE_UNARY_FORMULA(Acosh, acosh, rsqrt(x * x - 1.0))
SLOPE_UNARY_FORMULA(Atanh, atanh, 1.0 / (1.0 - x * x))
SLOPE_UNARY_FORMULA(Erf, erf, two_over_sqrt_pi * exp(-(x * x)))
SLOPE_UNARY_FORMULA(Erfc, erfc, -two_over_sqrt_pi * exp(-(x * x)))
SLOPE_UNARY_FORMULA(Sigmoid, sigmoid, y * (1.0 - y))
// σ(-x), not 1-σ(x), which rounds to 0 far before the value does.
SLOPE_UNARY_FORMULA(LogSigmoid, logsigmoid, sigmoid(-x))
SLOPE_UNARY_FORMULA(Softplus1, softplus1, sigmoid(x))
// clang-format on

#undef SLOPE_UNARY_FORMULA
#undef SLOPE_VALUE
#undef SLOPE_SLOPE

#define SLOPE_BINARY_FORMULA(Name, value_expression, slope0, slope1, ...)                                         \
  struct Name {                                                                                                   \
    static constexpr const char* name = #Name;                                                                    \
    template <class T>                                                                                            \
    constexpr T operator()(const T& a, const T& b) const {                                                        \
      return value_expression;                                                                                    \
    }                                                                                                             \
    template <class T>                                                                                            \
    constexpr T d0([[maybe_unused]] const T& a, [[maybe_unused]] const T& b, [[maybe_unused]] const T& y) const { \
      return T(slope0);                                                                                           \
    }                                                                                                             \
    template <class T>                                                                                            \
    constexpr T d1([[maybe_unused]] const T& a, [[maybe_unused]] const T& b, [[maybe_unused]] const T& y) const { \
      return T(slope1);                                                                                           \
    }                                                                                                             \
    __VA_ARGS__                                                                                                   \
  };

SLOPE_BINARY_FORMULA(Add, a + b, 1, 1)
SLOPE_BINARY_FORMULA(Sub, a - b, 1, -1)
SLOPE_BINARY_FORMULA(Mul, a* b, b, a)
SLOPE_BINARY_FORMULA(Div, a / b, 1.0 / b, -(a / b) / b)
// At a tie each side takes half, so that the two sum to the derivative of the common value.
SLOPE_BINARY_FORMULA(Maximum, maximum(a, b), where(a > b, T(1), where(a == b, T(0.5), T(0))),
                     where(b > a, T(1), where(a == b, T(0.5), T(0))), SLOPE_SELECTS)
SLOPE_BINARY_FORMULA(Minimum, minimum(a, b), where(a < b, T(1), where(a == b, T(0.5), T(0))),
                     where(b < a, T(1), where(a == b, T(0.5), T(0))), SLOPE_SELECTS)
SLOPE_BINARY_FORMULA(Pow, pow(a, b), where(b == 0.0, T(0), b* pow(a, b - 1.0)),
                     where((a == 0.0) & (b >= 0.0), T(0), y* log(a)))
SLOPE_BINARY_FORMULA(Atan2, atan2(a, b), b / (a * a + b * b), -a / (a * a + b * b))
SLOPE_BINARY_FORMULA(Copysign, copysign(a, b), sign(a) * sign(y), 0)
SLOPE_BINARY_FORMULA(Xlogy, xlogy(a, b), where((a == 0.0) & (b <= 0.0), T(0), log(b)), where(a == 0.0, T(0), a / b))
// Both remainders are a - b·q with q locally constant.
SLOPE_BINARY_FORMULA(Fmod, fmod(a, b), 1, -trunc(a / b))
SLOPE_BINARY_FORMULA(Remainder, remainder(a, b), 1, -floor(a / b))

#undef SLOPE_BINARY_FORMULA
#undef SLOPE_SELECTS

/// x^p for one exponent.
struct PowScalar {
  static constexpr const char* name = "Pow";
  double p = 2;
  template <class T>
  constexpr T operator()(const T& x) const {
    return pow(x, p);
  }
  template <class T>
  constexpr T d0(const T& x, const T&) const {
    if (p == 0) return T(0);
    if (p == 1) return T(1);
    return p * pow(x, p - 1);
  }
};

/// a + alpha·b.
struct AddScaled {
  static constexpr const char* name = "Add";
  double alpha = 1;
  template <class T>
  constexpr T operator()(const T& a, const T& b) const {
    return a + alpha * b;
  }
  template <class T>
  constexpr T d0(const T&, const T&, const T&) const {
    return T(1);
  }
  template <class T>
  constexpr T d1(const T&, const T&, const T&) const {
    return T(alpha);
  }
};

/// scale_cotangent as an operation, so that recorded backward passes keep the zero-cotangent rule to any order.
struct ScaleCotangent {
  static constexpr const char* name = "ScaleCotangent";
  template <class T>
  constexpr T operator()(const T& g, const T& d) const {
    return where(g == 0.0, T(0), g * d);
  }
  template <class T>
  constexpr T d0(const T&, const T& d, const T&) const {
    return d;
  }
  template <class T>
  constexpr T d1(const T& g, const T&, const T&) const {
    return g;
  }
};

}  // namespace slope::formula

// The chain rule for dual numbers, from the formulas above.
namespace slope {

#define SLOPE_DUAL_UNARY(function, Name)          \
  template <class V, int K>                       \
  Dual<V, K> function(const Dual<V, K>& a) {      \
    const formula::Name f;                        \
    const V y = f(a.x);                           \
    return Dual<V, K>::chain(y, a, f.d0(a.x, y)); \
  }
SLOPE_DUAL_UNARY(neg, Neg)
SLOPE_DUAL_UNARY(abs, Abs)
SLOPE_DUAL_UNARY(sign, Sign)
SLOPE_DUAL_UNARY(floor, Floor)
SLOPE_DUAL_UNARY(ceil, Ceil)
SLOPE_DUAL_UNARY(trunc, Trunc)
SLOPE_DUAL_UNARY(round, Round)
SLOPE_DUAL_UNARY(sqrt, Sqrt)
SLOPE_DUAL_UNARY(rsqrt, Rsqrt)
SLOPE_DUAL_UNARY(reciprocal, Reciprocal)
SLOPE_DUAL_UNARY(square, Square)
SLOPE_DUAL_UNARY(exp, Exp)
SLOPE_DUAL_UNARY(exp2, Exp2)
SLOPE_DUAL_UNARY(expm1, Expm1)
SLOPE_DUAL_UNARY(log, Log)
SLOPE_DUAL_UNARY(log2, Log2)
SLOPE_DUAL_UNARY(log10, Log10)
SLOPE_DUAL_UNARY(log1p, Log1p)
SLOPE_DUAL_UNARY(sin, Sin)
SLOPE_DUAL_UNARY(cos, Cos)
SLOPE_DUAL_UNARY(tan, Tan)
SLOPE_DUAL_UNARY(asin, Asin)
SLOPE_DUAL_UNARY(acos, Acos)
SLOPE_DUAL_UNARY(atan, Atan)
SLOPE_DUAL_UNARY(sinh, Sinh)
SLOPE_DUAL_UNARY(cosh, Cosh)
SLOPE_DUAL_UNARY(tanh, Tanh)
SLOPE_DUAL_UNARY(asinh, Asinh)
SLOPE_DUAL_UNARY(acosh, Acosh)
SLOPE_DUAL_UNARY(atanh, Atanh)
SLOPE_DUAL_UNARY(erf, Erf)
SLOPE_DUAL_UNARY(erfc, Erfc)
SLOPE_DUAL_UNARY(sigmoid, Sigmoid)
SLOPE_DUAL_UNARY(logsigmoid, LogSigmoid)
SLOPE_DUAL_UNARY(softplus1, Softplus1)
#undef SLOPE_DUAL_UNARY

#define SLOPE_DUAL_BINARY(function, Name)                                      \
  template <class V, int K>                                                    \
  Dual<V, K> function(const Dual<V, K>& a, const Dual<V, K>& b) {              \
    const formula::Name f;                                                     \
    const V y = f(a.x, b.x);                                                   \
    return Dual<V, K>::chain(y, a, f.d0(a.x, b.x, y), b, f.d1(a.x, b.x, y));   \
  }                                                                            \
  template <class V, int K>                                                    \
  Dual<V, K> function(const Dual<V, K>& a, const std::type_identity_t<V>& b) { \
    const formula::Name f;                                                     \
    const V y = f(a.x, b);                                                     \
    return Dual<V, K>::chain(y, a, f.d0(a.x, b, y));                           \
  }                                                                            \
  template <class V, int K>                                                    \
  Dual<V, K> function(const std::type_identity_t<V>& a, const Dual<V, K>& b) { \
    const formula::Name f;                                                     \
    const V y = f(a, b.x);                                                     \
    return Dual<V, K>::chain(y, b, f.d1(a, b.x, y));                           \
  }
SLOPE_DUAL_BINARY(maximum, Maximum)
SLOPE_DUAL_BINARY(minimum, Minimum)
SLOPE_DUAL_BINARY(atan2, Atan2)
SLOPE_DUAL_BINARY(xlogy, Xlogy)
SLOPE_DUAL_BINARY(fmod, Fmod)
SLOPE_DUAL_BINARY(remainder, Remainder)
SLOPE_DUAL_BINARY(copysign, Copysign)
SLOPE_DUAL_BINARY(pow, Pow)
#undef SLOPE_DUAL_BINARY

template <class V, int K>
Dual<V, K> pow(const Dual<V, K>& a, double p) {
  const formula::PowScalar f{p};
  const V y = f(a.x);
  return Dual<V, K>::chain(y, a, f.d0(a.x, y));
}

template <class T>
inline constexpr bool is_dual = false;
template <class V, int K>
inline constexpr bool is_dual<Dual<V, K>> = true;
template <class A, class B, class C>
  requires(is_dual<A> || is_dual<B> || is_dual<C>)
auto fma(const A& a, const B& b, const C& c) {
  return a * b + c;
}

}  // namespace slope
