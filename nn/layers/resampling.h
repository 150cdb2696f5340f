#pragma once

#include <optional>
#include <string>

#include "slope/autograd/core/int_array.h"
#include "slope/autograd/core/real_array.h"
#include "slope/nn/module.h"

namespace slope::nn {

namespace functional {

enum class InterpolateMode {
  /// The element at ⌊i·r⌋, r being input size over output size.
  nearest,
  /// The element at ⌊(i + 1/2)·r⌋, whose centre is nearest.
  nearest_exact,
  /// Between two neighbours, in one dimension.
  linear,
  /// In two.
  bilinear,
  /// A cubic through four neighbours (Keys 1981, a = -3/4; with antialias -1/2), in two dimensions.
  bicubic,
  /// As linear, in three dimensions.
  trilinear,
  /// Means of the cells of adaptive pooling.
  area
};

struct InterpolateOptions {
  /// Output sizes, or scale_factor: one of the two.
  IntArray size = {};
  /// Output sizes are ⌊n·factor⌋.
  RealArray scale_factor = {};
  InterpolateMode mode = InterpolateMode::nearest;
  /// Whether the centres of the outermost elements stay where they are, rather than the outer edges: for linear and cubic modes, false unless
  /// given.
  std::optional<bool> align_corners{};
  /// Whether r is input size over output size although a factor was given; else it is 1/factor.
  std::optional<bool> recompute_scale_factor{};
  /// Whether what is made smaller is averaged first: for bilinear and bicubic.
  bool antialias = false;
};

/// Makes an image (or row, or volume) larger or smaller. Element i of the result lies at (i + 1/2)·r - 1/2 in the input, or at
/// i·(n - 1)/(o - 1) with align_corners; dimensions are independent of each other.
///
/// Shapes: (N, C, sizes) with one to three sizes. Linear in x, so differentiable to any order: the gradient is the adjoint. Throws
/// DTypeError unless x is floating, ShapeError for other shapes, ValueError for options that do not go together.
///
///     F::interpolate(x, {.scale_factor = 2});
///     F::interpolate(x, {.size = {32, 48}, .mode = F::InterpolateMode::bilinear, .antialias = true});
Tensor interpolate(In x, const InterpolateOptions& options);

}  // namespace functional

/// F::InterpolateMode.
using InterpolateMode = functional::InterpolateMode;
/// F::InterpolateOptions.
using InterpolateOptions = functional::InterpolateOptions;

/// F::interpolate as a module: `nn::Upsample({.scale_factor = 2, .mode = nn::InterpolateMode::bilinear})`.
class Upsample : public Module {
 public:
  explicit Upsample(const InterpolateOptions& options) : options_(options) {}
  Tensor forward(const Tensor& x) override { return functional::interpolate(x, options_); }
  std::string extra_repr() const override;

 protected:
  /// As they were given.
  InterpolateOptions options_;
};

/// What the two modules below take: one of the two.
struct UpsamplingOptions {
  /// Of the result.
  IntArray size = {};
  /// How many times larger.
  RealArray scale_factor = {};
};

/// Upsample in two dimensions with mode nearest: `nn::UpsamplingNearest2d({.scale_factor = 2})`.
class UpsamplingNearest2d : public Upsample {
 public:
  explicit UpsamplingNearest2d(const UpsamplingOptions& options)
      : Upsample({.size = options.size, .scale_factor = options.scale_factor}) {}
};

/// Upsample in two dimensions with mode bilinear and align_corners.
class UpsamplingBilinear2d : public Upsample {
 public:
  explicit UpsamplingBilinear2d(const UpsamplingOptions& options)
      : Upsample({.size = options.size,
                  .scale_factor = options.scale_factor,
                  .mode = InterpolateMode::bilinear,
                  .align_corners = true}) {}
};

}  // namespace slope::nn
