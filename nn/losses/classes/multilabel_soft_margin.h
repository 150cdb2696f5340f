#pragma once

#include "slope/nn/losses/shared/common.h"
#include "slope/nn/losses/shared/loss_module.h"

namespace slope::nn {

struct MultiLabelSoftMarginLossOptions {
  /// Rescales each element, usually one per class; broadcasts to the input. Differentiable; as an option of the module
  /// a constant.
  Tensor weight{};
  ReductionOption reduction = Reduction::mean;
};

namespace functional {

/// Binary cross entropy of logits, averaged over the classes: l = -1/C · Σ w·(t·log σ(x) + (1-t)·log σ(-x)) along the
/// last dimension.
///
/// Shapes: x and t alike, [..., C]; result 0-d, or [...] without reduction. Divides by C, not by Σw. ∂x = w·(σ(x) -
/// t)/C, ∂t = -w·x/C, ∂w = e/C, e being what w multiplies. Throws ShapeError when the shapes differ, are 0-d, or w does
/// not broadcast, DTypeError for an integral prediction.
///
///     Tensor loss = F::multilabel_soft_margin_loss(logits, labels);
Tensor multilabel_soft_margin_loss(In y_pred, const Tensor& y_true,
                                   const MultiLabelSoftMarginLossOptions& options = {});

}  // namespace functional

/// multilabel_soft_margin_loss as a module.
class MultiLabelSoftMarginLoss
    : public LossModule<MultiLabelSoftMarginLossOptions, functional::multilabel_soft_margin_loss> {
  using LossModule::LossModule;
};

}  // namespace slope::nn
