#pragma once

#include <cstdint>

#include "slope/autograd/kernels/loops/rows.h"

/// Cross entropy of one row, in lanes: -Σ q_j·ln softmax(x)_j and its gradients. T is float or double.
namespace slope::nn::detail {

/// What the rows of one call share.
template <class T>
struct RowTarget {
  const T* weight = nullptr;  ///< one per class; null: all 1
  double share = 1;           ///< 1 - ε: the share of the target itself
  double spread = 0;          ///< ε/C: what every class receives
  double weight_sum = 0;      ///< Σ w_j
  bool all_zero = false;      ///< every w_j is 0

  /// Whether a row of this label counts: not where all that it would add has weight 0.
  bool counts(std::int64_t label) const {
    if (!weight || weight[label] != 0) return true;
    return spread != 0 && !all_zero;
  }
};

/// For class indices: q = share·w_c at the class c, plus spread·w_j. Of rows of n elements, `step` bytes apart, reads
/// logits and int64 labels and writes values (double, or T when `narrow`) and, when dx is not null, ∂l/∂x / divisor: a sum of weights may be
/// too small to have a reciprocal.
/// Rows that are ignored or have weight 0 have value and gradient 0, whatever is in them.
template <class T>
struct LabelRows {
  const RowTarget<T>& target;
  std::int64_t n, ignore_index;
  const char *x, *labels;
  char *values, *dx;
  std::int64_t x_step, label_step, value_step, dx_step;
  bool narrow;
  double divisor;
};
template <class T>
void cross_entropy_rows(const LabelRows<T>& rows, std::int64_t count);

/// For probabilities t: q = w·(share·t + spread). Writes values as LabelRows does; `dx` and `dt` (may be null) receive
/// scale·∂l/∂x and scale·∂l/∂t.
template <class T>
struct ProbabilityRows {
  const RowTarget<T>& target;
  std::int64_t n;
  const char *x, *t;
  char *values, *dx, *dt;
  std::int64_t x_step, t_step, value_step, dx_step, dt_step;
  bool narrow;
  double scale;
};
template <class T>
void cross_entropy_rows(const ProbabilityRows<T>& rows, std::int64_t count);

}  // namespace slope::nn::detail
