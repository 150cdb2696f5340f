#include "slope/nn/losses/regression/mse.h"

#include "slope/autograd/ops/pointwise/pointwise.h"
#include "slope/nn/losses/shared/internal/weighted.h"

namespace slope::nn::functional {

namespace {

struct SquaredError {
  static constexpr const char* name = "MseLoss";
  static constexpr std::int64_t grain = grain_cheap;
  template <class T>
  constexpr T operator()(const T& x, const T& t) const {
    const T d = x - t;
    return d * d;
  }
  template <class T>
  constexpr T d0(const T& x, const T& t, const T&) const {
    return 2.0 * (x - t);
  }
  template <class T>
  constexpr T d1(const T& x, const T& t, const T&) const {
    return -2.0 * (x - t);
  }
};

}  // namespace

Tensor mse_loss(In y_pred, const Tensor& y_true, const MSELossOptions& options) {
  CallerScope scope(y_pred.loc);
  detail::require_alike("mse_loss", y_pred, y_true, options.reduction);
  if (options.weight.defined())
    return detail::weighted_loss("mse_loss", SquaredError{}, y_pred, y_true, options.weight, options.reduction,
                                 detail::WeightedMean::by_weight);
  return slope::detail::pointwise_loss(SquaredError{}, options.reduction, y_pred, y_true);
}

}  // namespace slope::nn::functional
