#include "slope/autograd/kernels/gemm/gemm.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "slope/autograd/core/parallel.h"
#include "slope/autograd/kernels/gemm/blas_core.h"
#include "slope/autograd/kernels/gemm/packed_gemm.h"
#include "slope/autograd/kernels/simd/cpu.h"

using namespace slope;
using std::int64_t;

namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// How the elements of an operand lie in memory.
enum class Lie { rows, columns, stepped, repeated };

template <class T>
struct Matrix {
  Matrix(int64_t r, int64_t c, Lie lie, std::mt19937& engine) : rows(r), cols(c) {
    std::normal_distribution<double> normal;
    memory.resize(static_cast<std::size_t>(2 * r * c + 1));
    for (T& v : memory) v = static_cast<T>(normal(engine));
    switch (lie) {
      case Lie::rows: view = {memory.data(), c, 1}; break;
      case Lie::columns: view = {memory.data(), 1, r}; break;
      case Lie::stepped: view = {memory.data(), 2 * c, 2}; break;
      case Lie::repeated: view = {memory.data(), 0, 1}; break;
    }
  }
  double at(int64_t i, int64_t j) const {
    return static_cast<double>(view.data[i * view.row_stride + j * view.col_stride]);
  }
  int64_t rows, cols;
  std::vector<T> memory;
  MatrixView<T> view;
};

/// Runs `product(c)` on a C whose rows are `gap` further apart than they are long, and compares with the definition.
template <class T, class F>
void check_product(const Matrix<T>& a, const Matrix<T>& b, double alpha, double beta, const std::vector<T>& bias,
                   bool c_is_nan, const F& product) {
  constexpr int64_t gap = 3;
  const int64_t m = a.rows, n = b.cols, k = a.cols, ldc = n + gap;
  std::vector<T> before(static_cast<std::size_t>(m * ldc));
  for (std::size_t i = 0; i < before.size(); ++i)
    before[i] = c_is_nan ? static_cast<T>(nan) : static_cast<T>(std::cos(static_cast<double>(i)));
  std::vector<T> c = before;
  product(c.data(), ldc);
  const double eps = std::numeric_limits<T>::epsilon();
  int wrong = 0;
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < ldc; ++j) {
      const auto at = static_cast<std::size_t>(i * ldc + j);
      if (j >= n) {
        wrong += std::memcmp(&c[at], &before[at], sizeof(T)) != 0;
        continue;
      }
      double sum = 0, magnitude = 0;
      for (int64_t p = 0; p < k; ++p) sum += a.at(i, p) * b.at(p, j), magnitude += std::abs(a.at(i, p) * b.at(p, j));
      sum *= alpha, magnitude *= std::abs(alpha);
      if (!bias.empty()) sum += static_cast<double>(bias[static_cast<std::size_t>(j)]);
      if (beta != 0) sum += beta * static_cast<double>(before[at]), magnitude += std::abs(beta);
      wrong += !(std::abs(static_cast<double>(c[at]) - sum) <= static_cast<double>(k + 4) * eps * (magnitude + 4));
    }
  BOOST_TEST(wrong == 0, wrong << " elements are wrong for m, n, k = " << m << ", " << n << ", " << k);
}

template <class T>
void check_all_layouts() {
  std::mt19937 engine(1);
  for (int64_t m : {1, 3, 8, 45, 130})
    for (int64_t n : {1, 4, 16, 37, 140})
      for (int64_t k : {0, 1, 5, 60}) {
        const std::vector<T> bias(static_cast<std::size_t>(n), T(0.5));
        for (Lie la : {Lie::rows, Lie::columns, Lie::stepped, Lie::repeated})
          for (Lie lb : {Lie::rows, Lie::columns, Lie::stepped, Lie::repeated}) {
            const Matrix<T> a(m, k, la, engine), b(k, n, lb, engine);
            check_product<T>(a, b, 1, 0, {}, true,
                             [&](T* c, int64_t ldc) { gemm<T>(m, n, k, 1, a.view, b.view, 0, c, ldc); });
            check_product<T>(a, b, 0.5, 2, {}, false,
                             [&](T* c, int64_t ldc) { gemm<T>(m, n, k, T(0.5), a.view, b.view, 2, c, ldc); });
            check_product<T>(a, b, 1, 0, bias, true,
                             [&](T* c, int64_t ldc) { gemm_bias<T>(m, n, k, a.view, b.view, bias.data(), c, ldc); });
          }
      }
}

/// Products by the packed kernel whatever their size, in each of its forms in turn.
template <class T>
void check_packed_layouts() {
  std::mt19937 engine(4);
  int form = 0;
  for (int64_t m : {3, 20, 70})  // the largest are packed, the others read where they lie
    for (int64_t n : {16, 33, 70})
      for (int64_t k : {5, 258, 530}) {
        const std::vector<T> bias(static_cast<std::size_t>(n), T(0.5));
        for (Lie la : {Lie::rows, Lie::columns, Lie::stepped, Lie::repeated})
          for (Lie lb : {Lie::rows, Lie::columns, Lie::stepped, Lie::repeated}) {
            struct Form {
              T alpha, beta;
              bool biased;
            };
            constexpr Form forms[] = {{1, 0, false}, {T(0.5), 2, false}, {1, 1, false}, {1, 0, true}, {-1, 0, true}};
            const Form f = forms[form++ % 5];
            const Matrix<T> a(m, k, la, engine), b(k, n, lb, engine);
            check_product<T>(a, b, static_cast<double>(f.alpha), static_cast<double>(f.beta),
                             f.biased ? bias : std::vector<T>(), f.beta == 0, [&](T* c, int64_t ldc) {
                               packed_gemm<T>(m, n, k, f.alpha, a.view, b.view,
                                              {f.beta, f.biased ? bias.data() : nullptr}, c, ldc);
                             });
          }
      }
}

struct RestoreThreads {
  int before = get_num_threads();
  ~RestoreThreads() { set_num_threads(before); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(gemm_suite)

BOOST_AUTO_TEST_CASE(products_are_right_for_every_layout_and_write_nothing_between_rows) {
  check_all_layouts<float>();
  check_all_layouts<double>();
}

BOOST_AUTO_TEST_CASE(products_are_right_with_every_instruction_set) {
  const simd::Isa before = simd::best_isa();
  for (simd::Isa isa : {simd::Isa::baseline, simd::Isa::avx2, simd::Isa::avx512}) {
    simd::set_isa(isa);
    check_all_layouts<float>();
  }
  simd::set_isa(before);
}

BOOST_AUTO_TEST_CASE(tall_wide_and_deep_products_are_right_and_have_the_same_bits_for_every_thread_count) {
  const RestoreThreads restore;
  std::mt19937 engine(2);
  struct Size {
    int64_t m, n, k;
  };
  for (const Size& s :
       {Size{3000, 5, 70}, Size{5, 3000, 70}, Size{600, 520, 40}, Size{20, 20, 5000}, Size{1, 700, 900},
        Size{900, 1, 700}, Size{1, 1, 40000}, Size{33, 1100, 200}, Size{128, 512, 784}, Size{256, 260, 300}}) {
    const Matrix<float> a(s.m, s.k, Lie::rows, engine), b(s.k, s.n, Lie::columns, engine);
    std::vector<float> first;
    for (int threads : {1, 2, 5}) {
      set_num_threads(threads);
      check_product<float>(a, b, 1, 0, {}, true, [&](float* c, int64_t ldc) {
        gemm<float>(s.m, s.n, s.k, 1, a.view, b.view, 0, c, ldc);
        std::vector<float> got;
        for (int64_t i = 0; i < s.m; ++i) got.insert(got.end(), c + i * ldc, c + i * ldc + s.n);
        if (first.empty()) first = got;
        BOOST_TEST(std::memcmp(first.data(), got.data(), got.size() * sizeof(float)) == 0);
      });
    }
  }
}

BOOST_AUTO_TEST_CASE(every_tile_and_share_of_a_product_starts_with_its_own_part_of_the_bias) {
  const RestoreThreads restore;
  std::mt19937 engine(8);
  struct Size {
    int64_t m, n, k;
  };
  // Cut by columns and by rows, for BLAS (too few rows to pack) and for the packed kernel.
  for (const Size& s : {Size{5, 3000, 170}, Size{20, 1100, 200}, Size{30, 1100, 200}, Size{600, 520, 40}}) {
    const Matrix<float> a(s.m, s.k, Lie::rows, engine), b(s.k, s.n, Lie::rows, engine);
    std::vector<float> bias(static_cast<std::size_t>(s.n));
    for (std::size_t j = 0; j < bias.size(); ++j) bias[j] = 10 * std::sin(static_cast<float>(j));
    for (int threads : {1, 2, 5}) {
      set_num_threads(threads);
      check_product<float>(a, b, 1, 0, bias, true, [&](float* c, int64_t ldc) {
        gemm_bias<float>(s.m, s.n, s.k, a.view, b.view, bias.data(), c, ldc);
      });
      if (!packed_gemm_available()) continue;
      check_product<float>(a, b, 1, 0, bias, true, [&](float* c, int64_t ldc) {
        packed_gemm<float>(s.m, s.n, s.k, 1, a.view, b.view, {0, bias.data()}, c, ldc);
      });
    }
  }
}

BOOST_AUTO_TEST_CASE(packed_products_are_right_for_every_layout_and_form_with_every_instruction_set) {
  const simd::Isa before = simd::best_isa();
  for (simd::Isa isa : {simd::Isa::avx2, simd::Isa::avx512}) {
    simd::set_isa(isa);
    if (simd::best_isa() != isa || !packed_gemm_available()) continue;
    check_packed_layouts<float>();
    check_packed_layouts<double>();
  }
  simd::set_isa(before);
}

BOOST_AUTO_TEST_CASE(a_row_of_a_packed_product_has_the_same_bits_for_every_thread_count_and_beside_any_rows) {
  if (!packed_gemm_available()) return;
  const RestoreThreads restore;
  std::mt19937 engine(5);
  // More rows, columns and inner numbers than one block holds.
  constexpr int64_t m = 150, n = 2100, k = 1300;
  const Matrix<float> a(m, k, Lie::rows, engine), b(k, n, Lie::columns, engine);
  const auto rows = [&](int64_t first, int64_t count) {
    std::vector<float> c(static_cast<std::size_t>(count * n));
    packed_gemm<float>(count, n, k, 1, {a.view.data + first * k, k, 1}, b.view, {0}, c.data(), n);
    return c;
  };
  set_num_threads(1);
  const std::vector<float> whole = rows(0, m);
  for (const int threads : {2, 3, 8}) {
    set_num_threads(threads);
    BOOST_TEST((rows(0, m) == whole), threads << " threads");
    for (const int64_t first : {0, 1, 77}) {
      const std::vector<float> part = rows(first, 9);
      BOOST_TEST((std::equal(part.begin(), part.end(), whole.begin() + first * n)), "rows from " << first);
    }
  }
}

BOOST_AUTO_TEST_CASE(dot_sums_floats_in_double_with_any_strides) {
  std::vector<float> x(300001), y(300001);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = 1.0F + static_cast<float>(i % 7), y[i] = i % 2 ? -1.0F : 1.0F;
  x[0] = 1e8F;  // would swallow the rest in single precision
  double sum = 0, every_third = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += static_cast<double>(x[i]) * y[i];
  for (std::size_t i = 0; i < 100000; ++i) every_third += static_cast<double>(x[3 * i]) * y[2 * i];
  BOOST_TEST(dot<float>(300001, x.data(), 1, y.data(), 1) == static_cast<float>(sum));
  BOOST_TEST(dot<float>(100000, x.data(), 3, y.data(), 2) == static_cast<float>(every_third));
  BOOST_TEST(dot<float>(0, x.data(), 1, y.data(), 1) == 0.0F);
}

BOOST_AUTO_TEST_CASE(the_first_product_gives_openblas_the_kernels_of_this_cpu) {
  std::mt19937 engine(3);
  const Matrix<float> a(64, 64, Lie::rows, engine), b(64, 64, Lie::rows, engine);
  std::vector<float> c(64 * 64);
  gemm<float>(64, 64, 64, 1, a.view, b.view, 0, c.data(), 64);
  const std::string core = blas_core_name();
  BOOST_TEST_MESSAGE("OpenBLAS' core: " << core);
  if (core.empty() || std::getenv("OPENBLAS_CORETYPE")) return;
  const std::set<std::string> with_avx2 = {"Haswell", "Zen", "SkylakeX", "Cooperlake", "Sapphirerapids"};
  BOOST_TEST((simd::supported_isa() == simd::Isa::baseline || with_avx2.contains(core)));
}

BOOST_AUTO_TEST_CASE(a_row_of_a_small_product_has_the_same_bits_beside_any_rows_and_for_every_layout) {
  std::mt19937 engine(6);
  const simd::Isa before = simd::best_isa();
  for (simd::Isa isa : {simd::Isa::baseline, simd::Isa::avx2, simd::Isa::avx512}) {
    simd::set_isa(isa);
    for (int64_t n : {1, 2, 4, 8, 11, 20})
      for (int64_t k : {1, 2, 3, 4, 5, 6, 7, 8, 19, 40}) {
        constexpr int64_t m = 19;
        const Matrix<float> a(m, k, Lie::rows, engine), b(k, n, Lie::rows, engine);
        std::vector<float> a_columns(static_cast<std::size_t>(m * k)), b_columns(static_cast<std::size_t>(k * n));
        for (int64_t p = 0; p < k; ++p) {
          for (int64_t i = 0; i < m; ++i) a_columns[static_cast<std::size_t>(p * m + i)] = a.view.data[i * k + p];
          for (int64_t j = 0; j < n; ++j) b_columns[static_cast<std::size_t>(j * k + p)] = b.view.data[p * n + j];
        }
        const auto product = [&](int64_t first, int64_t rows, bool turned_a, bool turned_b) {
          std::vector<float> c(static_cast<std::size_t>(rows * n));
          const MatrixView<float> left = turned_a ? MatrixView<float>{a_columns.data() + first, 1, m}
                                                  : MatrixView<float>{a.view.data + first * k, k, 1},
                                  right = turned_b ? MatrixView<float>{b_columns.data(), 1, k} : b.view;
          gemm<float>(rows, n, k, 1, left, right, 0, c.data(), n);
          return c;
        };
        const std::vector<float> whole = product(0, m, false, false);
        for (const int layout : {1, 2, 3})
          BOOST_TEST((product(0, m, layout & 1, layout & 2) == whole),
                     "n, k, layout = " << n << " " << k << " " << layout);
        for (const auto& [first, rows] : {std::pair<int64_t, int64_t>{0, 1}, {3, 5}, {17, 2}})
          for (const int layout : {0, 1, 2, 3}) {
            const std::vector<float> part = product(first, rows, layout & 1, layout & 2);
            BOOST_TEST((std::equal(part.begin(), part.end(), whole.begin() + first * n)),
                       rows << " rows from " << first << ", n, k, layout = " << n << " " << k << " " << layout);
          }
      }
  }
  simd::set_isa(before);
}

template <class T>
void check_bits_of_layouts(int64_t m, int64_t n, int64_t k) {
  std::mt19937 engine(7);
  std::normal_distribution<double> normal;
  const auto matrix = [&](int64_t rows, int64_t cols) {
    std::vector<T> x(static_cast<std::size_t>(rows * cols));
    for (T& v : x) v = static_cast<T>(normal(engine));
    return x;
  };
  /// The same numbers by columns, and with a gap between neighbours.
  const auto laid = [](const std::vector<T>& x, int64_t rows, int64_t cols, int64_t row_stride, int64_t col_stride) {
    std::vector<T> y(static_cast<std::size_t>((rows - 1) * row_stride + (cols - 1) * col_stride + 1));
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < cols; ++j)
        y[static_cast<std::size_t>(i * row_stride + j * col_stride)] = x[static_cast<std::size_t>(i * cols + j)];
    return y;
  };
  const auto strides = [](int64_t rows, int64_t cols, int layout) {
    return layout == 0   ? std::pair(cols, int64_t{1})
           : layout == 1 ? std::pair(int64_t{1}, rows)
                         : std::pair(2 * cols + 3, int64_t{2});
  };
  const std::vector<T> a = matrix(m, k), b = matrix(k, n);
  std::vector<T> first;
  for (int of_a : {0, 1, 2})
    for (int of_b : {0, 1, 2}) {
      const auto [a_row, a_col] = strides(m, k, of_a);
      const auto [b_row, b_col] = strides(k, n, of_b);
      const std::vector<T> left = laid(a, m, k, a_row, a_col), right = laid(b, k, n, b_row, b_col);
      std::vector<T> c(static_cast<std::size_t>(m * n));
      gemm<T>(m, n, k, 1, {left.data(), a_row, a_col}, {right.data(), b_row, b_col}, 0, c.data(), n);
      if (first.empty()) first = c;
      BOOST_TEST((c == first), m << " x " << n << " x " << k << " in layouts " << of_a << of_b);
    }
}

BOOST_AUTO_TEST_CASE(a_product_has_the_same_bits_in_every_layout) {
  struct Size {
    int64_t m, n, k;
  };
  for (const auto& [m, n, k] : {Size{9, 9, 9},
                                {2, 300, 40},
                                {300, 2, 40},
                                {24, 24, 24},
                                {33, 47, 59},
                                {64, 64, 64},
                                {100, 100, 100},
                                {20, 20, 300},
                                {20, 20, 1000},
                                {50, 30, 500},
                                {100, 20, 100},
                                {10, 784, 100},
                                {128, 10, 784},
                                {1, 100, 100},
                                {100, 1, 100},
                                {128, 128, 128},
                                {70, 70, 700},
                                {300, 200, 100}}) {
    check_bits_of_layouts<float>(m, n, k);
    check_bits_of_layouts<double>(m, n, k);
  }
}

BOOST_AUTO_TEST_CASE(sums_of_columns_are_formed_in_double_and_read_no_further) {
  for (const int64_t rows : {0, 1, 2, 7, 100})
    for (const auto& [columns, ld] :
         {std::pair<int64_t, int64_t>{1, 3}, {3, 5}, {8, 10}, {17, 19}, {1, 1}, {2, 2}, {4, 4}, {8, 8}, {3, 3}}) {
      std::vector<float> x(static_cast<std::size_t>(rows * ld), std::numeric_limits<float>::quiet_NaN());
      std::vector<double> expected(static_cast<std::size_t>(columns));
      for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = 0; j < columns; ++j) {
          const float v = (i % 3 == 0 ? 1e8F : i % 3 == 1 ? -1e8F : 0.25F) + static_cast<float>(j);
          x[static_cast<std::size_t>(i * ld + j)] = v;
          expected[static_cast<std::size_t>(j)] += static_cast<double>(v);
        }
      std::vector<float> sums(static_cast<std::size_t>(columns), -1.0F);
      sum_columns<float>(rows, columns, x.data(), ld, sums.data());
      for (int64_t j = 0; j < columns; ++j)
        BOOST_TEST(sums[static_cast<std::size_t>(j)] == static_cast<float>(expected[static_cast<std::size_t>(j)]));
    }
}

BOOST_AUTO_TEST_SUITE_END()
