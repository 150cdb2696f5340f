#include "slope/autograd/kernels/rows.h"

#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include "slope/autograd/kernels/formula.h"
#include "slope/autograd/kernels/lanes.h"

namespace slope {

namespace detail {

namespace {

template <class Copy>
void with_item(std::size_t item, const Copy& copy) {
  if (item == 4)
    copy(std::integral_constant<std::size_t, 4>());
  else if (item == 8)
    copy(std::integral_constant<std::size_t, 8>());
  else
    copy(std::integral_constant<std::size_t, 1>());
}

// Visits (row, position) so that the closer elements of the strided side come next to each other.
template <class Visit>
void in_memory_order(std::int64_t row_step, std::int64_t step, std::int64_t length, std::int64_t rows, const Visit& visit) {
  if (row_step != 0 && std::abs(row_step) < std::abs(step)) {
    for (std::int64_t i = 0; i < length; ++i)
      for (std::int64_t r = 0; r < rows; ++r) visit(r, i);
  } else {
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t i = 0; i < length; ++i) visit(r, i);
  }
}

}  // namespace

void gather_rows(char* to, const char* from, std::int64_t row_step, std::int64_t step, std::int64_t length, std::int64_t rows,
                 std::size_t item) {
  with_item(item, [&]<std::size_t size>(std::integral_constant<std::size_t, size>) {
    in_memory_order(row_step, step, length, rows, [&](std::int64_t r, std::int64_t i) {
      std::memcpy(to + (r * length + i) * static_cast<std::int64_t>(size), from + r * row_step + i * step, size);
    });
  });
}

void scatter_rows(char* to, const char* from, std::int64_t row_step, std::int64_t step, std::int64_t length, std::int64_t rows,
                  std::size_t item) {
  with_item(item, [&]<std::size_t size>(std::integral_constant<std::size_t, size>) {
    in_memory_order(row_step, step, length, rows, [&](std::int64_t r, std::int64_t i) {
      std::memcpy(to + r * row_step + i * step, from + (r * length + i) * static_cast<std::int64_t>(size), size);
    });
  });
}

}  // namespace detail

namespace {

template <class T>
const T* row(char* const* p, const std::int64_t* s, int k, std::int64_t i) {
  return reinterpret_cast<const T*>(p[k] + i * s[k]);
}
template <class T>
T* row_out(char* const* p, const std::int64_t* s, int k, std::int64_t i) {
  return reinterpret_cast<T*>(p[k] + i * s[k]);
}

/// ∞ or NaN-aware maximum of n > 0 dense elements (Largest) or minimum.
template <class V, bool Largest>
inline typename V::value_type extreme(const typename V::value_type* x, std::int64_t n) {
  using T = typename V::value_type;
  constexpr T none = Largest ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::infinity();
  auto better = [](const V& a, const V& b) { return Largest ? maximum(a, b) : minimum(a, b); };
  V m0(none), m1(none), m2(none), m3(none);
  std::int64_t i = 0;
  for (; i + 4 * V::size <= n; i += 4 * V::size) {
    m0 = better(m0, V::load(x + i));
    m1 = better(m1, V::load(x + i + V::size));
    m2 = better(m2, V::load(x + i + 2 * V::size));
    m3 = better(m3, V::load(x + i + 3 * V::size));
  }
  for (; i + V::size <= n; i += V::size) m0 = better(m0, V::load(x + i));
  if (const int rest = static_cast<int>(n - i); rest > 0)
    m0 = better(m0, where(V::mask_type::first(rest), V::load_n(x + i, rest), V(none)));
  m0 = better(better(m0, m1), better(m2, m3));
  T lanes[V::size];
  m0.store(lanes);
  T best = lanes[0];
  for (int l = 1; l < V::size; ++l)
    if (lanes[l] != lanes[l] || (best == best && (Largest ? lanes[l] > best : lanes[l] < best))) best = lanes[l];
  return best;
}

/// Σ f(i, x) in double over loads of n dense elements; f gets the position and a function that loads any dense array there.
template <class V, class Sum, class F>
inline double sum_over(std::int64_t n, const F& f) {
  using T = typename V::value_type;
  Sum total;
  std::int64_t i = 0;
  for (; i + V::size <= n; i += V::size) total.add(f([&](const T* p) { return V::load(p + i); }));
  if (const int rest = static_cast<int>(n - i); rest > 0)
    total.add_n(f([&](const T* p) { return V::load_n(p + i, rest); }), rest);
  return total.total();
}

/// y = f over dense elements; f gets a function that loads any dense array at the current position.
template <class V, class F>
inline void write_over(typename V::value_type* y, std::int64_t n, const F& f) {
  using T = typename V::value_type;
  std::int64_t i = 0;
  for (; i + V::size <= n; i += V::size) f([&](const T* p) { return V::load(p + i); }).store(y + i);
  if (const int rest = static_cast<int>(n - i); rest > 0)
    f([&](const T* p) { return V::load_n(p + i, rest); }).store_n(y + i, rest);
}

// A row is normalised in segments that stay in the first-level cache between finding the maximum and summing; the results of
// segments are combined in order, whoever computed them.
constexpr std::int64_t segment = 4096;

inline void combine(RowNorm& a, const RowNorm& b) {
  if (b.largest > a.largest || b.largest != b.largest) {
    a.sum = b.sum + (a.sum == 0 ? 0 : a.sum * std::exp(a.largest - b.largest));
    a.largest = b.largest;
  } else if (b.largest == a.largest) {
    a.sum += b.sum;
  } else if (b.sum != 0) {
    a.sum += b.sum * std::exp(b.largest - a.largest);
  }
}

template <class Isa, class T>
inline RowNorm segment_norm(const T* x, std::int64_t n) {
  using V = typename Isa::template Lanes<T>;
  if (n == 0) return {-std::numeric_limits<double>::infinity(), 0};
  const T m = extreme<V, true>(x, n);
  if (m == -std::numeric_limits<T>::infinity()) return {static_cast<double>(m), 0};
  const V shift(m);
  return {static_cast<double>(m), sum_over<V, typename Isa::template WideSum<T>>(
                                      n, [&](const auto& load) { return exp(load(x) - shift); })};
}

template <class Isa, class T>
inline RowNorm dense_norm(const T* x, std::int64_t n) {
  RowNorm norm = segment_norm<Isa>(x, std::min(n, segment));
  for (std::int64_t i = segment; i < n; i += segment) combine(norm, segment_norm<Isa>(x + i, std::min(n - i, segment)));
  return norm;
}

template <class Isa, class T>
inline void write_softmax(const T* x, T* y, std::int64_t n, const RowNorm& norm, double scale, bool log) {
  using V = typename Isa::template Lanes<T>;
  const V shift(norm.largest);
  if (log) {
    const V log_sum(std::log(norm.sum));
    write_over<V>(y, n, [&](const auto& load) { return (load(x) - shift) - log_sum; });
  } else {
    const V factor(scale / norm.sum);
    write_over<V>(y, n, [&](const auto& load) { return exp(load(x) - shift) * factor; });
  }
}

// Few long dense rows: segments are shared out among threads.
template <class T>
void softmax_split(T* y, const T* x, std::int64_t rows, std::int64_t n, bool log) {
  const std::int64_t pieces = (n - 1) / segment + 1;
  std::vector<RowNorm> partial(static_cast<std::size_t>(rows * pieces));
  auto over_pieces = [&](const auto& body) {
    parallel_for(rows * pieces, 4, [&](std::int64_t begin, std::int64_t end) {
      simd::dispatch([&](auto isa) {
        for (std::int64_t t = begin; t < end; ++t) {
          const std::int64_t at = t % pieces * segment;
          body(isa, t, t / pieces * n + at, std::min(segment, n - at));
        }
      });
    });
  };
  over_pieces([&](auto isa, std::int64_t t, std::int64_t at, std::int64_t m) {
    partial[static_cast<std::size_t>(t)] = segment_norm<decltype(isa)>(x + at, m);
  });
  for (std::int64_t r = 0; r < rows; ++r) {
    RowNorm& norm = partial[static_cast<std::size_t>(r * pieces)];
    for (std::int64_t i = 1; i < pieces; ++i) combine(norm, partial[static_cast<std::size_t>(r * pieces + i)]);
  }
  over_pieces([&](auto isa, std::int64_t t, std::int64_t at, std::int64_t m) {
    write_softmax<decltype(isa)>(x + at, y + at, m, partial[static_cast<std::size_t>(t / pieces * pieces)], 1, log);
  });
}

}  // namespace

template <class T>
RowNorm row_norm(const T* x, std::int64_t n) {
  RowNorm norm{};
  simd::dispatch([&](auto isa) { norm = dense_norm<decltype(isa)>(x, n); });
  return norm;
}
template RowNorm row_norm<float>(const float*, std::int64_t);
template RowNorm row_norm<double>(const double*, std::int64_t);

template <class T>
void softmax_row(const T* x, T* y, std::int64_t n, const RowNorm& norm, double scale) {
  simd::dispatch([&](auto isa) { write_softmax<decltype(isa)>(x, y, n, norm, scale, false); });
}
template void softmax_row<float>(const float*, float*, std::int64_t, const RowNorm&, double);
template void softmax_row<double>(const double*, double*, std::int64_t, const RowNorm&, double);

void softmax_kernel(const TensorImpl& y, const TensorImpl& x, int dim, bool log) {
  if (x.numel == 0) return;
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const std::int64_t n = x.sizes.empty() ? 1 : x.sizes[dim], rows = x.numel / n;
    const bool last = x.sizes.empty() || dim == x.sizes.size() - 1;
    if (last && x.contiguous && y.contiguous && rows < 16 && n >= 8 * segment)
      return softmax_split(y.ptr<T>(), x.ptr<const T>(), rows, n, log);
    for_rows<2>(dim, {{x}, {y, true}}, grain_math, [&](char* const* p, const std::int64_t* s, std::int64_t count) {
      simd::dispatch([&](auto isa) {
        for (std::int64_t i = 0; i < count; ++i) {
          const T* from = row<T>(p, s, 0, i);
          write_softmax<decltype(isa)>(from, row_out<T>(p, s, 1, i), n, dense_norm<decltype(isa)>(from, n), 1, log);
        }
      });
    });
  });
}

void softmax_backward_kernel(const TensorImpl& dx, const TensorImpl& y, const TensorImpl& g, int dim, bool log) {
  if (dx.numel == 0) return;
  visit_floating(dx.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const std::int64_t n = dx.sizes.empty() ? 1 : dx.sizes[dim];
    for_rows<3>(dim, {{y}, {g}, {dx, true}}, grain_cheap, [&](char* const* p, const std::int64_t* s, std::int64_t count) {
      simd::dispatch([&](auto isa) {
        using V = typename decltype(isa)::template Lanes<T>;
        using Sum = typename decltype(isa)::template WideSum<T>;
        for (std::int64_t i = 0; i < count; ++i) {
          const T *out = row<T>(p, s, 0, i), *up = row<T>(p, s, 1, i);
          T* to = row_out<T>(p, s, 2, i);
          if (log) {
            const V total(sum_over<V, Sum>(n, [&](const auto& load) { return load(up); }));
            write_over<V>(to, n, [&](const auto& load) { return load(up) - scale_cotangent(total, exp(load(out))); });
          } else {
            const V dot(sum_over<V, Sum>(n, [&](const auto& load) { return scale_cotangent(load(up), load(out)); }));
            write_over<V>(to, n, [&](const auto& load) { return scale_cotangent(load(up) - dot, load(out)); });
          }
        }
      });
    });
  });
}

namespace {

// What running results of T are kept in; integers wrap around.
template <class T>
using Running = std::conditional_t<std::is_floating_point_v<T>, double, std::uint64_t>;

template <class T>
void cumulate_row(const T* x, T* y, std::int64_t n, Cumulate op, bool reverse) {
  Running<T> total = op == Cumulate::sum ? 0 : 1;
  auto step = [&](std::int64_t i) {
    const auto v = static_cast<Running<T>>(x[i]);
    total = op == Cumulate::sum ? total + v : total * v;
    y[i] = static_cast<T>(total);
  };
  if (reverse)
    for (std::int64_t i = n - 1; i >= 0; --i) step(i);
  else
    for (std::int64_t i = 0; i < n; ++i) step(i);
}

// a·b, but 0 where a is: nothing comes through a zero cotangent.
inline double scaled(double a, double b) { return a == 0 ? 0 : a * b; }

}  // namespace

void cumulate_kernel(const TensorImpl& y, const TensorImpl& x, int dim, Cumulate op, bool reverse) {
  if (x.numel == 0) return;
  const std::int64_t n = x.sizes.empty() ? 1 : x.sizes[dim];
  auto run = [&](auto tag) {
    using T = typename decltype(tag)::type;
    for_rows<2>(dim, {{x}, {y, true}}, grain_cheap, [&](char* const* p, const std::int64_t* s, std::int64_t count) {
      for (std::int64_t i = 0; i < count; ++i) cumulate_row(row<T>(p, s, 0, i), row_out<T>(p, s, 1, i), n, op, reverse);
    });
  };
  if (is_floating(x.dtype))
    visit_floating(x.dtype, run);
  else
    run(TypeTag<std::int64_t>{});
}

void cumprod_backward_kernel(const TensorImpl& dx, const TensorImpl& x, const TensorImpl& g, int dim) {
  if (x.numel == 0) return;
  const std::int64_t n = x.sizes.empty() ? 1 : x.sizes[dim];
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for_rows<3>(dim, {{x}, {g}, {dx, true}}, grain_cheap, [&](char* const* p, const std::int64_t* s, std::int64_t count) {
      std::vector<double> before(static_cast<std::size_t>(n));
      for (std::int64_t i = 0; i < count; ++i) {
        const T *v = row<T>(p, s, 0, i), *up = row<T>(p, s, 1, i);
        T* to = row_out<T>(p, s, 2, i);
        double product = 1;
        for (std::int64_t k = 0; k < n; ++k) {
          before[static_cast<std::size_t>(k)] = product;
          product *= static_cast<double>(v[k]);
        }
        // Σ_{i>=k} g[i] Π_{k<j<=i} x[j], from the end.
        double behind = 0;
        for (std::int64_t k = n - 1; k >= 0; --k) {
          const double next = k + 1 < n ? scaled(behind, static_cast<double>(v[k + 1])) : 0;
          behind = static_cast<double>(up[k]) + next;
          to[k] = static_cast<T>(scaled(behind, before[static_cast<std::size_t>(k)]));
        }
      }
    });
  });
}

void prod_backward_kernel(const TensorImpl& dx, const TensorImpl& x, const TensorImpl& g, int dim) {
  if (x.numel == 0) return;
  const std::int64_t n = x.sizes.empty() ? 1 : x.sizes[dim];
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for_rows<3>(dim, {{x}, {g}, {dx, true}}, grain_cheap, [&](char* const* p, const std::int64_t* s, std::int64_t count) {
      std::vector<double> before(static_cast<std::size_t>(n));
      for (std::int64_t i = 0; i < count; ++i) {
        const T* v = row<T>(p, s, 0, i);
        const auto up = static_cast<double>(*row<T>(p, s, 1, i));
        T* to = row_out<T>(p, s, 2, i);
        double product = 1;
        for (std::int64_t k = 0; k < n; ++k) {
          before[static_cast<std::size_t>(k)] = product;
          product *= static_cast<double>(v[k]);
        }
        double behind = 1;
        for (std::int64_t k = n - 1; k >= 0; --k) {
          to[k] = static_cast<T>(scaled(up, before[static_cast<std::size_t>(k)] * behind));
          behind *= static_cast<double>(v[k]);
        }
      }
    });
  });
}

namespace {

/// The first element that is `value` (or NaN when it is).
template <class V>
inline std::int64_t find_first(const typename V::value_type* x, std::int64_t n, typename V::value_type value) {
  const V wanted(value);
  const bool nan = value != value;
  auto hit = [&](const V& v) { return nan ? isnan(v) : v == wanted; };
  std::int64_t i = 0;
  for (; i + V::size <= n; i += V::size)
    if (hit(V::load(x + i)).any()) break;
  for (; i < n; ++i)
    if (nan ? x[i] != x[i] : x[i] == value) break;
  return i;
}

template <class T>
void arg_rows(const char* x, std::int64_t x_step, char* value, std::int64_t value_step, char* index, std::int64_t index_step,
              std::int64_t n, std::int64_t rows, bool largest) {
  auto store = [&](std::int64_t r, T v, std::int64_t at) {
    if (value) *reinterpret_cast<T*>(value + r * value_step) = v;
    *reinterpret_cast<std::int64_t*>(index + r * index_step) = at;
  };
  if constexpr (std::is_floating_point_v<T>) {
    simd::dispatch([&](auto isa) {
      using V = typename decltype(isa)::template Lanes<T>;
      for (std::int64_t r = 0; r < rows; ++r) {
        const T* p = reinterpret_cast<const T*>(x + r * x_step);
        const T v = largest ? extreme<V, true>(p, n) : extreme<V, false>(p, n);
        store(r, v, find_first<V>(p, n, v));
      }
    });
  } else {
    for (std::int64_t r = 0; r < rows; ++r) {
      const T* p = reinterpret_cast<const T*>(x + r * x_step);
      std::int64_t at = 0;
      for (std::int64_t i = 1; i < n; ++i)
        if (largest ? p[i] > p[at] : p[i] < p[at]) at = i;
      store(r, p[at], at);
    }
  }
}

// One long dense row: pieces are searched by several threads.
template <class T>
void arg_split(T* value, std::int64_t* index, const T* x, std::int64_t n, bool largest) {
  constexpr std::int64_t grain = 2 * grain_cheap;
  const auto pieces = static_cast<std::size_t>(chunk_count(n, grain));
  std::vector<T> values(pieces);
  std::vector<std::int64_t> places(pieces);
  parallel_chunks(n, grain, [&](std::int64_t piece, std::int64_t begin, std::int64_t end) {
    const auto k = static_cast<std::size_t>(piece);
    T found;
    arg_rows<T>(reinterpret_cast<const char*>(x + begin), 0, reinterpret_cast<char*>(&found), 0,
                reinterpret_cast<char*>(&places[k]), 0, end - begin, 1, largest);
    values[k] = found;
    places[k] += begin;
  });
  std::size_t best = 0;
  for (std::size_t k = 1; k < pieces; ++k) {
    const T a = values[k], b = values[best];
    if (b == b && (a != a || (largest ? a > b : a < b))) best = k;
  }
  if (value) *value = values[best];
  *index = places[best];
}

}  // namespace

void arg_kernel(const TensorImpl* value, const TensorImpl& index, const TensorImpl& x, int dim, bool largest) {
  if (index.numel == 0) return;
  const std::int64_t n = x.sizes.empty() ? 1 : x.sizes[dim];
  visit_dtype(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (!std::is_same_v<T, bool>)
      if (x.contiguous && n == x.numel)
        return arg_split<T>(value ? value->ptr<T>() : nullptr, index.ptr<std::int64_t>(), x.ptr<const T>(), n, largest);
    if (value)
      for_rows<3>(dim, {{x}, {*value, true}, {index, true}}, grain_cheap,
                  [&](char* const* p, const std::int64_t* s, std::int64_t count) {
                    arg_rows<T>(p[0], s[0], p[1], s[1], p[2], s[2], n, count, largest);
                  });
    else
      for_rows<2>(dim, {{x}, {index, true}}, grain_cheap, [&](char* const* p, const std::int64_t* s, std::int64_t count) {
        arg_rows<T>(p[0], s[0], nullptr, 0, p[1], s[1], n, count, largest);
      });
  });
}

}  // namespace slope
