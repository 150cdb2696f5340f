#pragma once

#include "slope/nn/losses/shared/common.h"
#include "slope/nn/losses/shared/loss_module.h"

namespace slope::nn {

struct PairwiseDistanceOptions {
  /// Order of the norm; 0 counts, ±infinity takes the largest or smallest.
  double p = 2.0;
  /// Added to every component of the difference.
  double eps = 1e-6;
  /// Keeps the last dimension, of size 1.
  bool keepdim = false;
};

namespace functional {

/// d = ‖x1 - x2 + eps‖_p along the last dimension, (Σ|u|^p)^(1/p) with u = x1 - x2 + eps.
///
/// Shapes: x1 and x2 [..., D] broadcast; the result has their common shape without the last dimension. ∂x1 = -∂x2 is
/// sign(u) for p = 1, u/d for p = 2, in general sign(u)·(|u|/d)^(p-1); 0 where u or d is 0. For p = ∞ components of
/// equal size share it; for p = 0, the number of components that are not 0, it is 0. Throws DTypeError for integral
/// inputs, ShapeError for shapes that do not broadcast and for p < 0 or p = ∞ of vectors without components, ValueError
/// for p = NaN.
///
///     Tensor d = F::pairwise_distance(anchor, positive, {.p = 1});
Tensor pairwise_distance(In x1, const Tensor& x2, const PairwiseDistanceOptions& options = {});

}  // namespace functional

/// pairwise_distance as a module.
class PairwiseDistance : public LossModule<PairwiseDistanceOptions, functional::pairwise_distance> {
  using LossModule::LossModule;
};

}  // namespace slope::nn
