#pragma once

#include "slope/autograd/kernels/pointwise/formula.h"
#include "slope/autograd/kernels/pointwise/grain.h"
#include "slope/autograd/kernels/pointwise/partials.h"

/// The functions that formulas may use, as formulas themselves: each once, with its derivative under it. Lanes evaluate them, dual numbers chain
/// them, and the Tensor operations of the same names are made of them.
namespace slope::formula {

inline constexpr double ln2 = 0.693147180559945309417232121458, ln10 = 2.302585092994045684017991454684,
                        two_over_sqrt_pi = 1.128379167095512573896158903122, square_hides_one = 1e9;

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

template <class A, class B, class C>
  requires(detail::is_dual<A> || detail::is_dual<B> || detail::is_dual<C>)
auto fma(const A& a, const B& b, const C& c) {
  return a * b + c;
}

}  // namespace slope
