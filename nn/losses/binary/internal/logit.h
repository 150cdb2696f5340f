#pragma once

#include "slope/autograd/kernels/pointwise/primitives.h"
#include "slope/autograd/ops/pointwise/activation.h"
#include "slope/autograd/ops/pointwise/elementwise.h"

namespace slope::nn::detail {

/// What losses ask of a logit x, all from one exponential: probabilities that keep both tails, and the logarithm of
/// one.
template <class T>
class Logit {
 public:
  explicit Logit(const T& x) : x_(x), small_(exp(-abs(x))), larger_(1.0 / (1.0 + small_)) {}
  /// σ(x), σ(-x)
  T yes() const { return where(x_ >= 0.0, larger_, small_ * larger_); }
  T no() const { return where(x_ >= 0.0, small_ * larger_, larger_); }
  /// ln(1 + e^-|x|); with max(x, 0) it is -ln σ(-x), with max(-x, 0) -ln σ(x).
  T tail() const { return log1p_unit(small_); }
  T minus_log_no() const { return maximum(x_, T(0)) + tail(); }
  T minus_log_yes() const { return maximum(-x_, T(0)) + tail(); }
  /// e^-|x|, and σ(|x|)
  const T& small() const { return small_; }
  const T& larger() const { return larger_; }

 private:
  T x_, small_, larger_;
};

/// For the graph: operations that are smooth at 0.
template <>
class Logit<Tensor> {
 public:
  explicit Logit(const Tensor& x) : x_(x) {}
  Tensor yes() const { return sigmoid(x_); }
  Tensor no() const { return sigmoid(-x_); }
  Tensor minus_log_no() const { return softplus1(x_); }
  Tensor minus_log_yes() const { return softplus1(-x_); }

 private:
  Tensor x_;
};

}  // namespace slope::nn::detail
