#pragma once

#include "slope/nn/losses/shared/common.h"
#include "slope/nn/losses/shared/loss_module.h"

namespace slope::nn {

struct MarginRankingLossOptions {
  /// By how much the better one must lead.
  double margin = 0.0;
  ReductionOption reduction = Reduction::mean;
};

namespace functional {

/// Of two scores, the first should be larger where t = 1, the second where t = -1: l = max(0, -t·(x1 - x2) + margin).
///
/// Shapes: three tensors with the same number of dimensions that broadcast; result 0-d, or of the broadcast shape
/// without reduction. Where the argument of max is >= 0, exactly 0 included: ∂x1 = -t, ∂x2 = t, ∂t = -(x1 - x2); else
/// 0. Targets are not checked. Throws ShapeError when the numbers of dimensions differ or the shapes do not broadcast,
/// DTypeError for integral scores.
///
///     Tensor loss = F::margin_ranking_loss(better, worse, ones({64}), {.margin = 0.1});
Tensor margin_ranking_loss(In input1, const Tensor& input2, const Tensor& target,
                           const MarginRankingLossOptions& options = {});

}  // namespace functional

/// margin_ranking_loss as a module, called as `loss(input1, input2, target)`.
class MarginRankingLoss : public LossModule<MarginRankingLossOptions, functional::margin_ranking_loss, Tensor, Tensor> {
  using LossModule::LossModule;
};

}  // namespace slope::nn
