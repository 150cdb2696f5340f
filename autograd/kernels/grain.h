#pragma once

#include <cstdint>

namespace slope {

/// Elements per thread below which a second thread does not pay, for arithmetic and for exp-like functions.
inline constexpr std::int64_t grain_cheap = 32768, grain_math = 8192;

}  // namespace slope
