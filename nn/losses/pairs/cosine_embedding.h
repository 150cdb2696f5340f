#pragma once

#include "slope/nn/losses/shared/common.h"
#include "slope/nn/losses/shared/loss_module.h"

namespace slope::nn {

struct CosineEmbeddingLossOptions {
  /// Rows that should differ cost nothing below this cosine; between -1 and 1, best 0 to 0.5.
  double margin = 0.0;
  ReductionOption reduction = Reduction::mean;
};

namespace functional {

/// Rows that should point the same way (t = 1) or not (t = -1): with c = Σab / √((Σa² + e)·(Σb² + e)), e = 1e-12,
/// l = 1 - c where t = 1, max(0, c - margin) where t = -1, and 0 for any other t.
///
/// Shapes: input1 and input2 [N, D] with target [N], result [N] without reduction; or [D] with a 0-d target. N of 1
/// repeats. Targets may be integers. ∂c passes where c - margin >= 0; ∂a = ∂c·(b/√(AB) - c·a/A) with A = Σa² + e, B =
/// Σb² + e. A zero vector has c = 0 and a gradient of order 1e6. Not differentiable by the target. Throws ShapeError
/// for other shapes.
///
///     Tensor loss = F::cosine_embedding_loss(left, right, tensor({1, -1}), {.margin = 0.2});
Tensor cosine_embedding_loss(In input1, const Tensor& input2, const Tensor& target,
                             const CosineEmbeddingLossOptions& options = {});

}  // namespace functional

/// cosine_embedding_loss as a module.
class CosineEmbeddingLoss
    : public LossModule<CosineEmbeddingLossOptions, functional::cosine_embedding_loss, Tensor, Tensor> {
  using LossModule::LossModule;
};

}  // namespace slope::nn
