#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "slope/autograd/core/parallel.h"
#include "slope/autograd/core/random.h"
#include "slope/autograd/engine/backward.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/random.h"
#include "slope/gradcheck.h"
#include "slope/nn/nn.h"
#include "support/checks.h"

// Shuffles, distances of all pairs, Softmax2d, FeatureAlphaDropout.

using namespace slope;

namespace {

constexpr TensorOptions leaf64{.dtype = float64, .requires_grad = true};

struct Seeded {
  Seeded() { manual_seed(5); }
};

void check_gradients(const autograd::CheckedFunction& f, const std::vector<Tensor>& inputs) {
  const auto first = autograd::gradcheck(f, inputs);
  BOOST_TEST(first.ok, first.message);
  const auto second = autograd::gradgradcheck(f, inputs);
  BOOST_TEST(second.ok, second.message);
}

std::string text(const nn::Module& m) {
  std::ostringstream out;
  out << m;
  return out.str();
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(small_layers, Seeded)

// ---- shuffles

BOOST_AUTO_TEST_CASE(pixel_shuffle_puts_channels_into_space) {
  for (const Shape& lead : {Shape{}, Shape{2}, Shape{2, 3}, Shape{0}})
    for (const std::int64_t r : {1, 2, 3}) {
      Shape in = lead;
      for (const std::int64_t n : {2 * r * r, std::int64_t{3}, std::int64_t{4}}) in.push_back(n);
      const Tensor x = randn(in);
      const Tensor y = nn::PixelShuffle(r)(x);
      Shape out = lead;
      for (const std::int64_t n : {std::int64_t{2}, 3 * r, 4 * r}) out.push_back(n);
      BOOST_TEST(to_text(y.shape()) == to_text(out));
      const Tensor flat = x.reshape({x.numel() / (24 * r * r), 2 * r * r, 3, 4}),
                   result = y.reshape({-1, 2, 3 * r, 4 * r});
      for (std::int64_t n = 0; n < flat.size(0); ++n)
        for (std::int64_t c = 0; c < 2; ++c)
          for (std::int64_t a = 0; a < r; ++a)
            for (std::int64_t b = 0; b < r; ++b)
              BOOST_TEST(result[n][c][2 * r + a][3 * r + b].item() == flat[n][c * r * r + a * r + b][2][3].item());
      BOOST_TEST(equal(nn::PixelUnshuffle(r)(y), x));
    }
}

BOOST_AUTO_TEST_CASE(channel_shuffle_transposes_groups) {
  const Tensor x = arange(12).reshape({1, 6, 2}), y = nn::ChannelShuffle(2)(x);
  check_values(y.select(2, 0), {0, 6, 2, 8, 4, 10});
  BOOST_TEST(equal(nn::ChannelShuffle(3)(y), x));
  BOOST_TEST(to_text(F::channel_shuffle(zeros({0, 4, 2, 2}), 2).shape()) == "[0, 4, 2, 2]");
}

BOOST_AUTO_TEST_CASE(shuffles_can_be_differentiated) {
  check_gradients([](const std::vector<Tensor>& t) { return F::pixel_shuffle(t[0], 2); },
                  {randn({1, 4, 2, 3}, leaf64)});
  check_gradients([](const std::vector<Tensor>& t) { return F::pixel_unshuffle(t[0], 2); },
                  {randn({2, 1, 4, 2}, leaf64)});
  check_gradients([](const std::vector<Tensor>& t) { return F::channel_shuffle(t[0], 2); }, {randn({2, 4, 3}, leaf64)});
}

BOOST_AUTO_TEST_CASE(shuffles_say_what_does_not_divide) {
  const Tensor x = ones({1, 3, 2, 2});
  check_error<ShapeError>([&] { F::pixel_shuffle(x, 2); },
                          "pixel_shuffle: expects its input's 'channel' dimension to be divisible by the square of "
                          "upscale_factor, but 3 is not divisible by 4; the input has shape [1, 3, 2, 2]");
  check_error<ShapeError>(
      [&] { F::pixel_unshuffle(ones({1, 1, 3, 2}), 2); },
      "pixel_unshuffle: expects height to be divisible by downscale_factor, but 3 is not divisible by 2");
  check_error<ShapeError>(
      [&] { F::pixel_unshuffle(ones({1, 1, 2, 3}), 2); },
      "pixel_unshuffle: expects width to be divisible by downscale_factor, but 3 is not divisible by 2");
  check_error<ShapeError>([&] { F::channel_shuffle(x, 2); },
                          "channel_shuffle: expects channels to be divisible by groups, but 3 is not divisible by 2");
  check_error<ShapeError>(
      [&] { F::pixel_shuffle(ones({4, 2}), 2); },
      "pixel_shuffle: expects input to have at least 3 dimensions, but got input with 2 dimension(s)");
  check_error<ShapeError>([&] { F::channel_shuffle(ones({4, 2}), 2); },
                          "channel_shuffle: expects input to have at least 3");
  check_error<ValueError>([&] { F::pixel_shuffle(x, 0); }, "pixel_shuffle: upscale_factor must be positive, got 0");
  check_error<ValueError>([&] { F::pixel_unshuffle(x, -1); },
                          "pixel_unshuffle: downscale_factor must be positive, got -1");
  check_error<ValueError>([&] { F::channel_shuffle(x, 0); }, "channel_shuffle: groups must be positive, got 0");
  check_error<ValueError>([] { nn::PixelShuffle(0); }, "PixelShuffle: upscale_factor must be positive, got 0");
  check_error<ValueError>([] { nn::PixelUnshuffle(0); }, "PixelUnshuffle: downscale_factor must be positive, got 0");
  check_error<ValueError>([] { nn::ChannelShuffle(-3); }, "ChannelShuffle: groups must be positive, got -3");
  BOOST_TEST(text(nn::PixelShuffle(2)) == "PixelShuffle(upscale_factor=2)");
  BOOST_TEST(text(nn::PixelUnshuffle(2)) == "PixelUnshuffle(downscale_factor=2)");
  BOOST_TEST(text(nn::ChannelShuffle(2)) == "ChannelShuffle(groups=2)");
}

// ---- distances of all pairs

BOOST_AUTO_TEST_CASE(pdist_lists_the_upper_triangle_row_by_row) {
  const Tensor x = randn({7, 3}, {.dtype = float64});
  for (const double p : {0.0, 0.5, 1.0, 2.0, 3.0, std::numeric_limits<double>::infinity()}) {
    const Tensor d = F::pdist(x, p);
    BOOST_TEST(to_text(d.shape()) == "[21]");
    std::int64_t at = 0;
    for (std::int64_t i = 0; i < 7; ++i)
      for (std::int64_t j = i + 1; j < 7; ++j)
        BOOST_TEST(std::abs(d[at++].item() - norm(x[i] - x[j], p).item()) < 1e-12);
  }
  for (const std::int64_t n : {0, 1}) BOOST_TEST(to_text(F::pdist(zeros({n, 3})).shape()) == "[0]");
  check_values(F::pdist(zeros({3, 0})), {0, 0, 0});
}

BOOST_AUTO_TEST_CASE(pdist_can_be_differentiated) {
  for (const double p : {1.0, 2.0, 3.0})
    check_gradients([p](const std::vector<Tensor>& t) { return F::pdist(t[0], p); }, {randn({4, 3}, leaf64)});
  // Equal rows have distance 0 and no gradient.
  for (const double p : {0.5, 1.0, 2.0, 3.0, std::numeric_limits<double>::infinity()}) {
    const Tensor x = ones({3, 2}).requires_grad_();
    F::pdist(x, p).sum().backward();
    check_values(x.grad(), {0, 0, 0, 0, 0, 0});
  }
}

BOOST_AUTO_TEST_CASE(pdist_takes_a_matrix_and_an_order) {
  check_error<ShapeError>([] { F::pdist(ones({3})); }, "pdist: pdist only supports 2D tensors, got: 1D");
  check_error<ValueError>([] { F::pdist(ones({3, 2}), -1); },
                          "pdist: pdist only supports non-negative p values, got -1");
  check_error<ValueError>([] { F::pdist(ones({3, 2}), std::nan("")); }, "pdist only supports non-negative p values");
  check_error<DTypeError>([] { F::pdist(ones({3, 2}, {.dtype = int64})); }, "pdist: ");
}

// ---- Softmax2d

BOOST_AUTO_TEST_CASE(softmax2d_is_over_channels) {
  nn::Softmax2d layer;
  const Tensor x = randn({2, 3, 4, 5});
  BOOST_TEST(equal(layer(x), softmax(x, 1)));
  BOOST_TEST(equal(layer(x[0]), softmax(x[0], 0)));
  check_gradients([&](const std::vector<Tensor>& t) { return layer(t[0]); }, {randn({1, 3, 2, 2}, leaf64)});
  check_error<ShapeError>([&] { layer(ones({2, 2})); }, "Softmax2d: expected input to be 3D or 4D (got 2D)");
  check_error<ShapeError>([&] { layer(ones({1, 2, 2, 2, 2})); }, "Softmax2d: expected input to be 3D or 4D (got 5D)");
}

// ---- FeatureAlphaDropout

BOOST_AUTO_TEST_CASE(feature_alpha_dropout_drops_whole_channels) {
  const Tensor x = randn({40, 50, 3, 2}, {.dtype = float64, .requires_grad = true});
  for (const double p : {0.2, 0.5}) {
    const Tensor y = F::feature_alpha_dropout(x, p);
    const double limit = -1.7580993408473766, a = 1 / std::sqrt((1 - p) * (1 + p * limit * limit)), b = -a * limit * p;
    // In each channel all elements are at the limit, or none.
    const Tensor kept = (y != a * limit + b).to(float64).mean({2, 3});
    BOOST_TEST((equal(kept.round(), kept)));
    BOOST_TEST(std::abs(kept.mean().item() - (1 - p)) < 0.05);
    const Tensor mask = kept.reshape({40, 50, 1, 1});
    BOOST_TEST(allclose(y, mask * (x * a + b) + (1 - mask) * (a * limit + b), 1e-12, 1e-12));
    const Tensor g = autograd::grad({y.sum()}, {x})[0];
    BOOST_TEST(allclose(g, (mask * a).expand(x.shape()), 1e-12, 1e-12));
  }
  BOOST_TEST(F::feature_alpha_dropout(x, 0.5, false).is(x));
  BOOST_TEST(equal(F::feature_alpha_dropout(x, 1), zeros(x.shape(), {.dtype = float64})));
  BOOST_TEST(to_text(F::feature_alpha_dropout(zeros({0, 3, 2})).shape()) == "[0, 3, 2]");
  nn::FeatureAlphaDropout layer(0.25);
  layer.eval();
  BOOST_TEST(layer(x).is(x));
  BOOST_TEST(text(layer) == "FeatureAlphaDropout(p=0.25)");
}

BOOST_AUTO_TEST_CASE(feature_alpha_dropout_is_the_same_for_every_thread_count) {
  const Tensor x = randn({30, 40, 50});
  const int before = get_num_threads();
  Tensor first;
  for (const int threads : {1, 3}) {
    set_num_threads(threads);
    manual_seed(1);
    const Tensor y = F::feature_alpha_dropout(x, 0.4);
    if (!first.defined()) first = y;
    BOOST_TEST(equal(y, first));
  }
  set_num_threads(before);
}

BOOST_AUTO_TEST_CASE(feature_alpha_dropout_refuses_what_it_cannot_drop) {
  check_error<ShapeError>([] { F::feature_alpha_dropout(ones({3})); },
                          "feature_alpha_dropout: Feature dropout requires at least 2 dimensions in the input, got 1");
  check_error<ValueError>([] { F::feature_alpha_dropout(ones({3, 2}), 1.5); },
                          "feature_alpha_dropout: dropout probability has to be between 0 and 1, but got 1.5");
  check_error<ValueError>([] { nn::FeatureAlphaDropout(-0.5); },
                          "dropout probability has to be between 0 and 1, but got -0.5");
}

BOOST_AUTO_TEST_SUITE_END()
