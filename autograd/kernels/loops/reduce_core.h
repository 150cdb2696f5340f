#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "slope/autograd/core/dtype.h"
#include "slope/autograd/kernels/simd/lanes.h"

/// The loops behind reduce.h over at most `reduce_block` elements per output, for every way of combining. A reduction is made of
///  - `R`, how two partial results combine: `static A identity<A>()`, `combine(a, b)`;
///  - `M`, what becomes of an element first: `map(x, c)` with the parameter of its output.
/// How outputs and blocks are laid out and shared among threads is the business of reduce.cpp.
namespace slope::detail {

inline constexpr int lane_count = 32;
inline constexpr std::int64_t reduce_block = 2048;

/// An integer as lanes of width one. Arithmetic wraps around.
struct SingleLane {
  using value_type = std::int64_t;
  static constexpr int size = 1;
  std::int64_t v = 0;
  SingleLane() = default;
  SingleLane(std::int64_t x) : v(x) {}
  static SingleLane load(const std::int64_t* p) { return *p; }
  void store(std::int64_t* p) const { *p = v; }
  friend SingleLane operator+(SingleLane a, SingleLane b) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a.v) + static_cast<std::uint64_t>(b.v));
  }
  friend SingleLane operator*(SingleLane a, SingleLane b) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a.v) * static_cast<std::uint64_t>(b.v));
  }
  friend SingleLane maximum(SingleLane a, SingleLane b) { return a.v < b.v ? b : a; }
  friend SingleLane minimum(SingleLane a, SingleLane b) { return b.v < a.v ? b : a; }
};

inline double scalar_maximum(double a, double b) { return a > b || a != a ? a : b; }
inline double scalar_minimum(double a, double b) { return a < b || a != a ? a : b; }

struct Adding {
  template <class A>
  static constexpr A identity() {
    return 0;
  }
  template <class V>
  static V combine(const V& a, const V& b) {
    return a + b;
  }
};
struct Multiplying {
  template <class A>
  static constexpr A identity() {
    return 1;
  }
  template <class V>
  static V combine(const V& a, const V& b) {
    return a * b;
  }
};
struct Largest {
  template <class A>
  static constexpr A identity() {
    return std::is_integral_v<A> ? std::numeric_limits<A>::min() : -std::numeric_limits<A>::infinity();
  }
  template <class V>
  static V combine(const V& a, const V& b) {
    if constexpr (std::is_same_v<V, double>)
      return scalar_maximum(a, b);
    else
      return maximum(a, b);
  }
};
struct Smallest {
  template <class A>
  static constexpr A identity() {
    return std::is_integral_v<A> ? std::numeric_limits<A>::max() : std::numeric_limits<A>::infinity();
  }
  template <class V>
  static V combine(const V& a, const V& b) {
    if constexpr (std::is_same_v<V, double>)
      return scalar_minimum(a, b);
    else
      return minimum(a, b);
  }
};

/// Two partial results of one output.
template <class R, class A>
inline A merge(A a, A b) {
  if constexpr (std::is_integral_v<A>)
    return R::combine(SingleLane(a), SingleLane(b)).v;
  else
    return R::combine(a, b);
}

/// The block loops of one reduction on one element type, and how results combine; p is the number a map may need.
template <class A>
struct FoldKernel {
  A identity;
  /// `count` outputs of n dense elements each, the first at `data`, the next `step` bytes further; c may be null.
  void (*rows)(double p, const char* data, std::int64_t step, std::int64_t count, int n, const A* c, A* out);
  /// `width` neighbouring outputs of n elements each: element r at `data + offsets[r]`. Null where nothing is gained.
  void (*columns)(double p, const char* data, const std::int64_t* offsets, int n, int width, const A* c, A* out);
  /// into[i] = into[i] combined with later[i].
  void (*merge)(A* into, const A* later, std::int64_t n);
};

/// Elements of type In as lanes of the type that is accumulated.
template <class V, class In>
inline V load_wide(const In* p) {
  if constexpr (std::is_same_v<typename V::value_type, In>)
    return V::load(p);
  else if constexpr (std::is_same_v<In, float>)
    return V::load_wide(p);
  else
    return V(static_cast<typename V::value_type>(*p));
}
/// The first n of them, 0 < n < V::size; nothing beyond is read.
template <class V, class In>
inline V load_wide_n(const In* p, int n) {
  if constexpr (std::is_same_v<typename V::value_type, In>)
    return V::load_n(p, n);
  else
    return V::load_wide_n(p, n);
}

/// One block of at most `reduce_block` dense elements.
template <class V, class R, class M, class In>
inline typename V::value_type fold_run(const M& map, const In* p, int n, typename V::value_type c) {
  using A = typename V::value_type;
  constexpr int count = lane_count / V::size;
  const V param(c);
  V acc[count];
#pragma GCC unroll 32
  for (int j = 0; j < count; ++j) acc[j] = V(R::template identity<A>());
  int i = 0;
  for (; i + lane_count <= n; i += lane_count) {
    // Two pages on: what the processor asks memory for by itself ends with the page, and large tensors wait for it.
    constexpr int line = 64 / sizeof(In), ahead = 8192 / sizeof(In);
#pragma GCC unroll 4
    for (int j = 0; j < lane_count; j += line) __builtin_prefetch(p + i + j + ahead, 0, 2);
#pragma GCC unroll 32
    for (int j = 0; j < count; ++j) acc[j] = R::combine(acc[j], map(load_wide<V>(p + i + j * V::size), param));
  }
  if (i < n) {
#pragma GCC unroll 32
    for (int j = 0; j < count; ++j) {
      const In* at = p + i + j * V::size;
      const int rest = n - i - j * V::size;
      if (rest >= V::size) {
        acc[j] = R::combine(acc[j], map(load_wide<V>(at), param));
      } else if constexpr (V::size > 1) {
        if (rest > 0)
          acc[j] = R::combine(acc[j], where(V::mask_type::first(rest), map(load_wide_n<V>(at, rest), param),
                                            V(R::template identity<A>())));
      }
    }
  }
#pragma GCC unroll 5
  for (int step = count / 2; step >= 1; step /= 2) {
#pragma GCC unroll 16
    for (int j = 0; j < step; ++j) acc[j] = R::combine(acc[j], acc[j + step]);
  }
  A lanes[V::size];
  acc[0].store(lanes);
#pragma GCC unroll 4
  for (int h = V::size / 2; h >= 1; h /= 2) {
#pragma GCC unroll 8
    for (int l = 0; l < h; ++l) lanes[l] = merge<R>(lanes[l], lanes[l + h]);
  }
  return lanes[0];
}

/// The same for neighbouring outputs at once: rows of G vectors at `base + offsets[r]` whose columns are combined. Partial: less
/// than one vector, `columns` elements.
template <class V, int G, bool Partial, class R, class M, class In>
inline void fold_columns(const M& map, const char* base, const std::int64_t* offsets, int rows,
                         const typename V::value_type* c, int columns, typename V::value_type* out) {
  using A = typename V::value_type;
  static_assert(!Partial || G == 1);
  constexpr int width = G * V::size;
  alignas(64) A lanes[lane_count][width];
  V param[G];
#pragma GCC unroll 8
  for (int j = 0; j < G; ++j) {
    if constexpr (Partial && V::size > 1)
      param[j] = c ? V::load_n(c, columns) : V(0);
    else
      param[j] = c ? V::load(c + j * V::size) : V(0);
  }
  const int used = std::min(rows, lane_count);
  for (int l = 0; l < used; ++l) {
    V acc[G];
#pragma GCC unroll 8
    for (int j = 0; j < G; ++j) acc[j] = V(R::template identity<A>());
    for (int r = l; r < rows; r += lane_count) {
      const In* p = reinterpret_cast<const In*>(base + offsets[r]);
#pragma GCC unroll 8
      for (int j = 0; j < G; ++j) {
        if constexpr (Partial && V::size > 1)
          acc[j] = R::combine(acc[j], map(load_wide_n<V>(p, columns), param[j]));
        else
          acc[j] = R::combine(acc[j], map(load_wide<V>(p + j * V::size), param[j]));
      }
    }
#pragma GCC unroll 8
    for (int j = 0; j < G; ++j) acc[j].store(lanes[l] + j * V::size);
  }
  for (int h = lane_count / 2; h >= 1; h /= 2)
    for (int l = 0; l < h && l + h < used; ++l)
#pragma GCC unroll 8
      for (int j = 0; j < G; ++j)
        R::combine(V::load(lanes[l] + j * V::size), V::load(lanes[l + h] + j * V::size)).store(lanes[l] + j * V::size);
  std::memcpy(out, lanes[0], sizeof(A) * static_cast<std::size_t>(Partial ? columns : width));
}

/// Calls `f(TypeTag<V>{})` with the lanes that accumulate elements of type In.
template <class In, class F>
inline void on_lanes(const F& f) {
  if constexpr (std::is_floating_point_v<In>)
    simd::dispatch([&](auto isa) { f(TypeTag<typename decltype(isa)::template Lanes<double>>{}); });
  else
    f(TypeTag<SingleLane>{});
}

template <class M>
inline M make_map([[maybe_unused]] double p) {
  if constexpr (std::is_empty_v<M>)
    return M{};
  else
    return M{p};
}

template <class R, class M, class In, class A>
void rows_kernel(double p, const char* data, std::int64_t step, std::int64_t count, int n, const A* c, A* out) {
  on_lanes<In>([&](auto lanes) {
    const M map = make_map<M>(p);
    for (std::int64_t k = 0; k < count; ++k)
      out[k] = fold_run<typename decltype(lanes)::type, R>(map, reinterpret_cast<const In*>(data + k * step), n,
                                                           c ? c[k] : A(0));
  });
}

template <class R, class M, class In, class A>
void columns_kernel(double p, const char* data, const std::int64_t* offsets, int n, int width, const A* c, A* out) {
  on_lanes<In>([&](auto lanes) {
    using V = typename decltype(lanes)::type;
    const M map = make_map<M>(p);
    int k = 0;
    auto fold = [&]<int G, bool Partial>(std::integral_constant<int, G>, std::bool_constant<Partial>) {
      fold_columns<V, G, Partial, R, M, In>(map, data + k * static_cast<int>(sizeof(In)), offsets, n,
                                            c ? c + k : nullptr, width - k, out + k);
    };
    for (; k + 8 * V::size <= width; k += 8 * V::size) fold(std::integral_constant<int, 8>(), std::false_type());
    for (; k + V::size <= width; k += V::size) fold(std::integral_constant<int, 1>(), std::false_type());
    if constexpr (V::size > 1)
      if (k < width) fold(std::integral_constant<int, 1>(), std::true_type());
  });
}

template <class R, class A>
void merge_kernel(A* into, const A* later, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) into[i] = merge<R>(into[i], later[i]);
}

template <class R, class M, class In, bool Columns = true>
const FoldKernel<std::conditional_t<std::is_floating_point_v<In>, double, std::int64_t>>& fold_kernel() {
  using A = std::conditional_t<std::is_floating_point_v<In>, double, std::int64_t>;
  static constexpr FoldKernel<A> kernel = [] {
    FoldKernel<A> k{R::template identity<A>(), &rows_kernel<R, M, In, A>, nullptr, &merge_kernel<R, A>};
    if constexpr (Columns) k.columns = &columns_kernel<R, M, In, A>;
    return k;
  }();
  return kernel;
}

}  // namespace slope::detail
