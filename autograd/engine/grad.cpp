// The tensor's side of the graph: flags, gradients, hooks.
#include <atomic>
#include <memory>

#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/engine/internal/extras.h"
#include "slope/autograd/engine/node.h"

namespace slope {

namespace {
std::atomic<std::int64_t> g_complete_hooks{0};
}  // namespace

HookList::~HookList() {
  if (early) g_complete_hooks -= static_cast<std::int64_t>(hooks.size());
}

namespace detail {

bool any_complete_hooks() { return g_complete_hooks.load(std::memory_order_relaxed) > 0; }

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

namespace {
void require_callable(const char* op, const GradHook& hook, SourceLoc loc) {
  if (!hook) throw ValueError(concat(op, ": the hook is an empty function"), loc);
}
}  // namespace

HookHandle add_hook(const Tensor& t, GradHook hook, SourceLoc loc) {
  require_callable("register_hook", hook, loc);
  if (!t.requires_grad(loc))
    throw AutogradError("register_hook: the tensor does not require grad, so no gradient will pass", loc);
  TensorImpl& impl = t.impl();
  return append(impl.producer ? node_output(impl).hooks : meta_of(impl).hooks, std::move(hook));
}

HookHandle add_post_accumulate_hook(const Tensor& t, GradHook hook, SourceLoc loc) {
  require_callable("register_post_accumulate_grad_hook", hook, loc);
  if (!t.is_leaf(loc) || !t.requires_grad())
    throw AutogradError("register_post_accumulate_grad_hook: only leaf tensors that require grad accumulate a gradient",
                        loc);
  return append(meta_of(t.impl()).after_accumulate, std::move(hook));
}

HookHandle add_complete_hook(const Tensor& t, GradHook hook, SourceLoc loc) {
  require_callable("on_gradient_complete", hook, loc);
  if (!t.defined() || !t.is_leaf() || !t.requires_grad())
    throw AutogradError("on_gradient_complete: only leaf tensors that require grad have a gradient to complete", loc);
  auto& list = meta_of(t.impl()).complete;
  HookHandle handle = append(list, std::move(hook));
  list->early = true;
  ++g_complete_hooks;
  return handle;
}

}  // namespace detail

void HookHandle::remove() {
  const auto l = list.lock();
  if (!l) return;
  const auto removed = std::erase_if(l->hooks, [this](const auto& h) { return h.first == id; });
  if (l->early) g_complete_hooks -= static_cast<std::int64_t>(removed);
}

bool Tensor::is_leaf(SourceLoc loc) const { return !requires_grad(loc) || !impl().producer; }

TensorAlias Tensor::requires_grad_(bool on, SourceLoc loc) const {
  TensorImpl& t = impl(loc);
  if (on && !is_floating(t.dtype))
    throw AutogradError(
        concat("requires_grad_: only floating point tensors can require grad, got ", dtype_name(t.dtype)), loc);
  if (requires_grad() && t.producer) {
    if (on) return *this;
    throw AutogradError(
        "requires_grad_: the tensor was computed from others that require grad, and only leaves can stop requiring it; "
        "use detach() for a tensor without history",
        loc);
  }
  if (on) detail::meta_of(t);  // made here, where one thread sets things up, not in a backward that many may run
  t.leaf_requires_grad = on;
  return *this;
}

Tensor Tensor::grad(SourceLoc loc) const {
  TensorImpl& t = impl(loc);
  if (!t.meta) return {};
  std::lock_guard lock(t.meta->slot->mutex);
  return t.meta->slot->grad;
}

void Tensor::set_grad(const Tensor& g, SourceLoc loc) const {
  TensorImpl& t = impl(loc);
  if (g.defined()) {
    if (g.shape() != shape())
      throw ShapeError(concat("set_grad: the gradient has shape ", to_text(g.shape()), " but the tensor has shape ",
                              to_text(shape())),
                       loc);
    if (g.dtype() != dtype())
      throw DTypeError(
          concat("set_grad: the gradient is ", dtype_name(g.dtype()), " but the tensor is ", dtype_name(dtype())), loc);
  }
  GradMeta& meta = detail::meta_of(t);
  if (g.defined()) meta.gradient_given.store(detail::next_backward(), std::memory_order_relaxed);
  std::lock_guard lock(meta.slot->mutex);
  meta.slot->grad = g;
}

void Tensor::zero_grad(bool set_to_none, SourceLoc loc) const {
  TensorImpl& t = impl(loc);
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
  if (!requires_grad(loc))
    throw AutogradError("retain_grad: the tensor does not require grad, so there is no gradient to keep", loc);
  TensorImpl& t = impl();
  if (t.producer) {
    NodeExtras::Output& out = detail::node_output(t);
    // Another handle on the same output may already keep it; both then read one slot.
    if (!out.kept) out.kept = detail::meta_of(t).slot;
    detail::meta_of(t).slot = out.kept;
  }
  return *this;
}

std::string Tensor::grad_fn(SourceLoc loc) const {
  return requires_grad(loc) && impl().producer ? concat(impl().producer->name(), "Backward") : std::string();
}

Tensor Tensor::detach(SourceLoc loc) const {
  const TensorImpl& t = impl(loc);
  return Tensor(TensorImpl::alias(t, t.data, t.sizes, t.strides));
}

}  // namespace slope
