#pragma once

#include <cmath>
#include <cstdint>
#include <type_traits>

#include "slope/autograd/core/dtype.h"
#include "slope/autograd/core/shape.h"

/// Reading a handful of elements out of any layout, for printing and for copying values out. Work on whole tensors
/// belongs to the kernels.
namespace slope::detail {

/// Calls `visit(offset)` with the element offset of every element in row-major order. Strides may be 0 and sizes may be
/// 0.
template <class F>
void for_each_offset(const Shape& sizes, const Shape& strides, const F& visit) {
  const int n = sizes.size();
  for (std::int64_t s : sizes)
    if (s == 0) return;
  if (n == 0) return visit(std::int64_t{0});
  Shape at = Shape::filled(n, 0);
  const std::int64_t inner = sizes[n - 1], step = strides[n - 1];
  for (std::int64_t base = 0;;) {
    for (std::int64_t i = 0; i < inner; ++i) visit(base + i * step);
    int d = n - 2;
    for (; d >= 0; --d) {
      base += strides[d];
      if (++at[d] < sizes[d]) break;
      base -= at[d] * strides[d];
      at[d] = 0;
    }
    if (d < 0) return;
  }
}

/// True when truncating `v` towards zero gives a value that T, an integer type of at most 64 bits, can hold.
template <class T>
bool fits(double v) {
  constexpr double span = sizeof(T) == 8 ? 0x1p63 : 0x1p31;
  return std::trunc(v) >= -span && v < span;  // false for NaN
}

/// The element conversion of `Tensor::to`: numbers to bool by "is not zero", floating to integer by truncation.
/// Floating values must fit (see `fits`).
template <class To, class From>
To convert(From v) {
  if constexpr (std::is_same_v<To, bool>)
    return v != From{};
  else
    return static_cast<To>(v);
}

}  // namespace slope::detail
