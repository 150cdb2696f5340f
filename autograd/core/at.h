#pragma once

#include <cstdint>
#include <type_traits>

#include "slope/autograd/core/source_loc.h"

namespace slope {

/// A position along a dimension together with the line of the call: what `x[i]` takes.
class At {
 public:
  template <class T>
    requires(std::is_integral_v<T> && !std::is_same_v<T, bool>)
  constexpr At(T position, SourceLoc at = SourceLoc::here()) : index(static_cast<std::int64_t>(position)), loc(at) {}
  /// The position.
  std::int64_t index;
  /// The line of the call.
  SourceLoc loc;
};

}  // namespace slope
