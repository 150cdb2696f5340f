#pragma once

#include "slope/nn/losses/shared/common.h"
#include "slope/nn/losses/shared/loss_module.h"

namespace slope::nn {

struct BCEWithLogitsLossOptions {
  /// Rescales each element; broadcasts to the input. Not differentiable.
  Tensor weight{};
  ReductionOption reduction = Reduction::mean;
  /// Weight of positive examples, usually one per class; broadcasts to the input. Not differentiable.
  Tensor pos_weight{};
};

namespace functional {

/// Binary cross entropy of logits: l = w·[(1-t)·s(x) + p·t·s(-x)] with s(x) = ln(1 + eˣ), p = pos_weight.
///
/// Shapes: x and t alike; result 0-d, or theirs without reduction. ∂x = w·[(1-t)·σ(x) - p·t·σ(-x)], ∂t = w·[p·s(-x) - s(x)].
/// Written in σ(x) and σ(-x) rather than σ(x) - t, so that tails survive: at x = 37.43, t = 1 the gradient is
/// -5.55e-17, not 0. Throws ShapeError when the shapes differ or a weight does not broadcast.
///
///     Tensor loss = F::binary_cross_entropy_with_logits(logits, y_true, {.pos_weight = tensor({30.0})});
Tensor binary_cross_entropy_with_logits(In y_pred, const Tensor& y_true, const BCEWithLogitsLossOptions& options = {});

}  // namespace functional

/// binary_cross_entropy_with_logits as a module.
class BCEWithLogitsLoss : public LossModule<BCEWithLogitsLossOptions, functional::binary_cross_entropy_with_logits> {
  using LossModule::LossModule;
};

}  // namespace slope::nn
