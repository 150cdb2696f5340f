#pragma once

#include <cstdint>

/// LAPACK on raw memory, on the calling thread alone; T is float or double. Matrices are stored by columns, dense. A result other than
/// 0 is LAPACK's `info`: k > 0 means that the k-th pivot is 0, that the k-th leading part is not positive definite, or that an
/// iteration did not converge.
namespace slope::lapack {

/// A = P L U in place; row i was exchanged with row pivots[i] - 1.
template <class T>
std::int64_t getrf(std::int64_t n, T* a, int* pivots);
/// A X = B by that, in place of B.
template <class T>
void getrs(std::int64_t n, std::int64_t columns, const T* lu, const int* pivots, T* b);
/// The Cholesky factor in the lower triangle, which alone is read.
template <class T>
std::int64_t potrf(std::int64_t n, T* a);
/// A X = B or Aᵀ X = B for a triangle of A, in place of B.
template <class T>
void trtrs(bool upper, bool transposed, bool unitriangular, std::int64_t n, std::int64_t columns, const T* a, T* b);
/// A = Q R for A [m, n]: R in the upper triangle of `a`, and Q [m, min(m, n)].
template <class T>
void qr(std::int64_t m, std::int64_t n, T* a, T* q);
/// A = U diag(S) Vt with k = min(m, n) columns of U and rows of Vt, or all of them. Overwrites A.
template <class T>
std::int64_t svd(bool all, std::int64_t m, std::int64_t n, T* a, T* s, T* u, T* vt);
/// Eigenvalues, rising, and eigenvectors as columns in place of A, whose lower triangle alone is read.
template <class T>
std::int64_t syevd(std::int64_t n, T* a, T* values);

}  // namespace slope::lapack
