#pragma once

#include "slope/nn/losses/binary/internal/logit.h"

namespace slope::nn::detail {

/// Binary cross entropy of logits, in σ(x) and σ(-x) rather than σ(x) - t, so that both tails survive.
struct BceWithLogits {
  static constexpr const char* name = "BinaryCrossEntropyWithLogits";
  template <class T>
  T operator()(const T& x, const T& t) const {
    if constexpr (std::is_same_v<T, Tensor>)
      return where(x > 0.0, (1.0 - t) * x + softplus1(-x), softplus1(x) - t * x);  // smooth at 0
    else
      return where(x > 0.0, 1.0 - t, -t) * x + Logit<T>(x).tail();
  }
  template <class T>
  T d0(const T& x, const T& t, const T&) const {
    const Logit<T> p(x);
    return (1.0 - t) * p.yes() - t * p.no();
  }
  template <class T>
  T d1(const T& x, const T&, const T&) const {
    return -x;
  }
};

}  // namespace slope::nn::detail
