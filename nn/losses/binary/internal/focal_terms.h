#pragma once

#include "slope/autograd/kernels/pointwise/primitives.h"

namespace slope::nn::detail {

/// What focal losses of probabilities and of logits share: l = a·q^γ·ce, with the weight a of the class, the
/// probability q = 1 - p_t of being wrong, and the cross entropy ce.
template <class T>
struct FocalTerms {
  T a, q, power, ce;  // power: q^γ

  T value() const { return a * power * ce; }
  /// From the derivatives of a and ce by one argument, and ce·∂ln q.
  T slope(double gamma, const T& da, const T& dce, const T& ce_dlog_q) const {
    return power * (da * ce + a * (gamma * ce_dlog_q + dce));
  }
  /// ce·∂ln q from ∂q. Where q is small ce/q is about 1, while q^(γ-1) may be infinite; where q is 0, so is ce.
  T ce_dlog(const T& dq) const {
    const auto none = q == 0.0;
    return where(none, T(1), ce / where(none, T(1), q)) * dq;
  }
};

/// t·positive + (1-t)·negative: what a label of 0 or 1, or something between them, selects.
template <class T, class A, class B>
constexpr T by_label(const T& t, const A& positive, const B& negative) {
  return t * positive + (1.0 - t) * negative;
}

}  // namespace slope::nn::detail
