#pragma once

#include "slope/autograd/kernels/pointwise/grain.h"
#include "slope/autograd/ops/pointwise/pointwise.h"

/// max(u, 0) as losses with a margin use it: the gradient passes where u >= 0, at exactly 0, too, where relu's is 0. A
/// pair that meets its margin by nothing still pulls. NaN stays NaN and passes no gradient.
namespace slope {

namespace formula {

struct Hinge {
  static constexpr const char* name = "Hinge";
  static constexpr std::int64_t grain = grain_cheap;
  template <class T>
  T operator()(const T& u) const {
    return maximum(u, T(0));
  }
  template <class T>
  T d0(const T& u, const T&) const {
    return where(u >= 0.0, T(1), T(0));
  }
};

}  // namespace formula

/// For lanes, dual numbers and tensors.
template <class T>
constexpr auto hinge(const T& u) {
  return formula::call(formula::Hinge{}, u);
}

/// What a partial ∂u of the argument contributes to the derivative of hinge(u); an infinite ∂u on the flat side gives
/// 0.
template <class T>
constexpr T past_hinge(const T& u, const T& partial) {
  return where(u >= 0.0, partial, T(0));
}

}  // namespace slope
