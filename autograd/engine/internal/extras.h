#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "slope/autograd/engine/hooks.h"
#include "slope/autograd/engine/internal/parameter.h"
#include "slope/autograd/tensor/tensor.h"

namespace slope {

/// Holds a gradient that a tensor and the node that produced it can both reach without keeping each other alive.
struct GradSlot {
  std::mutex mutex;
  Tensor grad;
};

/// What few tensors need: the gradient, hooks of leaves, and the slot of a non-leaf that keeps its gradient.
struct GradMeta {
  std::shared_ptr<GradSlot> slot = std::make_shared<GradSlot>();
  std::shared_ptr<HookList> hooks;
  std::shared_ptr<HookList> after_accumulate;
  std::shared_ptr<HookList> complete;
  std::shared_ptr<detail::ParameterInfo> parameter;  // set for parameters of modules
  std::atomic<std::uint64_t> last_backward{0};       // the traversal that accumulated last
  std::atomic<std::uint64_t> gradient_given{0};      // when set_grad gave one, counted as traversals are
};

/// What few nodes need: hooks and kept gradients of their outputs, and gradients of outputs beyond the first.
struct NodeExtras {
  struct Output {
    std::shared_ptr<HookList> hooks;
    std::shared_ptr<GradSlot> kept;
    Tensor grad;
  };
  std::vector<Output> outputs;
  Output& output(std::size_t i) {
    if (outputs.size() <= i) outputs.resize(i + 1);
    return outputs[i];
  }
};

namespace detail {
GradMeta& meta_of(TensorImpl& t);
/// A number for one traversal that is about to accumulate into leaves.
std::uint64_t next_backward();
/// Notes that traversal `backward` reached this leaf.
void note_leaf(GradMeta& meta, std::uint64_t backward);
/// Whether it has been said that create_graph lets a leaf's gradient refer to the leaf.
extern std::atomic<bool> cycle_mentioned;
/// Whether any hook of on_gradient_complete() exists in the process; costs a load.
bool any_complete_hooks();
/// Runs the hooks in order of registration and returns the gradient they leave.
Tensor run_hooks(const std::shared_ptr<HookList>& hooks, Tensor grad);
}  // namespace detail

}  // namespace slope
