#include "slope/autograd/kernels/loops/bags.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "slope/autograd/core/parallel.h"
#include "slope/autograd/kernels/pointwise/grain.h"
#include "slope/autograd/kernels/simd/lanes.h"

namespace slope {

using std::int64_t;

namespace {

/// Doubles from an array of either type.
template <class V, class T>
inline V wide(const T* p) {
  if constexpr (std::is_same_v<T, float>)
    return V::load_wide(p);
  else
    return V::load(p);
}
template <class V, class T>
inline V wide_n(const T* p, int n) {
  if constexpr (std::is_same_v<T, float>)
    return V::load_wide_n(p, n);
  else
    return V::load_n(p, n);
}

/// Wide rows are cut, so that a few of them keep several threads busy too.
constexpr int64_t most_columns = 1024;

/// Calls `body(group, begin, end)` for every group and range of columns.
template <class Body>
void for_groups(const BagEntries& e, int64_t columns, const Body& body) {
  if (e.groups == 0 || columns == 0) return;
  const int64_t parts = (columns - 1) / most_columns + 1;
  const int64_t work = std::max<int64_t>(e.start[e.groups] / e.groups, 1) * std::min(columns, most_columns);
  parallel_for(e.groups * parts, std::max<int64_t>(grain_math / work, 1), [&](int64_t first, int64_t last) {
    for (int64_t task = first; task < last; ++task) {
      const int64_t from = task % parts * most_columns;
      body(task / parts, from, std::min(from + most_columns, columns));
    }
  });
}

template <class T>
double coefficient(const BagEntries& e, const T* weights, int64_t k) {
  const double weight = weights ? static_cast<double>(weights[e.number[k]]) : 1.0;
  return e.source_divisor ? weight / e.source_divisor[e.source[k]] : weight;
}

/// `K` vectors of columns, or with `count` the first lanes of one.
template <class V, int K, class T>
inline void sum_columns(T* out, const T* x, const T* weights, const BagEntries& e, int64_t columns, int64_t group,
                        int count, bool zeros_stay) {
  V sum[K];
  for (int i = 0; i < K; ++i) sum[i] = V(0);
  for (int64_t k = e.start[group]; k < e.start[group + 1]; ++k) {
    const double c = coefficient(e, weights, k);
    if (c == 0) continue;
    const T* row = x + e.source[k] * columns;
    const bool careful = zeros_stay && !std::isfinite(c);
    for (int i = 0; i < K; ++i) {
      const V v = K > 1 || count == V::size ? wide<V>(row + i * V::size) : wide_n<V>(row, count);
      sum[i] += careful ? where(v == 0, V(0), v * V(c)) : v * V(c);
    }
  }
  const double divisor = e.place_divisor ? e.place_divisor[e.place ? e.place[group] : group] : 1.0;
  for (int i = 0; i < K; ++i) {
    double lanes[V::size];
    (sum[i] / V(divisor)).store(lanes);
    for (int j = 0; j < count; ++j) out[i * V::size + j] = static_cast<T>(lanes[j]);
  }
}

}  // namespace

void bag_sum_kernel(const TensorImpl& out, const TensorImpl& x, const TensorImpl* weights, const BagEntries& e,
                    bool zeros_stay) {
  const int64_t columns = out.sizes.back();
  visit_floating(out.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* c = weights ? weights->ptr<T>() : nullptr;
    for_groups(e, columns, [&](int64_t group, int64_t begin, int64_t end) {
      T* to = out.ptr<T>() + (e.place ? e.place[group] : group) * columns;
      simd::dispatch([&](auto target) {
        using V = typename decltype(target)::template Lanes<double>;
        constexpr int side_by_side = 8;
        int64_t at = begin;
        for (; at + side_by_side * V::size <= end; at += side_by_side * V::size)
          sum_columns<V, side_by_side>(to + at, x.ptr<T>() + at, c, e, columns, group, V::size, zeros_stay);
        for (; at < end; at += V::size)
          sum_columns<V, 1>(to + at, x.ptr<T>() + at, c, e, columns, group,
                            static_cast<int>(std::min<int64_t>(V::size, end - at)), zeros_stay);
      });
    });
  });
}

void bag_dot_kernel(const TensorImpl& out, const TensorImpl& x, const TensorImpl& y, const BagEntries& e) {
  const int64_t columns = x.sizes.back();
  if (e.groups == 0) return;
  visit_floating(out.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const int64_t work = std::max<int64_t>(e.start[e.groups] / e.groups, 1) * std::max<int64_t>(columns, 1);
    parallel_for(e.groups, std::max<int64_t>(grain_math / work, 1), [&](int64_t first, int64_t last) {
      simd::dispatch([&](auto target) {
        using V = typename decltype(target)::template Lanes<double>;
        for (int64_t g = first; g < last; ++g) {
          const int64_t place = e.place ? e.place[g] : g;
          const T* b = y.ptr<T>() + place * columns;
          for (int64_t k = e.start[g]; k < e.start[g + 1]; ++k) {
            const T* a = x.ptr<T>() + e.source[k] * columns;
            V sum(0);
            const auto add = [&](const V& u, const V& v) { sum += where((u == 0) | (v == 0), V(0), u * v); };
            int64_t at = 0;
            for (; at + V::size <= columns; at += V::size) add(wide<V>(a + at), wide<V>(b + at));
            double dot = reduce_add(sum);
            for (; at < columns; ++at) {
              const auto u = static_cast<double>(a[at]), v = static_cast<double>(b[at]);
              dot += u == 0 || v == 0 ? 0 : u * v;
            }
            if (e.source_divisor) dot /= e.source_divisor[e.source[k]];
            if (e.place_divisor) dot /= e.place_divisor[place];
            out.ptr<T>()[e.number[k]] = static_cast<T>(dot);
          }
        }
      });
    });
  });
}

void bag_max_kernel(const TensorImpl& out, const TensorImpl& row, const TensorImpl& x, const BagEntries& e) {
  const int64_t columns = out.sizes.back();
  visit_floating(out.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for_groups(e, columns, [&](int64_t group, int64_t begin, int64_t end) {
      T* best = out.ptr<T>() + group * columns;
      auto* where_from = row.ptr<int64_t>() + group * columns;
      std::fill(best + begin, best + end, T(0));
      std::fill(where_from + begin, where_from + end, int64_t{-1});
      for (int64_t k = e.start[group]; k < e.start[group + 1]; ++k) {
        const int64_t source = e.source[k];
        const T* from = x.ptr<T>() + source * columns;
        for (int64_t j = begin; j < end; ++j) {
          const T v = from[j], top = best[j];
          const bool larger = where_from[j] < 0 || v > top || (v != v && top == top);
          best[j] = larger ? v : top;
          where_from[j] = larger ? source : where_from[j];
        }
      }
    });
  });
}

}  // namespace slope
