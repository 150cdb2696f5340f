#include <limits>

#include "slope/nn/losses/losses.h"
#include "slope/slope.h"
#include "support/losses/families.h"

using namespace slope;
namespace F = slope::nn::functional;
using Kind = LossRefusal::Kind;

namespace {

// ---- samples

/// An input with targets of its positions.
struct Batch {
  const char* name;
  Shape input;
  Tensor labels;
};

std::vector<Batch> batches() {
  return {{"rows", {4, 3}, tensor({2, 0, 1, 2})},
          {"one row", {3}, tensor(1)},
          {"sequences", {2, 3, 4}, tensor({{0, 1, 2, 1}, {2, 0, 1, 1}})},
          {"images", {2, 3, 2, 2}, tensor({{{0, 1}, {1, 0}}, {{2, 1}, {1, 2}}})},
          {"one class", {3, 1}, tensor({0, 0, 0})}};
}

void likelihood_samples(std::vector<LossSample>& table) {
  for (const Batch& b : batches())
    for (const bool weighted : {false, true})
      for (const std::int64_t ignored : {-100, 2}) {
        const std::int64_t classes = b.input.size() == 1 ? b.input[0] : b.input[1];
        const Tensor weight = weighted ? constants({classes}, 3) : Tensor();
        table.push_back(
            {.name = concat("nll_loss of ", b.name, weighted ? ", weight" : "", ignored < 0 ? "" : ", ignore_index"),
             .function =
                 [=](const LossInputs& in, Reduction r) {
                   return F::nll_loss(in[0], in[1], {.weight = weight, .ignore_index = ignored, .reduction = r});
                 },
             .inputs = {numbers(b.input, 1, -3, 0), b.labels}});
        for (const double smoothing : {0.0, 0.2, 1.0}) {
          const nn::CrossEntropyLossOptions options{
              .weight = weight, .ignore_index = ignored, .label_smoothing = smoothing};
          table.push_back({.name = concat("cross_entropy of ", b.name, weighted ? ", weight" : "",
                                          ignored < 0 ? "" : ", ignore_index", ", label_smoothing ", smoothing),
                           .function =
                               [=](const LossInputs& in, Reduction r) {
                                 nn::CrossEntropyLossOptions o = options;
                                 o.reduction = r;
                                 return F::cross_entropy(in[0], in[1], o);
                               },
                           .inputs = {numbers(b.input, 2, -2, 2), b.labels}});
        }
      }
}

void probability_samples(std::vector<LossSample>& table) {
  for (const Batch& b : batches()) {
    // Of one class the gradient is 0, and what float32 leaves of it noise.
    if (b.input == Shape{3, 1}) continue;
    for (const bool weighted : {false, true})
      for (const double smoothing : {0.0, 0.3})
        for (const bool constant : {false, true}) {
          const std::int64_t classes = b.input.size() == 1 ? b.input[0] : b.input[1];
          const Tensor weight = weighted ? constants({classes}, 3) : Tensor();
          table.push_back(
              {.name = concat("cross_entropy of ", b.name, ", probabilities", constant ? " without gradient" : "",
                              weighted ? ", weight" : "", ", label_smoothing ", smoothing),
               .function =
                   [=](const LossInputs& in, Reduction r) {
                     return F::cross_entropy(in[0], in[1],
                                             {.weight = weight, .reduction = r, .label_smoothing = smoothing});
                   },
               .inputs = {numbers(b.input, 2, -2, 2), numbers(b.input, 4, 0.1, 0.9, !constant)}});
        }
  }
}

/// The module with the tensors behind the first two inputs as its parameters.
nn::AdaptiveLogSoftmaxWithLoss adaptive(const LossInputs& in, std::vector<std::int64_t> cutoffs, std::int64_t n_classes,
                                        nn::AdaptiveLogSoftmaxWithLossOptions options) {
  nn::AdaptiveLogSoftmaxWithLoss m(in[0].shape().back(), n_classes, std::move(cutoffs), options);
  m.to(in[0].dtype());
  std::size_t next = 2;
  m.head.weight.tie(in[next++]);
  if (options.head_bias) m.head.bias.tie(in[next++]);
  for (std::size_t i = 0; i < m.tail.size(); ++i)
    for (int k = 0; k < 2; ++k) m.tail.at<nn::Sequential>(i).at<nn::Linear>(k).weight.tie(in[next++]);
  return m;
}

Tensor reduced(const nn::AdaptiveLogSoftmaxOutput& out, Reduction r) {
  return r == Reduction::none ? out.output : r == Reduction::sum ? out.output.sum() : out.loss;
}

void adaptive_samples(std::vector<LossSample>& table) {
  const auto sample = [&](const std::string& name, const Tensor& x, const Tensor& t, std::vector<std::int64_t> cutoffs,
                          std::int64_t n_classes, nn::AdaptiveLogSoftmaxWithLossOptions options) {
    LossInputs inputs = {x, t};
    const nn::AdaptiveLogSoftmaxWithLoss shapes(x.shape().back(), n_classes, cutoffs, options);
    double seed = 10;
    for (const Tensor& p : shapes.parameters()) inputs.push_back(numbers(p.shape(), ++seed, -0.9, 0.9));
    table.push_back(
        {.name = concat("AdaptiveLogSoftmaxWithLoss, ", name),
         .function = [=](const LossInputs& in,
                         Reduction r) { return reduced(adaptive(in, cutoffs, n_classes, options)(in[0], in[1]), r); },
         .inputs = inputs});
    table.push_back({.name = concat("AdaptiveLogSoftmaxWithLoss::log_prob, ", name),
                     .function = [=](const LossInputs& in,
                                     Reduction) { return adaptive(in, cutoffs, n_classes, options).log_prob(in[0]); },
                     .inputs = inputs,
                     .reductions = {Reduction::none}});
  };
  const Tensor x = numbers({5, 4}, 1, -1, 1);
  sample("two clusters", x, tensor({6, 0, 3, 7, 2}), {2, 5}, 8, {.div_value = 2.0});
  sample("bias", x, tensor({1, 1, 0, 4, 5}), {2}, 6, {.div_value = 1.5, .head_bias = true});
  sample("one cluster unused", x, tensor({0, 1, 6, 7, 0}), {2, 5}, 8, {.div_value = 2.0});
  sample("a tail without features", x, tensor({0, 3, 4, 2, 6}), {1, 3}, 7, {.div_value = 4.0});
  sample("one row", numbers({4}, 2, -1, 1), tensor(5), {2, 4}, 6, {.div_value = 1.3, .head_bias = true});
}

void samples(std::vector<LossSample>& table) {
  likelihood_samples(table);
  probability_samples(table);
  adaptive_samples(table);
}

// ---- refusals

class Refusals {
 public:
  explicit Refusals(std::vector<LossRefusal>& table) : table_(table) {}
  void operator()(Kind kind, std::string text, LossInputs inputs, std::function<void(const LossInputs&)> call) {
    table_.push_back({kind, std::move(text), std::move(call), std::move(inputs)});
  }

 private:
  std::vector<LossRefusal>& table_;
};

/// What both NLL and cross entropy over indices refuse: as functions and as modules.
template <class Options, class Module, auto function>
void class_refusals(Refusals& refuse, const std::string& op) {
  const Tensor x = numbers({2, 3}, 1), image = numbers({2, 3, 4}, 2), row = numbers({3}, 3), labels = tensor({2, 0});
  const auto with = [&](Kind kind, const std::string& text, const LossInputs& inputs, const Options& options = {}) {
    refuse(kind, concat(op, ": ", text), inputs, [=](const LossInputs& in) { function(in[0], in[1], options); });
    refuse(kind, concat(op, ": ", text), inputs, [=](const LossInputs& in) { Module{options}(in[0], in[1]); });
  };
  with(Kind::dtype, "the prediction must be a floating point tensor, got int64; convert it with .to(float32)",
       {tensor({{1, 2, 3}}), tensor({0})});
  with(Kind::dtype, "the prediction must be a floating point tensor, got bool",
       {zeros({1, 3}, {.dtype = boolean}), tensor({0})});
  with(Kind::value, "the target is an undefined tensor", {x, Tensor()});
  with(Kind::shape, "the input must have at least one dimension, that of the classes, but is 0-d",
       {numbers({}, 1), tensor(0)});
  with(Kind::shape, "Expected input batch_size (2) to match target batch_size (3).", {x, tensor({0, 1, 2})});
  with(Kind::shape, "Expected input batch_size (2) to match target batch_size (0).", {x, zeros({0}, {.dtype = int64})});
  with(Kind::shape, "Expected input batch_size (2) to match target batch_size (4).",
       {image, zeros({4, 2}, {.dtype = int64})});
  with(Kind::shape, "size mismatch (got input: [2, 3, 4], target: [2, 5]). Expected target size [2, 4], got [2, 5]",
       {image, zeros({2, 5}, {.dtype = int64})});
  with(Kind::shape, "size mismatch (got input: [2, 3, 4], target: [2])", {image, labels});
  with(Kind::shape, "size mismatch (got input: [2, 3], target: [])", {x, tensor(1)});
  with(Kind::shape, "size mismatch (got input: [3], target: [2])", {row, labels});
  with(Kind::shape, "size mismatch (got input: [2, 3], target: [2, 1])", {x, tensor({{1}, {0}})});
  with(Kind::index, "Target 3 is out of bounds. It stands at position [1], and classes are in the range [0, 3)",
       {x, tensor({0, 3})});
  with(Kind::index, "Target -1 is out of bounds. It stands at position [0]", {x, tensor({-1, 0})});
  with(Kind::index, "Target -100 is out of bounds. It stands at position [0]", {x, tensor({-100, 0})},
       {.ignore_index = -1});
  with(Kind::index, "Target 9223372036854775807 is out of bounds", {x, tensor({0, INT64_MAX})});
  with(Kind::index, "Target 7 is out of bounds. It stands at position [1, 2]",
       {image, tensor({{0, 1, 2, 0}, {0, 1, 7, 0}})});
  with(Kind::index, "Target 4 is out of bounds. It stands at position []", {row, tensor(4)});
  with(Kind::index, "Target 0 is out of bounds", {zeros({2, 0}, {.dtype = float64}), tensor({0, 0})});
  for (const auto& [weight, shape] : {std::pair{constants({2}, 1), "[2]"}, std::pair{constants({1, 3}, 1), "[1, 3]"},
                                      std::pair{constants({}, 1), "[]"}, std::pair{constants({4}, 1), "[4]"}})
    with(Kind::shape,
         concat(
             "weight tensor should be defined either for all 3 classes or no classes but got weight tensor of shape: ",
             shape),
         {x, labels}, {.weight = weight});
  with(Kind::value, "batchmean is not a valid value for reduction", {x, labels}, {.reduction = Reduction::batchmean});
  refuse(Kind::value, concat(op, ": average is not a valid value for reduction"), {x, labels},
         [](const LossInputs& in) { function(in[0], in[1], {.reduction = std::string("average")}); });
  refuse(Kind::autograd, concat("the function '", op, "' is not differentiable with respect to argument 'weight'"),
         {x, labels, row}, [](const LossInputs& in) { function(in[0], in[1], {.weight = in[2]}); });
}

void cross_entropy_refusals(Refusals& refuse) {
  const Tensor x = numbers({2, 3}, 1), p = constants({2, 3}, 2), labels = tensor({2, 0});
  const auto with = [&](Kind kind, const std::string& text, const LossInputs& inputs,
                        const nn::CrossEntropyLossOptions& options = {}) {
    refuse(kind, text, inputs, [=](const LossInputs& in) { F::cross_entropy(in[0], in[1], options); });
    refuse(kind, text, inputs, [=](const LossInputs& in) { nn::CrossEntropyLoss{options}(in[0], in[1]); });
  };
  for (const Tensor& t : {p, labels}) {
    with(Kind::value, "cross_entropy: label_smoothing must be between 0.0 and 1.0. Got: 1.5", {x, t},
         {.label_smoothing = 1.5});
    with(Kind::value, "cross_entropy: label_smoothing must be between 0.0 and 1.0. Got: -0.1", {x, t},
         {.label_smoothing = -0.1});
    with(Kind::value, "cross_entropy: label_smoothing must be between 0.0 and 1.0. Got: nan", {x, t},
         {.label_smoothing = std::numeric_limits<double>::quiet_NaN()});
  }
  with(Kind::value, "cross_entropy: ignore_index is not supported for floating point target, got 1", {x, p},
       {.ignore_index = 1});
  with(Kind::value, "cross_entropy: ignore_index is not supported for floating point target, got 0", {x, p},
       {.ignore_index = 0});
  with(Kind::value, "cross_entropy: batchmean is not a valid value for reduction", {x, p}, {.reduction = "batchmean"});
  with(Kind::shape, "cross_entropy: weight tensor should be defined either for all 3 classes", {x, p},
       {.weight = constants({2}, 1)});
  with(Kind::dtype, "cross_entropy: Expected floating point type for target with class probabilities, got int64",
       {x, tensor({{0, 1, 0}, {1, 0, 0}})});
  with(Kind::dtype, "cross_entropy: Expected floating point type for target with class probabilities, got bool",
       {x, zeros({2, 3}, {.dtype = boolean})});
  with(Kind::dtype, "cross_entropy: Expected floating point type for target with class probabilities, got int64",
       {numbers({3}, 1), tensor({0, 1, 0})});
  with(Kind::dtype, "cross_entropy: class indices must be int64, but the target is bool", {x, tensor({true, false})});
  with(Kind::shape,
       "cross_entropy: a floating point target holds class probabilities and must have the shape of the input, [2, "
       "3], "
       "but has [2]",
       {x, constants({2}, 1)});
  with(Kind::shape, "cross_entropy: a floating point target holds class probabilities", {x, constants({2, 1}, 1)});
  with(Kind::shape, "cross_entropy: a floating point target holds class probabilities", {x, constants({1, 3}, 1)});
  with(Kind::shape, "cross_entropy: the input must have at least one dimension", {numbers({}, 1), constants({}, 1)});
  refuse(Kind::autograd, "the function 'cross_entropy' is not differentiable with respect to argument 'weight'",
         {x, p, numbers({3}, 1)}, [](const LossInputs& in) { F::cross_entropy(in[0], in[1], {.weight = in[2]}); });
}

void adaptive_refusals(Refusals& refuse) {
  const std::string op = "AdaptiveLogSoftmaxWithLoss: ";
  using Cutoffs = std::vector<std::int64_t>;
  for (const Cutoffs& cutoffs :
       {Cutoffs{}, Cutoffs{5, 5}, Cutoffs{5, 20}, Cutoffs{0, 4}, Cutoffs{4, 2}, Cutoffs{-3}, Cutoffs{21}})
    refuse(Kind::value,
           op + "cutoffs should be a sequence of unique, positive integers sorted in an increasing order, where each "
                "value is "
                "between 1 and n_classes-1. Got ",
           {}, [=](const LossInputs&) { nn::AdaptiveLogSoftmaxWithLoss(8, 20, cutoffs); });
  for (const double div_value : {0.0, -2.0, std::numeric_limits<double>::quiet_NaN()})
    refuse(Kind::value, op + "div_value must be positive, got ", {},
           [=](const LossInputs&) { nn::AdaptiveLogSoftmaxWithLoss(8, 20, {5}, {.div_value = div_value}); });
  refuse(Kind::value, op + "div_value 1e-300 gives cluster 0 too many features", {},
         [](const LossInputs&) { nn::AdaptiveLogSoftmaxWithLoss(8, 20, {5}, {.div_value = 1e-300}); });
  refuse(Kind::value, "Linear: in_features and out_features must not be negative", {},
         [](const LossInputs&) { nn::AdaptiveLogSoftmaxWithLoss(-1, 20, {5}); });

  const Tensor x = zeros({2, 4}), row = zeros({4}), t = tensor({0, 7});
  const auto with = [&](Kind kind, const std::string& text, const LossInputs& inputs) {
    refuse(kind, op + text, inputs,
           [](const LossInputs& in) { nn::AdaptiveLogSoftmaxWithLoss(4, 8, {2, 5})(in[0], in[1]); });
  };
  with(Kind::shape, "the input must be [N, 4], or [4] for a single row, but has shape [2, 3]", {zeros({2, 3}), t});
  with(Kind::shape, "the input must be [N, 4], or [4] for a single row, but has shape []", {zeros({}), tensor(0)});
  with(Kind::shape, "the input must be [N, 4], or [4] for a single row, but has shape [2, 3, 4]",
       {zeros({2, 3, 4}), t});
  with(Kind::value, "the input is an undefined tensor", {Tensor(), t});
  with(Kind::value, "the target is an undefined tensor", {x, Tensor()});
  with(Kind::dtype, "the target must be int64, but is float32", {x, zeros({2})});
  with(Kind::shape, "0D or 1D target tensor expected, multi-target not supported; got [2, 1]", {x, tensor({{0}, {7}})});
  with(Kind::shape, "a 0D target tensor expects a 1D input tensor, but found an input with size [2, 4]",
       {x, tensor(0)});
  with(Kind::shape, "a 1D target tensor expects a 2D input tensor, but found an input with size [4]", {row, t});
  with(Kind::shape,
       "Input and target should have the same size in the batch dimension. Got input [2, 4] and target [3]",
       {x, tensor({0, 1, 2})});
  with(Kind::index, "Target values should be in [0, 7], but values in range [0, 8] were found.", {x, tensor({0, 8})});
  with(Kind::index, "Target values should be in [0, 7], but values in range [-1, 3] were found.", {x, tensor({3, -1})});
  with(Kind::index, "Target values should be in [0, 7], but values in range [8, 8] were found.", {row, tensor(8)});
  refuse(Kind::dtype, "linear: ", {x.to(float64), t},
         [](const LossInputs& in) { nn::AdaptiveLogSoftmaxWithLoss(4, 8, {2, 5})(in[0], in[1]); });
  refuse(Kind::shape, "AdaptiveLogSoftmaxWithLoss::log_prob: the input must be [N, 4]", {zeros({2, 3})},
         [](const LossInputs& in) { nn::AdaptiveLogSoftmaxWithLoss(4, 8, {2, 5}).log_prob(in[0]); });
  refuse(Kind::shape, "AdaptiveLogSoftmaxWithLoss::predict: the input must be [N, 4]", {zeros({1, 2, 4})},
         [](const LossInputs& in) { nn::AdaptiveLogSoftmaxWithLoss(4, 8, {2, 5}).predict(in[0]); });
}

void refusals(std::vector<LossRefusal>& table) {
  Refusals refuse(table);
  class_refusals<nn::NLLLossOptions, nn::NLLLoss, F::nll_loss>(refuse, "nll_loss");
  class_refusals<nn::CrossEntropyLossOptions, nn::CrossEntropyLoss, F::cross_entropy>(refuse, "cross_entropy");
  cross_entropy_refusals(refuse);
  adaptive_refusals(refuse);
}

}  // namespace

LossFamily class_losses() { return {samples, refusals}; }
