// Elementary functions on the native vectors of one instruction set: SLEEF's where they serve, ours where faster or more exact.
// Included by lanes-target.h once per set.
#if !defined(SLOPE_SIMD_NAMESPACE)
#include "slope/autograd/kernels/lanes.h"
#else

#include "slope/autograd/kernels/lanes-sleef.h"

namespace slope::simd::SLOPE_SIMD_NAMESPACE::math {

using native::splat;
using native::VecD;
using native::VecF;
using native::VecI32;
using native::VecI64;

using sleef::acos;
using sleef::asin;
using sleef::atan;
using sleef::atan2;
using sleef::atanh;
using sleef::cos;
using sleef::erfc;
using sleef::exp2;
using sleef::log10;
using sleef::log2;
using sleef::pow;
using sleef::sin;
using sleef::tan;

}  // namespace slope::simd::SLOPE_SIMD_NAMESPACE::math

#if SLOPE_SIMD_LEVEL > 0
#include "slope/autograd/kernels/lanes-double.h"
#include "slope/autograd/kernels/lanes-float.h"
#endif

namespace slope::simd::SLOPE_SIMD_NAMESPACE::math {

#if SLOPE_SIMD_LEVEL > 0
SLOPE_VEC VecD erf(VecD x) { return sleef::erf(x); }
SLOPE_VEC VecD expm1(VecD x) { return sleef::expm1(x); }
SLOPE_VEC VecD tanh(VecD x) { return sleef::tanh(x); }
#else
using sleef::erf;
using sleef::exp;
using sleef::expm1;
using sleef::log;
using sleef::tanh;
#endif

// SLEEF's log1p is infinite near the end of the range, where 1 + x is x.
SLOPE_VEC VecD log1p(VecD x) {
  const VecD r = sleef::log1p(x);
  const VecI64 large = (VecI64)(x > 1e300);
  return native::lane_bits(large) != 0 ? (large ? log(x) : r) : r;
}
#if SLOPE_SIMD_LEVEL == 0
SLOPE_VEC VecF log1p(VecF x) {
  const VecF r = sleef::log1p(x);
  const VecI32 large = (VecI32)(x > 1e30F);
  return native::lane_bits(large) != 0 ? (large ? log(x) : r) : r;
}
#endif

// exp(-|x|) does not overflow, and the branch keeps small results relatively accurate.
SLOPE_VEC VecD sigmoid(VecD x) {
  const VecD e = exp(-native::abs(x));
  return (x < 0.0 ? e : splat(1.0)) / (1.0 + e);
}
#if SLOPE_SIMD_LEVEL == 0
SLOPE_VEC VecF sigmoid(VecF x) { return native::narrow(sigmoid(native::widen_low(x)), sigmoid(native::widen_high(x))); }
#endif

SLOPE_VEC VecD softplus(VecD x) { return native::at_least(x, 0.0) + log1p(exp(-native::abs(x))); }
#if SLOPE_SIMD_LEVEL == 0
SLOPE_VEC VecF softplus(VecF x) { return native::at_least(x, 0.0F) + log1p(exp(-native::abs(x))); }
#endif

// Close to overflow SLEEF's sinh and cosh are infinite. There they are exp(|x|) / 2 = c exp(|x| - a), with an a that subtracts
// exactly and a c = exp(a) / 2 that hardly needs rounding.
SLOPE_VEC VecF half_exp(VecF x) { return 0x1.705ef8p+0F * exp(x - 0x1.0e9b80p+0F); }
SLOPE_VEC VecD half_exp(VecD x) { return 0x1.5bf0a8bd8e017p+0 * exp(x - 0x1.0000000909a00p+0); }
SLOPE_VEC VecI32 near_overflow(VecF x) { return (VecI32)(native::abs(x) > 80.0F); }
SLOPE_VEC VecI64 near_overflow(VecD x) { return (VecI64)(native::abs(x) > 700.0); }

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
SLOPE_VEC VecI32 square_overflows(VecF x) { return (VecI32)(native::abs(x) > 1e18F); }
SLOPE_VEC VecI64 square_overflows(VecD x) { return (VecI64)(native::abs(x) > 1e150); }
template <class V>
SLOPE_VEC V log_twice(V x) {
  return log(native::abs(x)) + native::splat_like(x, 0x1.62e42fefa39efp-1);
}

template <class V>
SLOPE_VEC V asinh(V x) {
  const V r = sleef::asinh(x);
  const auto large = square_overflows(x);
  if (native::lane_bits(large) == 0) return r;
  return large ? native::with_sign_of(log_twice(x), x) : r;
}
template <class V>
SLOPE_VEC V acosh(V x) {
  const V r = sleef::acosh(x);
  const auto large = square_overflows(x) & (x > V{});
  if (native::lane_bits(large) == 0) return r;
  return large ? log_twice(x) : r;
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
  r = native::with_sign_of(r < V{} ? r + b : r, x);
  const V limit = native::splat_like(x, sizeof(x[0]) == 4 ? 0x1p22 : 0x1p51);
  const decltype(native::bits(x)) hard = ~((q < limit) & (b < native::splat_like(x, __builtin_inf())));
#else
  V r = x;
  const decltype(native::bits(x)) hard = ~(native::bits(x) ^ native::bits(x));
#endif
  if (native::lane_bits(hard) != 0) fmod_lanes(r, x, y, hard);
  return r;
}

}  // namespace slope::simd::SLOPE_SIMD_NAMESPACE::math

#endif
