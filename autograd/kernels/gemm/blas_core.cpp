#include "slope/autograd/kernels/gemm/blas_core.h"

#include <cstdlib>
#include <string_view>

#include "slope/autograd/kernels/simd/cpu.h"

// Weak: another BLAS, or an OpenBLAS built for one core alone, has none of these.
extern "C" {
__attribute__((weak)) char* openblas_get_corename();
__attribute__((weak)) void gotoblas_dynamic_init();
__attribute__((weak)) void gotoblas_dynamic_quit();
}

namespace slope {

namespace {

simd::Isa isa_of_core(std::string_view name) {
  for (const std::string_view wide : {"SkylakeX", "Cooperlake", "Sapphirerapids"})
    if (name == wide) return simd::Isa::avx512;
  for (const std::string_view middle : {"Haswell", "Zen"})
    if (name == middle) return simd::Isa::avx2;
  return simd::Isa::baseline;
}

}  // namespace

const char* blas_core_name() { return &openblas_get_corename != nullptr ? openblas_get_corename() : ""; }

void suit_blas_to_cpu() {
  constexpr const char* variable = "OPENBLAS_CORETYPE";
  if (&openblas_get_corename == nullptr || &gotoblas_dynamic_init == nullptr || &gotoblas_dynamic_quit == nullptr)
    return;
  // Cores with AVX2 are left alone: where OpenBLAS knows a CPU with AVX-512 and prefers AVX2, it has its reasons.
  const simd::Isa isa = simd::supported_isa();
  if (isa == simd::Isa::baseline || isa_of_core(blas_core_name()) != simd::Isa::baseline || std::getenv(variable))
    return;
  gotoblas_dynamic_quit();
  setenv(variable, isa == simd::Isa::avx512 ? "SkylakeX" : "Haswell", 1);
  gotoblas_dynamic_init();
  unsetenv(variable);
}

}  // namespace slope
