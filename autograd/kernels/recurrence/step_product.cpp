#include "slope/autograd/kernels/recurrence/internal/step_product.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "slope/autograd/kernels/gemm/gemm_tile.h"
#include "slope/autograd/kernels/simd/internal/inline_call.h"
#include "slope/autograd/kernels/simd/lanes.h"

namespace slope {

namespace {

using std::int64_t;

// Columns that lie beside each other for one inner index: two vectors of the widest set. The same for every set, so that
// a change of it between two products does no harm.
template <class T>
constexpr int64_t sliver = 128 / sizeof(T);

using gemm_tile::inner_block;
using gemm_tile::pieces_of;

/// Rows of the tile that stays in registers while an inner block passes.
template <class Target>
constexpr int most_rows = Target::isa == simd::Isa::avx512 ? 8 : 4;

/// Where a tile stands in C, and what is there before it is added.
template <class T>
struct Corner {
  T* c;
  int64_t ldc, columns;
  const T* bias;
  bool add;

  template <class V>
  void put(V x, int64_t row, int64_t column) const {
    const int n = static_cast<int>(std::clamp<int64_t>(columns - column, 0, V::size));
    if (n == 0) return;
    T* const to = c + row * ldc + column;
    if (n == V::size) {
      if (add)
        x = x + V::load(to);
      else if (bias)
        x = x + V::load(bias + column);
      x.store(to);
      return;
    }
    if (add)
      x = x + V::load_n(to, n);
    else if (bias)
      x = x + V::load_n(bias + column, n);
    x.store_n(to, n);
  }
};

template <class Target, class V>
inline V multiply_add(const V& a, const V& b, const V& sum) {
  if constexpr (Target::isa == simd::Isa::baseline)
    return sum + a * b;  // without an instruction for it, fma is a call
  else
    return fma(a, b, sum);
}

/// `Rows` rows of A by `Vectors` neighbouring vectors of B, from `b` on; `next` leads from one sliver to the next.
template <class Target, int Vectors, class T, std::size_t... S, std::size_t... Right>
inline void multiply_tile(std::index_sequence<S...>, std::index_sequence<Right...>, int64_t inner, const T* a,
                          int64_t lda, const T* b, int64_t next, const Corner<T>& corner) {
  using V = typename Target::template Lanes<T>;
  constexpr int64_t lanes = V::size, in_sliver = sliver<T> / lanes;
  constexpr auto row = [](std::size_t s) { return static_cast<int64_t>(s) / Vectors; };
  constexpr auto vector = [](std::size_t s) { return static_cast<int64_t>(s) % Vectors; };
  const auto offset = [next](std::size_t v) {
    return static_cast<int64_t>(v) / in_sliver * next + static_cast<int64_t>(v) % in_sliver * lanes;
  };
  const T* rows[sizeof...(S) / Vectors];
  ((rows[row(S)] = a + row(S) * lda), ...);
  // Constant subscripts throughout (packs, not loops): only then does the compiler keep the sums in registers.
  V sums[sizeof...(S)], right[Vectors];
  ((sums[S].v = V(0).v), ...);
  for (int64_t p = 0; p < inner; ++p, b += sliver<T>) {
    ((right[Right].v = V::load(b + offset(Right)).v), ...);
    ((sums[S].v = multiply_add<Target>(V(rows[row(S)][p]), right[vector(S)], sums[S]).v), ...);
  }
  ((corner.put(sums[S], row(S), vector(S) * lanes)), ...);
}

template <class Target, int Rows, int Vectors, class T>
inline void multiply_columns(int64_t inner, const T* a, int64_t lda, const T* b, int64_t next,
                             const Corner<T>& corner) {
  SLOPE_INLINE_CALL multiply_tile<Target, Vectors>(std::make_index_sequence<static_cast<std::size_t>(Rows) * Vectors>(),
                                                   std::make_index_sequence<Vectors>(), inner, a, lda, b, next, corner);
}

/// `Rows` rows of A by all of one inner block of B.
template <class Target, int Rows, class T>
inline void multiply_rows(int64_t inner, int64_t n, const T* a, int64_t lda, const T* b, const Corner<T>& corner) {
  constexpr int64_t lanes = Target::template Lanes<T>::size, in_sliver = sliver<T> / lanes;
  // Sums enough that additions need not wait for each other, also where there are few rows.
  constexpr int wide = Rows == 1 ? 8 : Rows == 2 ? 4 : 2, narrow = 2;
  static_assert(wide % in_sliver == 0 || in_sliver % wide == 0);
  const int64_t next = inner * sliver<T>, columns = pieces_of(n, sliver<T>) * sliver<T>;
  const auto at = [&](int64_t j) { return b + j / sliver<T> * next + j % sliver<T>; };
  const auto place = [&](int64_t j) {
    return Corner<T>{corner.c + j, corner.ldc, n - j, corner.bias ? corner.bias + j : nullptr, corner.add};
  };
  int64_t j = 0;
  for (; j + wide * lanes <= columns && j < n; j += wide * lanes)
    SLOPE_INLINE_CALL multiply_columns<Target, Rows, wide>(inner, a, lda, at(j), next, place(j));
  for (; j < n; j += narrow * lanes)
    SLOPE_INLINE_CALL multiply_columns<Target, Rows, narrow>(inner, a, lda, at(j), next, place(j));
}

/// All rows by one inner block. Many of them sliver by sliver, each of which then stays in the first-level cache.
template <class Target, class T>
inline void multiply_block(int64_t inner, int64_t n, int64_t rows, const T* a, int64_t lda, const T* b,
                           const Corner<T>& corner) {
  constexpr int high = most_rows<Target>;
  constexpr int64_t lanes = Target::template Lanes<T>::size;
  const int64_t whole = rows / high * high, next = inner * sliver<T>;
  if (whole > 0)
    for (int64_t j = 0; j < n; j += 2 * lanes) {
      const T* const from = b + j / sliver<T> * next + j % sliver<T>;
      for (int64_t i = 0; i < whole; i += high)
        SLOPE_INLINE_CALL multiply_columns<Target, high, 2>(
            inner, a + i * lda, lda, from, next,
            Corner<T>{corner.c + i * corner.ldc + j, corner.ldc, n - j, corner.bias ? corner.bias + j : nullptr,
                      corner.add});
    }
  int64_t i = whole;
  const auto rest = [&] {
    return Corner<T>{corner.c + i * corner.ldc, corner.ldc, corner.columns, corner.bias, corner.add};
  };
  if constexpr (high > 4)
    for (; i + 4 <= rows; i += 4) SLOPE_INLINE_CALL multiply_rows<Target, 4>(inner, n, a + i * lda, lda, b, rest());
  for (; i + 2 <= rows; i += 2) SLOPE_INLINE_CALL multiply_rows<Target, 2>(inner, n, a + i * lda, lda, b, rest());
  for (; i < rows; ++i) SLOPE_INLINE_CALL multiply_rows<Target, 1>(inner, n, a + i * lda, lda, b, rest());
}

}  // namespace

template <class T>
StepProduct<T>::StepProduct(int64_t k, int64_t n, const MatrixView<T>& b)
    : k_(k),
      n_(n),
      inner_(k > 0 ? gemm_tile::even_piece(k, inner_block, 4) : 1),
      packed_(k * pieces_of(n, sliver<T>) * sliver<T>) {
  T* to = packed_.data();
  simd::dispatch([&](auto) {
    for (int64_t p = 0; p < k; p += inner_) {
      const int64_t inner = std::min(inner_, k - p);
      for (int64_t j = 0; j < n; j += sliver<T>, to += sliver<T> * inner)
        gemm_tile::pack_sliver<sliver<T>>(std::min(sliver<T>, n - j), inner,
                                          b.data + p * b.row_stride + j * b.col_stride, b.col_stride, b.row_stride, to);
    }
  });
}

template <class T>
void StepProduct<T>::multiply(int64_t rows, const T* a, int64_t lda, const T* bias, bool add, T* c, int64_t ldc) const {
  if (rows == 0 || n_ == 0) return;
  if (k_ == 0) {
    for (int64_t i = 0; i < rows && !add; ++i)
      for (int64_t j = 0; j < n_; ++j) c[i * ldc + j] = bias ? bias[j] : T(0);
    return;
  }
  const int64_t padded = pieces_of(n_, sliver<T>) * sliver<T>;
  simd::dispatch([&](auto target) {
    using Target = decltype(target);
    for (int64_t p = 0; p < k_; p += inner_) {
      const Corner<T> corner{c, ldc, n_, bias, add || p > 0};
      SLOPE_INLINE_CALL multiply_block<Target>(std::min(inner_, k_ - p), n_, rows, a + p, lda,
                                               packed_.data() + p * padded, corner);
    }
  });
}

template class StepProduct<float>;
template class StepProduct<double>;

}  // namespace slope
