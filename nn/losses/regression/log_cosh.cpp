#include "slope/nn/losses/regression/log_cosh.h"

#include "slope/nn/losses/shared/internal/elementwise_loss.h"

namespace slope::nn::functional {

namespace {

Tensor log_cosh_slope(const Tensor& d) { return tanh(d); }
Probe log_cosh_slope(const Probe& d) { return Probe::of(d); }

struct LogCosh {
  static constexpr const char* name = "LogCoshLoss";
  template <class T>
  T operator()(const T& x, const T& t) const {
    return log_cosh(x - t);
  }
  template <class T>
  T d0(const T& x, const T& t, const T&) const {
    return log_cosh_slope(T(x - t));
  }
  template <class T>
  T d1(const T& x, const T& t, const T&) const {
    return log_cosh_slope(T(t - x));
  }
};

}  // namespace

Tensor log_cosh_loss(In y_pred, const Tensor& y_true, const LogCoshLossOptions& options) {
  return detail::elementwise_loss("log_cosh_loss", LogCosh{}, y_pred, y_true, options);
}

}  // namespace slope::nn::functional
