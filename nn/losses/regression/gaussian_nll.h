#pragma once

#include "slope/nn/losses/shared/common.h"
#include "slope/nn/losses/shared/loss_module.h"

namespace slope::nn {

struct GaussianNLLLossOptions {
  /// Adds the constant ln(2π)/2.
  bool full = false;
  /// Variances below this count as this.
  double eps = 1e-6;
  ReductionOption reduction = Reduction::mean;
};

namespace functional {

/// Negative log likelihood of targets t under a normal distribution of mean x and variance `var` (Nix and Weigend,
/// Estimating the mean and variance of the target probability distribution, 1994): with v = max(var, ε),
/// l = (ln v + (x-t)²/v)/2, plus ln(2π)/2 if `full`.
///
/// Shapes: t broadcasts with x; var is a number, or has the shape of x, that shape without its last dimension (one
/// variance per row), or that shape with a 1 in place of one dimension. ∂x = (x-t)/v, ∂t = -∂x, ∂var = (1/v -
/// (x-t)²/v²)/2, passed on as it is where var < ε, so that a collapsed variance can grow again. Throws ValueError for a
/// negative variance, ShapeError for shapes that do not fit, DTypeError for an integral prediction.
///
///     Tensor loss = F::gaussian_nll_loss(mean, y_true, var);
///     Tensor same = F::gaussian_nll_loss(mean, y_true, 1.0, {.full = true});
Tensor gaussian_nll_loss(In y_pred, const Tensor& y_true, const Operand& var,
                         const GaussianNLLLossOptions& options = {});

}  // namespace functional

/// gaussian_nll_loss as a module.
///
///     nn::GaussianNLLLoss loss;
///     loss(mean, y_true, var).backward();
class GaussianNLLLoss : public LossModule<GaussianNLLLossOptions, functional::gaussian_nll_loss, Tensor, Operand> {
  using LossModule::LossModule;
};

}  // namespace slope::nn
