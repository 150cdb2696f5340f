#include "slope/nn/losses/regression/poisson_nll.h"

#include "slope/autograd/ops/pointwise/pointwise.h"

namespace slope::nn::functional {

namespace {

template <bool log_input, bool full>
struct PoissonNll {
  static constexpr const char* name = "PoissonNllLoss";
  static constexpr const char* arguments[] = {"input", "target"};
  static constexpr double half_log_two_pi = 0.918938533204672741780329736406;
  double eps = 1e-8;

  // Where the approximation does not count, ln 1 stands in for a logarithm that might not exist.
  template <class T>
  static constexpr T counted(const T& t) {
    return where(t > 1.0, t, T(1));
  }
  template <class T>
  T operator()(const T& x, const T& t) const {
    const T l = log_input ? exp(x) - t * x : x - t * log(x + eps);
    if constexpr (!full) {
      return l;
    } else {
      const T n = counted(t);
      return l + where(t > 1.0, (n + 0.5) * log(n) - n + half_log_two_pi, T(0));
    }
  }
  template <class T>
  T d0(const T& x, const T& t, const T&) const {
    return log_input ? exp(x) - t : 1.0 - t / (x + eps);
  }
  template <class T>
  T d1(const T& x, const T& t, const T&) const {
    const T d = log_input ? -x : -log(x + eps);
    if constexpr (!full) {
      return d;
    } else {
      const T n = counted(t);
      return d + where(t > 1.0, log(n) + 0.5 / n, T(0));
    }
  }
};

}  // namespace

Tensor poisson_nll_loss(In y_pred, const Tensor& y_true, const PoissonNLLLossOptions& options) {
  constexpr const char* op = "poisson_nll_loss";
  CallerScope scope(y_pred.loc);
  detail::require_floating(op, y_pred);
  detail::require_broadcastable(op, "target", y_pred, y_true);
  detail::require_plain_reduction(op, options.reduction, y_pred.loc);
  const auto loss = [&](const auto& formula) {
    return slope::detail::pointwise_loss(formula, options.reduction, y_pred, y_true);
  };
  if (options.log_input)
    return options.full ? loss(PoissonNll<true, true>{options.eps}) : loss(PoissonNll<true, false>{options.eps});
  return options.full ? loss(PoissonNll<false, true>{options.eps}) : loss(PoissonNll<false, false>{options.eps});
}

}  // namespace slope::nn::functional
