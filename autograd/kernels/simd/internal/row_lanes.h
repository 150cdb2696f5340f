#pragma once

#include <algorithm>
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

/// Of u and v, of which v comes after u, the sums of neighbouring groups of `Unit` lanes. Sums from the same `Block` of
/// lanes stay in it, those of u before those of v: within 128 bits that takes one instruction, across them several.
template <int Unit, int Block, class V, std::size_t... I>
inline V add_neighbours(std::index_sequence<I...>, const V& u, const V& v) {
  constexpr auto from = [](int lane) {
    const int block = lane / Block * Block, at = lane % Block, unit = at / Unit, units = Block / Unit / 2;
    const int first = block + (unit < units ? unit : unit - units) * 2 * Unit + at % Unit;
    return unit < units ? first : first + V::size;
  };
  V sum;
  sum.v = __builtin_shufflevector(u.v, v.v, from(static_cast<int>(I))...) +
          __builtin_shufflevector(u.v, v.v, from(static_cast<int>(I)) + Unit...);
  return sum;
}

/// Lane r: the sum of all lanes of x[r], in the order of reduce_add. x is used up.
template <int N, class V>
inline V sums_of_each(V* x) {
  constexpr int block = std::min<int>(V::size, 16 / sizeof(typename V::value_type)), summed = V::size / N;
  constexpr auto all = std::make_index_sequence<static_cast<std::size_t>(V::size)>();
  if constexpr (N == 1) {
    return x[0];
  } else {
#pragma GCC unroll 8
    for (int i = 0; i < N / 2; ++i)
      if constexpr (summed < block)
        x[i] = add_neighbours<1, block>(all, x[2 * i], x[2 * i + 1]);
      else
        x[i] = add_neighbours<block, V::size>(all, x[2 * i], x[2 * i + 1]);
    return sums_of_each<N / 2>(x);
  }
}

}  // namespace slope::simd
