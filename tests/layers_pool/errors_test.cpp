#include <boost/test/unit_test.hpp>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/random.h"
#include "slope/nn/functional.h"
#include "slope/nn/nn.h"
#include "support/checks.h"

using namespace slope;

namespace {

const Tensor flat = ones({3}), row = ones({1, 1, 6}), image = ones({1, 1, 4, 5}), volume = ones({1, 1, 3, 2, 3});
const Tensor whole = arange(20).reshape({1, 1, 4, 5});

template <class E>
void check_all(const std::vector<std::pair<const char*, std::function<void()>>>& rows) {
  for (const auto& [text, call] : rows) check_error<E>(call, text);
}

using enum F::PadMode;
using enum F::InterpolateMode;

}  // namespace

BOOST_AUTO_TEST_SUITE(errors)

BOOST_AUTO_TEST_CASE(of_pooling_say_what_does_not_fit) {
  check_all<ValueError>({
      {"max_pool1d: pad should be at most half of kernel size, but got pad=2 and kernel_size=2",
       [] { F::max_pool1d(row, 2, {.padding = 2}); }},
      {"avg_pool2d: pad should be at most half of kernel size, but got pad=2 and kernel_size=2",
       [] { F::avg_pool2d(image, 2, {.padding = 2}); }},
      {"max_pool2d: non-positive stride is not supported, got [0, 0]", [] { F::max_pool2d(image, 2, {.stride = 0}); }},
      {"max_pool3d: dilation should be greater than zero, got [0, 0, 0]",
       [] { F::max_pool3d(volume, 2, {.dilation = 0}); }},
      {"avg_pool1d: kernel size should be greater than zero, got [0]", [] { F::avg_pool1d(row, 0); }},
      {"avg_pool3d: negative padding is not supported, got [-1, -1, -1]",
       [] { F::avg_pool3d(volume, 2, {.padding = -1}); }},
      {"max_pool2d: expected kernel_size to be a single integer value or a list of 2 values",
       [] { F::max_pool2d(image, {1, 2, 3}); }},
      {"max_pool1d: expected stride to be a single integer value or a list of 1 values",
       [] { F::max_pool1d(row, 2, {.stride = {1, 2}}); }},
      {"avg_pool2d: divisor must be not zero", [] { F::avg_pool2d(image, 2, {.divisor_override = 0}); }},
      {"avg_pool3d: divisor must be not zero", [] { F::avg_pool3d(volume, 2, {.divisor_override = 0}); }},
      {"lp_pool2d: norm_type must be finite and not 0, but got 0", [] { F::lp_pool2d(image, 0, 2); }},
      {"lp_pool1d: norm_type must be finite and not 0, but got inf",
       [] { F::lp_pool1d(row, std::numeric_limits<double>::infinity(), 2); }},
      {"adaptive_avg_pool1d: output_size must be one number or a list of 1, but got 2 numbers",
       [] { F::adaptive_avg_pool1d(row, {2, 2}); }},
      {"adaptive_max_pool2d: elements of output_size must be greater than or equal to 0, but got -1",
       [] { F::adaptive_max_pool2d(image, -1); }},
      {"fractional_max_pool2d: requires specifying either an output_size or an output_ratio",
       [] { F::fractional_max_pool2d(image, 2, {}); }},
      {"fractional_max_pool: requires specifying either an output_size or an output_ratio",
       [] { nn::FractionalMaxPool2d(2, {}); }},
      {"fractional_max_pool: only one of output_size and output_ratio may be specified",
       [] { nn::FractionalMaxPool3d(2, {.output_size = 1, .output_ratio = 0.5}); }},
      {"fractional_max_pool2d: output_ratio must be between 0 and 1 (got 1.5)",
       [] { F::fractional_max_pool2d(image, 2, {.output_ratio = {1.5, 0.5}}); }},
      {"fractional_max_pool2d: random_samples must lie in [0, 1), but element 1 is 1",
       [] { F::fractional_max_pool2d(image, 2, {.output_size = 2}, tensor({{{0.5, 1.0}}})); }},
      {"max_unpool2d: invalid output_size \"[9, 9]\" (dim 0 must be between 2 and 6)",
       [] { F::max_unpool2d(ones({1, 1, 2, 2}), zeros({1, 1, 2, 2}, {.dtype = int64}), 2, {}, {9, 9}); }},
      {"max_unpool2d: output_size should be a sequence containing 2 or 4 elements, but it has a length of '3'",
       [] { F::max_unpool2d(ones({1, 1, 2, 2}), zeros({1, 1, 2, 2}, {.dtype = int64}), 2, {}, {1, 4, 4}); }},
      {"max_unpool1d: the indices are undefined", [] { F::max_unpool1d(row, {}, 2); }},
  });
  check_all<ShapeError>({
      {"max_pool1d: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for input, but got: [3]",
       [] { F::max_pool1d(flat, 2); }},
      {"avg_pool3d: Expected 4D or 5D (batch mode) tensor", [] { F::avg_pool3d(flat, 2); }},
      {"adaptive_avg_pool2d: Expected 3D or 4D (batch mode) tensor", [] { F::adaptive_avg_pool2d(flat, 2); }},
      {"lp_pool2d: Expected 3D or 4D (batch mode) tensor", [] { F::lp_pool2d(flat, 2, 2); }},
      {"max_pool2d: Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but got: [1, 0, 4, 4]",
       [] { F::max_pool2d(ones({1, 0, 4, 4}), 2); }},
      {"avg_pool1d: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for input, but got: [1, 1, 0]",
       [] { F::avg_pool1d(ones({1, 1, 0}), 2); }},
      {"max_pool1d: Given input size: (1x6). Calculated output size: (1x0). Output size is too small",
       [] { F::max_pool1d(row, 9, {.stride = 3}); }},
      {"avg_pool2d: Given input size: (1x4x5). Calculated output size: (1x0x0). Output size is too small",
       [] { F::avg_pool2d(image, 9); }},
      {"max_unpool1d: Expected shape of indices to be same as that of the input tensor ([1, 1, 6]) but got indices tensor "
       "with shape: [1, 1, 5]",
       [] { F::max_unpool1d(row, zeros({1, 1, 5}, {.dtype = int64}), 2); }},
      {"fractional_max_pool2d: pool size 2 and output size 4 are too large relative to input size 4 of dimension 2",
       [] { F::fractional_max_pool2d(image, 2, {.output_size = 4}); }},
      {"fractional_max_pool2d: expected random_samples of shape [1, 1, 2], but got [2]",
       [] { F::fractional_max_pool2d(image, 2, {.output_size = 2}, ones({2})); }},
  });
  check_error<IndexError>([] { F::max_unpool2d(ones({1, 1, 1, 2}), tensor({{{{0, 9}}}}), 2); },
                          "max_unpool2d: Found an invalid max index: 9 (output volumes are of size 2x4)");
  check_error<IndexError>([] { F::max_unpool1d(ones({1, 1, 1}), tensor({{{-1}}}), 2); },
                          "max_unpool1d: Found an invalid max index: -1 (output volumes are of size 2)");
  check_all<DTypeError>({
      {"max_pool2d: the input must be a floating point tensor, got int64", [] { F::max_pool2d(whole, 2); }},
      {"avg_pool2d: the input must be a floating point tensor, got int64", [] { F::avg_pool2d(whole, 2); }},
      {"max_unpool1d: elements in indices should be type int64 but got: float32", [] { F::max_unpool1d(row, row, 2); }},
  });
}

BOOST_AUTO_TEST_CASE(of_padding_say_what_does_not_fit) {
  check_all<ValueError>({
      {"pad: Padding length must be divisible by 2, got 3 numbers", [] { F::pad(image, {1, 1, 1}); }},
      {"pad: Padding mode \"replicate\" doesn't take in value argument, but got value=1",
       [] { F::pad(row, {1, 1}, {.mode = replicate, .value = 1}); }},
      {"pad: padding must be one number or a list of 4, but got 3 numbers", [] { nn::ZeroPad2d({1, 1, 1}); }},
      {"pad: padding must be one number or a list of 2, but got 4 numbers", [] { nn::ReflectionPad1d({1, 1, 1, 1}); }},
      {"pad: padding must be one number or a list of 6, but got 2 numbers", [] { nn::ConstantPad3d({1, 1}, 2); }},
  });
  check_all<ShapeError>({
      {"pad: Padding length should be less than or equal to two times the input dimension",
       [] { F::pad(flat, {1, 1, 1, 1}); }},
      {"of (C, sizes) or (N, C, sizes), at most three, but got an input of shape [2, 3]",
       [] { F::pad(ones({2, 3}), {1, 1, 1, 1}, {.mode = reflect}); }},
      {"pads the last 0 of (C, sizes) or (N, C, sizes)", [] { F::pad(row, {}, {.mode = circular}); }},
      {"resulted in a negative output size, which is invalid",
       [] { nn::ConstantPad1d({-3, -2}, 0.0)(ones({1, 1, 4})); }},
      {"resulted in no element, which only mode constant allows", [] { F::pad(row, {-3, -3}, {.mode = replicate}); }},
      {"pad: Padding size should be less than the corresponding input dimension, but got: padding (4, 4) at dimension 2",
       [] { nn::ReflectionPad1d(4)(ones({1, 1, 4})); }},
      {"pad: Padding size should be less than the corresponding input dimension, but got: padding (5, 0) at dimension 2",
       [] { nn::CircularPad1d({5, 0})(ones({1, 1, 4})); }},
  });
}

BOOST_AUTO_TEST_CASE(of_resampling_say_what_does_not_go_together) {
  check_all<ValueError>({
      {"interpolate: either size or scale_factor should be defined", [] { F::interpolate(row, {}); }},
      {"interpolate: only one of size or scale_factor should be defined",
       [] { F::interpolate(row, {.size = 2, .scale_factor = 2}); }},
      {"interpolate: align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | "
       "trilinear",
       [] { F::interpolate(row, {.size = 3, .align_corners = true}); }},
      {"interpolate: align_corners option can only be set",
       [] { F::interpolate(row, {.size = 3, .mode = area, .align_corners = false}); }},
      {"interpolate: recompute_scale_factor is not meaningful with an explicit size.",
       [] { F::interpolate(row, {.size = 2, .recompute_scale_factor = true}); }},
      {"interpolate: Anti-alias option is only supported for bilinear and bicubic modes",
       [] { F::interpolate(image, {.size = 2, .antialias = true}); }},
      {"interpolate: expected size to be a single integer value or a list of 1 values",
       [] { F::interpolate(row, {.size = {2, 2}}); }},
      {"interpolate: expected scale_factor to be a single number or a list of 2 numbers",
       [] { F::interpolate(image, {.scale_factor = {2.0}}); }},
      {"interpolate: Input and output sizes should be greater than 0", [] { F::interpolate(row, {.size = 0}); }},
      {"interpolate: Input and output sizes should be greater than 0",
       [] { F::interpolate(row, {.scale_factor = 0.1}); }},
      {"is too large for an input of shape [1, 1, 6]", [] { F::interpolate(row, {.scale_factor = 1e30}); }},
      {"grid_sample: bicubic interpolation only supports 4D input",
       [] { F::grid_sample(volume, ones({1, 2, 2, 2, 3}), {.mode = F::GridSampleMode::bicubic}); }},
      {"PixelShuffle: upscale_factor must be positive, got 0", [] { nn::PixelShuffle(0); }},
      {"PixelUnshuffle: downscale_factor must be positive, got -2", [] { nn::PixelUnshuffle(-2); }},
      {"ChannelShuffle: groups must be positive, got 0", [] { nn::ChannelShuffle(0); }},
  });
  check_all<ShapeError>({
      {"interpolate: Got 3D input, but bilinear mode needs 4D input",
       [] { F::interpolate(row, {.size = 3, .mode = bilinear}); }},
      {"interpolate: Got 4D input, but linear mode needs 3D input",
       [] { F::interpolate(image, {.size = 3, .mode = F::InterpolateMode::linear}); }},
      {"interpolate: Got 4D input, but trilinear mode needs 5D input",
       [] { F::interpolate(image, {.size = 3, .mode = trilinear}); }},
      {"interpolate: Input must be 3-D, 4-D or 5-D, (N, C, sizes), of which only N may be 0, but got: [2, 4]",
       [] { F::interpolate(ones({2, 4}), {.size = 3}); }},
      {"grid_sample: expected grid to have size 2 in last dimension, but got grid with sizes [1, 2, 2, 3]",
       [] { F::grid_sample(image, ones({1, 2, 2, 3})); }},
      {"grid_sample: expected grid and input to have same batch size",
       [] { F::grid_sample(image, ones({2, 2, 2, 2})); }},
      {"grid_sample: expected 4D or 5D input and grid with same number of dimensions",
       [] { F::grid_sample(row, ones({1, 2, 2})); }},
      {"grid_sample: expected input to have non-empty spatial dimensions",
       [] { F::grid_sample(ones({1, 1, 0, 2}), ones({1, 2, 2, 2})); }},
      {"affine_grid: Expected a batch of 2D affine matrices of shape [1, 2, 3] for size [1, 1, 2, 2]. Got [2, 3]",
       [] { F::affine_grid(ones({2, 3}), {1, 1, 2, 2}); }},
      {"affine_grid: Expected non-zero, positive output size. Got [1, 1, 0, 2]",
       [] { F::affine_grid(ones({1, 2, 3}), {1, 1, 0, 2}); }},
      {"affine_grid: only supports 4D and 5D sizes", [] { F::affine_grid(ones({1, 2, 3}), {1, 1, 2}); }},
  });
  check_all<DTypeError>({
      {"interpolate: the input must be a floating point tensor, got int64", [] { F::interpolate(whole, {.size = 3}); }},
      {"grid_sample: expected input and grid to have the same dtype",
       [] { F::grid_sample(image, ones({1, 2, 2, 2}, {.dtype = float64})); }},
      {"affine_grid: theta must be a floating point tensor, got int64",
       [] { F::affine_grid(ones({1, 2, 3}, {.dtype = int64}), {1, 1, 2, 2}); }},
  });
}

BOOST_AUTO_TEST_CASE(of_folding_say_what_does_not_fit) {
  check_all<ShapeError>({
      {"unfold: Given input with spatial size (3, 3), kernel_size=(4, 4), dilation=(1, 1), padding=(0, 0), calculated shape "
       "of the array of sliding blocks as (0, 0), but its components must be at least one.",
       [] { F::unfold(ones({1, 1, 3, 3}), 4); }},
      {"unfold: Expected 3D or 4D (batch mode) tensor", [] { F::unfold(ones({3, 3}), 2); }},
      {"fold: Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got input.size(1)=3 "
       "and kernel_size=(2, 2)",
       [] { F::fold(ones({1, 3, 4}), 3, 2); }},
      {"expected size of input's dimension 2 to match the calculated number of sliding blocks 2 * 2 = 4, but got "
       "input.size(2)=3",
       [] { F::fold(ones({1, 4, 3}), 3, 2); }},
      {"fold: Expected 2D or 3D (batch mode) tensor", [] { F::fold(ones({4}), 3, 2); }},
  });
  check_all<ValueError>({
      {"unfold: non-positive stride is not supported, got [0, 0]",
       [] { F::unfold(ones({1, 1, 3, 3}), 2, {.stride = 0}); }},
      {"fold: output sizes must be at least 1, got [0, 3]", [] { F::fold(ones({1, 4, 4}), {0, 3}, 2); }},
      {"fold: expected output_size to be a single integer value or a list of 2 values",
       [] { F::fold(ones({1, 4, 4}), {3, 3, 3}, 2); }},
  });
  check_error<DTypeError>([] { F::unfold(whole, 2); }, "unfold: the input must be a floating point tensor, got int64");
}

BOOST_AUTO_TEST_CASE(absurd_sizes_are_told_before_anything_is_made) {
  constexpr std::int64_t huge = std::int64_t{1} << 40, most = std::numeric_limits<std::int64_t>::max();
  const Tensor long_row = ones({1}).expand({1, 1, huge}), nobody = ones({0, 1, huge});
  BOOST_CHECK_THROW(F::max_pool1d(long_row, 1), Error);
  BOOST_CHECK_THROW(F::avg_pool1d(long_row, 1), Error);
  BOOST_CHECK_THROW(F::adaptive_avg_pool1d(long_row, 1), Error);
  BOOST_CHECK_THROW(F::adaptive_max_pool1d(row, huge), Error);
  BOOST_CHECK_THROW(F::adaptive_avg_pool1d(row, most), Error);
  BOOST_CHECK_THROW(F::interpolate(row, {.size = huge}), Error);
  BOOST_CHECK_THROW(F::interpolate(image, {.size = {huge, most}, .mode = bicubic}), Error);
  BOOST_CHECK_THROW(F::max_pool1d(row, most), Error);
  BOOST_CHECK_THROW(F::max_pool1d(row, most, {.padding = most / 2}), Error);
  BOOST_CHECK_THROW(F::unfold(image, {1, most}, {.padding = {0, most / 2}}), Error);
  BOOST_CHECK_THROW(F::max_unpool1d(row, zeros({1, 1, 6}, {.dtype = int64}), 2, {.stride = huge}), Error);
  BOOST_TEST(F::max_pool1d(row, huge, {.padding = huge / 2, .ceil_mode = true}).item() == 1);
  BOOST_TEST(F::avg_pool1d(row, huge, {.padding = huge / 2, .count_include_pad = false}).item() == 1);
  BOOST_TEST(F::max_pool1d(nobody, 1).shape() == Shape({0, 1, huge}));
  BOOST_TEST(F::avg_pool1d(nobody, 2).shape() == Shape({0, 1, huge / 2}));
  BOOST_TEST(F::interpolate(ones({0, 1, 3}), {.size = huge}).shape() == Shape({0, 1, huge}));
}

BOOST_AUTO_TEST_SUITE_END()
