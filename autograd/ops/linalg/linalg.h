#pragma once

#include <optional>
#include <utility>

#include "slope/autograd/tensor/tensor.h"

/// Equations and decompositions of matrices, by LAPACK, in float32 and float64. The last two dimensions are the matrix, those before
/// are batches; results have the same bits for every thread count. Derivatives exist to any order.
///
/// Common errors: DTypeError unless all arguments are of one floating dtype; ShapeError for fewer than two dimensions, matrices that
/// are not square where they must be, and sizes that do not fit; ValueError for a singular matrix, for one that is not positive definite,
/// where an iteration does not converge, and for NaN and infinities, each with the number of the matrix in its batch.
///
///     Tensor x = solve(a, b);                  // a x = b
///     auto [values, vectors] = eigh(a);
namespace slope {

/// A⁻¹, with A A⁻¹ = 1. To solve equations call `solve`, which is faster and more exact.
Tensor inverse(In a);
/// X with A X = B: [..., n, n], [..., n, k] -> [..., n, k]. A vector b [n] gives [..., n]. Batches broadcast.
Tensor solve(In a, const Tensor& b);
/// The determinant: [..., n, n] -> [...]; 0 for a singular matrix, where the derivative is right as well.
Tensor det(In a);
/// The sign of the determinant and the logarithm of its magnitude: 0 and -∞ for a singular matrix.
[[nodiscard]] std::pair<Tensor, Tensor> slogdet(In a);
/// The logarithm of the determinant; NaN where that is negative.
Tensor logdet(In a);
/// Aⁿ; for negative n of the inverse.
Tensor matrix_power(In a, std::int64_t n);
/// The lower triangular L with A = L Lᵀ (or upper U with A = Uᵀ U). Reads that triangle of A alone; the gradient is symmetric.
Tensor cholesky(In a, bool upper = false);
/// X with A X = B, A being given by its `cholesky` factor.
Tensor cholesky_solve(In b, const Tensor& factor, bool upper = false);
/// X with A X = B, reading the upper (lower) triangle of A alone; `unitriangular` takes its diagonal for 1.
Tensor triangular_solve(In a, const Tensor& b, bool upper, bool unitriangular = false);
/// A = Q R with orthonormal columns in Q and an upper triangular R: [..., m, n] -> [..., m, k], [..., k, n], k = min(m, n). Q is unique up
/// to signs. The derivative needs m >= n and a first square part of R that is invertible.
[[nodiscard]] std::pair<Tensor, Tensor> qr(In a);
/// What `svd` gives: A = U diag(S) Vh, S falling.
struct SvdResult {
  Tensor U;   ///< [..., m, k], orthonormal columns
  Tensor S;   ///< [..., k], not negative
  Tensor Vh;  ///< [..., k, n], orthonormal rows
};
/// Singular values and vectors, k = min(m, n); with `full_matrices` U and Vh are square, and U and Vh have no derivative. The derivative
/// by S always exists; by U and Vh it needs different singular values (and none of 0 where m != n).
[[nodiscard]] SvdResult svd(In a, bool full_matrices = false);
/// The singular values alone.
Tensor svdvals(In a);
/// Eigenvalues, rising, and eigenvectors (columns) of a symmetric matrix, whose lower triangle alone is read (`upper`: the upper). The
/// derivative by vectors needs different eigenvalues.
[[nodiscard]] std::pair<Tensor, Tensor> eigh(In a, bool upper = false);
/// The eigenvalues alone.
Tensor eigvalsh(In a, bool upper = false);
/// The X of least norm that makes ‖A X - B‖ smallest: [..., m, n], [..., m, k] -> [..., n, k]. Singular values up to rcond times the largest
/// count as 0 (absent: the precision times max(m, n)).
Tensor lstsq(In a, const Tensor& b, std::optional<double> rcond = {});
/// The inverse of Moore and Penrose: [..., m, n] -> [..., n, m]. Singular values up to rcond times the largest count as 0 (absent: the
/// precision times max(m, n)); `pinverse` is its older name.
Tensor pinv(In a, std::optional<double> rcond = {});
Tensor pinverse(In a, double rcond = 1e-15);
/// How many singular values are above rcond times the largest (absent: the precision times max(m, n)): int64.
Tensor matrix_rank(In a, std::optional<double> rcond = {});

}  // namespace slope
