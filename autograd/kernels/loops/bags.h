#pragma once

#include <cstdint>
#include <vector>

#include "slope/autograd/tensor/tensor_impl.h"

/// Sums of rows in bags, as a sparse matrix times a dense one: entry k of the matrix adds a row of a table to a bag. No matrix of
/// entries × columns is ever stored. A row of a result is always summed by one thread, in the order of the entries and in double.
namespace slope {

/// The entries of a sparse matrix, by the row of the result that they add to: those of group g are `start[g]` to `start[g + 1]`.
struct BagEntries {
  std::int64_t groups = 0;
  const std::int64_t* start = nullptr;
  /// Per entry the row that it adds, and its number among the weights.
  const std::int64_t* source = nullptr;
  const std::int64_t* number = nullptr;
  /// Per group the row of the result; group g belongs to row g where there is none.
  const std::int64_t* place = nullptr;
  /// What rows that are added, and rows of the result, are divided by; may be null.
  const double* source_divisor = nullptr;
  const double* place_divisor = nullptr;
};

/// out[place[g]] = Σ weights[number[k]]·x[source[k]] over the entries of g. An entry of weight 0 adds nothing, whatever its row holds; with
/// `zeros_stay` neither does an element 0 under an infinite weight. `weights` may be null: all are 1. Other rows are left alone. All dense.
void bag_sum_kernel(const TensorImpl& out, const TensorImpl& x, const TensorImpl* weights, const BagEntries& entries,
                    bool zeros_stay);

/// out[number[k]] = x[source[k]]·y[place[g]] for every entry k of every group g, divided as above; a product with a factor 0 is 0. Other
/// elements are left alone.
void bag_dot_kernel(const TensorImpl& out, const TensorImpl& x, const TensorImpl& y, const BagEntries& entries);

/// The largest element of each column in each group, the first of equal ones or the first NaN, and the row that holds it; 0 and -1 where a
/// group has no entry.
void bag_max_kernel(const TensorImpl& out, const TensorImpl& row, const TensorImpl& x, const BagEntries& entries);

}  // namespace slope
