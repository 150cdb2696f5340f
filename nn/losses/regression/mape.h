#pragma once

#include "slope/nn/losses/shared/common.h"
#include "slope/nn/losses/shared/loss_module.h"

namespace slope::nn {

struct MAPELossOptions {
  /// Targets smaller than this count as this; positive.
  double eps = 1e-7;
  ReductionOption reduction = Reduction::mean;
};

namespace functional {

/// Absolute error relative to the target: l = |x - t|/max(|t|, ε), as a fraction, not times 100.
///
/// Shapes as mse_loss. ∂x = sign(x-t)/max(|t|, ε), 0 where x = t; ∂t = -sign(x-t)·x/(t·|t|) where |t| >= ε, -∂x else.
/// Throws ValueError unless ε > 0, else as mse_loss.
///
///     Tensor loss = F::mape_loss(y_pred, y_true);
Tensor mape_loss(In y_pred, const Tensor& y_true, const MAPELossOptions& options = {});

}  // namespace functional

/// mape_loss as a module.
class MAPELoss : public LossModule<MAPELossOptions, functional::mape_loss> {
  using LossModule::LossModule;
};

}  // namespace slope::nn
