#pragma once

#include "slope/nn/losses/shared/common.h"
#include "slope/nn/losses/shared/loss_module.h"

namespace slope {

/// Elementwise -[t·ln x + (1-t)·ln(1-x)] with logarithms not below -100. Broadcasts, and gives NaN for x outside [0, 1], where
/// F::binary_cross_entropy throws.
Tensor binary_cross_entropy(In x, const Tensor& t);

namespace nn {

struct BCELossOptions {
  /// Rescales each element; broadcasts to the target. Not differentiable.
  Tensor weight{};
  ReductionOption reduction = Reduction::mean;
};

namespace functional {

/// Binary cross entropy of probabilities x: l = -w·[t·max(ln x, -100) + (1-t)·max(ln(1-x), -100)].
///
/// Shapes: x and t alike; result 0-d, or theirs without reduction; the mean divides by the number of elements.
/// ∂x = w·(x-t)/max(x(1-x), 1e-12), as PyTorch, not the derivative of the clamped logarithm; ∂t = w·(ln(1-x) - ln x).
/// Throws ShapeError when the shapes differ, DTypeError when the dtypes do, ValueError unless every x is in [0, 1] (NaN is not).
/// Prefer binary_cross_entropy_with_logits: it keeps the tails.
///
///     Tensor loss = F::binary_cross_entropy(y_pred, y_true, {.weight = w});
Tensor binary_cross_entropy(In y_pred, const Tensor& y_true, const BCELossOptions& options = {});

}  // namespace functional

/// binary_cross_entropy as a module.
///
///     nn::BCELoss loss({.reduction = Reduction::none});
class BCELoss : public LossModule<BCELossOptions, functional::binary_cross_entropy> {
  using LossModule::LossModule;
};

}  // namespace nn
}  // namespace slope
