#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "slope/autograd/core/parallel.h"
#include "slope/autograd/engine/op.h"
#include "slope/autograd/kernels/loops/iterate.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"

/// What the functions of matrices share: checks, and batches as LAPACK wants them.
namespace slope::detail {

inline std::int64_t rows_of(const Tensor& a) { return a.shape()[a.dim() - 2]; }
inline std::int64_t columns_of(const Tensor& a) { return a.shape()[a.dim() - 1]; }
inline std::int64_t batch_of(const Tensor& a) {
  std::int64_t n = 1;
  for (int d = 0; d + 2 < a.dim(); ++d) n *= a.shape()[d];
  return n;
}
inline Shape batch_shape(const Tensor& a) {
  Shape s = a.shape();
  s.erase(s.size() - 1);
  s.erase(s.size() - 1);
  return s;
}
inline Shape with_matrix(Shape batch, std::int64_t rows, std::int64_t columns) {
  batch.push_back(rows);
  batch.push_back(columns);
  return batch;
}
inline Tensor transposed(const Tensor& a) { return transpose(a, -2, -1); }
/// The dense copy whose matrices are stored by columns, seen as the transposes.
inline Tensor by_columns(const Tensor& a) { return dense_copy(transposed(a)); }

inline void require_matrices(const char* op, const Tensor& a, SourceLoc loc) {
  require_floating(op, {a, loc});
  if (a.dim() < 2) throw ShapeError(concat(op, ": needs matrices, but the shape is ", a.shape()), loc);
  if (std::max(rows_of(a), columns_of(a)) > std::numeric_limits<int>::max())
    throw ShapeError(concat(op, ": LAPACK takes at most 2^31 - 1 rows and columns, the shape is ", a.shape()), loc);
}
inline void require_square(const char* op, const Tensor& a, SourceLoc loc) {
  require_matrices(op, a, loc);
  if (rows_of(a) != columns_of(a))
    throw ShapeError(concat(op, ": the matrices must be square, but the shape is ", a.shape()), loc);
}
inline void require_finite(const char* op, const Tensor& a, SourceLoc loc) {
  NoGradGuard no_grad;
  if (!isfinite(a).all().item<bool>())
    throw ValueError(concat(op, ": the matrix holds NaN or infinities, of which there is no decomposition"), loc);
}
/// "matrix 3 of the batch ", or "the matrix ".
inline std::string matrix_number(const Tensor& a, std::int64_t i) {
  return a.dim() > 2 ? concat("matrix ", i, " of the batch ") : std::string("the matrix ");
}

/// `a` and `b` with their batches expanded to each other.
struct Fitted {
  Tensor a, b;
};
Fitted fitted(const char* op, const Tensor& a, const Tensor& b, SourceLoc loc);

/// Calls `body(i)` for each matrix of a batch, on several threads where they cost enough.
template <class Body>
void for_matrices(std::int64_t batch, std::int64_t cost, const Body& body) {
  parallel_for(batch, std::max<std::int64_t>(1, 100'000 / std::max<std::int64_t>(cost, 1)),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; ++i) body(i);
               });
}

/// A X = B of checked and fitted batches; X of a triangle of A, or of its transpose.
Tensor solve_square(SourceLoc loc, const char* op, const Tensor& a, const Tensor& b);
Tensor solve_triangular(SourceLoc loc, const Tensor& a, const Tensor& b, bool upper, bool transposed,
                        bool unitriangular);

}  // namespace slope::detail
