#pragma once

#include "slope/nn/losses/shared/common.h"
#include "slope/nn/losses/shared/loss_module.h"

namespace slope::nn {

/// The Lovász losses have none.
struct LovaszLossOptions {};

namespace functional {

/// Lovász hinge (Berman et al., The Lovász-Softmax loss, 2018), a convex surrogate of 1 - IoU for binary segmentation:
/// with errors e = 1 - x·(2t-1) in descending order and the labels in the same order, Σᵢ max(eᵢ, 0)·(Jᵢ - Jᵢ₋₁), where
/// J = 1 - (Σt - cumsum(t))/(Σt + cumsum(1-t)).
///
/// Shapes: logits x and labels t (any dtype, each 0 or 1) alike, all elements together; result 0-d. The order counts as
/// constant: ∂xⱼ = -(2tⱼ-1)·(Jᵢ - Jᵢ₋₁) where eⱼ > 0, i being the place of j; equal errors stand in the order of their
/// positions, and the second derivative is 0. Without a label 1 only the largest error counts; without elements it is
/// 0. Not differentiable by the labels. Throws ShapeError when the shapes differ, ValueError for other labels,
/// AutogradError for labels that require grad.
///
///     Tensor loss = F::lovasz_hinge_loss(logits, mask);
Tensor lovasz_hinge_loss(In y_pred, const Tensor& y_true, const LovaszLossOptions& options = {});

/// Lovász-Softmax (the same paper): the mean over the classes c that occur in the labels of Σᵢ eᵢ·(Jᵢ - Jᵢ₋₁), with
/// errors e = |[t = c] - p_c| in descending order and J as above for the labels [t = c].
///
/// Shapes: probabilities p [P, C], int64 labels t [P]; result 0-d. The order counts as constant, as above; classes that
/// do not occur receive no gradient; without rows no class occurs, and the mean is NaN. Throws ShapeError for shapes
/// that do not fit, DTypeError for dtypes, IndexError for labels outside [0, C).
///
///     Tensor loss = F::lovasz_softmax_loss(softmax(logits, 1), labels);
Tensor lovasz_softmax_loss(In y_pred, const Tensor& y_true, const LovaszLossOptions& options = {});

}  // namespace functional

/// lovasz_hinge_loss as a module.
class LovaszHingeLoss : public LossModule<LovaszLossOptions, functional::lovasz_hinge_loss> {
  using LossModule::LossModule;
};

/// lovasz_softmax_loss as a module.
class LovaszSoftmaxLoss : public LossModule<LovaszLossOptions, functional::lovasz_softmax_loss> {
  using LossModule::LossModule;
};

}  // namespace slope::nn
