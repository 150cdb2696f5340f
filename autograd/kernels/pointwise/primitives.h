#pragma once

#include "slope/autograd/kernels/pointwise/formula.h"
#include "slope/autograd/kernels/pointwise/grain.h"
#include "slope/autograd/kernels/pointwise/partials.h"

/// The functions that formulas may use, as formulas themselves: each once, with its derivative under it. Lanes evaluate them, dual numbers chain
/// them, and the Tensor operations of the same names are made of them.
namespace slope::formula {

inline constexpr double ln2 = 0.693147180559945309417232121458, ln10 = 2.302585092994045684017991454684,
                        two_over_sqrt_pi = 1.128379167095512573896158903122, square_hides_one = 1e9,
                        half_sqrt_pi = 0.886226925452758013649083741671,
                        inv_sqrt_2pi = 0.398942280401432677939946059934, pi = 3.14159265358979323846264338328;

/// The derivative of sin(πx)/(πx) near 0.
template <class T>
constexpr T sinc_slope(const T& x) {
  constexpr double terms[] = {-3.2898681336964528,     3.246969701133414,      -1.144510944732505,
                              0.20918278254123832,     -0.023460810354558225,  0.001781145516372851,
                              -9.7662231263189277e-05, 4.0499478466192413e-06, -1.3148481279991983e-07};
  const T s = x * x;
  T p(terms[8]);
  for (int i = 7; i >= 0; --i) p = T(p * s + terms[i]);
  return T(x * p);
}

// What the kinds of the table of unary functions add to a formula. `selects`: the slope is 0 or 1 (or a share), and 0 lets
// nothing pass; an infinite or NaN gradient ends there, too.
namespace kind {
struct real {};
struct exact {
  static constexpr bool integral = true;
  static constexpr std::int64_t grain = grain_cheap;
};
struct gate : exact {
  static constexpr bool selects = true;
};
}  // namespace kind

#define SLOPE_UNARY(function, Name, its_kind, value, slope, ...)                     \
  struct Name : kind::its_kind {                                                     \
    static constexpr const char* name = #Name;                                       \
    template <class T>                                                               \
    constexpr auto operator()(const T& x) const {                                    \
      return function(x);                                                            \
    }                                                                                \
    template <class T>                                                               \
    constexpr T d0([[maybe_unused]] const T& x, [[maybe_unused]] const T& y) const { \
      return T(slope);                                                               \
    }                                                                                \
  };
#include "slope/autograd/tensor/tensor-unary.h"

#define SLOPE_SELECTS static constexpr bool selects = true;
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

/// a/(a² + b²) without squares that overflow or underflow.
template <class T>
constexpr T atan2_slope(const T& a, const T& b) {
  const auto by_a = abs(a) >= abs(b);
  const T large = where(by_a, a, b), ratio = where(by_a, b, a) / large;
  return where(by_a, T(1), ratio) / (large * (1.0 + ratio * ratio));
}

/// √(a² + b²) without squares that overflow or underflow.
template <class T>
constexpr T hypotenuse(const T& a, const T& b) {
  const T x = abs(a), y = abs(b), large = maximum(x, y), ratio = minimum(x, y) / large;
  const T length = where(large == 0.0, T(0), large * sqrt(1.0 + ratio * ratio));
  return where(isinf(a) | isinf(b), T(__builtin_inf()), length);
}

// clang-format off
SLOPE_BINARY_FORMULA(Add, a + b, 1, 1)
SLOPE_BINARY_FORMULA(Sub, a - b, 1, -1)
SLOPE_BINARY_FORMULA(Mul, a * b, b, a)
SLOPE_BINARY_FORMULA(Div, a / b, 1.0 / b, -(a / b) / b)
// At a tie each side takes half, so that the two sum to the derivative of the common value.
SLOPE_BINARY_FORMULA(Maximum, maximum(a, b),
                     where(a > b, T(1), where(a == b, T(0.5), T(0))),
                     where(b > a, T(1), where(a == b, T(0.5), T(0))), SLOPE_SELECTS)
SLOPE_BINARY_FORMULA(Minimum, minimum(a, b),
                     where(a < b, T(1), where(a == b, T(0.5), T(0))),
                     where(b < a, T(1), where(a == b, T(0.5), T(0))), SLOPE_SELECTS)
SLOPE_BINARY_FORMULA(Pow, pow(a, b),
                     where(b == 0.0, T(0), b * pow(a, b - 1.0)),
                     where((a == 0.0) & (b >= 0.0), T(0), y * log(a)))
SLOPE_BINARY_FORMULA(Atan2, atan2(a, b), atan2_slope(b, a), -atan2_slope(a, b))
SLOPE_BINARY_FORMULA(Copysign, copysign(a, b), sign(a) * sign(y), 0)
SLOPE_BINARY_FORMULA(Xlogy, xlogy(a, b),
                     where((a == 0.0) & (b <= 0.0), T(0), log(b)),
                     where(a == 0.0, T(0), a / b))
// Where both are the same infinity the difference is NaN.
SLOPE_BINARY_FORMULA(Logaddexp, where(a == b, a + ln2, maximum(a, b) + log1p(exp(-abs(a - b)))),
                     where((a == b) & isinf(a), T(0.5), sigmoid(a - b)),
                     where((a == b) & isinf(a), T(0.5), sigmoid(b - a)))
SLOPE_BINARY_FORMULA(Logaddexp2, where(a == b, a + 1.0, maximum(a, b) + (1 / ln2) * log1p(exp2(-abs(a - b)))),
                     where((a == b) & isinf(a), T(0.5), sigmoid(ln2 * (a - b))),
                     where((a == b) & isinf(a), T(0.5), sigmoid(ln2 * (b - a))))
SLOPE_BINARY_FORMULA(Hypot, hypotenuse(a, b), where(y == 0.0, T(0), a / y), where(y == 0.0, T(0), b / y))
SLOPE_BINARY_FORMULA(Fmax, where(isnan(a), b, where(isnan(b), a, maximum(a, b))),
                     where((a >= b) | isnan(b), T(1), T(0)), where((a >= b) | isnan(b), T(0), T(1)), SLOPE_SELECTS)
SLOPE_BINARY_FORMULA(Fmin, where(isnan(a), b, where(isnan(b), a, minimum(a, b))),
                     where((a <= b) | isnan(b), T(1), T(0)), where((a <= b) | isnan(b), T(0), T(1)), SLOPE_SELECTS)
SLOPE_BINARY_FORMULA(Xlog1py, where((a == 0.0) & !isnan(b), T(0), a * log1p(b)),
                     where((a == 0.0) & (b <= -1.0), T(0), log1p(b)),
                     where(a == 0.0, T(0), a / (b + 1.0)))
SLOPE_BINARY_FORMULA(Heaviside, where(a == 0, b, where(a > 0, T(1), T(0))), 0, where(a == 0.0, T(1), T(0)), SLOPE_SELECTS)
SLOPE_BINARY_FORMULA(Ldexp, a * exp2(b), exp2(b), y * ln2)
// Both remainders are a - b·q with q locally constant.
SLOPE_BINARY_FORMULA(Fmod, fmod(a, b), 1, -trunc(a / b))
SLOPE_BINARY_FORMULA(Remainder, remainder(a, b), 1, -floor(a / b))
// clang-format on

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

/// The n-th derivative of digamma, n >= 1.
struct Polygamma {
  static constexpr const char* name = "Polygamma";
  int n = 1;
  template <class T>
  constexpr T operator()(const T& x) const {
    return polygamma(n, x);
  }
  template <class T>
  constexpr T d0(const T& x, const T&) const {
    return polygamma(n + 1, x);
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

/// scale_cotangent as an operation, so that recorded backward passes keep the zero-cotangent rule to any order. Its
/// derivative by g is d, but 0 where g is 0 and d is not finite: what comes back through a branch that was not selected
/// must not become infinite there, since other factors are 0.
struct ScaleCotangent {
  static constexpr const char* name = "ScaleCotangent";
  template <class T>
  constexpr T operator()(const T& g, const T& d) const {
    return where(g == 0.0, T(0), g * d);
  }
  template <class T>
  constexpr T d0(const T& g, const T& d, const T&) const {
    return where(g == 0.0, where(isfinite(d), d, T(0)), d);
  }
  template <class T>
  constexpr T d1(const T& g, const T&, const T&) const {
    return g;
  }
};

}  // namespace slope::formula

// The chain rule for dual numbers, from the formulas above.
namespace slope {

namespace detail {

/// σ'(x) = e^-|x| / (1 + e^-|x|)², which does not vanish before it has to.
template <class V>
V sigmoid_slope(const V& x) {
  const V e = exp(-abs(x)), r = 1.0 / (1.0 + e);
  return e * (r * r);
}

// Where the argument is at hand, the derivatives of tanh and sigmoid need not be those of the rounded value.
template <class F, class V>
V dual_slope(const F& f, const V& x, const V& y) {
  return f.d0(x, y);
}
template <class V>
V dual_slope(const formula::Sigmoid&, const V& x, const V&) {
  return sigmoid_slope(x);
}
template <class V>
V dual_slope(const formula::Tanh&, const V& x, const V&) {
  return 4.0 * sigmoid_slope(V(2.0 * x));  // tanh(x) = 2σ(2x) - 1
}

}  // namespace detail

#define SLOPE_UNARY(function, Name, ...)                           \
  template <class V, int K>                                        \
  Dual<V, K> function(const Dual<V, K>& a) {                       \
    const formula::Name f;                                         \
    const V y = f(a.x);                                            \
    return Dual<V, K>::chain(y, a, detail::dual_slope(f, a.x, y)); \
  }
#include "slope/autograd/tensor/tensor-unary.h"

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

template <class V, int K>
Dual<V, K> polygamma(int n, const Dual<V, K>& a) {
  return Dual<V, K>::chain(polygamma(n, a.x), a, polygamma(n + 1, a.x));
}

template <class A, class B, class C>
  requires(detail::is_dual<A> || detail::is_dual<B> || detail::is_dual<C>)
auto fma(const A& a, const B& b, const C& c) {
  return a * b + c;
}

}  // namespace slope
