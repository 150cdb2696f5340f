#pragma once

#include <cstdint>

#include "slope/autograd/kernels/gemm/gemm.h"
#include "slope/autograd/kernels/gemm/gemm_start.h"

namespace slope {

/// The multiply-adds of a product.
inline double multiply_adds(std::int64_t m, std::int64_t n, std::int64_t k) {
  return static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
}

/// Multiply-adds up to which both matrices fit the second-level cache: packing them costs more than it saves.
constexpr double in_place_work = 1e6;

/// Whether `packed_gemm` can compute with the instruction set in force.
bool packed_gemm_available();

/// C = alpha A B + start for T = float or double and any strides, on slope's threads.
///
/// Blocks of B, and within them blocks of A, are laid out anew in the order in which they are used; a tile of C stays
/// in registers while a block of the inner size passes. How the sum over k is cut depends on k alone, and every element
/// is summed by the same instructions, so a row of C has the same bits for every thread count and whatever rows it is
/// computed with, and C may be cut into one rectangle per thread: a single thread packs nothing twice.
/// (Goto and van de Geijn, Anatomy of High-Performance Matrix Multiplication, 2008.)
template <class T>
void packed_gemm(std::int64_t m, std::int64_t n, std::int64_t k, T alpha, const MatrixView<T>& a,
                 const MatrixView<T>& b, const GemmStart<T>& start, T* c, std::int64_t ldc);

}  // namespace slope
