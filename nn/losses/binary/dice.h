#pragma once

#include "slope/nn/losses/shared/common.h"
#include "slope/nn/losses/shared/loss_module.h"

namespace slope::nn {

struct DiceLossOptions {
  /// Added to numerator and denominator: keeps samples without any positive defined.
  double smooth = 1.0;
  ReductionOption reduction = Reduction::mean;
};

namespace functional {

/// How little prediction and target overlap (Milletari et al., V-Net, 2016): per sample
/// l = 1 - (2·Σpt + s) / (Σp + Σt + s), sums over all dimensions after the first.
///
/// Shapes: p (probabilities) and t alike, [N, ...]; result 0-d, or [N] without reduction. With D = Σp + Σt + s,
/// ∂p = ((2·Σpt + s)/D - 2t)/D, and ∂t the same with p. A denominator of 0 gives NaN. Throws ShapeError when the shapes
/// differ or are 0-d, DTypeError for an integral prediction.
///
///     Tensor loss = F::dice_loss(sigmoid(logits), masks);
Tensor dice_loss(In y_pred, const Tensor& y_true, const DiceLossOptions& options = {});

}  // namespace functional

/// dice_loss as a module.
class DiceLoss : public LossModule<DiceLossOptions, functional::dice_loss> {
  using LossModule::LossModule;
};

}  // namespace slope::nn
