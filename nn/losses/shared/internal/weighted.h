#pragma once

#include <limits>

#include "slope/autograd/ops/pointwise/pointwise.h"
#include "slope/nn/losses/shared/common.h"

namespace slope::nn::detail {

/// w·v, and exactly 0 where the weight is 0, whatever v is: what is not counted may hold anything.
template <class T>
T weigh(const T& w, const T& v) {
  return scale_cotangent(w, v);
}

/// w·f(x, t), differentiable by all three.
template <class F>
struct Weighted : F {
  template <class T>
  T operator()(const T& x, const T& t, const T& w) const {
    return weigh(w, T(F::operator()(x, t)));
  }
  template <class T>
  T d0(const T& x, const T& t, const T& w, const T& y) const {
    return weigh(w, T(F::d0(x, t, y)));
  }
  template <class T>
  T d1(const T& x, const T& t, const T& w, const T& y) const {
    return weigh(w, T(F::d1(x, t, y)));
  }
  template <class T>
  T d2(const T& x, const T& t, const T& w, const T&) const {
    const T l = F::operator()(x, t);
    return where((w == 0.0) & !isfinite(l), T(0), l);
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
  if (reduction != Reduction::mean || mean == WeightedMean::by_count)
    return slope::detail::pointwise_loss(weighted, reduction, x, t, w);
  const Tensor sum = slope::detail::pointwise_loss(weighted, Reduction::sum, x, t, w), total = w.sum();
  if (total.item() == 0 && w.eq(0.0).all().item<bool>())
    return sum + total * std::numeric_limits<double>::quiet_NaN();  // not sum/0, which would hand infinity back to x
  return sum / total;
}

}  // namespace slope::nn::detail
