#pragma once

#include <iterator>
#include <string>
#include <type_traits>
#include <utility>

#include "slope/autograd/kernels/pointwise/pointwise_kernels.h"
#include "slope/autograd/ops/pointwise/activation.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/reduce/reduction.h"
#include "slope/autograd/tensor/tensor.h"

/// One formula, three readings. A formula written once for any type `T` becomes
///  - with T = SIMD lanes, the forward kernel;
///  - with T = dual numbers over lanes, the kernel that gives value and derivatives in one pass;
///  - with T = Tensor, the composed graph: what create_graph differentiates again, and the reference in tests.
namespace slope {

namespace detail {

inline constexpr unsigned mentions_value = 1u << 7;

/// All that the type-erased driver (pointwise.cpp) needs to know about a formula.
struct FormulaInfo {
  std::string_view name;
  int arity = 1;
  std::size_t bytes = 0;  ///< of the formula
  unsigned differentiable = 1;
  /// Names of the arguments for messages, when the formula has them as `arguments`.
  const char* const* arguments = nullptr;
  /// Per partial: the arguments (and the value, bit 7) that it mentions.
  unsigned mentions[max_arity] = {};
  /// Per partial: true when it is the same number everywhere.
  bool constant[max_arity] = {};
  bool selects = false;  ///< see formula_selects
  double constant_value[max_arity] = {};
  /// Bit i: partial i is 1 everywhere, so that the gradient passes as it is.
  unsigned passes = 0;
  std::int64_t grain = grain_math;
  ValueKernel value[2] = {};  // float32, float64
  BackwardKernel backward[2] = {};
  ReduceKernel reduce[2] = {};    // only for formulas that are reduced
  ValueKernel integer = nullptr;  // only for formulas that are exact on int64
  Tensor (*compose)(const void* formula, const Tensor* args) = nullptr;
  Tensor (*partial)(const void* formula, int i, const Tensor* args, const Tensor& value) = nullptr;
};

template <class F>
constexpr std::string_view formula_name() {
  if constexpr (requires { F::name; })
    return F::name;
  else
    return "Pointwise";
}

template <class F, int N, bool Reduced>
FormulaInfo make_formula_info() {
  static_assert(N <= max_arity, "a formula takes at most six arguments");
  static_assert(std::is_trivially_copyable_v<F>, "a formula captures numbers only; pass tensors as arguments");
  FormulaInfo info;
  info.name = formula_name<F>();
  info.arity = N;
  info.bytes = sizeof(F);
  info.differentiable = differentiable_mask<F, N>();
  if constexpr (requires { F::arguments; }) {
    static_assert(std::size(F::arguments) == N);
    info.arguments = F::arguments;
  }
  info.selects = formula_selects<F>();
  if constexpr (requires { F::grain; }) info.grain = F::grain;
  info.value[0] = &value_kernel<F, N, float>;
  info.value[1] = &value_kernel<F, N, double>;
  info.backward[0] = &backward_kernel<F, N, float>;
  info.backward[1] = &backward_kernel<F, N, double>;
  if constexpr (Reduced) {
    info.reduce[0] = &reduce_kernel<F, N, float>;
    info.reduce[1] = &reduce_kernel<F, N, double>;
  }
  if constexpr (requires { F::integral; }) info.integer = &integer_kernel<F, N>;
  [&]<std::size_t... Is>(std::index_sequence<Is...>) {
    if constexpr (states_partials<F, N>()) {
      // The derivatives are asked once what they mention: only that is saved.
      auto ask = [&]<int I>(const F& f, std::integral_constant<int, I>) {
        if constexpr (differentiable_mask<F, N>() >> I & 1) {
          const Probe p = call_partial<F, I>(f, Probe::argument(Is)..., Probe::argument(7));
          info.mentions[I] = p.mask;
          info.constant[I] = p.is_constant && std::is_empty_v<F>;
          info.constant_value[I] = p.constant;
          if (info.constant[I] && p.constant == 1) info.passes |= 1u << I;
        }
      };
      const F f{};
      (ask(f, std::integral_constant<int, static_cast<int>(Is)>()), ...);
      info.partial = [](const void* formula, int i, const Tensor* args, const Tensor& value) {
        const F& g = *static_cast<const F*>(formula);
        Tensor result;
        auto one = [&]<int I>(std::integral_constant<int, I>) {
          if constexpr (differentiable_mask<F, N>() >> I & 1)
            if (i == I) result = call_partial<F, I>(g, args[Is]..., value);
        };
        (one(std::integral_constant<int, static_cast<int>(Is)>()), ...);
        return result;
      };
    } else {
      for (int i = 0; i < N; ++i) info.mentions[i] = (1u << N) - 1;
      info.compose = [](const void* formula, const Tensor* args) {
        return Tensor((*static_cast<const F*>(formula))(args[Is]...));
      };
    }
  }(std::make_index_sequence<N>());
  return info;
}

template <class F, int N, bool Reduced = false>
const FormulaInfo& formula_info() {
  static const FormulaInfo info = make_formula_info<F, N, Reduced>();
  return info;
}

/// The arguments of one call, where they are. An argument that is no operand becomes one for as long as the call lasts:
/// `Operands<2>{{&operand(x), &operand(2.0)}}`.
template <int N>
struct Operands {
  const Operand* at[N];
  const Operand& operator[](int i) const { return *at[i]; }
};
inline const Operand& operand(const Operand& o) { return o; }

/// Broadcasts, promotes, runs the kernel and records the node.
template <int N>
Tensor run_pointwise(const FormulaInfo& info, const void* formula, const Operands<N>& args);
/// Mean or sum over all elements in the same pass that computes the values and, when wanted, the gradient.
template <int N>
Tensor run_reduced(const FormulaInfo& info, const void* formula, const Operands<N>& args, Reduction reduction);
/// Writes into existing memory, recording nothing. `out` has the broadcast shape.
template <int N>
void run_pointwise_into(const FormulaInfo& info, const void* formula, const Operands<N>& args, const Tensor& out);

/// `pointwise_op(formula::Exp{}, x)`.
template <class F, class... Args>
Tensor pointwise_op(const F& f, const Args&... args) {
  constexpr int N = sizeof...(Args);
  return run_pointwise<N>(formula_info<F, N>(), &f, {{&operand(args)...}});
}

/// The elementwise value, its mean or its sum.
template <class F, class... Args>
Tensor pointwise_loss(const F& f, Reduction reduction, const Args&... args) {
  constexpr int N = sizeof...(Args);
  const FormulaInfo& info = formula_info<F, N, true>();
  if (reduction == Reduction::none) return run_pointwise<N>(info, &f, {{&operand(args)...}});
  return run_reduced<N>(info, &f, {{&operand(args)...}}, reduction);
}

}  // namespace detail

/// formula::call of tensors.
template <class F, class... Args>
Tensor call_on_tensors(const F& f, const Args&... args) {
  return detail::pointwise_op(f, Operand(args)...);
}

/// A fused, vectorized, differentiable operation made of one generic function.
///
///     auto focal = slope::pointwise([](auto p, auto y) {
///       auto p_t = y * p + (1 - y) * (1 - p);
///       return -(y * 0.75 + (1 - y) * 0.25) * pow(1 - p_t, 2.0) * log(p_t);
///     });
///     Tensor loss = focal.mean(y_pred, y_true);      // or focal(y_pred, y_true) per element, focal.sum(...)
///
/// The function is called with SIMD lanes, with dual numbers, and with tensors, so it calls functions without `std::`:
/// arithmetic, comparisons, `where(c, a, b)`, and the functions listed in autograd/kernels/simd/lanes.h. It may capture
/// numbers (anything trivially copyable), takes one to six tensors or numbers of broadcastable shapes, and is
/// differentiable by each to any order. Kinks follow those functions (abs'(0) = 0, ties of maximum share equally).
///
/// A struct with `template <class T> T operator()(const T&...) const` may state its derivatives itself, as d0, d1, ...:
/// those the user wants where they are not the plain ones (see kernels/pointwise/formula.h).
template <class F>
class Pointwise {
 public:
  explicit Pointwise(F f) : f_(std::move(f)) {}
  // Not templates: an argument that converts to Operand brings the line of the call along.
  Tensor operator()(const Operand& a) const { return call(Reduction::none, a); }
  Tensor operator()(const Operand& a, const Operand& b) const { return call(Reduction::none, a, b); }
  Tensor operator()(const Operand& a, const Operand& b, const Operand& c) const {
    return call(Reduction::none, a, b, c);
  }
  Tensor operator()(const Operand& a, const Operand& b, const Operand& c, const Operand& d) const {
    return call(Reduction::none, a, b, c, d);
  }
  Tensor operator()(const Operand& a, const Operand& b, const Operand& c, const Operand& d, const Operand& e) const {
    return call(Reduction::none, a, b, c, d, e);
  }
  Tensor operator()(const Operand& a, const Operand& b, const Operand& c, const Operand& d, const Operand& e,
                    const Operand& f) const {
    return call(Reduction::none, a, b, c, d, e, f);
  }
  /// The mean over all elements, computed in the same pass.
  Tensor mean(const Operand& a) const { return call(Reduction::mean, a); }
  Tensor mean(const Operand& a, const Operand& b) const { return call(Reduction::mean, a, b); }
  Tensor mean(const Operand& a, const Operand& b, const Operand& c) const { return call(Reduction::mean, a, b, c); }
  Tensor mean(const Operand& a, const Operand& b, const Operand& c, const Operand& d) const {
    return call(Reduction::mean, a, b, c, d);
  }
  Tensor mean(const Operand& a, const Operand& b, const Operand& c, const Operand& d, const Operand& e) const {
    return call(Reduction::mean, a, b, c, d, e);
  }
  Tensor mean(const Operand& a, const Operand& b, const Operand& c, const Operand& d, const Operand& e,
              const Operand& f) const {
    return call(Reduction::mean, a, b, c, d, e, f);
  }
  /// The sum over all elements, computed in the same pass.
  Tensor sum(const Operand& a) const { return call(Reduction::sum, a); }
  Tensor sum(const Operand& a, const Operand& b) const { return call(Reduction::sum, a, b); }
  Tensor sum(const Operand& a, const Operand& b, const Operand& c) const { return call(Reduction::sum, a, b, c); }
  Tensor sum(const Operand& a, const Operand& b, const Operand& c, const Operand& d) const {
    return call(Reduction::sum, a, b, c, d);
  }
  Tensor sum(const Operand& a, const Operand& b, const Operand& c, const Operand& d, const Operand& e) const {
    return call(Reduction::sum, a, b, c, d, e);
  }
  Tensor sum(const Operand& a, const Operand& b, const Operand& c, const Operand& d, const Operand& e,
             const Operand& f) const {
    return call(Reduction::sum, a, b, c, d, e, f);
  }
  /// The lambda.
  const F& formula() const { return f_; }

 private:
  template <class... Ops>
  Tensor call(Reduction r, const Ops&... ops) const {
    return detail::pointwise_loss(f_, r, ops...);
  }
  F f_;
};

/// Makes one operation of a lambda.
template <class F>
Pointwise<F> pointwise(F f) {
  return Pointwise<F>(std::move(f));
}

}  // namespace slope
