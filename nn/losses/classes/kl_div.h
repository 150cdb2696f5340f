#pragma once

#include "slope/nn/losses/shared/common.h"
#include "slope/nn/losses/shared/loss_module.h"

namespace slope::nn {

struct KLDivLossOptions {
  /// `batchmean` divides the sum by the size of the prediction's first dimension, which gives the divergence per
  /// example; `mean` divides by the number of elements.
  ReductionOption reduction = Reduction::mean;
  /// Whether the target holds logarithms, too.
  bool log_target = false;
};

namespace functional {

/// Kullback-Leibler divergence of predicted log-probabilities x from target probabilities t: l = t·ln t - t·x, the
/// first term 0 where t = 0; of log-probabilities t: l = eᵗ·(t - x).
///
/// Shapes: x and t broadcast; result 0-d, or of the broadcast shape without reduction. ∂x = -t, ∂t = ln t + 1 - x (-inf
/// at t = 0); with log_target ∂x = -eᵗ, ∂t = eᵗ·(t - x + 1). `mean` is not the divergence, and the first use says so on
/// the standard error stream. Throws DTypeError for integral arguments, ShapeError when the shapes do not broadcast.
///
///     Tensor loss = F::kl_div(log_softmax(x, 1), p, {.reduction = Reduction::batchmean});
Tensor kl_div(In y_pred, const Tensor& y_true, const KLDivLossOptions& options = {});

}  // namespace functional

/// kl_div as a module.
class KLDivLoss : public LossModule<KLDivLossOptions, functional::kl_div> {
  using LossModule::LossModule;
};

}  // namespace slope::nn
