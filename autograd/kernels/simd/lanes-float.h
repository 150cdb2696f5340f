// Our own exp, expm1, log, log1p, tanh and their kin in float, for the sets with fused multiply-add. Included by
// lanes-target.h.
//
// They are inlined into the kernel and take about a third of the time of a call. Errors (tools/ulp_sweep, all 2^32
// floats) stand at each function; polynomials come from tools/minimax.py.
#if !defined(SLOPE_SIMD_NAMESPACE)
#include "slope/autograd/kernels/simd/lanes.h"
#else

namespace slope::simd::SLOPE_SIMD_NAMESPACE::math {

using native::VecU32;

constexpr float log2_e = 0x1.715476p+0F;
constexpr float ln2 = 0x1.62e430p-1F;  // largest error 2^-29, harmless where log adds a multiple of it
constexpr float ln2_rest = -0x1.05c610p-29F;

// x * 2^n for integral n of any size a float exponent can need; rounds once, also into the denormals.
SLOPE_VEC VecF scale(VecF x, VecF n) {
#if SLOPE_SIMD_LEVEL == 2
  return __builtin_ia32_scalefps512_mask(x, n, x, (unsigned short)-1, 4);
#else
  const VecI32 whole = __builtin_convertvector(n, VecI32);
  const VecI32 half = whole >> 1;
  return x * (VecF)((half + 127) << 23) * (VecF)((whole - half + 127) << 23);
#endif
}

// x - n ln2, |n| <= 2^8.
SLOPE_VEC VecF less_ln2(VecF x, VecF n) { return native::fma(-n, splat(ln2_rest), native::fma(-n, splat(ln2), x)); }

// x / ln2 rounded to a whole number, |x| < 2^20: beside 1.5 2^23 a float has no room for a fraction.
SLOPE_VEC VecF whole_ln2(VecF x) {
  constexpr float no_fraction = 0x1.8p23F;
  return native::fma(x, splat(log2_e), splat(no_fraction)) - no_fraction;
}

// (exp(r) - 1) / r for |r| <= ln2 / 2.
SLOPE_VEC VecF exp_slope(VecF r) {
  return native::horner(r, 1.0, 0x1.fffffcp-2, 0x1.555482p-3, 0x1.555826p-5, 0x1.124492p-7, 0x1.6afe12p-10);
}

// exp(x) = 2^n exp(r), |r| <= ln2 / 2.
SLOPE_VEC VecF exp(VecF x) {
  x = native::at_most(native::at_least(x, -104.0F), 89.0F);
  const VecF n = whole_ln2(x);
  const VecF r = less_ln2(x, n);
  return scale(native::fma(r, exp_slope(r), splat(1.0F)), n);
}

// 2^-n for integral n in [-126, 128]; what is lost at 128 nobody misses.
SLOPE_VEC VecF inverse_power(VecF n) {
#if SLOPE_SIMD_LEVEL == 2
  return scale(splat(1.0F), -n);
#else
  const VecI32 exponent = 127 - __builtin_convertvector(n, VecI32);
  return (VecF)((exponent > 0 ? exponent : VecI32{}) << 23);
#endif
}

// (exp(r) - 1 - r) / r^2 for |r| <= 0.6.
SLOPE_VEC VecF expm1_tail(VecF r, VecF rr) {
  const VecF tail =
      native::pairs(r, rr, 0x1.55555ap-3, 0x1.55555cp-5, 0x1.110cd8p-7, 0x1.6c0f16p-10, 0x1.a48e48p-13, 0x1.a53f7cp-16);
  return native::fma(r, tail, splat(0.5F));
}

// exp(x) - 1 = 2^n (p + (1 - 2^-n)), p = exp(r) - 1. Around 0 n is 0 and p the result. Forcing that up to 0.5 keeps
// n = 1 away from arguments where p is large against the sum; further out the rounding of r^2 is felt: to 1.2 ULP
// at -0.58. Error 0.95 ULP.
SLOPE_VEC VecF expm1(VecF x) {
  const VecF y = native::at_most(native::at_least(x, -18.0F), 89.0F);
  const VecF n = native::abs(y) < 0.5F ? VecF{} : whole_ln2(y);
  const VecF r = less_ln2(y, n);
  const VecF rr = r * r;
  const VecF inverse = inverse_power(n);
  const VecF c = 1.0F - inverse;
  const VecF lost = (1.0F - c) - inverse;
  const VecF p = r + native::fma(rr, expm1_tail(r, rr), lost);
  return native::with_sign_of(scale(c + p, n), x);
}

// The bits of x minus those of 0.75: the upper part is then e of x = 2^e m, 0.75 <= m < 1.5.
constexpr std::uint32_t three_quarters = 0x3f400000U;
SLOPE_VEC VecI32 less_three_quarters(VecF x) { return (VecI32)((VecU32)x - three_quarters); }

// (log(1 + f) - f) / f^2 for f in [-1/4, 1/2].
SLOPE_VEC VecF log1p_tail(VecF f, VecF ff) {
  const VecF tail = native::pairs(f, ff, 0x1.5555acp-2, -0x1.000082p-2, 0x1.996722p-3, -0x1.54d6d4p-3, 0x1.28759ep-3,
                                  -0x1.0e8d02p-3, 0x1.b1eec6p-4, -0x1.7951cep-5);
  return native::fma(f, tail, splat(-0.5F));
}

// log(x) for x = 2^e (1 + f), f in [-1/4, 1/2).
SLOPE_VEC VecF log_from(VecF e, VecF f) {
  const VecF ff = f * f;
  return native::fma(e, splat(ln2), native::fma(ff, log1p_tail(f, ff), f));
}

// What log makes of the classes of x: NaN for NaN and negatives, -inf for zeros, inf for inf, else r.
SLOPE_VEC VecF log_specials(VecF r, VecF x) {
#if SLOPE_SIMD_LEVEL == 2
  // One response per class: quiet NaN, signalling NaN, zero, one, -inf, inf, negative, positive.
  return __builtin_ia32_fixupimmps512_mask(r, x, 0x03530422 - VecI32{}, 0, (unsigned short)-1, 4);
#else
  r = x < __builtin_inff() ? r : x;
  return x > 0.0F ? r : (x == 0.0F ? splat(-__builtin_inff()) : splat(__builtin_nanf("")));
#endif
}

SLOPE_VEC VecF log(VecF x) {
#if SLOPE_SIMD_LEVEL == 2
  const VecF m = __builtin_ia32_getmantps512_mask(x, 0xB, x, (unsigned short)-1, 4);
  const VecF e = __builtin_ia32_getexpps512_mask(x, x, (unsigned short)-1, 4) -
                 __builtin_ia32_getexpps512_mask(m, m, (unsigned short)-1, 4);
#else
  const VecI32 tiny = native::less(x, splat(0x1p-126F));
  const VecI32 bits = less_three_quarters(tiny ? x * 0x1p24F : x);
  const VecF e = __builtin_convertvector((bits >> 23) - (tiny & 24), VecF);
  const VecF m = (VecF)((VecU32)(bits & 0x7fffff) + three_quarters);
#endif
  return log_specials(log_from(e, m - 1.0F), x);
}

// log(1 + x): the exponent from 1 + x, the mantissa's distance from 1 from x itself, so nothing is lost for small x.
SLOPE_VEC VecF log1p(VecF x) {
  const VecF u = 1.0F + x;
  // From 1 on the border is a hair above 1.5 2^e: where u was rounded up to it, f is then x scaled, exactly, and not
  // beyond -1/4, where it has coarser steps.
  const VecI32 bits = (VecI32)((VecU32)less_three_quarters(u) - 1U - (VecU32)(native::bits(x) >> 31));
  const VecF e = __builtin_convertvector(bits >> 23, VecF);
  // 1 / 2^e by way of 4 / 2^e, whose bits are those of a normal number also at the upper end.
  const VecF t = 0.25F * (VecF)(0x40800000U - ((VecU32)bits & 0xff800000U));
  const VecF f = native::fma(x, t, t - 1.0F);
  // The sign is that of x, also of -0.
  return native::or_sign_of(log_specials(log_from(e, f), u), x);
}

// log(p) and log(1 - p) for p in [0, 1]; outside at least one is NaN. The smaller of p and 1 - p is exact or p itself
// and goes through log; the larger is 1 minus that, at least 1/2, and takes a polynomial only.
struct LogPairF {
  VecF of, rest;
};
SLOPE_VEC LogPairF log_pair(VecF p) {
  const VecI32 lower = native::less(p, splat(0.5F));
  const VecF v = lower ? p : 1.0F - p;
  const VecF vv = v * v;
  // (log(1 - v) + v) / -v^2 for v in [0, 1/2].
  const VecF tail = native::pairs(v, vv, 0.5, 0x1.554f3p-2, 0x1.010054p-2, 0x1.79b68ep-3, 0x1.2c830ap-2, -0x1.c472b2p-2,
                                  0x1.af925ap+0, -0x1.17761ep+1, 0x1.9e027ep+0);
  const VecF of_large = native::fma(-vv, tail, -v), of_small = log(v);
  return {lower ? of_small : of_large, lower ? of_large : of_small};
}

// 1 / x to 14 bits or more.
#if SLOPE_SIMD_LEVEL == 2
SLOPE_VEC VecF reciprocal_estimate(VecF x) { return __builtin_ia32_rcp14ps512_mask(x, x, (unsigned short)-1); }
#else
SLOPE_VEC VecF reciprocal_estimate(VecF x) { return 1.0F / x; }
#endif

// m / (m + 2) with m = exp(2 |x|) - 1.
SLOPE_VEC VecF tanh(VecF x) {
  const VecF a = native::at_most(native::abs(x), 9.1F);
  const VecF y = a + a;
  const VecF n = y < 0.6F ? VecF{} : whole_ln2(y);
  // Without ln2_rest: n is small where tanh still feels it.
  const VecF reduced = native::fma(-n, splat(ln2), y);
  const VecF square = reduced * reduced;
  const VecF p = native::fma(square, expm1_tail(reduced, square), reduced);
  const VecF power = scale(splat(1.0F), n);
  const VecF m = native::fma(p, power, power - 1.0F);
  // The remainder m - q (m + 2) is taken without the sum, which would lose bits of a small m.
  const VecF r = reciprocal_estimate(m + 2.0F);
  const VecF q = m * r;
  const VecF rest = native::fma(-q, m, native::fma(q, splat(-2.0F), m));
  return native::or_sign_of(native::fma(rest, r, q), x);
}

// 1 / (1 + exp(y)) with y = -x and exp(y) = 2^n (1 + t): 2^-n / (1 + 2^-n + t). The denominator is kept in two parts
// and the quotient refined once, so that the rounding of exp and of the sum does not add up with the last one.
SLOPE_VEC VecF sigmoid(VecF x) {
  const VecF y = native::at_most(native::at_least(-x, -30.0F), 104.0F);
  const VecF n = whole_ln2(y);
  const VecF r = less_ln2(y, n);
  const VecF t = r * exp_slope(r);
  const VecF inverse = inverse_power(n);
  const VecF one = 1.0F + inverse;
  const VecF sum = one + t;
  const VecF lost = t - (sum - one);
  const VecF q = reciprocal_estimate(sum);
  const VecF error = native::fma(-q, lost, native::fma(-q, sum, splat(1.0F)));
  return scale(native::fma(q, error, q), -n);
}

// log(1 + e) for e in [0, 1]: 1 + e = 2^0 (1 + e) or 2^1 (1 + (e - 1) / 2).
SLOPE_VEC VecF log1p_unit(VecF e) {
  const VecI32 upper = native::less(splat(0.5F), e);
  const VecF f = upper ? native::fma(e, splat(0.5F), splat(-0.5F)) : e;
  const VecF ff = f * f;
  const VecF r = native::fma(ff, log1p_tail(f, ff), f);
  return upper ? r + ln2 : r;
}

// exp(-2 a) for a >= 1. From 2^-50 on nothing is left of it beside a.
SLOPE_VEC VecF exp_minus_twice(VecF a) {
  const VecF y = native::at_least(a * -2.0F, -36.0F);
  const VecF n = whole_ln2(y);
  const VecF r = less_ln2(y, n);
  return scale(native::fma(r, exp_slope(r), splat(1.0F)), n);
}

// log(cosh(x)): a polynomial in x^2 below 1, |x| - ln2 + log(1 + exp(-2 |x|)) above, where the exponential is less than
// 1/7.
SLOPE_VEC VecF log_cosh(VecF x) {
  const VecF a = native::abs(x), z = a * a, zz = z * z;
  const VecF tail =
      native::pairs(z, zz, -0x1.555518p-4, 0x1.6c0334p-6, -0x1.b802a8p-8, 0x1.11197p-9, -0x1.2651ep-11, 0x1.71e6a2p-14);
  const VecF e = exp_minus_twice(a);
  const VecF log1p_e = native::horner(e, 1.0, -0x1.fffe7p-2, 0x1.55000ep-2, -0x1.f359f4p-3, 0x1.32368cp-3);
  return a < 1.0F ? native::fma(zz, tail, 0.5F * z) : native::fma(e, log1p_e, a - ln2);
}

// Its derivative, tanh(x), from the same exponential: to 2 ULP.
SLOPE_VEC VecF log_cosh_slope(VecF x) {
  const VecF a = native::abs(x), z = a * a, zz = z * z;
  const VecF tail = native::pairs(z, zz, -0x1.55553ep-2, 0x1.110c32p-3, -0x1.b96a12p-5, 0x1.6037e8p-6, -0x1.04e9a2p-7,
                                  0x1.2f32d8p-9, -0x1.7b65dap-12);
  const VecF e = exp_minus_twice(a);
  // (tanh(a) - 1) / e = -2 / (1 + e)
  const VecF below_one = native::horner(e, -2.0, 0x1.fffb8ep+0, -0x1.ff0c5ep+0, 0x1.edd122p+0, -0x1.699ad2p+0);
  return native::or_sign_of(a < 1.0F ? native::fma(a * z, tail, a) : native::fma(e, below_one, splat(1.0F)), x);
}

// x + x p(x^2) below 0.9, 1 - exp(w(x)) above.
SLOPE_VEC VecF erf(VecF x) {
  const VecF a = native::at_most(native::abs(x), 4.0F);
  const VecF aa = a * a;
  const VecF of_small = native::fma(a,
                                    native::pairs(aa, aa * aa, 0x1.06eba8p-3, -0x1.812742p-2, 0x1.ce2e2ep-4,
                                                  -0x1.b8164ep-6, 0x1.553068p-8, -0x1.ae9654p-11, 0x1.6cfec2p-14),
                                    a);
  const VecF w = native::pairs(a, aa, -0x1.5d114ap-13, -0x1.20b752p0, -0x1.4621bap-1, -0x1.aa7324p-4, 0x1.6d9ce6p-6,
                               -0x1.91cd1ap-9, 0x1.9fb308p-13);
  const VecF n = whole_ln2(w);
  const VecF r = less_ln2(w, n);
  const VecF large = 1.0F - scale(native::fma(r, exp_slope(r), splat(1.0F)), n);
  return native::or_sign_of(a < 0.9F ? of_small : large, x);
}

}  // namespace slope::simd::SLOPE_SIMD_NAMESPACE::math

#endif
