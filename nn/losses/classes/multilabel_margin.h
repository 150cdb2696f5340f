#pragma once

#include "slope/nn/losses/shared/common.h"
#include "slope/nn/losses/shared/loss_module.h"

namespace slope::nn {

struct MultiLabelMarginLossOptions {
  ReductionOption reduction = Reduction::mean;
};

namespace functional {

/// Multi-label hinge loss: every class that is a label should score higher by 1 than every class that is none,
/// l = 1/C · Σ_{a label} Σ_{b none} max(0, 1 - x_a + x_b).
///
/// Shapes: x [N, C] or [C], int64 targets alike; result 0-d, or [N] (0-d for [C]) without reduction. A row of the
/// target lists labels up to its first -1; what follows is not used. A label listed twice counts twice; a row without
/// labels, or with all classes, costs 0. For each pair with 1 - x_a + x_b > 0, not at exactly 0, ∂x_b += 1/C and ∂x_a
/// -= 1/C. NaN makes the value NaN. Throws ShapeError when the shapes differ, DTypeError unless the target is int64,
/// IndexError for a label outside [-1, C).
///
///     Tensor loss = F::multilabel_margin_loss(scores, tensor({{3, 0, -1, -1}, {1, -1, -1, -1}}));
Tensor multilabel_margin_loss(In y_pred, const Tensor& y_true, const MultiLabelMarginLossOptions& options = {});

}  // namespace functional

/// multilabel_margin_loss as a module.
class MultiLabelMarginLoss : public LossModule<MultiLabelMarginLossOptions, functional::multilabel_margin_loss> {
  using LossModule::LossModule;
};

}  // namespace slope::nn
