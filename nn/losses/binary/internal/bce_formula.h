#pragma once

#include "slope/autograd/kernels/pointwise/primitives.h"

namespace slope {

namespace formula {

/// Binary cross entropy of probabilities. The gradient by x is stated: PyTorch's (x-t)/max(x(1-x), e) differs from the
/// derivative of the clamped logarithm, and stays useful where that is zero.
struct BinaryCrossEntropy {
  static constexpr const char* name = "BinaryCrossEntropy";
  static constexpr double smallest = 9.999999960041972e-13;  // 1e-12 in single precision
  template <class T>
  constexpr T operator()(const T& x, const T& t) const {
    const auto logs = log_pair(x);
    return -(t * clamp_min(logs.of, -100) + (1.0 - t) * clamp_min(logs.rest, -100));
  }
  template <class T>
  constexpr T d0(const T& x, const T& t, const T&) const {
    return (x - t) / maximum(x * (1.0 - x), T(smallest));
  }
  template <class T>
  constexpr T d1(const T& x, const T&, const T&) const {
    if constexpr (requires { typename T::mask_type; }) {
      const auto logs = log_pair(x);
      return logs.rest - logs.of;
    } else {
      return log1p(-x) - log(x);
    }
  }
};

}  // namespace formula

/// The formula as a word of the vocabulary: on lanes, and on dual numbers with its own gradient.
constexpr Probe binary_cross_entropy(const Probe& x, const Probe& t) { return Probe::of(x, t); }
template <class V>
  requires requires { typename V::mask_type; }
V binary_cross_entropy(const V& x, const V& t) {
  return formula::BinaryCrossEntropy{}(x, t);
}
template <class V, int K>
Dual<V, K> binary_cross_entropy(const Dual<V, K>& x, const Dual<V, K>& t) {
  const formula::BinaryCrossEntropy f;
  const V y = f(x.x, t.x);
  return Dual<V, K>::chain(y, x, f.d0(x.x, t.x, y), t, f.d1(x.x, t.x, y));
}
template <class V, int K>
Dual<V, K> binary_cross_entropy(const Dual<V, K>& x, const std::type_identity_t<V>& t) {
  const formula::BinaryCrossEntropy f;
  const V y = f(x.x, t);
  return Dual<V, K>::chain(y, x, f.d0(x.x, t, y));
}
template <class V, int K>
Dual<V, K> binary_cross_entropy(const std::type_identity_t<V>& x, const Dual<V, K>& t) {
  const formula::BinaryCrossEntropy f;
  const V y = f(x, t.x);
  return Dual<V, K>::chain(y, t, f.d1(x, t.x, y));
}

}  // namespace slope

// Where a formula's lanes live, so that it is found by argument-dependent lookup as the rest of the vocabulary.
namespace slope::simd::baseline {
using slope::binary_cross_entropy;
}
#if defined(__x86_64__)
namespace slope::simd::avx2 {
using slope::binary_cross_entropy;
}
namespace slope::simd::avx512 {
using slope::binary_cross_entropy;
}
#endif
