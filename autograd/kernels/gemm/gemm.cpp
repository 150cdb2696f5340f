#include "slope/autograd/kernels/gemm/gemm.h"

#include <cblas.h>
#if __has_include(<dlfcn.h>)
#include <dlfcn.h>
#endif

#include <algorithm>
#include <cstdio>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>

#include "slope/autograd/core/internal/scratch.h"
#include "slope/autograd/core/parallel.h"
#include "slope/autograd/kernels/gemm/blas_check.h"
#include "slope/autograd/kernels/gemm/blas_core.h"
#include "slope/autograd/kernels/gemm/gemm_start.h"
#include "slope/autograd/kernels/gemm/gemv.h"
#include "slope/autograd/kernels/gemm/packed_gemm.h"
#include "slope/autograd/kernels/gemm/small_gemm.h"
#include "slope/autograd/kernels/simd/each_vector.h"
#include "slope/autograd/kernels/simd/internal/inline_call.h"
#include "slope/autograd/kernels/simd/lanes.h"

extern "C" __attribute__((weak)) void openblas_set_num_threads(int);

namespace slope {
namespace {

using std::int64_t;

// ---------------------------------------------------------------------------------------------------------------------
// BLAS on one thread

// The OpenMP that OpenBLAS may have been built with and that is then in the process.
struct OpenMP {
  int (*get_max_threads)() = nullptr;
  void (*set_num_threads)(int) = nullptr;

  static const OpenMP& found() {
    static const OpenMP instance = [] {
      OpenMP omp;
#if __has_include(<dlfcn.h>)
      omp.get_max_threads = reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "omp_get_max_threads"));
      omp.set_num_threads = reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"));
#endif
      return omp.get_max_threads && omp.set_num_threads ? omp : OpenMP();
    }();
    return instance;
  }
};

// OpenBLAS' OpenMP build takes its thread count from the calling thread's OpenMP setting, which is the user's: it is
// put back after each call. Other builds of OpenBLAS have a count of their own.
class OneBlasThread {
 public:
  OneBlasThread() : omp_(OpenMP::found()), before_(omp_.get_max_threads ? omp_.get_max_threads() : 1) {
    prepare();
    if (before_ != 1) omp_.set_num_threads(1);
  }
  ~OneBlasThread() {
    if (before_ != 1) omp_.set_num_threads(before_);
  }
  OneBlasThread(const OneBlasThread&) = delete;
  OneBlasThread& operator=(const OneBlasThread&) = delete;

 private:
  static void prepare() {
    static const bool suited = (suit_blas_to_cpu(), true);
    static_cast<void>(suited);
    if (OpenMP::found().get_max_threads) return;
    static thread_local const bool done = [] {
      if (&openblas_set_num_threads != nullptr) openblas_set_num_threads(1);
      return true;
    }();
    static_cast<void>(done);
  }

  const OpenMP& omp_;
  const int before_;
};

// Sizes and strides that BLAS can hold, and a bound on the inner size it is given at once.
constexpr int64_t blas_limit = int64_t{1} << 30;

/// A as BLAS wants it: dense rows, or dense columns and the flag.
template <class T>
struct BlasOperand {
  const T* data;
  int64_t ld;
  bool transposed;
};

template <class T>
bool fits_blas(int64_t rows, int64_t cols, const MatrixView<T>& v, BlasOperand<T>* out) {
  if ((v.col_stride == 1 || cols == 1) && (rows == 1 || (v.row_stride >= cols && v.row_stride < blas_limit))) {
    *out = {v.data, rows == 1 ? std::max<int64_t>(1, std::min(cols, blas_limit)) : v.row_stride, false};
    return true;
  }
  if ((v.row_stride == 1 || rows == 1) && (cols == 1 || (v.col_stride >= rows && v.col_stride < blas_limit))) {
    *out = {v.data, cols == 1 ? std::max<int64_t>(1, std::min(rows, blas_limit)) : v.col_stride, true};
    return true;
  }
  return false;
}

void blas_gemm(bool ta, bool tb, int64_t m, int64_t n, int64_t k, float alpha, const float* a, int64_t lda,
               const float* b, int64_t ldb, float beta, float* c, int64_t ldc) {
  cblas_sgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, static_cast<int>(m),
              static_cast<int>(n), static_cast<int>(k), alpha, a, static_cast<int>(lda), b, static_cast<int>(ldb), beta,
              c, static_cast<int>(ldc));
}
void blas_gemm(bool ta, bool tb, int64_t m, int64_t n, int64_t k, double alpha, const double* a, int64_t lda,
               const double* b, int64_t ldb, double beta, double* c, int64_t ldc) {
  cblas_dgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, static_cast<int>(m),
              static_cast<int>(n), static_cast<int>(k), alpha, a, static_cast<int>(lda), b, static_cast<int>(ldb), beta,
              c, static_cast<int>(ldc));
}

/// Whether BLAS is to be called at all: it has to compute a few known products right, once in a process.
bool blas_is_right() {
  static const bool right = [] {
    const OneBlasThread one;
    if (computes_known_products(&blas_gemm, &blas_gemm)) return true;
    std::fprintf(stderr,
                 "slope: warning: the BLAS of this system computes wrong products on this processor (OpenBLAS core "
                 "'%s'); slope's own, slower kernels take over. Install a newer OpenBLAS, or set OPENBLAS_CORETYPE.\n",
                 blas_core_name());
    return false;
  }();
  return right;
}

// ---------------------------------------------------------------------------------------------------------------------
// Tiles

int64_t pieces_of(int64_t n, int64_t size) { return (n + size - 1) / size; }

struct Tiling {
  int64_t rows, cols;  // of a tile

  // Each tile packs its own part of A and B again, so tiles stay large: measured, four tiles of 128 rows or columns
  // cost 1-5 % and tiles of 512 x 512 4 % of a 1024 x 1024 product.
  static Tiling of(int64_t m, int64_t n, int64_t k) {
    constexpr double worthwhile = 2e6;  // operations in a tile: about 20 us
    constexpr int64_t large = 512, small = 128, most = 256;
    const double work = 2.0 * multiply_adds(m, n, k);
    const auto limit = static_cast<int64_t>(std::clamp(work / worthwhile, 1.0, static_cast<double>(most)));
    int64_t along_m = std::max<int64_t>(1, m / large), along_n = std::max<int64_t>(1, n / large);
    while (along_m * along_n > limit) {
      int64_t& larger = along_m > along_n ? along_m : along_n;
      larger = std::max<int64_t>(1, std::min(larger - 1, larger * limit / (along_m * along_n)));
    }
    while (2 * along_m * along_n <= std::min<int64_t>(4, limit)) {
      const int64_t rows = m / along_m, cols = n / along_n;
      if (std::max(rows, cols) < 2 * small) break;
      (cols >= rows ? along_n : along_m) *= 2;
    }
    return {rounded(m, along_m), rounded(n, along_n)};
  }

 private:
  static int64_t rounded(int64_t size, int64_t pieces) {
    constexpr int64_t unit = 16;  // the micro-kernels' width: no tile but the last ends inside one
    return pieces == 1 ? size : pieces_of(pieces_of(size, pieces), unit) * unit;
  }
};

template <class T>
void tiled_gemm(int64_t m, int64_t n, int64_t k, T alpha, const BlasOperand<T>& a, const BlasOperand<T>& b,
                const GemmStart<T>& start, T* c, int64_t ldc) {
  const Tiling tile = Tiling::of(m, n, k);
  const int64_t along_n = pieces_of(n, tile.cols);
  parallel_for(pieces_of(m, tile.rows) * along_n, 1, [&](int64_t begin, int64_t end) {
    const OneBlasThread one;
    for (int64_t t = begin; t < end; ++t) {
      const int64_t i = t / along_n * tile.rows, j = t % along_n * tile.cols;
      const int64_t rows = std::min(tile.rows, m - i), cols = std::min(tile.cols, n - j);
      T* to = c + i * ldc + j;
      T beta = start.beta;
      if (start.bias) {
        start.apply(rows, cols, j, to, ldc);
        beta = 1;
      }
      for (int64_t p = 0; p < k; p += blas_limit) {
        blas_gemm(a.transposed, b.transposed, rows, cols, std::min(blas_limit, k - p), alpha,
                  a.data + (a.transposed ? i + p * a.ld : i * a.ld + p), a.ld,
                  b.data + (b.transposed ? j * b.ld + p : j + p * b.ld), b.ld, beta, to, m == 1 ? cols : ldc);
        beta = 1;
      }
    }
  });
}

// ---------------------------------------------------------------------------------------------------------------------
// Everything together

/// Products for which slope's own kernel is taken. Small ones, because OpenBLAS computes those with AVX-512 by kernels whose
/// bits differ from layout to layout, and slowest by the one of x W^T. And products that BLAS would be given in several
/// tiles, each packing its part of both matrices again, up to a size from which that does not matter and BLAS' blocks are
/// the better ones.
template <class T>
bool packing_pays(int64_t m, int64_t n, int64_t k) {
  constexpr double large = sizeof(T) == sizeof(float) ? 4e9 : 1.1e9;  // multiply-adds
  const double work = multiply_adds(m, n, k);
  if (m == 1 || n == 1 || !packed_gemm_available()) return false;
  if (work <= in_place_work) return true;
  if (work > large || m < 24 || n < 24) return false;
  const Tiling tile = Tiling::of(m, n, k);
  return tile.rows < m || tile.cols < n;
}

/// A product of any size without BLAS, from rows of B that are dense.
template <class T>
void product_without_blas(int64_t m, int64_t n, int64_t k, T alpha, const MatrixView<T>& a, const MatrixView<T>& b,
                          const GemmStart<T>& start, T* c, int64_t ldc) {
  if (packed_gemm_available()) return packed_gemm(m, n, k, alpha, a, b, start, c, ldc);
  start.apply(m, n, 0, c, ldc);
  for (int64_t i = 0; i < m; ++i)
    gemv(n, k, alpha, b.data, 1, b.row_stride, a.data + i * a.row_stride, a.col_stride, c + i * ldc, int64_t{1});
}

/// A copy with dense rows.
template <class T>
BlasOperand<T> densify(int64_t rows, int64_t cols, const MatrixView<T>& v, T* to) {
  parallel_for(rows, std::max<int64_t>(1, 32768 / std::max<int64_t>(1, cols)), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      for (int64_t j = 0; j < cols; ++j) to[i * cols + j] = v.data[i * v.row_stride + j * v.col_stride];
  });
  return {to, std::max<int64_t>(1, cols), false};
}

template <class T>
void product(int64_t m, int64_t n, int64_t k, T alpha, const MatrixView<T>& a, const MatrixView<T>& b,
             const GemmStart<T>& start, T* c, int64_t ldc) {
  if (m == 0 || n == 0) return;
  if (k == 0) return start.apply(m, n, 0, c, ldc);
  if constexpr (std::is_same_v<T, int64_t>) {
    // Unsigned, so that overflow wraps around as it does in PyTorch and is defined.
    using U = std::uint64_t;
    parallel_for(m, std::max<int64_t>(1, 32768 / std::max<int64_t>(1, n * k)), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        U* row = reinterpret_cast<U*>(c + i * ldc);
        for (int64_t j = 0; j < n; ++j)
          row[j] = start.bias ? U(start.bias[j]) : start.beta == 0 ? U(0) : row[j] * U(start.beta);
        for (int64_t p = 0; p < k; ++p) {
          const U x = U(alpha) * U(a.data[i * a.row_stride + p * a.col_stride]);
          for (int64_t j = 0; j < n; ++j) row[j] += x * U(b.data[p * b.row_stride + j * b.col_stride]);
        }
      }
    });
  } else {
    if (is_small_product<T>(m, n, k)) return small_gemm(m, n, k, alpha, a, b, start, c, ldc);
    if (m > 1 && ldc >= blas_limit) {
      for (int64_t i = 0; i < m; ++i)
        product(1, n, k, alpha, {a.data + i * a.row_stride, a.row_stride, a.col_stride}, b, start, c + i * ldc, n);
      return;
    }
    if (packing_pays<T>(m, n, k)) return packed_gemm(m, n, k, alpha, a, b, start, c, ldc);
    BlasOperand<T> left, right;
    std::optional<memory::Scratch<T>> left_copy, right_copy;
    if (!fits_blas(m, k, a, &left)) {
      left = densify(m, k, a, left_copy.emplace(m * k).data());
    }
    const bool column = n == 1, row = !column && m == 1;
    if (column) {
      start.apply(m, 1, 0, c, ldc);
      return gemv(m, k, alpha, left.data, left.transposed ? 1 : left.ld, left.transposed ? left.ld : 1, b.data,
                  b.row_stride, c, ldc);
    }
    if (!fits_blas(k, n, b, &right)) {
      right = densify(k, n, b, right_copy.emplace(k * n).data());
    }
    if (row) {
      start.apply(1, n, 0, c, ldc);
      return gemv(n, k, alpha, right.data, right.transposed ? right.ld : 1, right.transposed ? 1 : right.ld, a.data,
                  a.col_stride, c, int64_t{1});
    }
    if (!blas_is_right()) {
      if (right.transposed) right = densify(k, n, b, right_copy.emplace(k * n).data());
      return product_without_blas(m, n, k, alpha, a, {right.data, right.ld, 1}, start, c, ldc);
    }
    tiled_gemm(m, n, k, alpha, left, right, start, c, ldc);
  }
}

constexpr int64_t dense_piece = 512;  // a multiple of the lanes taken at once

/// Adds x[i] y[i] to the running sums.
template <class Target, class T, class Sum>
inline void add_products(const T* x, const T* y, int64_t n, Sum (&sums)[2]) {
  using V = typename Target::template Lanes<T>;
  static_assert(dense_piece % (2 * V::size) == 0);
  simd::each_vector_of<V, 2>(
      n, [&](const auto& load, const auto&, int count, int64_t, auto k) { sums[k].add_n(load(x) * load(y), count); });
}

}  // namespace

template <class T>
void gemm(int64_t m, int64_t n, int64_t k, T alpha, MatrixView<T> a, MatrixView<T> b, T beta, T* c, int64_t ldc) {
  product(m, n, k, alpha, a, b, GemmStart<T>{beta}, c, ldc);
}

template <class T>
void gemm_bias(int64_t m, int64_t n, int64_t k, MatrixView<T> a, MatrixView<T> b, const T* bias, T* c, int64_t ldc) {
  product(m, n, k, T(1), a, b, GemmStart<T>{T(0), bias}, c, ldc);
}

template <class T>
T dot(int64_t n, const T* x, int64_t x_stride, const T* y, int64_t y_stride) {
  if constexpr (std::is_same_v<T, int64_t>) {
    std::uint64_t sum = 0;
    for (int64_t i = 0; i < n; ++i)
      sum += static_cast<std::uint64_t>(x[i * x_stride]) * static_cast<std::uint64_t>(y[i * y_stride]);
    return static_cast<T>(sum);
  } else {
    constexpr int64_t grain = 32768;
    double partial[max_chunks];
    parallel_chunks(n, grain, [&](int64_t chunk, int64_t begin, int64_t end) {
      simd::dispatch([&](auto target) {
        using Target = decltype(target);
        typename Target::template WideSum<T> sums[2];
        if (x_stride == 1 && y_stride == 1) {
          SLOPE_INLINE_CALL add_products<Target>(x + begin, y + begin, end - begin, sums);
        } else {
          // Laid out densely a piece at a time, so that the sum is formed as that of dense vectors.
          T left[dense_piece], right[dense_piece];
          for (int64_t i = begin; i < end; i += dense_piece) {
            const int64_t count = std::min(dense_piece, end - i);
            for (int64_t j = 0; j < count; ++j) {
              left[j] = x[(i + j) * x_stride];
              right[j] = y[(i + j) * y_stride];
            }
            SLOPE_INLINE_CALL add_products<Target>(left, right, count, sums);
          }
        }
        partial[chunk] = sums[0].total() + sums[1].total();
      });
    });
    double total = 0;
    for (int64_t i = 0; i < chunk_count(n, grain); ++i) total += partial[i];
    return static_cast<T>(total);
  }
}

#define SLOPE_GEMM(T)                                                                                         \
  template void gemm<T>(int64_t, int64_t, int64_t, T, MatrixView<T>, MatrixView<T>, T, T*, int64_t);          \
  template void gemm_bias<T>(int64_t, int64_t, int64_t, MatrixView<T>, MatrixView<T>, const T*, T*, int64_t); \
  template T dot<T>(int64_t, const T*, int64_t, const T*, int64_t);
SLOPE_GEMM(float)
SLOPE_GEMM(double)
SLOPE_GEMM(int64_t)
#undef SLOPE_GEMM

}  // namespace slope
