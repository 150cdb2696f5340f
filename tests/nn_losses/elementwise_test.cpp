#include <boost/test/unit_test.hpp>
#include <functional>
#include <iostream>
#include <limits>
#include <sstream>

#include "slope/autograd.h"
#include "slope/nn/losses/losses.h"
#include "support/checks.h"

using namespace slope;
namespace F = slope::nn::functional;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity(), nan_value = std::numeric_limits<double>::quiet_NaN();
constexpr auto none = Reduction::none, total = Reduction::sum;

Tensor doubles(const Literal& values, bool requires_grad = true) {
  return tensor(values, {.dtype = float64, .requires_grad = requires_grad});
}

/// The gradient of Σ values by x by every way, which must agree.
template <class Loss>
Tensor gradient(const Loss& loss, const Tensor& x) {
  const Tensor fused = autograd::grad({loss(total)}, {x})[0];
  for (const bool recorded : {false, true}) {
    const Tensor other = autograd::grad({loss(none).sum()}, {x}, {.create_graph = recorded})[0].detach();
    BOOST_TEST(allclose(other, fused, 1e-14, 1e-300, true), "fused " << fused << ", through values " << other);
  }
  return fused;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(elementwise_losses)

BOOST_AUTO_TEST_CASE(divergence_has_its_conventions_at_0_and_infinity) {
  const Tensor x = doubles({-1.0, -inf, -1.0, -inf, -1.0}), t = doubles({0.0, 0.5, -0.1, 0.0, 0.5});
  const auto kl = [&](Reduction r) { return F::kl_div(x, t, {.reduction = r}); };
  check_close(kl(none), {0, inf, nan_value, nan_value, 0.5 * std::log(0.5) + 0.5}, 1e-15);
  check_values(gradient(kl, x), {0, -0.5, 0.1, 0, -0.5});
  check_close(gradient(kl, t), {-inf, inf, nan_value, nan_value, std::log(0.5) + 2}, 1e-15);
  const Tensor logs = doubles({std::log(0.5)}), at = doubles({-1.0});
  const auto of_logs = [&](Reduction r) { return F::kl_div(at, logs, {.reduction = r, .log_target = true}); };
  check_close(of_logs(none), {0.5 * (std::log(0.5) + 1)}, 1e-15);
  check_close(gradient(of_logs, at), {-0.5}, 1e-15);
  check_close(gradient(of_logs, logs), {0.5 * (std::log(0.5) + 2)}, 1e-15);
}

BOOST_AUTO_TEST_CASE(batchmean_divides_by_the_size_of_the_prediction) {
  const Tensor x = full({2, 3}, -1.0, {.dtype = float64}), t = full({4, 2, 3}, 1.0, {.dtype = float64});
  check_values(F::kl_div(x, t, {.reduction = "batchmean"}), {12});  // 24 elements of 1, 2 rows of x
  check_values(F::kl_div(x, t, {.reduction = "sum"}), {24});
  check_values(F::kl_div(doubles(-1.0), doubles(1.0), {.reduction = "batchmean"}), {1});
  check_values(F::kl_div(zeros({0, 3}), zeros({0, 3}), {.reduction = "batchmean"}), {nan_value});
  nn::KLDivLoss module({.reduction = Reduction::batchmean});
  check_values(module(x, t), {12});
}

BOOST_AUTO_TEST_CASE(the_mean_of_a_divergence_warns_at_most_once) {
  std::ostringstream heard;
  std::streambuf* const before = std::cerr.rdbuf(heard.rdbuf());
  const Tensor x = doubles({-1.0}), t = doubles({1.0});
  for (int i = 0; i < 3; ++i) F::kl_div(x, t);
  F::kl_div(x, t, {.reduction = Reduction::batchmean});
  std::cerr.rdbuf(before);
  const std::string text = heard.str();
  // Another test may have been the first to use it.
  BOOST_TEST((text.empty() || (text.find("kl_div: reduction \"mean\"") == 0 && text.find('\n') == text.size() - 1)),
             text);
}

BOOST_AUTO_TEST_CASE(a_margin_met_by_nothing_still_pulls) {
  const Tensor a = doubles({1.0, 1.0, 2.0, 1.5}), b = doubles({1.5, 1.0, 2.0, 1.0}), t = doubles({1.0, -1.0, 0.0, 1.0});
  const auto loss = [&](Reduction r) { return F::margin_ranking_loss(a, b, t, {.margin = 0.5, .reduction = r}); };
  check_values(loss(none), {1, 0.5, 0.5, 0});
  check_values(gradient(loss, a), {-1, 1, 0, -1});  // the last one at exactly 0
  check_values(gradient(loss, b), {1, -1, 0, 1});
  check_values(gradient(loss, t), {0.5, 0, 0, -0.5});
  const Tensor far = doubles({inf}), origin = doubles({0.0}), one = doubles({1.0});
  const auto satisfied = [&](Reduction r) { return F::margin_ranking_loss(far, origin, one, {.reduction = r}); };
  check_values(satisfied(none), {0});
  check_values(gradient(satisfied, one), {0});  // not 0·inf
}

BOOST_AUTO_TEST_CASE(hinge_embedding_takes_any_target_as_pytorch_does) {
  const Tensor x = doubles({0.5, 0.5, 1.0, -0.3, 0.4, 0.4, 1.0, nan_value, inf, inf});
  const Tensor t = doubles({1.0, -1.0, -1.0, 1.0, 0.0, 2.0, 1.0, -1.0, 1.0, -1.0}, false);
  const auto loss = [&](Reduction r) { return F::hinge_embedding_loss(x, t, {.reduction = r}); };
  check_values(loss(none), {0.5, 0.5, 0, -0.3, 1, 1, 1, nan_value, inf, 0});
  check_values(gradient(loss, x), {1, -1, -1, 1, 0, 0, 1, 0, 1, 0});  // the third at exactly 0
}

BOOST_AUTO_TEST_CASE(soft_margin_does_not_overflow_and_keeps_its_tail) {
  const Tensor x = doubles({800.0, 800.0, -800.0, -800.0, 0.0, 40.0}),
               t = doubles({1.0, -1.0, 1.0, -1.0, 1.0, 1.0}, false);
  const auto loss = [&](Reduction r) { return F::soft_margin_loss(x, t, {.reduction = r}); };
  check_close(loss(none), {0, 800, 800, 0, std::log(2.0), 0}, 1e-15);
  check_close(gradient(loss, x), {0, 1, -1, 0, -0.5, 0}, 1e-15);
  BOOST_TEST(std::abs(loss(none)[5].item() / std::exp(-40.0) - 1) < 1e-14);
  BOOST_TEST(std::abs(gradient(loss, x)[5].item() / std::exp(-40.0) + 1) < 1e-14);
}

BOOST_AUTO_TEST_CASE(symmetric_cross_entropy_is_the_papers_without_its_clamp) {
  Generator g(4);
  const Tensor x = (randn({6, 5}, {.dtype = float64}, g) * 2.0).detach().requires_grad_();
  const Tensor labels = tensor({0, 4, 2, 2, 1, 3}), p = softmax(x, 1);
  const Tensor hot = zeros({6, 5}, {.dtype = float64}).scatter(1, labels.unsqueeze(1), 1.0);
  for (const double log_zero : {-4.0, -9.0}) {
    const Tensor logs = where(hot == 1.0, 0.0, full({6, 5}, log_zero, {.dtype = float64}));
    const Tensor written = 0.7 * F::cross_entropy(x, labels, {.reduction = none}) - 1.3 * (p * logs).sum(1);
    const Tensor built = F::sce_loss(x, labels, {.alpha = 0.7, .beta = 1.3, .log_zero = log_zero, .reduction = none});
    BOOST_TEST(allclose(built, written, 1e-14, 1e-14));
    const Tensor mean = F::sce_loss(x, labels, {.alpha = 0.7, .beta = 1.3, .log_zero = log_zero});
    BOOST_TEST(std::abs(mean.item() - written.mean().item()) < 1e-14);
    BOOST_TEST(allclose(autograd::grad({mean}, {x})[0],
                        autograd::grad({written.mean()}, {x}, {.retain_graph = true})[0], 1e-13, 1e-15));
    // Raising probabilities to 1e-7 as the paper's code does changes next to nothing.
    const Tensor clamped = 0.7 * F::cross_entropy(x, labels) - 1.3 * (p.clamp(1e-7, 1.0) * logs).sum(1).mean();
    BOOST_TEST(std::abs(mean.item() - clamped.item()) <= 1.3e-7 * -log_zero * 5);
  }
  // The tail of a confident row: 1 - p = e^-30 for both parts.
  const Tensor sure = tensor({{30.0, 0.0}}, {.dtype = float32, .requires_grad = true});
  const Tensor l = F::sce_loss(sure, tensor({0}), {.alpha = 1.0, .beta = 1.0});
  check_close(l / std::exp(-30.0), {5}, 1e-6);
  check_close(autograd::grad({l}, {sure})[0] / std::exp(-30.0), {-5, 5}, 1e-6);
}

BOOST_AUTO_TEST_CASE(symmetric_cross_entropy_leaves_ignored_targets_out) {
  const Tensor x = doubles({{1.0, 2.0}, {nan_value, inf}, {0.5, -0.5}}), labels = tensor({0, 255, 1});
  const Tensor kept = doubles({{1.0, 2.0}, {0.5, -0.5}}), of_kept = tensor({0, 1});
  const nn::SCELossOptions options{.ignore_index = 255};
  BOOST_TEST(std::abs(F::sce_loss(x, labels, options).item() - F::sce_loss(kept, of_kept).item()) < 1e-15);
  const Tensor g = autograd::grad({F::sce_loss(x, labels, options)}, {x})[0];
  check_values(g[1], {0, 0});
  BOOST_TEST(allclose(g[0], autograd::grad({F::sce_loss(kept, of_kept)}, {kept})[0][0], 1e-15, 0));
  const Tensor all_ignored = F::sce_loss(x, full({3}, 255), options);
  check_values(all_ignored, {nan_value});
  for (const bool recorded : {false, true})
    check_values(autograd::grad({all_ignored}, {x}, {.retain_graph = true, .create_graph = recorded})[0],
                 {0, 0, 0, 0, 0, 0});
}

BOOST_AUTO_TEST_CASE(boxes_give_the_values_worked_out_by_hand) {
  // Equal; one inside the other; meeting in a quarter; apart; touching.
  const Tensor a = doubles(
      {{0.0, 0.0, 2.0, 2.0}, {0.0, 0.0, 2.0, 2.0}, {0.0, 0.0, 2.0, 2.0}, {0.0, 0.0, 1.0, 1.0}, {0.0, 0.0, 1.0, 1.0}});
  const Tensor b = doubles(
      {{0.0, 0.0, 2.0, 2.0}, {0.0, 0.0, 1.0, 1.0}, {1.0, 1.0, 3.0, 3.0}, {2.0, 2.0, 3.0, 3.0}, {1.0, 0.0, 2.0, 1.0}});
  const nn::GeneralizedBoxIoULossOptions exact{.eps = 0};
  check_close(F::generalized_box_iou_loss(a, b, exact), {0, 0.75, 1 - 1.0 / 7 + 2.0 / 9, 1 + 7.0 / 9, 1}, 1e-15);
  const auto apart = [&](Reduction r) {
    return F::generalized_box_iou_loss(a.slice(0, 3, 4), b.slice(0, 3, 4), {.reduction = r, .eps = 0});
  };
  // Apart, l = 2 - (A + B)/C: by its own edges 1 = (A + B)/C²·dC - dA/C with C = 9.
  check_close(gradient(apart, a)[3], {-2.0 / 27 + 1.0 / 9, -2.0 / 27 + 1.0 / 9, -1.0 / 9, -1.0 / 9}, 1e-15);
  // Where edges coincide each box takes half of min and max.
  const auto same = [&](Reduction r) {
    return F::generalized_box_iou_loss(a.slice(0, 0, 1), b.slice(0, 0, 1), {.reduction = r, .eps = 0});
  };
  check_close(gradient(same, a)[0], {0, 0, 0, 0}, 1e-15);
  // Boxes without area: 1 - 0/ε, as torchvision, and finite gradients.
  const Tensor point = zeros({1, 4}, {.dtype = float64}).requires_grad_();
  const auto empty = [&](Reduction r) { return F::generalized_box_iou_loss(point, point.detach(), {.reduction = r}); };
  check_values(empty(none), {1});
  for (const double v : gradient(empty, point).to_vector<double>()) BOOST_TEST(std::isfinite(v));
  check_values(F::generalized_box_iou_loss(doubles({nan_value, 0.0, 1.0, 1.0}), doubles({0.0, 0.0, 1.0, 1.0})),
               {nan_value});
}

BOOST_AUTO_TEST_CASE(boxes_have_any_leading_dimensions_and_promote) {
  const Tensor a = zeros({2, 0, 4}, {.dtype = float64, .requires_grad = true}),
               b = zeros({2, 0, 4}, {.dtype = float64});
  BOOST_TEST(to_text(F::generalized_box_iou_loss(a, b).shape()) == "[2, 0]");
  check_values(F::generalized_box_iou_loss(a, b, {.reduction = Reduction::mean}), {nan_value});
  check_values(F::generalized_box_iou_loss(a, b, {.reduction = total}), {0});
  BOOST_TEST(
      to_text(autograd::grad({F::generalized_box_iou_loss(a, b, {.reduction = Reduction::mean})}, {a})[0].shape()) ==
      "[2, 0, 4]");
  const Tensor one = tensor({0.0, 0.0, 1.0, 1.0}), whole = tensor({0, 0, 1, 1});
  BOOST_TEST(F::generalized_box_iou_loss(one, whole).dim() == 0);
  BOOST_TEST((F::generalized_box_iou_loss(one, whole).dtype() == float32));
  BOOST_TEST((F::generalized_box_iou_loss(one, one.to(float64)).dtype() == float64));
  BOOST_TEST((nn::GeneralizedBoxIoULoss()(one, whole).item() < 1e-6));
}

BOOST_AUTO_TEST_CASE(empty_batches_have_mean_nan_and_sum_0_and_an_empty_gradient) {
  const Tensor x = zeros({0, 3}, {.dtype = float64, .requires_grad = true}), t = zeros({0, 3}, {.dtype = float64});
  const std::vector<std::function<Tensor(Reduction)>> losses = {
      [&](Reduction r) { return F::huber_loss(x, t, {.reduction = r}); },
      [&](Reduction r) { return F::huber_loss(x, t, {.reduction = r, .weight = t}); },
      [&](Reduction r) { return F::mse_loss(x, t, {.reduction = r, .weight = t}); },
      [&](Reduction r) { return F::poisson_nll_loss(x, t, {.full = true, .reduction = r}); },
      [&](Reduction r) { return F::gaussian_nll_loss(x, t, t, {.reduction = r}); },
      [&](Reduction r) { return F::gaussian_nll_loss(x, t, 1.0, {.reduction = r}); },
      [&](Reduction r) { return F::log_cosh_loss(x, t, {.reduction = r}); },
      [&](Reduction r) { return F::quantile_loss(x, t, {.reduction = r}); },
      [&](Reduction r) { return F::charbonnier_loss(x, t, {.reduction = r}); },
      [&](Reduction r) { return F::msle_loss(x, t, {.reduction = r}); },
      [&](Reduction r) { return F::mape_loss(x, t, {.reduction = r}); },
      [&](Reduction r) { return F::sigmoid_focal_loss(x, t, {.reduction = r}); },
      [&](Reduction r) { return F::kl_div(x, t, {.reduction = r}); },
      [&](Reduction r) { return F::margin_ranking_loss(x, t, t, {.reduction = r}); },
      [&](Reduction r) { return F::hinge_embedding_loss(x, t, {.reduction = r}); },
      [&](Reduction r) { return F::soft_margin_loss(x, t, {.reduction = r}); },
      [&](Reduction r) { return F::sce_loss(x, zeros({0}, {.dtype = int64}), {.reduction = r}); },
      [&](Reduction r) { return F::binary_cross_entropy(x, t, {.weight = t, .reduction = r}); }};
  for (const auto& loss : losses) {
    check_values(loss(Reduction::mean), {nan_value});
    check_values(loss(total), {0});
    BOOST_TEST(loss(none).numel() == 0);
    for (const Reduction r : {Reduction::mean, total})
      BOOST_TEST(to_text(autograd::grad({loss(r)}, {x})[0].shape()) == "[0, 3]");
  }
}

BOOST_AUTO_TEST_CASE(targets_without_a_derivative_are_fine_where_nothing_is_recorded) {
  const Tensor x = doubles({1.0}), t = doubles({1.0});
  const NoGradGuard no_grad;
  check_values(F::hinge_embedding_loss(x, t), {1});
  BOOST_TEST(F::soft_margin_loss(x, t).item() > 0);
}

BOOST_AUTO_TEST_SUITE_END()
