#pragma once

#include "slope/autograd/ops/pointwise/pointwise.h"

namespace slope::detail {

/// Σ f over the elements of `x` as a number: what pointwise_loss(f, Reduction::sum, x) holds, without a tensor around
/// it and without recording.
double sum_of_values(const FormulaInfo& info, const void* formula, const Tensor& x);

template <class F>
double pointwise_value(const F& f, const Tensor& x) {
  return sum_of_values(formula_info<F, 1, true>(), &f, x);
}

}  // namespace slope::detail
