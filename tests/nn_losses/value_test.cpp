#include <boost/test/unit_test.hpp>
#include <limits>

#include "slope/autograd/core/parallel.h"
#include "slope/autograd/engine/backward.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/random.h"
#include "slope/nn/layers/linear.h"
#include "slope/nn/losses/losses.h"
#include "slope/nn/penalties.h"
#include "support/checks.h"

using namespace slope;
namespace F = slope::nn::functional;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity(), nan_value = std::numeric_limits<double>::quiet_NaN();

Tensor doubles(const Literal& values, bool requires_grad = true) {
  return tensor(values, {.dtype = float64, .requires_grad = requires_grad});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(loss_values)

BOOST_AUTO_TEST_CASE(binary_cross_entropy_keeps_its_conventions_at_the_ends) {
  const Tensor x = doubles({0.0, 0.0, 1.0, 1.0}), t = doubles({0.0, 1.0, 0.0, 1.0}, false);
  const Tensor l = F::binary_cross_entropy(x, t, {.reduction = "none"});
  check_values(l, {0, 100, 100, 0});
  l.sum().backward();
  check_close(x.grad(), {0, -1000000003995.8029, 1000000003995.8029, 0}, 1e-15);
  check_close(F::binary_cross_entropy(doubles({0.5}), doubles({2.0}, false)), {0.6931471805599453}, 1e-15);
}

BOOST_AUTO_TEST_CASE(logits_keep_their_tails_in_value_and_gradient) {
  const Tensor x = doubles({37.43, 1000.0, -1000.0, 1000.0}), t = doubles({1.0, 1.0, 1.0, 0.0}, false);
  const Tensor l = F::binary_cross_entropy_with_logits(x, t, {.reduction = Reduction::none});
  check_close(l, {std::log1p(std::exp(-37.43)), 0, 1000, 1000}, 1e-12);
  l.sum().backward();
  BOOST_TEST(std::abs(x.grad()[0].item() + std::exp(-37.43)) < 1e-28);
  check_values(x.grad().slice(0, 1), {0, -1, 1});
  const Tensor f = tensor({20.0}, {.dtype = float32, .requires_grad = true});
  F::binary_cross_entropy_with_logits(f, ones({1})).backward();
  BOOST_TEST(std::abs(f.grad().item() + 2.0611536e-09) < 1e-15);
}

BOOST_AUTO_TEST_CASE(the_tutorials_numbers_come_out) {
  const Tensor hard = doubles({0.5}), easy = doubles({0.9}), one = doubles({1.0}, false);
  const auto focal = [&](const Tensor& p) { return F::focal_loss(p, one).item(); };
  BOOST_TEST(std::abs(F::binary_cross_entropy(hard, one).item() - 0.6931) < 5e-5);
  BOOST_TEST(std::abs(F::binary_cross_entropy(easy, one).item() - 0.1054) < 5e-5);
  BOOST_TEST(std::abs(focal(hard) - 0.75 * 0.25 * 0.6931471805599453) < 1e-12);
  BOOST_TEST(std::abs(focal(easy) - 0.75 * 0.01 * 0.10536051565782628) < 1e-12);
}

BOOST_AUTO_TEST_CASE(cross_entropy_is_exact_for_extreme_logits) {
  const Tensor x = doubles({{1000.0, 0.0, -1000.0}});
  const Tensor l = F::cross_entropy(x, tensor({2}));
  check_values(l, {2000});
  l.backward();
  check_values(x.grad(), {1, 0, -1});

  const Tensor elsewhere = doubles({{-inf, 0.0, 0.0}});
  const Tensor finite = F::cross_entropy(elsewhere, tensor({1}));
  check_close(finite, {std::log(2.0)}, 1e-15);
  finite.backward();
  check_values(elsewhere.grad(), {0, -0.5, 0.5});

  const Tensor at_target = doubles({{-inf, 0.0, 0.0}});
  const Tensor infinite = F::cross_entropy(at_target, tensor({0}));
  check_values(infinite, {inf});
  infinite.backward();
  check_values(at_target.grad(), {-1, 0.5, 0.5});
  check_values(F::cross_entropy(at_target, tensor({1}), {.label_smoothing = 0.1}), {inf});
  check_values(F::cross_entropy(at_target, doubles({{0.0, 1.0, 0.0}}, false)), {nan_value});
  check_values(F::cross_entropy(doubles({{inf, 0.0}}), tensor({1})), {nan_value});
  check_values(F::cross_entropy(doubles({{-inf, -inf}}), tensor({1})), {nan_value});
}

BOOST_AUTO_TEST_CASE(cross_entropy_keeps_the_tail_of_a_confident_row) {
  const Tensor x = tensor({{30.0, 0.0}}, {.dtype = float32, .requires_grad = true});
  const Tensor l = F::cross_entropy(x, tensor({0}));
  l.backward();
  const double p = std::exp(-30.0);
  check_close(l / p, {1}, 1e-6);
  check_close(x.grad() / p, {-1, 1}, 1e-6);
}

BOOST_AUTO_TEST_CASE(ignored_rows_count_nothing_whatever_they_hold) {
  for (const bool ce : {false, true})
    for (const double smoothing : {0.0, 0.2}) {
      if (!ce && smoothing > 0) continue;
      const auto call = [&](const Tensor& x, const Tensor& t, Reduction r) {
        return ce ? F::cross_entropy(x, t, {.reduction = r, .label_smoothing = smoothing})
                  : F::nll_loss(x, t, {.reduction = r});
      };
      for (const bool recorded : {false, true}) {
        const Tensor x = doubles({{nan_value, inf}, {-1.0, -2.0}, {-inf, -inf}});
        const Tensor t = tensor({-100, 1, -100});
        const Tensor alone = call(x.detach().slice(0, 1, 2), tensor({1}), Reduction::mean);
        for (const Reduction r : {Reduction::mean, Reduction::sum}) {
          const Tensor l = call(x, t, r);
          check_close(l, {alone.item()}, 1e-15);
          const Tensor g = autograd::grad({l}, {x}, {.create_graph = recorded})[0];
          check_values(g[0], {0, 0});
          check_values(g[2], {0, 0});
          BOOST_TEST(g[1].abs().sum().item() > 0.1);
        }
        check_values(call(x, t, Reduction::none).select(0, 0), {0});

        const Tensor none = full({3}, -100);
        const Tensor empty = call(x, none, Reduction::mean);
        check_values(empty, {nan_value});
        check_values(autograd::grad({empty}, {x}, {.create_graph = recorded})[0], {0, 0, 0, 0, 0, 0});
        check_values(call(x, none, Reduction::sum), {0});
        check_values(call(x, none, Reduction::none), {0, 0, 0});
      }
    }
}

BOOST_AUTO_TEST_CASE(empty_batches_have_mean_nan_and_sum_0) {
  const Tensor x = zeros({0, 3}, {.dtype = float64, .requires_grad = true}), t = zeros({0, 3}, {.dtype = float64});
  const Tensor labels = zeros({0}, {.dtype = int64});
  const std::function<Tensor(Reduction)> losses[] = {
      [&](Reduction r) { return F::mse_loss(x, t, {.reduction = r}); },
      [&](Reduction r) { return F::l1_loss(x, t, {.reduction = r}); },
      [&](Reduction r) { return F::smooth_l1_loss(x, t, {.reduction = r}); },
      [&](Reduction r) { return F::binary_cross_entropy(x, t, {.reduction = r}); },
      [&](Reduction r) { return F::binary_cross_entropy_with_logits(x, t, {.reduction = r}); },
      [&](Reduction r) { return F::focal_loss(x, t, {.reduction = r}); },
      [&](Reduction r) { return F::nll_loss(x, labels, {.reduction = r}); },
      [&](Reduction r) { return F::cross_entropy(x, labels, {.reduction = r}); },
      [&](Reduction r) { return F::cross_entropy(x, t, {.reduction = r}); }};
  for (const auto& loss : losses) {
    check_values(loss(Reduction::mean), {nan_value});
    check_values(loss(Reduction::sum), {0});
    BOOST_TEST(loss(Reduction::none).numel() == 0);
    const Tensor g = autograd::grad({loss(Reduction::mean)}, {x})[0];
    BOOST_TEST(to_text(g.shape()) == "[0, 3]");
  }
}

BOOST_AUTO_TEST_CASE(single_examples_and_scalars_give_0_d_results) {
  const Tensor x = doubles({1.0, 2.0, 3.0});
  for (const Reduction r : {Reduction::none, Reduction::mean, Reduction::sum}) {
    BOOST_TEST(F::cross_entropy(x, tensor(1), {.reduction = r}).dim() == 0);
    BOOST_TEST(F::nll_loss(x, tensor(1), {.reduction = r}).dim() == 0);
    BOOST_TEST(F::mse_loss(doubles(2.0), doubles(1.0), {.reduction = r}).item() == 1);
    BOOST_TEST(F::binary_cross_entropy(doubles(0.5), doubles(1.0), {.reduction = r}).dim() == 0);
  }
}

BOOST_AUTO_TEST_CASE(kinks_have_the_stated_subgradients) {
  const auto slope_of = [](const auto& loss) {
    const Tensor x = doubles({0.0, 1.0, -1.0});
    loss(x, zeros({3}, {.dtype = float64})).backward();
    return x.grad();
  };
  const auto sum = Reduction::sum;
  check_values(slope_of([&](const Tensor& x, const Tensor& t) { return F::l1_loss(x, t, {.reduction = sum}); }),
               {0, 1, -1});
  check_values(slope_of([&](const Tensor& x, const Tensor& t) { return F::smooth_l1_loss(x, t, {.reduction = sum}); }),
               {0, 1, -1});
  check_values(slope_of([&](const Tensor& x, const Tensor& t) {
                 return F::smooth_l1_loss(x, t, {.reduction = sum, .beta = 0});
               }),
               {0, 1, -1});
  const Tensor x = doubles({1.0});  // the second derivative at the joint is 0
  const Tensor g =
      autograd::grad({F::smooth_l1_loss(x, zeros({1}, {.dtype = float64}))}, {x}, {.create_graph = true})[0];
  check_values(autograd::grad({g}, {x}, {.allow_unused = true})[0], {0});
}

BOOST_AUTO_TEST_CASE(cosine_similarity_of_a_zero_vector_is_0_with_a_steep_gradient) {
  const Tensor a = doubles({{0.0, 0.0}}), b = doubles({{3.0, 4.0}});
  const Tensor s = F::cosine_similarity(a, b);
  check_values(s, {0});
  s.sum().backward();
  check_close(a.grad(), {0.6e8, 0.8e8}, 1e-12);
  check_values(b.grad(), {0, 0});
  // A norm below eps is replaced by a constant: no gradient goes through it.
  const Tensor x = doubles({{0.1, 0.2}, {3.0, 4.0}}), y = doubles({{1.0, 2.0}, {0.1, 0.0}});
  for (const bool recorded : {false, true}) {
    const Tensor t = F::cosine_similarity(x, y, {.eps = 0.5});
    check_close(t, {0.4472135954999579, 0.12}, 1e-14);
    const auto g = autograd::grad({t.sum()}, {x, y}, {.create_graph = recorded});
    check_close(g[0].detach(), {0.894427190999916, 1.788854381999832, 0.0256, -0.0192}, 1e-14);
    check_close(g[1].detach(), {0, 0, 1.2, 1.6}, 1e-14);
  }
  // At eps itself it counts as the norm, as clamp_min does.
  const Tensor at = doubles({{3.0, 4.0}});
  check_close(autograd::grad({F::cosine_similarity(at, doubles({{6.0, 0.0}}), {.eps = 5}).sum()}, {at})[0],
              {0.2 - 0.6 * 3 / 25, -0.6 * 4 / 25}, 1e-14);
  const Tensor big = tensor({{3e30, 4e30}}, {.dtype = float32});
  check_close(F::cosine_similarity(big, big), {1}, 1e-6);
}

BOOST_AUTO_TEST_CASE(regression_losses_promote_and_propagate) {
  check_values(F::mse_loss(doubles({inf, nan_value, 1.0}), doubles({inf, 1.0, 3.0}), {.reduction = "none"}),
               {nan_value, nan_value, 4});
  check_values(F::mse_loss(doubles({1.0, 2.0}), tensor({0, 4})), {2.5});
  BOOST_TEST((F::mse_loss(ones({2}), doubles({1.0, 2.0})).dtype() == float64));
  check_values(F::l1_loss(tensor({1, -2}), tensor({3, 3}), {.reduction = "sum"}), {7});
  const Tensor x = doubles({1.0, 3.0});
  check_values(F::mse_loss(x, doubles({0.0, 0.0}), {.weight = doubles({3.0, 1.0})}), {3});  // (3·1 + 1·9) / (3 + 1)
}

BOOST_AUTO_TEST_CASE(a_float32_mean_over_many_elements_is_accurate) {
  const std::int64_t n = 1 << 20;
  const Tensor x = full({n, 2}, 0.1, {.dtype = float32}), labels = zeros({n}, {.dtype = int64});
  const double tenth = static_cast<double>(0.1F);
  BOOST_TEST(std::abs(F::mse_loss(x, zeros({n, 2})).item() - tenth * tenth) < 1e-7 * tenth * tenth);
  BOOST_TEST(std::abs(F::cross_entropy(x, labels).item() - std::log(2.0)) < 1e-7);
  BOOST_TEST(std::abs(F::nll_loss(x, labels).item() + tenth) < 1e-8);
}

BOOST_AUTO_TEST_CASE(results_are_the_same_for_every_number_of_threads) {
  const Tensor x = randn({3000, 33}, {.requires_grad = true}), labels = (arange(3000) % 33);
  const Tensor k = randn({40, 11, 300}, {.requires_grad = true}), grid = (arange(12000) % 11).reshape({40, 300});
  const auto bits = [&] {
    std::vector<double> all;
    for (const Tensor& l :
         {F::cross_entropy(x, labels, {.label_smoothing = 0.1}), F::nll_loss(x, labels), F::cross_entropy(k, grid),
          F::mse_loss(x, x.detach() * 0.5), F::binary_cross_entropy_with_logits(x, x.detach()),
          F::cosine_similarity(x, x.detach() + 1.0).sum()}) {
      all.push_back(l.item());
      for (const Tensor& g : autograd::grad({l}, {x, k}, {.allow_unused = true}))
        if (g.defined())
          for (const double v : g.to_vector<double>()) all.push_back(v);
    }
    return all;
  };
  const int before = get_num_threads();
  set_num_threads(1);
  const std::vector<double> one = bits();
  for (const int threads : {2, 3, 8}) {
    set_num_threads(threads);
    BOOST_TEST((bits() == one), threads << " threads give other bits");
  }
  set_num_threads(before);
}

BOOST_AUTO_TEST_CASE(tensor_options_are_buffers_of_the_module) {
  nn::CrossEntropyLoss weighted({.weight = tensor({1.0, 2.0})});
  BOOST_TEST(weighted.parameters().empty());
  BOOST_TEST(weighted.state_dict().contains("weight"));
  nn::BCEWithLogitsLoss both({.weight = ones({2}), .pos_weight = full({2}, 3.0)});
  BOOST_TEST(both.state_dict().size() == 2U);
  BOOST_TEST(nn::BCELoss().state_dict().empty());

  const Tensor x = doubles({{0.0, 1.0}}), t = doubles({{1.0, 0.0}}, false);
  const double before = both(x, t).item();
  both.to(float64);
  BOOST_TEST((both.state_dict().at("pos_weight").dtype() == float64));
  BOOST_TEST(both(x, t).item() == before);
  both.load_state_dict(
      nn::StateDict({{"weight", doubles({2.0, 2.0}, false)}, {"pos_weight", doubles({3.0, 3.0}, false)}}));
  BOOST_TEST(both(x, t).item() == 2 * before);
}

BOOST_AUTO_TEST_CASE(penalties_leave_out_what_the_filter_does) {
  nn::Linear fc(2, 1);
  const double w0 = fc.weight.detach()[0][0].item(), w1 = fc.weight.detach()[0][1].item(),
               b = fc.bias.detach()[0].item();
  BOOST_TEST(std::abs(nn::l1_penalty(fc, 2.0).item() - 2 * (std::abs(w0) + std::abs(w1))) < 1e-6);
  BOOST_TEST(std::abs(nn::l2_penalty(fc, 2.0).item() - (w0 * w0 + w1 * w1)) < 1e-6);
  const auto all = [](std::string_view) { return true; };
  BOOST_TEST(std::abs(nn::l2_penalty(fc, 2.0, all).item() - (w0 * w0 + w1 * w1 + b * b)) < 1e-6);
  BOOST_TEST(nn::l1_penalty(fc, 2.0, [](std::string_view) { return false; }).item() == 0);
  nn::l1_penalty(fc, 2.0).backward();
  BOOST_TEST(fc.weight.grad()[0][0].item() == (w0 > 0 ? 2 : -2));
  BOOST_TEST(!fc.bias.grad().defined());
}

BOOST_AUTO_TEST_CASE(a_zero_gradient_from_above_stays_zero) {
  const Tensor x = doubles({{0.0, 1.0}});
  const Tensor l = F::binary_cross_entropy(x, doubles({{1.0, 0.0}}, false));
  (where(tensor(false), l, tensor(1.0, {.dtype = float64}))).backward();
  check_values(x.grad(), {0, 0});
  const Tensor y = doubles({{nan_value, 1.0}});
  (F::cross_entropy(y, tensor({0})) * 0.0).backward();
  check_values(y.grad(), {0, 0});
}

BOOST_AUTO_TEST_SUITE_END()
