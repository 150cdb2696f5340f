#include <boost/test/unit_test.hpp>
#include <limits>

#include "slope/autograd.h"
#include "slope/nn/losses/losses.h"
#include "support/checks.h"

using namespace slope;
namespace F = slope::nn::functional;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity(), nan_value = std::numeric_limits<double>::quiet_NaN();
constexpr auto none = Reduction::none;

Tensor doubles(const Literal& values, bool requires_grad = true) {
  return tensor(values, {.dtype = float64, .requires_grad = requires_grad});
}

/// The gradients of Σ values by x, fused and recorded, which must agree.
template <class Loss>
Tensor gradient(const Loss& loss, const Tensor& x) {
  const Tensor fused = autograd::grad({loss(Reduction::sum)}, {x})[0];
  for (const bool recorded : {false, true}) {
    const Tensor other = autograd::grad({loss(none).sum()}, {x}, {.create_graph = recorded})[0].detach();
    BOOST_TEST(allclose(other, fused, 1e-14, 1e-300, true), "fused " << fused << ", through values " << other);
  }
  return fused;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(regression_losses)

BOOST_AUTO_TEST_CASE(huber_meets_its_joint_with_value_slope_and_no_curvature) {
  const Tensor x = doubles({0.0, 0.5, -0.5, 0.25, 2.0, -2.0}), t = zeros({6}, {.dtype = float64});
  const auto huber = [&](Reduction r) { return F::huber_loss(x, t, {.reduction = r, .delta = 0.5}); };
  check_values(huber(none), {0, 0.125, 0.125, 0.03125, 0.875, 0.875});
  check_values(gradient(huber, x), {0, 0.5, -0.5, 0.25, 0.5, -0.5});
  const Tensor g = autograd::grad({huber(Reduction::sum)}, {x}, {.create_graph = true})[0];
  check_values(autograd::grad({g.sum()}, {x})[0], {1, 0, 0, 1, 0, 0});
}

BOOST_AUTO_TEST_CASE(huber_is_delta_times_smooth_l1) {
  Generator g(3);
  const Tensor x = randn({100}, {.dtype = float64}, g), t = randn({100}, {.dtype = float64}, g);
  for (const double delta : {0.1, 1.0, 3.0})
    BOOST_TEST(allclose(F::huber_loss(x, t, {.reduction = none, .delta = delta}),
                        F::smooth_l1_loss(x, t, {.reduction = none, .beta = delta}) * delta, 1e-14, 1e-15));
}

BOOST_AUTO_TEST_CASE(a_weighted_mean_divides_by_the_weights_but_for_huber) {
  const Tensor x = doubles({1.0, 3.0}), t = doubles({0.0, 0.0}), w = doubles({3.0, 1.0});
  check_values(F::l1_loss(x, t, {.weight = w}), {1.5});                                      // (3·1 + 1·3) / (3 + 1)
  check_values(F::mse_loss(x, t, {.weight = w}), {3});                                       // (3·1 + 1·9) / (3 + 1)
  check_values(F::huber_loss(x, t, {.weight = w}), {2});                                     // (3·0.5 + 1·2.5) / 2
  check_values(autograd::grad({F::l1_loss(x, t, {.weight = w})}, {w})[0], {-0.125, 0.375});  // (l - L) / 4
  check_values(autograd::grad({F::huber_loss(x, t, {.weight = w})}, {w})[0], {0.25, 1.25});  // l / 2
  check_values(F::l1_loss(x, t, {.weight = doubles({0.0, 0.0})}), {nan_value});
  check_values(F::huber_loss(x, t, {.weight = doubles({0.0, 0.0})}), {0});
}

BOOST_AUTO_TEST_CASE(nan_and_infinities_propagate) {
  const Tensor x = doubles({nan_value, inf, -inf, inf, inf}), t = doubles({0.0, 0.0, 0.0, inf, -inf}, false);
  const auto l1 = [&](Reduction r) { return F::l1_loss(x, t, {.reduction = r}); };
  const auto mse = [&](Reduction r) { return F::mse_loss(x, t, {.reduction = r}); };
  const auto smooth = [&](Reduction r) { return F::smooth_l1_loss(x, t, {.reduction = r}); };
  const auto huber = [&](Reduction r) { return F::huber_loss(x, t, {.reduction = r, .delta = 2}); };
  const auto log_cosh = [&](Reduction r) { return F::log_cosh_loss(x, t, {.reduction = r}); };
  const auto charbonnier = [&](Reduction r) { return F::charbonnier_loss(x, t, {.reduction = r}); };
  const auto pinball = [&](Reduction r) { return F::quantile_loss(x, t, {.q = 0.25, .reduction = r}); };
  for (const auto& loss :
       std::vector<std::function<Tensor(Reduction)>>{l1, mse, smooth, huber, log_cosh, charbonnier, pinball}) {
    check_values(loss(none), {nan_value, inf, inf, nan_value, inf});
    check_values(loss(Reduction::mean), {nan_value});
  }
  check_values(gradient(l1, x), {nan_value, 1, -1, nan_value, 1});
  check_values(gradient(mse, x), {nan_value, inf, -inf, nan_value, inf});
  check_values(gradient(smooth, x), {nan_value, 1, -1, nan_value, 1});
  check_values(gradient(huber, x), {nan_value, 2, -2, nan_value, 2});
  check_values(gradient(log_cosh, x), {nan_value, 1, -1, nan_value, 1});
  check_values(gradient(charbonnier, x), {nan_value, 1, -1, nan_value, 1});
  check_values(gradient(pinball, x), {nan_value, 0.75, -0.25, nan_value, 0.75});
}

BOOST_AUTO_TEST_CASE(dtypes_are_those_of_prediction_and_target_promoted) {
  const Tensor x = tensor({0.5, 2.0}, {.dtype = float32, .requires_grad = true}),
               y = x.detach().to(float64).requires_grad_();
  const Tensor whole = tensor({1, 0}), flags = tensor({true, false}), half = tensor({1.0, 0.0});
  using Loss = std::function<Tensor(const Tensor&, const Tensor&, Reduction)>;
  const std::vector<std::pair<Loss, double>> losses = {
      {[](auto& a, auto& b, Reduction r) { return F::l1_loss(a, b, {.reduction = r}); }, 2.5},
      {[](auto& a, auto& b, Reduction r) { return F::mse_loss(a, b, {.reduction = r}); }, 4.25},
      {[](auto& a, auto& b, Reduction r) { return F::smooth_l1_loss(a, b, {.reduction = r}); }, 1.625},
      {[](auto& a, auto& b, Reduction r) { return F::huber_loss(a, b, {.reduction = r}); }, 1.625},
      {[](auto& a, auto& b, Reduction r) { return F::quantile_loss(a, b, {.reduction = r}); }, 1.25},
      {[](auto& a, auto& b, Reduction r) { return F::hinge_embedding_loss(a, b, {.reduction = r}); }, 2.5},
      {[](auto& a, auto& b, Reduction r) {
         return F::margin_ranking_loss(a, a.detach() * 0.0, b, {.margin = 1, .reduction = r});
       },
       1.5},
  };
  for (const auto& [loss, expected] : losses)
    for (const Reduction r : {none, Reduction::mean, Reduction::sum}) {
      for (const Tensor& t : {whole, flags, half}) {
        BOOST_TEST((loss(x, t, r).dtype() == float32));
        BOOST_TEST((loss(y, t, r).dtype() == float64));
        BOOST_TEST(loss(y, t, r).sum().item() == (r == Reduction::mean ? expected / 2 : expected));
        BOOST_TEST((autograd::grad({loss(x, t, r).sum()}, {x})[0].dtype() == float32));
      }
      const Tensor wide = loss(x, half.to(float64), r);
      BOOST_TEST((wide.dtype() == float64));
      BOOST_TEST((autograd::grad({wide.sum()}, {x})[0].dtype() == float32));
    }
  // A weight is converted and decides nothing.
  const Tensor narrow = ones({2}), broad = ones({2}, {.dtype = float64}).requires_grad_();
  for (const Reduction r : {none, Reduction::mean, Reduction::sum})
    for (const Tensor& w : {narrow, broad, whole.ge(0)}) {
      BOOST_TEST((F::mse_loss(x, half, {.reduction = r, .weight = w}).dtype() == float32));
      BOOST_TEST((F::l1_loss(y, half, {.reduction = r, .weight = w}).dtype() == float64));
      BOOST_TEST((F::huber_loss(x, half.to(float64), {.reduction = r, .weight = w}).dtype() == float64));
      BOOST_TEST(
          (F::binary_cross_entropy(sigmoid(x), half, {.weight = w.detach(), .reduction = r}).dtype() == float32));
      BOOST_TEST(
          (F::binary_cross_entropy_with_logits(y, half, {.weight = w.detach(), .reduction = r}).dtype() == float64));
      BOOST_TEST((F::binary_cross_entropy_with_logits(x, half, {.reduction = r, .pos_weight = w.detach()}).dtype() ==
                  float32));
      BOOST_TEST((F::gaussian_nll_loss(x, half, w, {.reduction = r}).dtype() == float32));
    }
  BOOST_TEST((autograd::grad({F::mse_loss(x, half, {.weight = broad})}, {broad})[0].dtype() == float64));
  check_values(F::l1_loss(whole, tensor({3, 3}), {.reduction = none}), {2, 3});
  BOOST_TEST((F::l1_loss(whole, tensor({3, 3}), {.reduction = "sum"}).dtype() == int64));
  check_values(F::l1_loss(flags, tensor({true, true}), {.reduction = "sum"}), {1});
}

BOOST_AUTO_TEST_CASE(poisson_of_rate_0_is_finite_and_small_counts_add_nothing) {
  const Tensor x = doubles({0.0}), t = doubles({1.0});
  const auto of_rate = [&](Reduction r) { return F::poisson_nll_loss(x, t, {.log_input = false, .reduction = r}); };
  check_close(of_rate(none), {18.420680743952367}, 1e-15);
  check_close(gradient(of_rate, x), {1 - 1e8}, 1e-15);
  // Stirling's term counts only where t > 1: not at 0, not at 1, not below.
  const Tensor at = doubles({1.0, 1.0, 1.0, 1.0}), counts = doubles({0.0, 1.0, -3.0, 3.0});
  const auto full = [&](Reduction r) { return F::poisson_nll_loss(at, counts, {.full = true, .reduction = r}); };
  const double e = std::exp(1.0), stirling = 3 * std::log(3.0) - 3 + 0.5 * std::log(2 * 3.14159265358979323846 * 3);
  check_close(full(none), {e, e - 1, e + 3, e - 3 + stirling}, 1e-15);
  check_close(gradient(full, counts), {-1, -1, -1, -1 + std::log(3.0) + 1.0 / 6}, 1e-15);
  check_close(gradient(full, at), {e, e - 1, e + 3, e - 3}, 1e-15);
}

BOOST_AUTO_TEST_CASE(gaussian_raises_small_variances_and_lets_their_gradient_pass) {
  const Tensor x = doubles({0.5, 0.5}), t = doubles({0.0, 0.0}), var = doubles({0.0, 0.25});
  const auto loss = [&](Reduction r) { return F::gaussian_nll_loss(x, t, var, {.reduction = r}); };
  check_close(loss(none), {124993.09224472102, 0.5 * (std::log(0.25) + 1)}, 1e-14);
  check_close(gradient(loss, x), {5e5, 2}, 1e-14);
  check_close(gradient(loss, t), {-5e5, -2}, 1e-14);
  check_close(gradient(loss, var), {0.5 * (1e6 - 0.25e12), 0}, 1e-14);
  const Tensor g = autograd::grad({loss(Reduction::sum)}, {var}, {.create_graph = true})[0];
  check_close(autograd::grad({g.sum()}, {var})[0], {-0.5e12 + 0.25e18, 0.5 * (-16 + 2 * 0.25 / 0.015625)}, 1e-12);
  check_close(F::gaussian_nll_loss(x, t, var, {.full = true, .reduction = none}) - loss(none),
              {0.9189385332046727, 0.9189385332046727}, 1e-11);
  check_values(F::gaussian_nll_loss(x, t, nan_value, {.reduction = none}), {nan_value, nan_value});
  check_values(F::gaussian_nll_loss(x, t, 1, {.reduction = none}), {0.125, 0.125});
  check_values(F::gaussian_nll_loss(x, t, -0.0, {.eps = 1.0, .reduction = none}), {0.125, 0.125});
  nn::GaussianNLLLoss module({.eps = 1.0, .reduction = none});
  check_values(module(x, t, 0.5), {0.125, 0.125});
  check_values(module(x, t, var), {0.125, 0.125});
}

BOOST_AUTO_TEST_CASE(log_cosh_is_accurate_near_and_far) {
  const Tensor x = doubles({0.0, 1e-9, -1e-4, 1.0, 1000.0, -1000.0}), t = zeros({6}, {.dtype = float64});
  const auto loss = [&](Reduction r) { return F::log_cosh_loss(x, t, {.reduction = r}); };
  const std::vector<double> l = loss(none).to_vector<double>();
  const double expected[] = {0, 5e-19, 0.5e-8 - 1e-16 / 12, 0.4337808304830271, 999.3068528194401, 999.3068528194401};
  for (std::size_t i = 0; i < 6; ++i)
    BOOST_TEST(std::abs(l[i] - expected[i]) <= 4e-16 * expected[i], l[i] << " at " << i);
  check_close(gradient(loss, x), {0, 1e-9, std::tanh(-1e-4), std::tanh(1.0), 1, -1}, 1e-15);
  const Tensor g = autograd::grad({loss(Reduction::sum)}, {x}, {.create_graph = true})[0];
  check_close(autograd::grad({g.sum()}, {x})[0], {1, 1, 1 - 1e-8, 0.4199743416140261, 0, 0}, 1e-15);
  const Tensor f = tensor({1e-3, 60.0}), zero = zeros({2});
  check_close(F::log_cosh_loss(f, zero, {.reduction = none}) / tensor({5e-7, 59.30685281944005}, {.dtype = float64}),
              {1, 1}, 1e-6);
}

BOOST_AUTO_TEST_CASE(quantiles_have_no_slope_where_they_are_met) {
  const Tensor x = doubles({0.0, -1.0, 1.0}), t = doubles({0.0, 0.0, 0.0});
  const auto loss = [&](Reduction r) { return F::quantile_loss(x, t, {.q = 0.9, .reduction = r}); };
  check_close(loss(none), {0, 0.9, 0.1}, 1e-16);
  check_values(gradient(loss, x), {0, -0.9, 1 - 0.9});
  check_values(gradient(loss, t), {0, 0.9, -(1 - 0.9)});
}

BOOST_AUTO_TEST_CASE(charbonnier_neither_overflows_nor_has_a_kink) {
  const Tensor x = doubles({0.0, 3e-3, 1e-3, 1e300, -1e300}), t = zeros({5}, {.dtype = float64});
  const auto loss = [&](Reduction r) { return F::charbonnier_loss(x, t, {.reduction = r}); };
  check_close(loss(none), {1e-3, std::sqrt(1e-5), std::sqrt(2e-6), 1e300, 1e300}, 1e-15);
  check_close(gradient(loss, x), {0, 3 / std::sqrt(10.0), std::sqrt(0.5), 1, -1}, 1e-15);
  const Tensor g = autograd::grad({loss(Reduction::sum)}, {x}, {.create_graph = true})[0];
  check_close(autograd::grad({g.sum()}, {x})[0], {1e3, 1e-6 / std::pow(1e-5, 1.5), 1e-6 / std::pow(2e-6, 1.5), 0, 0},
              1e-13);
  const Tensor f = tensor({1e25, 0.0}, {.dtype = float32, .requires_grad = true});
  check_close(F::charbonnier_loss(f, zeros({2}), {.eps = 1e-30, .reduction = none}) / tensor({1e25, 1e-30}), {1, 1},
              1e-6);
}

BOOST_AUTO_TEST_CASE(relative_errors_stay_finite_at_targets_of_0) {
  const Tensor x = doubles({1.0, 0.0, 3.0, -1.0}), t = doubles({0.0, 0.0, 2.0, -0.5});
  const auto loss = [&](Reduction r) { return F::mape_loss(x, t, {.eps = 0.5, .reduction = r}); };
  check_values(loss(none), {2, 0, 0.5, 1});
  check_values(gradient(loss, x), {2, 0, 0.5, -2});
  check_values(gradient(loss, t), {-2, 0, -0.75, 4});  // -0.5 is just large enough to count
  const Tensor counts = doubles({0.0, std::exp(1.0) - 1, -1.0, -2.0}), none_there = zeros({4}, {.dtype = float64});
  check_close(F::msle_loss(counts, none_there, {.reduction = none}), {0, 1, inf, nan_value}, 1e-15);
}

BOOST_AUTO_TEST_SUITE_END()
