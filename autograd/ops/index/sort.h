#pragma once

#include <cstdint>
#include <utility>

#include "slope/autograd/tensor/tensor.h"

/// Ordering the elements along a dimension. NaN is greater than every number, -0 equals 0, and of equal elements the one with
/// the lower index comes first, ascending or descending (every sort is stable). Pairs are values and their int64 indices; the
/// gradient of a value goes to the element it was picked from. IndexError for a dimension out of range.
///
///     auto [values, index] = sort(x, -1, true);
///     auto [best, where_best] = topk(scores, 5);
namespace slope {

/// Values in order, and where they come from.
[[nodiscard]] std::pair<Tensor, Tensor> sort(In x, std::int64_t dim = -1, bool descending = false);
/// The indices of `sort` alone.
Tensor argsort(In x, std::int64_t dim = -1, bool descending = false);
/// The k largest (smallest) elements, in order (with sorted = false in any order). Throws IndexError unless 0 <= k <= size.
[[nodiscard]] std::pair<Tensor, Tensor> topk(In x, std::int64_t k, std::int64_t dim = -1, bool largest = true,
                                             bool sorted = true);
/// The k-th smallest element, k counting from 1. Throws IndexError unless 1 <= k <= size.
[[nodiscard]] std::pair<Tensor, Tensor> kthvalue(In x, std::int64_t k, std::int64_t dim = -1, bool keepdim = false);

/// The middle one of the ordered elements, of an even number the lower; NaN when there is one. Elements equal to it share the
/// gradient; of nothing NaN (ShapeError for integers).
Tensor median(In x);
/// The same along one dimension, with the lowest index. Throws ShapeError when the dimension is empty.
[[nodiscard]] std::pair<Tensor, Tensor> median(In x, std::int64_t dim, bool keepdim = false);
/// The most frequent element along `dim` (of several the smallest) and the last place where it stands.
[[nodiscard]] std::pair<Tensor, Tensor> mode(In x, std::int64_t dim = -1, bool keepdim = false);

/// What `unique` gives.
struct UniqueResult {
  Tensor values;   ///< 1-d, ascending
  Tensor inverse;  ///< of the shape of the input: values[inverse] is the input
  Tensor counts;   ///< how often each value occurs
};
/// The different elements of a tensor. NaNs differ from each other. Not differentiable.
[[nodiscard]] UniqueResult unique(In x);

}  // namespace slope
