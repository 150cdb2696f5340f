// Native vectors of one instruction set: types and the operations the language's vector extension lacks. Included by
// lanes-target.h once per set; included alone it provides nothing by itself.
#if !defined(SLOPE_SIMD_NAMESPACE)
#include "slope/autograd/kernels/simd/lanes.h"
#else

// The names of these built-ins differ between compilers; everything below uses only the macros.
namespace slope::simd::SLOPE_SIMD_NAMESPACE::native {

typedef float VecF __attribute__((vector_size(SLOPE_SIMD_BYTES)));
typedef double VecD __attribute__((vector_size(SLOPE_SIMD_BYTES)));
typedef std::int32_t VecI32 __attribute__((vector_size(SLOPE_SIMD_BYTES)));
typedef std::uint32_t VecU32 __attribute__((vector_size(SLOPE_SIMD_BYTES)));
typedef std::uint64_t VecU64 __attribute__((vector_size(SLOPE_SIMD_BYTES)));
typedef std::int64_t VecI64 __attribute__((vector_size(SLOPE_SIMD_BYTES)));
// What the built-ins take for it where int64_t is long.
typedef long long VecLongLong __attribute__((vector_size(SLOPE_SIMD_BYTES)));
typedef float HalfF __attribute__((vector_size(SLOPE_SIMD_BYTES / 2)));
typedef signed char BytesF __attribute__((vector_size(SLOPE_SIMD_BYTES / 4)));
typedef signed char BytesD __attribute__((vector_size(SLOPE_SIMD_BYTES / 8)));

template <class T>
struct Types;
template <>
struct Types<float> {
  using Vec = VecF;
  using Int = VecI32;
  using Bits = std::int32_t;
  using Bytes = BytesF;
  static constexpr int size = SLOPE_SIMD_BYTES / 4;
  static constexpr Bits sign_bit = INT32_MIN;
};
template <>
struct Types<double> {
  using Vec = VecD;
  using Int = VecI64;
  using Bits = std::int64_t;
  using Bytes = BytesD;
  static constexpr int size = SLOPE_SIMD_BYTES / 8;
  static constexpr Bits sign_bit = INT64_MIN;
};

// c - 0 and not c + 0: the sum would turn a broadcast -0.0 into +0.0.
SLOPE_VEC VecF splat(float c) { return c - VecF{}; }
SLOPE_VEC VecD splat(double c) { return c - VecD{}; }

SLOPE_VEC VecF splat_like(VecF, double c) { return splat((float)c); }
SLOPE_VEC VecD splat_like(VecD, double c) { return splat(c); }

SLOPE_VEC VecI32 bits(VecF x) { return (VecI32)x; }
SLOPE_VEC VecI64 bits(VecD x) { return (VecI64)x; }
SLOPE_VEC VecI32 sign_bits(VecF) { return INT32_MIN - VecI32{}; }
SLOPE_VEC VecI64 sign_bits(VecD) { return INT64_MIN - VecI64{}; }

// Compilers disagree on the type of a comparison of doubles, so templates ask here.
SLOPE_VEC VecI32 less(VecF a, VecF b) { return (VecI32)(a < b); }
SLOPE_VEC VecI64 less(VecD a, VecD b) { return (VecI64)(a < b); }
SLOPE_VEC VecI32 equal(VecF a, VecF b) { return (VecI32)(a == b); }
SLOPE_VEC VecI64 equal(VecD a, VecD b) { return (VecI64)(a == b); }

template <class V>
SLOPE_VEC V abs(V x) {
  return (V)(bits(x) & ~sign_bits(x));
}
template <class V>
SLOPE_VEC V with_sign_of(V size, V x) {
  return (V)((bits(size) & ~sign_bits(x)) | (bits(x) & sign_bits(x)));
}

// The same for a size without sign.
template <class V>
SLOPE_VEC V or_sign_of(V size, V x) {
  return (V)(bits(size) | (bits(x) & sign_bits(x)));
}

// First n lanes true.
SLOPE_VEC VecI32 first_lanes(int n, VecF) {
  VecI32 lane;
  for (int i = 0; i < Types<float>::size; ++i) lane[i] = i;
  return (VecI32)(lane < n);
}
SLOPE_VEC VecI64 first_lanes(int n, VecD) {
  VecI64 lane;
  for (int i = 0; i < Types<double>::size; ++i) lane[i] = i;
  return (VecI64)(lane < (std::int64_t)n);
}

#if SLOPE_SIMD_LEVEL == 2

SLOPE_VEC int lane_bits(VecI32 m) { return (int)(unsigned short)__builtin_ia32_cvtd2mask512(m); }
SLOPE_VEC int lane_bits(VecI64 m) { return (int)(unsigned char)__builtin_ia32_cvtq2mask512((VecLongLong)m); }
SLOPE_VEC VecF load_first(const float* p, int n) {
  return __builtin_ia32_loadups512_mask(p, splat(1.0F), (unsigned short)((1U << n) - 1U));
}
SLOPE_VEC VecD load_first(const double* p, int n) {
  return __builtin_ia32_loadupd512_mask(p, splat(1.0), (unsigned char)((1U << n) - 1U));
}
SLOPE_VEC void store_first(float* p, VecF v, int n) {
  __builtin_ia32_storeups512_mask(p, v, (unsigned short)((1U << n) - 1U));
}
SLOPE_VEC void store_first(double* p, VecD v, int n) {
  __builtin_ia32_storeupd512_mask(p, v, (unsigned char)((1U << n) - 1U));
}

#elif SLOPE_SIMD_LEVEL == 1

SLOPE_VEC int lane_bits(VecI32 m) { return __builtin_ia32_movmskps256((VecF)m); }
SLOPE_VEC int lane_bits(VecI64 m) { return __builtin_ia32_movmskpd256((VecD)m); }
SLOPE_VEC VecF load_first(const float* p, int n) {
  const VecI32 m = first_lanes(n, VecF{});
  const VecF v = __builtin_ia32_maskloadps256((const VecF*)p, m);
  return m ? v : splat(1.0F);
}
SLOPE_VEC VecD load_first(const double* p, int n) {
  const VecI64 m = first_lanes(n, VecD{});
  const VecD v = __builtin_ia32_maskloadpd256((const VecD*)p, (VecLongLong)m);
  return m ? v : splat(1.0);
}
SLOPE_VEC void store_first(float* p, VecF v, int n) {
  __builtin_ia32_maskstoreps256((VecF*)p, first_lanes(n, VecF{}), v);
}
SLOPE_VEC void store_first(double* p, VecD v, int n) {
  __builtin_ia32_maskstorepd256((VecD*)p, (VecLongLong)first_lanes(n, VecD{}), v);
}

#else

#if defined(__x86_64__)
SLOPE_VEC int lane_bits(VecI32 m) { return __builtin_ia32_movmskps((VecF)m); }
SLOPE_VEC int lane_bits(VecI64 m) { return __builtin_ia32_movmskpd((VecD)m); }
#else
template <class Int>
SLOPE_VEC int lane_bits(Int m) {
  int bits = 0;
  for (int i = 0; i < (int)(sizeof(Int) / sizeof(m[0])); ++i) bits |= (m[i] != 0) << i;
  return bits;
}
#endif
SLOPE_VEC VecF load_first(const float* p, int n) {
  VecF v = splat(1.0F);
  for (int i = 0; i < n; ++i) v[i] = p[i];
  return v;
}
SLOPE_VEC VecD load_first(const double* p, int n) {
  VecD v = splat(1.0);
  for (int i = 0; i < n; ++i) v[i] = p[i];
  return v;
}
SLOPE_VEC void store_first(float* p, VecF v, int n) {
  for (int i = 0; i < n; ++i) p[i] = v[i];
}
SLOPE_VEC void store_first(double* p, VecD v, int n) {
  for (int i = 0; i < n; ++i) p[i] = v[i];
}

#endif

// Square root, fused multiply-add, rounding. `round_to` modes: 0 nearest even, 1 down, 2 up, 3 toward zero.
#if defined(__clang__)

SLOPE_VEC VecF sqrt(VecF x) { return __builtin_elementwise_sqrt(x); }
SLOPE_VEC VecD sqrt(VecD x) { return __builtin_elementwise_sqrt(x); }
SLOPE_VEC VecF fma(VecF a, VecF b, VecF c) { return __builtin_elementwise_fma(a, b, c); }
SLOPE_VEC VecD fma(VecD a, VecD b, VecD c) { return __builtin_elementwise_fma(a, b, c); }
template <int mode, class V>
SLOPE_VEC V round_to(V x) {
  if constexpr (mode == 0) return __builtin_elementwise_roundeven(x);
  if constexpr (mode == 1) return __builtin_elementwise_floor(x);
  if constexpr (mode == 2) return __builtin_elementwise_ceil(x);
  if constexpr (mode == 3) return __builtin_elementwise_trunc(x);
}

#elif SLOPE_SIMD_LEVEL == 2

SLOPE_VEC VecF sqrt(VecF x) { return __builtin_ia32_sqrtps512_mask(x, x, (unsigned short)-1, 4); }
SLOPE_VEC VecD sqrt(VecD x) { return __builtin_ia32_sqrtpd512_mask(x, x, (unsigned char)-1, 4); }
SLOPE_VEC VecF fma(VecF a, VecF b, VecF c) { return __builtin_ia32_vfmaddps512_mask(a, b, c, (unsigned short)-1, 4); }
SLOPE_VEC VecD fma(VecD a, VecD b, VecD c) { return __builtin_ia32_vfmaddpd512_mask(a, b, c, (unsigned char)-1, 4); }
template <int mode>
SLOPE_VEC VecF round_to(VecF x) {
  return __builtin_ia32_rndscaleps_mask(x, 8 | mode, x, (unsigned short)-1, 4);
}
template <int mode>
SLOPE_VEC VecD round_to(VecD x) {
  return __builtin_ia32_rndscalepd_mask(x, 8 | mode, x, (unsigned char)-1, 4);
}

#elif SLOPE_SIMD_LEVEL == 1

SLOPE_VEC VecF sqrt(VecF x) { return __builtin_ia32_sqrtps256(x); }
SLOPE_VEC VecD sqrt(VecD x) { return __builtin_ia32_sqrtpd256(x); }
SLOPE_VEC VecF fma(VecF a, VecF b, VecF c) { return __builtin_ia32_vfmaddps256(a, b, c); }
SLOPE_VEC VecD fma(VecD a, VecD b, VecD c) { return __builtin_ia32_vfmaddpd256(a, b, c); }
template <int mode>
SLOPE_VEC VecF round_to(VecF x) {
  return __builtin_ia32_roundps256(x, 8 | mode);
}
template <int mode>
SLOPE_VEC VecD round_to(VecD x) {
  return __builtin_ia32_roundpd256(x, 8 | mode);
}

#else

#if defined(__x86_64__)
SLOPE_VEC VecF sqrt(VecF x) { return __builtin_ia32_sqrtps(x); }
SLOPE_VEC VecD sqrt(VecD x) { return __builtin_ia32_sqrtpd(x); }
#else
SLOPE_VEC VecF sqrt(VecF x) {
  for (int i = 0; i < Types<float>::size; ++i) x[i] = __builtin_sqrtf(x[i]);
  return x;
}
SLOPE_VEC VecD sqrt(VecD x) {
  for (int i = 0; i < Types<double>::size; ++i) x[i] = __builtin_sqrt(x[i]);
  return x;
}
#endif
SLOPE_VEC VecF fma(VecF a, VecF b, VecF c) {
  for (int i = 0; i < Types<float>::size; ++i) a[i] = __builtin_fmaf(a[i], b[i], c[i]);
  return a;
}
SLOPE_VEC VecD fma(VecD a, VecD b, VecD c) {
  for (int i = 0; i < Types<double>::size; ++i) a[i] = __builtin_fma(a[i], b[i], c[i]);
  return a;
}
// SSE2 has no rounding instruction: adding and subtracting 2^23 (2^52) rounds to the nearest even integer.
template <int mode, class V>
SLOPE_VEC V round_to(V x) {
  using T = std::remove_cvref_t<decltype(x[0])>;
  constexpr T big = sizeof(T) == 4 ? T(8388608.0) : T(4503599627370496.0);
  const V a = abs(x);
  V r = (a + big) - big;
  if constexpr (mode == 3) r = r - (r > a ? splat(T(1)) : V{});
  r = with_sign_of(r, x);
  if constexpr (mode == 1) r = r - (r > x ? splat(T(1)) : V{});
  if constexpr (mode == 2) r = with_sign_of(r + (r < x ? splat(T(1)) : V{}), x);
  return a < big ? r : x;
}

#endif

// The larger (smaller) of two, and x when x is NaN. (Spelt as a conditional, GCC compares and blends.)
#if SLOPE_SIMD_LEVEL == 2 && !defined(__clang__)
SLOPE_VEC VecF at_least(VecF x, float c) { return __builtin_ia32_maxps512_mask(splat(c), x, x, (unsigned short)-1, 4); }
SLOPE_VEC VecD at_least(VecD x, double c) { return __builtin_ia32_maxpd512_mask(splat(c), x, x, (unsigned char)-1, 4); }
SLOPE_VEC VecF at_most(VecF x, float c) { return __builtin_ia32_minps512_mask(splat(c), x, x, (unsigned short)-1, 4); }
SLOPE_VEC VecD at_most(VecD x, double c) { return __builtin_ia32_minpd512_mask(splat(c), x, x, (unsigned char)-1, 4); }
#else
template <class V, class T>
SLOPE_VEC V at_least(V x, T c) {
  return x < splat(c) ? splat(c) : x;
}
template <class V, class T>
SLOPE_VEC V at_most(V x, T c) {
  return x > splat(c) ? splat(c) : x;
}
#endif

// The larger (smaller) of two; NaN when either is NaN, b when they are zeros. The instruction gives b when either is NaN.
#if SLOPE_SIMD_LEVEL == 2 && !defined(__clang__)
SLOPE_VEC unsigned short ordered(VecF a) { return __builtin_ia32_cmpps512_mask(a, a, 7, (unsigned short)-1, 4); }
SLOPE_VEC unsigned char ordered(VecD a) { return __builtin_ia32_cmppd512_mask(a, a, 7, (unsigned char)-1, 4); }
SLOPE_VEC VecF larger(VecF a, VecF b) { return __builtin_ia32_maxps512_mask(a, b, a, ordered(a), 4); }
SLOPE_VEC VecD larger(VecD a, VecD b) { return __builtin_ia32_maxpd512_mask(a, b, a, ordered(a), 4); }
SLOPE_VEC VecF smaller(VecF a, VecF b) { return __builtin_ia32_minps512_mask(a, b, a, ordered(a), 4); }
SLOPE_VEC VecD smaller(VecD a, VecD b) { return __builtin_ia32_minpd512_mask(a, b, a, ordered(a), 4); }
#elif SLOPE_SIMD_LEVEL == 1 && !defined(__clang__)
SLOPE_VEC VecF larger(VecF a, VecF b) { return a == a ? __builtin_ia32_maxps256(a, b) : a; }
SLOPE_VEC VecD larger(VecD a, VecD b) { return a == a ? __builtin_ia32_maxpd256(a, b) : a; }
SLOPE_VEC VecF smaller(VecF a, VecF b) { return a == a ? __builtin_ia32_minps256(a, b) : a; }
SLOPE_VEC VecD smaller(VecD a, VecD b) { return a == a ? __builtin_ia32_minpd256(a, b) : a; }
#else
template <class V>
SLOPE_VEC V larger(V a, V b) {
  return less(b, a) | ~equal(a, a) ? a : b;
}
template <class V>
SLOPE_VEC V smaller(V a, V b) {
  return less(a, b) | ~equal(a, a) ? a : b;
}
#endif

// c0 + x c1 + x^2 c2 + ...
template <class V>
SLOPE_VEC V horner(V x, double c) {
  return splat_like(x, c);
}
template <class V, class... More>
SLOPE_VEC V horner(V x, double c, double next, More... more) {
  return fma(x, horner(x, next, more...), splat_like(x, c));
}

// The same with half the latency: pairs of terms side by side, xx = x * x. Costs a rounding of each pair, so the lowest terms of a
// polynomial that must be exact to the last bit are better left to horner.
template <class V>
SLOPE_VEC V pairs(V x, V, double c) {
  return splat_like(x, c);
}
template <class V>
SLOPE_VEC V pairs(V x, V, double c, double d) {
  return fma(x, splat_like(x, d), splat_like(x, c));
}
template <class V, class... More>
SLOPE_VEC V pairs(V x, V xx, double c, double d, double next, More... more) {
  return fma(xx, pairs(x, xx, next, more...), pairs(x, xx, c, d));
}

// Lane i of the result is lane i ^ step of v.
template <int step, class V, int... lane>
SLOPE_VEC V swap_lanes(V v, std::integer_sequence<int, lane...>) {
  return __builtin_shufflevector(v, v, (lane ^ step)...);
}
template <class T, int step = 1>
SLOPE_VEC T tree_sum(typename Types<T>::Vec v) {
  if constexpr (step < Types<T>::size) {
    return tree_sum<T, step * 2>(v + swap_lanes<step>(v, std::make_integer_sequence<int, Types<T>::size>{}));
  } else {
    return v[0];
  }
}
#if SLOPE_SIMD_LEVEL == 2 && !defined(__clang__)
// GCC 12 converts 512 bits in two halves.
SLOPE_VEC VecD to_double(HalfF x) { return __builtin_ia32_cvtps2pd512_mask(x, VecD{}, (unsigned char)-1, 4); }
SLOPE_VEC HalfF to_float(VecD x) { return __builtin_ia32_cvtpd2ps512_mask(x, HalfF{}, (unsigned char)-1, 4); }
#elif SLOPE_SIMD_LEVEL == 1 && !defined(__clang__)
// And 256 bits.
SLOPE_VEC VecD to_double(HalfF x) { return __builtin_ia32_cvtps2pd256(x); }
SLOPE_VEC HalfF to_float(VecD x) { return __builtin_ia32_cvtpd2ps256(x); }
#else
SLOPE_VEC VecD to_double(HalfF x) { return __builtin_convertvector(x, VecD); }
SLOPE_VEC HalfF to_float(VecD x) { return __builtin_convertvector(x, HalfF); }
#endif
template <int first, int... lane>
SLOPE_VEC VecD widen(VecF v, std::integer_sequence<int, lane...>) {
  return to_double(__builtin_shufflevector(v, v, (lane + first)...));
}
template <int... lane>
SLOPE_VEC VecF narrow(VecD low, VecD high, std::integer_sequence<int, lane...>) {
  return __builtin_shufflevector(to_float(low), to_float(high), lane...);
}
SLOPE_VEC VecF narrow(VecD low, VecD high) {
  return narrow(low, high, std::make_integer_sequence<int, Types<float>::size>{});
}
/// As many floats as a VecD has lanes.
SLOPE_VEC VecD load_widened(const float* p) {
  HalfF half;
  __builtin_memcpy(&half, p, sizeof(half));
  return to_double(half);
}
SLOPE_VEC VecD widen_low(VecF v) { return widen<0>(v, std::make_integer_sequence<int, Types<double>::size>{}); }
SLOPE_VEC VecD widen_high(VecF v) {
  return widen<Types<double>::size>(v, std::make_integer_sequence<int, Types<double>::size>{});
}

}  // namespace slope::simd::SLOPE_SIMD_NAMESPACE::native

#endif
