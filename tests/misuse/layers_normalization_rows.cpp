#include "misuse/row.h"

namespace misuse {

using namespace slope;
namespace F = slope::nn::functional;

namespace {
using Size = std::int64_t;
}  // namespace

std::vector<Row> normalization_rows() {
  return {
      row("batch_norm", [](In x, const Tensor& running, const Tensor& weight, bool training, double momentum,
                           double eps) { return F::batch_norm(x, running, {}, weight, {}, training, momentum, eps); }),
      row("instance_norm", F::instance_norm),
      row("group_norm", F::group_norm),
      row("layer_norm", F::layer_norm),
      row("rms_norm", F::rms_norm),
      row("local_response_norm", F::local_response_norm),
      made<nn::BatchNorm1d(Size, nn::BatchNormOptions)>("BatchNormModule::BatchNormModule"),
      row("BatchNormModule::forward", [](In x) { return nn::BatchNorm1d(3)(x); }),
      row("BatchNormModule::extra_repr", [] { return nn::BatchNorm1d(3).extra_repr(); }),
      made<nn::InstanceNorm1d(Size, nn::InstanceNormOptions)>("InstanceNormModule::InstanceNormModule"),
      row("InstanceNormModule::forward", [](In x) { return nn::InstanceNorm1d(3)(x); }),
      row("InstanceNormModule::extra_repr", [] { return nn::InstanceNorm1d(3).extra_repr(); }),
      made<nn::GroupNorm(Size, Size, nn::GroupNormOptions)>("GroupNorm::GroupNorm"),
      row("GroupNorm::forward", [](In x) { return nn::GroupNorm(3, 3)(x); }),
      row("GroupNorm::extra_repr", [] { return nn::GroupNorm(3, 3).extra_repr(); }),
      row("LayerNorm::LayerNorm", [](const IntArray& sizes, const nn::LayerNormOptions& o,
                                     SourceLoc loc) { return nn::LayerNorm(sizes, o, loc).extra_repr(); }),
      row("LayerNorm::forward", [](In x) { return nn::LayerNorm(3)(x); }),
      row("LayerNorm::extra_repr", [] { return nn::LayerNorm(3).extra_repr(); }),
      row("RMSNorm::RMSNorm", [](const IntArray& sizes, const nn::RMSNormOptions& o,
                                 SourceLoc loc) { return nn::RMSNorm(sizes, o, loc).extra_repr(); }),
      row("RMSNorm::forward", [](In x) { return nn::RMSNorm(3)(x); }),
      row("RMSNorm::extra_repr", [] { return nn::RMSNorm(3).extra_repr(); }),
      row("LocalResponseNorm::LocalResponseNorm",
          [](Size size, const nn::LocalResponseNormOptions& o, SourceLoc loc) {
            return nn::LocalResponseNorm(size, o, loc).extra_repr();
          }),
      row("LocalResponseNorm::forward", [](In x) { return nn::LocalResponseNorm(3)(x); }),
      row("LocalResponseNorm::extra_repr", [] { return nn::LocalResponseNorm(3).extra_repr(); }),
      row("pixel_shuffle", F::pixel_shuffle),
      row("pixel_unshuffle", F::pixel_unshuffle),
      row("channel_shuffle", F::channel_shuffle),
      row("PixelShuffle::PixelShuffle", [](Size n, SourceLoc loc) { return nn::PixelShuffle(n, loc).extra_repr(); }),
      row("PixelShuffle::forward", [](In x) { return nn::PixelShuffle(1)(x); }),
      row("PixelShuffle::extra_repr", [] { return nn::PixelShuffle(1).extra_repr(); }),
      row("PixelUnshuffle::PixelUnshuffle",
          [](Size n, SourceLoc loc) { return nn::PixelUnshuffle(n, loc).extra_repr(); }),
      row("PixelUnshuffle::forward", [](In x) { return nn::PixelUnshuffle(3)(x); }),
      row("PixelUnshuffle::extra_repr", [] { return nn::PixelUnshuffle(3).extra_repr(); }),
      row("ChannelShuffle::ChannelShuffle",
          [](Size n, SourceLoc loc) { return nn::ChannelShuffle(n, loc).extra_repr(); }),
      row("ChannelShuffle::forward", [](In x) { return nn::ChannelShuffle(3)(x); }),
      row("ChannelShuffle::extra_repr", [] { return nn::ChannelShuffle(3).extra_repr(); }),
      row("Softmax2d::forward", [](In x) { return nn::Softmax2d()(x); }),
      row("feature_alpha_dropout", F::feature_alpha_dropout),
      row("pdist", F::pdist),
  };
}

}  // namespace misuse
