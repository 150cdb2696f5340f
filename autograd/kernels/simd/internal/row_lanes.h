#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "slope/autograd/kernels/simd/each_vector.h"

/// What kernels that work on dense rows need besides the loop over lanes.
namespace slope::simd {

/// The first `count` lanes of v, and `other` in those beyond the end of a row.
template <class V>
inline V first_lanes(const V& v, int count, double other = 0) {
  return count == V::size ? v : where(V::mask_type::first(count), v, V(other));
}

/// True in lane i alone.
template <class V>
inline typename V::mask_type single_lane(std::int64_t i) {
  return V::mask_type::first(static_cast<int>(i)) ^ V::mask_type::first(static_cast<int>(i) + 1);
}

/// Σ f in double over n dense elements; f gets a function that loads any dense array at the current position.
template <class V, class Sum, class F>
inline double sum_each(std::int64_t n, const F& f) {
  Sum total;
  each_vector<V>(n, [&](const auto& load, const auto&, int count) { total.add_n(f(load), count); });
  return total.total();
}

/// y = f over dense elements; f gets a function that loads any dense array at the current position.
template <class V, class F>
inline void write_each(typename V::value_type* y, std::int64_t n, const F& f) {
  each_vector<V>(n, [&](const auto& load, const auto& store, int) { store(y, f(load)); });
}

/// Lane i: the sum of lanes 2i and 2i + 1 of u and v, of which v comes after u.
template <class V, std::size_t... I>
inline V add_neighbours(std::index_sequence<I...>, const V& u, const V& v) {
  V sum;
  sum.v = __builtin_shufflevector(u.v, v.v, 2 * static_cast<int>(I)...) +
          __builtin_shufflevector(u.v, v.v, 2 * static_cast<int>(I) + 1 ...);
  return sum;
}

/// Lane r: the sum of all lanes of x[r], in the order of reduce_add. x is used up.
template <int N, class V>
inline V sums_of_each(V* x) {
  if constexpr (N == 1) {
    return x[0];
  } else {
#pragma GCC unroll 8
    for (int i = 0; i < N / 2; ++i)
      x[i] = add_neighbours(std::make_index_sequence<static_cast<std::size_t>(V::size)>(), x[2 * i], x[2 * i + 1]);
    return sums_of_each<N / 2>(x);
  }
}

}  // namespace slope::simd
