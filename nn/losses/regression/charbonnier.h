#pragma once

#include "slope/nn/losses/shared/common.h"
#include "slope/nn/losses/shared/loss_module.h"

namespace slope::nn {

struct CharbonnierLossOptions {
  /// Where the parabola turns into a line; from 1e-30 to 1e30. 1e-3 is what super-resolution networks use.
  double eps = 1e-3;
  ReductionOption reduction = Reduction::mean;
};

namespace functional {

/// l = √(d² + ε²) with d = x - t: l1_loss without its kink (Lai et al., Deep Laplacian Pyramid Networks, 2017; after
/// Charbonnier et al., Two deterministic half-quadratic regularization algorithms, 1994). Where x = t it is ε, not 0.
///
/// Shapes as mse_loss. ∂x = d/l, ∂t = -∂x; nothing overflows. Throws ValueError for an ε out of range, else as
/// mse_loss.
///
///     Tensor loss = F::charbonnier_loss(y_pred, y_true, {.eps = 1e-2});
Tensor charbonnier_loss(In y_pred, const Tensor& y_true, const CharbonnierLossOptions& options = {});

}  // namespace functional

/// charbonnier_loss as a module.
class CharbonnierLoss : public LossModule<CharbonnierLossOptions, functional::charbonnier_loss> {
  using LossModule::LossModule;
};

}  // namespace slope::nn
