#pragma once

#include "slope/nn/losses/shared/common.h"
#include "slope/nn/losses/shared/loss_module.h"

namespace slope::nn {

struct PoissonNLLLossOptions {
  /// Whether the prediction is the logarithm of the rate.
  bool log_input = true;
  /// Adds Stirling's approximation of ln t! where t > 1.
  bool full = false;
  /// Keeps the logarithm of a rate of 0 finite; not used with log_input.
  double eps = 1e-8;
  ReductionOption reduction = Reduction::mean;
};

namespace functional {

/// Negative log likelihood of counts t under a Poisson distribution, up to ln t!: l = eˣ - t·x of the logarithm x of
/// the rate, or l = x - t·ln(x + ε) of the rate itself. `full` adds t·ln t - t + ln(2πt)/2 where t > 1.
///
/// Shapes: x and t broadcast; result 0-d, or of the broadcast shape without reduction. ∂x = eˣ - t, or 1 - t/(x + ε);
/// ∂t = -x, or -ln(x + ε); `full` adds ln t + 1/(2t) where t > 1. Rates are not checked for being positive. Throws
/// DTypeError for an integral prediction, ShapeError when the shapes do not broadcast.
///
///     Tensor loss = F::poisson_nll_loss(log_rate, counts);
Tensor poisson_nll_loss(In y_pred, const Tensor& y_true, const PoissonNLLLossOptions& options = {});

}  // namespace functional

/// poisson_nll_loss as a module.
class PoissonNLLLoss : public LossModule<PoissonNLLLossOptions, functional::poisson_nll_loss> {
  using LossModule::LossModule;
};

}  // namespace slope::nn
