#include "slope/nn/losses/binary/focal.h"

#include "slope/autograd/ops/pointwise/pointwise.h"
#include "slope/nn/losses/binary/bce.h"
#include "slope/nn/losses/binary/internal/bce_formula.h"
#include "slope/nn/losses/binary/internal/focal_terms.h"
#include "slope/nn/losses/binary/internal/probabilities.h"
#include "slope/nn/losses/shared/internal/check_values.h"

namespace slope::nn::functional {

namespace {

using formula::BinaryCrossEntropy;

struct Focal {
  static constexpr const char* name = "FocalLoss";
  double gamma = 2.0, alpha = 0.75;
  template <class T>
  detail::FocalTerms<T> terms(const T& x, const T& t) const {
    using detail::by_label;
    const T q = by_label(t, T(1.0 - x), x);
    return {by_label(t, alpha, 1 - alpha), q, pow(q, gamma), formula::call(BinaryCrossEntropy{}, x, t)};
  }
  template <class T>
  T operator()(const T& x, const T& t) const {
    return terms(x, t).value();
  }
  template <class T>
  T d0(const T& x, const T& t, const T& y) const {
    const detail::FocalTerms<T> f = terms(x, t);
    return f.slope(gamma, T(0), BinaryCrossEntropy{}.d0(x, t, y), f.ce_dlog(1.0 - 2.0 * t));
  }
  template <class T>
  T d1(const T& x, const T& t, const T& y) const {
    const detail::FocalTerms<T> f = terms(x, t);
    return f.slope(gamma, T(2 * alpha - 1), BinaryCrossEntropy{}.d1(x, t, y), f.ce_dlog(1.0 - 2.0 * x));
  }
};

}  // namespace

Tensor focal_loss(In y_pred, const Tensor& y_true, const FocalLossOptions& options) {
  constexpr const char* op = "focal_loss";
  CallerScope scope(y_pred.loc);
  detail::require_alike(op, y_pred, y_true, options.reduction);
  const auto loss = [&] {
    return slope::detail::pointwise_loss(Focal{options.gamma, options.alpha}, options.reduction, y_pred, y_true);
  };
  return detail::checked_loss(options.reduction, y_pred.tensor, loss,
                              [&] { detail::require_probabilities(op, y_pred); });
}

}  // namespace slope::nn::functional
