#pragma once

#include "slope/nn/losses/shared/common.h"
#include "slope/nn/losses/shared/loss_module.h"

namespace slope::nn {

struct MSLELossOptions {
  ReductionOption reduction = Reduction::mean;
};

namespace functional {

/// Squared error of logarithms: l = (ln(1+x) - ln(1+t))², for quantities whose ratio counts. Numbers below -1 have no
/// logarithm and give NaN.
///
/// Shapes and errors as mse_loss. ∂x = 2(ln(1+x) - ln(1+t))/(1+x), ∂t = -2(ln(1+x) - ln(1+t))/(1+t).
///
///     Tensor loss = F::msle_loss(y_pred, y_true);
Tensor msle_loss(In y_pred, const Tensor& y_true, const MSLELossOptions& options = {});

}  // namespace functional

/// msle_loss as a module.
class MSLELoss : public LossModule<MSLELossOptions, functional::msle_loss> {
  using LossModule::LossModule;
};

}  // namespace slope::nn
