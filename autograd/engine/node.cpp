#include "slope/autograd/engine/node.h"

#include <algorithm>

#include "slope/autograd/core/internal/throw_alike.h"
#include "slope/autograd/core/pool.h"
#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/engine/internal/extras.h"
#include "slope/autograd/engine/op.h"

namespace slope {

namespace detail {

[[gnu::tls_model("initial-exec")]] thread_local constinit Node* current_node = nullptr;
[[gnu::tls_model("initial-exec")]] thread_local constinit std::uint64_t last_id = 0;

namespace {
[[gnu::tls_model("initial-exec")]] thread_local constinit Node* t_doomed = nullptr;
[[gnu::tls_model("initial-exec")]] thread_local constinit bool t_draining = false;
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

void set_producers(Node* node, std::span<const Tensor* const> results) {
  const Ref<Node> owner = Ref<Node>::adopt(node);
  if (results.size() > UINT16_MAX)
    throw ValueError(concat(node->name(), ": an operation has at most ", UINT16_MAX, " results, got ", results.size()),
                     node->where());
  node->assign_id();
  for (std::size_t i = 0; i < results.size(); ++i)
    if (results[i]) {
      node->refs.acquire();
      replace_producer(results[i]->impl(), node, static_cast<std::uint16_t>(i));
    }
}

void rethrow_at(const Error& e, SourceLoc loc) {
  if (!e.where().file) throw_alike(e, e.what(), loc);
  throw;
}

void throw_returned_input(std::string_view op, SourceLoc loc) {
  throw AutogradError(concat(op,
                             ": forward returned one of its inputs, which would lose its own history; return a copy "
                             "or an alias as a View"),
                      loc);
}
void throw_saved_result(std::string_view op, SourceLoc loc) {
  throw AutogradError(
      concat(
          op,
          ": forward saved its own result as a handle, which would keep the graph alive for good; use save_output()"),
      loc);
}
void throw_gradient_count(std::string_view op, std::size_t got, std::size_t want, SourceLoc loc) {
  throw AutogradError(concat(op, ": backward returned ", got, " gradients for ", want,
                             " inputs; return one per input, undefined for zero"),
                      loc);
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
  view.detached_view = false;  // forward made it, perhaps by another view, while nothing was recorded
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

SavedTensor SavedTensor::output(const Tensor& out, std::uint16_t nr) {
  SavedTensor s;
  const TensorImpl& impl = out.impl();
  s.value_ = Tensor(TensorImpl::alias(impl, impl.data, impl.sizes, impl.strides));
  s.version_ = out.version();
  s.output_nr_ = nr;
  s.is_output_ = true;
  return s;
}

namespace {

std::string saver() {
  const Node* node = detail::current_node;
  return node ? concat(node->name(), "Backward") : std::string("the operation");
}

SourceLoc saver_line() { return detail::current_node ? detail::current_node->where() : SourceLoc{}; }

}  // namespace

[[gnu::cold]] void detail::throw_freed() {
  throw AutogradError(
      concat("backward: the values that ", saver(),
             " had saved were freed by an earlier backward; pass retain_graph = true to that one to run another "
             "through the same graph"),
      saver_line());
}

namespace {

[[noreturn, gnu::cold]] void throw_modified(const Tensor& value, bool is_output, std::uint32_t output_nr,
                                            std::uint32_t now, std::uint32_t expected) {
  const TensorImpl& impl = value.impl();
  const std::string producer = is_output ? saver() : value.grad_fn();
  const std::string origin = producer.empty()
                                 ? std::string(", a leaf")
                                 : concat(", output ", is_output ? output_nr : impl.output_nr, " of ", producer);
  throw AutogradError(
      concat("backward: a value that ", saver(), " had saved was overwritten in place: the ", dtype_name(impl.dtype),
             " tensor of shape ", to_text(impl.sizes), origin, ", was at version ", expected, " and is at version ",
             now, "; change a clone() of it instead"),
      saver_line());
}

}  // namespace

const TensorImpl& SavedTensor::value() const {
  if (!value_.defined()) detail::throw_freed();
  const TensorImpl& impl = value_.impl();
  const std::uint32_t now = impl.storage->current_version();
  if (now != version_) throw_modified(value_, is_output_, output_nr_, now, version_);
  return impl;
}

Tensor SavedTensor::get() const {
  const TensorImpl& impl = value();
  if (!is_output_) return value_;
  Tensor t(TensorImpl::alias(impl, impl.data, impl.sizes, impl.strides));
  if (grad_enabled() && detail::current_node) {
    detail::acquire_node(detail::current_node);
    t.impl().producer = detail::current_node;
    t.impl().output_nr = output_nr_;
  }
  return t;
}

}  // namespace slope
