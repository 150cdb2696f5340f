#pragma once

#include "slope/nn/losses/shared/common.h"
#include "slope/nn/losses/shared/loss_module.h"

namespace slope::nn {

struct SmoothL1LossOptions {
  ReductionOption reduction = Reduction::mean;
  double beta = 1.0;
};

namespace functional {

/// Quadratic near zero, linear beyond (Girshick, Fast R-CNN, 2015): with d = x - t,
/// l = d²/(2β) where |d| < β, else |d| - β/2.
///
/// Shapes as mse_loss. ∂x = d/β or sign(d); both branches meet at |d| = β, where the second derivative is 0. β = 0 is
/// l1_loss. Throws ValueError for β < 0.
///
///     Tensor loss = F::smooth_l1_loss(y_pred, y_true, {.beta = 0.5});
Tensor smooth_l1_loss(In y_pred, const Tensor& y_true, const SmoothL1LossOptions& options = {});

}  // namespace functional

/// smooth_l1_loss as a module.
class SmoothL1Loss : public LossModule<SmoothL1LossOptions, functional::smooth_l1_loss> {
  using LossModule::LossModule;
};

}  // namespace slope::nn
