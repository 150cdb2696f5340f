#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

#include "slope/autograd/kernels/simd/lanes.h"

/// The loop over lanes, for kernels that are called by `simd::dispatch`.
namespace slope::simd {

/// Calls `f(load, store, count, at, k)` for every vector of n elements and once for the rest.
///  - `load` reads any dense array there, or asks what has the functions `full(at)` and `first(at, count)`;
///  - `store` writes a dense array, of lanes or of masks;
///  - `count` is the number of elements: V::size but for the rest, whose other lanes hold 1;
///  - `at` is the position of the first;
///  - `k`, an `integral_constant`, says which of K running results is next, so that additions need not wait for each
///    other: groups of K vectors go to 0 ... K-1, what is left to 0.
template <class V, int K, class F>
inline void each_vector_of(std::int64_t n, const F& f) {
  std::int64_t i = 0;
  const auto whole = [&](std::int64_t at, auto k) {
    f(
        [at](const auto& source) {
          if constexpr (std::is_pointer_v<std::remove_cvref_t<decltype(source)>>)
            return V::load(source + at);
          else
            return source.full(at);
        },
        [at](auto* to, const auto& v) { v.store(to + at); }, V::size, at, k);
  };
  for (; i + K * V::size <= n; i += K * V::size)
    [&]<int... Ks>(std::integer_sequence<int, Ks...>) {
      (whole(i + Ks * V::size, std::integral_constant<int, Ks>()), ...);
    }(std::make_integer_sequence<int, K>());
  if constexpr (K > 1)
    for (; i + V::size <= n; i += V::size) whole(i, std::integral_constant<int, 0>());
  if (const int rest = static_cast<int>(n - i); rest > 0)
    f(
        [i, rest](const auto& source) {
          if constexpr (std::is_pointer_v<std::remove_cvref_t<decltype(source)>>)
            return V::load_n(source + i, rest);
          else
            return source.first(i, rest);
        },
        [i, rest](auto* to, const auto& v) { v.store_n(to + i, rest); }, rest, i, std::integral_constant<int, 0>());
}

/// The same for one running result or none: `f(load, store, count, at)`.
template <class V, class F>
inline void each_vector_at(std::int64_t n, const F& f) {
  each_vector_of<V, 1>(
      n, [&](const auto& load, const auto& store, int count, std::int64_t at, auto) { f(load, store, count, at); });
}

/// And for a function that does not ask where: `f(load, store, count)`.
///
///     each_vector<V>(n, [&](const auto& load, const auto& store, int) { store(y, exp(load(x))); });
template <class V, class F>
inline void each_vector(std::int64_t n, const F& f) {
  each_vector_of<V, 1>(
      n, [&](const auto& load, const auto& store, int count, std::int64_t, auto) { f(load, store, count); });
}

}  // namespace slope::simd
