#include "slope/nn/losses/log_cosh.h"

#include "slope/autograd/ops/pointwise.h"

namespace slope::nn::functional {

namespace {

// With m = e^-|d| - 1 and w = m(2 + m) = e^-2|d| - 1: tanh |d| = -w/(2 + w).
template <class T>
constexpr T tanh_of(const T& d) {
  const T m = expm1(-abs(d)), w = m * (2.0 + m);
  return copysign(w / (2.0 + w), d);
}
Tensor tanh_of(const Tensor& d) { return tanh(d); }

struct LogCosh {
  static constexpr const char* name = "LogCoshLoss";
  // cosh |d| - 1 = m²/(2(1+m)), which is small for small d, and e^-|d|·cosh d - 1 = m + m²/2, which is never large.
  template <class T>
  constexpr T operator()(const T& x, const T& t) const {
    const T a = abs(x - t), m = expm1(-a);
    const auto near = a < 1.0;
    return where(near, T(0), a) + log1p(where(near, 0.5 * (m * m) / (1.0 + m), m + 0.5 * (m * m)));
  }
  template <class T>
  constexpr T d0(const T& x, const T& t, const T&) const {
    return tanh_of(T(x - t));
  }
  template <class T>
  constexpr T d1(const T& x, const T& t, const T&) const {
    return tanh_of(T(t - x));
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
