#pragma once

#include <concepts>
#include <string_view>

#include "slope/autograd/core/source_loc.h"

namespace slope::detail {

/// A name together with the line of the call: what `history["loss"]` and `layers["fc"]` take. Converts from every kind of
/// text, so users never write it.
class Key {
 public:
  template <std::convertible_to<std::string_view> T>
  Key(const T& text, SourceLoc at = SourceLoc::here()) : name(text), loc(at) {}
  std::string_view name;
  SourceLoc loc;
};

}  // namespace slope::detail
