#pragma once

#include "slope/nn/losses/shared/common.h"
#include "slope/nn/losses/shared/loss_module.h"

namespace slope::nn {

struct CrossEntropyLossOptions {
  /// One weight per class; a class of weight 0 contributes exactly 0. Not differentiable.
  Tensor weight{};
  /// Positions with this target do not count; any integer. Only for class indices.
  std::int64_t ignore_index = -100;
  ReductionOption reduction = Reduction::mean;
  /// ε in [0, 1]: the share of the target that is spread evenly over all classes.
  double label_smoothing = 0.0;
};

namespace functional {

/// Cross entropy of logits x, -Σ_j q_j·ln softmax(x)_j, computed in one stable pass.
///
/// Shapes: x [C], [N, C] or [N, C, d1, ...]; result 0-d, or one value per position without reduction.
///  - Class indices: int64 targets [], [N] or [N, d1, ...]; q_j = (1-ε)·w_c·[j = c] + ε·w_j/C. The mean is Σl / Σw_c over
///    positions not ignored: NaN, with gradient 0, when all are.
///  - Class probabilities: a floating target t of the shape of x; q_j = w_j·((1-ε)·t_j + ε/C). The mean divides by the
///    number of positions. ∂t_j = -(1-ε)·w_j·ln softmax(x)_j.
///
/// ∂x_j = softmax(x)_j·Σq - q_j. Throws IndexError for a target outside [0, C), ShapeError for shapes that do not fit,
/// DTypeError for targets of the wrong dtype, ValueError for a label_smoothing outside [0, 1].
///
///     Tensor loss = F::cross_entropy(logits, labels, {.label_smoothing = 0.1});
Tensor cross_entropy(In y_pred, const Tensor& y_true, const CrossEntropyLossOptions& options = {});

}  // namespace functional

/// cross_entropy as a module.
///
///     nn::CrossEntropyLoss loss({.weight = tensor({1.0, 2.0, 0.5})});
class CrossEntropyLoss : public LossModule<CrossEntropyLossOptions, functional::cross_entropy> {
  using LossModule::LossModule;
};

}  // namespace slope::nn
