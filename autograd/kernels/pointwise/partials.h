#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include "slope/autograd/kernels/pointwise/formula.h"

/// The partial derivatives that a formula states, d0 to d5, and formulas inside formulas.
namespace slope::detail {

template <class F, int I, class... Args>
constexpr auto call_partial(const F& f, const Args&... args) {
  static_assert(I >= 0 && I < 6);
  if constexpr (I == 0)
    return f.d0(args...);
  else if constexpr (I == 1)
    return f.d1(args...);
  else if constexpr (I == 2)
    return f.d2(args...);
  else if constexpr (I == 3)
    return f.d3(args...);
  else if constexpr (I == 4)
    return f.d4(args...);
  else
    return f.d5(args...);
}

/// Bit i set: the formula has a derivative by argument i.
template <class F, int N>
constexpr unsigned differentiable_mask() {
  if constexpr (requires { F::differentiable; })
    return F::differentiable;
  else
    return (1u << N) - 1;
}

// What a formula names d0, d1, ..., whatever it takes: a name that two bases have is ambiguous in what derives from both.
struct PartialNames {
  int d0, d1, d2, d3, d4, d5;
};
template <class F>
struct WithPartialNames : F, PartialNames {};
template <class F>
constexpr unsigned named_partials() {
  if constexpr (!std::is_class_v<F> || std::is_final_v<F>) {
    return 0;
  } else {
    using Both = WithPartialNames<F>;
    unsigned named = 0;
    if constexpr (!requires { &Both::d0; }) named |= 1;
    if constexpr (!requires { &Both::d1; }) named |= 2;
    if constexpr (!requires { &Both::d2; }) named |= 4;
    if constexpr (!requires { &Both::d3; }) named |= 8;
    if constexpr (!requires { &Both::d4; }) named |= 16;
    if constexpr (!requires { &Both::d5; }) named |= 32;
    return named;
  }
}

// What can be called as a partial with these arguments.
template <class F, class... P>
constexpr unsigned callable_partials() {
  unsigned callable = 0;
  if constexpr (requires(const F& f, const P&... p) { f.d0(p...); }) callable |= 1;
  if constexpr (requires(const F& f, const P&... p) { f.d1(p...); }) callable |= 2;
  if constexpr (requires(const F& f, const P&... p) { f.d2(p...); }) callable |= 4;
  if constexpr (requires(const F& f, const P&... p) { f.d3(p...); }) callable |= 8;
  if constexpr (requires(const F& f, const P&... p) { f.d4(p...); }) callable |= 16;
  if constexpr (requires(const F& f, const P&... p) { f.d5(p...); }) callable |= 32;
  return callable;
}
template <std::size_t>
using ProbeAt = Probe;

/// Whether a formula of N arguments states its partials. One that states them in a form in which they would not be called
/// does not compile: else it would silently get other derivatives.
template <class F, int N>
constexpr bool states_partials() {
  return []<std::size_t... Is>(std::index_sequence<Is...>) {
    constexpr unsigned callable = callable_partials<F, ProbeAt<Is>..., Probe>();
    constexpr unsigned named = named_partials<F>() | callable, wanted = differentiable_mask<F, N>();
    if constexpr (named != 0) {
      static_assert(named >> N == 0, "a formula states a partial d0, d1, ... for an argument that it does not have");
      static_assert((named & wanted) == wanted,
                    "a formula states partials d0, d1, ... by all arguments that it is differentiable by, or by none");
      static_assert((callable & named) == named,
                    "a partial takes the arguments of the formula and, last, its value, all of one type: "
                    "template <class T> T d0(const T& a, const T& b, const T& value) const");
    }
    return named != 0;
  }(std::make_index_sequence<N>());
}

template <class T>
inline constexpr bool is_dual = false;
template <class V, int K>
inline constexpr bool is_dual<Dual<V, K>> = true;

// The one dual type among the arguments of a formula, or void.
template <class... A>
struct DualAmong {
  using Type = void;
};
template <class A, class... Rest>
struct DualAmong<A, Rest...> : DualAmong<Rest...> {};
template <class V, int K, class... Rest>
struct DualAmong<Dual<V, K>, Rest...> {
  using Type = Dual<V, K>;
};
template <class V, int K>
constexpr const V& value_of(const Dual<V, K>& a) {
  return a.x;
}
template <class A>
constexpr const A& value_of(const A& a) {
  return a;
}

template <class V, int K, class F, class... A, std::size_t... Is>
Dual<V, K> call_on_duals(const F& f, std::index_sequence<Is...>, const A&... a) {
  const V x[] = {V(value_of(a))...};
  const V y = f(x[Is]...);
  Dual<V, K> r(y);
  [[maybe_unused]] bool first = true;
  const auto add = [&]<int I, class Argument>(std::integral_constant<int, I>, const Argument& argument) {
    if constexpr (is_dual<Argument>) {
      const V slope = call_partial<F, I>(f, x[Is]..., y);
      for (int k = 0; k < K; ++k) {
        const V part = scale_cotangent(argument.d[k], slope);
        r.d[k] = first ? part : r.d[k] + part;
      }
      first = false;
    }
  };
  (add(std::integral_constant<int, static_cast<int>(Is)>(), a), ...);
  return r;
}

}  // namespace slope::detail

namespace slope::formula {

/// A formula inside another, with the derivative that it states:
///
///     template <class T>
///     T operator()(const T& x, const T& t) const {
///       return weight * formula::call(BinaryCrossEntropy{}, x, t);
///     }
///
/// Works on whatever formulas are read with: lanes, dual numbers, probes, tensors.
template <class F, class... A>
constexpr auto call(const F& f, const A&... a) {
  using D = typename slope::detail::DualAmong<A...>::Type;
  if constexpr ((std::is_base_of_v<Tensor, A> || ...)) {
    return call_on_tensors(f, a...);  // in ops/pointwise/pointwise.h
  } else if constexpr ((std::is_same_v<Probe, A> || ...)) {
    Probe p;
    ((p.mask |= Probe(a).mask), ...);
    return p;
  } else if constexpr (!std::is_void_v<D>) {
    if constexpr (slope::detail::states_partials<F, static_cast<int>(sizeof...(A))>())
      return slope::detail::call_on_duals<decltype(D::x), static_cast<int>(std::extent_v<decltype(D::d)>)>(
          f, std::index_sequence_for<A...>(), a...);
    else
      return f(a...);
  } else {
    return f(a...);
  }
}

}  // namespace slope::formula
