#pragma once

#include <concepts>
#include <cstdint>
#include <utility>

#include "slope/nn/layers/conv.h"
#include "slope/nn/layers/linear.h"
#include "slope/nn/layers/normalization.h"

/// Layers that do at once what two of them do.
namespace slope::nn::utils {

namespace detail {
/// What fusing needs of both layers.
struct Fusion {
  const char* op;
  const Module& layer;
  const Parameter &weight, &bias;
  bool transposed;
  std::int64_t groups;
  const Module& norm;
  const Parameter &norm_weight, &norm_bias;
  const Tensor &mean, &var;
  double eps;
  SourceLoc loc;

  /// Weight and bias of the fused layer, which throws where there is none.
  std::pair<Tensor, Tensor> values() const;
};
/// Hands values to a new layer, in eval mode.
void put_values(Module& layer, const std::pair<Tensor, Tensor>& values);
Shape kernel_of(const Tensor& weight);
}  // namespace detail

/// A convolution that does what `conv` and then `bn` do in evaluation: with s = γ/√(var + eps), weight W·s along the outputs, bias
/// (b - mean)·s + β. For transposed convolutions, too. Both stay as they are. Throws ValueError unless both are in evaluation mode
/// and `bn` has running moments, ShapeError unless it normalises as many channels as `conv` gives.
///
///     net.eval();
///     nn::Conv2d fast = nn::utils::fuse_conv_bn_eval(net.conv, net.bn);
template <class Conv, int spatial>
  requires(std::derived_from<Conv, ConvModule> || std::derived_from<Conv, ConvTransposeModule>)
Conv fuse_conv_bn_eval(const Conv& conv, const BatchNormModule<spatial>& bn, SourceLoc loc = SourceLoc::here()) {
  auto options = conv.options();
  const auto values = detail::Fusion{"fuse_conv_bn_eval",
                                     conv,
                                     conv.weight,
                                     conv.bias,
                                     std::derived_from<Conv, ConvTransposeModule>,
                                     options.groups,
                                     bn,
                                     bn.weight,
                                     bn.bias,
                                     bn.running_mean,
                                     bn.running_var,
                                     bn.options().eps,
                                     loc}
                          .values();
  options.bias = true;
  const Shape& w = values.first.shape();
  const bool transposed = std::derived_from<Conv, ConvTransposeModule>;
  Conv fused(transposed ? w[0] : w[1] * options.groups, values.second.size(0), detail::kernel_of(values.first), options,
             loc);
  detail::put_values(fused, values);
  return fused;
}

/// The same for a linear layer.
///
///     nn::Linear fast = nn::utils::fuse_linear_bn_eval(net.fc, net.bn);
template <int spatial>
Linear fuse_linear_bn_eval(const Linear& linear, const BatchNormModule<spatial>& bn,
                           SourceLoc loc = SourceLoc::here()) {
  const auto values =
      detail::Fusion{
          "fuse_linear_bn_eval", linear,         linear.weight,    linear.bias, false, 1, bn, bn.weight, bn.bias,
          bn.running_mean,       bn.running_var, bn.options().eps, loc}
          .values();
  Linear fused(values.first.size(1), values.first.size(0), {}, loc);
  detail::put_values(fused, values);
  return fused;
}

}  // namespace slope::nn::utils
