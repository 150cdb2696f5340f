#pragma once

#include "slope/nn/losses/shared/common.h"
#include "slope/nn/losses/shared/loss_module.h"

namespace slope::nn {

struct MSELossOptions {
  ReductionOption reduction = Reduction::mean;
  /// One weight per element, of the shape of the prediction; the mean then divides by Σw.
  Tensor weight{};
};

namespace functional {

/// Squared error l = (x - t)².
///
/// Shapes: prediction and target alike; result 0-d, or theirs without reduction. With `weight` (of that shape, too):
/// w·l, Σ w·l, or Σ w·l / Σ w. ∂x = 2(x - t), ∂t = -∂x, ∂w = l (mean: (l - L)/Σw). Throws ShapeError when the shapes differ,
/// DTypeError for an integral prediction.
///
///     Tensor loss = F::mse_loss(y_pred, y_true, {.reduction = Reduction::sum});
Tensor mse_loss(In y_pred, const Tensor& y_true, const MSELossOptions& options = {});

}  // namespace functional

/// mse_loss as a module.
///
///     nn::MSELoss loss;
///     loss(y_pred, y_true).backward();
class MSELoss : public LossModule<MSELossOptions, functional::mse_loss> {
  using LossModule::LossModule;
};

}  // namespace slope::nn
