#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <utility>
#include <vector>

#include "slope/autograd/tensor/tensor.h"

namespace slope::nn {

/// The lengths of the sequences of a batch: an int64 tensor [N], or [] for a single one, a vector, a braced list or a
/// number. A loss copies them, so that changing the tensor afterwards changes nothing.
///
///     F::ctc_loss(log_probs, targets, {50, 42}, target_lengths);
class Lengths {
 public:
  Lengths(Tensor lengths) : tensor_(std::move(lengths)), is_tensor_(true) {}
  Lengths(std::vector<std::int64_t> lengths) : values_(std::move(lengths)) {}
  Lengths(std::initializer_list<std::int64_t> lengths) : values_(lengths) {}
  template <std::integral I>
  Lengths(I length) : values_{static_cast<std::int64_t>(length)} {}

  /// The numbers. Throws ValueError for an undefined tensor, DTypeError unless it is int64, ShapeError for more than
  /// one dimension; the texts name `op` and `argument`.
  std::vector<std::int64_t> values(const char* op, const char* argument, SourceLoc loc) const;

 private:
  Tensor tensor_;
  bool is_tensor_ = false;
  std::vector<std::int64_t> values_;
};

}  // namespace slope::nn
