#pragma once

#include "slope/nn/losses/shared/common.h"
#include "slope/nn/losses/shared/loss_module.h"

namespace slope::nn {

struct InfoNCELossOptions {
  double temperature = 0.1;
  ReductionOption reduction = Reduction::mean;
};

namespace functional {

/// InfoNCE (van den Oord et al., Representation Learning with Contrastive Predictive Coding, 2018): the cross entropy
/// of picking the own key among all keys of the batch, -ln softmax(q̂·K̂ᵀ/τ)_n for row n, with q̂ = q/max(‖q‖, 1e-12), K̂
/// alike.
///
/// Shapes: query and key [N, D]; result 0-d, or [N] without reduction. Gradients reach both; of a zero vector they are
/// of the order 1e12. Throws ShapeError unless both are matrices of one shape, DTypeError for integers, ValueError
/// unless τ > 0.
///
///     Tensor loss = F::info_nce_loss(encoder(view1), encoder(view2).detach(), {.temperature = 0.07});
Tensor info_nce_loss(In query, const Tensor& key, const InfoNCELossOptions& options = {});

}  // namespace functional

/// info_nce_loss as a module.
class InfoNCELoss : public LossModule<InfoNCELossOptions, functional::info_nce_loss> {
  using LossModule::LossModule;
};

}  // namespace slope::nn
