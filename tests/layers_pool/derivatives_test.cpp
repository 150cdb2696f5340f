#include <boost/test/unit_test.hpp>
#include <functional>
#include <string>
#include <vector>

#include "slope/autograd/core/random.h"
#include "slope/autograd/engine/backward.h"
#include "slope/autograd/engine/gradcheck.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/random.h"
#include "slope/nn/functional.h"

// First and second derivatives of every function, in all layouts, and what an empty batch gives.

using namespace slope;

namespace {

using enum F::InterpolateMode;
using enum F::PadMode;

struct Sample {
  std::string name;
  std::function<Tensor(const Tensor&)> function;
  Shape shape;
};

std::vector<Sample> samples() {
  std::vector<Sample> all;
  const auto add = [&](const char* name, Shape shape, std::function<Tensor(const Tensor&)> f) {
    all.push_back({name, std::move(f), shape});
  };
  const Shape row = {2, 2, 7}, image = {2, 2, 5, 6}, volume = {1, 2, 3, 4, 4};
  add("max_pool1d", row, [](In x) { return F::max_pool1d(x, 3, {.stride = 2, .padding = 1}); });
  add("max_pool2d", image, [](In x) { return F::max_pool2d(x, {2, 3}, {.stride = 1, .dilation = {2, 1}}); });
  add("max_pool2d/apart", image, [](In x) { return F::max_pool2d(x, 2, {.ceil_mode = true}); });
  add("max_pool3d", volume, [](In x) { return F::max_pool3d(x, 2, {.stride = {1, 2, 1}}); });
  add("max_pool2d/unbatched", {2, 5, 6}, [](In x) { return F::max_pool2d(x, 2); });
  add("avg_pool1d", row, [](In x) { return F::avg_pool1d(x, 3, {.stride = 2, .padding = 1}); });
  add("avg_pool2d", image, [](In x) {
    return F::avg_pool2d(x, 3, {.stride = 2, .padding = 1, .ceil_mode = true, .count_include_pad = false});
  });
  add("avg_pool2d/divisor", image, [](In x) { return F::avg_pool2d(x, {1, 2}, {.divisor_override = 3}); });
  add("avg_pool3d", volume, [](In x) { return F::avg_pool3d(x, 2, {.stride = 1}); });
  add("lp_pool1d", row, [](In x) { return F::lp_pool1d(x * x + 0.1, 3, 2); });
  add("lp_pool2d", image, [](In x) { return F::lp_pool2d(x, 2, {2, 3}, {.ceil_mode = true}); });
  add("lp_pool3d", volume, [](In x) { return F::lp_pool3d(x, 2, 2); });
  add("adaptive_avg_pool1d", row, [](In x) { return F::adaptive_avg_pool1d(x, 3); });
  add("adaptive_avg_pool2d", image, [](In x) { return F::adaptive_avg_pool2d(x, {2, 4}); });
  add("adaptive_avg_pool3d", volume, [](In x) { return F::adaptive_avg_pool3d(x, {2, 3, 1}); });
  add("adaptive_max_pool1d", row, [](In x) { return F::adaptive_max_pool1d(x, 3); });
  add("adaptive_max_pool2d", image, [](In x) { return F::adaptive_max_pool2d(x, {2, 4}); });
  add("adaptive_max_pool3d", volume, [](In x) { return F::adaptive_max_pool3d(x, {2, 3, 1}); });
  add("max_unpool1d", {1, 1, 2}, [](In x) { return F::max_unpool1d(x, tensor({{{3, 1}}}), 2); });
  add("max_unpool2d", {1, 1, 2, 2},
      [](In x) { return F::max_unpool2d(x, tensor({{{{0, 3}, {8, 10}}}}), 2, {}, {4, 5}); });
  add("max_unpool3d", {1, 1, 1, 2, 2}, [](In x) { return F::max_unpool3d(x, tensor({{{{{0, 31}, {8, 10}}}}}), 2); });
  add("fractional_max_pool2d", image,
      [](In x) { return F::fractional_max_pool2d(x, 2, {.output_size = 3}, full({x->size(0), 2, 2}, 0.3)); });
  add("fractional_max_pool3d", volume, [](In x) {
    return F::fractional_max_pool3d(x, {1, 2, 2}, {.output_ratio = 0.7}, full({x->size(0), 2, 3}, 0.6));
  });
  add("pad", row, [](In x) { return F::pad(x, {2, -1, 0, 1}, {.value = 3}); });
  add("pad/reflect", image, [](In x) { return F::pad(x, {2, 3, 1, -1}, {.mode = reflect}); });
  add("pad/replicate", volume, [](In x) { return F::pad(x, {1, 0, 2, 1, 0, 3}, {.mode = replicate}); });
  add("pad/circular", row, [](In x) { return F::pad(x, {7, -2}, {.mode = circular}); });
  const auto resample = [&](const char* name, const Shape& shape, const F::InterpolateOptions& o) {
    add(name, shape, [o](In x) { return F::interpolate(x, o); });
  };
  resample("interpolate/nearest", row, {.size = 11});
  resample("interpolate/nearest_exact", image, {.scale_factor = {1.4, 0.5}, .mode = nearest_exact});
  resample("interpolate/linear", row, {.scale_factor = 1.5, .mode = F::InterpolateMode::linear});
  resample("interpolate/bilinear", image, {.size = {9, 4}, .mode = bilinear, .align_corners = true});
  resample("interpolate/bicubic", image, {.size = {7, 4}, .mode = bicubic});
  resample("interpolate/trilinear", volume, {.size = {4, 6, 3}, .mode = trilinear});
  resample("interpolate/area", image, {.size = 4, .mode = area});
  resample("interpolate/antialias", image, {.size = {2, 8}, .mode = bilinear, .antialias = true});
  resample("interpolate/antialias, bicubic", image, {.size = {2, 3}, .mode = bicubic, .antialias = true});
  add("unfold", image,
      [](In x) { return F::unfold(x, {2, 3}, {.dilation = {2, 1}, .padding = {0, 1}, .stride = {1, 2}}); });
  add("fold", {2, 8, 12}, [](In x) { return F::fold(x, {4, 5}, 2); });
  add("fold/unbatched", {4, 10}, [](In x) { return F::fold(x, {4, 5}, 2, {.dilation = 2, .padding = {0, 1}}); });
  add("pixel_shuffle", {2, 8, 2, 3}, [](In x) { return F::pixel_shuffle(x, 2); });
  add("pixel_unshuffle", {2, 1, 4, 6}, [](In x) { return F::pixel_unshuffle(x, 2); });
  add("channel_shuffle", {2, 6, 2}, [](In x) { return F::channel_shuffle(x, 3); });
  add("affine_grid", {2, 2, 3}, [](In x) { return F::affine_grid(x, {2, 1, 3, 4}); });
  add("affine_grid/volume", {1, 3, 4}, [](In x) { return F::affine_grid(x, {1, 1, 2, 3, 2}, true); });
  return all;
}

bool takes_an_empty_batch(const Sample& s) {
  return s.shape.size() >= 3 && s.name.find("unbatched") == std::string::npos && s.name.find("affine_grid") != 0 &&
         s.name.find("max_unpool") != 0;  // affine_grid is told the batch size; unpooling has indices of its own
}

struct Seeded {
  Seeded() { manual_seed(5); }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(derivatives, Seeded)

BOOST_AUTO_TEST_CASE(first_and_second_ones_agree_with_differences_in_every_layout) {
  for (const Sample& s : samples()) {
    const Tensor x = randn(s.shape, {.dtype = float64, .requires_grad = true});
    // Squared, so that there is a second derivative.
    const auto f = [&](const std::vector<Tensor>& in) { return square(s.function(in[0])); };
    const auto first = autograd::gradcheck(f, {x});
    BOOST_TEST(first.ok, s.name << ": " << first.message);
    const auto second = autograd::gradgradcheck(f, {x});
    BOOST_TEST(second.ok, s.name << ", second: " << second.message);
  }
}

BOOST_AUTO_TEST_CASE(a_float32_input_gives_what_float64_gives) {
  for (const Sample& s : samples()) {
    const Tensor x = randn(s.shape);
    const Tensor narrow = s.function(x), wide = s.function(x.to(float64));
    BOOST_TEST(narrow.dtype() == float32, s.name);
    BOOST_TEST(allclose(narrow.to(float64), wide, 1e-5, 1e-5), s.name);
  }
}

BOOST_AUTO_TEST_CASE(an_empty_batch_gives_an_empty_result_and_gradient) {
  for (const Sample& s : samples()) {
    if (!takes_an_empty_batch(s)) continue;
    Shape shape = s.shape, expected = s.function(randn(s.shape)).shape();
    shape[0] = expected[0] = 0;
    const Tensor x = zeros(shape, {.requires_grad = true});
    const Tensor y = s.function(x);
    BOOST_TEST(to_text(y.shape()) == to_text(expected), s.name);
    y.sum().backward();
    BOOST_REQUIRE_MESSAGE(x.grad().defined(), s.name);
    BOOST_TEST(x.grad().shape() == shape, s.name);
  }
  const Tensor x = zeros({0, 2, 4, 4}, {.requires_grad = true});
  F::grid_sample(x, zeros({0, 3, 3, 2})).sum().backward();
  BOOST_TEST(x.grad().numel() == 0);
}

BOOST_AUTO_TEST_CASE(of_grid_sample_by_image_and_grid_agree_with_differences) {
  for (const auto mode : {F::GridSampleMode::bilinear, F::GridSampleMode::bicubic, F::GridSampleMode::nearest})
    for (const auto padding : {F::GridPadding::zeros, F::GridPadding::border, F::GridPadding::reflection})
      for (const bool align : {false, true}) {
        const F::GridSampleOptions o{mode, padding, align};
        const Tensor x = randn({2, 2, 4, 5}, {.dtype = float64, .requires_grad = true});
        const Tensor grid = (rand({2, 3, 2, 2}, {.dtype = float64}) * 3 - 1.5).requires_grad_();
        const auto f = [&](const std::vector<Tensor>& in) { return F::grid_sample(in[0], in[1], o); };
        const auto first = autograd::gradcheck(f, {x, grid});
        BOOST_TEST(first.ok, first.message);
        const auto second = autograd::gradgradcheck(f, {x, grid});
        BOOST_TEST(second.ok, second.message);
      }
  const Tensor x = randn({1, 2, 3, 3, 2}, {.dtype = float64, .requires_grad = true});
  const Tensor grid = (rand({1, 2, 1, 3, 3}, {.dtype = float64}) * 2 - 1).requires_grad_();
  const auto f = [](const std::vector<Tensor>& in) { return F::grid_sample(in[0], in[1]); };
  BOOST_TEST(autograd::gradcheck(f, {x, grid}).ok);
  BOOST_TEST(autograd::gradgradcheck(f, {x, grid}).ok);
}

BOOST_AUTO_TEST_SUITE_END()
