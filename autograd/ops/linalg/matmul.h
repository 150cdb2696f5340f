#pragma once

#include <string_view>
#include <vector>

#include "slope/autograd/tensor/tensor.h"

/// Matrix products on BLAS, in float32, float64 and int64 (which wraps around). Arguments must have one dtype: nothing
/// is promoted. Transposed and other strided arguments cost no copy where their rows or columns are dense. Results have
/// the same bits for every thread count. An inner size of 0 gives zeros.
///
/// Common errors: DTypeError for different dtypes or bool, ShapeError for the wrong number of dimensions or sizes that
/// do not fit, ValueError for an undefined tensor.
namespace slope {

/// The product of `a` and `b` by their dimensions: vector·vector is `dot`, matrix·matrix `mm`, matrix·vector `mv`; a
/// vector on the left is a row, on the right a column, and that dimension is dropped from the result. With more than
/// two dimensions the last two are matrices and those before broadcast.
///
///     [n]·[n] -> []     [n, k]·[k, m] -> [n, m]     [b, n, k]·[k, m] -> [b, n, m]
///     [b, 1, n, k]·[c, k, m] -> [b, c, n, m]
Tensor matmul(In a, const Tensor& b);
/// [n, k]·[k, m] -> [n, m].
Tensor mm(In a, const Tensor& b);
/// [b, n, k]·[b, k, m] -> [b, n, m]; nothing broadcasts.
Tensor bmm(In a, const Tensor& b);
/// [n, k]·[k] -> [n].
Tensor mv(In a, const Tensor& x);
/// Σ aᵢ·bᵢ of two vectors, 0-d. Floats are summed in double.
Tensor dot(In a, const Tensor& b);
/// `dot` (slope has no complex numbers).
Tensor vdot(In a, const Tensor& b);
/// aᵢ·bⱼ of two vectors: [n], [m] -> [n, m]. Promotes dtypes, as it is elementwise.
Tensor outer(In a, const Tensor& b);

/// beta·c + alpha·a·b, `c` broadcast to [n, m]. Integer tensors throw ValueError for factors that are not integers.
///
///     addmm(bias, x, w, {.alpha = 0.5})
Tensor addmm(In c, const Tensor& a, const Tensor& b, const AddProductOptions& options = {});
/// beta·c + alpha·a·x for a [n, k], x [k] and `c` broadcast to [n].
Tensor addmv(In c, const Tensor& a, const Tensor& x, const AddProductOptions& options = {});
/// beta·c + alpha·a·b for batches as `bmm` takes them, `c` broadcast to [b, n, m].
Tensor baddbmm(In c, const Tensor& a, const Tensor& b, const AddProductOptions& options = {});

/// x·Wᵀ + bias for x [..., in], W [out, in] and bias [out] (may be undefined): [..., out]. One operation: the product
/// is added to rows that hold the bias, and the derivative makes no transposed copies.
Tensor linear(In x, const Tensor& weight, const Tensor& bias = {});

/// Sums of products written in Einstein's notation: a letter a dimension, one group of letters an operand.
///
/// Letters that repeat within an operand take its diagonal; letters missing after `->` are summed. Without `->` the
/// result has the letters that occur once, in alphabetical order. `...` stands for any further dimensions, which
/// broadcast. Operands are contracted from left to right, each step one batched matrix product. Throws ValueError for
/// an equation that cannot be read, ShapeError where a letter has two sizes.
///
///     einsum("ij,jk->ik", {a, b})      // mm
///     einsum("bij,bkj->bik", {q, k})   // batched q·kᵀ
///     einsum("ii", {a})                // trace
///     einsum("...ij->...ji", {a})      // transpose of the last two dimensions
Tensor einsum(std::string_view equation, const std::vector<Tensor>& operands, SourceLoc loc = SourceLoc::here());

/// The sum of the main diagonal of a matrix, 0-d.
Tensor trace(In x);
/// Kronecker product: every element of `a` times all of `b`. Sizes multiply; missing leading dimensions count as 1.
Tensor kron(In a, const Tensor& b);

namespace detail {
/// a·b of matrices or batches of them (at least 2-d, batch dimensions broadcast), either of them transposed. What the
/// derivatives are made of: no view is made and nothing is copied.
Tensor product(SourceLoc loc, const Tensor& a, bool a_transposed, const Tensor& b, bool b_transposed);
/// Throws unless both are of one numeric dtype.
void check_product_dtypes(const char* op, const Tensor& a, const Tensor& b, SourceLoc loc);
}  // namespace detail

}  // namespace slope
