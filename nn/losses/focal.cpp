#include "slope/nn/losses/focal.h"

#include "slope/autograd/ops/pointwise.h"
#include "slope/nn/losses/bce.h"
#include "slope/nn/losses/bce_formula.h"
#include "slope/nn/losses/probabilities.h"

namespace slope {

namespace {

// Outside namespace functional, whose binary_cross_entropy would hide the vocabulary's word.
struct Focal {
  static constexpr const char* name = "FocalLoss";
  double gamma = 2.0, alpha = 0.75;
  template <class P, class Y>
  auto operator()(const P& p, const Y& y) const {
    auto p_t = y * p + (1.0 - y) * (1.0 - p);
    auto a_t = y * alpha + (1.0 - y) * (1.0 - alpha);
    return a_t * pow(1.0 - p_t, gamma) * binary_cross_entropy(p, y);
  }
};

}  // namespace

namespace nn::functional {

Tensor focal_loss(In y_pred, const Tensor& y_true, const FocalLossOptions& options) {
  CallerScope scope(y_pred.loc);
  detail::require_floating("focal_loss", y_pred);
  detail::require_same_shape("focal_loss", y_pred, y_true);
  detail::require_plain_reduction("focal_loss", options.reduction, y_pred.loc);
  detail::require_probabilities("focal_loss", y_pred);
  return slope::detail::pointwise_loss(Focal{options.gamma, options.alpha}, options.reduction, y_pred, Operand(y_true));
}

}  // namespace nn::functional
}  // namespace slope
