#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "slope/autograd/core/dtype.h"
#include "slope/autograd/kernels/pointwise/formula.h"
#include "slope/autograd/kernels/pointwise/grain.h"
#include "slope/autograd/kernels/pointwise/partials.h"
#include "slope/autograd/kernels/pointwise/primitives.h"
#include "slope/autograd/kernels/simd/each_vector.h"
#include "slope/autograd/kernels/simd/lanes.h"

/// Turns a formula into kernels over contiguous runs of elements. Broadcasting, strides and threads are the business of the
/// caller (pointwise.cpp); here is only the loop over lanes, written once for every formula.
namespace slope::detail {

inline constexpr int max_arity = 6;

/// One input of a kernel: `n` contiguous values, or a single value for all of them.
struct BlockIn {
  const void* data = nullptr;
  bool splat = false;
  /// Of a splat: `data` holds the value often enough to fill a vector.
  bool expanded = false;
};

template <class T>
struct Ones {
  static constexpr std::size_t widest = 64 / sizeof(T);
  alignas(64) T values[widest];
  constexpr Ones() : values() {
    for (T& v : values) v = 1;
  }
};
inline constexpr Ones<float> float_ones;
inline constexpr Ones<double> double_ones;

/// For what a formula does not mention: ones of either floating dtype, expanded.
inline BlockIn any_block(DType dtype) {
  return {dtype == DType::float64 ? static_cast<const void*>(double_ones.values) : float_ones.values, true, true};
}

using ValueKernel = void (*)(const void* formula, const BlockIn* in, void* out, std::int64_t n);
/// Writes gradients g·∂f/∂in[i] for every i with grads[i] set. `value` is the saved value of f when the partials mention it;
/// what they do not mention may be any splat.
using BackwardKernel = void (*)(const void* formula, const BlockIn* in, BlockIn value, BlockIn g, void* const* grads,
                                std::int64_t n);
/// Returns Σf in double and writes scale·∂f/∂in[i] for every i with partials[i] set.
using ReduceKernel = double (*)(const void* formula, const BlockIn* in, void* const* partials, double scale,
                                std::int64_t n);
using PredicateKernel = void (*)(const void* formula, const BlockIn* in, bool* out, std::int64_t n);

/// Room for the value of a splat, once for each lane.
template <class V>
struct Expanded {
  alignas(64) typename V::value_type values[V::size];
};

/// Reads lanes of one input; a splat is expanded once and then read over and over. Two numbers and nothing else, so that
/// they stay in registers whatever is stored.
template <class V>
struct LaneReader {
  using T = typename V::value_type;
  const T* p;
  std::int64_t mask;  // of positions: 0 for a splat

  LaneReader(const BlockIn& in, Expanded<V>& room) : p(static_cast<const T*>(in.data)), mask(in.splat ? 0 : -1) {
    if (in.splat && !in.expanded) {
      V(*p).store(room.values);
      p = room.values;
    }
  }
  V full(std::int64_t i) const { return V::load(p + (i & mask)); }
  V first(std::int64_t i, int n) const { return mask ? V::load_n(p + i, n) : V::load(p); }
};

template <class F, int N, class V, class Load, std::size_t... Is>
inline V evaluate(const F& f, const LaneReader<V>* in, const Load& load, std::index_sequence<Is...>) {
  return V(f(load(in[Is])...));
}

/// The arguments as dual numbers; argument i is seeded when Mask has bit i, in the order of the bits. Arguments without a
/// seed stay plain lanes when the formula accepts mixed types.
template <unsigned Mask>
constexpr int direction_of(int i) {
  int k = 0;
  for (int j = 0; j < i; ++j) k += Mask >> j & 1;
  return k;
}
template <unsigned Mask>
constexpr int directions = __builtin_popcount(Mask);

template <unsigned Mask, int I, class V>
inline auto seeded(const V& x) {
  if constexpr (Mask >> I & 1)
    return Dual<V, directions<Mask>>::seed(x, direction_of<Mask>(I));
  else
    return x;
}

template <class F, unsigned Mask, class V, class Load, std::size_t... Is>
inline Dual<V, directions<Mask>> evaluate_dual(const F& f, const LaneReader<V>* in, const Load& load,
                                               std::index_sequence<Is...>) {
  using D = Dual<V, directions<Mask>>;
  if constexpr (std::is_invocable_v<const F&, decltype(seeded<Mask, static_cast<int>(Is)>(std::declval<V>()))...>)
    return D(f(seeded<Mask, static_cast<int>(Is)>(load(in[Is]))...));
  else
    return D(f(D(seeded<Mask, static_cast<int>(Is)>(load(in[Is])))...));
}

template <class F, int N, class T>
void value_kernel(const void* formula, const BlockIn* in, void* out, std::int64_t n) {
  simd::dispatch([&](auto isa) {
    using V = typename decltype(isa)::template Lanes<T>;
    const F f = *static_cast<const F*>(formula);
    [&]<std::size_t... Is>(std::index_sequence<Is...> is) {
      Expanded<V> room[N];
      const LaneReader<V> readers[N] = {LaneReader<V>(in[Is], room[Is])...};
      T* const to = static_cast<T*>(out);
      simd::each_vector<V>(
          n, [&](const auto& load, const auto& store, int) { store(to, evaluate<F, N, V>(f, readers, load, is)); });
    }(std::make_index_sequence<N>());
  });
}

/// Whether the derivatives of a formula select: 0 then means that nothing passes, not even an infinite or NaN gradient.
template <class F>
constexpr bool formula_selects() {
  return requires { F::selects; };
}

/// First-order kernel from the stated partials.
template <class F, int N, class T>
void stated_backward_kernel(const void* formula, const BlockIn* in, BlockIn value, BlockIn g, void* const* grads,
                            std::int64_t n) {
  simd::dispatch([&](auto isa) {
    using V = typename decltype(isa)::template Lanes<T>;
    const F f = *static_cast<const F*>(formula);
    [&]<std::size_t... Is>(std::index_sequence<Is...>) {
      Expanded<V> room[N];
      const LaneReader<V> readers[N] = {LaneReader<V>(in[Is], room[Is])...};
      Expanded<V> room_of_g, room_of_value;
      const LaneReader<V> upstream(g, room_of_g), saved(value, room_of_value);
      T* const to[N] = {static_cast<T*>(grads[Is])...};
      simd::each_vector<V>(n, [&](const auto& load, const auto& store, int) {
        const V up = load(upstream), y = load(saved);
        const V args[N] = {load(readers[Is])...};
        auto one = [&]<int I>(std::integral_constant<int, I>) {
          if constexpr (differentiable_mask<F, N>() >> I & 1)
            if (to[I]) {
              const V slope = V(call_partial<F, I>(f, args[Is]..., y));
              store(to[I], formula_selects<F>() ? scale_cotangent(slope, up) : scale_cotangent(up, slope));
            }
        };
        (one(std::integral_constant<int, static_cast<int>(Is)>()), ...);
      });
    }(std::make_index_sequence<N>());
  });
}

/// First-order kernel by dual numbers, for the arguments in Mask.
template <class F, int N, class T, unsigned Mask>
void dual_backward_kernel(const void* formula, const BlockIn* in, BlockIn g, void* const* grads, std::int64_t n) {
  simd::dispatch([&](auto isa) {
    using V = typename decltype(isa)::template Lanes<T>;
    const F f = *static_cast<const F*>(formula);
    [&]<std::size_t... Is>(std::index_sequence<Is...> is) {
      Expanded<V> room[N];
      const LaneReader<V> readers[N] = {LaneReader<V>(in[Is], room[Is])...};
      Expanded<V> room_of_g;
      const LaneReader<V> upstream(g, room_of_g);
      T* const to[N] = {static_cast<T*>(grads[Is])...};
      simd::each_vector<V>(n, [&](const auto& load, const auto& store, int) {
        const V up = load(upstream);
        const auto r = evaluate_dual<F, Mask, V>(f, readers, load, is);
        auto one = [&]<int I>(std::integral_constant<int, I>) {
          if constexpr (Mask >> I & 1)
            if (to[I]) store(to[I], scale_cotangent(up, r.d[direction_of<Mask>(I)]));
        };
        (one(std::integral_constant<int, static_cast<int>(Is)>()), ...);
      });
    }(std::make_index_sequence<N>());
  });
}

template <class F, int N, class T>
void backward_kernel(const void* formula, const BlockIn* in, BlockIn value, BlockIn g, void* const* grads,
                     std::int64_t n) {
  constexpr unsigned all = differentiable_mask<F, N>();
  if constexpr (states_partials<F, N>()) {
    stated_backward_kernel<F, N, T>(formula, in, value, g, grads, n);
  } else {
    // Losses mostly differentiate by the first argument alone: that case gets a kernel with one direction.
    bool only_first = true;
    for (int i = 1; i < N; ++i) only_first &= !grads[i];
    if constexpr (N > 1 && std::is_same_v<T, float> && (all & 1) && all != 1)
      if (only_first) return dual_backward_kernel<F, N, T, 1>(formula, in, g, grads, n);
    dual_backward_kernel<F, N, T, all>(formula, in, g, grads, n);
  }
}

/// One pass that sums the values and leaves the local gradient behind while the inputs are in registers.
template <class F, int N, class T, unsigned Mask>
double fused_kernel(const void* formula, const BlockIn* in, void* const* partials, double scale, std::int64_t n) {
  double total = 0;
  simd::dispatch([&](auto isa) {
    using V = typename decltype(isa)::template Lanes<T>;
    const F f = *static_cast<const F*>(formula);
    [&]<std::size_t... Is>([[maybe_unused]] std::index_sequence<Is...> is) {
      Expanded<V> room[N];
      const LaneReader<V> readers[N] = {LaneReader<V>(in[Is], room[Is])...};
      T* const to[N] = {static_cast<T*>(partials[Is])...};
      const V factor = V(scale);
      typename decltype(isa)::template WideSum<T> sum;
      simd::each_vector<V>(n, [&](const auto& load, [[maybe_unused]] const auto& store, int count) {
        if constexpr (Mask == 0) {
          sum.add_n(evaluate<F, N, V>(f, readers, load, is), count);
        } else if constexpr (states_partials<F, N>()) {
          const V args[N] = {load(readers[Is])...};
          const V y = V(f(args[Is]...));
          sum.add_n(y, count);
          auto one = [&]<int I>(std::integral_constant<int, I>) {
            if constexpr (Mask >> I & 1)
              if (to[I]) store(to[I], factor * V(call_partial<F, I>(f, args[Is]..., y)));
          };
          (one(std::integral_constant<int, static_cast<int>(Is)>()), ...);
        } else {
          const auto r = evaluate_dual<F, Mask, V>(f, readers, load, is);
          sum.add_n(r.x, count);
          auto one = [&]<int I>(std::integral_constant<int, I>) {
            if constexpr (Mask >> I & 1)
              if (to[I]) store(to[I], factor * r.d[direction_of<Mask>(I)]);
          };
          (one(std::integral_constant<int, static_cast<int>(Is)>()), ...);
        }
      });
      total = sum.total();
    }(std::make_index_sequence<N>());
  });
  return total;
}

template <class F, int N, class T>
double reduce_kernel(const void* formula, const BlockIn* in, void* const* partials, double scale, std::int64_t n) {
  constexpr unsigned all = differentiable_mask<F, N>();
  bool any = false, only_first = true;
  for (int i = 0; i < N; ++i) {
    any |= partials[i] != nullptr;
    only_first &= i == 0 || !partials[i];
  }
  if (!any) return fused_kernel<F, N, T, 0>(formula, in, partials, scale, n);
  if constexpr (N > 1 && std::is_same_v<T, float> && (all & 1) && all != 1)
    if (only_first) return fused_kernel<F, N, T, 1>(formula, in, partials, scale, n);
  return fused_kernel<F, N, T, all>(formula, in, partials, scale, n);
}

/// For comparisons: the formula returns a mask.
template <class F, int N, class T>
void predicate_kernel(const void* formula, const BlockIn* in, bool* out, std::int64_t n) {
  if constexpr (std::is_same_v<T, std::int64_t>) {
    const F& f = *static_cast<const F*>(formula);
    auto at = [&](int k, std::int64_t i) {
      return Int(static_cast<const std::int64_t*>(in[k].data)[in[k].splat ? 0 : i]);
    };
    for (std::int64_t i = 0; i < n; ++i) {
      if constexpr (N == 1)
        out[i] = f(at(0, i));
      else
        out[i] = f(at(0, i), at(1, i));
    }
  } else {
    simd::dispatch([&](auto isa) {
      using V = typename decltype(isa)::template Lanes<T>;
      const F f = *static_cast<const F*>(formula);
      [&]<std::size_t... Is>(std::index_sequence<Is...>) {
        Expanded<V> room[N];
        const LaneReader<V> readers[N] = {LaneReader<V>(in[Is], room[Is])...};
        simd::each_vector<V>(n, [&](const auto& load, const auto& store, int) { store(out, f(load(readers[Is])...)); });
      }(std::make_index_sequence<N>());
    });
  }
}

/// The formula on int64, for those that are exact there.
template <class F, int N>
void integer_kernel(const void* formula, const BlockIn* in, void* out, std::int64_t n) {
  const F& f = *static_cast<const F*>(formula);
  auto at = [&](int k, std::int64_t i) {
    return Int(static_cast<const std::int64_t*>(in[k].data)[in[k].splat ? 0 : i]);
  };
  auto* to = static_cast<std::int64_t*>(out);
  for (std::int64_t i = 0; i < n; ++i) {
    if constexpr (N == 1)
      to[i] = Int(f(at(0, i))).v;
    else if constexpr (N == 2)
      to[i] = Int(f(at(0, i), at(1, i))).v;
    else
      to[i] = Int(f(at(0, i), at(1, i), at(2, i))).v;
  }
}

}  // namespace slope::detail
