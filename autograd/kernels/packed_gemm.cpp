#include "slope/autograd/kernels/packed_gemm.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "slope/autograd/core/parallel.h"
#include "slope/autograd/core/scratch.h"
#include "slope/autograd/kernels/lanes.h"

namespace slope {
namespace {

using std::int64_t;

// Measured with AVX-512 and AVX2: a column of A's tile and one of B's together fit the first-level cache, a block of A
// a small part of the second-level cache, a block of B about the rest of it.
constexpr int64_t inner_block = 256;
constexpr int64_t row_block = 64;
constexpr int64_t panel_columns = 2048;
/// Blocks of B that are packed before they are used: the more, the less often threads wait for each other.
constexpr int64_t panel_bytes = int64_t{8} << 20;

/// The tile of C that is kept in registers: `rows` by `vectors` lanes.
template <class Target>
struct Tile {
  static constexpr int rows = 8, vectors = 2;
};
#if defined(__x86_64__)
template <>
struct Tile<simd::avx2::Target> {
  static constexpr int rows = 4, vectors = 3;
};
#endif

template <class Target, class T>
constexpr int64_t tile_columns = Tile<Target>::vectors * int64_t{Target::template Lanes<T>::size};

int64_t pieces_of(int64_t n, int64_t size) { return (n + size - 1) / size; }

/// `n` cut evenly into pieces of at most `size`, each a multiple of `unit` but the last.
int64_t even_piece(int64_t n, int64_t size, int64_t unit) {
  return pieces_of(pieces_of(n, pieces_of(n, size)), unit) * unit;
}

// ---------------------------------------------------------------------------------------------------------------------
// Packing

template <class T>
struct Quad;
template <>
struct Quad<float> {
  using Type = float __attribute__((vector_size(16)));
  static constexpr int64_t size = 4;
  static void transpose(Type (&q)[4]) {
    const Type a = __builtin_shufflevector(q[0], q[1], 0, 4, 1, 5), b = __builtin_shufflevector(q[0], q[1], 2, 6, 3, 7);
    const Type c = __builtin_shufflevector(q[2], q[3], 0, 4, 1, 5), d = __builtin_shufflevector(q[2], q[3], 2, 6, 3, 7);
    q[0] = __builtin_shufflevector(a, c, 0, 1, 4, 5);
    q[1] = __builtin_shufflevector(a, c, 2, 3, 6, 7);
    q[2] = __builtin_shufflevector(b, d, 0, 1, 4, 5);
    q[3] = __builtin_shufflevector(b, d, 2, 3, 6, 7);
  }
};
template <>
struct Quad<double> {
  using Type = double __attribute__((vector_size(16)));
  static constexpr int64_t size = 2;
  static void transpose(Type (&q)[2]) {
    const Type a = __builtin_shufflevector(q[0], q[1], 0, 2);
    q[1] = __builtin_shufflevector(q[0], q[1], 1, 3);
    q[0] = a;
  }
};

/// to[p * Width + i] = x[i * across + p * along] for the first `count` of Width numbers i, 0 for the others.
template <int64_t Width, class T>
inline void pack_sliver(int64_t count, int64_t inner, const T* x, int64_t across, int64_t along, T* to) {
  if (count < Width) std::memset(to, 0, static_cast<std::size_t>(Width * inner) * sizeof(T));
  if (across == 1 && count == Width) {
    for (int64_t p = 0; p < inner; ++p) std::memcpy(to + p * Width, x + p * along, Width * sizeof(T));
    return;
  }
  int64_t i = 0;
  if (along == 1) {
    using Q = Quad<T>;
    for (; i + Q::size <= count; i += Q::size) {
      const T* from = x + i * across;
      int64_t p = 0;
      for (; p + Q::size <= inner; p += Q::size) {
        typename Q::Type q[Q::size];
        for (int64_t r = 0; r < Q::size; ++r) std::memcpy(&q[r], from + r * across + p, sizeof(q[r]));
        Q::transpose(q);
        for (int64_t r = 0; r < Q::size; ++r) std::memcpy(to + (p + r) * Width + i, &q[r], sizeof(q[r]));
      }
      for (; p < inner; ++p)
        for (int64_t r = 0; r < Q::size; ++r) to[p * Width + i + r] = from[r * across + p];
    }
  }
  for (int64_t p = 0; p < inner; ++p)
    for (int64_t r = i; r < count; ++r) to[p * Width + r] = x[r * across + p * along];
}

/// `count` numbers across, cut into slivers of Width.
template <int64_t Width, class T>
inline void pack(int64_t count, int64_t inner, const T* x, int64_t across, int64_t along, T* to) {
  for (int64_t i = 0; i < count; i += Width, x += Width * across, to += Width * inner)
    pack_sliver<Width>(std::min(Width, count - i), inner, x, across, along, to);
}

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

template <class Target, class T, int Vectors, int64_t AWidth, int64_t BWidth, std::size_t... S>
inline void multiply_tile(std::index_sequence<S...>, int64_t inner, T alpha, const T* a, const T* b,
                          const Place<T>& place) {
  using V = typename Target::template Lanes<T>;
  constexpr int64_t lanes = V::size;
  constexpr auto row = [](std::size_t s) { return static_cast<int64_t>(s) / Vectors; };
  constexpr auto vector = [](std::size_t s) { return static_cast<int64_t>(s) % Vectors; };
  T* const c = place.c;
  const int64_t ldc = place.ldc;
  ((__builtin_prefetch(c + row(S) * ldc + vector(S) * lanes, 1)), ...);
  // Constant subscripts throughout (a pack, not a loop): only then does the compiler keep the sums in registers.
  V sums[sizeof...(S)];
  ((sums[S].v = V(0).v), ...);
  for (int64_t p = 0; p < inner; ++p, a += AWidth, b += BWidth) {
    const V b0 = V::load(b), b1 = Vectors > 1 ? V::load(b + lanes) : b0, b2 = Vectors > 2 ? V::load(b + 2 * lanes) : b0;
    ((sums[S].v = fma(V(a[row(S)]), vector(S) == 0 ? b0 : vector(S) == 1 ? b1 : b2, sums[S]).v), ...);
  }
  if (alpha != T(1)) ((sums[S].v = sums[S].v * V(alpha).v), ...);
  const bool whole = place.rows == static_cast<int64_t>(sizeof...(S)) / Vectors && place.columns >= Vectors * lanes;
  if (whole && !place.bias && (place.beta == T(0) || place.beta == T(1))) {
    if (place.beta != T(0)) ((sums[S].v = sums[S].v + V::load(c + row(S) * ldc + vector(S) * lanes).v), ...);
    ((sums[S].store(c + row(S) * ldc + vector(S) * lanes)), ...);
    return;
  }
  ((row(S) < place.rows ? place.template put<V>(sums[S], row(S), vector(S) * lanes) : void()), ...);
}

/// A block of C from packed rows of A and packed columns of B.
template <class Target, class T>
inline void multiply_block(int64_t inner, T alpha, const T* a, const T* b, const Place<T>& block) {
  constexpr int64_t high = Tile<Target>::rows, wide = tile_columns<Target, T>;
  constexpr int64_t narrow = Target::template Lanes<T>::size;
  for (int64_t j = 0; j < block.columns; j += wide)
    for (int64_t i = 0; i < block.rows; i += high) {
      const Place<T> place = block.from(i, j, high);
      const T *left = a + i * inner, *right = b + j * inner;
      if (place.columns > narrow)
        SLOPE_INLINE_CALL multiply_tile<Target, T, Tile<Target>::vectors, high, wide>(
            std::make_index_sequence<high * Tile<Target>::vectors>(), inner, alpha, left, right, place);
      else
        SLOPE_INLINE_CALL multiply_tile<Target, T, 1, high, wide>(std::make_index_sequence<high>(), inner, alpha, left,
                                                                  right, place);
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Blocks

/// How the products with a panel of B are shared: blocks of rows times groups of columns. The fewer groups, the less
/// often rows of A are packed.
struct Shares {
  int64_t rows, columns;

  static Shares of(int64_t m, int64_t n, int64_t inner, int64_t column_unit) {
    constexpr double worthwhile = 1e6;  // multiply-adds: about 15 us
    const double work = static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(inner);
    const int64_t threads = std::min<int64_t>(get_num_threads(), 1 + static_cast<int64_t>(work / worthwhile));
    const int64_t rows = std::min(m, row_block), blocks = pieces_of(m, rows);
    int64_t groups = 1;
    while (blocks * groups < 4 * threads && blocks * groups % threads != 0) ++groups;
    return {rows, std::max(column_unit, pieces_of(pieces_of(n, groups), column_unit) * column_unit)};
  }
};

template <class T>
struct Product {
  int64_t m, n, k;
  T alpha;
  MatrixView<T> a, b;
  GemmStart<T> start;
  T* c;
  int64_t ldc;
};

/// Columns [column, column + columns) of B, rows [row, row + inner), packed in blocks of `block` rows.
template <class Target, class T>
class Panel {
 public:
  static constexpr int64_t high = Tile<Target>::rows, wide = tile_columns<Target, T>;

  Panel(const Product<T>& x, int64_t columns, int64_t inner, int64_t block)
      : x_(x), block_(block), packed_(pieces_of(columns, wide) * wide * inner) {}

  /// C's part with these columns, as far as these rows of B contribute to it.
  void multiply(int64_t column, int64_t columns, int64_t row, int64_t inner) {
    column_ = column, columns_ = columns, row_ = row, inner_ = inner;
    const int64_t slivers = pieces_of(columns_, wide);
    parallel_for(slivers, std::max<int64_t>(1, 65536 / (wide * inner_)), [&](int64_t begin, int64_t end) {
      simd::dispatch([&](auto target) {
        if constexpr (std::is_same_v<decltype(target), Target>) pack_slivers(begin, end);
      });
    });
    const Shares share = Shares::of(x_.m, columns_, inner_, wide);
    const int64_t groups = pieces_of(columns_, share.columns);
    parallel_for(pieces_of(x_.m, share.rows) * groups, 1, [&](int64_t begin, int64_t end) {
      const memory::Scratch<T> left(pieces_of(share.rows, high) * high * std::min(block_, inner_));
      for (int64_t t = begin; t < end; ++t)
        simd::dispatch([&](auto target) {
          if constexpr (std::is_same_v<decltype(target), Target>)
            multiply_share(share, t / groups * share.rows, t % groups * share.columns, left.data());
        });
    });
  }

 private:
  T* at(int64_t inner_begin, int64_t first) const {
    const int64_t inner = std::min(block_, inner_ - inner_begin);
    return packed_.data() + pieces_of(columns_, wide) * wide * inner_begin + first * inner;
  }

  void pack_slivers(int64_t begin, int64_t end) const {
    const int64_t first = begin * wide, count = std::min(end * wide, columns_) - first;
    const T* from = x_.b.data + row_ * x_.b.row_stride + (column_ + first) * x_.b.col_stride;
    for (int64_t p = 0; p < inner_; p += block_)
      pack<wide>(count, std::min(block_, inner_ - p), from + p * x_.b.row_stride, x_.b.col_stride, x_.b.row_stride,
                 at(p, first));
  }

  void multiply_share(const Shares& share, int64_t i, int64_t first, T* left) const {
    const int64_t rows = std::min(share.rows, x_.m - i), j = column_ + first;
    for (int64_t p = 0; p < inner_; p += block_) {
      const int64_t inner = std::min(block_, inner_ - p);
      const bool begins = row_ + p == 0;
      const Place<T> place{x_.c + i * x_.ldc + j,
                           x_.ldc,
                           rows,
                           std::min(share.columns, columns_ - first),
                           begins ? x_.start.beta : T(1),
                           begins && x_.start.bias ? x_.start.bias + j : nullptr};
      pack<high>(rows, inner, x_.a.data + i * x_.a.row_stride + (row_ + p) * x_.a.col_stride, x_.a.row_stride,
                 x_.a.col_stride, left);
      multiply_block<Target>(inner, x_.alpha, left, at(p, first), place);
    }
  }

  const Product<T>& x_;
  int64_t block_, column_ = 0, columns_ = 0, row_ = 0, inner_ = 0;
  memory::Scratch<T> packed_;
};

template <class Target, class T>
void multiply_all(const Product<T>& x) {
  constexpr int64_t wide = Panel<Target, T>::wide, most = panel_bytes / static_cast<int64_t>(sizeof(T));
  const int64_t block = even_piece(x.k, inner_block, 4), columns = even_piece(x.n, panel_columns, wide);
  // A single thread uses what it has just packed.
  const int64_t blocks = get_num_threads() == 1 ? 1 : std::max<int64_t>(1, most / (columns * block));
  const int64_t inner = std::min(x.k, blocks * block);
  Panel<Target, T> panel(x, columns, inner, block);
  for (int64_t j = 0; j < x.n; j += columns)
    for (int64_t p = 0; p < x.k; p += inner) panel.multiply(j, std::min(columns, x.n - j), p, std::min(inner, x.k - p));
}

}  // namespace

bool packed_gemm_available() { return simd::best_isa() != simd::Isa::baseline; }

template <class T>
void packed_gemm(int64_t m, int64_t n, int64_t k, T alpha, const MatrixView<T>& a, const MatrixView<T>& b,
                 const GemmStart<T>& start, T* c, int64_t ldc) {
#if defined(__x86_64__)
  if (simd::best_isa() == simd::Isa::avx512)
    multiply_all<simd::avx512::Target>(Product<T>{m, n, k, alpha, a, b, start, c, ldc});
  else
    multiply_all<simd::avx2::Target>(Product<T>{m, n, k, alpha, a, b, start, c, ldc});
#endif
}

template void packed_gemm<float>(int64_t, int64_t, int64_t, float, const MatrixView<float>&, const MatrixView<float>&,
                                 const GemmStart<float>&, float*, int64_t);
template void packed_gemm<double>(int64_t, int64_t, int64_t, double, const MatrixView<double>&,
                                  const MatrixView<double>&, const GemmStart<double>&, double*, int64_t);

}  // namespace slope
