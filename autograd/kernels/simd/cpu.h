#pragma once

#include <atomic>

/// Which instruction set the kernels run with. Chosen once at run time, so one binary serves every CPU.
namespace slope::simd {

/// Instruction-set levels, each containing the one before.
///
/// `baseline` is what the compiler targets by default (SSE2 on x86-64), `avx2` adds AVX2, FMA, BMI2 and F16C, `avx512` adds
/// AVX-512 F, DQ, BW and VL. Other architectures have `baseline` only.
enum class Isa { baseline = 0, avx2 = 1, avx512 = 2 };

/// The name used in messages and accepted by `SLOPE_ISA`: "baseline", "avx2" or "avx512".
const char* isa_name(Isa isa) noexcept;

/// The widest level this CPU and operating system can run. Ignores `SLOPE_ISA` and `set_isa`.
Isa supported_isa() noexcept;

namespace detail {
inline std::atomic<int> active_isa{-1};
Isa choose_isa();
}  // namespace detail

/// The level in force: the widest one supported, lowered by the environment variable `SLOPE_ISA` (baseline, avx2, avx512), or what
/// `set_isa` chose last.
///
/// The environment is read once, at the first call. Throws ValueError when `SLOPE_ISA` holds anything else. Costs one load.
inline Isa best_isa() {
  const int isa = detail::active_isa.load(std::memory_order_relaxed);
  return isa >= 0 ? static_cast<Isa>(isa) : detail::choose_isa();
}

/// Sets the level in force, never above `supported_isa()`, and returns the one that was in force before. For tests and benchmarks.
///
///     const Isa before = set_isa(Isa::avx2);
///     ...
///     set_isa(before);
Isa set_isa(Isa isa);

}  // namespace slope::simd
