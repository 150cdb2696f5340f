#include "slope/nn/losses/charbonnier.h"

#include "slope/autograd/ops/pointwise.h"

namespace slope::nn::functional {

namespace {

struct Charbonnier {
  static constexpr const char* name = "CharbonnierLoss";
  static constexpr std::int64_t grain = grain_cheap;
  double eps = 1e-3;

  // √(1 + r²), r the smaller of |d| and ε over the larger: no square leaves the range of T.
  template <class T, class Mask>
  constexpr T stretch(const T& a, const Mask& far) const {
    const T r = where(far, eps / a, a / eps);
    return sqrt(1.0 + r * r);
  }
  template <class T>
  constexpr T operator()(const T& x, const T& t) const {
    const T a = abs(x - t);
    const auto far = a > eps;
    return where(far, a, T(eps)) * stretch(a, far);
  }
  template <class T>
  constexpr T d0(const T& x, const T& t, const T&) const {
    const T d = x - t, a = abs(d);
    const auto far = a > eps;
    return where(far, sign(d), d / eps) / stretch(a, far);
  }
  template <class T>
  constexpr T d1(const T& x, const T& t, const T& y) const {
    return -d0(x, t, y);
  }
};

}  // namespace

Tensor charbonnier_loss(In y_pred, const Tensor& y_true, const CharbonnierLossOptions& options) {
  constexpr const char* op = "charbonnier_loss";
  CallerScope scope(y_pred.loc);
  if (!(options.eps > 0)) throw ValueError(concat(op, ": eps must be positive. Got eps ", options.eps), y_pred.loc);
  detail::require_alike(op, y_pred, y_true, options.reduction);
  return slope::detail::pointwise_loss(Charbonnier{options.eps}, options.reduction, y_pred, y_true);
}

}  // namespace slope::nn::functional
