#include "slope/nn/losses/bce_with_logits.h"

#include "slope/autograd/ops/pointwise.h"

namespace slope::nn::functional {

namespace {

struct BceWithLogits {
  static constexpr const char* name = "BinaryCrossEntropyWithLogits";
  template <class T>
  constexpr T operator()(const T& x, const T& t) const {
    return (1.0 - t) * maximum(x, T(0)) + t * maximum(-x, T(0)) + log1p(exp(-abs(x)));
  }
  template <class T>
  constexpr T d0(const T& x, const T& t, const T&) const {
    return (1.0 - t) * sigmoid(x) - t * sigmoid(-x);
  }
  template <class T>
  constexpr T d1(const T& x, const T&, const T&) const {
    return -x;
  }
};

struct WeightedBceWithLogits {
  static constexpr const char* name = "BinaryCrossEntropyWithLogits";
  static constexpr unsigned differentiable = 0b0011;
  template <class T>
  constexpr T operator()(const T& x, const T& t, const T& w, const T& p) const {
    const T tail = log1p(exp(-abs(x)));
    return w * ((1.0 - t) * (maximum(x, T(0)) + tail) + p * t * (maximum(-x, T(0)) + tail));
  }
  template <class T>
  constexpr T d0(const T& x, const T& t, const T& w, const T& p, const T&) const {
    return w * ((1.0 - t) * sigmoid(x) - p * t * sigmoid(-x));
  }
  template <class T>
  constexpr T d1(const T& x, const T&, const T& w, const T& p, const T&) const {
    const T tail = log1p(exp(-abs(x)));
    return w * (p * (maximum(-x, T(0)) + tail) - (maximum(x, T(0)) + tail));
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
  for (const auto& [name, weight] : {std::pair{"weight", &options.weight}, std::pair{"pos_weight", &options.pos_weight}}) {
    detail::require_constant(op, name, *weight, y_pred.loc);
    if (weight->defined()) detail::require_broadcasts_to(op, name, *weight, y_pred->shape(), y_pred.loc);
  }
  if (!options.weight.defined() && !options.pos_weight.defined())
    return slope::detail::pointwise_loss(BceWithLogits{}, options.reduction, y_pred, Operand(y_true));
  const Operand one(1.0);
  return slope::detail::pointwise_loss(WeightedBceWithLogits{}, options.reduction, y_pred, Operand(y_true),
                                       options.weight.defined() ? Operand(options.weight) : one,
                                       options.pos_weight.defined() ? Operand(options.pos_weight) : one);
}

}  // namespace slope::nn::functional
