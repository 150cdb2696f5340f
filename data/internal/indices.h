#pragma once

#include <cstdint>
#include <new>
#include <stdexcept>
#include <vector>

#include "slope/autograd/core/error.h"

/// Counts and positions of samples that users give, checked.
namespace slope::data::detail {

/// Throws ValueError, `what ... must not be negative`, for a negative count.
inline void require_count(const char* what, std::int64_t count, SourceLoc loc) {
  if (count < 0) throw ValueError(concat(what, " must not be negative, got ", count), loc);
}

/// Throws IndexError unless 0 <= i < size.
inline void require_index(const char* op, std::int64_t i, std::int64_t size, SourceLoc loc = {}) {
  if (i < 0 || i >= size) throw IndexError(concat(op, ": index ", i, " is out of range for ", size, " samples"), loc);
}

/// Room for `count` positions. Throws ValueError when there is not the memory.
inline std::vector<std::int64_t> indices(const char* op, std::int64_t count, SourceLoc loc = {}) {
  const auto no_memory = [&] {
    return ValueError(concat(op, ": there is no memory for an order of ", count, " samples"), loc);
  };
  try {
    return std::vector<std::int64_t>(static_cast<std::size_t>(count));
  } catch (const std::length_error&) {
    throw no_memory();
  } catch (const std::bad_alloc&) {
    throw no_memory();
  }
}

}  // namespace slope::data::detail
