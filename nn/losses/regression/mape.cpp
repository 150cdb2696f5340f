#include "slope/nn/losses/regression/mape.h"

#include "slope/nn/losses/shared/internal/elementwise_loss.h"

namespace slope::nn::functional {

namespace {

struct PercentageError {
  static constexpr const char* name = "MapeLoss";
  static constexpr std::int64_t grain = grain_cheap;
  double eps = 1e-7;
  template <class T>
  constexpr T scale(const T& t) const {
    const T a = abs(t);
    return 1.0 / where(a >= eps, a, T(eps));
  }
  template <class T>
  T operator()(const T& x, const T& t) const {
    return abs(x - t) * scale(t);
  }
  template <class T>
  T d0(const T& x, const T& t, const T&) const {
    return sign(x - t) * scale(t);
  }
  template <class T>
  T d1(const T& x, const T& t, const T&) const {
    // Of |x/t - 1|: not sign(d)/|t| + |d|·sign(t)/t², which loses a small x to rounding.
    const T s = scale(t);
    return where(abs(t) >= eps, x * s * sign(t), T(1)) * -sign(x - t) * s;
  }
};

}  // namespace

Tensor mape_loss(In y_pred, const Tensor& y_true, const MAPELossOptions& options) {
  constexpr const char* op = "mape_loss";
  if (!(options.eps > 0)) throw ValueError(concat(op, ": eps must be positive. Got eps ", options.eps), y_pred.loc);
  return detail::elementwise_loss(op, PercentageError{options.eps}, y_pred, y_true, options);
}

}  // namespace slope::nn::functional
