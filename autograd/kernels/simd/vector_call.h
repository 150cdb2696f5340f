#pragma once

namespace slope::simd::detail {

/// Calls a function of one or two wide vectors, which takes them in registers, with vectors in memory: *result = function(*x, *y).
///
/// Clang passes vectors wider than the whole file's instruction set in memory, even from a function with a wider one, and so cannot
/// call SLEEF directly. The vectors need no alignment.
extern "C" void slope_vector_call_32(const void* x, const void* y, void* result, void (*function)()) noexcept;
extern "C" void slope_vector_call_64(const void* x, const void* y, void* result, void (*function)()) noexcept;

}  // namespace slope::simd::detail
