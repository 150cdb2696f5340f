#include "slope/nn/losses/regression/l1.h"

#include "slope/autograd/ops/pointwise/pointwise.h"
#include "slope/nn/losses/regression/internal/absolute_error.h"
#include "slope/nn/losses/shared/internal/weighted.h"

namespace slope::nn::functional {

Tensor l1_loss(In y_pred, const Tensor& y_true, const L1LossOptions& options) {
  CallerScope scope(y_pred.loc);
  const Reduction reduction = options.reduction.of("l1_loss", y_pred.loc);
  detail::require_same_shape("l1_loss", y_pred, y_true);
  detail::require_plain_reduction("l1_loss", reduction, y_pred.loc);
  if (!y_pred->is_floating_point() && reduction != Reduction::mean && !options.weight.defined())
    return detail::reduce(abs(sub(y_pred->to(DType::int64), y_true)), reduction);
  detail::require_floating("l1_loss", y_pred);
  if (options.weight.defined())
    return detail::weighted_loss("l1_loss", detail::AbsoluteError{}, y_pred, y_true, options.weight, reduction,
                                 detail::WeightedMean::by_weight);
  return slope::detail::pointwise_loss(detail::AbsoluteError{}, reduction, y_pred, y_true);
}

}  // namespace slope::nn::functional
