#include "slope/autograd/kernels/gemm/small_gemm.h"

#include <algorithm>

#include "slope/autograd/kernels/gemm/gemm.h"
#include "slope/autograd/kernels/simd/internal/inline_call.h"
#include "slope/autograd/kernels/simd/internal/row_lanes.h"
#include "slope/autograd/kernels/simd/lanes.h"

namespace slope {

namespace {

using std::int64_t;

constexpr int64_t small_scratch = 2048;  // numbers of B that may be laid out anew on the stack
constexpr int64_t small_work = 16384;    // multiply-adds below which BLAS does not pay
constexpr int64_t short_row = 8;         // numbers in a row of A up to which all of B fits into registers

// Each row of C has the same bits whatever rows are computed beside it, and so whatever the size of a batch.

template <class T>
struct SmallProduct {
  int64_t m, n, k;
  T alpha;
  const T* a;
  int64_t a_row, a_col;
  const T* b;
  int64_t ldb;
  bool padded;  // whether rows of B may be read up to whole vectors
  GemmStart<T> start;
  T* c;
  int64_t ldc;
};

/// The columns of C that a vector holds, `lanes` from j on (`Whole`: all), in as many rows from i on as are left for
/// groups of sizeof...(R). Returns the row after them.
template <class Target, bool Whole, class T, std::size_t... R>
inline int64_t small_rows(std::index_sequence<R...>, const SmallProduct<T>& s, int64_t i, int64_t j, int lanes) {
  using V = typename Target::template Lanes<T>;
  constexpr bool fused = Target::isa != simd::Isa::baseline;  // where it is an instruction
  constexpr auto count = static_cast<int64_t>(sizeof...(R));
  const auto load = [lanes](const T* p) { return Whole ? V::load(p) : V::load_n(p, lanes); };
  // What C points at might be what `s` lies in, for all the compiler knows: it would read all of it for every row.
  const int64_t m = s.m, k = s.k, a_row = s.a_row, a_col = s.a_col, ldb = s.ldb, ldc = s.ldc;
  // Of rows of B that follow each other, lanes beyond the end may be read while they are B's: they end in lanes that are
  // not stored.
  const int64_t beyond = V::size - lanes, whole_b = Whole || s.padded ? k
                                                    : ldb == s.n ? std::max<int64_t>(0, k - (beyond + ldb - 1) / ldb)
                                                                 : 0;
  const T alpha = s.alpha, beta = s.start.beta;
  const bool biased = s.start.bias != nullptr;
  const V bias = biased ? load(s.start.bias + j) : V(0);
  const T *const b = s.b + j, *a = s.a + i * a_row;
  T* c = s.c + i * ldc + j;
  for (; i + count <= m; i += count, a += count * a_row, c += count * ldc) {
    // Constant subscripts throughout (a pack, not a loop): only then does the compiler keep the sums in registers.
    const T* const rows[] = {a + static_cast<int64_t>(R) * a_row...};
    V sums[sizeof...(R)];
    ((sums[R].v = V(0).v), ...);
    const T* from = b;
    int64_t p = 0, q = 0;
    const auto add_product = [&](const T* b_row, int64_t at, const auto& load_b) {
      const V row = load_b(b_row);
      if constexpr (fused)
        ((sums[R].v = fma(V(rows[R][at]), row, sums[R]).v), ...);
      else
        ((sums[R].v += V(rows[R][at]).v * row.v), ...);
    };
    const auto add_products = [&](int64_t end, const auto& load_b) {
      if constexpr (count <= 4)  // while a loop would cost as much as what is in it
        for (; p + 4 <= end; p += 4, q += 4 * a_col, from += 4 * ldb) {
          SLOPE_INLINE_CALL add_product(from, q, load_b);
          SLOPE_INLINE_CALL add_product(from + ldb, q + a_col, load_b);
          SLOPE_INLINE_CALL add_product(from + 2 * ldb, q + 2 * a_col, load_b);
          SLOPE_INLINE_CALL add_product(from + 3 * ldb, q + 3 * a_col, load_b);
        }
      for (; p < end; ++p, q += a_col, from += ldb) SLOPE_INLINE_CALL add_product(from, q, load_b);
    };
    add_products(whole_b, [](const T* row) { return V::load(row); });
    if constexpr (!Whole) add_products(k, load);
    if (alpha != T(1)) ((sums[R].v *= V(alpha).v), ...);
    if (biased)
      ((sums[R].v += bias.v), ...);
    else if (beta != T(0))
      ((sums[R].v += load(c + static_cast<int64_t>(R) * ldc).v * V(beta).v), ...);
    T* to = c;
    if constexpr (Whole)
      ((sums[R].store(to), to += ldc), ...);
    else
      ((sums[R].store_n(to, lanes), to += ldc), ...);
  }
  return i;
}

/// The same for all rows of a product with `K` columns in A, whose rows are dense: the rows of B stay in registers.
template <class Target, bool Whole, int K, class T>
inline void short_rows(const SmallProduct<T>& s, int64_t j, int lanes) {
  using V = typename Target::template Lanes<T>;
  constexpr bool fused = Target::isa != simd::Isa::baseline;
  const auto load = [lanes](const T* p) { return Whole ? V::load(p) : V::load_n(p, lanes); };
  V b[K];
  for (int p = 0; p < K; ++p) b[p].v = load(s.b + p * s.ldb + j).v;
  const V bias = s.start.bias ? load(s.start.bias + j) : V(T(-0.0));  // which changes nothing, not even a zero's sign
  const int64_t m = s.m, a_row = s.a_row, ldc = s.ldc;
  const auto row = [&](const T* a, T* c) {
    V sum = V(0);
    for (int p = 0; p < K; ++p) {
      if constexpr (fused)
        sum.v = fma(V(a[p]), b[p], sum).v;
      else
        sum.v += V(a[p]).v * b[p].v;
    }
    sum.v += bias.v;
    if constexpr (Whole)
      sum.store(c);
    else
      sum.store_n(c, lanes);
  };
  const T* a = s.a;
  T* c = s.c + j;
#pragma GCC unroll 4
  for (int64_t i = 0; i < m; ++i, a += a_row, c += ldc) SLOPE_INLINE_CALL row(a, c);
}

/// Of numbers that follow each other, in lanes of `first` and `second`: for each lane of C its factor from column P of A.
template <int N, int K, int P, class V, std::size_t... L>
inline V column_of(std::index_sequence<L...>, const V& first, const V& second) {
  V r;
  r.v = __builtin_shufflevector(first.v, second.v, static_cast<int>(L) / N * K + P...);
  return r;
}

/// The same for C with `N` columns, without gaps between rows in A or C: a vector holds several rows. Returns how many
/// rows it did; the last ones are left where vectors would reach beyond the end of A.
template <class Target, int N, int K, class T, std::size_t... P>
inline int64_t narrow_rows(std::index_sequence<P...>, const SmallProduct<T>& s) {
  using V = typename Target::template Lanes<T>;
  constexpr int rows = V::size / N, read = rows * K <= V::size ? V::size : 2 * V::size;
  constexpr auto lanes = std::make_index_sequence<static_cast<std::size_t>(V::size)>();
  const auto repeated = [](const T* row) {
    T each[V::size];
    for (int l = 0; l < V::size; ++l) each[l] = row[l % N];
    return V::load(each);
  };
  const V b[] = {repeated(s.b + static_cast<int64_t>(P) * s.ldb)...};
  const V bias = s.start.bias ? repeated(s.start.bias) : V(T(-0.0));
  const int64_t last = s.m * K - read;
  const T* const a = s.a;
  T* c = s.c;
  int64_t at = 0;
  for (; at <= last; at += rows * K, c += V::size) {
    const V first = V::load(a + at), second = read > V::size ? V::load(a + at + V::size) : first;
    V sum = V(0);
    ((sum.v = fma(column_of<N, K, static_cast<int>(P)>(lanes, first, second), b[P], sum).v), ...);
    sum.v += bias.v;
    sum.store(c);
  }
  return at / K;
}

template <class Target, int N, class T>
inline int64_t narrow_rows(const SmallProduct<T>& s) {
  constexpr int lanes = Target::template Lanes<T>::size;
  int64_t done = 0;
  if constexpr (Target::isa != simd::Isa::baseline && N < lanes) {
    const auto run = [&](auto k) {
      if constexpr (lanes / N * k <= 2 * lanes)
        SLOPE_INLINE_CALL done = narrow_rows<Target, N, k>(std::make_index_sequence<static_cast<std::size_t>(k)>(), s);
    };
    if (s.k == 2) SLOPE_INLINE_CALL run(std::integral_constant<int, 2>());
    if (s.k == 4) SLOPE_INLINE_CALL run(std::integral_constant<int, 4>());
    if (s.k == 8) SLOPE_INLINE_CALL run(std::integral_constant<int, 8>());
  }
  return done;
}

/// Whether it did it.
template <class Target, bool Whole, class T>
inline bool short_columns(const SmallProduct<T>& s, int64_t j, int lanes) {
  if ((s.a_col != 1 && s.k != 1) || s.alpha != T(1) || (!s.start.bias && s.start.beta != T(0))) return false;
  SmallProduct<T> rest = s;
  if (!Whole && s.n == s.ldc && s.k == s.a_row && s.k <= short_row) {
    int64_t done = 0;
    if (s.n == 2) SLOPE_INLINE_CALL done = narrow_rows<Target, 2>(s);
    if (s.n == 4) SLOPE_INLINE_CALL done = narrow_rows<Target, 4>(s);
    if (s.n == 8) SLOPE_INLINE_CALL done = narrow_rows<Target, 8>(s);
    rest.m -= done;
    rest.a += done * s.a_row;
    rest.c += done * s.ldc;
  }
  const auto run = [&](auto k) { SLOPE_INLINE_CALL short_rows<Target, Whole, k>(rest, j, lanes); };
  switch (s.k) {
    case 1: SLOPE_INLINE_CALL run(std::integral_constant<int, 1>()); return true;
    case 2: SLOPE_INLINE_CALL run(std::integral_constant<int, 2>()); return true;
    case 3: SLOPE_INLINE_CALL run(std::integral_constant<int, 3>()); return true;
    case 4: SLOPE_INLINE_CALL run(std::integral_constant<int, 4>()); return true;
    case 5: SLOPE_INLINE_CALL run(std::integral_constant<int, 5>()); return true;
    case 6: SLOPE_INLINE_CALL run(std::integral_constant<int, 6>()); return true;
    case 7: SLOPE_INLINE_CALL run(std::integral_constant<int, 7>()); return true;
    case 8: SLOPE_INLINE_CALL run(std::integral_constant<int, 8>()); return true;
    default: return false;
  }
}

template <class Target, bool Whole, class T>
inline void small_columns(const SmallProduct<T>& s, int64_t j, int lanes) {
  bool done = false;
  SLOPE_INLINE_CALL done = short_columns<Target, Whole>(s, j, lanes);
  if (done) return;
  int64_t i = 0;
  // As many rows of C as there are registers for, then smaller groups.
  SLOPE_INLINE_CALL i = small_rows<Target, Whole>(std::make_index_sequence<8>(), s, i, j, lanes);
  SLOPE_INLINE_CALL i = small_rows<Target, Whole>(std::make_index_sequence<4>(), s, i, j, lanes);
  SLOPE_INLINE_CALL i = small_rows<Target, Whole>(std::make_index_sequence<2>(), s, i, j, lanes);
  SLOPE_INLINE_CALL i = small_rows<Target, Whole>(std::make_index_sequence<1>(), s, i, j, lanes);
}

/// Lane r: the dot product of the column of B, which is dense, with row r of those from `a` on, of which `count` are
/// there. The same bits whether the rows are dense (`Dense`) or not.
template <class V, bool Dense, class T, std::size_t... R>
inline V dots(std::index_sequence<R...>, int count, const T* a, int64_t a_row, int64_t a_col, const T* b, int64_t k) {
  // In place of rows that are not there, the last one.
  const T* const rows[] = {a + std::min(static_cast<int64_t>(R), int64_t{count} - 1) * a_row...};
  const auto load = [stride = a_col](const T* row, int64_t p, int n) {
    if constexpr (Dense) return n == V::size ? V::load(row + p) : simd::first_lanes(V::load_n(row + p, n), n);
    T dense[V::size] = {};
    for (int l = 0; l < n; ++l) dense[l] = row[(p + l) * stride];
    return V::load(dense);
  };
  V sums[] = {(static_cast<void>(R), V(0))...};
  int64_t p = 0;
  for (; p + V::size <= k; p += V::size) {
    const V column = V::load(b + p);
    ((sums[R].v += load(rows[R], p, V::size).v * column.v), ...);
  }
  if (const int rest = static_cast<int>(k - p); rest > 0) {
    const V column = simd::first_lanes(V::load_n(b + p, rest), rest);
    ((sums[R].v += load(rows[R], p, rest).v * column.v), ...);
  }
  return simd::sums_of_each<V::size>(sums);
}

/// C of one column.
template <class V, bool Dense, class T>
inline void small_column(const SmallProduct<T>& s) {
  constexpr auto rows = std::make_index_sequence<static_cast<std::size_t>(V::size)>();
  const int64_t m = s.m, k = s.k, a_row = s.a_row, a_col = s.a_col, ldc = s.ldc;
  const T alpha = s.alpha, beta = s.start.beta, *const bias = s.start.bias, *const b = s.b, *a = s.a;
  T* to = s.c;
  for (int64_t i = 0; i < m; i += V::size, a += V::size * a_row, to += V::size * ldc) {
    const int count = static_cast<int>(std::min<int64_t>(V::size, m - i));
    V sums;
    if (count == V::size)  // so that the compiler sees that all rows are there
      sums = dots<V, Dense>(rows, V::size, a, a_row, a_col, b, k);
    else
      sums = dots<V, Dense>(rows, count, a, a_row, a_col, b, k);
    if (alpha != T(1)) sums = sums * V(alpha);
    if (ldc == 1) {
      if (bias)
        sums += V(bias[0]);
      else if (beta != T(0))
        sums += V::load_n(to, count) * V(beta);
      sums.store_n(to, count);
    } else {
      T each[V::size];
      sums.store(each);
      for (int r = 0; r < count; ++r) {
        T& c = to[r * ldc];
        if (bias)
          c = each[r] + bias[0];
        else
          c = beta == T(0) ? each[r] : each[r] + c * beta;
      }
    }
  }
}

/// Adds `rows` rows of lanes, `step` apart.
template <class V, class Sum, class Load, class T>
inline void add_rows(Sum& total, int64_t rows, const T* x, int64_t step, const Load& load) {
  Sum odd;
  int64_t i = 0;
  for (; i + 2 <= rows; i += 2, x += 2 * step) {
    total.add(load(x));
    odd.add(load(x + step));
  }
  if (i < rows) total.add(load(x));
  total.add(odd);
}

/// Of the `lanes` columns at x.
template <class Target, bool Whole, class T>
inline void sum_some_columns(int64_t rows, const T* x, int64_t ld, int lanes, T* out) {
  using V = typename Target::template Lanes<T>;
  typename Target::template WideSum<T> total;
  add_rows<V>(total, rows, x, ld, [lanes](const T* p) { return Whole ? V::load(p) : V::load_n(p, lanes); });
  double sums[V::size];
  total.store(sums);
  for (int l = 0; l < lanes; ++l) out[l] = static_cast<T>(sums[l]);
}

/// Of dense rows of which several fill a vector: lane l holds numbers of column l % columns.
template <class Target, class T>
inline void sum_dense_columns(int64_t rows, int columns, const T* x, T* out) {
  using V = typename Target::template Lanes<T>;
  const int64_t n = rows * columns, vectors = n / V::size;
  typename Target::template WideSum<T> total;
  add_rows<V>(total, vectors, x, V::size, [](const T* p) { return V::load(p); });
  double sums[V::size];
  total.store(sums);
  for (int64_t i = vectors * V::size; i < n; ++i) sums[i % columns] += static_cast<double>(x[i]);
  for (int j = 0; j < columns; ++j) {
    for (int l = j + columns; l < V::size; l += columns) sums[j] += sums[l];
    out[j] = static_cast<T>(sums[j]);
  }
}

}  // namespace

template <class T>
void small_gemm(int64_t m, int64_t n, int64_t k, T alpha, const MatrixView<T>& a, const MatrixView<T>& b,
                const GemmStart<T>& start, T* c, int64_t ldc) {
  alignas(64) T scratch[small_scratch];
  SmallProduct<T> s{.m = m,
                    .n = n,
                    .k = k,
                    .alpha = alpha,
                    .a = a.data,
                    .a_row = a.row_stride,
                    .a_col = a.col_stride,
                    .b = b.data,
                    .ldb = b.row_stride,
                    .padded = false,
                    .start = start,
                    .c = c,
                    .ldc = ldc};
  if (n == 1) {
    if (b.row_stride != 1) {
      for (int64_t p = 0; p < k; ++p) scratch[p] = b.data[p * b.row_stride];
      s.b = scratch;
    }
    return simd::dispatch([&](auto target) {
      using V = typename decltype(target)::template Lanes<T>;
      if (a.col_stride == 1 || k == 1)
        SLOPE_INLINE_CALL small_column<V, true>(s);
      else
        SLOPE_INLINE_CALL small_column<V, false>(s);
    });
  }
  // The gradient of a weight is wider turned round: lanes go along the columns of A then. Each number is the same sum
  // of products, in the same order.
  if (n < m && n <= 8 && k >= 16 && m * n <= small_scratch && a.row_stride == 1 && !start.bias && start.beta == T(0)) {
    small_gemm(n, m, k, alpha, {b.data, b.col_stride, b.row_stride}, {a.data, a.col_stride, 1}, GemmStart<T>{T(0)},
               scratch, m);
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j < n; ++j) c[i * ldc + j] = scratch[j * m + i];
    return;
  }
  if (b.col_stride != 1) {
    // Laid out anew, with zeros up to whole vectors where there is room and where rows are read more than once.
    constexpr int64_t most_lanes = 64 / sizeof(T);
    const int64_t whole = (n + most_lanes - 1) / most_lanes * most_lanes;
    s.padded = k > short_row && whole * k <= small_scratch;
    s.b = scratch;
    s.ldb = s.padded ? whole : n;
    if (s.ldb > n) std::fill_n(scratch, k * s.ldb, T(0));
    for (int64_t p = 0; p < k; ++p)
      for (int64_t j = 0; j < n; ++j) scratch[p * s.ldb + j] = b.data[p * b.row_stride + j * b.col_stride];
  }
  simd::dispatch([&](auto target) {
    using Target = decltype(target);
    constexpr int64_t lanes = Target::template Lanes<T>::size;
    int64_t j = 0;
    for (; j + lanes <= n; j += lanes) SLOPE_INLINE_CALL small_columns<Target, true>(s, j, static_cast<int>(lanes));
    if (j < n) SLOPE_INLINE_CALL small_columns<Target, false>(s, j, static_cast<int>(n - j));
  });
}

/// Multiply-adds of the direct kernel, idle lanes included.
template <class T>
bool is_small_product(int64_t m, int64_t n, int64_t k) {
  constexpr int64_t lanes = 64 / sizeof(T);
  if (m > small_work || n > small_work || k > small_work) return false;
  return m * (n + lanes - 1) / lanes * lanes * k <= small_work * 4 && m * n * k <= small_work && n * k <= small_scratch;
}

template <class T>
void sum_columns(int64_t rows, int64_t columns, const T* x, int64_t ld, T* out) {
  simd::dispatch([&](auto target) {
    using Target = decltype(target);
    constexpr int64_t lanes = Target::template Lanes<T>::size;
    if (ld == columns && columns > 0 && columns < lanes && lanes % columns == 0) {
      SLOPE_INLINE_CALL sum_dense_columns<Target>(rows, static_cast<int>(columns), x, out);
      return;
    }
    if (rows == 0) {
      std::fill_n(out, columns, T(0));
      return;
    }
    int64_t j = 0;
    for (; j + lanes <= columns; j += lanes)
      SLOPE_INLINE_CALL sum_some_columns<Target, true>(rows, x + j, ld, static_cast<int>(lanes), out + j);
    if (j < columns)
      SLOPE_INLINE_CALL sum_some_columns<Target, false>(rows, x + j, ld, static_cast<int>(columns - j), out + j);
  });
}

#define SLOPE_SMALL_GEMM(T)                                                                          \
  template void small_gemm(int64_t, int64_t, int64_t, T, const MatrixView<T>&, const MatrixView<T>&, \
                           const GemmStart<T>&, T*, int64_t);                                        \
  template bool is_small_product<T>(int64_t, int64_t, int64_t);                                      \
  template void sum_columns<T>(int64_t, int64_t, const T*, int64_t, T*);
SLOPE_SMALL_GEMM(float)
SLOPE_SMALL_GEMM(double)
#undef SLOPE_SMALL_GEMM

}  // namespace slope
