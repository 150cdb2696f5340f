#pragma once

#include "slope/autograd/core/function.h"
#include "slope/nn/losses/shared/common.h"
#include "slope/nn/losses/shared/loss_module.h"

namespace slope::nn {

/// A distance of two tensors: anything called as `f(a, b)` that returns a Tensor of one number per row.
using DistanceFunction = Function<Tensor(const Tensor&, const Tensor&)>;

struct TripletMarginWithDistanceLossOptions {
  /// Empty: pairwise_distance.
  DistanceFunction distance_function{};
  /// Above 0.
  double margin = 1.0;
  /// Takes the negative's distance to the positive where that is smaller.
  bool swap = false;
  ReductionOption reduction = Reduction::mean;
};

namespace functional {

/// triplet_margin_loss with a distance of your own, which the gradient passes through: l = max(0, margin + d(a, p) -
/// d(a, n)).
///
/// Shapes: three of the same number of dimensions; the result is that of the distances, or 0-d. Swaps, ties and errors
/// as in triplet_margin_loss.
///
///     auto squared = [](const Tensor& a, const Tensor& b) { return square(a - b).sum(-1); };
///     Tensor loss = F::triplet_margin_with_distance_loss(anchor, positive, negative, {.distance_function = squared});
Tensor triplet_margin_with_distance_loss(In anchor, const Tensor& positive, const Tensor& negative,
                                         const TripletMarginWithDistanceLossOptions& options = {});

}  // namespace functional

/// triplet_margin_with_distance_loss as a module.
class TripletMarginWithDistanceLoss : public LossModule<TripletMarginWithDistanceLossOptions,
                                                        functional::triplet_margin_with_distance_loss, Tensor, Tensor> {
  using LossModule::LossModule;
};

}  // namespace slope::nn
