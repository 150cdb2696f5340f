#pragma once

#include "slope/nn/module.h"

namespace slope::nn::functional {

enum class GridSampleMode {
  /// Between the 4 (or 8) neighbours.
  bilinear,
  /// The nearest element, of two the one with an even index.
  nearest,
  /// A cubic through 4 by 4 neighbours (Keys 1981, a = -3/4), for images only.
  bicubic
};
enum class GridPadding {
  /// Elements outside are 0.
  zeros,
  /// Elements outside are those of the edge.
  border,
  /// The image is continued by mirroring at its edge: at the centres of its outermost elements with align_corners, else at their outer sides.
  reflection
};
struct GridSampleOptions {
  /// How values between elements are found.
  GridSampleMode mode = GridSampleMode::bilinear;
  /// What stands outside.
  GridPadding padding_mode = GridPadding::zeros;
  /// Whether -1 and 1 are the centres of the outermost elements, rather than their outer sides.
  bool align_corners = false;
};

/// Values of `x` at the places of `grid`, whose last dimension holds (x, y) or (x, y, z), from -1 at the left, upper and front edge to 1.
///
/// Shapes: x (N, C, H, W) or (N, C, D, H, W), grid (N, sizes, 2) or (N, sizes, 3); result (N, C, sizes). Differentiable in both to any
/// order; the gradient for the grid is 0 with mode nearest and where padding holds a coordinate at the edge. Throws ShapeError for other
/// shapes, ValueError for bicubic with volumes, DTypeError unless both are of one floating dtype. A place that is NaN counts as outside.
///
///     Tensor y = F::grid_sample(image, F::affine_grid(theta, {n, c, h, w}));
Tensor grid_sample(In x, const Tensor& grid, const GridSampleOptions& options = {});

/// The grid that `grid_sample` needs to apply affine maps: theta·(x, y, 1) for each place (x, y) of an image of `size` = (N, C, H, W), or
/// theta·(x, y, z, 1) for (N, C, D, H, W).
///
/// Shapes: theta (N, 2, 3) or (N, 3, 4) -> (N, H, W, 2) or (N, D, H, W, 3). Throws ShapeError, DTypeError unless theta is floating.
Tensor affine_grid(In theta, const Shape& size, bool align_corners = false);

}  // namespace slope::nn::functional
