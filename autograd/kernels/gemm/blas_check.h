#pragma once

#include <cstdint>

namespace slope {

/// op(A) op(B) as a BLAS computes it: C [m, n] = A [m, k] B [k, n], each factor stored by rows, or by columns (`ta`, `tb`).
template <class T>
using BlasProduct = void (*)(bool ta, bool tb, std::int64_t m, std::int64_t n, std::int64_t k, T alpha, const T* a,
                             std::int64_t lda, const T* b, std::int64_t ldb, T beta, T* c, std::int64_t ldc);

/// Whether these routines compute small products of whole numbers exactly, with every way of storing the factors. A BLAS
/// older than the processor is known to get some of them wrong.
bool computes_known_products(BlasProduct<float> single, BlasProduct<double> wide);

}  // namespace slope
