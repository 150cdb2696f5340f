#include "slope/nn/losses/log_cosh.h"

#include "slope/autograd/ops/pointwise.h"

namespace slope::nn::functional {

namespace {

struct LogCosh {
  static constexpr const char* name = "LogCoshLoss";
  // With m = e^-a - 1: cosh a - 1 = m²/(2(1+m)), which is small for small a, and e^-a·cosh a - 1 = m + m²/2, which is
  // never large.
  template <class T>
  constexpr T operator()(const T& x, const T& t) const {
    const T a = abs(x - t), m = expm1(-a);
    const auto near = a < 1.0;
    return where(near, T(0), a) + log1p(where(near, 0.5 * (m * m) / (1.0 + m), m + 0.5 * (m * m)));
  }
  template <class T>
  constexpr T d0(const T& x, const T& t, const T&) const {
    return tanh(x - t);
  }
  template <class T>
  constexpr T d1(const T& x, const T& t, const T&) const {
    return tanh(t - x);
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
