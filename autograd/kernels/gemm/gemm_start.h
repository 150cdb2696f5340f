#pragma once

#include <algorithm>
#include <cstdint>

namespace slope {

/// What a product's C holds before it is added: beta C, a row of numbers, or nothing (beta = 0, C is not read).
template <class T>
struct GemmStart {
  T beta;
  const T* bias = nullptr;

  /// Puts it into `rows` rows and the columns [first_column, first_column + columns) of C; `c` points at the first.
  void apply(std::int64_t rows, std::int64_t columns, std::int64_t first_column, T* c, std::int64_t ldc) const {
    for (std::int64_t i = 0; i < rows; ++i, c += ldc) {
      if (bias)
        std::copy_n(bias + first_column, columns, c);
      else if (beta == T(0))
        std::fill_n(c, columns, T(0));
      else if (beta != T(1))
        for (std::int64_t j = 0; j < columns; ++j) c[j] *= beta;
    }
  }
};

}  // namespace slope
