#pragma once

#include <cstdint>
#include <limits>

#include "slope/nn/losses/shared/common.h"

namespace slope::nn::detail {

/// Where the classes of an input lie, and the index that counts for nothing.
struct ClassAxis {
  std::int64_t ignore_index = -100;
  std::int64_t classes = 0;
  int dim = 0;  ///< dimension of the classes in the input
};

/// Class indices as the target of a loss.
struct ClassTargets : ClassAxis {
  Tensor target{};  ///< int64, one index per position
  Tensor weight{};  ///< dense, one entry per class, in the dtype of the input; undefined: all 1

  /// Σ w over the positions that are not ignored. Throws IndexError for an index that is no class: "Target c is out of
  /// bounds.", with its position.
  double total_weight(const char* op, SourceLoc loc) const;
  /// For each position not ignored, out[class] += scale·w/divisor·g, with g broadcast to the positions. The indices
  /// have been checked; the divisor, a sum of weights, may be too small to have a reciprocal.
  void scatter_weights(const Tensor& out, const Tensor& g, double scale, double divisor) const;
  /// The target with its dimension of classes, of size 1.
  Tensor rows() const;
};

/// What a mean divides the sum by: NaN where the weights sum to 0, whatever the sum.
inline double mean_divisor(double total_weight) {
  return total_weight == 0 ? std::numeric_limits<double>::quiet_NaN() : total_weight;
}
/// The weight as a dense tensor of the dtype of `x`. Throws ShapeError unless it has one entry per class.
Tensor class_weight(const char* op, In x, const Tensor& weight, std::int64_t classes);
/// Checks shapes and dtypes of an input [C], [N, C] or [N, C, d1, ...] and a target [], [N] or [N, d1, ...]; the
/// indices are checked by total_weight(). Throws ShapeError, DTypeError.
ClassTargets class_targets(const char* op, In x, const Tensor& target, const Tensor& weight, std::int64_t ignore_index);

}  // namespace slope::nn::detail
