#pragma once

#include "slope/autograd/kernels/primitives.h"

namespace slope::nn::detail {

/// Binary cross entropy of logits, in σ(x) and σ(-x) so that both tails survive.
struct BceWithLogits {
  static constexpr const char* name = "BinaryCrossEntropyWithLogits";
  template <class T>
  constexpr T operator()(const T& x, const T& t) const {
    return where(x > 0.0, 1.0 - t, -t) * x + log1p(exp(-abs(x)));
  }
  template <class T>
  constexpr T d0(const T& x, const T& t, const T&) const {
    return (1.0 - t) * sigmoid(x) - t * sigmoid(-x);
  }
  template <class T>
  constexpr T d1(const T& x, const T&, const T&) const {
    return -x;
  }
};

}  // namespace slope::nn::detail
