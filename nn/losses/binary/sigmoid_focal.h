#pragma once

#include "slope/nn/losses/shared/common.h"
#include "slope/nn/losses/shared/loss_module.h"

namespace slope::nn {

struct SigmoidFocalLossOptions {
  /// Weight of positive examples, 1 - α that of negative ones; none where it is negative.
  double alpha = 0.25;
  double gamma = 2.0;
  ReductionOption reduction = Reduction::none;
};

namespace functional {

/// Focal loss of logits x (Lin et al., Focal Loss for Dense Object Detection, 2017): with p = σ(x),
/// p_t = t·p + (1-t)·(1-p) and a_t = t·α + (1-t)·(1-α),  l = a_t·(1 - p_t)^γ·bce_with_logits(x, t).
///
/// Shapes: x and t alike; result theirs, unless a reduction is asked for: the default is `none`. The derivatives, by x
/// and by t, keep their tails: neither overflows nor loses what is small at |x| = 1000, whatever γ >= 0. Throws
/// ShapeError when the shapes differ, DTypeError for an integral x. On probabilities: focal_loss.
///
///     Tensor loss = F::sigmoid_focal_loss(logits, y_true, {.alpha = 0.25, .reduction = Reduction::mean});
Tensor sigmoid_focal_loss(In y_pred, const Tensor& y_true, const SigmoidFocalLossOptions& options = {});

}  // namespace functional

/// sigmoid_focal_loss as a module.
class SigmoidFocalLoss : public LossModule<SigmoidFocalLossOptions, functional::sigmoid_focal_loss> {
  using LossModule::LossModule;
};

}  // namespace slope::nn
