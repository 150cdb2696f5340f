#pragma once

#include <array>
#include <cstdint>

#include "slope/autograd/core/int_array.h"

/// Windows that slide over one to three dimensions: what convolution, transposed convolution, pooling, folding and unfolding have
/// in common. Their loops are written once, for three dimensions; where there are fewer, the first ones have size 1.
///
///     // average pooling of one row of an image, without padding in the average
///     const Window w = sliding_window("avg_pool1d", x.shape(), 1, {.kernel = 3, .stride = 2, .padding = 1}, loc);
///     Tensor y = make_empty(w.output_shape(x.shape()), x.dtype());
///     const WindowAxis& along = w.width();
///     for (std::int64_t o = 0; o < along.output; ++o) {
///       const TapRange taps = along.taps(o);         // those inside the row
///       for (std::int64_t k = taps.begin; k < taps.end; ++k) sum += row[along.position(o, k)];
///     }
///
/// A kernel that runs over its outputs for one tap at a time asks `along.outputs(k)` instead, so that no loop asks whether
/// it is inside.
namespace slope {

/// Numbers from `begin` up to, not including, `end`; empty where `end` is not larger.
struct TapRange {
  std::int64_t begin = 0, end = 0;
  std::int64_t size() const { return end > begin ? end - begin : 0; }
};

/// Windows along one dimension. Window `o` has its first tap at o·stride - before, the others `dilation` apart.
struct WindowAxis {
  std::int64_t input = 1;   ///< elements there are
  std::int64_t output = 1;  ///< windows there are
  std::int64_t kernel = 1;  ///< taps of a window
  std::int64_t stride = 1, dilation = 1;
  std::int64_t before = 0, after = 0;  ///< padding

  /// From the first tap of a window to behind its last.
  std::int64_t extent() const { return dilation * (kernel - 1) + 1; }
  /// Where a tap lies among the elements: below 0 or from `input` on it is padding.
  std::int64_t position(std::int64_t window, std::int64_t tap) const {
    return window * stride - before + tap * dilation;
  }
  bool inside(std::int64_t position) const {
    return static_cast<std::uint64_t>(position) < static_cast<std::uint64_t>(input);
  }
  /// The taps of a window that lie on elements.
  TapRange taps(std::int64_t window) const;
  /// The windows whose tap lies on an element.
  TapRange outputs(std::int64_t tap) const;
  /// Whether every tap of every window lies on an element.
  bool all_inside() const { return before <= 0 && position(output - 1, kernel - 1) < input; }
};

/// Windows over depth, height and width, of which only the last `dims` were asked for.
struct Window {
  std::array<WindowAxis, 3> axes{};
  int dims = 3;

  const WindowAxis& depth() const { return axes[0]; }
  const WindowAxis& height() const { return axes[1]; }
  const WindowAxis& width() const { return axes[2]; }
  /// Products over all axes.
  std::int64_t taps() const { return axes[0].kernel * axes[1].kernel * axes[2].kernel; }
  std::int64_t inputs() const { return axes[0].input * axes[1].input * axes[2].input; }
  std::int64_t outputs() const { return axes[0].output * axes[1].output * axes[2].output; }
  bool all_inside() const { return axes[0].all_inside() && axes[1].all_inside() && axes[2].all_inside(); }

  /// `shape` with its last `dims` sizes replaced by the number of windows, or of elements.
  Shape output_shape(Shape shape) const;
  Shape input_shape(Shape shape) const;
};

/// What describes windows besides the sizes they slide over. An int stands for all dimensions.
struct WindowOptions {
  IntArray kernel = 1;
  IntArray stride = {};  ///< empty: as the kernel, so that windows do not overlap
  IntArray padding = 0;
  IntArray dilation = 1;
  /// Where the padding behind differs from the one in front; else empty.
  IntArray padding_after = {};
  /// Whether a last window may reach beyond the padding, if it begins on an element or in the padding in front.
  bool ceil_mode = false;
};

/// The windows over the last `dims` sizes of `input`. Sizes of 0 before them are none of its business.
///
/// Throws ValueError for lists of another length than `dims`, kernels, strides and dilations below 1 and negative padding,
/// ShapeError for a window larger than the padded input. All errors name `op`.
Window sliding_window(const char* op, const Shape& input, int dims, const WindowOptions& options, SourceLoc loc);

/// The same, but where a window is larger than the padded input there are 0 windows or fewer, for callers that say so in their own
/// words.
Window possible_windows(const char* op, const Shape& input, int dims, const WindowOptions& options, SourceLoc loc);

/// The windows that give, as outputs, the last `dims` sizes of `output` and have as few elements as possible, plus
/// `extra` elements behind: what a transposed convolution produces from `output`. Throws as sliding_window, and
/// ShapeError where no element would be left.
Window transposed_window(const char* op, const Shape& output, int dims, const WindowOptions& options,
                         const IntArray& extra, SourceLoc loc);

/// "(4 x 4)".
std::string times_text(const Shape& sizes);

}  // namespace slope
