#include "slope/nn/losses/classes/sce.h"

#include <limits>

#include "slope/autograd/ops/pointwise/pointwise.h"
#include "slope/nn/losses/classes/cross_entropy.h"
#include "slope/nn/losses/classes/internal/class_targets.h"

namespace slope::nn::functional {

namespace {

/// Of the cross entropy of a position.
struct Symmetric {
  static constexpr const char* name = "SceLoss";
  double alpha = 0.1, reverse = -4;  // β·A
  template <class T>
  T operator()(const T& ce) const {
    return alpha * ce + reverse * expm1(-ce);
  }
  template <class T>
  T d0(const T& ce, const T&) const {
    return alpha - reverse * exp(-ce);
  }
};

}  // namespace

Tensor sce_loss(In y_pred, const Tensor& y_true, const SCELossOptions& options) {
  constexpr const char* op = "sce_loss";
  CallerScope scope(y_pred.loc);
  if (!(options.log_zero < 0))
    throw ValueError(
        concat(op, ": log_zero stands for the logarithm of 0 and must be negative. Got ", options.log_zero),
        y_pred.loc);
  detail::require_floating(op, y_pred);
  detail::require_plain_reduction(op, options.reduction, y_pred.loc);
  // Checked under this function's name.
  const double counted =
      detail::class_targets(op, y_pred, y_true, {}, options.ignore_index).total_weight(op, y_pred.loc);
  const Symmetric formula{options.alpha, options.beta * options.log_zero};
  const Tensor ce = cross_entropy(y_pred, y_true, {.ignore_index = options.ignore_index, .reduction = Reduction::none});
  if (options.reduction != Reduction::mean || counted == static_cast<double>(ce.numel()))
    return slope::detail::pointwise_loss(formula, options.reduction, ce);
  // An ignored position adds 0 to the sum. With nothing but those the mean is NaN and the gradient 0.
  const Tensor sum = slope::detail::pointwise_loss(formula, Reduction::sum, ce);
  return counted > 0 ? sum / counted : sum + std::numeric_limits<double>::quiet_NaN();
}

}  // namespace slope::nn::functional
