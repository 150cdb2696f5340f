#pragma once

#include "slope/nn/losses/shared/common.h"
#include "slope/nn/losses/shared/loss_module.h"

namespace slope::nn {

struct TverskyLossOptions {
  /// Weight of false positives.
  double alpha = 0.5;
  /// Weight of false negatives.
  double beta = 0.5;
  double smooth = 1.0;
  /// Focuses on samples with little overlap where it is above 1.
  double gamma = 1.0;
  ReductionOption reduction = Reduction::mean;
};

namespace functional {

/// Overlap that weighs false positives and false negatives apart (Salehi et al., 2017; with γ Abraham and Khan, 2019):
/// per sample l = (1 - (TP + s) / (TP + α·FP + β·FN + s))^γ with TP = Σpt, FP = Σp(1-t), FN = Σ(1-p)t over all
/// dimensions after the first.
///
/// Shapes as dice_loss, which is α = β = 1/2. With the quotient q and its denominator D,
/// ∂p = -γ·(1-q)^(γ-1)·(t - q·(α + (1-α-β)·t))/D, and ∂t the same with p and β. Throws ShapeError when the shapes
/// differ or are 0-d, DTypeError for an integral prediction.
///
///     Tensor loss = F::tversky_loss(sigmoid(logits), masks, {.alpha = 0.3, .beta = 0.7});
Tensor tversky_loss(In y_pred, const Tensor& y_true, const TverskyLossOptions& options = {});

}  // namespace functional

/// tversky_loss as a module.
class TverskyLoss : public LossModule<TverskyLossOptions, functional::tversky_loss> {
  using LossModule::LossModule;
};

}  // namespace slope::nn
