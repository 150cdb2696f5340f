#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "slope/autograd/core/random.h"
#include "slope/autograd/engine/backward.h"
#include "slope/autograd/kernels/window/separable.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/random.h"
#include "slope/nn/functional.h"
#include "slope/nn/nn.h"
#include "support/checks.h"

using namespace slope;
using std::int64_t;

namespace {

struct Seeded {
  Seeded() { manual_seed(3); }
};

double element(const Tensor& t, int64_t i) { return t.to_vector<double>()[static_cast<std::size_t>(i)]; }

using enum F::InterpolateMode;
using enum F::PadMode;

/// A matrix with `per_row` random entries in each row, or a random number of them.
TapMatrix random_matrix(int64_t outputs, int64_t inputs, int per_row, Generator& g) {
  TapMatrix m(inputs);
  for (int64_t o = 0; o < outputs; ++o) {
    const int taps = per_row >= 0 ? per_row : static_cast<int>(g.next_below(7));
    for (int k = 0; k < taps; ++k)
      m.add(static_cast<int64_t>(g.next_below(static_cast<std::uint64_t>(inputs))),
            static_cast<double>(g.next_below(1000)) / 500 - 1.0005);
    m.finish();
  }
  return m;
}
Tensor dense(const TapMatrix& m) {
  std::vector<double> values(static_cast<std::size_t>(m.outputs() * m.inputs), 0);
  for (int64_t o = 0; o < m.outputs(); ++o)
    for (int64_t k = m.start[static_cast<std::size_t>(o)]; k < m.start[static_cast<std::size_t>(o) + 1]; ++k)
      values[static_cast<std::size_t>(o * m.inputs + m.at[static_cast<std::size_t>(k)])] +=
          m.weight[static_cast<std::size_t>(k)];
  return tensor(values, {.dtype = float64}).reshape({m.outputs(), m.inputs});
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(resampling, Seeded)

BOOST_AUTO_TEST_CASE(a_separable_map_is_the_product_of_its_matrices) {
  Generator g(4);
  const std::vector<std::vector<int64_t>> sizes = {
      {3, 5, 7, 4, 6, 9}, {3, 40, 6, 2, 5, 300}, {1, 6, 400, 1, 300, 5}, {2, 300, 500, 3, 200, 600}};
  for (const auto& n : sizes)
    for (int per_row : {-1, 1, 2, 3, 4, 6})
      for (int skipped = 0; skipped < 8; ++skipped) {
        if (n[2] > 100 && (per_row == 3 || skipped > 2)) continue;
        SeparableMap map;
        Tensor x = randn({2, n[0], n[1], n[2]}, {.dtype = float64}), expected = x;
        const char* axes[3] = {"oi,bihw->bohw", "oi,bdiw->bdow", "oi,bdhi->bdho"};
        for (std::size_t d = 0; d < 3; ++d) {
          if (skipped >> d & 1) continue;
          map[d] = std::make_shared<const TapMatrix>(random_matrix(n[3 + d], n[d], per_row, g));
          expected = einsum(axes[d], {dense(*map[d]), expected});
        }
        for (DType dtype : {float64, float32}) {
          const Tensor in = x.to(dtype);
          const Tensor out = zeros(mapped_shape(map, x.shape()), {.dtype = dtype});
          separable_kernel(out.impl(), in.impl(), map);
          BOOST_TEST(allclose(out.to(float64), expected, 1e-5, dtype == float64 ? 1e-11 : 1e-4),
                     "sizes " << to_text(x.shape()) << " -> " << to_text(out.shape()) << ", " << per_row << " per row");
          // The transposed map is the adjoint.
          const Tensor y = randn(out.shape(), {.dtype = dtype});
          const Tensor back = zeros(x.shape(), {.dtype = dtype});
          separable_kernel(back.impl(), y.impl(), transposed(map));
          const double forth = (out.to(float64) * y.to(float64)).sum().item();
          const double adjoint = (back.to(float64) * in.to(float64)).sum().item();
          BOOST_TEST(std::abs(forth - adjoint) <=
                     (dtype == float64 ? 1e-9 : 1e-3) *
                         (1 + std::abs(forth) + std::sqrt(static_cast<double>(x.numel()))));
        }
      }
}

BOOST_AUTO_TEST_CASE(constants_stay_and_ramps_stay_straight) {
  for (const auto& o : {F::InterpolateOptions{.size = {3, 11}, .mode = bilinear},
                        F::InterpolateOptions{.size = {9, 4}, .mode = bilinear, .align_corners = true},
                        F::InterpolateOptions{.size = {3, 11}, .mode = bicubic},
                        F::InterpolateOptions{.scale_factor = {0.3, 2.1}, .mode = bicubic, .antialias = true},
                        F::InterpolateOptions{.size = {2, 3}, .mode = bilinear, .antialias = true},
                        F::InterpolateOptions{.size = {2, 3}, .mode = area}, F::InterpolateOptions{.size = {8, 3}}}) {
    const Tensor y = F::interpolate(full({1, 2, 6, 7}, 3.5, {.dtype = float64}), o);
    BOOST_TEST(allclose(y, full_like(y, 3.5), 1e-12, 1e-12));
  }
  const Tensor ramp = arange(5).to(float64).reshape({1, 1, 5});
  check_close(F::interpolate(ramp, {.size = 9, .mode = F::InterpolateMode::linear, .align_corners = true}),
              {0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4}, 1e-12);
  check_close(F::interpolate(ramp, {.scale_factor = 2, .mode = F::InterpolateMode::linear}),
              {0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3.25, 3.75, 4}, 1e-12);
}

BOOST_AUTO_TEST_CASE(nearest_takes_exact_integers_for_sizes) {
  // ⌊i·n/o⌋ where the quotient, rounded to a double, would be too small.
  for (int64_t n = 1; n <= 40; ++n)
    for (int64_t o = 1; o <= 60; ++o) {
      const Tensor y = F::interpolate(arange(n).to(float64).reshape({1, 1, n}), {.size = o});
      const Tensor z = F::interpolate(arange(n).to(float64).reshape({1, 1, n}), {.size = o, .mode = nearest_exact});
      for (int64_t i = 0; i < o; ++i) {
        BOOST_REQUIRE_EQUAL(element(y, i), static_cast<double>(i * n / o));
        BOOST_REQUIRE_EQUAL(element(z, i), static_cast<double>((2 * i + 1) * n / (2 * o)));
      }
    }
}

BOOST_AUTO_TEST_CASE(a_weight_of_zero_hides_what_stands_there) {
  const double inf = std::numeric_limits<double>::infinity();
  check_values(F::interpolate(tensor({{{1.0, inf, 3.0}}}), {.size = 3, .mode = F::InterpolateMode::linear}),
               {1, inf, 3});
  check_values(F::interpolate(tensor({{{1.0, 2.0, inf}}}),
                              {.size = 5, .mode = F::InterpolateMode::linear, .align_corners = true}),
               {1, 1.5, 2, inf, inf});
}

BOOST_AUTO_TEST_CASE(grids_of_the_identity_give_the_image_back) {
  const Tensor image = randn({2, 3, 5, 4}, {.dtype = float64}), volume = randn({1, 2, 3, 4, 5}, {.dtype = float64});
  const Tensor same = tensor({{{1.0, 0.0, 0.0}, {0.0, 1.0, 0.0}}}, {.dtype = float64}).expand({2, 2, 3});
  for (const bool align : {false, true})
    for (const auto mode : {F::GridSampleMode::bilinear, F::GridSampleMode::nearest, F::GridSampleMode::bicubic})
      for (const auto padding : {F::GridPadding::zeros, F::GridPadding::border, F::GridPadding::reflection}) {
        const Tensor grid = F::affine_grid(same, {2, 3, 5, 4}, align);
        BOOST_TEST(allclose(F::grid_sample(image, grid, {mode, padding, align}), image, 1e-9, 1e-9));
      }
  const Tensor cube = F::affine_grid(eye(4, {.dtype = float64}).narrow(0, 0, 3).unsqueeze(0), {1, 2, 3, 4, 5});
  BOOST_TEST(allclose(F::grid_sample(volume, cube), volume, 1e-9, 1e-9));
  const Tensor mirrored = tensor({{{-1.0, 0.0, 0.0}, {0.0, 1.0, 0.0}}}, {.dtype = float64}).expand({2, 2, 3});
  BOOST_TEST(allclose(F::grid_sample(image, F::affine_grid(mirrored, {2, 3, 5, 4})), flip(image, {3}), 1e-9, 1e-9));
}

BOOST_AUTO_TEST_CASE(places_that_are_not_finite_count_as_outside) {
  const double none = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  const Tensor image = full({1, 1, 3, 3}, none, {.dtype = float64});
  for (const auto mode : {F::GridSampleMode::bilinear, F::GridSampleMode::nearest, F::GridSampleMode::bicubic}) {
    const Tensor grid =
        tensor({{{{none, 0.0}, {inf, 0.0}, {-inf, inf}, {1e300, 0.0}}}}, {.dtype = float64, .requires_grad = true});
    const Tensor y = F::grid_sample(image, grid, {.mode = mode});
    check_values(y, {0, 0, 0, 0});
    const auto g = autograd::grad({y.sum()}, {grid})[0];
    BOOST_TEST(g.shape() == grid.shape());
  }
}

BOOST_AUTO_TEST_CASE(padding_copies_any_dtype) {
  const int64_t large = (int64_t{1} << 53) + 1;
  const Tensor x = tensor({{{large, int64_t{2}, int64_t{3}}}});
  BOOST_TEST(
      F::pad(x, {1, 2}, {.mode = reflect}).to_vector<int64_t>() == (std::vector<int64_t>{2, large, 2, 3, 2, large}),
      boost::test_tools::per_element());
  BOOST_TEST(nn::CircularPad1d({2, 1})(x).to_vector<int64_t>() == (std::vector<int64_t>{2, 3, large, 2, 3, large}),
             boost::test_tools::per_element());
  BOOST_TEST(nn::ReplicationPad1d({-1, 2})(x).to_vector<int64_t>() == (std::vector<int64_t>{2, 3, 3, 3}),
             boost::test_tools::per_element());
  BOOST_TEST(nn::ConstantPad1d({1, 0}, large)(x).to_vector<int64_t>()[0] == large);
  check_values(nn::ZeroPad2d({1, 0, 0, 1})(ones({1, 1, 1, 2})), {0, 1, 1, 0, 0, 0});
}

BOOST_AUTO_TEST_CASE(modules_print_as_in_python) {
  const auto printed = [](const nn::Module& m) { return m.to_string(); };
  BOOST_TEST(printed(nn::Upsample({.scale_factor = 2, .mode = bilinear})) ==
             "Upsample(scale_factor=2.0, mode='bilinear')");
  BOOST_TEST(printed(nn::UpsamplingNearest2d({.size = {3, 4}})) == "UpsamplingNearest2d(size=(3, 4), mode='nearest')");
  BOOST_TEST(printed(nn::UpsamplingBilinear2d({.scale_factor = {2, 1.5}})) ==
             "UpsamplingBilinear2d(scale_factor=(2.0, 1.5), mode='bilinear')");
  BOOST_TEST(printed(nn::ZeroPad2d(1)) == "ZeroPad2d((1, 1, 1, 1))");
  BOOST_TEST(printed(nn::ConstantPad1d({1, 2}, 3.5)) == "ConstantPad1d(padding=(1, 2), value=3.5)");
  BOOST_TEST(printed(nn::PixelShuffle(2)) == "PixelShuffle(upscale_factor=2)");
  BOOST_TEST(printed(nn::PixelUnshuffle(2)) == "PixelUnshuffle(downscale_factor=2)");
  BOOST_TEST(printed(nn::ChannelShuffle(2)) == "ChannelShuffle(groups=2)");
  BOOST_TEST(printed(nn::Unfold(3, {.padding = 1})) == "Unfold(kernel_size=3, dilation=1, padding=1, stride=1)");
  BOOST_TEST(printed(nn::Fold({4, 5}, {2, 1})) ==
             "Fold(output_size=(4, 5), kernel_size=(2, 1), dilation=1, padding=0, stride=1)");
}

BOOST_AUTO_TEST_CASE(a_convolution_is_a_product_with_unfolded_blocks) {
  const Tensor x = randn({2, 3, 7, 6}, {.dtype = float64}), w = randn({4, 3, 3, 2}, {.dtype = float64});
  const nn::FoldOptions o{.dilation = {1, 2}, .padding = {2, 1}, .stride = {2, 1}};
  const Tensor product = matmul(w.reshape({4, 18}), F::unfold(x, {3, 2}, o));
  const Tensor conv = F::conv2d(x, w, {}, {.stride = o.stride, .padding = {2, 1}, .dilation = o.dilation});
  BOOST_TEST(allclose(product.reshape(conv.shape()), conv, 1e-10, 1e-10));
}

BOOST_AUTO_TEST_CASE(folding_adds_up_what_overlaps) {
  const Tensor counts = F::fold(F::unfold(ones({1, 1, 3, 4}), 2), {3, 4}, 2);
  check_values(counts, {1, 2, 2, 1, 2, 4, 4, 2, 1, 2, 2, 1});
  const Tensor x = randn({2, 3, 4, 6});
  const nn::FoldOptions apart{.stride = 2};
  BOOST_TEST(equal(F::fold(F::unfold(x, 2, apart), {4, 6}, 2, apart), x));
  BOOST_TEST(equal(nn::Unfold(2, apart)(x[0]), F::unfold(x, 2, apart)[0]));
}

BOOST_AUTO_TEST_CASE(shuffles_are_undone) {
  const Tensor x = arange(72).reshape({2, 4, 3, 3});
  const Tensor y = F::pixel_shuffle(x, 2);
  BOOST_TEST(y.shape() == Shape({2, 1, 6, 6}));
  BOOST_TEST(element(y, 1) == 9);   // row 0, column 1: channel 1 at (0, 0)
  BOOST_TEST(element(y, 6) == 18);  // row 1, column 0: channel 2 at (0, 0)
  BOOST_TEST(equal(F::pixel_unshuffle(y, 2), x));
  const Tensor c = F::channel_shuffle(arange(6).reshape({1, 6, 1}), 2);
  check_values(c, {0, 3, 1, 4, 2, 5});
  BOOST_TEST(equal(F::channel_shuffle(c, 3).flatten(), arange(6)));
}

BOOST_AUTO_TEST_SUITE_END()
