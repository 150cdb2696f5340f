#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "slope/autograd/core/function.h"
#include "slope/autograd/tensor/tensor.h"

namespace slope {

/// What a hook is: takes the gradient, returns a replacement or an undefined tensor.
using GradHook = Function<Tensor(const Tensor&)>;

/// The hooks of one tensor; for the library.
struct HookList {
  /// The hooks by number, and the next number.
  std::vector<std::pair<int, GradHook>> hooks;
  int next_id = 0;
};

/// Removes a hook; keeps working (and does nothing) after the tensor is gone.
struct HookHandle {
  /// Where the hook is, and its number; for the library.
  std::weak_ptr<HookList> list;
  int id = -1;
  /// Takes the hook away, if it is still there.
  void remove();
};

namespace detail {
HookHandle add_hook(const Tensor& t, GradHook hook, SourceLoc loc);
HookHandle add_post_accumulate_hook(const Tensor& t, GradHook hook, SourceLoc loc);
template <class F>
GradHook as_hook(F fn) {
  if constexpr (std::is_void_v<std::invoke_result_t<F&, const Tensor&>>)
    return [f = std::move(fn)](const Tensor& g) mutable {
      f(g);
      return Tensor();
    };
  else
    return GradHook(std::move(fn));
}
}  // namespace detail

// A hook that captures the tensor it is registered on keeps that tensor alive for good: capture a detached value.
template <class F>
HookHandle Tensor::register_hook(F fn, SourceLoc loc) const {
  return detail::add_hook(*this, detail::as_hook(std::move(fn)), loc);
}

template <class F>
HookHandle Tensor::register_post_accumulate_grad_hook(F fn, SourceLoc loc) const {
  return detail::add_post_accumulate_hook(*this, detail::as_hook(std::move(fn)), loc);
}

}  // namespace slope
