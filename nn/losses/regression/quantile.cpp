#include "slope/nn/losses/regression/quantile.h"

#include "slope/nn/losses/shared/internal/elementwise_loss.h"

namespace slope::nn::functional {

namespace {

struct Pinball {
  static constexpr const char* name = "QuantileLoss";
  static constexpr std::int64_t grain = grain_cheap;
  double q = 0.5;
  template <class T>
  T operator()(const T& x, const T& t) const {
    const T u = t - x;
    return maximum(q * u, (q - 1) * u);
  }
  template <class T>
  T d0(const T& x, const T& t, const T&) const {
    const T u = t - x;
    return where(u > 0.0, T(-q), where(u < 0.0, T(1 - q), sign(u)));  // sign: 0, or NaN
  }
  template <class T>
  T d1(const T& x, const T& t, const T& y) const {
    return -d0(x, t, y);
  }
};

}  // namespace

Tensor quantile_loss(In y_pred, const Tensor& y_true, const QuantileLossOptions& options) {
  constexpr const char* op = "quantile_loss";
  if (!(options.q > 0 && options.q < 1))
    throw ValueError(concat(op, ": q must lie between 0 and 1, both excluded. Got q ", options.q), y_pred.loc);
  return detail::elementwise_loss(op, Pinball{options.q}, y_pred, y_true, options);
}

}  // namespace slope::nn::functional
