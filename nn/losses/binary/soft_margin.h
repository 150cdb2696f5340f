#pragma once

#include "slope/nn/losses/shared/common.h"
#include "slope/nn/losses/shared/loss_module.h"

namespace slope::nn {

struct SoftMarginLossOptions {
  ReductionOption reduction = Reduction::mean;
};

namespace functional {

/// Logistic loss of scores x for classes t = ±1: l = ln(1 + e^(-t·x)), in a form that does not overflow.
///
/// Shapes: x and t broadcast; result 0-d, or of the broadcast shape without reduction. ∂x = -t·σ(-t·x); the target is
/// not differentiable. Throws ShapeError when the shapes do not broadcast, DTypeError for an integral x, AutogradError
/// when t requires grad.
///
///     Tensor loss = F::soft_margin_loss(score, y_true);
Tensor soft_margin_loss(In y_pred, const Tensor& y_true, const SoftMarginLossOptions& options = {});

}  // namespace functional

/// soft_margin_loss as a module.
class SoftMarginLoss : public LossModule<SoftMarginLossOptions, functional::soft_margin_loss> {
  using LossModule::LossModule;
};

}  // namespace slope::nn
