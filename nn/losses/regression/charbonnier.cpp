#include "slope/nn/losses/regression/charbonnier.h"

#include "slope/nn/losses/shared/internal/elementwise_loss.h"

namespace slope::nn::functional {

namespace {

struct Charbonnier {
  static constexpr const char* name = "CharbonnierLoss";
  static constexpr std::int64_t grain = grain_cheap;
  // Beyond 2^30·ε the root is |d| to the last bit, and r² might leave the range of T.
  static constexpr double beyond_eps = 0x1p30;
  double eps = 1e-3, per_eps = 1e3;
  template <class T>
  T operator()(const T& x, const T& t) const {
    const T d = x - t, r = d * per_eps;
    return where(abs(r) > beyond_eps, abs(d), eps * sqrt(1.0 + r * r));
  }
  template <class T>
  T d0(const T& x, const T& t, const T&) const {
    const T r = (x - t) * per_eps;
    return where(abs(r) > beyond_eps, sign(r), r / sqrt(1.0 + r * r));
  }
  template <class T>
  T d1(const T& x, const T& t, const T& y) const {
    return -d0(x, t, y);
  }
};

}  // namespace

Tensor charbonnier_loss(In y_pred, const Tensor& y_true, const CharbonnierLossOptions& options) {
  constexpr const char* op = "charbonnier_loss";
  if (!(options.eps >= 1e-30 && options.eps <= 1e30))
    throw ValueError(concat(op, ": eps must be positive, from 1e-30 to 1e30. Got eps ", options.eps), y_pred.loc);
  return detail::elementwise_loss(op, Charbonnier{options.eps, 1 / options.eps}, y_pred, y_true, options);
}

}  // namespace slope::nn::functional
