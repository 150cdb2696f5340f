#pragma once

#include "slope/nn/losses/shared/common.h"
#include "slope/nn/losses/shared/loss_module.h"

namespace slope::nn {

struct NLLLossOptions {
  /// One weight per class; a class of weight 0 contributes exactly 0. Not differentiable.
  Tensor weight{};
  /// Positions with this target do not count; any integer.
  std::int64_t ignore_index = -100;
  ReductionOption reduction = Reduction::mean;
};

namespace functional {

/// Negative log likelihood of log-probabilities x: l = -w_c·x_c at the class c = target.
///
/// Shapes: x [C], [N, C] or [N, C, d1, ...] with int64 targets [], [N] or [N, d1, ...]; result 0-d, or the target's shape
/// without reduction. The mean is Σl / Σw_c over positions not ignored: NaN, with gradient 0, when all are. ∂x_c = -w_c, 0
/// elsewhere and at ignored positions, whatever x is there. Throws IndexError for a target outside [0, C), ShapeError for
/// shapes that do not fit, DTypeError unless the target is int64.
///
///     Tensor loss = F::nll_loss(log_softmax(logits, 1), labels);
Tensor nll_loss(In y_pred, const Tensor& y_true, const NLLLossOptions& options = {});

}  // namespace functional

/// nll_loss as a module.
class NLLLoss : public LossModule<NLLLossOptions, functional::nll_loss> {
  using LossModule::LossModule;
};

}  // namespace slope::nn
