#pragma once

#include "slope/autograd/kernels/pointwise/primitives.h"

namespace slope::formula {

/// Binary cross entropy of probabilities. The gradient by x is stated: PyTorch's (x-t)/max(x(1-x), e) differs from the
/// derivative of the clamped logarithm, and stays useful where that is zero.
struct BinaryCrossEntropy {
  static constexpr const char* name = "BinaryCrossEntropy";
  static constexpr double smallest = 9.999999960041972e-13;  // 1e-12 in single precision
  template <class T>
  T operator()(const T& x, const T& t) const {
    const auto logs = log_pair(x);
    return -(t * clamp_min(logs.of, -100) + (1.0 - t) * clamp_min(logs.rest, -100));
  }
  template <class T>
  T d0(const T& x, const T& t, const T&) const {
    return (x - t) / maximum(x * (1.0 - x), T(smallest));
  }
  template <class T>
  T d1(const T& x, const T&, const T&) const {
    if constexpr (requires { typename T::mask_type; }) {
      const auto logs = log_pair(x);
      return logs.rest - logs.of;
    } else {
      return log1p(-x) - log(x);
    }
  }
};

}  // namespace slope::formula
