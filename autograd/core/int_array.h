#pragma once

#include "slope/autograd/core/shape.h"

namespace slope {

/// What an option holds that takes one number for all dimensions or one number for each:
///
///     nn::Conv2d conv(3, 8, {3, 5}, {.stride = 2, .padding = {1, 2}});
///
/// Empty (`{}`) means that nothing was given, where an option has such a meaning.
class IntArray : public Shape {
 public:
  using Shape::Shape;
  IntArray() = default;
  IntArray(const Shape& s) : Shape(s) {}
  template <class I>
    requires(std::is_integral_v<I> && !std::is_same_v<I, bool>)
  IntArray(I everywhere) : Shape{static_cast<std::int64_t>(everywhere)} {}

  /// One number for each of `dims` dimensions. Throws ValueError, with the names of operation and option, for a list of
  /// another length.
  Shape expanded(int dims, const char* op, const char* option, SourceLoc loc = SourceLoc::here()) const;
};

}  // namespace slope
