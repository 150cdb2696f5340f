#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "slope/slope.h"
#include "support/checks.h"

using namespace slope;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity(), nan_value = std::numeric_limits<double>::quiet_NaN();

Tensor doubles(const Literal& values) { return tensor(values, {.dtype = float64, .requires_grad = true}); }

double cosine(const Tensor& a, const Tensor& b) { return F::cosine_similarity(a, b, {.dim = 0, .eps = 1e-12}).item(); }

/// The loss by its definition: errors sorted, J from cumulated labels.
double plain_lovasz(const std::vector<double>& errors, const std::vector<double>& labels) {
  std::vector<std::size_t> order(errors.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return errors[a] > errors[b]; });
  const double total = std::accumulate(labels.begin(), labels.end(), 0.0);
  double result = 0, in_set = 0, others = 0, before = 0;
  for (const std::size_t i : order) {
    in_set += labels[i];
    others += 1 - labels[i];
    const double jaccard = 1 - (total - in_set) / (total + others);
    result += errors[i] * (jaccard - before);
    before = jaccard;
  }
  return result;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(contrastive_losses)

BOOST_AUTO_TEST_CASE(info_nce_picks_the_own_key_among_all) {
  Generator g(1);
  const Tensor q = randn({5, 3}, {.dtype = float64}, g), k = randn({5, 3}, {.dtype = float64}, g);
  const Tensor loss = F::info_nce_loss(q, k, {.temperature = 0.2, .reduction = "none"});
  for (std::int64_t n = 0; n < 5; ++n) {
    double sum = 0;
    for (std::int64_t j = 0; j < 5; ++j) sum += std::exp(cosine(q[n], k[j]) / 0.2);
    BOOST_TEST(std::abs(loss[n].item() - (std::log(sum) - cosine(q[n], k[n]) / 0.2)) < 1e-13);
  }
  check_close(F::info_nce_loss(q * 1e5, k * 1e-5, {.temperature = 0.2}), {loss.mean().item()}, 1e-12);
  check_values(F::info_nce_loss(q.narrow(0, 0, 1), k.narrow(0, 0, 1)), {0});
  BOOST_TEST((F::info_nce_loss(q.to(float32), k).dtype() == float64));
}

BOOST_AUTO_TEST_CASE(nt_xent_picks_the_partner_among_all_others) {
  Generator g(2);
  const Tensor a = randn({3, 4}, {.dtype = float64}, g), b = randn({3, 4}, {.dtype = float64}, g), z = cat({a, b});
  const Tensor loss = F::nt_xent_loss(a, b, {.temperature = 0.3, .reduction = "none"});
  BOOST_TEST(loss.numel() == 6);
  for (std::int64_t i = 0; i < 6; ++i) {
    double sum = 0;
    for (std::int64_t j = 0; j < 6; ++j)
      if (j != i) sum += std::exp(cosine(z[i], z[j]) / 0.3);
    BOOST_TEST(std::abs(loss[i].item() - (std::log(sum) - cosine(z[i], z[(i + 3) % 6]) / 0.3)) < 1e-13);
  }
  // A single pair has nothing else to choose from.
  const Tensor one = doubles({{1.0, 2.0}}), other = doubles({{-1.0, 1.0}});
  const Tensor alone = F::nt_xent_loss(one, other);
  check_values(alone, {0});
  alone.backward();
  check_values(one.grad(), {0, 0});
}

BOOST_AUTO_TEST_CASE(contrastive_losses_of_nothing_have_mean_nan) {
  const Tensor none = zeros({0, 3}, {.requires_grad = true});
  check_values(F::info_nce_loss(none, none), {nan_value});
  check_values(F::nt_xent_loss(none, none), {nan_value});
  check_values(F::info_nce_loss(none, none, {.reduction = "sum"}), {0});
  F::nt_xent_loss(none, none).backward();
  BOOST_TEST(to_text(none.grad().shape()) == "[0, 3]");
  const Tensor weight = ones({4, 3}, {.requires_grad = true});
  check_values(F::arcface_loss(none, weight, zeros({0}, {.dtype = int64})), {nan_value});
  // Zero vectors have no direction: all keys are alike.
  check_close(F::info_nce_loss(zeros({4, 2}), ones({4, 2})), {std::log(4.0)}, 1e-6);
}

BOOST_AUTO_TEST_CASE(arcface_turns_the_angle_of_the_true_class) {
  Generator g(3);
  const Tensor x = randn({6, 4}, {.dtype = float64}, g), w = randn({5, 4}, {.dtype = float64}, g),
               t = tensor({0, 1, 2, 3, 4, 0});
  for (const bool easy : {false, true})
    for (const double m : {0.5, 1.5, 2.5, 3.0}) {
      const Tensor loss =
          F::arcface_loss(x, w, t, {.margin = m, .scale = 10, .easy_margin = easy, .reduction = "none"});
      for (std::int64_t n = 0; n < 6; ++n) {
        const std::int64_t label = t[n].item<std::int64_t>();
        double sum = 0, own = 0;
        for (std::int64_t c = 0; c < 5; ++c) {
          double logit = cosine(x[n], w[c]);
          if (c == label) {
            const double angle = std::acos(logit);
            if (easy ? logit > 0 : angle + m < std::numbers::pi)
              logit = std::cos(angle + m);
            else if (!easy)
              logit -= m * std::sin(m);
            own = 10 * logit;
          }
          sum += std::exp(10 * logit);
        }
        BOOST_TEST(std::abs(loss[n].item() - (std::log(sum) - own)) < 1e-12, "margin " << m << ", row " << n);
      }
    }
}

BOOST_AUTO_TEST_CASE(arcface_has_a_finite_gradient_where_the_angle_is_0_or_180_degrees) {
  for (const double direction : {1.0, -1.0})
    for (const bool easy : {false, true})
      for (const DType dtype : {float64, float32}) {
        const Tensor x = (tensor({{3.0, 0.0}}) * direction).to(dtype).requires_grad_();
        const Tensor w = tensor({{2.0, 0.0}, {0.6, 0.8}}).to(dtype).requires_grad_();
        for (const bool recorded : {false, true}) {
          const Tensor loss = F::arcface_loss(x, w, tensor({0}), {.easy_margin = easy});
          for (const Tensor& g : autograd::grad({loss}, {x, w}, {.create_graph = recorded}))
            BOOST_TEST(g.isfinite().all().item<bool>(), "cosine " << direction);
        }
      }
  // cos 0 counts as cos m there: the gradient goes through the other class alone, and through c·cos m.
  const Tensor x = doubles({{1.0, 0.0}}), w = doubles({{1.0, 0.0}, {0.0, 1.0}});
  const double m = 0.5, s = 2;
  F::arcface_loss(x, w, tensor({0}), {.margin = m, .scale = s}).backward();
  const double other = 1 / (1 + std::exp(s * std::cos(m)));
  check_close(x.grad(), {0, s * other}, 1e-15);
  check_close(w.grad(), {0, 0, s * other, 0}, 1e-15);
}

BOOST_AUTO_TEST_CASE(arcface_learns_its_weight) {
  manual_seed(1);
  nn::ArcFaceLoss loss(8, 3, {.scale = 16});
  BOOST_TEST(to_text(loss.weight.shape()) == "[3, 8]");
  BOOST_TEST(loss.state_dict().contains("weight"));
  BOOST_TEST(loss.weight.abs().max().item() <= std::sqrt(6.0 / 11));
  loss(randn({5, 8}), tensor({0, 1, 2, 0, 1})).backward();
  BOOST_TEST(loss.weight.grad().abs().max().item() > 0);
  const Tensor x = randn({4, 8}), t = tensor({2, 1, 0, 2});
  BOOST_TEST(loss(x, t).item() == F::arcface_loss(x, loss.weight, t, {.scale = 16}).item());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(lovasz_losses)

BOOST_AUTO_TEST_CASE(hinge_agrees_with_its_definition) {
  Generator g(4);
  for (const double share : {0.0, 0.1, 0.5, 1.0})
    for (const std::int64_t n : {1, 2, 17, 4000}) {
      const Tensor x = (randn({n}, {.dtype = float64}, g) * 2.0).requires_grad_(),
                   t = (rand({n}, {}, g) < share).to(float64);
      const std::vector<double> errors = (1.0 - x.detach() * (2.0 * t - 1.0)).to_vector<double>();
      std::vector<double> positive = errors;
      for (double& e : positive) e = std::max(e, 0.0);
      const Tensor loss = F::lovasz_hinge_loss(x, t);
      BOOST_TEST(std::abs(loss.item() - plain_lovasz(positive, t.to_vector<double>())) < 1e-12,
                 n << " elements, share " << share);
      const Tensor gradient = autograd::grad({loss}, {x})[0];
      // Right predictions beyond the margin do not count, and the weights of all together are at most 1.
      BOOST_TEST((where(tensor(errors) <= 0.0, gradient, 0.0) == 0.0).all().item<bool>());
      BOOST_TEST(gradient.abs().sum().item() <= 1 + 1e-12);
    }
}

BOOST_AUTO_TEST_CASE(hinge_states_its_edges) {
  // Without a label 1 only the largest error counts.
  const Tensor x = doubles({0.5, 2.0, -3.0});
  const Tensor none = F::lovasz_hinge_loss(x, tensor({0, 0, 0}));
  check_values(none, {3});
  none.backward();
  check_values(x.grad(), {0, 1, 0});
  // An error of exactly 0 has no gradient.
  const Tensor at = doubles({1.0, -1.0});
  const Tensor exact = F::lovasz_hinge_loss(at, tensor({1, 0}));
  check_values(exact, {0});
  exact.backward();
  check_values(at.grad(), {0, 0});
  // Equal errors stand in the order of their positions: first the label 1 (1/1), then the other (1 - 1 = 0 left of J).
  const Tensor tie = doubles({0.0, 0.0});
  F::lovasz_hinge_loss(tie, tensor({1, 0})).backward();
  check_values(tie.grad(), {-1, 0});
  const Tensor swapped = doubles({0.0, 0.0});
  F::lovasz_hinge_loss(swapped, tensor({0, 1})).backward();
  check_values(swapped.grad(), {0.5, -0.5});
  check_values(F::lovasz_hinge_loss(zeros({0}), zeros({0})), {0});
  check_values(F::lovasz_hinge_loss(doubles({nan_value, 1.0}), tensor({1, 0})), {nan_value});
  check_values(F::lovasz_hinge_loss(doubles({-inf, 3.0}), tensor({1, 1})), {inf});
  BOOST_TEST(F::lovasz_hinge_loss(doubles({{0.5}, {-0.5}}), tensor({{true}, {false}})).dim() == 0);
}

BOOST_AUTO_TEST_CASE(softmax_form_agrees_with_its_definition) {
  Generator g(5);
  for (const std::int64_t classes : {1, 2, 5}) {
    const std::int64_t n = 300;
    const Tensor p = softmax(randn({n, classes}, {.dtype = float64}, g), 1),
                 t = randint(0, std::max<std::int64_t>(classes - 1, 1), Shape{n}, {}, g);
    double sum = 0, present = 0;
    for (std::int64_t c = 0; c < classes; ++c) {
      const Tensor labels = t.eq(c).to(float64);
      if (labels.sum().item() == 0) continue;
      sum += plain_lovasz((labels - p.select(1, c)).abs().to_vector<double>(), labels.to_vector<double>());
      ++present;
    }
    check_close(F::lovasz_softmax_loss(p, t), {sum / present}, 1e-13);
  }
}

BOOST_AUTO_TEST_CASE(softmax_form_leaves_out_classes_that_do_not_occur) {
  const Tensor p = doubles({{0.2, nan_value, 0.8}, {0.6, inf, 0.4}});
  const Tensor loss = F::lovasz_softmax_loss(p, tensor({2, 0}));
  // Class 0: errors 0.2 (label 0) and 0.4; class 2 the same with the roles exchanged.
  check_close(loss, {((0.4 - 0.2) * 1 + 0.2 * 1 + (0.4 - 0.2) * 0.5 + 0.2 * 1) / 2}, 1e-15);
  loss.backward();
  check_values(p.grad().select(1, 1), {0, 0});
  BOOST_TEST(p.grad().isfinite().all().item<bool>());
  const Tensor nothing = zeros({0, 3}, {.requires_grad = true});
  const Tensor mean = F::lovasz_softmax_loss(nothing, zeros({0}, {.dtype = int64}));
  check_values(mean, {nan_value});
  mean.backward();
  BOOST_TEST(to_text(nothing.grad().shape()) == "[0, 3]");
  // A certain and right prediction costs nothing; its kink has gradient 0.
  const Tensor right = doubles({{1.0, 0.0}, {0.0, 1.0}});
  const Tensor zero = F::lovasz_softmax_loss(right, tensor({0, 1}));
  check_values(zero, {0});
  zero.backward();
  check_values(right.grad(), {0, 0, 0, 0});
}

BOOST_AUTO_TEST_CASE(results_are_the_same_for_every_number_of_threads) {
  Generator g(6);
  const Tensor x = randn({60000}, {.requires_grad = true}, g), t = rand({60000}, {}, g) < 0.3;
  const Tensor p = softmax(randn({20000, 6}, {}, g), 1).detach().requires_grad_(),
               labels = randint(0, 6, {20000}, {}, g);
  const auto bits = [&] {
    const Tensor a = F::lovasz_hinge_loss(x, t), b = F::lovasz_softmax_loss(p, labels);
    std::vector<double> all = {a.item(), b.item()};
    for (const Tensor& d : autograd::grad({a, b}, {x, p}))
      for (const double v : d.to_vector<double>()) all.push_back(v);
    return all;
  };
  const int before = get_num_threads();
  set_num_threads(1);
  const std::vector<double> serial = bits();
  for (const int threads : {2, 3}) {
    set_num_threads(threads);
    BOOST_TEST((bits() == serial));
  }
  set_num_threads(before);
}

BOOST_AUTO_TEST_SUITE_END()
