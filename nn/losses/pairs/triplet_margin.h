#pragma once

#include "slope/nn/losses/shared/common.h"
#include "slope/nn/losses/shared/loss_module.h"

namespace slope::nn {

struct TripletMarginLossOptions {
  /// Above 0.
  double margin = 1.0;
  /// Order of the distance, as in pairwise_distance.
  double p = 2.0;
  double eps = 1e-6;
  /// Takes the negative's distance to the positive where that is smaller.
  bool swap = false;
  ReductionOption reduction = Reduction::mean;
};

namespace functional {

/// An anchor should be nearer to the positive than to the negative, by a margin (Balntas et al., 2016):
/// l = max(0, margin + d(a, p) - d(a, n)), d being pairwise_distance; with `swap`, min(d(a, n), d(p, n)) in place of
/// d(a, n).
///
/// Shapes: three of the same number of dimensions, [N, D] or [D], sizes of 1 repeat; result 0-d, or [N] ([]) without
/// reduction. The gradient passes where margin + d(a, p) - d(a, n) >= 0, and is shared by halves where both distances
/// of a swap are equal. Throws ValueError unless margin > 0, ShapeError for other shapes.
///
///     Tensor loss = F::triplet_margin_loss(anchor, positive, negative, {.swap = true});
Tensor triplet_margin_loss(In anchor, const Tensor& positive, const Tensor& negative,
                           const TripletMarginLossOptions& options = {});

}  // namespace functional

/// triplet_margin_loss as a module.
class TripletMarginLoss : public LossModule<TripletMarginLossOptions, functional::triplet_margin_loss, Tensor, Tensor> {
  using LossModule::LossModule;
};

}  // namespace slope::nn
