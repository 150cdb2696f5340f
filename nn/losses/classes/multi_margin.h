#pragma once

#include "slope/nn/losses/shared/common.h"
#include "slope/nn/losses/shared/loss_module.h"

namespace slope::nn {

struct MultiMarginLossOptions {
  /// 1 or 2.
  std::int64_t p = 1;
  double margin = 1.0;
  /// One weight per class; a class of weight 0 contributes exactly 0. Not differentiable.
  Tensor weight{};
  ReductionOption reduction = Reduction::mean;
};

namespace functional {

/// Multi-class hinge loss (Crammer and Singer, 2001): with z_j = margin - x_y + x_j for the classes j other than the
/// target y, l = w_y/C · Σ_{z_j > 0} z_j^p.
///
/// Shapes: x [N, C] with int64 targets [N], or [C] with []; result 0-d, or the target's shape without reduction. C
/// counts the true class too; the mean is over N. ∂x_j = h_j = w_y·p·z_j^(p-1)/C where z_j > 0, else 0, also at exactly
/// 0; ∂x_y = -Σh. NaN makes the value NaN. Throws ValueError for another p, ShapeError for other shapes, IndexError for
/// a target outside [0, C).
///
///     Tensor loss = F::multi_margin_loss(scores, labels, {.p = 2});
Tensor multi_margin_loss(In y_pred, const Tensor& y_true, const MultiMarginLossOptions& options = {});

}  // namespace functional

/// multi_margin_loss as a module.
class MultiMarginLoss : public LossModule<MultiMarginLossOptions, functional::multi_margin_loss> {
  using LossModule::LossModule;
};

}  // namespace slope::nn
