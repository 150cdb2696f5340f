#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "slope/autograd/core/call_path.h"
#include "slope/autograd/core/ref.h"
#include "slope/autograd/tensor/tensor.h"

namespace slope {

struct NodeExtras;
class SavedTensor;

namespace detail {
void doom_node(Node* n);
/// The largest number that this thread has given to a node.
[[gnu::tls_model("initial-exec")]] extern thread_local constinit std::uint64_t last_id;
struct DeleteExtras {
  void operator()(NodeExtras* e) const;
};
}  // namespace detail

/// Where the gradient of an operation's input goes: to the node that produced the input, to a leaf, or nowhere.
class Edge {
 public:
  Edge() = default;
  Edge(const Edge& o) : target_(o.target_), output_nr_(o.output_nr_) { share(); }
  Edge(Edge&& o) noexcept : target_(o.target_), output_nr_(o.output_nr_) { o.target_ = 0; }
  Edge& operator=(Edge o) noexcept {
    std::swap(target_, o.target_);
    std::swap(output_nr_, o.output_nr_);
    return *this;
  }
  ~Edge() {
    if (target_) reset();
  }
  /// The edge to whatever made `t`; empty when t needs no gradient.
  static Edge to(const Tensor& t);

  explicit operator bool() const { return target_ != 0; }
  Node* node() const { return target_ & 1 ? nullptr : reinterpret_cast<Node*>(target_); }
  TensorImpl* leaf() const {
    return target_ & 1 ? reinterpret_cast<TensorImpl*>(target_ & ~std::uintptr_t{1}) : nullptr;
  }
  std::uint16_t output_nr() const { return output_nr_; }
  friend bool operator==(const Edge& a, const Edge& b) {
    return a.target_ == b.target_ && a.output_nr_ == b.output_nr_;
  }

 private:
  // Takes over a reference.
  Edge(std::uintptr_t target, std::uint16_t output_nr) : target_(target), output_nr_(output_nr) {}
  void share();
  void reset();
  std::uintptr_t target_ = 0;  // low bit set: a leaf
  std::uint16_t output_nr_ = 0;
};

/// One recorded operation: it owns edges to the producers of its inputs and knows how to turn the gradients of its
/// outputs into gradients of its inputs. Reached only through tensors and other nodes; counts its own references.
class Node {
 public:
  /// `bytes` is the size of the whole allocation, `edges` lies inside it or is owned by the derived node.
  Node(std::span<Edge> edges, std::uint32_t bytes, SourceLoc where)
      : edges_(edges.data()),
        bytes_(bytes),
        edge_count_(static_cast<std::uint32_t>(edges.size())),
        where_(where.in_library() ? user_line(where) : where),
        path_(detail::call_path) {}
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// "Mul": the operation's name; PyTorch's name of the node is this with "Backward" behind it.
  virtual std::string_view name() const = 0;
  /// Fills `grad_inputs` (one per edge; undefined means zero) from `grad_outputs` (undefined entries mean zero, not all
  /// are).
  virtual void backward(std::span<Tensor> grad_outputs, std::span<Tensor> grad_inputs) = 0;
  /// Drops what was saved for backward; a later backward through this node then throws, unless nothing had been saved.
  virtual void release_saved() {}
  virtual int outputs() const { return 1; }
  /// Appends the values kept for backward, as far as the node can tell. For explain().
  virtual void collect_saved(std::vector<SavedTensor>&) const {}
  /// The shape of input `i`, or null where the node does not know it. For explain().
  virtual const Shape* input_shape_of(std::size_t) const { return nullptr; }

  std::span<Edge> edges() { return {edges_, edge_count_}; }
  std::span<const Edge> edges() const { return {edges_, edge_count_}; }
  std::uint64_t id() const { return id_; }
  /// The user's line that recorded it; of an operation that a backward recorded, that of the operation it differentiates.
  SourceLoc where() const { return where_; }
  /// The module whose forward recorded it.
  detail::CallPath path() const { return path_; }
  /// Call when the edges are set: takes a number larger than those of all producers.
  void assign_id() { assign_id(edges()); }

  RefCount refs;
  static void destroy(Node* n);

  // State of a running backward.
  std::atomic<const void*> run{nullptr};
  Tensor grad;
  std::unique_ptr<NodeExtras, detail::DeleteExtras> extras;
  /// Made when first asked for.
  NodeExtras& make_extras();

 protected:
  virtual ~Node() = default;

  /// The same, where the compiler knows how many edges there are.
  void assign_id(std::span<const Edge> edges);

 private:
  friend void detail::doom_node(Node*);
  Edge* edges_;
  std::uint64_t id_ = 0;
  Node* next_doomed_ = nullptr;
  std::uint32_t bytes_;
  std::uint32_t edge_count_;
  SourceLoc where_;
  detail::CallPath path_;
};

// Consumers get larger numbers than producers, on one thread and, through the maximum over the edges, across threads.
inline void Node::assign_id(std::span<const Edge> edges) {
  std::uint64_t last = detail::last_id;
  for (const Edge& e : edges)
    if (const Node* n = e.node(); n && n->id() > last) last = n->id();
  id_ = detail::last_id = last + 1;
}

inline void Edge::share() {
  if (Node* n = node())
    n->refs.acquire();
  else if (TensorImpl* l = leaf())
    l->refs.acquire();
}

[[gnu::always_inline]] inline Edge Edge::to(const Tensor& t) {
  if (!t.defined()) return {};
  TensorImpl& impl = t.impl();
  if (detail::view_is_stale(impl)) [[unlikely]]
    detail::refresh_view(impl);
  if (impl.producer) {
    impl.producer->refs.acquire();
    return {reinterpret_cast<std::uintptr_t>(impl.producer), impl.output_nr};
  }
  if (!impl.leaf_requires_grad) return {};
  impl.refs.acquire();
  return {reinterpret_cast<std::uintptr_t>(&impl) | 1, 0};
}

namespace detail {
/// The node whose backward runs on this thread now.
[[gnu::tls_model("initial-exec")]] extern thread_local constinit Node* current_node;
void* allocate_node(std::size_t bytes);
}  // namespace detail

/// Inside a backward: does input `i` of the running node want a gradient?
inline bool needs_grad(int i) { return static_cast<bool>(detail::current_node->edges()[static_cast<std::size_t>(i)]); }

/// A value kept for backward. Remembers the version of its storage, and throws when the value was overwritten since, or
/// when it was already freed. An operation that saves its own output keeps the data, never the graph handle.
class SavedTensor {
 public:
  SavedTensor() = default;
  /// Saves an input.
  explicit SavedTensor(const Tensor& input) : value_(input) {
    if (value_.defined()) version_ = value_.version();
  }
  /// Saves output `nr` of the operation that is being recorded.
  static SavedTensor output(const Tensor& out, std::uint16_t nr = 0);

  explicit operator bool() const { return value_.defined(); }
  void reset() { value_.ref().reset(); }
  /// The value, attached to its graph so that backward itself can be differentiated.
  Tensor get() const;
  /// The value with the same checks, but without its graph: to compute with while nothing is recorded.
  const TensorImpl& value() const;
  const Shape& shape() const { return value_.shape(); }
  /// The value as it is in memory now, without any check: to look at, not to compute with.
  const Tensor& peek() const { return value_; }
  bool is_output() const { return is_output_; }
  std::uint16_t output_nr() const { return output_nr_; }

 private:
  Tensor value_;
  std::uint32_t version_ = 0;
  std::uint16_t output_nr_ = 0;
  bool is_output_ = false;
};

inline SavedTensor save(const Tensor& input) { return SavedTensor(input); }
inline SavedTensor save_output(const Tensor& out, std::uint16_t nr = 0) { return SavedTensor::output(out, nr); }

}  // namespace slope
