#pragma once

#include <cstdint>

/// Matrix products on raw memory: the only place that calls BLAS.
///
/// A result has the same bits for every thread count, which OpenBLAS' own threading does not promise (it may split the
/// sums over k), and slope's threads are the only ones. By size, from the smallest:
///  - a direct kernel, since a call of BLAS costs more than these products do;
///  - one call of BLAS, on one thread;
///  - `packed_gemm`, where the instruction set has fused multiply-add: on slope's threads, each matrix packed once;
///  - tiles that depend on m, n and k alone, each computed by BLAS on one of slope's threads.
namespace slope {

/// A matrix operand: element (i, j) is `data[i * row_stride + j * col_stride]`. Any strides, 0 included. Operands that
/// are dense along one dimension go to BLAS as they are, others are copied first.
template <class T>
struct MatrixView {
  const T* data;
  std::int64_t row_stride, col_stride;
  MatrixView transposed() const { return {data, col_stride, row_stride}; }
};

/// C = alpha A B + beta C for A [m, k], B [k, n] and C [m, n] with rows `ldc` >= n apart.
///
/// T is float, double or int64 (which wraps around). With beta = 0, C is not read; with k = 0 the product is zero.
/// C must not overlap A or B.
template <class T>
void gemm(std::int64_t m, std::int64_t n, std::int64_t k, T alpha, MatrixView<T> a, MatrixView<T> b, T beta, T* c,
          std::int64_t ldc);

/// C = A B with the n numbers at `bias` (dense) added to every row.
template <class T>
void gemm_bias(std::int64_t m, std::int64_t n, std::int64_t k, MatrixView<T> a, MatrixView<T> b, const T* bias, T* c,
               std::int64_t ldc);

/// out[j] = the sum of column j of a matrix with rows `ld` apart, formed in double on one thread: for small matrices,
/// which a reduction takes longer to plan than to add up.
template <class T>
void sum_columns(std::int64_t rows, std::int64_t columns, const T* x, std::int64_t ld, T* out);

/// The sum of x[i] y[i]. Floats are summed in double: the error stays below 1e-7 times the sum of magnitudes.
template <class T>
T dot(std::int64_t n, const T* x, std::int64_t x_stride, const T* y, std::int64_t y_stride);

}  // namespace slope
