#pragma once

#include <cstdint>

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

}  // namespace slope::simd
