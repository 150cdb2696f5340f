#include "slope/nn/losses/regression/gaussian_nll.h"

#include "slope/autograd/ops/pointwise/pointwise.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/nn/losses/shared/internal/check_values.h"

namespace slope::nn::functional {

namespace {

/// max(v, least) for values; the gradient passes as if it were not there.
struct AtLeast {
  static constexpr const char* name = "AtLeast";
  static constexpr std::int64_t grain = grain_cheap;
  double least = 0;
  template <class T>
  T operator()(const T& v) const {
    return maximum(v, T(least));
  }
  template <class T>
  T d0(const T&, const T&) const {
    return T(1);
  }
};
template <class T>
constexpr T at_least(const T& v, double least) {
  return AtLeast{least}(v);
}
Tensor at_least(const Tensor& v, double least) { return slope::detail::pointwise_op(AtLeast{least}, v); }

struct GaussianNll {
  static constexpr const char* name = "GaussianNllLoss";
  static constexpr const char* arguments[] = {"input", "target", "var"};
  double eps = 1e-6, constant = 0;
  template <class T>
  constexpr T precision(const T& var) const {
    return 1.0 / at_least(var, eps);
  }
  template <class T>
  T operator()(const T& x, const T& t, const T& var) const {
    // d·(d/v), not d²/v: the square leaves the range long before the quotient. The logarithm makes a negative variance
    // NaN.
    const T v = at_least(var, eps), d = x - t;
    return 0.5 * (log(where(var < 0.0, var, v)) + d * (d * precision(var))) + constant;
  }
  template <class T>
  T d0(const T& x, const T& t, const T& var, const T&) const {
    return (x - t) * precision(var);
  }
  template <class T>
  T d1(const T& x, const T& t, const T& var, const T&) const {
    return (t - x) * precision(var);
  }
  template <class T>
  T d2(const T& x, const T& t, const T& var, const T&) const {
    const T k = precision(var), s = (x - t) * k;
    return 0.5 * (k - s * s);
  }
};

/// The variance as it broadcasts to x: PyTorch's rules, in its order.
Tensor fitted(const char* op, In x, const Tensor& var) {
  if (!var.defined()) throw ValueError(concat(op, ": var is an undefined tensor"), x.loc);
  const Shape &shape = x->shape(), &given = var.shape();
  if (given == shape) return var;
  if (given.size() + 1 == shape.size() && std::equal(given.begin(), given.end(), shape.begin()))
    return var.unsqueeze(-1, x.loc);
  std::int64_t mismatch = 0;
  bool fits = given.size() == shape.size();
  for (int d = 0; fits && d < given.size(); ++d)
    if (given[d] != shape[d]) {
      mismatch += given[d];
      fits = given[d] == 1;
    }
  if (!fits || mismatch != 1)
    throw ShapeError(
        concat(op, ": var is of incorrect size. Got var ", to_text(given), " for input ", to_text(shape),
               "; give it the input's shape, that without its last dimension, or 1 in place of one dimension"),
        x.loc);
  return var;
}

constexpr double half_log_two_pi = 0.918938533204672741780329736406;

}  // namespace

Tensor gaussian_nll_loss(In y_pred, const Tensor& y_true, const Operand& var, const GaussianNLLLossOptions& options) {
  constexpr const char* op = "gaussian_nll_loss";
  CallerScope scope(y_pred.loc);
  detail::require_floating(op, y_pred);
  detail::require_broadcastable(op, "target", y_pred, y_true);
  detail::require_plain_reduction(op, options.reduction, y_pred.loc);
  const GaussianNll formula{options.eps, options.full ? half_log_two_pi : 0};
  const auto refuse = [&] {
    throw ValueError(concat(op, ": var has negative entry/entries; variances are the squares of standard deviations"),
                     y_pred.loc);
  };
  if (!var.tensor) {
    if (var.scalar.to<double>() < 0) refuse();
    return slope::detail::pointwise_loss(formula, options.reduction, y_pred, y_true, var);
  }
  const Tensor v = fitted(op, y_pred, *var.tensor).to(detail::result_dtype(y_pred, y_true), y_pred.loc);
  return detail::checked_loss(
      options.reduction, y_true.numel() == 0 ? y_true : y_pred.tensor,
      [&] { return slope::detail::pointwise_loss(formula, options.reduction, y_pred, y_true, v); },
      [&] {
        if (!detail::all_values(v, [](const auto& e) { return !(e < 0); })) refuse();
      });
}

}  // namespace slope::nn::functional
