#pragma once

#include "slope/nn/losses/shared/common.h"
#include "slope/nn/losses/shared/loss_module.h"

namespace slope::nn {

struct HingeEmbeddingLossOptions {
  /// Up to which distance unlike pairs are pushed apart.
  double margin = 1.0;
  ReductionOption reduction = Reduction::mean;
};

namespace functional {

/// Of distances x between pairs that are alike (t = 1) or not (t = -1): l = x, or max(0, margin - x).
///
/// Shapes: x and t broadcast; result 0-d, or of the broadcast shape without reduction. Any other t gives the sum of
/// both terms, as in PyTorch. ∂x = [t ≠ -1] - [t ≠ 1]·[margin - x >= 0]; the target, which may be integral, is not
/// differentiable. Throws ShapeError when the shapes do not broadcast, DTypeError for an integral x, AutogradError when
/// t requires grad.
///
///     Tensor loss = F::hinge_embedding_loss(distance, y_true);
Tensor hinge_embedding_loss(In y_pred, const Tensor& y_true, const HingeEmbeddingLossOptions& options = {});

}  // namespace functional

/// hinge_embedding_loss as a module.
class HingeEmbeddingLoss : public LossModule<HingeEmbeddingLossOptions, functional::hinge_embedding_loss> {
  using LossModule::LossModule;
};

}  // namespace slope::nn
