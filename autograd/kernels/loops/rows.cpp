#include "slope/autograd/kernels/loops/rows.h"

#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

#include "slope/autograd/kernels/loops/row_block.h"
#include "slope/autograd/kernels/pointwise/formula.h"
#include "slope/autograd/kernels/simd/internal/row_lanes.h"

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

/// A block of 16 bytes by 16 bytes, its lines `from_step` apart, written with lines and columns exchanged.
template <std::size_t size>
inline void transpose_block(char* to, std::int64_t to_step, const char* from, std::int64_t from_step) {
  if constexpr (size == 4) {
    typedef std::int32_t Four __attribute__((vector_size(16)));
    Four a, b, c, d;
    std::memcpy(&a, from, 16);
    std::memcpy(&b, from + from_step, 16);
    std::memcpy(&c, from + 2 * from_step, 16);
    std::memcpy(&d, from + 3 * from_step, 16);
    const Four ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    const Four ef = __builtin_shufflevector(a, b, 2, 6, 3, 7), gh = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    const Four out[4] = {__builtin_shufflevector(ab, cd, 0, 1, 4, 5), __builtin_shufflevector(ab, cd, 2, 3, 6, 7),
                         __builtin_shufflevector(ef, gh, 0, 1, 4, 5), __builtin_shufflevector(ef, gh, 2, 3, 6, 7)};
    for (int i = 0; i < 4; ++i) std::memcpy(to + i * to_step, &out[i], 16);
  } else {
    typedef std::int64_t Two __attribute__((vector_size(16)));
    Two a, b;
    std::memcpy(&a, from, 16);
    std::memcpy(&b, from + from_step, 16);
    const Two out[2] = {__builtin_shufflevector(a, b, 0, 2), __builtin_shufflevector(a, b, 1, 3)};
    for (int i = 0; i < 2; ++i) std::memcpy(to + i * to_step, &out[i], 16);
  }
}

/// Where the elements of rows lie: bytes from one row to the next, and from one element of a row to the next.
struct RowSteps {
  std::int64_t row, element;
};

/// Copies `rows` rows of `length` elements between one side where the elements of a row are neighbours and another where
/// the rows are: blocks are transposed. The steps are those of each side that are not an item.
template <std::size_t size, bool dense_target>
void copy_transposed(char* to, std::int64_t to_step, const char* from, std::int64_t from_step, std::int64_t length,
                     std::int64_t rows) {
  constexpr std::int64_t side = 16 / size, item = size;
  const auto target = [=](std::int64_t r, std::int64_t i) {
    return dense_target ? to + r * to_step + i * item : to + r * item + i * to_step;
  };
  const auto source = [=](std::int64_t r, std::int64_t i) {
    return dense_target ? from + r * item + i * from_step : from + r * from_step + i * item;
  };
  std::int64_t i = 0;
  for (; i + side <= length; i += side) {
    std::int64_t r = 0;
    for (; r + side <= rows; r += side) transpose_block<size>(target(r, i), to_step, source(r, i), from_step);
    for (; r < rows; ++r)
      for (std::int64_t k = i; k < i + side; ++k) std::memcpy(target(r, k), source(r, k), size);
  }
  for (; i < length; ++i)
    for (std::int64_t r = 0; r < rows; ++r) std::memcpy(target(r, i), source(r, i), size);
}

/// Copies `rows` rows of `length` elements.
void copy_rows(char* to, RowSteps to_steps, const char* from, RowSteps from_steps, std::int64_t length,
               std::int64_t rows, std::size_t item) {
  with_item(item, [&]<std::size_t size>(std::integral_constant<std::size_t, size>) {
    constexpr std::int64_t next = size;
    if constexpr (size > 1) {
      if (to_steps.element == next && from_steps.row == next)
        return copy_transposed<size, true>(to, to_steps.row, from, from_steps.element, length, rows);
      if (to_steps.row == next && from_steps.element == next)
        return copy_transposed<size, false>(to, to_steps.element, from, from_steps.row, length, rows);
    }
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t i = 0; i < length; ++i)
        std::memcpy(to + r * to_steps.row + i * to_steps.element, from + r * from_steps.row + i * from_steps.element,
                    size);
  });
}

}  // namespace

void gather_rows(char* to, std::int64_t dense_step, const char* from, std::int64_t row_step, std::int64_t step,
                 std::int64_t length, std::int64_t rows, std::size_t item) {
  copy_rows(to, {dense_step, static_cast<std::int64_t>(item)}, from, {row_step, step}, length, rows, item);
}

void scatter_rows(char* to, const char* from, std::int64_t dense_step, std::int64_t row_step, std::int64_t step,
                  std::int64_t length, std::int64_t rows, std::size_t item) {
  copy_rows(to, {row_step, step}, from, {dense_step, static_cast<std::int64_t>(item)}, length, rows, item);
}

}  // namespace detail

namespace {

using detail::row;

/// ∞ or NaN-aware maximum of n > 0 dense elements (Largest) or minimum.
template <class V, bool Largest>
inline typename V::value_type extreme(const typename V::value_type* x, std::int64_t n) {
  using T = typename V::value_type;
  constexpr T none = Largest ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::infinity();
  auto better = [](const V& a, const V& b) { return Largest ? maximum(a, b) : minimum(a, b); };
  V best[4] = {V(none), V(none), V(none), V(none)};
  simd::each_vector_of<V, 4>(n, [&](const auto& load, const auto&, int count, std::int64_t, auto k) {
    best[k] = better(best[k], simd::first_lanes(load(x), count, none));
  });
  T lanes[V::size];
  better(better(best[0], best[1]), better(best[2], best[3])).store(lanes);
#pragma GCC unroll 4
  for (int h = V::size / 2; h >= 1; h /= 2)
    for (int l = 0; l < h; ++l) {
      const T a = lanes[l], b = lanes[l + h];
      lanes[l] = (Largest ? a > b : a < b) || a != a ? a : b;
    }
  return lanes[0];
}

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
  return {static_cast<double>(m), simd::sum_each<V, typename Isa::template WideSum<T>>(
                                      n, [&](const auto& load) { return exp(load(x) - shift); })};
}

template <class Isa, class T>
inline void write_softmax(const T* x, T* y, std::int64_t n, const RowNorm& norm, double scale, bool log) {
  using V = typename Isa::template Lanes<T>;
  const V shift(norm.largest);
  if (log) {
    const V log_sum(std::log(norm.sum));
    simd::write_each<V>(y, n, [&](const auto& load) { return (load(x) - shift) - log_sum; });
  } else {
    const V factor(scale / norm.sum);
    simd::write_each<V>(y, n, [&](const auto& load) { return exp(load(x) - shift) * factor; });
  }
}

}  // namespace

template <class T>
RowNorm row_norm(const T* x, std::int64_t n) {
  return over_segments(
      n, RowNorm{-std::numeric_limits<double>::infinity(), 0},
      [x](std::int64_t begin, std::int64_t end) {
        RowNorm norm{};
        simd::dispatch([&](auto isa) {
          norm = segment_norm<decltype(isa)>(x + begin, std::min(end - begin, row_segment));
          for (std::int64_t i = begin + row_segment; i < end; i += row_segment)
            combine(norm, segment_norm<decltype(isa)>(x + i, std::min(end - i, row_segment)));
        });
        return norm;
      },
      combine);
}
template RowNorm row_norm<float>(const float*, std::int64_t);
template RowNorm row_norm<double>(const double*, std::int64_t);

namespace {

/// Short rows, side by side.
template <class Isa, class T>
inline void narrow_softmax(char* const* p, const std::int64_t* s, std::int64_t count, std::int64_t n, bool log) {
  using V = typename Isa::template Lanes<T>;
  RowBlock<V> block;
  for (std::int64_t i = 0; i < count; i += V::size) {
    const int rows = static_cast<int>(std::min<std::int64_t>(V::size, count - i));
    block.load(p[0] + i * s[0], s[0], n, rows);
    V largest(0), others(0);
    block.exponentiate(n, largest, others);
    if (log) {
      const V log_sum = log1p(others);
      block.load(p[0] + i * s[0], s[0], n, rows);
      for (std::int64_t j = 0; j < n; ++j) block.set_column(j, (block.column(j) - largest) - log_sum);
    } else {
      const V factor = 1 / (1 + others);
      for (std::int64_t j = 0; j < n; ++j) block.set_column(j, block.column(j) * factor);
    }
    block.store(p[1] + i * s[1], s[1], n, rows);
  }
}

template <class T>
void write_softmax_row(const T* x, T* y, std::int64_t n, const RowNorm& norm, double scale, bool log) {
  for_segments(n, [&](std::int64_t begin, std::int64_t end) {
    simd::dispatch(
        [&](auto isa) { write_softmax<decltype(isa)>(x + begin, y + begin, end - begin, norm, scale, log); });
  });
}

}  // namespace

template <class T>
void softmax_row(const T* x, T* y, std::int64_t n, const RowNorm& norm, double scale) {
  write_softmax_row(x, y, n, norm, scale, false);
}
template void softmax_row<float>(const float*, float*, std::int64_t, const RowNorm&, double);
template void softmax_row<double>(const double*, double*, std::int64_t, const RowNorm&, double);

void softmax_kernel(const TensorImpl& y, const TensorImpl& x, int dim, bool log) {
  if (x.numel == 0) return;
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const std::int64_t n = x.sizes.empty() ? 1 : x.sizes[dim];
    const std::int64_t grain = rows_grain(x.numel / n, n, grain_math);
    for_rows<2>(dim, {{x}, {y, true}}, grain, [&](char* const* p, const std::int64_t* s, std::int64_t count) {
      if (n <= narrow_row)
        return simd::dispatch([&](auto isa) { narrow_softmax<decltype(isa), T>(p, s, count, n, log); });
      for (std::int64_t i = 0; i < count; ++i) {
        const T* from = row<const T>(p, s, 0, i);
        write_softmax_row(from, row<T>(p, s, 1, i), n, row_norm(from, n), 1, log);
      }
    });
  });
}

void softmax_backward_kernel(const TensorImpl& dx, const TensorImpl& y, const TensorImpl& g, int dim, bool log) {
  if (dx.numel == 0) return;
  visit_floating(dx.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const std::int64_t n = dx.sizes.empty() ? 1 : dx.sizes[dim];
    const std::int64_t grain = rows_grain(dx.numel / n, n, grain_cheap);
    for_rows<3>(dim, {{y}, {g}, {dx, true}}, grain, [&](char* const* p, const std::int64_t* s, std::int64_t count) {
      for (std::int64_t i = 0; i < count; ++i) {
        const T *out = row<const T>(p, s, 0, i), *up = row<const T>(p, s, 1, i);
        T* to = row<T>(p, s, 2, i);
        // Σ g, or Σ g·y.
        const double total = over_segments(
            n, 0.0,
            [&](std::int64_t begin, std::int64_t end) {
              double sum = 0;
              simd::dispatch([&](auto isa) {
                using V = typename decltype(isa)::template Lanes<T>;
                using Sum = typename decltype(isa)::template WideSum<T>;
                if (log)
                  sum = simd::sum_each<V, Sum>(end - begin, [&](const auto& load) { return load(up + begin); });
                else
                  sum = simd::sum_each<V, Sum>(end - begin, [&](const auto& load) {
                    return scale_cotangent(load(up + begin), load(out + begin));
                  });
              });
              return sum;
            },
            [](double& sum, double part) { sum += part; });
        for_segments(n, [&](std::int64_t begin, std::int64_t end) {
          simd::dispatch([&](auto isa) {
            using V = typename decltype(isa)::template Lanes<T>;
            const V all(total);
            if (log)
              simd::write_each<V>(to + begin, end - begin, [&](const auto& load) {
                return load(up + begin) - scale_cotangent(all, exp(load(out + begin)));
              });
            else
              simd::write_each<V>(to + begin, end - begin, [&](const auto& load) {
                return scale_cotangent(load(up + begin) - all, load(out + begin));
              });
          });
        });
      }
    });
  });
}

void scaled_deviation_kernel(const TensorImpl& dx, const TensorImpl& x, const TensorImpl& mean,
                             const TensorImpl& factor) {
  if (dx.numel == 0) return;
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    StridedLoop<4>(dx.sizes, {&dx, &x, &mean, &factor})
        .run(grain_cheap, [&](char* const* p, const std::int64_t* s, std::int64_t n) {
          if (s[0] == sizeof(T) && s[1] == sizeof(T) && s[2] == 0 && s[3] == 0) {
            const double m = *reinterpret_cast<const double*>(p[2]), f = *reinterpret_cast<const double*>(p[3]);
            auto* to = reinterpret_cast<T*>(p[0]);
            const auto* from = reinterpret_cast<const T*>(p[1]);
            if (f == 0) return std::fill_n(to, n, T(0)), void();
            const auto parts = detail::in_two_parts<T>(m);
            simd::dispatch([&](auto isa) {
              using V = typename decltype(isa)::template Lanes<T>;
              const V h(parts.first), l(parts.second), scale(f);
              simd::write_each<V>(to, n, [&](const auto& load) { return ((load(from) - h) - l) * scale; });
            });
            return;
          }
          // The same operations, so that the layout does not change a bit.
          for (std::int64_t i = 0; i < n; ++i) {
            const double m = *reinterpret_cast<const double*>(p[2] + i * s[2]),
                         f = *reinterpret_cast<const double*>(p[3] + i * s[3]);
            const auto [high, low] = detail::in_two_parts<T>(m);
            const T v = *reinterpret_cast<const T*>(p[1] + i * s[1]);
            *reinterpret_cast<T*>(p[0] + i * s[0]) = f == 0 ? T(0) : ((v - high) - low) * static_cast<T>(f);
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
void arg_rows(const char* x, std::int64_t x_step, char* value, std::int64_t value_step, char* index,
              std::int64_t index_step, std::int64_t n, std::int64_t rows, bool largest) {
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
      for_rows<2>(dim, {{x}, {index, true}}, grain_cheap,
                  [&](char* const* p, const std::int64_t* s, std::int64_t count) {
                    arg_rows<T>(p[0], s[0], nullptr, 0, p[1], s[1], n, count, largest);
                  });
  });
}

std::int64_t count_labels(const std::int64_t* labels, std::int64_t n, std::int64_t classes, std::int64_t ignore_index) {
  std::int64_t counted = 0, wrong = 0;
  simd::dispatch([&](auto) {  // for the compiler to vectorize, which it can without a branch
    std::int64_t count = 0, bad = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      const std::int64_t counts = labels[i] != ignore_index;
      count += counts;
      bad |= counts & (static_cast<std::uint64_t>(labels[i]) >= static_cast<std::uint64_t>(classes));
    }
    counted = count;
    wrong = bad;
  });
  return wrong ? -1 : counted;
}

}  // namespace slope
