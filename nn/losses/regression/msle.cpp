#include "slope/nn/losses/regression/msle.h"

#include "slope/nn/losses/shared/internal/elementwise_loss.h"

namespace slope::nn::functional {

namespace {

struct SquaredLogError {
  static constexpr const char* name = "MsleLoss";
  template <class T>
  T operator()(const T& x, const T& t) const {
    const T d = log1p(x) - log1p(t);
    return d * d;
  }
  template <class T>
  T d0(const T& x, const T& t, const T&) const {
    return 2.0 * (log1p(x) - log1p(t)) / (1.0 + x);
  }
  template <class T>
  T d1(const T& x, const T& t, const T&) const {
    return 2.0 * (log1p(t) - log1p(x)) / (1.0 + t);
  }
};

}  // namespace

Tensor msle_loss(In y_pred, const Tensor& y_true, const MSLELossOptions& options) {
  return detail::elementwise_loss("msle_loss", SquaredLogError{}, y_pred, y_true, options);
}

}  // namespace slope::nn::functional
