#include "slope/nn/losses/binary/sigmoid_focal.h"

#include "slope/autograd/ops/pointwise/pointwise.h"
#include "slope/nn/losses/binary/internal/bce_with_logits_formula.h"
#include "slope/nn/losses/binary/internal/focal_terms.h"

namespace slope::nn::functional {

namespace {

using detail::by_label;
using slope::detail::pointwise_op;

// The probability q of being wrong is t·σ(-x) + (1-t)·σ(x). Two words of it state their own derivatives by x, so that
// those of the loss exist to any order where q is 0 or denormal: ∂q/q would be 0/0.

/// q in units of σ(|x|), of which both σ(x) and σ(-x) are multiples: by 1 and by e^-|x|.
template <class T>
struct Wrong : detail::Logit<T> {
  T ratio;
  Wrong(const T& x, const T& t)
      : detail::Logit<T>(x),
        ratio(by_label(t, where(x >= 0.0, this->small(), T(1)), where(x >= 0.0, T(1), this->small()))) {}
};
/// q itself.
template <class T>
T wrong(const T& x, const T& t) {
  const detail::Logit<T> p(x);
  return by_label(t, p.no(), p.yes());
}

/// u = ∂ln q/∂x = (1-2t)·σ(x)·σ(-x)/q, which for labels 0 and 1 is σ(-x) and -σ(x).
struct LogWrongSlope {
  static constexpr const char* name = "LogWrongSlope";
  template <class T>
  T operator()(const T& x, const T& t) const;
  template <class T>
  T d0(const T& x, const T& t, const T&) const;
  template <class T>
  T d1(const T& x, const T& t, const T&) const;
};
/// q^γ.
struct WrongPower {
  static constexpr const char* name = "WrongPower";
  double gamma = 2;
  template <class T>
  T operator()(const T& x, const T& t) const;
  template <class T>
  T d0(const T& x, const T& t, const T&) const;
  template <class T>
  T d1(const T& x, const T& t, const T&) const;
};

template <class T>
T log_wrong_slope(const T& x, const T& t) {
  return LogWrongSlope{}(x, t);
}
Tensor log_wrong_slope(const Tensor& x, const Tensor& t) { return pointwise_op(LogWrongSlope{}, x, t); }
template <class T>
T wrong_power(const T& x, const T& t, double gamma) {
  return WrongPower{gamma}(x, t);
}
Tensor wrong_power(const Tensor& x, const Tensor& t, double gamma) { return pointwise_op(WrongPower{gamma}, x, t); }

template <class T>
T LogWrongSlope::operator()(const T& x, const T& t) const {
  const Wrong<T> q(x, t);
  const auto none = q.ratio == 0.0;  // a sure and right label, whose ratio is e
  return (1.0 - 2.0 * t) * (q.larger() * where(none, T(1), q.small() / where(none, T(1), q.ratio)));
}
template <class T>
T LogWrongSlope::d0(const T& x, const T& t, const T&) const {
  const detail::Logit<T> p(x);
  const T u = log_wrong_slope(x, t);
  return u * (p.no() - p.yes() - u);
}
template <class T>
T LogWrongSlope::d1(const T& x, const T& t, const T&) const {
  const detail::Logit<T> p(x);
  const T q = wrong(x, t);
  return -(p.yes() / q) * (p.no() / q);
}
template <class T>
T WrongPower::operator()(const T& x, const T& t) const {
  const Wrong<T> q(x, t);
  return pow(q.larger() * q.ratio, gamma);
}
template <class T>
T WrongPower::d0(const T& x, const T& t, const T&) const {
  return gamma * wrong_power(x, t, gamma) * log_wrong_slope(x, t);
}
template <class T>
T WrongPower::d1(const T& x, const T& t, const T&) const {
  return gamma * pow(wrong(x, t), gamma - 1) * -tanh(0.5 * x);
}

struct SigmoidFocal {
  static constexpr const char* name = "SigmoidFocalLoss";
  double gamma = 2, positive = 0.25, negative = 0.75;
  template <class T>
  detail::FocalTerms<T> terms(const T& x, const T& t) const {
    return {by_label(t, positive, negative), wrong(x, t), wrong_power(x, t, gamma), detail::BceWithLogits{}(x, t)};
  }
  template <class T>
  T operator()(const T& x, const T& t) const {
    return terms(x, t).value();
  }
  template <class T>
  T d0(const T& x, const T& t, const T& y) const {
    const detail::FocalTerms<T> f = terms(x, t);
    return f.slope(gamma, T(0), detail::BceWithLogits{}.d0(x, t, y), f.ce * log_wrong_slope(x, t));
  }
  template <class T>
  T d1(const T& x, const T& t, const T& y) const {
    const detail::FocalTerms<T> f = terms(x, t);
    return f.slope(gamma, T(positive - negative), detail::BceWithLogits{}.d1(x, t, y), f.ce_dlog(-tanh(0.5 * x)));
  }
};

}  // namespace

Tensor sigmoid_focal_loss(In y_pred, const Tensor& y_true, const SigmoidFocalLossOptions& options) {
  CallerScope scope(y_pred.loc);
  detail::require_alike("sigmoid_focal_loss", y_pred, y_true, options.reduction);
  const bool weighted = options.alpha >= 0;
  return slope::detail::pointwise_loss(
      SigmoidFocal{options.gamma, weighted ? options.alpha : 1, weighted ? 1 - options.alpha : 1}, options.reduction,
      y_pred, y_true);
}

}  // namespace slope::nn::functional
