#pragma once

#include "slope/autograd/kernels/primitives.h"

namespace slope::nn::detail {

/// What focal losses of probabilities and of logits share: l = a·q^γ·ce, with the weight a of the class, the
/// probability q = 1 - p_t of being wrong, and the cross entropy ce.
template <class T>
struct FocalTerms {
  T a, q, ce;

  T value(double gamma) const { return a * pow(q, gamma) * ce; }
  /// From the derivatives of the three by one argument. ce/q is about 1 where q is small, while q^(γ-1) may be infinite
  /// there; where q is 0, so is ce.
  T slope(double gamma, const T& da, const T& dq, const T& dce) const {
    const T ratio = where(q == 0.0, T(1), ce / where(q == 0.0, T(1), q));
    return pow(q, gamma) * (da * ce + a * (gamma * ratio * dq + dce));
  }
};

/// t·positive + (1-t)·negative: what a label of 0 or 1, or something between them, selects.
template <class T, class A, class B>
constexpr T by_label(const T& t, const A& positive, const B& negative) {
  return t * positive + (1.0 - t) * negative;
}

}  // namespace slope::nn::detail
