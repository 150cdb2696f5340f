#pragma once

#include "slope/nn/losses/shared/common.h"
#include "slope/nn/losses/shared/loss_module.h"

namespace slope::nn {

struct L1LossOptions {
  ReductionOption reduction = Reduction::mean;
  /// One weight per element, of the shape of the prediction; the mean then divides by Σw.
  Tensor weight{};
};

namespace functional {

/// Absolute error l = |x - t|.
///
/// Shapes, weights and errors as mse_loss; integral predictions are allowed for `none` and `sum`. ∂x = sign(x - t), 0 where
/// x = t; ∂t = -∂x.
///
///     Tensor loss = F::l1_loss(y_pred, y_true);
Tensor l1_loss(In y_pred, const Tensor& y_true, const L1LossOptions& options = {});

}  // namespace functional

/// l1_loss as a module.
class L1Loss : public LossModule<L1LossOptions, functional::l1_loss> {
  using LossModule::LossModule;
};

}  // namespace slope::nn
