#include "slope/autograd/kernels/simd/vector_call.h"

#if defined(__x86_64__)

namespace slope::simd::detail {

// Written in assembly as a whole: no compiler can be told to put these registers into a call it does not believe in. Both arguments are
// loaded even for a function of one. %rbx keeps the result's address and aligns the stack.
#define SLOPE_VECTOR_CALL(vector)     \
  __asm__(                            \
      "pushq %rbx\n\t"                \
      ".cfi_adjust_cfa_offset 8\n\t"  \
      ".cfi_rel_offset %rbx, 0\n\t"   \
      "movq %rdx, %rbx\n\t"           \
      "vmovups (%rdi), " vector       \
      "0\n\t"                         \
      "vmovups (%rsi), " vector       \
      "1\n\t"                         \
      "callq *%rcx\n\t"               \
      "vmovups " vector               \
      "0, (%rbx)\n\t"                 \
      "vzeroupper\n\t"                \
      "popq %rbx\n\t"                 \
      ".cfi_adjust_cfa_offset -8\n\t" \
      ".cfi_restore %rbx\n\t"         \
      "retq")

extern "C" __attribute__((naked)) void slope_vector_call_32(const void*, const void*, void*, void (*)()) noexcept {
  SLOPE_VECTOR_CALL("%ymm");
}

extern "C" __attribute__((naked)) void slope_vector_call_64(const void*, const void*, void*, void (*)()) noexcept {
  SLOPE_VECTOR_CALL("%zmm");
}

}  // namespace slope::simd::detail

#endif
