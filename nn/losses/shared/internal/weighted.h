#pragma once

#include "slope/autograd/ops/pointwise/pointwise.h"
#include "slope/nn/losses/shared/common.h"

namespace slope::nn::detail {

/// w·f(x, t), differentiable by all three.
template <class F>
struct Weighted : F {
  template <class T>
  constexpr T operator()(const T& x, const T& t, const T& w) const {
    return w * F::operator()(x, t);
  }
  template <class T>
  constexpr T d0(const T& x, const T& t, const T& w, const T& y) const {
    return w * F::d0(x, t, y);
  }
  template <class T>
  constexpr T d1(const T& x, const T& t, const T& w, const T& y) const {
    return w * F::d1(x, t, y);
  }
  template <class T>
  constexpr T d2(const T& x, const T& t, const T&, const T&) const {
    return F::operator()(x, t);
  }
};

/// L1 and MSE divide a weighted mean by Σw, Huber by the number of elements.
enum class WeightedMean { by_weight, by_count };

/// A regression loss with one weight per element. The formula's partials must not use its value.
template <class F>
Tensor weighted_loss(const char* op, const F& f, In x, const Tensor& t, const Tensor& weight, Reduction reduction,
                     WeightedMean mean) {
  if (weight.shape() != x->shape())
    throw ShapeError(concat(op, ": Weights and input must have the same size. Got weight ", to_text(weight.shape()),
                            " and input ", to_text(x->shape())),
                     x.loc);
  const Weighted<F> weighted{f};
  const Tensor w = weight.to(result_dtype(x, t), x.loc);
  if (reduction == Reduction::mean && mean == WeightedMean::by_weight)
    return slope::detail::pointwise_loss(weighted, Reduction::sum, x, t, w) / w.sum();
  return slope::detail::pointwise_loss(weighted, reduction, x, t, w);
}

}  // namespace slope::nn::detail
