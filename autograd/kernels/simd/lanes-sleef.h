// SLEEF's functions on the native vectors of one instruction set. Included by lanes-target.h once per set.
#if !defined(SLOPE_SIMD_NAMESPACE)
#include "slope/autograd/kernels/simd/lanes.h"
#else

// SLEEF's entry points, declared under our own names and types: its header would bring the whole of immintrin.h to every user.
#if SLOPE_SIMD_LEVEL == 2
#define SLOPE_SLEEF_F(name, ulp) "Sleef_" name "f16_" ulp "avx512f"
#define SLOPE_SLEEF_D(name, ulp) "Sleef_" name "d8_" ulp "avx512f"
#elif SLOPE_SIMD_LEVEL == 1
#define SLOPE_SLEEF_F(name, ulp) "Sleef_" name "f8_" ulp "avx2"
#define SLOPE_SLEEF_D(name, ulp) "Sleef_" name "d4_" ulp "avx2"
#elif defined(__x86_64__)
#define SLOPE_SLEEF_F(name, ulp) "Sleef_" name "f4_" ulp "sse2"
#define SLOPE_SLEEF_D(name, ulp) "Sleef_" name "d2_" ulp "sse2"
#elif defined(__aarch64__)
#define SLOPE_SLEEF_F(name, ulp) "Sleef_" name "f4_" ulp "advsimd"
#define SLOPE_SLEEF_D(name, ulp) "Sleef_" name "d2_" ulp "advsimd"
#else
#error "slope: no vector math for this architecture; SLEEF entry points for it must be named here"
#endif

namespace slope::simd::SLOPE_SIMD_NAMESPACE::sleef {

using native::VecD;
using native::VecF;

#if defined(__clang__) && SLOPE_SIMD_LEVEL > 0

#if SLOPE_SIMD_LEVEL == 2
#define SLOPE_VECTOR_CALL detail::slope_vector_call_64
#else
#define SLOPE_VECTOR_CALL detail::slope_vector_call_32
#endif
// Only the addresses of the entry points are used.
#define SLOPE_SLEEF_ENTRY(V, name, symbol, parameters, x, y)                  \
  void name##_entry(V*) noexcept __asm__(symbol);                             \
  SLOPE_VEC V name parameters {                                               \
    V r;                                                                      \
    SLOPE_VECTOR_CALL(&x, &y, &r, (void (*)())(void (*)(V*)) & name##_entry); \
    return r;                                                                 \
  }
#define SLOPE_SLEEF_1(name, ulp)                                           \
  SLOPE_SLEEF_ENTRY(VecF, name, SLOPE_SLEEF_F(#name, ulp), (VecF x), x, x) \
  SLOPE_SLEEF_ENTRY(VecD, name, SLOPE_SLEEF_D(#name, ulp), (VecD x), x, x)
#define SLOPE_SLEEF_2(name, ulp)                                                   \
  SLOPE_SLEEF_ENTRY(VecF, name, SLOPE_SLEEF_F(#name, ulp), (VecF x, VecF y), x, y) \
  SLOPE_SLEEF_ENTRY(VecD, name, SLOPE_SLEEF_D(#name, ulp), (VecD x, VecD y), x, y)

#else

#define SLOPE_SLEEF_1(name, ulp)                                                                   \
  SLOPE_TARGET __attribute__((const)) VecF name(VecF) noexcept __asm__(SLOPE_SLEEF_F(#name, ulp)); \
  SLOPE_TARGET __attribute__((const)) VecD name(VecD) noexcept __asm__(SLOPE_SLEEF_D(#name, ulp));
#define SLOPE_SLEEF_2(name, ulp)                                                                         \
  SLOPE_TARGET __attribute__((const)) VecF name(VecF, VecF) noexcept __asm__(SLOPE_SLEEF_F(#name, ulp)); \
  SLOPE_TARGET __attribute__((const)) VecD name(VecD, VecD) noexcept __asm__(SLOPE_SLEEF_D(#name, ulp));

#endif

SLOPE_SLEEF_1(exp, "u10")
SLOPE_SLEEF_1(exp2, "u10")
SLOPE_SLEEF_1(expm1, "u10")
SLOPE_SLEEF_1(log, "u10")
SLOPE_SLEEF_1(log2, "u10")
SLOPE_SLEEF_1(log10, "u10")
SLOPE_SLEEF_1(log1p, "u10")
SLOPE_SLEEF_1(sin, "u10")
SLOPE_SLEEF_1(cos, "u10")
SLOPE_SLEEF_1(tan, "u10")
SLOPE_SLEEF_1(asin, "u10")
SLOPE_SLEEF_1(acos, "u10")
SLOPE_SLEEF_1(atan, "u10")
SLOPE_SLEEF_1(sinh, "u10")
SLOPE_SLEEF_1(cosh, "u10")
SLOPE_SLEEF_1(tanh, "u10")
SLOPE_SLEEF_1(asinh, "u10")
SLOPE_SLEEF_1(acosh, "u10")
SLOPE_SLEEF_1(atanh, "u10")
SLOPE_SLEEF_1(erf, "u10")
SLOPE_SLEEF_1(erfc, "u15")
SLOPE_SLEEF_2(atan2, "u10")
SLOPE_SLEEF_2(pow, "u10")

#undef SLOPE_SLEEF_1
#undef SLOPE_SLEEF_2
#undef SLOPE_SLEEF_ENTRY
#undef SLOPE_VECTOR_CALL

}  // namespace slope::simd::SLOPE_SIMD_NAMESPACE::sleef

#undef SLOPE_SLEEF_F
#undef SLOPE_SLEEF_D

#endif
