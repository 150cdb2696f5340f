#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "slope/autograd/tensor/tensor.h"

/// Joining tensors into one, and copies in which elements repeat or change places. Results are dense and own their
/// memory.
namespace slope {

// ---- joining
/// The tensors behind each other along `dim`. All sizes but that one agree; dtypes are promoted; empty 1-d tensors are
/// skipped. Throws ShapeError, and ValueError for an empty list. The gradient is cut into the same pieces.
///
///     Tensor x = cat({a, b}, 1);               // [n, p], [n, q] -> [n, p + q]
Tensor cat(const std::vector<Tensor>& tensors, std::int64_t dim = 0, SourceLoc loc = SourceLoc::here());
/// Tensors of one shape along a new dimension `dim`, in [-ndim-1, ndim].
Tensor stack(const std::vector<Tensor>& tensors, std::int64_t dim = 0, SourceLoc loc = SourceLoc::here());
/// Side by side: `cat` along dimension 1, of vectors along dimension 0.
Tensor hstack(const std::vector<Tensor>& tensors, SourceLoc loc = SourceLoc::here());
/// On top of each other: `cat` along dimension 0 of tensors with at least two dimensions, vectors being rows.
Tensor vstack(const std::vector<Tensor>& tensors, SourceLoc loc = SourceLoc::here());

/// `cat` along dimension 2 of tensors with at least three; and of vectors as columns, matrices as they are.
Tensor dstack(const std::vector<Tensor>& tensors, SourceLoc loc = SourceLoc::here());
Tensor column_stack(const std::vector<Tensor>& tensors, SourceLoc loc = SourceLoc::here());
/// Matrices along the diagonal of a matrix of zeros.
Tensor block_diag(const std::vector<Tensor>& tensors, SourceLoc loc = SourceLoc::here());
/// All combinations of elements of vectors, as rows.
Tensor cartesian_prod(const std::vector<Tensor>& tensors, SourceLoc loc = SourceLoc::here());

// ---- repeating
/// `x` repeated repeats[i] times along dimension i, with new leading dimensions when there are more repeats than
/// dimensions.
Tensor repeat(In x, const Shape& repeats);
/// As `repeat`; missing repeats in front count as 1.
Tensor tile(In x, const Shape& repeats);
/// Each element `repeats` times in a row along `dim`; of the flattened tensor without `dim`.
Tensor repeat_interleave(In x, std::int64_t repeats);
Tensor repeat_interleave(In x, std::int64_t repeats, std::int64_t dim);
/// Slice i along `dim` repeats[i] times (one element: each as often).
Tensor repeat_interleave(In x, const Tensor& repeats, std::optional<std::int64_t> dim = {});

// ---- rearranging
/// Reversed columns; reversed rows; k quarter turns from dims[0] towards dims[1].
Tensor fliplr(In x);
Tensor flipud(In x);
Tensor rot90(In x, std::int64_t k = 1, const Shape& dims = {0, 1});
/// Elements in reverse order along `dims`.
Tensor flip(In x, const Shape& dims);
/// Elements moved by shifts[i] places along dims[i]; what leaves at one end enters at the other. Without `dims` one
/// shift, of the flattened tensor.
Tensor roll(In x, const Shape& shifts, const Shape& dims = {});
/// The lower (upper) triangle of matrices [..., m, n], the rest 0: elements with column - row <= diagonal (>=
/// diagonal).
Tensor tril(In x, std::int64_t diagonal = 0);
Tensor triu(In x, std::int64_t diagonal = 0);
/// Of a vector, the square matrix with it on a diagonal; of a matrix, a copy of that diagonal.
Tensor diag(In x, std::int64_t diagonal = 0);
/// Each vector of the last dimension on a diagonal of a square matrix of zeros: [..., n] -> [..., n + |d|, n + |d|].
Tensor diag_embed(In x, std::int64_t diagonal = 0);
/// `diag` of the flattened elements.
Tensor diagflat(In x, std::int64_t offset = 0);
/// A copy of `x` in which `src` takes the place of select(x, dim, index), of slice(x, dim, start, stop, step), of a diagonal.
Tensor select_scatter(In x, const Tensor& src, std::int64_t dim, std::int64_t index);
Tensor slice_scatter(In x, const Tensor& src, std::int64_t dim = 0, std::optional<std::int64_t> start = {},
                     std::optional<std::int64_t> stop = {}, std::int64_t step = 1);
Tensor diagonal_scatter(In x, const Tensor& src, std::int64_t offset = 0, std::int64_t dim1 = 0, std::int64_t dim2 = 1);
/// Rows and columns of the lower (upper) triangle of a matrix of this size, int64 [2, count].
Tensor tril_indices(std::int64_t rows, std::int64_t columns, std::int64_t offset = 0,
                    SourceLoc loc = SourceLoc::here());
Tensor triu_indices(std::int64_t rows, std::int64_t columns, std::int64_t offset = 0,
                    SourceLoc loc = SourceLoc::here());
/// Powers of a vector as columns, n of them (absent: as many as elements), falling unless `increasing`.
Tensor vander(In x, std::optional<std::int64_t> n = {}, bool increasing = false);

}  // namespace slope
