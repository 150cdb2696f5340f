#pragma once

#include <cstdint>

#include "slope/nn/module.h"

namespace slope::nn {

namespace functional {

/// Moves r² channels into r·r pixels (Shi et al. 2016): y[c, h·r + a, w·r + b] = x[c·r² + a·r + b, h, w].
///
/// Shapes: (..., C·r², H, W) -> (..., C, H·r, W·r), of any dtype. Throws ValueError unless r >= 1, ShapeError for fewer than three dimensions and
/// for channels that r² does not divide.
///
///     Tensor image = F::pixel_shuffle(x, 2);
Tensor pixel_shuffle(In x, std::int64_t upscale_factor);
/// The inverse: (..., C, H·r, W·r) -> (..., C·r², H, W). Throws ShapeError for heights and widths that r does not divide.
Tensor pixel_unshuffle(In x, std::int64_t downscale_factor);
/// Takes one channel of each of g groups in turn (Zhang et al. 2018): channel i·g + j of the result is number i of group j.
///
/// Shapes: (N, C, ...) with at least three dimensions. Throws ValueError unless g >= 1, ShapeError for channels that g does not divide.
Tensor channel_shuffle(In x, std::int64_t groups);

}  // namespace functional

/// F::pixel_shuffle as a module. Throws ValueError unless the factor is at least 1.
class PixelShuffle : public Module {
 public:
  explicit PixelShuffle(std::int64_t upscale_factor, SourceLoc loc = SourceLoc::here());
  Tensor forward(const Tensor& x) override { return functional::pixel_shuffle(x, upscale_factor_); }
  std::string extra_repr() const override;

 private:
  std::int64_t upscale_factor_;
};

/// F::pixel_unshuffle as a module. Throws ValueError unless the factor is at least 1.
class PixelUnshuffle : public Module {
 public:
  explicit PixelUnshuffle(std::int64_t downscale_factor, SourceLoc loc = SourceLoc::here());
  Tensor forward(const Tensor& x) override { return functional::pixel_unshuffle(x, downscale_factor_); }
  std::string extra_repr() const override;

 private:
  std::int64_t downscale_factor_;
};

/// F::channel_shuffle as a module. Throws ValueError unless there is at least one group.
class ChannelShuffle : public Module {
 public:
  explicit ChannelShuffle(std::int64_t groups, SourceLoc loc = SourceLoc::here());
  Tensor forward(const Tensor& x) override { return functional::channel_shuffle(x, groups_); }
  std::string extra_repr() const override;

 private:
  std::int64_t groups_;
};

}  // namespace slope::nn
