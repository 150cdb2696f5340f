#pragma once

#include <cstdint>

namespace slope::memory::detail {

/// For tests: after this many more blocks the system has no memory left, until the next call; negative: never.
void run_out_after(std::int64_t blocks);

}  // namespace slope::memory::detail
