#include "slope/nn/losses/sigmoid_focal.h"

#include "slope/autograd/ops/pointwise.h"
#include "slope/nn/losses/bce_with_logits_formula.h"
#include "slope/nn/losses/focal_terms.h"

namespace slope::nn::functional {

namespace {

struct SigmoidFocal {
  static constexpr const char* name = "SigmoidFocalLoss";
  double gamma = 2, positive = 0.25, negative = 0.75;
  template <class T>
  detail::FocalTerms<T> terms(const T& x, const T& t) const {
    using detail::by_label;
    return {by_label(t, positive, negative), by_label(t, sigmoid(-x), sigmoid(x)), detail::BceWithLogits{}(x, t)};
  }
  template <class T>
  T operator()(const T& x, const T& t) const {
    return terms(x, t).value(gamma);
  }
  template <class T>
  T d0(const T& x, const T& t, const T& y) const {
    return terms(x, t).slope(gamma, T(0), (1.0 - 2.0 * t) * (sigmoid(x) * sigmoid(-x)),
                             detail::BceWithLogits{}.d0(x, t, y));
  }
  template <class T>
  T d1(const T& x, const T& t, const T& y) const {
    return terms(x, t).slope(gamma, T(positive - negative), sigmoid(-x) - sigmoid(x),
                             detail::BceWithLogits{}.d1(x, t, y));
  }
};

}  // namespace

Tensor sigmoid_focal_loss(In y_pred, const Tensor& y_true, const SigmoidFocalLossOptions& options) {
  CallerScope scope(y_pred.loc);
  detail::require_alike("sigmoid_focal_loss", y_pred, y_true, options.reduction);
  const bool weighted = options.alpha >= 0;
  return slope::detail::pointwise_loss(
      SigmoidFocal{options.gamma, weighted ? options.alpha : 1, weighted ? 1 - options.alpha : 1}, options.reduction,
      y_pred, y_true);
}

}  // namespace slope::nn::functional
