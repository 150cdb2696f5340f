#pragma once

#include <cstdint>

#include "slope/autograd/kernels/gemm/gemm.h"
#include "slope/autograd/kernels/gemm/gemm_start.h"

/// Products too small for BLAS to pay: C [m, n] = alpha A [m, k] B [k, n] + start, computed directly. Each row of C has
/// the same bits whatever rows are computed beside it, and so whatever the size of a batch.
namespace slope {

/// Whether a product is one of them. T is float or double.
template <class T>
bool is_small_product(std::int64_t m, std::int64_t n, std::int64_t k);

/// Of a product for which `is_small_product` holds.
template <class T>
void small_gemm(std::int64_t m, std::int64_t n, std::int64_t k, T alpha, const MatrixView<T>& a, const MatrixView<T>& b,
                const GemmStart<T>& start, T* c, std::int64_t ldc);

}  // namespace slope
