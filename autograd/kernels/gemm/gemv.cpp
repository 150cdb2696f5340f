#include "slope/autograd/kernels/gemm/gemv.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "slope/autograd/core/internal/scratch.h"
#include "slope/autograd/core/parallel.h"
#include "slope/autograd/kernels/simd/internal/inline_call.h"
#include "slope/autograd/kernels/simd/lanes.h"

namespace slope {
namespace {

using std::int64_t;

constexpr int sums = 16;  // running sums of an element of y
constexpr int64_t panel =
    128;  // elements of y that columns are added to at once: their sums stay in the first-level cache
constexpr int64_t work = 65536;  // multiply-adds worth a thread

// a·b + c: fused where the instruction set has it, in both layouts alike.
template <class Target, class V>
inline V multiply_add(const V& a, const V& b, const V& c) {
  if constexpr (Target::isa != simd::Isa::baseline)
    return fma(a, b, c);
  else
    return c + a * b;
}

template <class T>
inline T folded(T* partial) {
  for (int half = sums / 2; half >= 1; half /= 2)
    for (int j = 0; j < half; ++j) partial[j] += partial[j + half];
  return partial[0];
}

/// The products of as many dense rows as there are numbers in R with x.
template <class Target, class T, std::size_t... R>
inline void dense_rows(std::index_sequence<R...>, int64_t k, T alpha, const T* a, int64_t row_stride, const T* x, T* y,
                       int64_t y_stride) {
  using V = typename Target::template Lanes<T>;
  constexpr int vectors = sums / V::size > 0 ? sums / V::size : 1;
  static_assert(V::size <= sums);
  alignas(64) T partial[sizeof...(R)][sums];
  V acc[sizeof...(R)][vectors];
  for (auto& row : acc)
    for (V& v : row) v = V(0);
  int64_t p = 0;
  for (; p + sums <= k; p += sums)
#pragma GCC unroll 8
    for (int j = 0; j < vectors; ++j) {
      const V at = V::load(x + p + j * V::size);
      ((acc[R][j] =
            multiply_add<Target>(V::load(a + static_cast<int64_t>(R) * row_stride + p + j * V::size), at, acc[R][j])),
       ...);
    }
  for (int j = 0; j < vectors && p < k; ++j, p += V::size) {
    const int lanes = static_cast<int>(std::min<int64_t>(V::size, k - p));
    const auto there = V::mask_type::first(lanes);
    const V at = V::load_n(x + p, lanes);
    ((acc[R][j] = where(
          there, multiply_add<Target>(V::load_n(a + static_cast<int64_t>(R) * row_stride + p, lanes), at, acc[R][j]),
          acc[R][j])),
     ...);
  }
  for (std::size_t r = 0; r < sizeof...(R); ++r) {
    for (int j = 0; j < vectors; ++j) acc[r][j].store(partial[r] + j * V::size);
    T& to = y[static_cast<int64_t>(r) * y_stride];
    const T scaled = alpha * folded(partial[r]);
    to = scaled + to;
  }
}

/// Adds as many columns as there are numbers in C, `sums` apart from each other, to one running sum of each of `elements`.
template <class Target, class T, std::size_t... C>
inline void add_columns(std::index_sequence<C...>, int64_t elements, const T* a, int64_t col_stride, const T* x,
                        T* to) {
  using V = typename Target::template Lanes<T>;
  const V by[] = {V(x[static_cast<int64_t>(C) * sums])...};
  const T* const columns[] = {a + static_cast<int64_t>(C) * sums * col_stride...};
  int64_t i = 0;
  for (; i + V::size <= elements; i += V::size) {
    V sum = V::load(to + i);
    ((sum = multiply_add<Target>(V::load(columns[C] + i), by[C], sum)), ...);
    sum.store(to + i);
  }
  if (i < elements) {
    const int lanes = static_cast<int>(elements - i);
    V sum = V::load_n(to + i, lanes);
    ((sum = multiply_add<Target>(V::load_n(columns[C] + i, lanes), by[C], sum)), ...);
    sum.store_n(to + i, lanes);
  }
}

/// Up to `panel` neighbouring elements of y from dense columns.
template <class Target, class T>
inline void dense_columns(int64_t elements, int64_t k, T alpha, const T* a, int64_t col_stride, const T* x, T* y,
                          int64_t y_stride) {
  using V = typename Target::template Lanes<T>;
  alignas(64) T partial[sums * panel];
  std::fill_n(partial, sums * panel, T(0));
  int64_t p = 0;
  for (; p + 4 * sums <= k; p += 4 * sums)
    for (int q = 0; q < sums; ++q)
      SLOPE_INLINE_CALL add_columns<Target>(std::make_index_sequence<4>(), elements, a + (p + q) * col_stride,
                                            col_stride, x + p + q, partial + q * panel);
  for (; p < k; ++p)
    SLOPE_INLINE_CALL add_columns<Target>(std::make_index_sequence<1>(), elements, a + p * col_stride, col_stride,
                                          x + p, partial + p % sums * panel);
  for (int half = sums / 2; half >= 1; half /= 2)
    for (int64_t i = 0; i < half * panel; i += V::size)
      (V::load(partial + i) + V::load(partial + half * panel + i)).store(partial + i);
  for (int64_t i = 0; i < elements; ++i) {
    const T scaled = alpha * partial[i];
    y[i * y_stride] = scaled + y[i * y_stride];
  }
}

}  // namespace

template <class T>
void gemv(int64_t m, int64_t k, T alpha, const T* a, int64_t row_stride, int64_t col_stride, const T* x,
          int64_t x_stride, T* y, int64_t y_stride) {
  std::optional<memory::Scratch<T>> copy;
  if (x_stride != 1 && k > 1) {
    T* const dense = copy.emplace(k).data();
    for (int64_t p = 0; p < k; ++p) dense[p] = x[p * x_stride];
    x = dense;
  }
  if (col_stride == 1 || k == 1) {
    parallel_for(m, std::max<int64_t>(1, work / std::max<int64_t>(k, 1)), [&](int64_t begin, int64_t end) {
      simd::dispatch([&](auto target) {
        using Target = decltype(target);
        int64_t i = begin;
        for (; i + 4 <= end; i += 4)
          SLOPE_INLINE_CALL dense_rows<Target>(std::make_index_sequence<4>(), k, alpha, a + i * row_stride, row_stride,
                                               x, y + i * y_stride, y_stride);
        for (; i < end; ++i)
          SLOPE_INLINE_CALL dense_rows<Target>(std::make_index_sequence<1>(), k, alpha, a + i * row_stride, row_stride,
                                               x, y + i * y_stride, y_stride);
      });
    });
    return;
  }
  const int64_t panels = (m + panel - 1) / panel;
  parallel_for(panels, std::max<int64_t>(1, work / (panel * k)), [&](int64_t begin, int64_t end) {
    simd::dispatch([&](auto target) {
      for (int64_t i = begin; i < end; ++i)
        SLOPE_INLINE_CALL dense_columns<decltype(target)>(std::min(panel, m - i * panel), k, alpha, a + i * panel,
                                                          col_stride, x, y + i * panel * y_stride, y_stride);
    });
  });
}

template void gemv<float>(int64_t, int64_t, float, const float*, int64_t, int64_t, const float*, int64_t, float*,
                          int64_t);
template void gemv<double>(int64_t, int64_t, double, const double*, int64_t, int64_t, const double*, int64_t, double*,
                           int64_t);

}  // namespace slope
