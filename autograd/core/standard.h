#pragma once

// Included by every header that programs include, before anything else: in an older standard there is one message instead of hundreds.
#if __cplusplus < 202002L
#define SLOPE_STANDARD_TOO_LOW
#error "slope needs C++20: compile with -std=c++20 or later (in CMake: target_compile_features(app PRIVATE cxx_std_20))"
#endif
