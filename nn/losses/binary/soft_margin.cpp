#include "slope/nn/losses/binary/soft_margin.h"

#include "slope/autograd/ops/pointwise/pointwise.h"
#include "slope/nn/losses/binary/internal/logit.h"

namespace slope::nn::functional {

namespace {

struct SoftMargin {
  static constexpr const char* name = "SoftMarginLoss";
  static constexpr const char* arguments[] = {"input", "target"};
  static constexpr unsigned differentiable = 0b01;
  template <class T>
  T operator()(const T& x, const T& t) const {
    return detail::Logit<T>(t * x).minus_log_yes();
  }
  template <class T>
  T d0(const T& x, const T& t, const T&) const {
    return -t * detail::Logit<T>(t * x).no();
  }
};

}  // namespace

Tensor soft_margin_loss(In y_pred, const Tensor& y_true, const SoftMarginLossOptions& options) {
  constexpr const char* op = "soft_margin_loss";
  CallerScope scope(y_pred.loc);
  detail::require_floating(op, y_pred);
  detail::require_broadcastable(op, "target", y_pred, y_true);
  detail::require_plain_reduction(op, options.reduction, y_pred.loc);
  return slope::detail::pointwise_loss(SoftMargin{}, options.reduction, y_pred, y_true);
}

}  // namespace slope::nn::functional
