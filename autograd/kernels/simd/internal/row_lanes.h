#pragma once

#include <cstdint>

#include "slope/autograd/kernels/simd/lanes.h"

/// Loops over the lanes of dense rows, for kernels that are called by `simd::dispatch`.
namespace slope::simd {

/// Calls `f(load, store, count, at)` for every vector of n elements and once for the rest: `load` reads any dense array
/// there, `store` writes one, `count` is the number of elements, V::size but for the rest, `at` the position of the
/// first.
template <class V, class F>
inline void each_vector_at(std::int64_t n, const F& f) {
  using T = typename V::value_type;
  std::int64_t i = 0;
  for (; i + V::size <= n; i += V::size)
    f([&](const T* p) { return V::load(p + i); }, [&](T* p, const V& v) { v.store(p + i); }, V::size, i);
  if (const int rest = static_cast<int>(n - i); rest > 0)
    f([&](const T* p) { return V::load_n(p + i, rest); }, [&](T* p, const V& v) { v.store_n(p + i, rest); }, rest, i);
}

/// The same for a function that does not ask where: `f(load, store, count)`.
///
///     each_vector<V>(n, [&](const auto& load, const auto& store, int) { store(y, exp(load(x))); });
template <class V, class F>
inline void each_vector(std::int64_t n, const F& f) {
  each_vector_at<V>(n, [&](const auto& load, const auto& store, int count, std::int64_t) { f(load, store, count); });
}

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

}  // namespace slope::simd
