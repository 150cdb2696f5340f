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
  bool early = false;  // of on_gradient_complete()

  HookList() = default;
  HookList(const HookList&) = delete;
  HookList& operator=(const HookList&) = delete;
  ~HookList();
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
HookHandle add_complete_hook(const Tensor& t, GradHook hook, SourceLoc loc);
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

namespace autograd {

/// Calls `hook(leaf)` in every backward() that reaches `leaf`, as soon as its gradient is complete, while the rest of the
/// graph still waits: `leaf.grad()` then holds what this backward adds to it. For what goes on beside backward, such as
/// sending gradients to other processes, or updating a parameter and letting go of its gradient at once:
///
///     autograd::on_gradient_complete(w, [](const Tensor& p) {
///       NoGradGuard no_grad;
///       p.sub_(p.grad() * 0.1);
///       p.zero_grad();
///     });
///
/// - A gradient is complete when every operation recorded with `leaf` as an input that this backward can reach has run
///   or will not run. Leaves whose last such operation was recorded later are complete earlier; at the latest the hook
///   is called when the traversal ends, and not at all when no gradient arrived.
/// - It comes after the hooks of register_hook(), the accumulation into `.grad` and those of
///   register_post_accumulate_grad_hook(), once per backward however often `leaf` is used. Several run in order of
///   registration. Only create_graph lets it record.
/// - **The price**: a backward that throws after `leaf` was complete has changed its `.grad`. A leaf without such a
///   hook still keeps the promise of backward(): if anything throws, its `.grad` has not changed. An exception of the
///   hook passes through backward() and ends it.
/// - Several threads that run backward over one leaf each call the hook, perhaps at the same time.
/// - autograd::grad() touches no `.grad` and calls no such hook.
///
/// While any such hook exists in the process, backward() looks at the whole graph before it runs. Throws AutogradError
/// unless `leaf` is a leaf that requires grad.
template <class F>
HookHandle on_gradient_complete(const Tensor& leaf, F hook, SourceLoc loc = SourceLoc::here()) {
  return detail::add_complete_hook(leaf, detail::as_hook(std::move(hook)), loc);
}

}  // namespace autograd

}  // namespace slope
