#pragma once

#include <cstdint>
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

// ---- repeating
/// `x` repeated repeats[i] times along dimension i, with new leading dimensions when there are more repeats than
/// dimensions.
Tensor repeat(In x, const Shape& repeats);
/// As `repeat`; missing repeats in front count as 1.
Tensor tile(In x, const Shape& repeats);
/// Each element `repeats` times in a row along `dim`; of the flattened tensor without `dim`.
Tensor repeat_interleave(In x, std::int64_t repeats);
Tensor repeat_interleave(In x, std::int64_t repeats, std::int64_t dim);

// ---- rearranging
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

}  // namespace slope
