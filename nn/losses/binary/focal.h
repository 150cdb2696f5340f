#pragma once

#include "slope/nn/losses/shared/common.h"
#include "slope/nn/losses/shared/loss_module.h"

namespace slope::nn {

struct FocalLossOptions {
  double gamma = 2.0;
  double alpha = 0.75;
  ReductionOption reduction = Reduction::mean;
};

namespace functional {

/// Focal loss of probabilities (Lin et al., Focal Loss for Dense Object Detection, 2017): with
/// p_t = t·p + (1-t)·(1-p) and a_t = t·α + (1-t)·(1-α),  l = a_t·(1 - p_t)^γ·bce(p, t).
///
/// Shapes: p and t alike; result 0-d, or theirs without reduction. The gradient is that of the composition, with the
/// gradient of binary_cross_entropy for bce. Throws as binary_cross_entropy.
///
///     Tensor loss = F::focal_loss(y_pred, y_true, {.gamma = 2.0, .alpha = 0.75});
Tensor focal_loss(In y_pred, const Tensor& y_true, const FocalLossOptions& options = {});

}  // namespace functional

/// focal_loss as a module.
class FocalLoss : public LossModule<FocalLossOptions, functional::focal_loss> {
  using LossModule::LossModule;
};

}  // namespace slope::nn
