#pragma once

#include <cstdint>

#include "slope/autograd/kernels/rows.h"

/// Cross entropy of one row, in lanes: -Σ q_j·ln softmax(x)_j and its gradients. T is float or double.
namespace slope::nn::detail {

/// What the rows of one call share.
template <class T>
struct RowTarget {
  const T* weight = nullptr;  ///< one per class; null: all 1
  double keep = 1;            ///< 1 - ε: the share of the target itself
  double spread = 0;          ///< ε/C: what every class receives
  double weight_sum = 0;      ///< Σ w_j
};

/// For a class index: q = keep·w_c at the class, plus spread·w_j. `dx` (may be null) receives ∂l/∂x / divisor: the sum of weights
/// may be too small to have a reciprocal.
template <class T>
double cross_entropy_row(const RowTarget<T>& target, const T* x, std::int64_t n, std::int64_t label, T* dx, double divisor);

/// For probabilities t: q = w·(keep·t + spread). `dx` and `dt` (may be null) receive scale·∂l/∂x and scale·∂l/∂t.
template <class T>
double cross_entropy_row(const RowTarget<T>& target, const T* x, std::int64_t n, const T* t, T* dx, T* dt, double scale);

}  // namespace slope::nn::detail
