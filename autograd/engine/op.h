#pragma once

#include <array>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/engine/node.h"
#include "slope/autograd/engine/saved_fields.h"

/// The contract of an operation that is not pointwise. One struct, in reading order:
///
///     struct Permute {
///       static constexpr std::string_view name = "Permute";
///       static constexpr bool is_view = true;             // only for views: the result shares the input's storage
///       Shape dims;                                       // attributes; forward may fill in more (forward is not const)
///       struct Saved {};                                  // SavedTensors only: freed after backward
///       Tensor forward(Saved& s, const Tensor& x) { ... } // runs without recording
///       Grads<1> backward(const Saved& s, const Tensor& g) const { ... }   // written with Tensor ops
///     };
///     Tensor permute(In x, const Shape& dims) { return apply(x.loc, Permute{dims}, x.tensor); }
///
/// `needs_grad(i)` tells backward which inputs matter; entries of the result may be left undefined. Operations on a list of
/// tensors take `const std::vector<Tensor>&` in forward and return `std::vector<Tensor>` from backward.
namespace slope {

/// The gradients of N inputs.
template <std::size_t N>
using Grads = std::array<Tensor, N>;

namespace detail {

template <class Op>
struct OpNodeBase : Node {
  OpNodeBase(Op&& o, typename Op::Saved&& s, std::span<Edge> edges, std::uint32_t bytes, SourceLoc where)
      : Node(edges, bytes, where), op(std::move(o)), saved(std::move(s)) {}
  std::string_view name() const override { return Op::name; }
  void release_saved() override { saved = typename Op::Saved{}; }
  void collect_saved(std::vector<SavedTensor>& into) const override { collect_fields(saved, into); }
  Op op;
  typename Op::Saved saved;
};

/// A node with a fixed number of inputs: op, saved values and edges in one allocation.
template <class Op, std::size_t N>
struct OpNode final : OpNodeBase<Op> {
  OpNode(Op&& o, typename Op::Saved&& s, SourceLoc where)
      : OpNodeBase<Op>(std::move(o), std::move(s), std::span<Edge>(links, N), sizeof(OpNode), where) {}
  void backward(std::span<Tensor> g, std::span<Tensor> into) override {
    Grads<N> grads = this->op.backward(this->saved, std::as_const(g[0]));
    for (std::size_t i = 0; i < N; ++i)
      if (links[i]) into[i] = std::move(grads[i]);
  }
  Edge links[N];
};

template <class Op>
struct OpNodeN final : OpNodeBase<Op> {
  OpNodeN(Op&& o, typename Op::Saved&& s, std::vector<Edge>&& e, SourceLoc where)
      : OpNodeBase<Op>(std::move(o), std::move(s), std::span<Edge>(e), sizeof(OpNodeN), where), links(std::move(e)) {}
  void backward(std::span<Tensor> g, std::span<Tensor> into) override {
    std::vector<Tensor> grads = this->op.backward(this->saved, std::as_const(g[0]));
    for (std::size_t i = 0; i < links.size(); ++i)
      if (links[i]) into[i] = std::move(grads[i]);
  }
  std::vector<Edge> links;
};

/// Makes `node` (whose reference it takes over) the producer of `out`.
void set_producer(const Tensor& out, Node* node);
/// The same for a tensor that may have a history already, which ends: output `output_nr` of `node` (null: nothing) is
/// what it is now. The gradient that retain_grad() keeps is from now on that of the new value.
void replace_producer(TensorImpl& t, Node* node, std::uint16_t output_nr);
/// Records that `out` is a view of `of`, so that in-place changes of either reach the other's history.
void mark_view(const Tensor& out, const Tensor& of);

template <class Op>
constexpr bool is_view_op() {
  if constexpr (requires { Op::is_view; })
    return Op::is_view;
  else
    return false;
}

}  // namespace detail

/// Runs `op` and, when some input requires grad and recording is on, puts it into the graph. The only bridge between
/// operations and the graph.
template <class Op, class... In>
Tensor apply(SourceLoc loc, Op op, const In&... in) {
  typename Op::Saved saved{};
  Tensor out;
  const bool recording = grad_enabled();
  {
    NoGradGuard no_grad;
    out = op.forward(saved, in...);
  }
  if constexpr (detail::is_view_op<Op>()) detail::mark_view(out, std::get<0>(std::tie(in...)));
  if (recording && is_floating(out.dtype()) && (in.requires_grad() || ...)) {
    using N = detail::OpNode<Op, sizeof...(In)>;
    auto* node = new (detail::allocate_node(sizeof(N))) N(std::move(op), std::move(saved), loc);
    std::size_t i = 0;
    ((node->links[i++] = Edge::to(in)), ...);
    detail::set_producer(out, node);
  }
  return out;
}

/// The same for any number of inputs.
template <class Op>
Tensor apply(SourceLoc loc, Op op, const std::vector<Tensor>& in) {
  typename Op::Saved saved{};
  Tensor out;
  const bool recording = grad_enabled();
  {
    NoGradGuard no_grad;
    out = op.forward(saved, in);
  }
  bool wanted = false;
  for (const Tensor& t : in) wanted |= t.requires_grad();
  if (recording && wanted && is_floating(out.dtype())) {
    using N = detail::OpNodeN<Op>;
    std::vector<Edge> edges;
    edges.reserve(in.size());
    for (const Tensor& t : in) edges.push_back(Edge::to(t));
    detail::set_producer(
        out, new (detail::allocate_node(sizeof(N))) N(std::move(op), std::move(saved), std::move(edges), loc));
  }
  return out;
}

}  // namespace slope
