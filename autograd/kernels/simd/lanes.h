#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

#include "slope/autograd/kernels/simd/cpu.h"
#include "slope/autograd/kernels/simd/vector_call.h"

/// Lanes: the value type that turns a formula into a SIMD kernel.
///
/// A formula is a generic function without any target attribute:
///
///     auto silu = [](const auto& x) { return x * sigmoid(x); };
///
/// A kernel calls it with `Lanes<float>` or `Lanes<double>` of one instruction set. Because the kernel is compiled for that set with
/// `flatten`, the formula and the lane operations are inlined into it, and one binary holds a version for every set, without a
/// compiler flag. `dispatch` does this for any kernel:
///
///     slope::simd::dispatch([&](auto isa) {
///       using V = typename decltype(isa)::template Lanes<float>;
///       int64_t i = 0;
///       for (; i + V::size <= n; i += V::size) silu(V::load(x + i)).store(y + i);
///       silu(V::load_n(x + i, n - i)).store_n(y + i, n - i);
///     });
///
/// Per instruction set the namespace `slope::simd::baseline`, `::avx2` or `::avx512` holds `Lanes<T>` and `Mask<T>` (T = float, double)
/// with the vocabulary of formulas, found by argument-dependent lookup:
///
///     + - * / += -= *= /=  < <= > >= == !=    where maximum minimum
///     abs neg sign copysign floor ceil trunc round sqrt rsqrt reciprocal square fma fmod remainder
///     exp exp2 expm1 log log2 log10 log1p pow xlogy     sin cos tan asin acos atan atan2
///     sinh cosh tanh asinh acosh atanh erf erfc         sigmoid logsigmoid softplus1
///     isnan isinf isfinite    reduce_add reduce_add_wide
///
/// Every lane is computed by the same instructions whatever its position, so a tail read with `load_n` is bit-equal to the same
/// elements inside a full vector. Results may differ in the last bit between instruction sets, never between runs.
/// Accuracy: 1 ULP for exp, log, log1p, expm1, sqrt; 2 ULP for tanh, sigmoid, erf; NaN, infinities, signed zeros and denormals exact.
/// (tools/ulp_sweep checks all 2^32 floats.)

// A vector's calling convention depends on the instruction set, and GCC notes that at every use. Lanes and Mask are never passed in
// registers between functions of different sets (see lanes-target.h), so the note only alarms.
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpsabi"
#endif

#define SLOPE_TARGET_BASELINE
#if defined(__x86_64__)
#define SLOPE_TARGET_AVX2 __attribute__((target("avx2,fma,bmi2,f16c")))
#if defined(__clang__)
#define SLOPE_TARGET_AVX512 __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,bmi2,f16c")))
#else
#define SLOPE_TARGET_AVX512 \
  __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,bmi2,f16c,prefer-vector-width=512")))
#endif
#endif

// Every function of the vector layers: compiled for the set at hand and inlined where the caller's set allows.
#define SLOPE_VEC SLOPE_TARGET inline

#define SLOPE_SIMD_NAMESPACE baseline
#define SLOPE_SIMD_LEVEL 0
#define SLOPE_SIMD_BYTES 16
#define SLOPE_TARGET SLOPE_TARGET_BASELINE
#include "slope/autograd/kernels/simd/lanes-target.h"
#undef SLOPE_SIMD_NAMESPACE
#undef SLOPE_SIMD_LEVEL
#undef SLOPE_SIMD_BYTES
#undef SLOPE_TARGET

#if defined(__x86_64__)
#define SLOPE_SIMD_NAMESPACE avx2
#define SLOPE_SIMD_LEVEL 1
#define SLOPE_SIMD_BYTES 32
#define SLOPE_TARGET SLOPE_TARGET_AVX2
#include "slope/autograd/kernels/simd/lanes-target.h"
#undef SLOPE_SIMD_NAMESPACE
#undef SLOPE_SIMD_LEVEL
#undef SLOPE_SIMD_BYTES
#undef SLOPE_TARGET

#define SLOPE_SIMD_NAMESPACE avx512
#define SLOPE_SIMD_LEVEL 2
#define SLOPE_SIMD_BYTES 64
#define SLOPE_TARGET SLOPE_TARGET_AVX512
#include "slope/autograd/kernels/simd/lanes-target.h"
#undef SLOPE_SIMD_NAMESPACE
#undef SLOPE_SIMD_LEVEL
#undef SLOPE_SIMD_BYTES
#undef SLOPE_TARGET
#undef SLOPE_TARGET_AVX2
#undef SLOPE_TARGET_AVX512
#endif
#undef SLOPE_TARGET_BASELINE
#undef SLOPE_VEC

namespace slope::simd {

/// Calls `kernel(Target{})` compiled for the instruction set in force (`best_isa()`).
///
/// `Target` has `template Lanes<T>`, `template Mask<T>`, `template WideSum<T>` and `static constexpr Isa isa`. Everything the kernel
/// calls is inlined into it, so keep whole-tensor control flow (threads, allocation, errors) outside. Returns nothing; write results
/// through captured references. Kernels for narrower sets stay callable: each is its own function.
template <class Kernel>
inline void dispatch(const Kernel& kernel) {
#if defined(__x86_64__)
  switch (best_isa()) {
    case Isa::avx512: return avx512::run(kernel);
    case Isa::avx2: return avx2::run(kernel);
    case Isa::baseline: break;
  }
#endif
  baseline::run(kernel);
}

}  // namespace slope::simd

#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
