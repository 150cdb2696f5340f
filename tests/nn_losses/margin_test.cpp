#include <boost/test/unit_test.hpp>
#include <limits>

#include "slope/autograd.h"
#include "slope/nn/losses/losses.h"
#include "support/checks.h"

using namespace slope;
namespace F = slope::nn::functional;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity(), nan_value = std::numeric_limits<double>::quiet_NaN();

Tensor leaf(const Literal& values) { return tensor(values, {.dtype = float64, .requires_grad = true}); }

struct Plain {
  std::vector<double> values, slopes;
};

// The definitions, in double.
Plain plain_multi_margin(const Tensor& x, const Tensor& labels, double p, double margin, const Tensor& weight) {
  const auto v = x.to_vector<double>(), w = weight.to_vector<double>();
  const auto y = labels.to_vector<std::int64_t>();
  const auto classes = static_cast<std::size_t>(x.size(1));
  Plain out{std::vector<double>(y.size()), std::vector<double>(v.size())};
  for (std::size_t i = 0; i < y.size(); ++i) {
    const auto label = static_cast<std::size_t>(y[i]);
    for (std::size_t j = 0; j < classes; ++j) {
      const double z = margin - v[i * classes + label] + v[i * classes + j];
      if (j == label || !(z > 0)) continue;
      const double scale = w[label] / static_cast<double>(classes), h = scale * p * std::pow(z, p - 1);
      out.values[i] += scale * std::pow(z, p);
      out.slopes[i * classes + j] += h;
      out.slopes[i * classes + label] -= h;
    }
  }
  return out;
}
Plain plain_multilabel_margin(const Tensor& x, const Tensor& labels) {
  const auto v = x.to_vector<double>();
  const auto y = labels.to_vector<std::int64_t>();
  const auto classes = static_cast<std::size_t>(x.size(1)), rows = static_cast<std::size_t>(x.size(0));
  Plain out{std::vector<double>(rows), std::vector<double>(v.size())};
  for (std::size_t i = 0; i < rows; ++i) {
    std::vector<bool> is_label(classes);
    std::size_t count = 0;
    while (count < classes && y[i * classes + count] >= 0)
      is_label[static_cast<std::size_t>(y[i * classes + count++])] = true;
    for (std::size_t k = 0; k < count; ++k) {
      const auto a = static_cast<std::size_t>(y[i * classes + k]);
      for (std::size_t b = 0; b < classes; ++b) {
        const double z = 1 - v[i * classes + a] + v[i * classes + b];
        if (is_label[b] || !(z > 0)) continue;
        out.values[i] += z / static_cast<double>(classes);
        out.slopes[i * classes + b] += 1 / static_cast<double>(classes);
        out.slopes[i * classes + a] -= 1 / static_cast<double>(classes);
      }
    }
  }
  return out;
}

void check_against(const Plain& plain, const Tensor& value, const Tensor& x, const char* what) {
  const auto got = value.to_vector<double>(), slopes = autograd::grad({value.sum()}, {x})[0].to_vector<double>();
  double worst = 0;
  for (std::size_t i = 0; i < got.size(); ++i)
    worst = std::max(worst, std::abs(got[i] - plain.values[i]) / std::max(1.0, std::abs(plain.values[i])));
  BOOST_TEST(worst < 1e-6, what << ": values are off by " << worst);
  worst = 0;
  for (std::size_t i = 0; i < slopes.size(); ++i)
    worst = std::max(worst, std::abs(slopes[i] - plain.slopes[i]) / std::max(1.0, std::abs(plain.slopes[i])));
  BOOST_TEST(worst < 1e-6, what << ": slopes are off by " << worst);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(multi_margin)

BOOST_AUTO_TEST_CASE(has_no_gradient_at_exactly_the_margin) {
  for (const bool recorded : {false, true})
    for (const std::int64_t p : {1, 2}) {
      const Tensor x = leaf({{1.0, 0.0, 0.5}});  // z = 0 and 0.5
      const Tensor l = F::multi_margin_loss(x, tensor({0}), {.p = p});
      check_close(l, {std::pow(0.5, p) / 3}, 1e-15);
      check_close(autograd::grad({l}, {x}, {.create_graph = recorded})[0], {-1.0 / 3, 0, 1.0 / 3}, 1e-15);
    }
}

BOOST_AUTO_TEST_CASE(agrees_with_a_plain_loop_over_many_rows) {
  Generator g(3);
  for (const auto& [rows, classes] : {std::pair{2000, 67}, std::pair{3, 40000}, std::pair{70, 1}, std::pair{37, 3},
                                      std::pair{5, 16}, std::pair{65, 17}}) {
    const Tensor x = randn({rows, classes}, {}, g).requires_grad_(), labels = randint(0, classes, Shape{rows}, {}, g);
    const Tensor w = rand({classes}, {}, g);
    for (const std::int64_t p : {1, 2})
      for (const double margin : {1.0, -0.5})
        check_against(plain_multi_margin(x, labels, static_cast<double>(p), margin, w),
                      F::multi_margin_loss(x, labels, {.p = p, .margin = margin, .weight = w, .reduction = "none"}), x,
                      "multi_margin_loss");
  }
}

BOOST_AUTO_TEST_CASE(of_weight_0_counts_nothing_beside_rows_that_count) {
  for (const std::int64_t classes : {3, 40}) {
    Tensor x = zeros({3, classes}, {.dtype = float64}), w = ones({classes}, {.dtype = float64});
    w.narrow(0, 1, 1).fill_(0);
    x.narrow(0, 1, 1).fill_(nan_value);
    x.narrow(0, 2, 1).narrow(1, 2, 1).fill_(inf);
    x.requires_grad_();
    const Tensor l = F::multi_margin_loss(x, tensor({0, 1, 1}), {.weight = w, .reduction = "none"});
    check_close(l, {1 - 1 / static_cast<double>(classes), 0, 0}, 1e-15);
    const Tensor d = autograd::grad({l.sum()}, {x})[0];
    check_values(d.narrow(0, 1, 2).abs().sum(), {0});
    BOOST_TEST((d.narrow(0, 0, 1).abs().sum().item<double>()) > 1.0);
  }
}

BOOST_AUTO_TEST_CASE(takes_one_sample_with_or_without_its_dimension) {
  const Tensor row = leaf({0.1, 0.2, 0.4, 0.8}), matrix = leaf({{0.1, 0.2, 0.4, 0.8}});
  const double expected = (1 - 0.8 + 0.1 + 1 - 0.8 + 0.2 + 1 - 0.8 + 0.4) / 4;
  for (const auto& [x, target, shape] : {std::tuple{row, tensor(3), "[]"}, std::tuple{row, tensor({3}), "[1]"},
                                         std::tuple{matrix, tensor({3}), "[1]"}, std::tuple{matrix, tensor(3), "[]"}}) {
    const Tensor l = F::multi_margin_loss(x, target, {.reduction = "none"});
    BOOST_TEST(to_text(l.shape()) == shape);
    check_close(l, {expected}, 1e-15);
    check_close(autograd::grad({l.sum()}, {x})[0], {0.25, 0.25, 0.25, -0.75}, 1e-15);
    check_close(F::multi_margin_loss(x, target), {expected}, 1e-15);
  }
}

BOOST_AUTO_TEST_CASE(shows_nan_and_leaves_the_label_out_of_infinities) {
  check_values(F::multi_margin_loss(leaf({{0.0, nan_value}}), tensor({0})), {nan_value});
  check_values(F::multi_margin_loss(leaf({{nan_value, 0.0}}), tensor({0})), {nan_value});
  check_values(F::multi_margin_loss(leaf({{-inf, 0.0}}), tensor({0})), {inf});
  check_values(F::multi_margin_loss(leaf({{inf, 0.0}}), tensor({0})), {0});
  const Tensor x = leaf({{-inf, 0.0, -inf}});
  F::multi_margin_loss(x, tensor({1})).backward();
  check_values(x.grad(), {0, 0, 0});
}

// Of many classes the label's own term is taken off at the end, where that leaves enough to be exact.
BOOST_AUTO_TEST_CASE(of_many_classes_keeps_small_terms_and_infinities) {
  for (const std::int64_t p : {1, 2})
    for (const double ahead : {0.5, 1 - 1e-3, 1 - 1e-9, 1.0, 2.0}) {
      Tensor x = zeros({1, 100}, {.dtype = float64});
      x.slice(1, 37, 38).fill_(ahead);
      x.requires_grad_();
      const Tensor l = F::multi_margin_loss(x, tensor({37}), {.p = p});
      const double z = std::max(1 - ahead, 0.0), slope = ahead < 1 ? (p == 1 ? 0.01 : 0.02 * z) : 0;
      check_close(l, {0.99 * std::pow(z, static_cast<double>(p))}, 1e-11 * std::pow(z, static_cast<double>(p)));
      const std::vector<double> d = autograd::grad({l}, {x})[0].to_vector<double>();
      for (std::size_t j = 0; j < 100; ++j) BOOST_TEST(std::abs(d[j] - (j == 37 ? -99 : 1) * slope) <= 1e-9 * slope);
    }
  const auto of_label = [](double value, double other) {
    Tensor x = zeros({1, 100}, {.dtype = float64});
    x.slice(1, 37, 38).fill_(value);
    x.slice(1, 80, 81).fill_(other);
    return F::multi_margin_loss(x, tensor({37}));
  };
  check_values(of_label(inf, 0), {0});
  check_values(of_label(-inf, 0), {inf});
  check_values(of_label(nan_value, 0), {nan_value});
  check_values(of_label(0, nan_value), {nan_value});
  check_values(of_label(0, inf), {inf});
}

BOOST_AUTO_TEST_CASE(of_nothing_is_nan_0_or_empty) {
  const Tensor x = zeros({0, 3}, {.dtype = float64, .requires_grad = true}), labels = zeros({0}, {.dtype = int64});
  check_values(F::multi_margin_loss(x, labels), {nan_value});
  check_values(F::multi_margin_loss(x, labels, {.reduction = "sum"}), {0});
  BOOST_TEST(to_text(F::multi_margin_loss(x, labels, {.reduction = "none"}).shape()) == "[0]");
  BOOST_TEST(autograd::grad({F::multi_margin_loss(x, labels)}, {x})[0].numel() == 0);
}

BOOST_AUTO_TEST_CASE(checks_labels_again_before_the_gradient) {
  for (const Reduction r : {Reduction::none, Reduction::mean})
    for (const bool recorded : {false, true}) {
      const Tensor x = leaf({{0.1, 0.2}, {0.3, 0.4}}), labels = tensor({1, 0});
      const Tensor behind = F::multi_margin_loss(x, labels, {.reduction = r}).sum();
      labels.data_ptr<std::int64_t>()[1] = 1000000;  // behind the version counter
      check_error<IndexError>(
          [&] { autograd::grad({behind}, {x}, {.create_graph = recorded}); },
          "multi_margin_loss: target out of range: it is 1000000 at position [1], outside of [0, 1]");
      labels.data_ptr<std::int64_t>()[1] = 0;
      const Tensor seen = F::multi_margin_loss(x, labels, {.reduction = r}).sum();
      labels.fill_(1);
      check_error<AutogradError>([&] { autograd::grad({seen}, {x}, {.create_graph = recorded}); },
                                 "overwritten in place");
    }
}

BOOST_AUTO_TEST_CASE(keeps_its_weight_as_a_buffer) {
  nn::MultiMarginLoss loss({.weight = tensor({1.0, 2.0})});
  BOOST_TEST(loss.state_dict().contains("weight"));
  const Tensor x = leaf({{0.0, 0.0}});
  check_values(loss(x, tensor({1})), {1});
  check_values(nn::MultiMarginLoss()(x, tensor({1})), {0.5});
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(multilabel_margin)

BOOST_AUTO_TEST_CASE(reads_labels_up_to_the_first_minus_one) {
  const Tensor x = leaf({0.1, 0.2, 0.4, 0.8});
  const Tensor l = F::multilabel_margin_loss(x, tensor({3, 0, -1, 1}));
  check_close(l, {0.85}, 1e-15);
  l.backward();
  check_close(x.grad(), {-0.5, 0.5, 0.5, -0.5}, 1e-15);
  const auto value_of = [&](const Literal& target) { return F::multilabel_margin_loss(x.detach(), tensor(target)); };
  check_values(value_of({-1, 0, -1, 1}), {0});
  check_values(value_of({0, 1, 2, 3}), {0});
  check_close(value_of({3, 3, -1, 1}), {2 * (0.3 + 0.4 + 0.6) / 4}, 1e-15);
}

BOOST_AUTO_TEST_CASE(has_no_gradient_at_exactly_the_margin) {
  for (const bool recorded : {false, true}) {
    const Tensor x = leaf({0.0, 1.0, 0.5});
    const Tensor l = F::multilabel_margin_loss(x, tensor({1, -1, -1}));  // z = 0 and 0.5
    check_close(l, {0.5 / 3}, 1e-15);
    const Tensor g = autograd::grad({l}, {x}, {.create_graph = recorded})[0];
    check_close(g, {0, -1.0 / 3, 1.0 / 3}, 1e-15);
  }
}

BOOST_AUTO_TEST_CASE(agrees_with_a_plain_loop_over_many_rows) {
  Generator g(4);
  for (const auto& [rows, classes, length] : {std::tuple{700, 67, 9}, std::tuple{3, 5000, 20}, std::tuple{40, 3, 3}}) {
    const Tensor x = randn({rows, classes}, {}, g).requires_grad_(),
                 labels = randint(-1, classes, Shape{rows, classes}, {}, g);
    std::int64_t* const y = labels.data_ptr<std::int64_t>();
    for (std::int64_t i = 0; i < rows; ++i)  // not only short lists
      for (std::int64_t k = 0; k + 1 < length; ++k) y[i * classes + k] = std::max<std::int64_t>(0, y[i * classes + k]);
    check_against(plain_multilabel_margin(x, labels), F::multilabel_margin_loss(x, labels, {.reduction = "none"}), x,
                  "multilabel_margin_loss");
  }
}

BOOST_AUTO_TEST_CASE(shows_nan_but_not_that_of_pairs_of_labels) {
  check_values(F::multilabel_margin_loss(leaf({0.0, nan_value, 0.0}), tensor({0, -1, -1})), {nan_value});
  check_values(F::multilabel_margin_loss(leaf({nan_value, 0.0, 0.0}), tensor({0, -1, -1})), {nan_value});
  check_values(F::multilabel_margin_loss(leaf({-inf, 0.0, 0.0}), tensor({0, -1, -1})), {inf});
  check_values(F::multilabel_margin_loss(leaf({-inf, -inf, 0.0}), tensor({0, 1, -1})), {inf});
  check_values(F::multilabel_margin_loss(leaf({nan_value, 0.0, 0.0}), tensor({-1, 0, 0})), {0});
}

BOOST_AUTO_TEST_CASE(of_nothing_is_nan_0_or_empty) {
  const Tensor x = zeros({0, 3}, {.dtype = float64, .requires_grad = true}), labels = zeros({0, 3}, {.dtype = int64});
  check_values(F::multilabel_margin_loss(x, labels), {nan_value});
  check_values(F::multilabel_margin_loss(x, labels, {.reduction = "sum"}), {0});
  BOOST_TEST(to_text(F::multilabel_margin_loss(x, labels, {.reduction = "none"}).shape()) == "[0]");
  const Tensor wide = zeros({2, 0}, {.dtype = float64}), none = zeros({2, 0}, {.dtype = int64});
  check_values(F::multilabel_margin_loss(wide, none, {.reduction = "none"}), {nan_value, nan_value});
  check_values(F::multilabel_margin_loss(leaf(0.5), tensor(0)), {0});
}

BOOST_AUTO_TEST_CASE(checks_labels_again_when_it_reads_them_again) {
  for (const bool recorded : {false, true}) {
    const Tensor x = leaf({{0.1, 0.2}, {0.3, 0.4}}), labels = tensor({{1, -1}, {0, -1}});
    const Tensor behind = F::multilabel_margin_loss(x, labels, {.reduction = "none"}).sum();
    labels.data_ptr<std::int64_t>()[2] = 1000000;  // behind the version counter
    check_error<IndexError>([&] { autograd::grad({behind}, {x}, {.create_graph = recorded}); },
                            "argument 'target' is out of range: it is 1000000 at position [1, 0], outside of [-1, 1]");
    labels.data_ptr<std::int64_t>()[2] = 0;
    const Tensor seen = F::multilabel_margin_loss(x, labels);
    labels.fill_(1);
    check_error<AutogradError>([&] { autograd::grad({seen}, {x}, {.create_graph = recorded}); },
                               "overwritten in place");
  }
}

BOOST_AUTO_TEST_CASE(finds_a_bad_label_among_many_rows_on_any_number_of_threads) {
  const int before = get_num_threads();
  const Tensor x = zeros({3000, 40}), labels = full({3000, 40}, -1);
  labels.data_ptr<std::int64_t>()[40 * 2222 + 39] = 40;
  labels.data_ptr<std::int64_t>()[40 * 2900 + 1] = -7;
  for (const int threads : {1, 2, 3}) {
    set_num_threads(threads);
    check_error<IndexError>([&] { F::multilabel_margin_loss(x, labels); },
                            "it is 40 at position [2222, 39], outside of [-1, 39]");
    check_error<IndexError>([&] { F::multilabel_margin_loss(x.t().contiguous().t(), labels.t().contiguous().t()); },
                            "it is 40 at position [2222, 39]");
  }
  set_num_threads(before);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(multilabel_soft_margin)

BOOST_AUTO_TEST_CASE(divides_by_the_classes_whatever_the_weights) {
  const Tensor x = leaf({{0.0, 0.0}, {0.0, 0.0}}), t = tensor({{1.0, 0.0}, {0.0, 1.0}}, {.dtype = float64}),
               w = leaf({3.0, 1.0});
  const double ln2 = std::log(2.0);
  const Tensor l = F::multilabel_soft_margin_loss(x, t, {.weight = w, .reduction = "none"});
  check_close(l, {2 * ln2, 2 * ln2}, 1e-15);
  check_close(F::multilabel_soft_margin_loss(x, t, {.weight = w}), {2 * ln2}, 1e-15);
  l.sum().backward();
  check_close(x.grad(), {-0.75, 0.25, 0.75, -0.25}, 1e-15);
  check_close(w.grad(), {ln2, ln2}, 1e-15);
}

BOOST_AUTO_TEST_CASE(is_stable_and_agrees_with_bce_with_logits) {
  const Tensor x = leaf({{900.0, -900.0}, {900.0, -900.0}}), t = tensor({{1.0, 0.0}, {0.0, 1.0}}, {.dtype = float64});
  const Tensor l = F::multilabel_soft_margin_loss(x, t, {.reduction = "none"});
  check_values(l, {0, 900});
  check_values(autograd::grad({l.sum()}, {x})[0], {0, 0, 0.5, -0.5});
  Generator g(5);
  const Tensor y = randn({500, 61}, {}, g).requires_grad_(), u = (rand({500, 61}, {}, g) > 0.5).to(float32);
  const Tensor soft = F::multilabel_soft_margin_loss(y, u), bce = F::binary_cross_entropy_with_logits(y, u);
  BOOST_TEST(std::abs(soft.item() - bce.item()) < 1e-7);
  BOOST_TEST(allclose(autograd::grad({soft}, {y})[0], autograd::grad({bce}, {y})[0], 1e-6, 1e-12));
}

BOOST_AUTO_TEST_CASE(of_no_classes_or_no_rows_is_a_mean_of_nothing) {
  const Tensor rows = zeros({0, 3}, {.dtype = float64}), classes = zeros({2, 0}, {.dtype = float64});
  check_values(F::multilabel_soft_margin_loss(rows, rows), {nan_value});
  check_values(F::multilabel_soft_margin_loss(rows, rows, {.reduction = "sum"}), {0});
  BOOST_TEST(to_text(F::multilabel_soft_margin_loss(rows, rows, {.reduction = "none"}).shape()) == "[0]");
  check_values(F::multilabel_soft_margin_loss(classes, classes, {.reduction = "none"}), {nan_value, nan_value});
  check_values(F::multilabel_soft_margin_loss(classes, classes, {.reduction = "sum"}), {nan_value});
  check_values(F::multilabel_soft_margin_loss(classes, classes), {nan_value});
}

BOOST_AUTO_TEST_SUITE_END()
