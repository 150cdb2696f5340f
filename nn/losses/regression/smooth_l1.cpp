#include "slope/nn/losses/regression/smooth_l1.h"

#include "slope/autograd/ops/pointwise/pointwise.h"
#include "slope/nn/losses/regression/internal/absolute_error.h"

namespace slope::nn::functional {

namespace {

struct SmoothL1 {
  static constexpr const char* name = "SmoothL1Loss";
  static constexpr std::int64_t grain = grain_cheap;
  double beta = 1;
  template <class T>
  T operator()(const T& x, const T& t) const {
    const T d = x - t, a = abs(d);
    return where(a < beta, 0.5 * d * (d / beta), a - 0.5 * beta);
  }
  template <class T>
  T d0(const T& x, const T& t, const T&) const {
    const T d = x - t;
    return where(abs(d) < beta, d / beta, sign(d));
  }
  template <class T>
  T d1(const T& x, const T& t, const T& y) const {
    return -d0(x, t, y);
  }
};

}  // namespace

Tensor smooth_l1_loss(In y_pred, const Tensor& y_true, const SmoothL1LossOptions& options) {
  CallerScope scope(y_pred.loc);
  if (!(options.beta >= 0))
    throw ValueError(
        concat("smooth_l1_loss: smooth_l1_loss does not support negative values for beta. Got beta ", options.beta),
        y_pred.loc);
  detail::require_alike("smooth_l1_loss", y_pred, y_true, options.reduction);
  if (options.beta == 0)
    return slope::detail::pointwise_loss(detail::AbsoluteError{}, options.reduction, y_pred, y_true);
  return slope::detail::pointwise_loss(SmoothL1{options.beta}, options.reduction, y_pred, y_true);
}

}  // namespace slope::nn::functional
