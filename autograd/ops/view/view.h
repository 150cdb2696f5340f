#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "slope/autograd/tensor/tensor.h"

/// Views: other geometries over the memory of a tensor. They share its storage and version counter, in-place changes of
/// one are seen by all, and the gradient of a view flows back to the elements it shows (elements not shown get 0,
/// elements shown several times the sum).
///
/// Dimensions may be negative (counted from the end) and throw IndexError when out of range. All functions throw
/// ValueError for an undefined tensor and ShapeError for results of more than 8 dimensions.
namespace slope {

// ---- the same elements under another shape
/// The elements of `x`, in row-major order, as `shape`; one size may be -1 and is inferred. Throws ShapeError when the
/// number of elements differs, and when the strides of `x` do not allow a view (use `reshape`).
///
///     Tensor x = arange(6).view({2, -1});      // [2, 3]
Tensor view(In x, const Shape& shape);
/// `view` where possible, otherwise a view of a dense copy.
Tensor reshape(In x, const Shape& shape);
Tensor view_as(In x, const Tensor& other);
Tensor reshape_as(In x, const Tensor& other);
/// Merges dimensions start_dim..end_dim into one; a 0-d tensor becomes [1].
Tensor flatten(In x, std::int64_t start_dim = 0, std::int64_t end_dim = -1);
/// Splits one dimension into `sizes` (one of them may be -1), whose product must be its size.
Tensor unflatten(In x, std::int64_t dim, const Shape& sizes);
/// Drops all dimensions of size 1, or dimension `dim` if it has size 1 (else nothing).
Tensor squeeze(In x);
Tensor squeeze(In x, std::int64_t dim);
/// Inserts a dimension of size 1; `dim` in [-ndim-1, ndim].
Tensor unsqueeze(In x, std::int64_t dim);

// ---- the same elements in another order of dimensions
/// Dimension i of the result is dimension dims[i] of `x`. Throws ShapeError unless `dims` names each dimension once.
Tensor permute(In x, const Shape& dims);
Tensor transpose(In x, std::int64_t dim0, std::int64_t dim1);
/// NumPy's name of `transpose`.
Tensor swapaxes(In x, std::int64_t dim0, std::int64_t dim1);
/// Moves dimension from[i] to position to[i]; the others keep their order.
Tensor movedim(In x, const Shape& from, const Shape& to);

// ---- elements repeated without copying
/// Repeats dimensions of size 1 (and new leading ones) to `shape` with stride 0; -1 keeps a size. Throws ShapeError
/// when an existing size other than 1 differs. Writing into the result in place throws: clone() it first.
Tensor expand(In x, const Shape& shape);
Tensor expand_as(In x, const Tensor& other);
/// `expand`, under NumPy's name.
Tensor broadcast_to(In x, const Shape& shape);
/// All tensors expanded to their common shape (see `broadcast_shapes`).
[[nodiscard]] std::vector<Tensor> broadcast_tensors(const std::vector<Tensor>& tensors,
                                                    SourceLoc loc = SourceLoc::here());
/// The inverse of broadcasting: sums over the dimensions along which `shape` was repeated to give the shape of `x`.
/// Returns `x` itself when the shapes are equal. Throws ShapeError when `shape` does not broadcast to the shape of `x`.
Tensor sum_to(In x, const Shape& shape);

// ---- parts
/// Elements start..start+length-1 of dimension `dim`. Throws IndexError when they do not all exist.
Tensor narrow(In x, std::int64_t dim, std::int64_t start, std::int64_t length);
/// Every step-th element of [start, stop) of dimension `dim`. Negative bounds count from the end, bounds beyond the
/// ends clamp. Throws ValueError unless step >= 1.
Tensor slice(In x, std::int64_t dim, std::optional<std::int64_t> start = {}, std::optional<std::int64_t> stop = {},
             std::int64_t step = 1);
/// The part with `index` at dimension `dim`, which disappears. Negative indices count from the end; throws IndexError.
Tensor select(In x, std::int64_t dim, std::int64_t index);
/// Pieces of `size` along `dim`, the last one smaller when it does not divide.
[[nodiscard]] std::vector<Tensor> split(In x, std::int64_t size, std::int64_t dim = 0);
/// Pieces of the given sizes, which must add up to the size of `dim` (ShapeError).
[[nodiscard]] std::vector<Tensor> split(In x, const std::vector<std::int64_t>& sizes, std::int64_t dim = 0);
/// Pieces of ⌈size/count⌉, hence possibly fewer than `count`: 6 into 4 gives 2, 2, 2.
[[nodiscard]] std::vector<Tensor> chunk(In x, std::int64_t count, std::int64_t dim = 0);
/// x[0], x[1], ... along `dim`.
[[nodiscard]] std::vector<Tensor> unbind(In x, std::int64_t dim = 0);
/// The diagonal x[i, i + offset] of dimensions dim1 and dim2, which disappear; it becomes the last dimension.
Tensor diagonal(In x, std::int64_t offset = 0, std::int64_t dim1 = 0, std::int64_t dim2 = 1);
/// All windows of `size` elements, `step` apart, along `dim`: that dimension counts the windows ((n - size)/step + 1),
/// a new last dimension lies within them.
///
///     arange(5).unfold(0, 3, 1)                // [[0, 1, 2], [1, 2, 3], [2, 3, 4]]
Tensor unfold(In x, std::int64_t dim, std::int64_t size, std::int64_t step);

/// `x` itself when it is dense, else a dense copy. Differentiable.
Tensor contiguous(In x);

namespace detail {
/// Strides under which `shape` shows the elements of a tensor of these sizes and strides, or nothing if there are none.
/// `shape` has the same number of elements.
std::optional<Shape> view_strides(const Shape& sizes, const Shape& strides, const Shape& shape);
/// Replaces a -1 in `shape` by the size that gives `numel` elements. Throws ShapeError when that is impossible.
Shape infer_shape(const Shape& shape, std::int64_t numel, const char* op, SourceLoc loc);
}  // namespace detail

}  // namespace slope
