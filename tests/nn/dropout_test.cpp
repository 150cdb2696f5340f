#include "slope/nn/layers/dropout.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

#include "slope/autograd/core/parallel.h"
#include "slope/autograd/core/random.h"
#include "slope/autograd/engine/backward.h"
#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/random.h"
#include "slope/nn/functional.h"
#include "support/checks.h"

using namespace slope;

namespace {

struct Seeded {
  Seeded() { manual_seed(3); }
};

double share_of_zeros(const Tensor& t) { return (t == 0).to(float64).mean().item(); }

}  // namespace

BOOST_FIXTURE_TEST_SUITE(dropout, Seeded)

BOOST_AUTO_TEST_CASE(a_share_of_elements_is_dropped_and_the_others_are_scaled) {
  const std::int64_t n = 200000;
  for (double p : {0.1, 0.5, 0.9}) {
    const Tensor y = F::dropout(ones({n}, {.dtype = float64}), p);
    BOOST_TEST(std::abs(share_of_zeros(y) - p) < 5 * std::sqrt(p * (1 - p) / static_cast<double>(n)));
    for (double v : y.to_vector<double>()) BOOST_REQUIRE((v == 0 || v == 1 / (1 - p)));
  }
}

BOOST_AUTO_TEST_CASE(backward_uses_the_mask_of_forward) {
  for (DType dtype : {float32, float64}) {
    const Tensor x = full({1000, 7}, 2.0, {.dtype = dtype, .requires_grad = true});
    const Tensor y = F::dropout(x, 0.3);
    F::dropout(x, 0.3);  // draws on in between
    y.sum().backward();
    BOOST_TEST(equal(x.grad() * 2, y));
  }
}

BOOST_AUTO_TEST_CASE(the_derivative_can_be_differentiated) {
  const Tensor x = randn({50}, {.dtype = float64, .requires_grad = true});
  const Tensor w = randn({50}, {.dtype = float64});
  const Tensor y = F::dropout(x, 0.5);
  const Tensor g = autograd::grad({(square(y) * w).sum()}, {x}, {.create_graph = true})[0];
  const Tensor h = autograd::grad({g.sum()}, {x})[0];
  const Tensor mask = (y != 0).to(float64);
  BOOST_TEST(allclose(h, mask * w * 8, 1e-12, 1e-12));  // (d/dx)² of (2x)²·w
}

BOOST_AUTO_TEST_CASE(the_mask_is_the_same_for_every_thread_count_and_layout) {
  const int threads = get_num_threads();
  const Tensor x = rand({300, 1000});
  std::vector<Tensor> results;
  for (int n : {1, 2, 5}) {
    set_num_threads(n);
    manual_seed(9);
    results.push_back(F::dropout(x, 0.4));
    results.push_back(F::dropout2d(x.view({3, 100, 10, 100}), 0.4).view({300, 1000}));
  }
  set_num_threads(threads);
  BOOST_TEST(equal(results[0], results[2]));
  BOOST_TEST(equal(results[0], results[4]));
  BOOST_TEST(equal(results[1], results[3]));
  BOOST_TEST(equal(results[1], results[5]));
  manual_seed(9);
  const Tensor strided = F::dropout(x.t().contiguous().t(), 0.4);
  BOOST_TEST(equal(results[0], strided));
}

BOOST_AUTO_TEST_CASE(masks_differ_from_call_to_call_and_repeat_with_the_seed) {
  const Tensor x = ones({1000});
  const Tensor a = F::dropout(x), b = F::dropout(x);
  BOOST_TEST(!equal(a, b));
  manual_seed(3);
  BOOST_TEST(equal(F::dropout(x), a));
}

BOOST_AUTO_TEST_CASE(outside_training_it_is_the_tensor_itself) {
  const Tensor x = randn({4});
  nn::Dropout layer(0.5);
  layer.eval();
  BOOST_TEST(layer(x).is(x));
  BOOST_TEST(F::dropout(x, 0.5, false).is(x));
  BOOST_TEST(F::dropout(x, 0).is(x));
  const auto state = default_generator().get_state();
  BOOST_TEST(F::dropout(zeros({0})).numel() == 0);
  layer(x);
  BOOST_TEST((default_generator().get_state() == state));
  layer.train();
  BOOST_TEST(!layer(x).is(x));
}

BOOST_AUTO_TEST_CASE(with_p_one_everything_is_zero_also_the_gradient) {
  const Tensor x = tensor({1.0, INFINITY, NAN}, {.requires_grad = true});
  for (const Tensor& y : {F::dropout(x, 1), F::alpha_dropout(x, 1)}) {
    x.zero_grad();
    check_values(y, {0, 0, 0});
    y.sum().backward();
    check_values(x.grad(), {0, 0, 0});
  }
  const Tensor image = ones({2, 3, 4}, {.requires_grad = true});
  BOOST_TEST(F::dropout1d(image, 1).abs().sum().item() == 0.0);
}

BOOST_AUTO_TEST_CASE(an_element_and_a_channel_are_dropped_from_the_same_probability_on) {
  constexpr std::int64_t count = 5;
  const auto dropped = [](std::int64_t word, bool channels, std::int64_t at) {
    manual_seed(11);
    const double p = static_cast<double>(word) * 0x1p-32;
    const Tensor y =
        channels ? F::dropout1d(ones({1, count, 2}), p).select(2, 0).reshape({count}) : F::dropout(ones({count}), p);
    return y[at].item() == 0;
  };
  for (std::int64_t at = 0; at < count; ++at) {
    std::int64_t kept = 1, gone = (std::int64_t{1} << 32) - 1;
    BOOST_REQUIRE((!dropped(kept, true, at) && dropped(gone, true, at)));
    while (gone - kept > 1) {
      const std::int64_t middle = kept + (gone - kept) / 2;
      (dropped(middle, true, at) ? gone : kept) = middle;
    }
    BOOST_TEST(!dropped(kept, false, at));
    BOOST_TEST(dropped(gone, false, at));
  }
}

BOOST_AUTO_TEST_CASE(channels_are_dropped_as_a_whole) {
  const auto check = [](const Tensor& y, std::int64_t channels) {
    const Tensor flat = y.reshape({channels, -1});
    int dropped = 0;
    for (std::int64_t c = 0; c < channels; ++c) {
      const auto v = flat[c].to_vector<double>();
      for (double e : v) BOOST_REQUIRE(e == v[0]);
      BOOST_REQUIRE((v[0] == 0 || v[0] == 2));
      dropped += v[0] == 0;
    }
    BOOST_TEST(std::abs(dropped - static_cast<double>(channels) / 2) < 2.5 * std::sqrt(static_cast<double>(channels)));
  };
  check(F::dropout1d(ones({40, 25, 3})), 1000);
  check(F::dropout1d(ones({500, 3})), 500);
  check(F::dropout2d(ones({20, 50, 3, 5})), 1000);
  check(F::dropout2d(ones({500, 3, 5})), 500);
  check(F::dropout3d(ones({10, 50, 2, 3, 2})), 500);
  const Tensor x = full({20, 30, 4}, 3.0, {.requires_grad = true});
  const Tensor y = F::dropout1d(x, 0.5);
  y.sum().backward();
  BOOST_TEST(equal(x.grad() * 3, y));
  check_error<ShapeError>([] { F::dropout2d(ones({3, 4})); },
                          "dropout2d: expected 3D or 4D input, but received a 2D input");
  check_error<ShapeError>([] { F::dropout1d(ones({4}), 0.5, false); }, "dropout1d: expected 2D or 3D input");
}

BOOST_AUTO_TEST_CASE(alpha_dropout_keeps_mean_and_variance) {
  const std::int64_t n = 400000;
  const Tensor x = randn({n}, {.dtype = float64, .requires_grad = true});
  for (double p : {0.1, 0.5}) {
    x.zero_grad();
    const Tensor y = F::alpha_dropout(x, p);
    BOOST_TEST(std::abs(y.mean().item()) < 5 / std::sqrt(static_cast<double>(n)));
    BOOST_TEST(std::abs(y.var().item() - 1) < 0.02);
    // Kept elements are a·x + b with one a, dropped ones a constant with no gradient.
    y.sum().backward();
    const double limit = -1.7580993408473766, a = 1 / std::sqrt((1 - p) * (1 + p * limit * limit));
    const Tensor kept = x.grad() != 0;
    BOOST_TEST(allclose(x.grad(), kept.to(float64) * a, 1e-12, 0));
    BOOST_TEST(std::abs((1 - p) - kept.to(float64).mean().item()) < 0.01);
    const Tensor expected = where(kept, x * a - a * limit * p, a * limit * (1 - p));
    BOOST_TEST(allclose(y, expected, 1e-9, 1e-9));
  }
}

BOOST_AUTO_TEST_CASE(probabilities_outside_zero_to_one_throw) {
  const Tensor x = ones({3});
  for (double p : {-0.1, 1.5, static_cast<double>(NAN)}) {
    const std::string text = "dropout probability has to be between 0 and 1, but got " + to_text(p);
    check_error<ValueError>([&] { F::dropout(x, p); }, text);
    check_error<ValueError>([&] { F::dropout(x, p, false); }, text);
    check_error<ValueError>([&] { F::alpha_dropout(x, p); }, text);
    check_error<ValueError>([&] { nn::Dropout layer(p); }, text);
    check_error<ValueError>([&] { nn::Dropout2d layer({.p = p}); }, text);
  }
  check_error<DTypeError>([] { F::dropout(tensor({1, 2})); },
                          "dropout: the input must be a floating point tensor, got int64");
}

BOOST_AUTO_TEST_CASE(dropout_modules_follow_their_mode_and_print_p) {
  BOOST_TEST(nn::Dropout().to_string() == "Dropout(p=0.5)");
  BOOST_TEST(nn::Dropout1d({.p = 0.2}).to_string() == "Dropout1d(p=0.2)");
  BOOST_TEST(nn::AlphaDropout(0.1).to_string() == "AlphaDropout(p=0.1)");
  nn::Dropout2d layer(0.9);
  const Tensor x = ones({4, 5, 2, 2});
  BOOST_TEST(share_of_zeros(layer(x)) > 0.0);
  layer.eval();
  BOOST_TEST(layer(x).is(x));
}

BOOST_AUTO_TEST_SUITE_END()
