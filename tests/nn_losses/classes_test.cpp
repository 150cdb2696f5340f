#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "slope/slope.h"
#include "support/checks.h"

using namespace slope;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity(), nan_value = std::numeric_limits<double>::quiet_NaN();
constexpr Reduction reductions[] = {Reduction::none, Reduction::mean, Reduction::sum};

Tensor doubles(const Literal& values, bool requires_grad = true) {
  return tensor(values, {.dtype = float64, .requires_grad = requires_grad});
}

/// Both losses over indices, the second with and without smoothing.
template <class Test>
void for_each_loss(const Test& test) {
  test("nll_loss", [](const Tensor& x, const Tensor& t, const nn::NLLLossOptions& o) { return F::nll_loss(x, t, o); });
  for (const double smoothing : {0.0, 0.25})
    test(concat("cross_entropy, label_smoothing ", smoothing), [=](const Tensor& x, const Tensor& t,
                                                                   const nn::NLLLossOptions& o) {
      return F::cross_entropy(
          x, t,
          {.weight = o.weight, .ignore_index = o.ignore_index, .reduction = o.reduction, .label_smoothing = smoothing});
    });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(class_losses)

BOOST_AUTO_TEST_CASE(what_is_ignored_counts_exactly_nothing_in_value_gradient_and_second_derivative) {
  for_each_loss([](const std::string& name, const auto& loss) {
    for (const bool weighted : {false, true})
      for (const std::int64_t ignored : {std::int64_t{-100}, std::int64_t{1}, std::int64_t{7}, INT64_MIN}) {
        // Positions [1, 0] and [0, 1] are ignored; their logits are what must not be looked at.
        const Tensor x =
            doubles({{{0.3, nan_value}, {-1.0, inf}, {0.6, -inf}}, {{-inf, 0.1}, {-inf, 0.2}, {-inf, 0.7}}});
        const Tensor t = full({2, 2}, ignored);
        t.data_ptr<std::int64_t>()[0] = 2;
        t.data_ptr<std::int64_t>()[3] = 0;
        const Tensor weight = weighted ? doubles({0.5, 3.0, 2.0}, false) : Tensor();
        const Tensor kept = doubles({{0.3, -1.0, 0.6}, {0.1, 0.2, 0.7}}), labels = tensor({2, 0});
        for (const Reduction r : reductions) {
          const nn::NLLLossOptions options{.weight = weight, .ignore_index = ignored, .reduction = r};
          const Tensor all = loss(x, t, options), some = loss(kept, labels, {.weight = weight, .reduction = r});
          if (r == Reduction::none)
            check_close(all, {some[0].item(), 0, 0, some[1].item()}, 1e-15);
          else
            check_close(all, {some.item()}, 1e-15);
          for (const bool recorded : {false, true}) {
            const Tensor g = autograd::grad({all.sum()}, {x}, {.retain_graph = true, .create_graph = recorded})[0];
            const Tensor expected = autograd::grad({some.sum()}, {kept}, {.retain_graph = true})[0];
            check_values(g.detach().select(0, 0).select(1, 1), {0, 0, 0});
            check_values(g.detach().select(0, 1).select(1, 0), {0, 0, 0});
            BOOST_TEST(allclose(g.detach().select(0, 0).select(1, 0), expected[0], 1e-14, 1e-16), name);
            BOOST_TEST(allclose(g.detach().select(0, 1).select(1, 1), expected[1], 1e-14, 1e-16), name);
            if (!recorded || !g.requires_grad()) continue;
            const Tensor h = autograd::grad({(g * g).sum()}, {x}, {.allow_unused = true})[0];
            if (!h.defined()) continue;
            BOOST_TEST(h.isfinite().all().item<bool>(), name << ": second derivative " << h.to_string());
            check_values(h.select(0, 0).select(1, 1), {0, 0, 0});
            check_values(h.select(0, 1).select(1, 0), {0, 0, 0});
          }
        }
      }
  });
}

BOOST_AUTO_TEST_CASE(when_all_is_ignored_the_mean_is_nan_and_its_gradient_0) {
  for_each_loss([](const std::string& name, const auto& loss) {
    for (const bool weighted : {false, true}) {
      const Tensor weight = weighted ? doubles({0.0, 1.0, 2.0}, false) : Tensor();
      const Tensor x = doubles({{0.1, nan_value, -inf}, {1.0, 2.0, 3.0}}), t = tensor({1, 1});
      for (const Reduction r : reductions) {
        const Tensor l = loss(x, t, {.weight = weight, .ignore_index = 1, .reduction = r});
        const double expected = r == Reduction::mean ? nan_value : 0;
        BOOST_TEST((r == Reduction::none ? l.abs().sum().item() == 0 : same_number(l.item(), expected)), name);
        for (const bool recorded : {false, true})
          check_values(autograd::grad({l.sum()}, {x}, {.retain_graph = true, .create_graph = recorded})[0].detach(),
                       {0, 0, 0, 0, 0, 0});
      }
    }
  });
}

BOOST_AUTO_TEST_CASE(a_row_of_weight_0_counts_nothing_whatever_its_logits) {
  const Tensor weight = doubles({0.0, 1.0}, false), x = doubles({{-inf, 0.0}, {-2.0, -1.0}}), t = tensor({0, 1});
  check_values(F::nll_loss(x, t, {.weight = weight, .reduction = "none"}), {0, 1});
  check_values(F::nll_loss(x, t, {.weight = weight}), {1});
  check_values(F::nll_loss(x, tensor({1, 0}), {.weight = weight}), {0});  // 0/1 + ... : the second has no weight
  const Tensor l = F::cross_entropy(x, t, {.weight = weight, .reduction = "none"});
  check_close(l, {0, std::log1p(std::exp(-1.0))}, 1e-15);
  for (const bool recorded : {false, true}) {
    const Tensor g = autograd::grad({l.sum()}, {x}, {.retain_graph = true, .create_graph = recorded})[0].detach();
    const double p = 1 / (1 + std::exp(1.0));
    check_close(g, {0, 0, p, -p}, 1e-15);
  }
  // Weights that sum to 0 leave nothing to divide by.
  for_each_loss([&](const std::string& name, const auto& loss) {
    BOOST_TEST(std::isnan(loss(doubles({{0.5, 1.0}}), tensor({0}), {.weight = weight}).item()), name);
    BOOST_TEST(
        loss(doubles({{0.5, 1.0}}), tensor({0}), {.weight = doubles({0.0, 0.0}, false), .reduction = "sum"}).item() ==
            0,
        name);
  });
}

BOOST_AUTO_TEST_CASE(smoothing_divides_both_terms_by_the_weights_of_the_labels) {
  const Tensor x = doubles({{0.2, 1.0, -0.5}, {2.0, 0.0, 1.0}, {0.0, 0.0, 3.0}}), w = doubles({0.5, 2.0, 4.0}, false);
  const Tensor t = tensor({1, 0, 2});
  const double e = 0.3;
  const Tensor lp = log_softmax(x.detach(), 1);
  double sum = 0, weights = 0;
  for (const std::int64_t n : {0, 1}) {  // class 2 is ignored
    const std::int64_t c = t[n].item<std::int64_t>();
    sum += (1 - e) * -w[c].item() * lp[n][c].item();
    for (std::int64_t j = 0; j < 3; ++j) sum += e / 3 * -w[j].item() * lp[n][j].item();
    weights += w[c].item();
  }
  check_close(F::cross_entropy(x, t, {.weight = w, .ignore_index = 2, .label_smoothing = e}), {sum / weights}, 1e-15);
  // Probabilities: by the number of rows, whatever the weights.
  const Tensor p = doubles({{0.2, 0.3, 0.5}, {1.0, 0.0, 0.0}, {0.1, 0.1, 0.1}});
  double all = 0;
  for (std::int64_t n = 0; n < 3; ++n)
    for (std::int64_t j = 0; j < 3; ++j) all -= w[j].item() * (p[n][j].item() * (1 - e) + e / 3) * lp[n][j].item();
  check_close(F::cross_entropy(x, p, {.weight = w, .label_smoothing = e}), {all / 3}, 1e-15);
}

BOOST_AUTO_TEST_CASE(infinite_logits_give_what_the_formula_gives) {
  const auto value = [](const Tensor& x, const Tensor& t, double smoothing = 0) {
    return F::cross_entropy(x, t, {.label_smoothing = smoothing}).item();
  };
  const Tensor low = doubles({{-inf, 0.0, 0.0}}), top = doubles({{inf, 0.0, 0.0}});
  BOOST_TEST(value(low, tensor({0})) == inf);
  BOOST_TEST(std::abs(value(low, tensor({1})) - std::log(2.0)) < 1e-15);
  BOOST_TEST(value(low, tensor({1}), 0.1) == inf);
  BOOST_TEST(value(low, doubles({{0.5, 0.5, 0.0}}, false)) == inf);
  BOOST_TEST(std::isnan(value(low, doubles({{0.0, 1.0, 0.0}}, false))));
  BOOST_TEST(value(low, doubles({{0.0, 1.0, 0.0}}, false), 0.1) == inf);
  for (const std::int64_t c : {0, 1}) BOOST_TEST(std::isnan(value(top, tensor({c}))));
  BOOST_TEST(std::isnan(value(top, doubles({{0.0, 1.0, 0.0}}, false))));
  BOOST_TEST(std::isnan(value(doubles({{-inf, -inf}}), tensor({0}))));
  check_values(F::nll_loss(doubles({{-inf, inf}}), tensor({0})), {inf});
  check_values(F::nll_loss(doubles({{-inf, inf}}), tensor({1})), {-inf});
  for (const bool recorded : {false, true})
    for (const double smoothing : {0.0, 0.3}) {
      const Tensor l = F::cross_entropy(low, tensor({0}), {.label_smoothing = smoothing});
      const double s = smoothing / 3;
      check_close(autograd::grad({l}, {low}, {.create_graph = recorded})[0].detach(),
                  {-(1 - smoothing) - s, 0.5 - s, 0.5 - s}, 1e-15);
    }
  // The gradient by the probabilities is the logarithm itself.
  const Tensor p = doubles({{0.25, 0.5, 0.25}});
  F::cross_entropy(low.detach(), p, {.reduction = "sum"}).backward();
  check_close(p.grad(), {inf, std::log(2.0), std::log(2.0)}, 1e-15);
}

BOOST_AUTO_TEST_CASE(nothing_to_sum_over_has_mean_nan_sum_0_and_empty_gradients) {
  struct Case {
    Shape x, t;
  };
  for (const Case& c : {Case{{0, 3}, {0}}, Case{{0, 3, 4}, {0, 4}}, Case{{2, 3, 0}, {2, 0}}, Case{{0, 0}, {0}}})
    for_each_loss([&](const std::string& name, const auto& loss) {
      const Tensor x = zeros(c.x, {.dtype = float64, .requires_grad = true}), t = zeros(c.t, {.dtype = int64});
      BOOST_TEST(std::isnan(loss(x, t, {}).item()), name);
      BOOST_TEST(loss(x, t, {.reduction = "sum"}).item() == 0, name);
      BOOST_TEST((loss(x, t, {.reduction = "none"}).shape() == c.t), name);
      const Tensor mean = loss(x, t, {});
      for (const bool recorded : {true, false})
        BOOST_TEST((autograd::grad({mean}, {x}, {.create_graph = recorded})[0].shape() == c.x), name);
    });
  for (const Shape& shape : {Shape{0, 3}, Shape{0, 3, 2}, Shape{2, 3, 0}}) {
    const Tensor x = zeros(shape, {.dtype = float64, .requires_grad = true}), p = zeros(shape, {.dtype = float64});
    BOOST_TEST(std::isnan(F::cross_entropy(x, p).item()));
    BOOST_TEST(F::cross_entropy(x, p, {.reduction = "sum"}).item() == 0);
    BOOST_TEST((autograd::grad({F::cross_entropy(x, p)}, {x})[0].shape() == shape));
  }
  // Rows without classes: an empty sum each.
  const Tensor none = zeros({2, 0}, {.dtype = float64, .requires_grad = true});
  check_values(F::cross_entropy(none, none.detach(), {.label_smoothing = 0.1}), {0});
  check_values(F::cross_entropy(none, none.detach(), {.reduction = "none"}), {0, 0});
}

BOOST_AUTO_TEST_CASE(results_have_the_promoted_dtype) {
  const Tensor x = zeros({2, 3}), p = full({2, 3}, 1.0 / 3, {.dtype = float64}), t = tensor({0, 1});
  BOOST_TEST((F::cross_entropy(x, t, {.weight = ones({3}, {.dtype = float64})}).dtype() == float32));
  BOOST_TEST((F::cross_entropy(x, t, {.weight = tensor({1, 2, 3})}).dtype() == float32));
  BOOST_TEST((F::cross_entropy(x, p).dtype() == float64));
  BOOST_TEST((F::cross_entropy(x.to(float64), p.to(float32)).dtype() == float64));
  BOOST_TEST((F::nll_loss(x, t, {.weight = ones({3}, {.dtype = float64}), .reduction = "none"}).dtype() == float32));
  const Tensor wide = zeros({2, 3}, {.requires_grad = true});
  F::cross_entropy(wide, p).backward();
  BOOST_TEST((wide.grad().dtype() == float32));
}

BOOST_AUTO_TEST_CASE(many_rows_on_many_threads_are_what_a_plain_loop_gives) {
  Generator g(1);
  const std::int64_t n = 3000, classes = 37;
  const Tensor x = (randn({n, classes}, {.dtype = float64}, g) * 3.0).requires_grad_(),
               w = rand({classes}, {.dtype = float64}, g);
  const Tensor t = randint(0, classes, Shape{n}, {}, g);
  const double e = 0.2;
  std::vector<double> gradient(static_cast<std::size_t>(n * classes));
  double sum = 0, weights = 0, spread = 0;
  const double *logits = x.data_ptr<double>(), *weight = w.data_ptr<double>();
  const std::int64_t* labels = t.data_ptr<std::int64_t>();
  for (std::int64_t j = 0; j < classes; ++j) spread += weight[j] * e / static_cast<double>(classes);
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t c = labels[i];
    if (c == 5) continue;
    const double* row = logits + i * classes;
    double all = 0;
    for (std::int64_t j = 0; j < classes; ++j) all += std::exp(row[j]);
    weights += weight[c];
    sum -= (1 - e) * weight[c] * (row[c] - std::log(all));
    for (std::int64_t j = 0; j < classes; ++j) {
      const double share = weight[j] * e / static_cast<double>(classes);
      sum -= share * (row[j] - std::log(all));
      gradient[static_cast<std::size_t>(i * classes + j)] =
          std::exp(row[j]) / all * ((1 - e) * weight[c] + spread) - share - (j == c ? (1 - e) * weight[c] : 0);
    }
  }
  const int before = get_num_threads();
  for (const int threads : {1, 2, 4}) {
    set_num_threads(threads);
    const Tensor l = F::cross_entropy(x, t, {.weight = w, .ignore_index = 5, .label_smoothing = e});
    check_close(l, {sum / weights}, 1e-13);
    const std::vector<double> got = autograd::grad({l}, {x})[0].to_vector<double>();
    double worst = 0;
    for (std::size_t i = 0; i < got.size(); ++i) worst = std::max(worst, std::abs(got[i] * weights - gradient[i]));
    BOOST_TEST(worst < 1e-13);
  }
  set_num_threads(before);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(adaptive_log_softmax)

BOOST_AUTO_TEST_CASE(has_the_parameters_of_its_formula) {
  const nn::AdaptiveLogSoftmaxWithLoss m(16, 100, {10, 30, 60}, {.div_value = 4.0, .head_bias = true});
  std::string names;
  for (const auto& [name, p] : m.named_parameters()) names += concat(name, " ", to_text(p.shape()), "\n");
  BOOST_TEST(names ==
             "head.weight [13, 16]\nhead.bias [13]\ntail.0.0.weight [4, 16]\ntail.0.1.weight [20, 4]\ntail.1.0.weight "
             "[1, 16]\n"
             "tail.1.1.weight [30, 1]\ntail.2.0.weight [0, 16]\ntail.2.1.weight [40, 0]\n");
  BOOST_TEST(m.extra_repr() == "in_features=16, n_classes=100, cutoffs=[10, 30, 60]");
  BOOST_TEST(m.head.weight.abs().max().item() <= 0.25);
  BOOST_TEST(m.head.weight.abs().max().item() > 0.2);
}

BOOST_AUTO_TEST_CASE(log_probabilities_sum_to_one_and_agree_with_the_loss) {
  Generator g(2);
  nn::AdaptiveLogSoftmaxWithLoss m(16, 100, {10, 30, 60});
  m.to(float64);
  const Tensor x = randn({200, 16}, {.dtype = float64}, g), t = randint(0, 100, {200}, {}, g);
  const Tensor all = m.log_prob(x);
  BOOST_TEST(to_text(all.shape()) == "[200, 100]");
  BOOST_TEST((exp(all).sum(1) - 1.0).abs().max().item() < 1e-13);
  const auto [output, loss] = m(x, t);
  BOOST_TEST(allclose(output, gather(all, 1, t.unsqueeze(1)).squeeze(1), 1e-13, 0));
  check_close(loss, {-output.mean().item()}, 1e-15);
  // A tail without features cannot tell its classes apart.
  BOOST_TEST((all.narrow(1, 60, 40).amax(1) - all.narrow(1, 60, 40).amin(1)).abs().max().item() == 0);
}

BOOST_AUTO_TEST_CASE(predicts_the_most_probable_class_of_all) {
  Generator g(3);
  nn::AdaptiveLogSoftmaxWithLoss m(8, 30, {5, 12});
  const Tensor x = randn({300, 8}, {}, g) * 4.0;
  const Tensor best = m.predict(x), expected = m.log_prob(x).argmax(1);
  BOOST_TEST((best.dtype() == int64));
  BOOST_TEST(equal(best, expected));
  BOOST_TEST((best < 5).any().item<bool>());
  BOOST_TEST((best >= 5).any().item<bool>());
  BOOST_TEST(m.predict(x[7]).item<std::int64_t>() == best[7].item<std::int64_t>());
  BOOST_TEST(m.predict(x[7]).dim() == 0);
  BOOST_TEST(to_text(m.predict(zeros({0, 8})).shape()) == "[0]");
  // Ties go to the lowest class: here cluster 0, of one class, ties with the shortlist.
  nn::AdaptiveLogSoftmaxWithLoss even(2, 3, {1, 2});
  even.apply([](nn::Module& child) {
    for (const Tensor& p : child.parameters(false)) {
      NoGradGuard no_grad;
      p.zero_();
    }
  });
  check_values(even.predict(ones({2, 2})), {0, 0});
}

BOOST_AUTO_TEST_CASE(rows_of_a_cluster_alone_go_through_its_tail) {
  nn::AdaptiveLogSoftmaxWithLoss m(4, 10, {3, 6}, {.div_value = 2.0});
  std::string seen;
  for (std::size_t i = 0; i < 2; ++i)
    m.tail[i].register_forward_pre_hook(
        [&seen, i](nn::Module&, const Tensor& in) { seen += concat(i, to_text(in.shape())); });
  m(ones({5, 4}), tensor({7, 0, 8, 6, 2})).loss.backward();
  BOOST_TEST(seen == "1[3, 4]");
  BOOST_TEST(!m.tail.at<nn::Sequential>(0).at<nn::Linear>(0).weight.grad().defined());
  BOOST_TEST(m.tail.at<nn::Sequential>(1).at<nn::Linear>(0).weight.grad().defined());
  BOOST_TEST(m.head.weight.grad().defined());
}

BOOST_AUTO_TEST_CASE(no_rows_and_single_rows_have_their_shapes) {
  nn::AdaptiveLogSoftmaxWithLoss m(4, 10, {3, 6});
  const auto none = m(zeros({0, 4}), zeros({0}, {.dtype = int64}));
  BOOST_TEST(to_text(none.output.shape()) == "[0]");
  check_values(none.loss, {nan_value});
  BOOST_TEST(to_text(m.log_prob(zeros({0, 4})).shape()) == "[0, 10]");
  for (const std::int64_t c : {0, 4, 9}) {
    const auto one = m(ones({4}), tensor(c));
    BOOST_TEST(one.output.dim() == 0);
    BOOST_TEST(one.loss.dim() == 0);
    BOOST_TEST(one.loss.item() == -one.output.item());
    BOOST_TEST(one.output.item() == m(ones({1, 4}), tensor({c})).output[0].item());
  }
  BOOST_TEST(to_text(m.log_prob(ones({4})).shape()) == "[10]");
}

BOOST_AUTO_TEST_CASE(hooks_see_the_output) {
  nn::AdaptiveLogSoftmaxWithLoss m(4, 10, {3, 6});
  const double before = m(ones({1, 4}), tensor({8})).output[0].item();
  m.register_forward_hook([](nn::Module&, const Tensor&, const Tensor& out) { return out * 2.0; });
  BOOST_TEST(m(ones({1, 4}), tensor({8})).output[0].item() == 2 * before);
}

BOOST_AUTO_TEST_SUITE_END()
