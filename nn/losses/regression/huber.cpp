#include "slope/nn/losses/regression/huber.h"

#include "slope/nn/losses/shared/internal/elementwise_loss.h"

namespace slope::nn::functional {

namespace {

struct Huber {
  static constexpr const char* name = "HuberLoss";
  static constexpr std::int64_t grain = grain_cheap;
  double delta = 1;
  template <class T>
  T operator()(const T& x, const T& t) const {
    const T d = x - t, a = abs(d);
    return where(a < delta, 0.5 * (d * d), delta * (a - 0.5 * delta));
  }
  template <class T>
  T d0(const T& x, const T& t, const T&) const {
    const T d = x - t;
    return where(abs(d) < delta, d, delta * sign(d));
  }
  template <class T>
  T d1(const T& x, const T& t, const T& y) const {
    return -d0(x, t, y);
  }
};

}  // namespace

Tensor huber_loss(In y_pred, const Tensor& y_true, const HuberLossOptions& options) {
  constexpr const char* op = "huber_loss";
  if (!(options.delta > 0))
    throw ValueError(
        concat(op, ": huber_loss does not support non-positive values for delta. Got delta ", options.delta),
        y_pred.loc);
  return detail::elementwise_loss(op, Huber{options.delta}, y_pred, y_true, options, detail::WeightedMean::by_count);
}

}  // namespace slope::nn::functional
