// Our own exp, log and log1p in double, for the sets with fused multiply-add; they are inlined into the kernel.
// Included by lanes-target.h.
//
// Errors stay below 1 ULP (tools/ulp_sweep --type f64); polynomials come from tools/minimax.py.
#if !defined(SLOPE_SIMD_NAMESPACE)
#include "slope/autograd/kernels/simd/lanes.h"
#else

namespace slope::simd::SLOPE_SIMD_NAMESPACE::math {

using native::VecU64;

// 2^n for integral n, -1023 < n < 1024.
SLOPE_VEC VecD power_of_two(VecD n) {
  // Adding 1.5 * 2^52 leaves n in the low bits: AVX2 converts no 64-bit integers.
  return (VecD)(((VecU64)(n + 0x1.8p52) << 52) + 0x3ff0000000000000U);
}

// x * 2^n for integral n of any size a double exponent can need; rounds once, also into the denormals.
SLOPE_VEC VecD scale(VecD x, VecD n) {
#if SLOPE_SIMD_LEVEL == 2
  return __builtin_ia32_scalefpd512_mask(x, n, x, (unsigned char)-1, 4);
#else
  const VecD half = native::round_to<1>(n * 0.5);
  return x * power_of_two(half) * power_of_two(n - half);
#endif
}

// exp(x) = 2^n exp(r), |r| <= ln2 / 2.
SLOPE_VEC VecD exp(VecD x) {
  x = native::at_most(native::at_least(x, -746.0), 710.0);
  const VecD n = native::round_to<0>(x * 0x1.71547652b82fep+0);
  const VecD r = native::fma(-n, splat(0x1.abc9e3b39803fp-56), native::fma(-n, splat(0x1.62e42fefa39efp-1), x));
  const VecD tail =
      native::pairs(r, r * r, 0x1.555555555555dp-3, 0x1.555555555556cp-5, 0x1.111111110e549p-7, 0x1.6c16c16c0a3f3p-10,
                    0x1.a01a01b5f5525p-13, 0x1.a01a01e8cf347p-16, 0x1.71ddeaa829e2ap-19, 0x1.27e449c52b617p-22,
                    0x1.af744ee61a00dp-26, 0x1.2051e439d79d9p-29);
  const VecD slope = native::fma(r, native::fma(r, tail, splat(0.5)), splat(1.0));
  return scale(native::fma(r, slope, splat(1.0)), n);
}

// log(x) for x = 2^e (1 + f + rest), f in [-1/4, 1/2], by s = f / (2 + f): log(1 + f) = 2 s + s z p(z), z = s^2, where
// 2 s = f - s f keeps the exact f in front. The upper part of ln2 has few enough bits for e times it to be exact.
SLOPE_VEC VecD log_from(VecD e, VecD f, VecD rest) {
  const VecD s = f / (2.0 + f);
  const VecD z = s * s;
  const VecD p =
      native::pairs(z, z * z, 0x1.555555555554fp-1, 0x1.999999999c187p-2, 0x1.24924921e32e4p-2, 0x1.c71c7490db949p-3,
                    0x1.745c4a958c2fap-3, 0x1.3b35c9feb4f12p-3, 0x1.0dcaf8560a86cp-3, 0x1.1b85c97d44d03p-3);
  const VecD half_square = 0.5 * f * f;
  const VecD low_part =
      native::fma(s, native::fma(z, p, half_square), native::fma(e, splat(0x1.ef35793c76730p-45), rest));
  return e * 0x1.62e42fefa3800p-1 - ((half_square - low_part) - f);
}

// What log makes of the classes of x: NaN for NaN and negatives, -inf for zeros, inf for inf, else r.
SLOPE_VEC VecD log_specials(VecD r, VecD x) {
#if SLOPE_SIMD_LEVEL == 2
  return __builtin_ia32_fixupimmpd512_mask(r, x, 0x03530422 - native::VecLongLong{}, 0, (unsigned char)-1, 4);
#else
  const VecD finite = x < __builtin_inf() ? r : x;
  return x > 0.0 ? finite : (x == 0.0 ? splat(-__builtin_inf()) : splat(__builtin_nan("")));
#endif
}

// Above these bits the exponent of 0.75 <= m < 1.5 begins.
constexpr std::uint64_t three_quarters_wide = 0x3fe8000000000000U;
// The exponent that stands above the mantissa of `bits`: offset to be positive, under the bits of 2^52.
SLOPE_VEC VecD exponent_of(VecU64 bits) {
  return (VecD)(((bits + 0x4000000000000000U) >> 52) | 0x4330000000000000U) - (0x1p52 + 1024.0);
}

SLOPE_VEC VecD log(VecD x) {
#if SLOPE_SIMD_LEVEL == 2
  const VecD m = __builtin_ia32_getmantpd512_mask(x, 0xB, x, (unsigned char)-1, 4);
  const VecD e = __builtin_ia32_getexppd512_mask(x, x, (unsigned char)-1, 4) -
                 __builtin_ia32_getexppd512_mask(m, m, (unsigned char)-1, 4);
#else
  const VecI64 tiny = native::less(x, splat(0x1p-1022));
  const VecU64 bits = (VecU64)(tiny ? x * 0x1p54 : x) - three_quarters_wide;
  const VecD m = (VecD)((bits & 0x000fffffffffffffU) + three_quarters_wide);
  const VecD e = exponent_of(bits) - (tiny ? splat(54.0) : VecD{});
#endif
  return log_specials(log_from(e, m - 1.0, VecD{}), x);
}

// log(1 + x): the exponent from 1 + x, the mantissa's distance from 1 from x itself, in two parts, so nothing is lost
// for small x.
SLOPE_VEC VecD log1p(VecD x) {
  const VecD u = 1.0 + x;
  const VecU64 bits = (VecU64)u - three_quarters_wide;
  // 4 / 2^e: 1 / 2^e would be denormal at the upper end.
  const VecD t = (VecD)(0x4010000000000000U - (bits & 0xfff0000000000000U));
  const VecD a = x * 0.25 * t;
  const VecD b = native::fma(t, splat(0.25), splat(-1.0));
  const VecD f = a + b;
  const VecD of_b = f - a;
  const VecD rest = (a - (f - of_b)) + (b - of_b);
  const VecD r = log_specials(log_from(exponent_of(bits), f, rest), u);
  return native::abs(x) < 1e-20 ? x : r;
}

// log(1 + e) for e in [0, 1]: 1 + e = 2^0 (1 + e) or 2^1 (1 + (e - 1) / 2).
SLOPE_VEC VecD log1p_unit(VecD e) {
  const VecI64 upper = native::less(splat(0.5), e);
  const VecD f = upper ? native::fma(e, splat(0.5), splat(-0.5)) : e;
  return log_from(upper ? splat(1.0) : VecD{}, f, VecD{});
}

}  // namespace slope::simd::SLOPE_SIMD_NAMESPACE::math

#endif
