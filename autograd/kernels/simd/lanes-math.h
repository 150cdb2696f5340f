// Elementary functions on the native vectors of one instruction set: SLEEF's where they serve, ours where faster or more exact.
// Included by lanes-target.h once per set.
#if !defined(SLOPE_SIMD_NAMESPACE)
#include "slope/autograd/kernels/simd/lanes.h"
#else

#include "slope/autograd/kernels/simd/lanes-sleef.h"

namespace slope::simd::SLOPE_SIMD_NAMESPACE::math {

using native::splat;
using native::sqrt;
using native::VecD;
using native::VecF;
using native::VecI32;
using native::VecI64;

using sleef::acos;
using sleef::asin;
using sleef::atan;
using sleef::atan2;
using sleef::atanh;
using sleef::erfc;
using sleef::exp2;
using sleef::log10;
using sleef::log2;

/// To the nearest integer, halves to even.
template <class V>
SLOPE_VEC V round(V x) {
  return native::template round_to<0>(x);
}
template <class V>
SLOPE_VEC V floor(V x) {
  return native::template round_to<1>(x);
}
template <class V>
SLOPE_VEC V ceil(V x) {
  return native::template round_to<2>(x);
}
template <class V>
SLOPE_VEC V trunc(V x) {
  return native::template round_to<3>(x);
}

}  // namespace slope::simd::SLOPE_SIMD_NAMESPACE::math

#if SLOPE_SIMD_LEVEL > 0
#include "slope/autograd/kernels/simd/lanes-double.h"
#include "slope/autograd/kernels/simd/lanes-float.h"
#endif

namespace slope::simd::SLOPE_SIMD_NAMESPACE::math {

#if SLOPE_SIMD_LEVEL > 0
SLOPE_VEC VecD erf(VecD x) { return sleef::erf(x); }
SLOPE_VEC VecD expm1(VecD x) { return sleef::expm1(x); }
SLOPE_VEC VecD tanh(VecD x) { return sleef::tanh(x); }
#else
using sleef::erf;
using sleef::expm1;
using sleef::log;
using sleef::tanh;
SLOPE_VEC VecF exp(VecF x) { return sleef::exp(x); }
// Infinite a little too early: the last stretch is e exp(x - 1), with numbers near 1 and e that hardly need rounding.
SLOPE_VEC VecD exp(VecD x) {
  const VecD r = sleef::exp(x);
  const VecI64 large = native::less(splat(709.0), x);
  if (native::lane_bits(large) == 0) return r;
  return large ? 0x1.5bf0a8bd8e017p+1 * sleef::exp(x - 0x1.0000000909a00p+0) : r;
}
#endif

// r = f(x) with f(x) = x for tiny x, where SLEEF loses the last denormal.
template <class V>
SLOPE_VEC V keep_tiny(V r, V x) {
  return native::less(native::abs(x), native::splat_like(x, 1e-20)) ? x : r;
}

// SLEEF's log1p is infinite near the end of the range, where 1 + x is x.
template <class V>
SLOPE_VEC V log1p_by_call(V x) {
  const V r = keep_tiny(sleef::log1p(x), x);
  const auto large = native::less(native::splat_like(x, sizeof(x[0]) == 4 ? 1e30 : 1e300), x);
  return native::lane_bits(large) != 0 ? (large ? log(x) : r) : r;
}
#if SLOPE_SIMD_LEVEL == 0
SLOPE_VEC VecD log1p(VecD x) { return log1p_by_call(x); }
SLOPE_VEC VecF log1p(VecF x) { return log1p_by_call(x); }
SLOPE_VEC VecD log1p_unit(VecD e) { return log1p(e); }
SLOPE_VEC VecF log1p_unit(VecF e) { return log1p(e); }
#endif

// exp(-|x|) does not overflow, and the branch keeps small results relatively accurate.
SLOPE_VEC VecD sigmoid(VecD x) {
  const VecD e = exp(-native::abs(x));
  return (x < 0.0 ? e : splat(1.0)) / (1.0 + e);
}
#if SLOPE_SIMD_LEVEL == 0
SLOPE_VEC VecF sigmoid(VecF x) { return native::narrow(sigmoid(native::widen_low(x)), sigmoid(native::widen_high(x))); }
#endif

SLOPE_VEC VecD softplus(VecD x) { return native::at_least(x, 0.0) + log1p_unit(exp(-native::abs(x))); }
SLOPE_VEC VecF softplus(VecF x) { return native::at_least(x, 0.0F) + log1p_unit(exp(-native::abs(x))); }

// log(p) and log(1 - p) for p in [0, 1].
struct LogPairD {
  VecD of, rest;
};
SLOPE_VEC LogPairD log_pair(VecD p) { return {log(p), log1p(-p)}; }
#if SLOPE_SIMD_LEVEL == 0
struct LogPairF {
  VecF of, rest;
};
SLOPE_VEC LogPairF log_pair(VecF p) { return {log(p), log1p(-p)}; }
#endif

// With a = |x| and m = e^-a - 1: cosh a - 1 = m^2 / (2 (1 + m)), which is small for small a, and e^-a cosh a - 1 = m + m^2 / 2, which is
// never large.
SLOPE_VEC VecD log_cosh(VecD x) {
  const VecD a = native::abs(x), m = expm1(-a), half = 0.5 * (m * m);
  const VecI64 is_small = native::less(a, splat(1.0));
  return (is_small ? VecD{} : a) + log1p(is_small ? half / (1.0 + m) : m + half);
}
SLOPE_VEC VecD log_cosh_slope(VecD x) { return tanh(x); }
#if SLOPE_SIMD_LEVEL == 0
SLOPE_VEC VecF log_cosh(VecF x) {
  return native::narrow(log_cosh(native::widen_low(x)), log_cosh(native::widen_high(x)));
}
SLOPE_VEC VecF log_cosh_slope(VecF x) { return tanh(x); }
#endif

// Close to overflow SLEEF's sinh and cosh are infinite. There they are exp(|x|) / 2 = c exp(|x| - a), with an a that subtracts
// exactly and a c = exp(a) / 2 that hardly needs rounding.
SLOPE_VEC VecF half_exp(VecF x) { return 0x1.705ef8p+0F * exp(x - 0x1.0e9b80p+0F); }
SLOPE_VEC VecD half_exp(VecD x) { return 0x1.5bf0a8bd8e017p+0 * exp(x - 0x1.0000000909a00p+0); }
SLOPE_VEC VecI32 near_overflow(VecF x) { return native::less(splat(80.0F), native::abs(x)); }
SLOPE_VEC VecI64 near_overflow(VecD x) { return native::less(splat(700.0), native::abs(x)); }

template <class V>
SLOPE_VEC V sinh(V x) {
  const V r = sleef::sinh(x);
  const auto large = near_overflow(x);
  if (native::lane_bits(large) == 0) return r;
  return large ? native::with_sign_of(half_exp(native::abs(x)), x) : r;
}
template <class V>
SLOPE_VEC V cosh(V x) {
  const V r = sleef::cosh(x);
  const auto large = near_overflow(x);
  if (native::lane_bits(large) == 0) return r;
  return large ? half_exp(native::abs(x)) : r;
}

// SLEEF squares the argument. Where that would overflow asinh and acosh are log(2 |x|).
SLOPE_VEC VecI32 square_overflows(VecF x) { return native::less(splat(1e18F), native::abs(x)); }
SLOPE_VEC VecI64 square_overflows(VecD x) { return native::less(splat(1e150), native::abs(x)); }
template <class V>
SLOPE_VEC V log_twice(V x) {
  return log(native::abs(x)) + native::splat_like(x, 0x1.62e42fefa39efp-1);
}

template <class V>
SLOPE_VEC V asinh(V x) {
  const V r = keep_tiny(sleef::asinh(x), x);
  const auto large = square_overflows(x);
  if (native::lane_bits(large) == 0) return r;
  return large ? native::with_sign_of(log_twice(x), x) : r;
}
template <class V>
SLOPE_VEC V acosh(V x) {
  const V r = sleef::acosh(x);
  const auto large = square_overflows(x) & native::less(V{}, x);
  if (native::lane_bits(large) == 0) return r;
  return large ? log_twice(x) : r;
}

// SLEEF takes its shortcuts for small arguments when all lanes are small, so a lane's last bit would hang on its neighbours. Here each
// call sees lanes of one kind only, the others replaced by a value of that kind.
template <class V, class Function>
SLOPE_VEC V by_magnitude(V x, const Function& function, double small_limit, double medium_limit, double some_large) {
  const V a = native::abs(x);
  const auto is_small = native::less(a, native::splat_like(x, small_limit));
  if (native::lane_bits(~is_small) == 0) return function(x);
  const auto is_medium = native::less(a, native::splat_like(x, medium_limit)) & ~is_small;
  const auto is_large = ~(is_small | is_medium);
  V r = x;
  if (native::lane_bits(is_small) != 0) r = is_small ? function(is_small ? x : V{}) : r;
  if (native::lane_bits(is_medium) != 0)
    r = is_medium ? function(is_medium ? x : native::splat_like(x, 2 * small_limit)) : r;
  if (native::lane_bits(is_large) != 0) r = is_large ? function(is_large ? x : native::splat_like(x, some_large)) : r;
  return r;
}

struct CallSin {
  template <class V>
  SLOPE_VEC V operator()(V x) const {
    return sleef::sin(x);
  }
};
struct CallCos {
  template <class V>
  SLOPE_VEC V operator()(V x) const {
    return sleef::cos(x);
  }
};
struct CallTan {
  template <class V>
  SLOPE_VEC V operator()(V x) const {
    return keep_tiny(sleef::tan(x), x);
  }
};
template <class Function>
SLOPE_VEC VecF trigonometric(VecF x) {
  return by_magnitude(x, Function{}, 125.0, 125.0, 1e30);
}
template <class Function>
SLOPE_VEC VecD trigonometric(VecD x) {
  return by_magnitude(x, Function{}, 15.0, 1e14, 1e300);
}
template <class V>
SLOPE_VEC V sin(V x) {
  return trigonometric<CallSin>(x);
}
template <class V>
SLOPE_VEC V cos(V x) {
  return trigonometric<CallCos>(x);
}
template <class V>
SLOPE_VEC V tan(V x) {
  return trigonometric<CallTan>(x);
}

// SLEEF's pow is infinite in the last millionth before overflow: there it is pow(|x|, y / 2)^2.
template <class V>
SLOPE_VEC V pow(V x, V y) {
  const V r = sleef::pow(x, y);
  const V infinity = native::splat_like(x, __builtin_inf());
  const auto finite = native::less(native::abs(x), infinity) & native::less(native::abs(y), infinity);
  const auto suspect = native::equal(native::abs(r), infinity) & finite & ~native::equal(x, V{});
  if (native::lane_bits(suspect) == 0) return r;
  const V root = sleef::pow(native::abs(x), y * native::splat_like(x, 0.5));
  return suspect ? native::with_sign_of(root * root, r) : r;
}

// The C library's fmod in the lanes of `mask`: exact whatever the ratio, and slow.
SLOPE_TARGET inline float fmod_exact(float x, float y) { return __builtin_fmodf(x, y); }
SLOPE_TARGET inline double fmod_exact(double x, double y) { return __builtin_fmod(x, y); }
template <class V, class Int>
SLOPE_TARGET inline __attribute__((noinline)) void fmod_lanes(V& r, const V& x, const V& y, const Int& mask) {
  for (int i = 0; i < (int)(sizeof(V) / sizeof(x[0])); ++i) {
    if (mask[i] != 0) r[i] = fmod_exact(x[i], y[i]);
  }
}

// x - y trunc(x / y), exact in one fused step while the quotient is an exact integer or one too large.
template <class V>
SLOPE_VEC V fmod(V x, V y) {
#if SLOPE_SIMD_LEVEL > 0
  const V a = native::abs(x), b = native::abs(y);
  const V q = native::template round_to<3>(a / b);
  V r = native::fma(-q, b, a);
  r = native::with_sign_of(native::less(r, V{}) ? r + b : r, x);
  const V limit = native::splat_like(x, sizeof(x[0]) == 4 ? 0x1p22 : 0x1p51);
  const auto hard = ~(native::less(q, limit) & native::less(b, native::splat_like(x, __builtin_inf())));
#else
  V r = x;
  const decltype(native::bits(x)) hard = ~(native::bits(x) ^ native::bits(x));
#endif
  if (native::lane_bits(hard) != 0) fmod_lanes(r, x, y, hard);
  return r;
}

}  // namespace slope::simd::SLOPE_SIMD_NAMESPACE::math

#endif
