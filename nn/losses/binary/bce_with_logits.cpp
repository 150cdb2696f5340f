#include "slope/nn/losses/binary/bce_with_logits.h"

#include "slope/autograd/ops/pointwise/pointwise.h"
#include "slope/nn/losses/binary/internal/bce_with_logits_formula.h"
#include "slope/nn/losses/shared/internal/weighted.h"

namespace slope::nn::functional {

namespace {

struct WeightedBceWithLogits {
  static constexpr const char* name = "BinaryCrossEntropyWithLogits";
  static constexpr const char* arguments[] = {"input", "target", "weight", "pos_weight"};
  static constexpr unsigned differentiable = 0b0011;
  template <class T>
  T operator()(const T& x, const T& t, const T& w, const T& p) const {
    const detail::Logit<T> y(x);
    return detail::weigh(w, counted(t, p, (1.0 - t) * y.minus_log_no() + p * t * y.minus_log_yes()));
  }
  template <class T>
  T d0(const T& x, const T& t, const T& w, const T& p, const T&) const {
    const detail::Logit<T> y(x);
    return detail::weigh(w, counted(t, p, (1.0 - t) * y.yes() - p * t * y.no()));
  }
  template <class T>
  T d1(const T& x, const T& t, const T& w, const T& p, const T&) const {
    const detail::Logit<T> y(x);
    const T d = p * y.minus_log_yes() - y.minus_log_no();
    return detail::weigh(w, where(isfinite(d), d, counted(t, p, d)));
  }
  // Nothing counts where the positive class has weight 0 and the label is positive.
  template <class T>
  static T counted(const T& t, const T& p, const T& v) {
    return where((p == 0.0) & (t == 1.0), T(0), v);
  }
};

}  // namespace

Tensor binary_cross_entropy_with_logits(In y_pred, const Tensor& y_true, const BCEWithLogitsLossOptions& options) {
  constexpr const char* op = "binary_cross_entropy_with_logits";
  CallerScope scope(y_pred.loc);
  detail::require_floating(op, y_pred);
  if (!y_true.defined() || y_pred->shape() != y_true.shape())
    throw ShapeError(concat(op, ": Target size (", y_true.defined() ? to_text(y_true.shape()) : "undefined",
                            ") must be the same as input size (", to_text(y_pred->shape()), ")"),
                     y_pred.loc);
  detail::require_plain_reduction(op, options.reduction, y_pred.loc);
  if (!options.weight.defined() && !options.pos_weight.defined())
    return slope::detail::pointwise_loss(detail::BceWithLogits{}, options.reduction, y_pred, y_true);
  // An absent weight is the number 1.
  const DType dtype = detail::result_dtype(y_pred, y_true);
  Tensor converted[2];
  const auto prepared = [&](const char* name, const Tensor& weight, Tensor& into) {
    if (!weight.defined()) return Operand(1.0);
    detail::require_broadcasts_to(op, name, weight, y_pred->shape(), y_pred.loc);
    // A tensor of one element would be read as one that broadcasts, which costs as much again where there are few
    // elements.
    if (weight.numel() == 1 && !weight.requires_grad()) return Operand(weight.item<double>());
    into = weight.to(dtype, y_pred.loc);
    return Operand(into);
  };
  const Operand weight = prepared("weight", options.weight, converted[0]);
  const Operand pos_weight = prepared("pos_weight", options.pos_weight, converted[1]);
  return slope::detail::pointwise_loss(WeightedBceWithLogits{}, options.reduction, y_pred, y_true, weight, pos_weight);
}

}  // namespace slope::nn::functional
