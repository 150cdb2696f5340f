#include "slope/nn/losses/regression/log_cosh.h"

#include "slope/autograd/ops/pointwise/pointwise.h"

namespace slope::nn::functional {

namespace {

Tensor log_cosh_slope(const Tensor& d) { return tanh(d); }
Probe log_cosh_slope(const Probe& d) { return Probe::of(d); }

struct LogCosh {
  static constexpr const char* name = "LogCoshLoss";
  template <class T>
  constexpr T operator()(const T& x, const T& t) const {
    return log_cosh(x - t);
  }
  template <class T>
  constexpr T d0(const T& x, const T& t, const T&) const {
    return log_cosh_slope(T(x - t));
  }
  template <class T>
  constexpr T d1(const T& x, const T& t, const T&) const {
    return log_cosh_slope(T(t - x));
  }
};

}  // namespace

Tensor log_cosh_loss(In y_pred, const Tensor& y_true, const LogCoshLossOptions& options) {
  constexpr const char* op = "log_cosh_loss";
  CallerScope scope(y_pred.loc);
  detail::require_alike(op, y_pred, y_true, options.reduction);
  return slope::detail::pointwise_loss(LogCosh{}, options.reduction, y_pred, y_true);
}

}  // namespace slope::nn::functional
