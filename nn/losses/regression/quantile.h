#pragma once

#include "slope/nn/losses/shared/common.h"
#include "slope/nn/losses/shared/loss_module.h"

namespace slope::nn {

struct QuantileLossOptions {
  /// Which quantile is estimated, in (0, 1); 0.5 is half of l1_loss.
  double q = 0.5;
  ReductionOption reduction = Reduction::mean;
};

namespace functional {

/// Pinball loss, whose minimum is the q-quantile of the targets (Koenker and Bassett, Regression Quantiles, 1978): with
/// u = t - x, l = max(q·u, (q-1)·u).
///
/// Shapes as mse_loss. ∂x = -q where u > 0, 1-q where u < 0, 0 where u = 0; ∂t = -∂x. Throws ValueError unless 0 < q <
/// 1, else as mse_loss.
///
///     Tensor upper = F::quantile_loss(y_pred, y_true, {.q = 0.9});
Tensor quantile_loss(In y_pred, const Tensor& y_true, const QuantileLossOptions& options = {});

}  // namespace functional

/// quantile_loss as a module.
class QuantileLoss : public LossModule<QuantileLossOptions, functional::quantile_loss> {
  using LossModule::LossModule;
};

}  // namespace slope::nn
