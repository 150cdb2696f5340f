#include "slope/autograd/engine/node.h"

#include <algorithm>

#include "slope/autograd/core/pool.h"
#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/engine/internal/extras.h"
#include "slope/autograd/engine/op.h"

namespace slope {

namespace detail {

thread_local constinit Node* current_node = nullptr;
thread_local constinit std::uint64_t last_id = 0;

namespace {
thread_local constinit Node* t_doomed = nullptr;
thread_local constinit bool t_draining = false;
}  // namespace

void* allocate_node(std::size_t bytes) { return memory::allocate(bytes); }

void acquire_node(Node* n) { n->refs.acquire(); }

// Freeing one node may free others through its edges and through what it saved. They queue up here instead of
// recursing, so a graph of any depth is freed with constant stack.
void doom_node(Node* n) {
  n->next_doomed_ = t_doomed;
  t_doomed = n;
  if (t_draining) return;
  t_draining = true;
  while (Node* d = t_doomed) {
    t_doomed = d->next_doomed_;
    const std::uint32_t bytes = d->bytes_;
    d->~Node();
    memory::deallocate(d, bytes);
  }
  t_draining = false;
}

void release_node(Node* n) {
  if (n->refs.release()) doom_node(n);
}

void destroy_meta(GradMeta* m) { delete m; }

void set_producer(const Tensor& out, Node* node) {
  node->assign_id();
  replace_producer(out.impl(), node, 0);
}

void replace_producer(TensorImpl& t, Node* node, std::uint16_t output_nr) {
  if (Node* old = t.producer) {
    if (t.meta && old->extras && t.output_nr < old->extras->outputs.size()) {
      auto& kept = old->extras->outputs[t.output_nr].kept;
      if (kept == t.meta->slot) {
        if (node) {
          node->make_extras().output(output_nr).kept = kept;
        }
        kept = nullptr;
      }
    }
    release_node(old);
  }
  t.producer = node;
  t.output_nr = output_nr;
  if (node) t.leaf_requires_grad = false;
}

void mark_view(const Tensor& out, const Tensor& of) {
  TensorImpl& view = out.impl();
  TensorImpl& source = of.impl();
  if (&view == &source || view.storage != source.storage) return;
  if (!grad_enabled()) {
    view.detached_view = of.requires_grad();
    return;
  }
  if (source.detached_view) {
    view.detached_view = true;
    return;
  }
  // A leaf that requires grad starts a history of its own, whatever memory it is a view of.
  TensorImpl* root = source.base && !source.leaf_requires_grad ? source.base : &source;
  root->refs.acquire();
  view.base = root;
  view.view_version = view.storage->current_version();
}

}  // namespace detail

void Node::destroy(Node* n) { detail::doom_node(n); }

NodeExtras& Node::make_extras() {
  if (!extras) extras.reset(new NodeExtras);
  return *extras;
}

void detail::DeleteExtras::operator()(NodeExtras* e) const { delete e; }

void Edge::reset() {
  if (TensorImpl* l = leaf()) {
    if (l->refs.release()) TensorImpl::destroy(l);
  } else {
    detail::release_node(node());
  }
  target_ = 0;
}

SavedTensor SavedTensor::output(const Tensor& out) {
  SavedTensor s;
  const TensorImpl& impl = out.impl();
  s.value_ = Tensor(TensorImpl::alias(impl, impl.data, impl.sizes, impl.strides));
  s.version_ = out.version();
  s.is_output_ = true;
  return s;
}

namespace {

std::string saver() {
  const Node* node = detail::current_node;
  return node ? concat(node->name(), "Backward") : std::string("the operation");
}

SourceLoc saver_line() { return detail::current_node ? detail::current_node->where() : SourceLoc{}; }

[[noreturn, gnu::cold]] void throw_freed() {
  throw AutogradError(
      concat("backward: Trying to backward through the graph a second time (or directly access saved tensors after "
             "they have "
             "already been freed). Saved intermediate values of the graph are freed when you call .backward() or "
             "autograd::grad(). Specify retain_graph=True if you need to backward through the graph a second time; the "
             "freed "
             "values were saved by ",
             saver()),
      saver_line());
}

[[noreturn, gnu::cold]] void throw_modified(const Tensor& value, bool is_output, std::uint32_t now,
                                            std::uint32_t expected) {
  const TensorImpl& impl = value.impl();
  const std::string producer = is_output ? saver() : value.grad_fn().empty() ? std::string("a leaf") : value.grad_fn();
  throw AutogradError(
      concat(
          "backward: one of the variables needed for gradient computation has been modified by an inplace operation: [",
          type_word(impl.dtype), " ", to_text(impl.sizes), "], which is output ", is_output ? 0 : impl.output_nr,
          " of ", producer, ", is at version ", now, "; expected version ", expected, " instead. It was saved by ",
          saver(), "; change a clone() instead"),
      saver_line());
}

}  // namespace

const TensorImpl& SavedTensor::value() const {
  if (!value_.defined()) throw_freed();
  const TensorImpl& impl = value_.impl();
  const std::uint32_t now = impl.storage->current_version();
  if (now != version_) throw_modified(value_, is_output_, now, version_);
  return impl;
}

Tensor SavedTensor::get() const {
  const TensorImpl& impl = value();
  if (!is_output_) return value_;
  Tensor t(TensorImpl::alias(impl, impl.data, impl.sizes, impl.strides));
  if (grad_enabled() && detail::current_node) {
    detail::acquire_node(detail::current_node);
    t.impl().producer = detail::current_node;
  }
  return t;
}

}  // namespace slope
