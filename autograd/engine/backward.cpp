#include "slope/autograd/engine/backward.h"

#include <algorithm>
#include <atomic>
#include <iostream>
#include <memory>
#include <unordered_map>
#include <unordered_set>

#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/engine/internal/extras.h"
#include "slope/autograd/engine/node.h"
#include "slope/autograd/kernels/loops/iterate.h"

namespace slope {

namespace {

// Backwards that run on this thread, each started by a hook or an operation of the one before. A level takes about 2 kB
// of stack, ten times that with sanitizers.
[[gnu::tls_model("initial-exec")]] thread_local constinit int t_depth = 0;
constexpr int max_depth = 1000;

// Puts back what an outer backward works on.
struct CurrentNodeGuard {
  ~CurrentNodeGuard() {
    detail::current_node = previous;
    CallerScope::current() = line;
  }
  Node* previous = detail::current_node;
  SourceLoc line = CallerScope::current();
  detail::CallPathScope path{detail::call_path};
};

struct DepthGuard {
  DepthGuard() {
    if (t_depth >= max_depth)
      throw AutogradError(concat("backward: more than ", max_depth,
                                 " backwards are running inside each other, each started by a hook or an operation of "
                                 "the one before; collect what they work on and run them one after another"));
    ++t_depth;
  }
  ~DepthGuard() { --t_depth; }
};

// The first gradient is moved in; later ones are added in place once the sum is ours alone.
[[gnu::noinline]] void add_to(Tensor& into, const Tensor& g, bool recording) {
  if (!recording && into.sole_owner() && into.is_contiguous() && g.is_contiguous() && into.shape() == g.shape() &&
      into.dtype() == g.dtype() && into.is_floating_point())
    accumulate_kernel(into.impl(), g.impl());
  else
    into = into.add(g);
}
inline void accumulate(Tensor& into, Tensor&& g, bool recording) {
  if (into.defined())
    add_to(into, g, recording);
  else
    into = std::move(g);
}

// Room for as many tensors as a node has outputs or inputs; between nodes all of it is undefined again.
class Slots {
 public:
  std::span<Tensor> first(std::size_t count) {
    if (count <= few) [[likely]]
      return {few_, count};
    if (many_.size() < count) many_.resize(count);
    return {many_.data(), count};
  }

 private:
  static constexpr std::size_t few = 4;
  Tensor few_[few];
  std::vector<Tensor> many_;
};

// One traversal. Numbers grow from producers to consumers, so taking the pending node with the largest number always
// finds a node whose consumers have all run: no separate pass over the graph is needed.
class Run {
 public:
  explicit Run(bool retain, bool create) : retain_(retain), create_(create), mode_(create) {}
  ~Run() {
    if (running_) forget(running_);
    if (next_) forget(next_);
    for (Node* n : heap_) forget(n);
  }

  void add_root(const Tensor& t, Tensor g) {
    roots_.push_back(Edge::to(t));
    deliver(roots_.back(), std::move(g));
  }

  // Restricts the traversal to what leads to `inputs` and collects their gradients instead of accumulating.
  void capture(const std::vector<Tensor>& outputs, const std::vector<Edge>& inputs);
  /// Finds the leaves that ask to be told when their gradient is complete.
  void watch_leaves();
  void traverse();
  void commit_leaves();
  /// The gradient of each of `inputs`, after hooks.
  std::vector<Tensor> captured(const std::vector<Edge>& inputs);

 private:
  struct Leaf {
    Ref<TensorImpl> impl;
    Tensor grad;
  };

  static bool by_id(const Node* a, const Node* b) { return a->id() < b->id(); }
  static void forget(Node* n) {
    n->grad.ref().reset();
    if (n->extras) [[unlikely]]
      for (auto& o : n->extras->outputs) o.grad = Tensor();
    n->run.store(nullptr, std::memory_order_release);
  }

  void deliver(const Edge& e, Tensor&& g);
  void claim(Node* n);
  Node* take();
  void run_node(Node* n);
  // Out of line, so that the common way through a node stays short.
  [[gnu::noinline]] bool wants(const Edge& e) const;
  [[gnu::noinline]] void put_aside(Node* n);
  [[gnu::noinline]] Node* take_from_heap();
  [[gnu::noinline]] bool run_extras(Node* n, std::span<Tensor> outs);
  Tensor& leaf_slot(TensorImpl* leaf);
  Leaf* find_leaf(const TensorImpl* leaf);
  void commit(Leaf& leaf);
  void accumulate_into(Leaf& leaf);
  void finish(Leaf& leaf);
  void complete_leaves(std::uint64_t pending);

  const DepthGuard depth_;
  bool retain_, create_;
  GradModeGuard mode_;
  std::vector<Edge> roots_;  // keep alive all that is traversed, whatever a hook lets go
  // Nodes that hold a gradient: mostly there is one, and then it needs no heap.
  Node* next_ = nullptr;
  std::vector<Node*> heap_;  // a max-heap of the others
  Node* running_ = nullptr;
  Slots outs_, ins_;
  std::vector<Leaf> leaves_;
  std::unique_ptr<std::unordered_map<TensorImpl*, std::size_t>> leaf_index_;  // only when there are many
  // A leaf to be told of, and the smallest number of an operation that it is an input of: its gradient is complete when
  // all pending operations have smaller numbers.
  struct Watched {
    TensorImpl* leaf;
    std::uint64_t last;
  };
  std::vector<Watched> watched_;  // those complete first stand at the end
  std::uint64_t number_ = 0;      // of this traversal, once it accumulates
  // What autograd::grad() asks for.
  struct Capture {
    std::unordered_set<const Node*> needed;   // those that run: a wanted input lies behind them
    std::unordered_set<const Node*> targets;  // those whose own gradient is wanted
    std::unordered_set<const TensorImpl*> leaves;
    std::vector<std::pair<Edge, Tensor>> found;
  };
  std::unique_ptr<Capture> capture_;
};

Tensor& Run::leaf_slot(TensorImpl* leaf) {
  constexpr std::size_t few = 16;
  if (!leaf_index_) {
    for (auto& l : leaves_)
      if (l.impl.get() == leaf) return l.grad;
    if (leaves_.size() >= few) {
      leaf_index_ = std::make_unique<std::unordered_map<TensorImpl*, std::size_t>>();
      for (std::size_t i = 0; i < leaves_.size(); ++i) (*leaf_index_)[leaves_[i].impl.get()] = i;
    }
  } else if (auto it = leaf_index_->find(leaf); it != leaf_index_->end()) {
    return leaves_[it->second].grad;
  }
  if (leaf_index_)
    (*leaf_index_)[leaf] = leaves_.size();
  else
    leaves_.reserve(few);  // at once, in place of growing there in five steps
  leaves_.push_back({Ref<TensorImpl>::share(leaf), Tensor()});
  return leaves_.back().grad;
}

Run::Leaf* Run::find_leaf(const TensorImpl* leaf) {
  if (leaf_index_) {
    const auto it = leaf_index_->find(const_cast<TensorImpl*>(leaf));
    return it == leaf_index_->end() ? nullptr : &leaves_[it->second];
  }
  for (Leaf& l : leaves_)
    if (l.impl.get() == leaf) return &l;
  return nullptr;
}

[[noreturn, gnu::cold]] void throw_busy(const Node* n) {
  throw AutogradError(
      concat("backward: ", n->name(),
             "Backward is being traversed by another backward; let it finish first, or build one graph per thread"),
      n->where());
}

// A node that nothing refers to but the edge we come from, which is ours, cannot be reached by another thread.
inline void Run::claim(Node* n) {
  const void* owner = n->run.load(std::memory_order_acquire);
  if (owner == this) return;
  if (owner) throw_busy(n);
  if (n->refs.unique())
    n->run.store(this, std::memory_order_relaxed);
  else if (!n->run.compare_exchange_strong(owner, this, std::memory_order_acq_rel))
    throw_busy(n);
  if (next_)
    put_aside(n);
  else
    next_ = n;
}

void Run::put_aside(Node* n) {
  heap_.push_back(n->id() > next_->id() ? std::exchange(next_, n) : n);
  std::push_heap(heap_.begin(), heap_.end(), by_id);
}

// The pending node with the largest number. `next_` may have been filled while the heap held larger ones.
inline Node* Run::take() {
  if (heap_.empty() || (next_ && next_->id() > heap_.front()->id())) return std::exchange(next_, nullptr);
  return take_from_heap();
}

Node* Run::take_from_heap() {
  std::pop_heap(heap_.begin(), heap_.end(), by_id);
  Node* const top = heap_.back();
  heap_.pop_back();
  return top;
}

bool Run::wants(const Edge& e) const {
  if (e.leaf()) return capture_->leaves.contains(e.leaf());
  return capture_->needed.contains(e.node()) || capture_->targets.contains(e.node());
}

inline void Run::deliver(const Edge& e, Tensor&& g) {
  if (!e || (capture_ && !wants(e))) return;
  if (TensorImpl* leaf = e.leaf()) return accumulate(leaf_slot(leaf), std::move(g), create_);
  Node* const n = e.node();
  claim(n);
  accumulate(e.output_nr() == 0 ? n->grad : n->make_extras().output(e.output_nr()).grad, std::move(g), create_);
}

[[gnu::cold]] void check_anomaly(Node* n, std::span<const Tensor> grads) {
  for (std::size_t i = 0; i < grads.size(); ++i)
    if (grads[i].defined() && grads[i].is_floating_point()) {
      NoGradGuard no_grad;
      if (grads[i].isnan().any().item<bool>())
        throw AutogradError(concat("backward: ", n->name(), "Backward returned NaN in its gradient ", i, " of shape ",
                                   to_text(grads[i].shape()), "; the operation was recorded at the line named",
                                   n->path() ? concat(" by module ", detail::path_text(n->path())) : std::string()),
                            n->where());
    }
}

// What few nodes need: gradients of further outputs, hooks, kept and captured gradients. False when nothing behind the
// node is wanted.
bool Run::run_extras(Node* n, std::span<Tensor> outs) {
  if (n->extras) {
    auto& extra = n->extras->outputs;
    for (std::size_t i = 0; i < extra.size(); ++i) {
      if (i > 0) outs[i] = std::move(extra[i].grad);
      extra[i].grad = Tensor();
      if (outs[i].defined()) {
        outs[i] = detail::run_hooks(extra[i].hooks, std::move(outs[i]));
        if (extra[i].kept && !capture_) {
          std::lock_guard lock(extra[i].kept->mutex);
          Tensor& kept = extra[i].kept->grad;
          kept = kept.defined() ? kept.add(outs[i]) : outs[i];
        }
      }
    }
  }
  if (!capture_) return true;
  if (capture_->targets.contains(n))
    for (auto& [edge, value] : capture_->found)
      if (edge.node() == n) value = outs[edge.output_nr()];
  // Nothing behind it is wanted: it keeps what it saved, for a backward that starts from the gradient found here.
  return capture_->needed.contains(n);
}

inline void Run::run_node(Node* n) {
  const std::span<Tensor> outs = outs_.first(static_cast<std::size_t>(n->outputs()));
  outs[0] = std::move(n->grad);
  if (n->extras || capture_) [[unlikely]]
    if (!run_extras(n, outs)) {
      for (Tensor& o : outs) o.ref().reset();
      return;
    }

  const std::span<Edge> edges = n->edges();
  const std::span<Tensor> ins = ins_.first(edges.size());
  detail::current_node = n;
  // What it records or throws belongs to where it was recorded itself.
  if (n->where().file) CallerScope::current() = n->where();
  detail::call_path = n->path();
  n->backward(outs, ins);
  if (detail::anomaly_enabled) [[unlikely]]
    check_anomaly(n, ins);
  if (!retain_) n->release_saved();
  for (Tensor& o : outs) o.ref().reset();
  for (std::size_t i = 0; i < edges.size(); ++i) {
    if (!ins[i].defined()) continue;
    deliver(edges[i], std::move(ins[i]));
    ins[i].ref().reset();
  }
}

void Run::traverse() {
  const CurrentNodeGuard current;
  while ((running_ = take())) {
    if (!watched_.empty()) [[unlikely]]
      complete_leaves(running_->id());
    run_node(running_);
    forget(running_);
  }
}

void Run::watch_leaves() {
  std::unordered_map<TensorImpl*, std::uint64_t> last;
  std::unordered_set<const Node*> seen;
  std::vector<Node*> work;
  const auto follow = [&](const Edge& e, std::uint64_t id) {
    if (Node* n = e.node(); n && seen.insert(n).second) work.push_back(n);
    if (TensorImpl* l = e.leaf(); l && l->meta && l->meta->complete && !l->meta->complete->hooks.empty()) {
      const auto at = last.emplace(l, id).first;
      at->second = std::min(at->second, id);
    }
  };
  for (const Edge& e : roots_) follow(e, UINT64_MAX);
  while (!work.empty()) {
    Node* const n = work.back();
    work.pop_back();
    for (const Edge& e : n->edges()) follow(e, n->id());
  }
  for (const auto& [leaf, id] : last) watched_.push_back({leaf, id});
  // The one that was made first is the last among those that become complete together.
  std::ranges::sort(watched_, [](const Watched& a, const Watched& b) { return a.last < b.last; });
}

void Run::complete_leaves(std::uint64_t pending) {
  while (!watched_.empty() && watched_.back().last > pending) {
    TensorImpl* const leaf = watched_.back().leaf;
    watched_.pop_back();
    if (Leaf* const l = find_leaf(leaf)) commit(*l);
  }
}

}  // namespace

std::atomic<bool> detail::cycle_mentioned{false};

namespace {

[[gnu::cold, gnu::noinline]] void warn_of_cycle() {
  if (detail::cycle_mentioned.exchange(true)) return;
  const SourceLoc line = user_line({});
  std::cerr << concat(
      "backward: with create_graph a leaf holds a gradient whose graph refers to the leaf; neither is "
      "freed before zero_grad(). autograd::grad() leaves nothing behind. This is said once",
      line.file ? concat(" (", line.file, ":", line.line, ")") : std::string(), "\n");
}

// Gradients of most leaves are accumulated only after everything that can throw has run: a failed backward changes no
// `.grad`.
void Run::commit_leaves() {
  complete_leaves(0);
  for (Leaf& l : leaves_)
    if (l.grad.defined()) finish(l);
  for (Leaf& l : leaves_)
    if (l.grad.defined()) accumulate_into(l);
}

// For a leaf whose gradient is complete before the traversal ends.
void Run::commit(Leaf& l) {
  finish(l);
  accumulate_into(l);
  (void)detail::run_hooks(l.impl->meta->complete, Tensor(l.impl));
}

inline void Run::finish(Leaf& l) {
  // The graph may be older than the leaf's dtype, which a module's to() changes.
  if (l.grad.dtype() != l.impl->dtype) [[unlikely]]
    l.grad = l.grad.to(l.impl->dtype);
  if (l.impl->meta && l.impl->meta->hooks) l.grad = detail::run_hooks(l.impl->meta->hooks, std::move(l.grad));
}

void Run::accumulate_into(Leaf& l) {
  if (number_ == 0) number_ = detail::next_backward();
  GradMeta& meta = detail::meta_of(*l.impl);
  detail::note_leaf(meta, number_);
  Tensor g = std::move(l.grad);
  {
    std::lock_guard lock(meta.slot->mutex);
    Tensor& grad = meta.slot->grad;
    if (!grad.defined()) {
      const bool ours = g.sole_owner() && g.is_contiguous();
      grad = ours ? std::move(g) : g.clone();
    } else if (create_ || grad.requires_grad()) {
      grad = grad.add(g);
    } else {
      grad.add_(g);
    }
    if (create_ && grad.requires_grad()) [[unlikely]]
      warn_of_cycle();
  }
  if (meta.after_accumulate) (void)detail::run_hooks(meta.after_accumulate, Tensor(l.impl));
}

void Run::capture(const std::vector<Tensor>& outputs, const std::vector<Edge>& inputs) {
  capture_ = std::make_unique<Capture>();
  auto& [needed, targets, leaves, found] = *capture_;
  for (const Edge& e : inputs) {
    if (e.leaf())
      leaves.insert(e.leaf());
    else if (e.node()) {
      targets.insert(e.node());
      found.emplace_back(e, Tensor());
    }
  }
  std::vector<Node*> reachable, work;
  std::unordered_set<const Node*> seen;
  auto visit = [&](const Edge& e) {
    if (Node* n = e.node(); n && seen.insert(n).second) work.push_back(n);
  };
  for (const Tensor& t : outputs) visit(Edge::to(t));
  while (!work.empty()) {
    Node* n = work.back();
    work.pop_back();
    reachable.push_back(n);
    for (const Edge& e : n->edges()) visit(e);
  }
  std::sort(reachable.begin(), reachable.end(), [](const Node* a, const Node* b) { return a->id() < b->id(); });
  for (const Node* n : reachable)
    for (const Edge& e : n->edges())
      if ((e.node() && (needed.contains(e.node()) || targets.contains(e.node()))) ||
          (e.leaf() && leaves.contains(e.leaf())))
        needed.insert(n);
}

std::vector<Tensor> Run::captured(const std::vector<Edge>& inputs) {
  for (Leaf& l : leaves_) {
    // The graph may be older than the leaf's dtype, which a module's to() changes.
    if (l.grad.dtype() != l.impl->dtype) [[unlikely]]
      l.grad = l.grad.to(l.impl->dtype);
    if (l.impl->meta && l.impl->meta->hooks) l.grad = detail::run_hooks(l.impl->meta->hooks, std::move(l.grad));
  }
  std::vector<Tensor> out;
  std::size_t next = 0;  // in `found`, which follows the order of `inputs`
  for (const Edge& e : inputs) out.push_back(e.leaf() ? leaf_slot(e.leaf()) : capture_->found[next++].second);
  return out;
}

Tensor root_gradient(const Tensor& root, const Tensor& given, std::size_t index, SourceLoc loc) {
  if (!root.defined() || !root.requires_grad())
    throw AutogradError(concat("backward: output ", index,
                               " does not require grad: nothing it was computed from did, or it was computed "
                               "under a NoGradGuard"),
                        loc);
  if (!given.defined()) {
    if (root.numel() != 1)
      throw AutogradError(
          concat("backward: only an output of one element can go without a gradient, this one has shape ",
                 to_text(root.shape()), "; pass a gradient of that shape, or reduce with sum() or mean()"),
          loc);
    Tensor one(TensorImpl::create(root.shape(), root.dtype()));
    fill_kernel(one.impl(), 1);
    return one;
  }
  if (given.shape() != root.shape())
    throw ShapeError(concat("backward: the gradient has shape ", to_text(given.shape()), " but output ", index,
                            " has shape ", to_text(root.shape())),
                     loc);
  return given.to(root.dtype());
}

std::vector<Tensor> root_gradients(const std::vector<Tensor>& roots, const std::vector<Tensor>& given, SourceLoc loc) {
  if (!given.empty() && given.size() != roots.size())
    throw ValueError(
        concat("backward: got ", roots.size(), " tensors and ", given.size(), " gradients; pass one for each"), loc);
  std::vector<Tensor> out;
  for (std::size_t i = 0; i < roots.size(); ++i)
    out.push_back(root_gradient(roots[i], given.empty() ? Tensor() : given[i], i, loc));
  return out;
}

}  // namespace

namespace autograd {

void backward(const std::vector<Tensor>& tensors, const std::vector<Tensor>& gradients, BackwardOptions options,
              SourceLoc loc) {
  CallerScope scope(loc);
  auto grads = root_gradients(tensors, gradients, loc);
  Run run(options.retain_graph.value_or(options.create_graph), options.create_graph);
  for (std::size_t i = 0; i < tensors.size(); ++i) run.add_root(tensors[i], std::move(grads[i]));
  if (detail::any_complete_hooks()) run.watch_leaves();
  run.traverse();
  run.commit_leaves();
}

std::vector<Tensor> grad(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs,
                         const GradOptions& options, SourceLoc loc) {
  CallerScope scope(loc);
  auto grads = root_gradients(outputs, options.grad_outputs, loc);
  std::vector<Edge> edges;
  for (const Tensor& t : inputs) {
    edges.push_back(Edge::to(t));
    if (!edges.back())
      throw AutogradError(
          concat("grad: input ", edges.size() - 1, " does not require grad; call requires_grad_() first"), loc);
  }
  Run run(options.retain_graph.value_or(options.create_graph), options.create_graph);
  run.capture(outputs, edges);
  for (std::size_t i = 0; i < outputs.size(); ++i) run.add_root(outputs[i], std::move(grads[i]));
  run.traverse();
  std::vector<Tensor> result = run.captured(edges);
  for (std::size_t i = 0; i < result.size(); ++i)
    if (!result[i].defined() && !options.allow_unused)
      throw AutogradError(concat("grad: the outputs do not depend on input ", i,
                                 "; pass {.allow_unused = true} to get an undefined tensor for it"),
                          loc);
  return result;
}

}  // namespace autograd

void Tensor::backward(const Tensor& gradient, std::optional<bool> retain_graph, bool create_graph,
                      SourceLoc loc) const {
  CallerScope scope(loc);
  Tensor g = root_gradient(*this, gradient, 0, loc);
  Run run(retain_graph.value_or(create_graph), create_graph);
  run.add_root(*this, std::move(g));
  if (detail::any_complete_hooks()) run.watch_leaves();
  run.traverse();
  run.commit_leaves();
}

}  // namespace slope
