// The tensor's side of the graph: flags, gradients, hooks.
#include <memory>

#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/engine/internal/extras.h"
#include "slope/autograd/engine/node.h"

namespace slope {

namespace detail {

GradMeta& meta_of(TensorImpl& t) {
  if (!t.meta) t.meta = new GradMeta;
  return *t.meta;
}

Tensor run_hooks(const std::shared_ptr<HookList>& hooks, Tensor grad) {
  if (!hooks) return grad;
  const auto snapshot = hooks->hooks;  // a hook may remove itself
  for (const auto& [id, hook] : snapshot)
    if (Tensor replaced = hook(grad); replaced.defined()) {
      if (replaced.shape() != grad.shape())
        throw ShapeError(concat("backward: a hook returned a gradient of shape ", to_text(replaced.shape()),
                                ", expected ", to_text(grad.shape())));
      if (replaced.dtype() != grad.dtype())
        throw DTypeError(concat("backward: a hook returned a gradient of ", dtype_name(replaced.dtype()), ", expected ",
                                dtype_name(grad.dtype())));
      grad = std::move(replaced);
    }
  return grad;
}

namespace {
HookHandle append(std::shared_ptr<HookList>& list, GradHook hook) {
  if (!list) list = std::make_shared<HookList>();
  const int id = list->next_id++;
  list->hooks.emplace_back(id, std::move(hook));
  return {list, id};
}

NodeExtras::Output& node_output(TensorImpl& impl) { return impl.producer->make_extras().output(impl.output_nr); }
}  // namespace

HookHandle add_hook(const Tensor& t, GradHook hook, SourceLoc loc) {
  if (!t.requires_grad())
    throw AutogradError("register_hook: cannot register a hook on a tensor that doesn't require gradient", loc);
  TensorImpl& impl = t.impl();
  return append(impl.producer ? node_output(impl).hooks : meta_of(impl).hooks, std::move(hook));
}

HookHandle add_post_accumulate_hook(const Tensor& t, GradHook hook, SourceLoc loc) {
  if (!t.is_leaf() || !t.requires_grad())
    throw AutogradError("register_post_accumulate_grad_hook: only leaf tensors that require grad accumulate a gradient",
                        loc);
  return append(meta_of(t.impl()).after_accumulate, std::move(hook));
}

}  // namespace detail

void HookHandle::remove() {
  if (auto l = list.lock()) std::erase_if(l->hooks, [this](const auto& h) { return h.first == id; });
}

bool Tensor::is_leaf() const { return !requires_grad() || !impl().producer; }

TensorAlias Tensor::requires_grad_(bool on, SourceLoc loc) const {
  TensorImpl& t = impl();
  if (on && !is_floating(t.dtype))
    throw AutogradError(
        concat("requires_grad_: only Tensors of floating point dtype can require gradients, got ", dtype_name(t.dtype)),
        loc);
  if (requires_grad() && t.producer) {
    if (on) return *this;
    throw AutogradError(
        "requires_grad_: you can only change requires_grad flags of leaf variables. If you want to use a computed variable in "
        "a subgraph that doesn't require differentiation use var_no_grad = var.detach().",
        loc);
  }
  if (on) detail::meta_of(t);  // made here, where one thread sets things up, not in a backward that many may run
  t.leaf_requires_grad = on;
  return *this;
}

Tensor Tensor::grad() const {
  TensorImpl& t = impl();
  if (!t.meta) return {};
  std::lock_guard lock(t.meta->slot->mutex);
  return t.meta->slot->grad;
}

void Tensor::set_grad(const Tensor& g, SourceLoc loc) const {
  if (g.defined()) {
    if (g.shape() != shape())
      throw ShapeError(concat("set_grad: the gradient has shape ", to_text(g.shape()), " but the tensor has shape ",
                              to_text(shape())),
                       loc);
    if (g.dtype() != dtype())
      throw DTypeError(
          concat("set_grad: the gradient is ", dtype_name(g.dtype()), " but the tensor is ", dtype_name(dtype())), loc);
  }
  GradMeta& meta = detail::meta_of(impl());
  if (g.defined()) meta.gradient_given.store(detail::next_backward(), std::memory_order_relaxed);
  std::lock_guard lock(meta.slot->mutex);
  meta.slot->grad = g;
}

void Tensor::zero_grad(bool set_to_none) const {
  TensorImpl& t = impl();
  if (!t.meta) return;
  std::lock_guard lock(t.meta->slot->mutex);
  Tensor& g = t.meta->slot->grad;
  if (set_to_none || !g.defined()) {
    g = Tensor();
  } else {
    if (g.requires_grad()) g = g.detach();
    g.zero_();
  }
}

TensorAlias Tensor::retain_grad(SourceLoc loc) const {
  if (!requires_grad())
    throw AutogradError("retain_grad: can't retain_grad on a tensor that has requires_grad=False", loc);
  TensorImpl& t = impl();
  if (t.producer) {
    NodeExtras::Output& out = detail::node_output(t);
    // Another handle on the same output may already keep it; both then read one slot.
    if (!out.kept) out.kept = detail::meta_of(t).slot;
    detail::meta_of(t).slot = out.kept;
  }
  return *this;
}

std::string Tensor::grad_fn() const {
  return requires_grad() && impl().producer ? concat(impl().producer->name(), "Backward") : std::string();
}

Tensor Tensor::detach() const {
  const TensorImpl& t = impl();
  return Tensor(TensorImpl::alias(t, t.data, t.sizes, t.strides));
}

}  // namespace slope
