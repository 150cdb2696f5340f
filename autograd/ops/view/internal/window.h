#pragma once

#include <cstdint>
#include <string_view>

#include "slope/autograd/engine/op.h"
#include "slope/autograd/tensor/tensor.h"

/// Windows: views that show a part of a tensor. A window is a struct that says which part, for a tensor of any strides:
///
///     struct SelectWindow {
///       static constexpr std::string_view name = "Select", embed_name = "SelectEmbed";
///       static constexpr bool overlaps = false;   // true: may show one element several times
///       int dim; std::int64_t index;
///       Geometry place(const Shape& sizes, const Shape& strides) const;
///     };
///
/// Showing a window and embedding values into zeros at the window are each other's derivative.
namespace slope::detail {

/// Sizes and strides of a part, and where it starts, in elements.
struct Geometry {
  Shape sizes, strides;
  std::int64_t offset = 0;
};

/// Elements start, start + step, ... of one dimension.
struct SliceWindow {
  static constexpr std::string_view name = "Slice", embed_name = "SliceEmbed";
  static constexpr bool overlaps = false;
  int dim;
  std::int64_t start, length, step;
  Geometry place(const Shape& sizes, const Shape& strides) const;
};

/// One element of a dimension, which disappears.
struct SelectWindow {
  static constexpr std::string_view name = "Select", embed_name = "SelectEmbed";
  static constexpr bool overlaps = false;
  int dim;
  std::int64_t index;
  Geometry place(const Shape& sizes, const Shape& strides) const;
};

/// The diagonal of two dimensions, which becomes the last dimension.
struct DiagonalWindow {
  static constexpr std::string_view name = "Diagonal", embed_name = "DiagonalEmbed";
  static constexpr bool overlaps = false;
  std::int64_t offset;
  int dim1, dim2;
  Geometry place(const Shape& sizes, const Shape& strides) const;
};

/// Windows of `size` elements, `step` apart.
struct UnfoldWindow {
  static constexpr std::string_view name = "Unfold", embed_name = "UnfoldEmbed";
  static constexpr bool overlaps = true;
  int dim;
  std::int64_t size, step;
  Geometry place(const Shape& sizes, const Shape& strides) const;
};

/// Another geometry over the memory of `x`, outside any graph.
Tensor alias_of(const Tensor& x, const Geometry& g);
/// Zeros of shape `base` with `values` added at the places that `g`, a geometry of a dense tensor of that shape, shows.
Tensor embed_values(const Tensor& values, const Shape& base, const Geometry& g, bool overlaps);

template <class Window>
Tensor show(SourceLoc loc, const Window& window, const Tensor& x);
template <class Window>
Tensor embed(SourceLoc loc, const Window& window, const Shape& base, const Tensor& values);

template <class Window>
struct ShowOp {
  static constexpr std::string_view name = Window::name;
  Window window;
  Shape base{};
  struct Saved {};
  View forward(Saved&, const Tensor& x) {
    base = x.shape();
    return alias_of(x, window.place(base, x.strides()));
  }
  Grads<1> backward(const Saved&, const Tensor& g) const { return {embed(SourceLoc{}, window, base, g)}; }
};

template <class Window>
struct EmbedOp {
  static constexpr std::string_view name = Window::embed_name;
  Window window;
  Shape base;
  struct Saved {};
  Tensor forward(Saved&, const Tensor& values) {
    return embed_values(values, base, window.place(base, contiguous_strides(base)), Window::overlaps);
  }
  Grads<1> backward(const Saved&, const Tensor& g) const { return {show(SourceLoc{}, window, g)}; }
};

template <class Window>
Tensor show(SourceLoc loc, const Window& window, const Tensor& x) {
  return apply(loc, ShowOp<Window>{window}, x);
}

template <class Window>
Tensor embed(SourceLoc loc, const Window& window, const Shape& base, const Tensor& values) {
  return apply(loc, EmbedOp<Window>{window, base}, values);
}

}  // namespace slope::detail
