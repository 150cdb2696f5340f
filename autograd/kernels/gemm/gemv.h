#pragma once

#include <cstdint>

namespace slope {

/// y = alpha A x + y for A [m, k] whose rows (col_stride = 1) or columns (row_stride = 1) are dense, on slope's threads.
///
/// Element p of a row goes to running sum p mod 16, and the 16 are folded in halves, in either layout: y has the same bits
/// whether A is stored by rows or by columns, whatever the stride of x, and for every thread count.
template <class T>
void gemv(std::int64_t m, std::int64_t k, T alpha, const T* a, std::int64_t row_stride, std::int64_t col_stride,
          const T* x, std::int64_t x_stride, T* y, std::int64_t y_stride);

}  // namespace slope
