#pragma once

#include "slope/nn/losses/shared/common.h"
#include "slope/nn/losses/shared/loss_module.h"

namespace slope::nn {

struct HuberLossOptions {
  ReductionOption reduction = Reduction::mean;
  /// Where the parabola ends; positive.
  double delta = 1.0;
  /// One weight per element, of the shape of the prediction; the mean still divides by the number of elements.
  Tensor weight{};
};

namespace functional {

/// Quadratic near zero, linear beyond (Huber, Robust Estimation of a Location Parameter, 1964): with d = x - t,
/// l = d²/2 where |d| < δ, else δ(|d| - δ/2).
///
/// Shapes as mse_loss. ∂x = d where |d| < δ, else δ·sign(d); ∂t = -∂x. Both branches meet at |d| = δ, where the second
/// derivative is 0. With `weight` (of the shape of x): w·l, its sum, or its mean over the elements, unlike mse_loss; ∂w
/// = l. δ times smooth_l1_loss of β = δ. Throws ValueError unless δ > 0, else as mse_loss.
///
///     Tensor loss = F::huber_loss(y_pred, y_true, {.delta = 0.5});
Tensor huber_loss(In y_pred, const Tensor& y_true, const HuberLossOptions& options = {});

}  // namespace functional

/// huber_loss as a module.
class HuberLoss : public LossModule<HuberLossOptions, functional::huber_loss> {
  using LossModule::LossModule;
};

}  // namespace slope::nn
