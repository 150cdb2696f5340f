#include "slope/nn/utils/fusion.h"

#include <boost/test/unit_test.hpp>

#include "slope/slope.h"
#include "support/checks.h"

using namespace slope;
using namespace slope::nn::utils;

namespace {

template <class Norm>
Norm trained(std::int64_t channels, nn::BatchNormOptions options = {}) {
  Norm bn(channels, options);
  const NoGradGuard no_grad;
  bn.running_mean.copy_(randn({channels}));
  bn.running_var.copy_(rand({channels}) + 0.5);
  if (options.affine) {
    bn.weight.copy_(randn({channels}));
    bn.bias.copy_(randn({channels}));
  }
  bn.eval();
  return bn;
}
template <class Layer, class Norm>
void check_alike(Layer& layer, Norm& bn, const Tensor& x) {
  layer.eval();
  Layer fused = [&] {
    if constexpr (std::is_same_v<Layer, nn::Linear>)
      return fuse_linear_bn_eval(layer, bn);
    else
      return fuse_conv_bn_eval(layer, bn);
  }();
  BOOST_TEST(!fused.is_training());
  BOOST_TEST(fused.bias.requires_grad());
  const Tensor y = bn(layer(x));
  BOOST_TEST((fused.weight.dtype() == layer.weight.dtype()));
  BOOST_TEST(allclose(fused(x), y, 1e-4, 1e-5));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(fusion)

BOOST_AUTO_TEST_CASE(a_fused_layer_does_what_both_did) {
  manual_seed(2);
  auto bn1 = trained<nn::BatchNorm1d>(4);
  auto plain = trained<nn::BatchNorm2d>(4, {.eps = 0.1, .affine = false});
  nn::Linear fc(3, 4, {.bias = false});
  check_alike(fc, bn1, randn({5, 3}));
  nn::Conv1d conv(2, 4, 3, {.stride = 2, .padding = 1, .groups = 2, .padding_mode = "circular"});
  check_alike(conv, bn1, randn({2, 2, 9}));
  nn::Conv2d conv2(3, 4, {2, 3}, {.dilation = {1, 2}, .bias = false});
  check_alike(conv2, plain, randn({2, 3, 6, 7}));
  nn::ConvTranspose2d up(3, 4, 3, {.stride = 2, .output_padding = 1});
  check_alike(up, plain, randn({2, 3, 4, 4}));
  nn::ConvTranspose1d grouped(6, 4, 2, {.groups = 2});
  check_alike(grouped, bn1, randn({2, 6, 5}));
}

BOOST_AUTO_TEST_CASE(parametrized_layers_become_plain_ones) {
  auto bn = trained<nn::BatchNorm1d>(4);
  nn::Linear fc(3, 4);
  parametrizations::weight_norm(fc);
  fc.parameters()[1].detach().mul_(2);  // the length, which nothing computed from yet
  check_alike(fc, bn, randn({5, 3}));
  bn.to(float64);
  fc.to(float64);
  check_alike(fc, bn, randn({5, 3}, {.dtype = float64}));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_fused) {
  nn::Linear fc(3, 4);
  nn::Conv2d conv(3, 4, 2);
  auto bn = trained<nn::BatchNorm1d>(4), other = trained<nn::BatchNorm1d>(3);
  check_error<ValueError>([&] { (void)fuse_linear_bn_eval(fc, bn); }, "Fusion only for eval!");
  fc.eval();
  check_error<ShapeError>([&] { (void)fuse_linear_bn_eval(fc, other); },
                          "BatchNorm1d normalises 3 channels, but Linear gives 4");
  conv.eval();
  nn::BatchNorm2d without(4, {.track_running_stats = false});
  without.eval();
  check_error<ValueError>([&] { (void)fuse_conv_bn_eval(conv, without); }, "has no running moments");
}

BOOST_AUTO_TEST_SUITE_END()
