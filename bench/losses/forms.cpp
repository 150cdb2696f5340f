// Losses as a user writes them: a lambda that `pointwise` fuses, the same lambda composed of operations on tensors, and
// what goes over rows, which can only be composed.
#include <map>
#include <string_view>

#include "slope.h"
#include "slope/pointwise.h"

using namespace slope;

namespace bench {

namespace {

using Tensors = std::vector<Tensor>;
using Loss = std::function<Tensor(const Tensors&)>;

struct Forms {
  Loss fused, composed;
};

/// Both forms of a formula of two or three arguments.
template <class Formula>
Forms forms(Formula formula) {
  const auto fused = pointwise(formula);
  if constexpr (requires(Tensor t) { formula(t, t, t); })
    return {[=](const Tensors& in) { return fused.mean(in[0], in[1], in[2]); },
            [=](const Tensors& in) { return formula(in[0], in[1], in[2]).mean(); }};
  else
    return {[=](const Tensors& in) { return fused.mean(in[0], in[1]); },
            [=](const Tensors& in) { return formula(in[0], in[1]).mean(); }};
}

/// What has no formula of elements.
Forms only_composed(Loss loss) { return {nullptr, std::move(loss)}; }

const auto huber = forms([](auto x, auto t) {
  auto d = x - t, a = abs(d);
  return where(a < 1.0, 0.5 * d * d, a - 0.5);
});

const std::map<std::string_view, Forms>& element_forms() {
  static const std::map<std::string_view, Forms> all = {
      {"mse_loss", forms([](auto x, auto t) {
         auto d = x - t;
         return d * d;
       })},
      {"l1_loss", forms([](auto x, auto t) { return abs(x - t); })},
      {"smooth_l1_loss", huber},
      {"huber_loss", huber},
      {"poisson_nll_loss", forms([](auto x, auto t) { return exp(x) - t * x; })},
      {"gaussian_nll_loss", forms([](auto x, auto t, auto var) {
         auto v = maximum(var, 1e-6), d = x - t;
         return 0.5 * (log(v) + d * d / v);
       })},
      {"log_cosh_loss", forms([](auto x, auto t) {
         auto a = abs(x - t);
         return a + log1p(exp(-2.0 * a)) - 0.693147180559945309;
       })},
      {"quantile_loss", forms([](auto x, auto t) {
         auto d = t - x;
         return maximum(0.9 * d, -0.1 * d);
       })},
      {"binary_cross_entropy", forms([](auto p, auto t) { return -(t * log(p) + (1.0 - t) * log(1.0 - p)); })},
      {"binary_cross_entropy_with_logits", forms([](auto x, auto t) { return softplus1(x) - x * t; })},
      {"sigmoid_focal_loss", forms([](auto x, auto t) {
         auto p = sigmoid(x), wrong = p * (1.0 - t) + t * (1.0 - p);
         auto ce = softplus1(x) - x * t;
         return (0.25 * t + 0.75 * (1.0 - t)) * wrong * wrong * ce;
       })},
      {"focal_loss", forms([](auto p, auto t) {
         auto p_t = t * p + (1.0 - t) * (1.0 - p);
         return (0.75 * t + 0.25 * (1.0 - t)) * pow(1.0 - p_t, 2.0) * -log(p_t);
       })},
      {"soft_margin_loss", forms([](auto x, auto t) { return softplus1(-t * x); })},
      {"hinge_embedding_loss", forms([](auto x, auto t) { return where(t > 0.0, x, maximum(1.0 - x, 0.0)); })},
      {"margin_ranking_loss", forms([](auto x, auto t, auto sign) { return maximum(-sign * (x - t), 0.0); })},
      {"charbonnier_loss", forms([](auto x, auto t) {
         auto d = x - t;
         return sqrt(d * d + 1e-6);
       })},
      {"msle_loss", forms([](auto x, auto t) {
         auto d = log1p(x) - log1p(t);
         return d * d;
       })},
      {"mape_loss", forms([](auto x, auto t) { return abs(x - t) / maximum(abs(t), 1e-8); })},
  };
  return all;
}

Tensor at_labels(const Tensor& x, const Tensor& labels) { return x.gather(1, labels.unsqueeze(1)); }

/// The distances of rows.
Tensor distance(const Tensor& a, const Tensor& b) { return norm(a - b + 1e-6, 2, {1}); }

Tensor overlap(const Tensors& in, double weight_of_wrong) {
  const Tensor both = (in[0] * in[1]).sum({1});
  const Tensor wrong = (in[0] * (1.0 - in[1])).sum({1}) + ((1.0 - in[0]) * in[1]).sum({1});
  return (1.0 - (both + 1.0) / (both + weight_of_wrong * wrong + 1.0)).mean();
}

const std::map<std::string_view, Forms>& row_forms() {
  static const std::map<std::string_view, Forms> all = {
      {"tversky_loss", only_composed([](const Tensors& in) { return overlap(in, 0.5); })},
      {"nll_loss", only_composed([](const Tensors& in) { return -at_labels(in[0], in[1]).mean(); })},
      {"cross_entropy",
       only_composed([](const Tensors& in) { return -at_labels(log_softmax(in[0], 1), in[1]).mean(); })},
      {"cross_entropy_probabilities",
       only_composed([](const Tensors& in) { return -(in[1] * log_softmax(in[0], 1)).sum({1}).mean(); })},
      {"multi_margin_loss", only_composed([](const Tensors& in) {
         // The label itself contributes 1.
         const Tensor sums = relu(1.0 - at_labels(in[0], in[1]) + in[0]).sum({1});
         return ((sums - 1.0) / static_cast<double>(in[0].size(1))).mean();
       })},
      {"multilabel_soft_margin_loss",
       only_composed([](const Tensors& in) { return (softplus1(in[0]) - in[0] * in[1]).mean(); })},
      {"cosine_similarity", only_composed([](const Tensors& in) {
         return ((in[0] * in[1]).sum({1}) / (norm(in[0], 2, {1}) * norm(in[1], 2, {1}))).sum();
       })},
      {"pairwise_distance", only_composed([](const Tensors& in) { return distance(in[0], in[1]).sum(); })},
      {"triplet_margin_loss", only_composed([](const Tensors& in) {
         return relu(distance(in[0], in[1]) - distance(in[0], in[2]) + 1.0).mean();
       })},
      {"info_nce_loss", only_composed([](const Tensors& in) {
         const Tensor scores = matmul(in[0] / norm(in[0], 2, {1}, true), (in[1] / norm(in[1], 2, {1}, true)).t()) / 0.1;
         return -log_softmax(scores, 1).diagonal().mean();
       })},
  };
  return all;
}

const Forms* find(std::string_view name) {
  for (const auto* all : {&element_forms(), &row_forms()})
    if (const auto at = all->find(name); at != all->end()) return &at->second;
  return nullptr;
}

Work work_of(const Loss& loss, const LossCase& c) {
  const Inputs inputs = slope_inputs(c);
  return slope_loss([loss, in = inputs.in] { return loss(in); }, inputs.leaves, c.backward);
}

void use_threads(int n) { set_num_threads(n); }

}  // namespace

const Contestant pointwise_lambda = {
    .name = "pointwise",
    .has =
        [](const LossRow& row) {
          const Forms* forms = find(row.name);
          return forms && forms->fused;
        },
    .prepare = [](const LossCase& c) { return work_of(find(c.row.name)->fused, c); },
    .set_threads = use_threads,
};

const Contestant composed = {
    .name = "composed",
    .has = [](const LossRow& row) { return find(row.name) != nullptr; },
    .prepare = [](const LossCase& c) { return work_of(find(c.row.name)->composed, c); },
    .set_threads = use_threads,
};

}  // namespace bench
