#pragma once

/// Goes in front of a statement that calls a function of lanes in a kernel: `SLOPE_INLINE_CALL r = formula(x);`. GCC
/// inlines all that a `flatten` function calls, Clang only its direct calls, and a large function left out of line keeps
/// its lanes in memory.
#if defined(__clang__)
#define SLOPE_INLINE_CALL [[clang::always_inline]]
#else
#define SLOPE_INLINE_CALL
#endif
