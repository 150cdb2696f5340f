#pragma once

#include "slope/nn/losses/shared/internal/weighted.h"

namespace slope::nn::detail {

/// All of a loss that is one formula of the prediction and a target of its shape: checks, the weight among the options if
/// there is one, the reduction. Checks of other options come before it.
template <class F, class Options>
Tensor elementwise_loss(const char* op, const F& f, In y_pred, const Tensor& y_true, const Options& options,
                        WeightedMean mean = WeightedMean::by_weight) {
  const CallerScope scope(y_pred.loc);
  require_alike(op, y_pred, y_true, options.reduction);
  if constexpr (requires { options.weight; })
    if (options.weight.defined()) return weighted_loss(op, f, y_pred, y_true, options.weight, options.reduction, mean);
  return slope::detail::pointwise_loss(f, options.reduction, y_pred, y_true);
}

}  // namespace slope::nn::detail
