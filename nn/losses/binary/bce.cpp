#include "slope/nn/losses/binary/bce.h"

#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/ops/pointwise/pointwise.h"
#include "slope/nn/losses/binary/internal/bce_formula.h"
#include "slope/nn/losses/binary/internal/probabilities.h"
#include "slope/nn/losses/shared/internal/check_values.h"
#include "slope/nn/losses/shared/internal/weighted.h"

namespace slope {

namespace {

struct WeightedBinaryCrossEntropy {
  static constexpr const char* name = "BinaryCrossEntropy";
  static constexpr const char* arguments[] = {"input", "target", "weight"};
  static constexpr unsigned differentiable = 0b011;
  template <class T>
  T operator()(const T& x, const T& t, const T& w) const {
    return nn::detail::weigh(w, formula::BinaryCrossEntropy{}(x, t));
  }
  template <class T>
  T d0(const T& x, const T& t, const T& w, const T& y) const {
    return nn::detail::weigh(w, formula::BinaryCrossEntropy{}.d0(x, t, y));
  }
  template <class T>
  T d1(const T& x, const T& t, const T& w, const T& y) const {
    return nn::detail::weigh(w, formula::BinaryCrossEntropy{}.d1(x, t, y));
  }
};

}  // namespace

Tensor binary_cross_entropy(In x, const Tensor& t) {
  return detail::pointwise_op(formula::BinaryCrossEntropy{}, x, Operand(t, x.loc));
}

namespace nn::functional {

Tensor binary_cross_entropy(In y_pred, const Tensor& y_true, const BCELossOptions& options) {
  constexpr const char* op = "binary_cross_entropy";
  CallerScope scope(y_pred.loc);
  detail::require_floating(op, y_pred);
  if (!y_true.defined() || y_pred->shape() != y_true.shape())
    throw ShapeError(concat(op, ": Using a target size (", y_true.defined() ? to_text(y_true.shape()) : "undefined",
                            ") that is different to the input size (", to_text(y_pred->shape()),
                            ") is deprecated. Please ensure they have the same size."),
                     y_pred.loc);
  if (y_true.dtype() != y_pred->dtype())
    throw DTypeError(
        concat(op, ": the target must have the dtype of the input, ", dtype_name(y_pred->dtype()), ", but is ",
               dtype_name(y_true.dtype()), "; convert it with .to(", dtype_name(y_pred->dtype()), ")"),
        y_pred.loc);
  detail::require_plain_reduction(op, options.reduction, y_pred.loc);
  if (options.weight.defined()) detail::require_broadcasts_to(op, "weight", options.weight, y_true.shape(), y_pred.loc);
  const auto loss = [&] {
    if (options.weight.defined())
      return slope::detail::pointwise_loss(WeightedBinaryCrossEntropy{}, options.reduction, y_pred, y_true,
                                           options.weight.to(y_pred->dtype(), y_pred.loc));
    return slope::detail::pointwise_loss(formula::BinaryCrossEntropy{}, options.reduction, y_pred, y_true);
  };
  const auto check = [&] {
    if (!options.weight.defined()) return detail::require_probabilities(op, y_pred);
    const NoGradGuard no_grad;
    detail::require_probabilities(op, {where(options.weight == 0.0, 0.5, y_pred), y_pred.loc});  // of what counts
  };
  return detail::checked_loss(options.reduction, y_pred.tensor, loss, check);
}

}  // namespace nn::functional
}  // namespace slope
