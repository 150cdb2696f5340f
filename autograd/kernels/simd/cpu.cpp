#include "slope/autograd/kernels/simd/cpu.h"

#include <algorithm>
#include <cstdlib>
#include <string>

#include "slope/autograd/core/error.h"

namespace slope::simd {

const char* isa_name(Isa isa) noexcept {
  switch (isa) {
    case Isa::avx512: return "avx512";
    case Isa::avx2: return "avx2";
    case Isa::baseline: break;
  }
  return "baseline";
}

Isa supported_isa() noexcept {
#if defined(__x86_64__)
  // The built-in also asks the operating system whether it saves the wide registers.
  static const Isa isa = [] {
    __builtin_cpu_init();
    if (!(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2") &&
          __builtin_cpu_supports("f16c"))) {
      return Isa::baseline;
    }
    if (!(__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
          __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))) {
      return Isa::avx2;
    }
    return Isa::avx512;
  }();
  return isa;
#else
  return Isa::baseline;
#endif
}

namespace detail {

Isa choose_isa() {
  Isa isa = supported_isa();
  if (const char* wish = std::getenv("SLOPE_ISA"); wish != nullptr && *wish != '\0') {
    const std::string name = wish;
    if (name == "baseline") {
      isa = Isa::baseline;
    } else if (name == "avx2") {
      isa = std::min(isa, Isa::avx2);
    } else if (name != "avx512") {
      throw ValueError("SLOPE_ISA: unknown instruction set \"" + name +
                       "\"; use baseline, avx2 or avx512, or unset it");
    }
  }
  // Another thread may have come first, or set_isa may have been called meanwhile: theirs stands.
  int expected = -1;
  active_isa.compare_exchange_strong(expected, static_cast<int>(isa), std::memory_order_relaxed);
  return expected >= 0 ? static_cast<Isa>(expected) : isa;
}

}  // namespace detail

Isa set_isa(Isa isa) {
  const Isa before = best_isa();
  detail::active_isa.store(static_cast<int>(std::min(isa, supported_isa())), std::memory_order_relaxed);
  return before;
}

}  // namespace slope::simd
