#pragma once

#include <cstdint>

#include "slope/autograd/core/internal/scratch.h"
#include "slope/autograd/kernels/gemm/gemm.h"

namespace slope {

/// A matrix B [k, n] laid out once for many products with few rows each: what a recurrence multiplies with in every step.
///
/// Each element of a product is summed in an order that depends on k alone, so a row has the same bits whatever rows
/// are computed beside it. T is float or double.
template <class T>
class StepProduct {
 public:
  /// Reads B with any strides; afterwards B is no longer needed.
  StepProduct(std::int64_t k, std::int64_t n, const MatrixView<T>& b);

  /// C = A B for `rows` rows of A, `lda` >= 0 apart, on this thread; plus the n numbers at `bias` unless that is null, or
  /// plus C when `add`.
  void multiply(std::int64_t rows, const T* a, std::int64_t lda, const T* bias, bool add, T* c, std::int64_t ldc) const;

 private:
  std::int64_t k_, n_, inner_;
  memory::Scratch<T> packed_;
};

}  // namespace slope
