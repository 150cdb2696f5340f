#include "slope/nn/losses/regression/msle.h"

#include "slope/autograd/ops/pointwise/pointwise.h"

namespace slope::nn::functional {

namespace {

struct SquaredLogError {
  static constexpr const char* name = "MsleLoss";
  template <class T>
  constexpr T operator()(const T& x, const T& t) const {
    const T d = log1p(x) - log1p(t);
    return d * d;
  }
  template <class T>
  constexpr T d0(const T& x, const T& t, const T&) const {
    return 2.0 * (log1p(x) - log1p(t)) / (1.0 + x);
  }
  template <class T>
  constexpr T d1(const T& x, const T& t, const T&) const {
    return 2.0 * (log1p(t) - log1p(x)) / (1.0 + t);
  }
};

}  // namespace

Tensor msle_loss(In y_pred, const Tensor& y_true, const MSLELossOptions& options) {
  constexpr const char* op = "msle_loss";
  CallerScope scope(y_pred.loc);
  detail::require_alike(op, y_pred, y_true, options.reduction);
  return slope::detail::pointwise_loss(SquaredLogError{}, options.reduction, y_pred, y_true);
}

}  // namespace slope::nn::functional
