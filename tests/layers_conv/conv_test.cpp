#include <boost/test/unit_test.hpp>
#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/random.h"
#include "slope/nn/functional.h"
#include "slope/nn/nn.h"
#include "support/checks.h"

// Values, options, modules and errors of convolutions.

using namespace slope;

namespace {

template <class E>
void check_all(const std::vector<std::pair<const char*, std::function<void()>>>& rows) {
  for (const auto& [text, call] : rows) check_error<E>(call, text);
}

std::string text(const nn::Module& m) { return m.to_string(); }

}  // namespace

BOOST_AUTO_TEST_SUITE(convolution)

BOOST_AUTO_TEST_CASE(is_cross_correlation) {
  const Tensor x = tensor({{{1.0, 2.0, 4.0, 8.0}}}), weight = tensor({{{1.0, 10.0}}});
  check_values(F::conv1d(x, weight), {21, 42, 84});
  check_values(F::conv1d(x, weight, tensor({0.5})), {21.5, 42.5, 84.5});
  check_values(F::conv1d(x, weight, {}, {.stride = 2}), {21, 84});
  check_values(F::conv1d(x, weight, {}, {.padding = 1}), {10, 21, 42, 84, 8});
  check_values(F::conv1d(x, weight, {}, {.dilation = 2}), {41, 82});
}

BOOST_AUTO_TEST_CASE(transposed_spreads_what_convolution_gathers) {
  const Tensor x = tensor({{{1.0, 2.0}}}), weight = tensor({{{1.0, 10.0, 100.0}}});
  check_values(F::conv_transpose1d(x, weight), {1, 12, 120, 200});
  check_values(F::conv_transpose1d(x, weight, tensor({0.5}), {.stride = 3}), {1.5, 10.5, 100.5, 2.5, 20.5, 200.5});
  check_values(F::conv_transpose1d(x, weight, {}, {.stride = 2, .padding = 1, .output_padding = 1}),
               {10, 102, 20, 200});
  // <conv(x), y> = <x, transposed(y)>
  const Tensor a = randn({2, 3, 9, 8}, {.dtype = float64}), w = randn({4, 3, 3, 2}, {.dtype = float64});
  const Tensor y = F::conv2d(a, w, {}, {.stride = 2, .padding = 1, .dilation = {1, 2}}),
               b = randn(y.shape(), {.dtype = float64});
  const Tensor back =
      F::conv_transpose2d(b, w, {}, {.stride = 2, .padding = 1, .output_padding = {0, 1}, .dilation = {1, 2}});
  BOOST_TEST((back.shape() == a.shape()));
  BOOST_TEST(std::abs((y * b).sum().item() - (a * back).sum().item()) < 1e-10);
}

BOOST_AUTO_TEST_CASE(numbers_may_be_given_once_or_for_each_dimension) {
  const Tensor x = randn({1, 2, 7, 9}), weight = randn({3, 2, 3, 3});
  const auto same = [](const Tensor& a, const Tensor& b) { return (a == b).all().item<bool>(); };
  BOOST_TEST(same(F::conv2d(x, weight, {}, {.stride = 2, .padding = 1}),
                  F::conv2d(x, weight, {}, {.stride = {2, 2}, .padding = {1, 1}})));
  BOOST_TEST(same(F::conv2d(x, weight, {}, {.stride = {2}, .padding = {1}}),
                  F::conv2d(x, weight, {}, {.stride = 2, .padding = 1})));
  BOOST_TEST((F::conv2d(x, weight, {}, {.stride = {1, 3}, .padding = {2, 0}}).shape() == Shape{1, 3, 9, 3}));
  nn::Conv2d layer(2, 3, {3, 5}, {.stride = {2, 1}, .padding = 2});
  BOOST_TEST((layer.weight.shape() == Shape{3, 2, 3, 5}));
  BOOST_TEST((layer(x).shape() == Shape{1, 3, 5, 9}));
}

BOOST_AUTO_TEST_CASE(padding_may_be_a_word) {
  const Tensor x = randn({1, 1, 6, 7}), weight = randn({1, 1, 2, 5});
  BOOST_TEST((F::conv2d(x, weight, {}, {.padding = "same"}).shape() == x.shape()));
  BOOST_TEST((F::conv2d(x, weight, {}, {.padding = "same", .dilation = {3, 1}}).shape() == x.shape()));
  BOOST_TEST((F::conv2d(x, weight, {}, {.padding = std::string("valid")}).shape() == Shape{1, 1, 5, 3}));
  // The cell too many goes behind.
  check_values(F::conv1d(tensor({{{1.0, 2.0}}}), tensor({{{1.0, 10.0}}}), {}, {.padding = "same"}), {21, 2});
}

BOOST_AUTO_TEST_CASE(padding_modes_are_those_of_pad) {
  const Tensor x = randn({2, 2, 5, 6}), weight = randn({3, 2, 3, 3});
  for (const auto& [name, mode] : {std::pair{"reflect", F::PadMode::reflect},
                                   {"replicate", F::PadMode::replicate},
                                   {"circular", F::PadMode::circular},
                                   {"zeros", F::PadMode::constant}}) {
    const Tensor padded = F::pad(x, {2, 2, 1, 1}, {.mode = mode});
    const Tensor y = F::conv2d(x, weight, {}, {.stride = 2, .padding = {1, 2}, .padding_mode = name});
    BOOST_TEST(allclose(y, F::conv2d(padded, weight, {}, {.stride = 2}), 1e-6, 1e-6), name);
  }
}

BOOST_AUTO_TEST_CASE(of_an_unbatched_input_is_unbatched) {
  const Tensor x = randn({2, 5, 6}), weight = randn({3, 2, 3, 3}), bias = randn({3});
  const Tensor y = F::conv2d(x, weight, bias);
  BOOST_TEST((y.shape() == Shape{3, 3, 4}));
  BOOST_TEST((y == F::conv2d(x.unsqueeze(0), weight, bias).squeeze(0)).all().item<bool>());
  BOOST_TEST((F::conv_transpose1d(randn({2, 5}), randn({2, 3, 2})).shape() == Shape{3, 6}));
}

BOOST_AUTO_TEST_CASE(of_groups_is_the_convolution_of_each) {
  const Tensor x = randn({2, 4, 6}), weight = randn({6, 2, 3}), bias = randn({6});
  const auto half = [](const Tensor& t, int dim, std::int64_t i) {
    return chunk(t, 2, dim)[static_cast<std::size_t>(i)];
  };
  std::vector<Tensor> parts;
  for (std::int64_t g : {0, 1}) parts.push_back(F::conv1d(half(x, 1, g), half(weight, 0, g), half(bias, 0, g)));
  BOOST_TEST(allclose(F::conv1d(x, weight, bias, {.groups = 2}), cat(parts, 1), 1e-6, 1e-6));
}

BOOST_AUTO_TEST_CASE(modules_begin_within_the_bound_of_their_fan_in) {
  const auto check = [](const Tensor& t, double fan_in) {
    const double largest = t.abs().max().item(), bound = 1 / std::sqrt(fan_in);
    BOOST_TEST(largest <= bound);
    BOOST_TEST(largest > 0.9 * bound);
  };
  nn::Conv2d conv(6, 40, 3, {.groups = 2});
  check(conv.weight, 3 * 9);
  check(conv.bias, 3 * 9);
  nn::ConvTranspose2d up(6, 40, 3, {.groups = 2});
  BOOST_TEST((up.weight.shape() == Shape{6, 20, 3, 3}));
  check(up.weight, 20 * 9);
  check(up.bias, 20 * 9);
  BOOST_TEST(nn::Conv1d(2, 3, 3, {.bias = false}).parameters().size() == 1u);
  nn::Conv1d named(2, 3, 3);
  const auto parameters = named.named_parameters();
  BOOST_TEST(parameters[0].first == "weight");
  BOOST_TEST(parameters[1].first == "bias");
}

BOOST_AUTO_TEST_CASE(modules_print_as_in_pytorch) {
  BOOST_TEST(text(nn::Conv1d(1, 2, 3)) == "Conv1d(1, 2, kernel_size=(3,), stride=(1,))");
  BOOST_TEST(
      text(nn::Conv2d(
          2, 4, {3, 5},
          {.stride = 2, .padding = {1, 2}, .dilation = 2, .groups = 2, .bias = false, .padding_mode = "reflect"})) ==
      "Conv2d(2, 4, kernel_size=(3, 5), stride=(2, 2), padding=(1, 2), dilation=(2, 2), groups=2, bias=False, "
      "padding_mode=reflect)");
  BOOST_TEST(text(nn::Conv3d(1, 1, 1, {.padding = "same"})) ==
             "Conv3d(1, 1, kernel_size=(1, 1, 1), stride=(1, 1, 1), padding=same)");
  BOOST_TEST(text(nn::ConvTranspose2d(
                 2, 4, 3, {.stride = 2, .padding = 1, .output_padding = 1, .groups = 2, .dilation = {1, 2}})) ==
             "ConvTranspose2d(2, 4, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), dilation=(1, 2), "
             "output_padding=(1, 1), groups=2)");
}

BOOST_AUTO_TEST_CASE(modules_count_their_multiplications) {
  nn::Conv2d conv(4, 6, 3, {.padding = 1, .groups = 2});
  BOOST_TEST(conv.macs({5, 6, 7, 8}) == 5 * 6 * 7 * 8 * 2 * 9);
  nn::ConvTranspose2d up(4, 6, 2, {.stride = 2});
  const Tensor x = ones({5, 4, 7, 8});
  BOOST_TEST(up.macs(up(x).shape()) == x.numel() * 6 * 4);
}

BOOST_AUTO_TEST_CASE(transposed_modules_take_the_size_of_their_result) {
  nn::ConvTranspose2d up(2, 3, 3, {.stride = 2, .padding = 1});
  const Tensor x = randn({4, 2, 5, 5});
  BOOST_TEST((up(x).shape() == Shape{4, 3, 9, 9}));
  BOOST_TEST((up(x, {10, 9}).shape() == Shape{4, 3, 10, 9}));
  BOOST_TEST((up(x, {4, 3, 10, 10}).shape() == Shape{4, 3, 10, 10}));
  BOOST_TEST((up(randn({2, 5, 5}), {3, 9, 10}).shape() == Shape{3, 9, 10}));
  check_all<ValueError>({
      {"conv_transpose2d: requested an output size of [11, 9], but valid sizes range from [9, 9] to [10, 10] (for an input "
       "of [4, 2, 5, 5])",
       [&] { up(x, {11, 9}); }},
      {"requested an output size of [8, 8], but valid sizes", [&] { up(x, {8, 8}); }},
      {"conv_transpose2d: output_size must have 2 or 4 elements (got 3)", [&] { up(x, {3, 9, 9}); }},
      {"conv_transpose2d: output_size must have 2 or 4 elements (got 1)", [&] { up(x, Shape{9}); }},
  });
}

BOOST_AUTO_TEST_CASE(refuses_tensors_that_do_not_fit) {
  const Tensor x = ones({1, 2, 5, 5}), weight = ones({4, 2, 3, 3});
  check_all<ShapeError>({
      {"conv2d: Expected 3D (unbatched) or 4D (batched) input to conv2d, but got input of size: [5, 5]",
       [&] { F::conv2d(ones({5, 5}), weight); }},
      {"conv3d: Expected 4D (unbatched) or 5D (batched) input to conv3d, but got input of size: [2, 2, 2]",
       [&] { F::conv3d(ones({2, 2, 2}), ones({1, 2, 1, 1, 1})); }},
      {"conv_transpose1d: Expected 2D (unbatched) or 3D (batched) input to conv_transpose1d, but got input of size: [3]",
       [&] { F::conv_transpose1d(ones({3}), ones({3, 1, 1})); }},
      {"conv2d: the weight must have 4 dimensions, channels and the kernel's 2, but has shape [4, 2, 3]",
       [&] { F::conv2d(x, ones({4, 2, 3})); }},
      {"conv2d: Given groups=1, weight of size [4, 2, 3, 3], expected input [1, 3, 5, 5] to have 2 channels, but got 3 "
       "channels instead",
       [&] { F::conv2d(ones({1, 3, 5, 5}), weight); }},
      {"conv2d: Given groups=2, weight of size [4, 2, 3, 3], expected input [1, 2, 5, 5] to have 4 channels, but got 2 "
       "channels instead",
       [&] { F::conv2d(x, weight, {}, {.groups = 2}); }},
      {"conv2d: Given groups=3, expected weight to be divisible by 3 at dimension 0, but got weight of size [4, 2, 3, 3]",
       [&] { F::conv2d(ones({1, 6, 5, 5}), weight, {}, {.groups = 3}); }},
      {"conv_transpose2d: Given transposed=1, groups=1, weight of size [4, 2, 3, 3], expected input [1, 2, 5, 5] to have 4 "
       "channels, but got 2 channels instead",
       [&] { F::conv_transpose2d(x, weight); }},
      {"conv2d: Given weight of size [4, 2, 3, 3], expected bias to be 1-dimensional with 4 elements, but got bias of size "
       "[2] instead",
       [&] { F::conv2d(x, weight, ones({2})); }},
      {"conv2d: Given weight of size [4, 2, 3, 3], expected bias to be 1-dimensional with 4 elements, but got bias of size "
       "[4, 1] instead",
       [&] { F::conv2d(x, weight, ones({4, 1})); }},
      {"conv_transpose2d: Given transposed=1, weight of size [4, 2, 3, 3], expected bias to be 1-dimensional with 4 "
       "elements, but got bias of size [3] instead",
       [&] { F::conv_transpose2d(ones({1, 4, 5, 5}), weight, ones({3}), {.groups = 2}); }},
      {"conv2d: Calculated padded input size per channel: (2 x 5). Kernel size: (3 x 3). Kernel size can't be greater than "
       "actual input size",
       [&] { F::conv2d(ones({1, 2, 2, 5}), weight); }},
      {"conv_transpose1d: Given input size per channel: (2). Calculated output size per channel: (0). Output size is too "
       "small",
       [&] { F::conv_transpose1d(ones({1, 1, 2}), ones({1, 1, 1}), {}, {.padding = {1}}); }},
      {"pad: Padding size should be less than the corresponding input dimension, but got: padding (3, 3) at dimension 2",
       [&] { F::conv1d(ones({1, 1, 3}), ones({1, 1, 3}), {}, {.padding = 3, .padding_mode = "reflect"}); }},
  });
}

BOOST_AUTO_TEST_CASE(refuses_options_out_of_range) {
  const Tensor x = ones({1, 2, 5}), weight = ones({4, 2, 3}), turned = ones({2, 4, 3});
  check_all<ValueError>({
      {"conv1d: non-positive stride is not supported, got [0]", [&] { F::conv1d(x, weight, {}, {.stride = 0}); }},
      {"conv1d: expected stride to be a single integer value or a list of 1 values",
       [&] { F::conv1d(x, weight, {}, {.stride = {}}); }},
      {"conv1d: expected padding to be a single integer value or a list of 1 values to match the dimensions, but got "
       "padding=[1, 2]",
       [&] { F::conv1d(x, weight, {}, {.padding = {1, 2}}); }},
      {"conv1d: negative padding is not supported, got [-1]", [&] { F::conv1d(x, weight, {}, {.padding = -1}); }},
      {"conv1d: dilation should be greater than zero, got [0]", [&] { F::conv1d(x, weight, {}, {.dilation = 0}); }},
      {"conv1d: non-positive groups is not supported, got 0", [&] { F::conv1d(x, weight, {}, {.groups = 0}); }},
      {"conv1d: kernel size should be greater than zero, got [0]", [&] { F::conv1d(x, ones({4, 2, 0})); }},
      {"conv1d: padding='same' is not supported for strided convolutions, got stride=[2]",
       [&] { F::conv1d(x, weight, {}, {.stride = 2, .padding = "same"}); }},
      {"conv1d: Invalid padding string 'full', should be one of {'same', 'valid'}",
       [&] { F::conv1d(x, weight, {}, {.padding = "full"}); }},
      {"conv1d: padding_mode must be one of {'zeros', 'reflect', 'replicate', 'circular'}, but got padding_mode='mirror'",
       [&] { F::conv1d(x, weight, {}, {.padding_mode = "mirror"}); }},
      {"conv1d: got a bias although the options say bias=false",
       [&] { F::conv1d(x, weight, ones({4}), {.bias = false}); }},
      {"conv_transpose1d: Only \"zeros\" padding mode is supported for ConvTranspose1d, but got padding_mode='reflect'",
       [&] { F::conv_transpose1d(x, turned, {}, {.padding_mode = "reflect"}); }},
      {"conv_transpose1d: output padding must be smaller than either stride or dilation, but got output_padding=[2], "
       "stride=[2], dilation=[1]",
       [&] { F::conv_transpose1d(x, turned, {}, {.stride = 2, .output_padding = 2}); }},
      {"conv_transpose1d: negative output_padding is not supported, got [-1]",
       [&] { F::conv_transpose1d(x, turned, {}, {.output_padding = -1}); }},
      {"conv_transpose1d: dilation should be greater than zero, got [-1]",
       [&] { F::conv_transpose1d(x, turned, {}, {.dilation = -1}); }},
      {"conv2d: the input is an undefined tensor", [&] { F::conv2d(Tensor(), weight); }},
      {"conv2d: the weight is an undefined tensor", [&] { F::conv2d(ones({1, 1, 1, 1}), Tensor()); }},
  });
}

BOOST_AUTO_TEST_CASE(refuses_other_dtypes) {
  const Tensor x = ones({1, 2, 5}), weight = ones({4, 2, 3});
  check_all<DTypeError>({
      {"conv1d: the weight is float64 but the input is float32; convert one with .to(float32)",
       [&] { F::conv1d(x, weight.to(float64)); }},
      {"conv1d: the bias is float64 but the input is float32",
       [&] { F::conv1d(x, weight, ones({4}, {.dtype = float64})); }},
      {"conv1d: the input", [&] { F::conv1d(x.to(int64), weight); }},
      {"conv1d: the weight", [&] { F::conv1d(x, weight.to(int64)); }},
  });
}

BOOST_AUTO_TEST_CASE(modules_refuse_options_when_they_are_made) {
  check_all<ValueError>({
      {"Conv1d: in_channels must be divisible by groups, got 2 and 3", [] { nn::Conv1d(2, 4, 3, {.groups = 3}); }},
      {"Conv2d: out_channels must be divisible by groups, got 3 and 2", [] { nn::Conv2d(2, 3, 3, {.groups = 2}); }},
      {"Conv3d: non-positive groups is not supported, got -1", [] { nn::Conv3d(2, 3, 3, {.groups = -1}); }},
      {"Conv1d: in_channels and out_channels must not be negative, got -2 and 4", [] { nn::Conv1d(-2, 4, 3); }},
      {"Conv2d: kernel size should be greater than zero, got [3, 0]", [] { nn::Conv2d(2, 4, {3, 0}); }},
      {"Conv2d: expected kernel_size to be a single integer value or a list of 2 values to match the dimensions, but got "
       "kernel_size=[1, 2, 3]",
       [] { nn::Conv2d(2, 4, {1, 2, 3}); }},
      {"Conv1d: non-positive stride is not supported, got [0]", [] { nn::Conv1d(2, 4, 3, {.stride = 0}); }},
      {"Conv1d: negative padding is not supported, got [-1]", [] { nn::Conv1d(2, 4, 3, {.padding = -1}); }},
      {"Conv1d: dilation should be greater than zero, got [0]", [] { nn::Conv1d(2, 4, 3, {.dilation = 0}); }},
      {"Conv1d: padding='same' is not supported for strided convolutions, got stride=[2]",
       [] { nn::Conv1d(2, 4, 3, {.stride = 2, .padding = "same"}); }},
      {"Conv1d: Invalid padding string 'full'", [] { nn::Conv1d(2, 4, 3, {.padding = "full"}); }},
      {"Conv1d: padding_mode must be one of", [] { nn::Conv1d(2, 4, 3, {.padding_mode = "mirror"}); }},
      {"ConvTranspose2d: Only \"zeros\" padding mode is supported for ConvTranspose2d, but got padding_mode='circular'",
       [] { nn::ConvTranspose2d(2, 4, 3, {.padding_mode = "circular"}); }},
      {"ConvTranspose1d: in_channels must be divisible by groups, got 1 and 2",
       [] { nn::ConvTranspose1d(1, 4, 3, {.groups = 2}); }},
      {"ConvTranspose3d: expected output_padding to be a single integer value or a list of 3 values",
       [] { nn::ConvTranspose3d(1, 4, 3, {.output_padding = {1, 0}}); }},
  });
  check_error<ShapeError>([] { nn::Conv3d(1 << 20, 1 << 20, 1 << 20); }, "Conv3d: ");
}

BOOST_AUTO_TEST_CASE(an_error_changes_nothing_and_names_the_module) {
  struct Net : nn::Module {
    nn::Conv2d conv = add("conv", nn::Conv2d(2, 3, 3));
    Tensor forward(const Tensor& x) override { return conv(x); }
  } net;
  check_error<ShapeError>([&] { net(ones({1, 3, 5, 5})); },
                          "conv (Conv2d): conv2d: Given groups=1, weight of size [3, 2, 3, 3]");
}

BOOST_AUTO_TEST_CASE(a_stride_may_be_as_large_as_numbers_go) {
  const Tensor x = randn({2, 4, 6, 5}), w = randn({8, 4, 3, 3});
  for (const int power : {3, 31, 40, 62}) {
    const Tensor y = F::conv2d(x, w, {}, {.stride = std::int64_t{1} << power, .padding = 1});
    BOOST_TEST(to_text(y.shape()) == "[2, 8, 1, 1]");
    const Tensor near = F::conv2d(x, w, {}, {.padding = 1}).narrow(2, 0, 1).narrow(3, 0, 1);
    BOOST_TEST(allclose(y, near, 1e-5, 1e-6), power);
  }
}

BOOST_AUTO_TEST_CASE(padding_of_one_axis_counts_zeros_where_many_channels_are_read_in_place) {
  const Tensor x = randn({2, 3, 18, 32}), w = randn({160, 3, 3, 3});
  const auto padded = [&](std::int64_t up, std::int64_t left) { return F::pad(x, {left, left, up, up}); };
  for (const auto& [up, left] : {std::pair{0, 1}, {1, 0}, {1, 1}}) {
    const Tensor y = F::conv2d(x, w, {}, {.padding = {up, left}});
    BOOST_TEST(allclose(y, F::conv2d(padded(up, left), w), 1e-5, 1e-5), up << " " << left);
  }
  const Tensor row = x.select(2, 0), along = w.select(2, 0);
  BOOST_TEST(allclose(F::conv1d(row, along, {}, {.padding = 1}), F::conv1d(F::pad(row, {1, 1}), along), 1e-5, 1e-5));
}

BOOST_AUTO_TEST_SUITE_END()
