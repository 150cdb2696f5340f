#pragma once

#include <cstdint>

namespace slope {

/// Elements per thread below which a second thread does not pay, for arithmetic and for exp-like functions: about 10 us, since a thread
/// that has gone to sleep takes longer than that to wake.
inline constexpr std::int64_t grain_cheap = 32768, grain_math = 16384;

}  // namespace slope
