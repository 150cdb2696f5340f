#include "slope/nn/losses/regression/mse.h"

#include "slope/nn/losses/shared/internal/elementwise_loss.h"

namespace slope::nn::functional {

namespace {

struct SquaredError {
  static constexpr const char* name = "MseLoss";
  static constexpr std::int64_t grain = grain_cheap;
  template <class T>
  T operator()(const T& x, const T& t) const {
    const T d = x - t;
    return d * d;
  }
  template <class T>
  T d0(const T& x, const T& t, const T&) const {
    return 2.0 * (x - t);
  }
  template <class T>
  T d1(const T& x, const T& t, const T&) const {
    return -2.0 * (x - t);
  }
};

}  // namespace

Tensor mse_loss(In y_pred, const Tensor& y_true, const MSELossOptions& options) {
  return detail::elementwise_loss("mse_loss", SquaredError{}, y_pred, y_true, options);
}

}  // namespace slope::nn::functional
