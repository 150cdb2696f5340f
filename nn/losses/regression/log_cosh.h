#pragma once

#include "slope/nn/losses/shared/common.h"
#include "slope/nn/losses/shared/loss_module.h"

namespace slope::nn {

struct LogCoshLossOptions {
  ReductionOption reduction = Reduction::mean;
};

namespace functional {

/// l = ln cosh(x - t): d²/2 near zero, |d| - ln 2 far away.
///
/// Shapes and errors as mse_loss. ∂x = tanh(x - t), ∂t = -∂x. Neither overflows, and small differences keep their
/// relative accuracy: l(1e-9) = 5e-19.
///
///     Tensor loss = F::log_cosh_loss(y_pred, y_true);
Tensor log_cosh_loss(In y_pred, const Tensor& y_true, const LogCoshLossOptions& options = {});

}  // namespace functional

/// log_cosh_loss as a module.
class LogCoshLoss : public LossModule<LogCoshLossOptions, functional::log_cosh_loss> {
  using LossModule::LossModule;
};

}  // namespace slope::nn
