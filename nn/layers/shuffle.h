#pragma once

#include <cstdint>

#include "slope/nn/module.h"

/// Elements that change places between channels and space. All are linear, and the gradient is the way back.
namespace slope::nn {

namespace functional {

/// Channels to space: (*, C·r², H, W) -> (*, C, H·r, W·r), y[c, h·r + a, w·r + b] = x[c·r² + a·r + b, h, w] (Shi et al. 2016). Throws
/// ShapeError for fewer than 3 dimensions and for channels that r² does not divide, ValueError unless upscale_factor is positive.
///
///     Tensor image = F::pixel_shuffle(features, 2);
Tensor pixel_shuffle(In x, std::int64_t upscale_factor);
/// The way back: (*, C, H·r, W·r) -> (*, C·r², H, W). Throws ShapeError where r does not divide height and width.
Tensor pixel_unshuffle(In x, std::int64_t downscale_factor);
/// Channels (N, C, *) seen as (groups, C/groups) and transposed (Zhang et al. 2018). Throws ShapeError for fewer than 3 dimensions and for
/// channels that groups does not divide, ValueError unless groups is positive.
Tensor channel_shuffle(In x, std::int64_t groups);

}  // namespace functional

/// F::pixel_shuffle as a module. Throws ValueError unless the factor is positive.
class PixelShuffle : public Module {
 public:
  PixelShuffle() = delete;  // name it where it is declared: nn::PixelShuffle layer = add("layer", nn::PixelShuffle(2));
  explicit PixelShuffle(std::int64_t upscale_factor, SourceLoc loc = SourceLoc::here());
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;

 private:
  std::int64_t factor_;
};

/// F::pixel_unshuffle as a module. Throws ValueError unless the factor is positive.
class PixelUnshuffle : public Module {
 public:
  PixelUnshuffle() = delete;  // name it: nn::PixelUnshuffle layer = add("layer", nn::PixelUnshuffle(2));
  explicit PixelUnshuffle(std::int64_t downscale_factor, SourceLoc loc = SourceLoc::here());
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;

 private:
  std::int64_t factor_;
};

/// F::channel_shuffle as a module. Throws ValueError unless groups is positive.
class ChannelShuffle : public Module {
 public:
  ChannelShuffle() = delete;  // name it: nn::ChannelShuffle layer = add("layer", nn::ChannelShuffle(4));
  explicit ChannelShuffle(std::int64_t groups, SourceLoc loc = SourceLoc::here());
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;

 private:
  std::int64_t groups_;
};

}  // namespace slope::nn
