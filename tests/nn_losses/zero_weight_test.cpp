// What has weight 0 contributes exactly 0 to value and gradient, whatever stands there. Every loss with weights has a row.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "slope/autograd.h"
#include "slope/nn.h"
#include "support/test_data.h"

using namespace slope;
namespace F = slope::nn::functional;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity(), not_a_number = std::numeric_limits<double>::quiet_NaN();

/// Six elements or rows, of which the second and the fifth have weight 0.
struct Case {
  const char* options;  // the struct and the member whose rule is tested
  Shape shape;          // of the prediction: [6] of elements, or [6, C] of rows
  std::function<Tensor(const Tensor& x, Reduction)> loss;
  bool of_probabilities = false;
};

const std::vector<std::int64_t> positions = {1, 4};

Tensor weights(const Tensor& x) {
  Tensor w = tensor({0.5, 0.0, 2.0, 1.0, 0.0, 3.0}).to(x.dtype());
  if (x.dim() == 2) w = w.unsqueeze(1).expand(x.shape()).clone();
  return w;
}
Tensor labels() { return tensor({0, 1, 2, 0, 1, 2}); }
Tensor class_weights(const Tensor& x) { return tensor({0.5, 0.0, 2.0}).to(x.dtype()); }
Tensor targets(const Tensor& x) { return full(x.shape(), 0.25, {.dtype = x.dtype()}); }

/// One-hot targets of the labels.
Tensor one_hot_targets(const Tensor& x) {
  return zeros({6, 3}, {.dtype = x.dtype()}).scatter(1, labels().unsqueeze(1), 1.0);
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"L1LossOptions.weight",
       {6},
       [](const Tensor& x, Reduction r) { return F::l1_loss(x, targets(x), {.reduction = r, .weight = weights(x)}); }},
      {"MSELossOptions.weight",
       {6},
       [](const Tensor& x, Reduction r) { return F::mse_loss(x, targets(x), {.reduction = r, .weight = weights(x)}); }},
      {"HuberLossOptions.weight",
       {6},
       [](const Tensor& x, Reduction r) {
         return F::huber_loss(x, targets(x), {.reduction = r, .weight = weights(x)});
       }},
      {"BCELossOptions.weight",
       {6},
       [](const Tensor& x, Reduction r) {
         return F::binary_cross_entropy(x, targets(x), {.weight = weights(x), .reduction = r});
       },
       true},
      {"BCEWithLogitsLossOptions.weight",
       {6},
       [](const Tensor& x, Reduction r) {
         return F::binary_cross_entropy_with_logits(x, targets(x), {.weight = weights(x), .reduction = r});
       }},
      {"BCEWithLogitsLossOptions.pos_weight",
       {6},
       [](const Tensor& x, Reduction r) {
         return F::binary_cross_entropy_with_logits(x, ones_like(x), {.reduction = r, .pos_weight = weights(x)});
       }},
      {"MultiLabelSoftMarginLossOptions.weight",
       {6, 3},
       [](const Tensor& x, Reduction r) {
         return F::multilabel_soft_margin_loss(x, targets(x), {.weight = weights(x), .reduction = r});
       }},
      {"MultiMarginLossOptions.weight",
       {6, 3},
       [](const Tensor& x, Reduction r) {
         return F::multi_margin_loss(x, labels(), {.weight = class_weights(x), .reduction = r});
       }},
      {"MultiMarginLossOptions.weight",
       {6, 3},
       [](const Tensor& x, Reduction r) {
         return F::multi_margin_loss(x, labels(), {.p = 2, .weight = class_weights(x), .reduction = r});
       }},
      {"NLLLossOptions.weight",
       {6, 3},
       [](const Tensor& x, Reduction r) {
         return F::nll_loss(x, labels(), {.weight = class_weights(x), .reduction = r});
       }},
      {"CrossEntropyLossOptions.weight",
       {6, 3},
       [](const Tensor& x, Reduction r) {
         return F::cross_entropy(x, labels(), {.weight = class_weights(x), .reduction = r});
       }},
      {"CrossEntropyLossOptions.weight",
       {6, 40},  // a row that is not narrow
       [](const Tensor& x, Reduction r) {
         const Tensor w = ones({40}, {.dtype = x.dtype()});
         w[1].fill_(0);
         return F::cross_entropy(x, labels(), {.weight = w, .reduction = r});
       }},
      {"CrossEntropyLossOptions.weight",
       {6, 3},
       [](const Tensor& x, Reduction r) {
         return F::cross_entropy(x, one_hot_targets(x), {.weight = class_weights(x), .reduction = r});
       }},
  };
  return all;
}

Tensor prediction(const Case& c, DType dtype) {
  Tensor x = linspace(-1.5, 1.75, c.shape.size() == 1 ? 6 : 6 * c.shape[1], {.dtype = dtype}).reshape(c.shape);
  return c.of_probabilities ? sigmoid(x) : x;
}

Tensor with(const Tensor& x, double value) {
  Tensor y = x.clone();
  for (const std::int64_t i : positions) y[i].fill_(value);
  return y;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(zero_weight)

BOOST_AUTO_TEST_CASE(contributes_nothing_whatever_stands_there) {
  for (const Case& c : cases())
    for (const DType dtype : {float32, float64})
      for (const Reduction r : {Reduction::none, Reduction::sum, Reduction::mean}) {
        const Tensor plain = prediction(c, dtype).requires_grad_();
        const Tensor expected = c.loss(plain, r);
        const Tensor gradient = autograd::grad({expected.sum()}, {plain})[0];
        for (const std::int64_t i : positions)
          BOOST_TEST(gradient[i].eq(0.0).all().item<bool>(), c.options << ": " << gradient);
        BOOST_TEST(gradient.abs().sum().item() > 0.0);
        for (const double value : {not_a_number, inf, -inf, 1e30}) {
          const Tensor x = with(prediction(c, dtype), value).requires_grad_();
          const Tensor l = c.loss(x, r);
          BOOST_TEST(equal(l, expected), c.options << " of " << value << ": " << l << " instead of " << expected);
          const Tensor g = autograd::grad({l.sum()}, {x})[0];
          BOOST_TEST(equal(g, gradient), c.options << " of " << value << ": " << g << " instead of " << gradient);
          const Tensor recorded = autograd::grad({c.loss(x, r).sum()}, {x}, {.create_graph = true})[0];
          // A recorded gradient is composed of operations and rounds in another order.
          for (const std::int64_t i : positions) BOOST_TEST(recorded.detach()[i].eq(0.0).all().item<bool>(), c.options);
          BOOST_TEST(allclose(recorded.detach(), gradient, dtype == float32 ? 1e-5 : 1e-13, 0),
                     c.options << " of " << value << ", recorded: " << recorded << " instead of " << gradient);
        }
      }
}

BOOST_AUTO_TEST_CASE(of_all_elements_is_a_sum_of_0) {
  const Tensor x = full({3}, not_a_number).requires_grad_(), none = zeros({3});
  const Tensor l = F::mse_loss(x, zeros({3}), {.reduction = Reduction::sum, .weight = none});
  l.backward();
  BOOST_TEST(l.item() == 0.0);
  BOOST_TEST(x.grad().equal(zeros({3})));
  const Tensor rows = full({2, 3}, not_a_number).requires_grad_();
  const Tensor ce = F::cross_entropy(rows, tensor({0, 2}),
                                     {.weight = zeros({3}), .reduction = Reduction::sum, .label_smoothing = 0.1});
  ce.backward();
  BOOST_TEST(ce.item() == 0.0);
  BOOST_TEST(rows.grad().equal(zeros({2, 3})));
}

BOOST_AUTO_TEST_CASE(of_all_elements_makes_a_mean_over_weights_nan_and_its_gradient_0) {
  using Loss = std::function<Tensor(const Tensor& x, const Tensor& t, const Tensor& w)>;
  const Loss losses[] = {
      [](const Tensor& x, const Tensor& t, const Tensor& w) { return F::mse_loss(x, t, {.weight = w}); },
      [](const Tensor& x, const Tensor& t, const Tensor& w) { return F::l1_loss(x, t, {.weight = w}); },
      [](const Tensor& x, const Tensor&, const Tensor& w) { return F::nll_loss(x, tensor({0, 2, 1}), {.weight = w}); },
      [](const Tensor& x, const Tensor&, const Tensor& w) {
        return F::cross_entropy(x, tensor({0, 2, 1}), {.weight = w});
      },
      [](const Tensor& x, const Tensor&, const Tensor& w) {
        return F::cross_entropy(x, tensor({0, 2, 1}), {.weight = w, .label_smoothing = 0.1});
      }};
  for (std::size_t i = 0; i < std::size(losses); ++i)
    for (const DType dtype : {float32, float64})
      for (const double value : {0.5, inf, not_a_number})
        for (const bool create_graph : {false, true}) {
          const Shape shape{3, 3};
          const Tensor x = full(shape, value, {.dtype = dtype, .requires_grad = true}),
                       t = full(shape, -value, {.dtype = dtype, .requires_grad = i < 2});
          const Tensor l = losses[i](x, t, i < 2 ? zeros(shape) : zeros({3}, {.dtype = dtype}));
          BOOST_TEST(std::isnan(l.item()));
          for (const Tensor& g : i < 2 ? autograd::grad({l}, {x, t}, {.create_graph = create_graph})
                                       : autograd::grad({l}, {x}, {.create_graph = create_graph}))
            BOOST_TEST(g.detach().equal(zeros(shape, {.dtype = dtype})), i << " of " << value << ": " << g);
        }
  // Weights that cancel each other count, and so does a mean over none of them.
  const Tensor x = tensor({1.0, 2.0}, {.requires_grad = true});
  F::mse_loss(x, zeros({2}), {.weight = tensor({1.0, -1.0})}).backward();
  BOOST_TEST(!x.grad().eq(0.0).any().item<bool>());
  BOOST_TEST(std::isnan(F::mse_loss(zeros({0}), zeros({0}), {.weight = zeros({0})}).item()));
}

BOOST_AUTO_TEST_CASE(of_a_class_takes_an_infinite_score_out_of_a_smoothed_row) {
  // Class 1 has no weight and probability 0; what it would add is 0 · ∞.
  const Tensor x = tensor({{1.0, -inf, 2.0}}), w = tensor({1.0, 0.0, 1.0});
  const Tensor l = F::cross_entropy(x, tensor({0}), {.weight = w, .reduction = Reduction::sum, .label_smoothing = 0.3});
  const double log_sum = std::log(std::exp(1.0) + std::exp(2.0));
  BOOST_TEST(std::abs(l.item() - (0.8 * (log_sum - 1) + 0.1 * (log_sum - 2))) < 1e-6);
}

BOOST_AUTO_TEST_CASE(leaves_the_gradient_by_a_weight_what_the_element_would_add) {
  const Tensor x = tensor({3.0, not_a_number}), w = zeros({2}, {.requires_grad = true});
  F::mse_loss(x, ones({2}), {.reduction = Reduction::sum, .weight = w}).backward();
  BOOST_TEST(w.grad().equal(tensor({4.0, 0.0})));
}

BOOST_AUTO_TEST_CASE(is_tested_for_every_loss_with_weights) {
  const std::filesystem::path losses = source_root() / "nn/losses";
  std::set<std::string> found, tested;
  for (const Case& c : cases()) tested.insert(c.options);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(losses)) {
    if (entry.path().extension() != ".h") continue;
    std::ifstream in(entry.path());
    std::ostringstream stream;
    stream << in.rdbuf();
    const std::string text = stream.str();
    const std::regex structs(R"(struct (\w+Options) \{([^}]*\{\})*[^}]*\})"), members(R"(Tensor (\w*weight)\{\})");
    for (std::sregex_iterator s(text.begin(), text.end(), structs), end; s != end; ++s) {
      const std::string body = s->str();
      for (std::sregex_iterator m(body.begin(), body.end(), members); m != end; ++m)
        found.insert((*s)[1].str() + "." + (*m)[1].str());
    }
  }
  BOOST_TEST(found.size() == 10u);
  for (const std::string& option : found) BOOST_TEST(tested.contains(option), option << " has no row in the table");
}

BOOST_AUTO_TEST_SUITE_END()
