#include "slope/autograd/kernels/gemm/packed_gemm.h"

#include <algorithm>
#include <utility>

#include "slope/autograd/core/internal/scratch.h"
#include "slope/autograd/core/parallel.h"
#include "slope/autograd/kernels/gemm/gemm_tile.h"
#include "slope/autograd/kernels/simd/internal/inline_call.h"
#include "slope/autograd/kernels/simd/lanes.h"

namespace slope {
namespace {

using gemm_tile::even_piece;
using gemm_tile::inner_block;
using gemm_tile::pack;
using gemm_tile::pieces_of;
using gemm_tile::Tile;
using gemm_tile::tile_columns;
using std::int64_t;

// With it a block of A and one of B fit the second-level cache together.
constexpr int64_t row_block = 64;

template <class Target, class T>
constexpr int64_t column_block = 512 / tile_columns<Target, T> * tile_columns<Target, T>;

// ---------------------------------------------------------------------------------------------------------------------
// Kernels

/// A part of C and what is there before the product of this inner block is added.
template <class T>
struct Place {
  T* c;
  int64_t ldc, rows, columns;
  T beta;
  const T* bias;

  Place from(int64_t i, int64_t j, int64_t most_rows) const {
    return {c + i * ldc + j, ldc, std::min(most_rows, rows - i), columns - j, beta, bias ? bias + j : nullptr};
  }
  /// The lanes from column j on in row i, as far as the panel goes.
  template <class V>
  void put(V x, int64_t i, int64_t j) const {
    const int n = static_cast<int>(std::clamp<int64_t>(columns - j, 0, V::size));
    T* const to = c + i * ldc + j;
    if (bias)
      x = x + V::load_n(bias + j, n);
    else if (beta != T(0))
      x = x + V::load_n(to, n) * V(beta);
    x.store_n(to, n);
  }
};

/// What a tile reads of A or B: a packed sliver, or the matrix itself.
template <class T, bool Packed, int64_t Width>
struct Panel {
  static constexpr bool packed = Packed;
  const T* data;
  int64_t row_stride, column_stride;  // of the matrix; slivers are dense

  int64_t step_of_a() const { return Packed ? Width : column_stride; }
  int64_t step_of_b() const { return Packed ? Width : row_stride; }
};

template <class Target, int Vectors, int64_t Rows, class T, class A, class B, std::size_t... S>
inline void multiply_tile(std::index_sequence<S...>, int64_t inner, T alpha, const A& panel_a, const B& panel_b,
                          const Place<T>& place) {
  using V = typename Target::template Lanes<T>;
  constexpr int64_t lanes = V::size;
  constexpr auto row = [](std::size_t s) { return static_cast<int64_t>(s) / Vectors; };
  constexpr auto vector = [](std::size_t s) { return static_cast<int64_t>(s) % Vectors; };
  T* const c = place.c;
  const int64_t ldc = place.ldc, a_step = panel_a.step_of_a(), b_step = panel_b.step_of_b();
  ((__builtin_prefetch(c + row(S) * ldc + vector(S) * lanes, 1)), ...);
  // Constant subscripts throughout (a pack, not a loop): only then does the compiler keep the sums in registers.
  V sums[sizeof...(S)];
  ((sums[S].v = V(0).v), ...);
  const T* b = panel_b.data;
  const auto add_products = [&](const auto& at) {
    for (int64_t p = 0, q = 0; p < inner; ++p, q += a_step, b += b_step) {
      const V b0 = V::load(b), b1 = Vectors > 1 ? V::load(b + lanes) : b0,
              b2 = Vectors > 2 ? V::load(b + 2 * lanes) : b0;
      ((sums[S].v = fma(V(at(row(S), q)), vector(S) == 0 ? b0 : vector(S) == 1 ? b1 : b2, sums[S]).v), ...);
    }
  };
  const T* const a = panel_a.data;
  if constexpr (A::packed) {
    add_products([a](int64_t r, int64_t q) { return a[q + r]; });
  } else {
    // In place of rows that are not there, the last one.
    const T* rows[Rows];
    for (int64_t r = 0; r < Rows; ++r) rows[r] = a + std::min(r, place.rows - 1) * panel_a.row_stride;
    add_products([&rows](int64_t r, int64_t q) { return rows[r][q]; });
  }
  if (alpha != T(1)) ((sums[S].v = sums[S].v * V(alpha).v), ...);
  const bool whole = place.rows >= Rows && place.columns >= Vectors * lanes;
  if (whole && !place.bias && (place.beta == T(0) || place.beta == T(1))) {
    if (place.beta != T(0)) ((sums[S].v = sums[S].v + V::load(c + row(S) * ldc + vector(S) * lanes).v), ...);
    ((sums[S].store(c + row(S) * ldc + vector(S) * lanes)), ...);
    return;
  }
  ((row(S) < place.rows ? place.template put<V>(sums[S], row(S), vector(S) * lanes) : void()), ...);
}

/// Rows [i, end) of a block of C, `Rows` at a time, for the columns of one sliver, from column j on.
template <class Target, int Vectors, int64_t Rows, class T, class A, class B>
inline void multiply_rows(int64_t i, int64_t end, int64_t j, int64_t inner, T alpha, const A& a, const B& b,
                          const Place<T>& block) {
  constexpr auto sums = std::make_index_sequence<static_cast<std::size_t>(Rows) * Vectors>();
  for (; i < end; i += Rows) {
    A left = a;
    left.data += i * (A::packed ? inner : a.row_stride);
    SLOPE_INLINE_CALL multiply_tile<Target, Vectors, Rows>(sums, inner, alpha, left, b, block.from(i, j, Rows));
  }
}

template <class Target, int Vectors, class T, class A, class B>
inline void multiply_sliver(int64_t j, int64_t inner, T alpha, const A& a, const B& b, const Place<T>& block) {
  constexpr int64_t high = Tile<Target>::rows;
  const int64_t rest = block.rows % high;
  const bool half_tile = !A::packed && rest > 0 && rest <= high / 2;
  const int64_t whole = half_tile ? block.rows - rest : block.rows;
  SLOPE_INLINE_CALL multiply_rows<Target, Vectors, high>(0, whole, j, inner, alpha, a, b, block);
  if constexpr (!A::packed)
    SLOPE_INLINE_CALL multiply_rows<Target, Vectors, high / 2>(whole, block.rows, j, inner, alpha, a, b, block);
}

/// A block of C. Of B, the columns up to `packed_from` are read where they lie.
template <class Target, class T, class A>
inline void multiply_block(int64_t inner, T alpha, const A& a, const MatrixView<T>& b, int64_t packed_from,
                           const T* packed_b, const Place<T>& block) {
  constexpr int64_t wide = tile_columns<Target, T>, narrow = Target::template Lanes<T>::size;
  constexpr int vectors = Tile<Target>::vectors;
  int64_t j = 0;
  for (; j < packed_from; j += wide)
    SLOPE_INLINE_CALL multiply_sliver<Target, vectors>(
        j, inner, alpha, a, Panel<T, false, wide>{b.data + j, b.row_stride, b.col_stride}, block);
  for (; j + narrow < block.columns; j += wide, packed_b += wide * inner)
    SLOPE_INLINE_CALL multiply_sliver<Target, vectors>(j, inner, alpha, a, Panel<T, true, wide>{packed_b, 0, 0}, block);
  if (j < block.columns)
    SLOPE_INLINE_CALL multiply_sliver<Target, 1>(j, inner, alpha, a, Panel<T, true, narrow>{packed_b, 0, 0}, block);
}

/// Columns of B for `multiply_block`: slivers of a tile's width, and one of a vector's for what fits that.
template <class Target, class T>
inline void pack_columns(int64_t columns, int64_t inner, const T* b, int64_t across, int64_t along, T* to) {
  constexpr int64_t wide = tile_columns<Target, T>, narrow = Target::template Lanes<T>::size;
  const int64_t rest = columns % wide, whole = rest <= narrow ? columns - rest : columns;
  pack<wide>(whole, inner, b, across, along, to);
  pack<narrow>(columns - whole, inner, b + whole * across, across, along, to + whole * inner);
}

// ---------------------------------------------------------------------------------------------------------------------
// Blocks

template <class T>
struct Product {
  int64_t m, n, k;
  T alpha;
  MatrixView<T> a, b;
  GemmStart<T> start;
  T* c;
  int64_t ldc;

  /// The part with rows [i, i + rows) and columns [j, j + columns) of C.
  Product part(int64_t i, int64_t rows, int64_t j, int64_t columns) const {
    Product p = *this;
    p.m = rows, p.n = columns;
    p.a.data += i * a.row_stride;
    p.b.data += j * b.col_stride;
    p.c += i * ldc + j;
    if (start.bias) p.start.bias += j;
    return p;
  }
};

/// On one thread. Where `in_place`, A is read where it lies, and B as far as its rows are dense and whole tiles wide: the
/// sums and so the bits are the same.
template <class Target, class T>
inline void multiply(const Product<T>& x, int64_t inner_size, bool in_place, T* packed_a, T* packed_b) {
  constexpr int64_t high = Tile<Target>::rows, wide = tile_columns<Target, T>, block = column_block<Target, T>;
  for (int64_t j = 0; j < x.n; j += block)
    for (int64_t p = 0; p < x.k; p += inner_size) {
      const int64_t columns = std::min(block, x.n - j), inner = std::min(inner_size, x.k - p);
      const int64_t packed_from = in_place && x.b.col_stride == 1 ? columns / wide * wide : 0;
      const MatrixView<T> b{x.b.data + p * x.b.row_stride + j * x.b.col_stride, x.b.row_stride, x.b.col_stride};
      pack_columns<Target>(columns - packed_from, inner, b.data + packed_from * b.col_stride, b.col_stride,
                           b.row_stride, packed_b);
      for (int64_t i = 0; i < x.m; i += row_block) {
        const int64_t rows = std::min(row_block, x.m - i);
        const Place<T> place{x.c + i * x.ldc + j,
                             x.ldc,
                             rows,
                             columns,
                             p == 0 ? x.start.beta : T(1),
                             p == 0 && x.start.bias ? x.start.bias + j : nullptr};
        const T* const a = x.a.data + i * x.a.row_stride + p * x.a.col_stride;
        if (in_place) {
          multiply_block<Target>(inner, x.alpha, Panel<T, false, high>{a, x.a.row_stride, x.a.col_stride}, b,
                                 packed_from, packed_b, place);
        } else {
          pack<high>(rows, inner, a, x.a.row_stride, x.a.col_stride, packed_a);
          multiply_block<Target>(inner, x.alpha, Panel<T, true, high>{packed_a, 0, 0}, b, packed_from, packed_b, place);
        }
      }
    }
}

/// C cut into as many rectangles as threads are worth it, so that together they pack as little twice as possible: each
/// packs the rows and columns it needs itself, for what another thread has just written is slow to read.
struct Shares {
  int64_t rows, columns;

  static Shares of(int64_t m, int64_t n, int64_t k, int64_t row_unit, int64_t column_unit) {
    constexpr double worthwhile = 1e6;  // multiply-adds: about 15 us
    const int64_t shares =
        std::min<int64_t>(get_num_threads(), 1 + static_cast<int64_t>(multiply_adds(m, n, k) / worthwhile));
    int64_t along_m = 1;
    for (int64_t i = 2; i <= shares; ++i)
      if (shares % i == 0 && i * n + shares / i * m < along_m * n + shares / along_m * m) along_m = i;
    return {even_piece(m, pieces_of(m, along_m), row_unit), even_piece(n, pieces_of(n, shares / along_m), column_unit)};
  }
};

template <class Target, class T>
void multiply_on_threads(const Product<T>& x) {
  constexpr int64_t high = Tile<Target>::rows, wide = tile_columns<Target, T>;
  const int64_t inner = even_piece(x.k, inner_block, 4);
  const Shares share = Shares::of(x.m, x.n, x.k, high, wide);
  const int64_t across = pieces_of(x.n, share.columns);
  const bool in_place = multiply_adds(x.m, x.n, x.k) <= in_place_work;
  parallel_for(pieces_of(x.m, share.rows) * across, 1, [&](int64_t begin, int64_t end) {
    const memory::Scratch<T> packed_a(in_place ? 0 : pieces_of(std::min(row_block, share.rows), high) * high * inner);
    const memory::Scratch<T> packed_b(pieces_of(std::min(column_block<Target, T>, share.columns), wide) * wide * inner);
    for (int64_t t = begin; t < end; ++t) {
      const int64_t i = t / across * share.rows, j = t % across * share.columns;
      const Product<T> part = x.part(i, std::min(share.rows, x.m - i), j, std::min(share.columns, x.n - j));
      simd::dispatch([&](auto target) {
        if constexpr (std::is_same_v<decltype(target), Target>)
          multiply<Target>(part, inner, in_place, packed_a.data(), packed_b.data());
      });
    }
  });
}

}  // namespace

bool packed_gemm_available() { return simd::best_isa() != simd::Isa::baseline; }

template <class T>
void packed_gemm(int64_t m, int64_t n, int64_t k, T alpha, const MatrixView<T>& a, const MatrixView<T>& b,
                 const GemmStart<T>& start, T* c, int64_t ldc) {
#if defined(__x86_64__)
  if (simd::best_isa() == simd::Isa::avx512)
    multiply_on_threads<simd::avx512::Target>(Product<T>{m, n, k, alpha, a, b, start, c, ldc});
  else
    multiply_on_threads<simd::avx2::Target>(Product<T>{m, n, k, alpha, a, b, start, c, ldc});
#endif
}

template void packed_gemm<float>(int64_t, int64_t, int64_t, float, const MatrixView<float>&, const MatrixView<float>&,
                                 const GemmStart<float>&, float*, int64_t);
template void packed_gemm<double>(int64_t, int64_t, int64_t, double, const MatrixView<double>&,
                                  const MatrixView<double>&, const GemmStart<double>&, double*, int64_t);

}  // namespace slope
