#pragma once

#include "slope/nn/losses/shared/common.h"
#include "slope/nn/losses/shared/loss_module.h"

namespace slope::nn {

struct NTXentLossOptions {
  double temperature = 0.5;
  ReductionOption reduction = Reduction::mean;
};

namespace functional {

/// Normalized temperature-scaled cross entropy (Chen et al., A Simple Framework for Contrastive Learning, 2020): each
/// of the 2N rows of z = normalize(cat(z1, z2)) picks its partner, the other view of the same example, among all rows
/// but itself by softmax(z·zᵀ/τ).
///
/// Shapes: z1 and z2 [N, D]; result 0-d, or [2N] without reduction, rows of z1 first. Throws as info_nce_loss.
///
///     Tensor loss = F::nt_xent_loss(projection(view1), projection(view2));
Tensor nt_xent_loss(In z1, const Tensor& z2, const NTXentLossOptions& options = {});

}  // namespace functional

/// nt_xent_loss as a module.
class NTXentLoss : public LossModule<NTXentLossOptions, functional::nt_xent_loss> {
  using LossModule::LossModule;
};

}  // namespace slope::nn
