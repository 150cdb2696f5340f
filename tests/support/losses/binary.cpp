#include <limits>

#include "slope/autograd/ops/ops.h"
#include "slope/nn/losses/losses.h"
#include "support/losses/families.h"
#include "support/losses/rows.h"

using namespace slope;
namespace F = slope::nn::functional;
using Kind = LossRefusal::Kind;

namespace {

void samples(std::vector<LossSample>& table) {
  // Probabilities, logits, soft and hard labels.
  const Tensor p = numbers({3, 4}, 1), x = numbers({3, 4}, 2, -3, 3), soft = numbers({3, 4}, 3);
  const Tensor hard = (constants({3, 4}, 4) > 0.5).to(float64), p0 = numbers({}, 5), x0 = numbers({}, 6, -3, 3),
               one = constants({}, 7), images = numbers({2, 3, 2, 3}, 8), labels = constants({2, 3, 2, 3}, 9);
  const auto row = [&](std::string name, const LossSample::Function& f, LossInputs inputs) {
    add_sample(table, std::move(name), f, std::move(inputs));
  };
  const auto probabilities = [&](const std::string& name, const LossSample::Function& f) {
    row(name + ", soft labels", f, {p, soft});
    row(name + ", hard labels", f, {p, hard});
    row(name + ", 0-d", f, {p0, one});
    row(name + ", 4-d", f, {images, labels});
  };
  const auto logits = [&](const std::string& name, const LossSample::Function& f) {
    row(name + ", soft labels", f, {x, soft});
    row(name + ", hard labels", f, {x, hard});
    row(name + ", 0-d", f, {x0, one});
    row(name + ", 4-d", f, {images, labels});
  };
  probabilities("binary_cross_entropy", with<F::binary_cross_entropy>(nn::BCELossOptions()));
  logits("binary_cross_entropy_with_logits", with<F::binary_cross_entropy_with_logits>(nn::BCEWithLogitsLossOptions()));
  const Tensor full_weight = constants({3, 4}, 10), row_weight = constants({4}, 11), column = constants({3, 1}, 12),
               number = constants({}, 13);
  for (const Tensor& w : {full_weight, row_weight, column, number}) {
    const std::string shape = to_text(w.shape());
    row("binary_cross_entropy, weight " + shape, with<F::binary_cross_entropy>(nn::BCELossOptions{.weight = w}),
        {p, soft});
    row("binary_cross_entropy_with_logits, weight " + shape,
        with<F::binary_cross_entropy_with_logits>(nn::BCEWithLogitsLossOptions{.weight = w}), {x, soft});
    row("binary_cross_entropy_with_logits, pos_weight " + shape,
        with<F::binary_cross_entropy_with_logits>(nn::BCEWithLogitsLossOptions{.pos_weight = w}), {x, hard});
    row("binary_cross_entropy_with_logits, both weights, pos_weight " + shape,
        with<F::binary_cross_entropy_with_logits>(nn::BCEWithLogitsLossOptions{.weight = row_weight, .pos_weight = w}),
        {x, soft});
  }
  for (const double gamma : {0.0, 0.5, 1.0, 2.0, 3.7}) {
    probabilities(concat("focal_loss, gamma ", gamma),
                  with<F::focal_loss>(nn::FocalLossOptions{.gamma = gamma, .alpha = 0.6}));
    for (const double alpha : {0.25, -1.0})
      logits(concat("sigmoid_focal_loss, alpha ", alpha, ", gamma ", gamma),
             with<F::sigmoid_focal_loss>(nn::SigmoidFocalLossOptions{.alpha = alpha, .gamma = gamma}));
  }
}

void refusals(std::vector<LossRefusal>& table) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  const Tensor p = numbers({2, 3}, 1), t = constants({2, 3}, 2), learned = numbers({3}, 3);
  const auto refuse = [&](Kind kind, std::string text, std::function<void(const LossInputs&)> call, LossInputs inputs) {
    add_refusal(table, kind, std::move(text), std::move(call), std::move(inputs));
  };
  refuse_unfit_arguments<nn::BCELossOptions, F::binary_cross_entropy>(table, "binary_cross_entropy");
  refuse_unfit_arguments<nn::BCEWithLogitsLossOptions, F::binary_cross_entropy_with_logits>(
      table, "binary_cross_entropy_with_logits");
  refuse_unfit_arguments<nn::FocalLossOptions, F::focal_loss>(table, "focal_loss");
  refuse_unfit_arguments<nn::SigmoidFocalLossOptions, F::sigmoid_focal_loss>(table, "sigmoid_focal_loss");
  refuse_shapes_that_differ<nn::FocalLossOptions, F::focal_loss>(table, "focal_loss");
  refuse_shapes_that_differ<nn::SigmoidFocalLossOptions, F::sigmoid_focal_loss>(table, "sigmoid_focal_loss");

  const auto bce = [](const LossInputs& in) { F::binary_cross_entropy(in[0], in[1]); };
  const auto logits = [](const LossInputs& in) { F::binary_cross_entropy_with_logits(in[0], in[1]); };
  for (const Shape& shape : {Shape{3}, Shape{2, 1}, Shape{}, Shape{1, 2, 3}}) {
    const Tensor other = constants(shape, 4);
    const std::string size = to_text(shape);
    refuse(Kind::shape,
           "binary_cross_entropy: Using a target size (" + size +
               ") that is different to the input size ([2, 3]) is deprecated. Please ensure they have the same size.",
           bce, {p, other});
    refuse(Kind::shape,
           "binary_cross_entropy_with_logits: Target size (" + size + ") must be the same as input size ([2, 3])",
           logits, {p, other});
  }
  refuse(Kind::shape, "binary_cross_entropy: Using a target size (undefined)", bce, {p, Tensor()});
  refuse(Kind::shape, "binary_cross_entropy_with_logits: Target size (undefined)", logits, {p, Tensor()});

  for (const double bad : {-1e-300, -0.1, 1.0 + 1e-15, 2.0, nan, inf, -inf})
    for (const std::int64_t place : {0, 7, 100}) {
      const Tensor spoilt = constants({101}, 5);
      spoilt.data_ptr<double>()[place] = bad;
      refuse(Kind::value, "binary_cross_entropy: all elements of input should be between 0 and 1", bce,
             {spoilt, constants({101}, 6)});
      refuse(Kind::value, "focal_loss: all elements of input should be between 0 and 1",
             [](const LossInputs& in) { F::focal_loss(in[0], in[1]); }, {spoilt, constants({101}, 6)});
    }
  for (const DType dtype : {float32, int64, boolean})
    refuse(Kind::dtype,
           concat("binary_cross_entropy: the target must have the dtype of the input, float64, but is ",
                  dtype_name(dtype)),
           bce, {p, zeros({2, 3}, {.dtype = dtype})});

  const auto with_weight = [](const LossInputs& in) { F::binary_cross_entropy(in[0], in[1], {.weight = in[2]}); };
  const auto logits_weight = [](const LossInputs& in) {
    F::binary_cross_entropy_with_logits(in[0], in[1], {.weight = in[2]});
  };
  const auto logits_pos_weight = [](const LossInputs& in) {
    F::binary_cross_entropy_with_logits(in[0], in[1], {.pos_weight = in[2]});
  };
  const Tensor two = constants({2}, 7), enlarges = constants({4, 2, 3}, 8);
  const std::string does_not_match = "The size of tensor a (2) must match the size of tensor b (3)";
  refuse(Kind::shape, "binary_cross_entropy: " + does_not_match, with_weight, {p, t, two});
  refuse(Kind::shape, "binary_cross_entropy_with_logits: " + does_not_match, logits_weight, {p, t, two});
  refuse(Kind::shape, "binary_cross_entropy_with_logits: " + does_not_match, logits_pos_weight, {p, t, two});
  const std::string enlarging = " of shape [4, 2, 3] does not broadcast to shape [2, 3]";
  refuse(Kind::shape, "binary_cross_entropy: weight" + enlarging, with_weight, {p, t, enlarges});
  refuse(Kind::shape, "binary_cross_entropy_with_logits: weight" + enlarging, logits_weight, {p, t, enlarges});
  refuse(Kind::shape, "binary_cross_entropy_with_logits: pos_weight" + enlarging, logits_pos_weight, {p, t, enlarges});

  const auto constant = [](const std::string& op, const std::string& argument) {
    return op + ": the function '" + op + "' is not differentiable with respect to argument '" + argument + "'";
  };
  for (const Tensor& w : std::vector<Tensor>{learned, learned.detach().to(float32).requires_grad_()}) {
    refuse(Kind::autograd, constant("binary_cross_entropy", "weight"), with_weight, {p, t, w});
    refuse(Kind::autograd, constant("binary_cross_entropy_with_logits", "weight"), logits_weight, {p, t, w});
    refuse(Kind::autograd, constant("binary_cross_entropy_with_logits", "pos_weight"), logits_pos_weight, {p, t, w});
  }
}

}  // namespace

LossFamily binary_losses() { return {samples, refusals}; }
