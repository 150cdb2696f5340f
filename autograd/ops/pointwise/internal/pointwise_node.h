#pragma once

#include <cstddef>
#include <cstring>
#include <utility>
#include <vector>

#include "slope/autograd/engine/backward.h"
#include "slope/autograd/engine/op.h"
#include "slope/autograd/ops/pointwise/internal/pointwise_args.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/internal/constants.h"

namespace slope::detail {

/// What pointwise nodes of one arity share: saved arguments and edges. Behind the node, in the same block, lie the
/// formula and, when arguments differ in shape, their shapes. KeepsValue: the node keeps the value where derivatives
/// mention it; another one keeps all arguments then, to compute it again.
template <int N, bool KeepsValue>
struct FormulaNode : Node {
  FormulaNode(const FormulaInfo& i, const void* f, char* behind, std::uint32_t bytes, const Prepared<N>& p)
      : FormulaNode(i, f, behind, bytes, p, std::make_integer_sequence<int, N>()) {}
  template <int... Is>
  FormulaNode(const FormulaInfo& i, const void* f, char* behind, std::uint32_t bytes, const Prepared<N>& p,
              std::integer_sequence<int, Is...>)
      : Node(std::span<Edge>(links, N), bytes, p.loc),
        info(i),
        formula(behind),
        dtype(p.dtype),
        links{(p.tensors[Is] ? Edge::to(*p.tensors[Is]) : Edge())...},
        is_tensor(((p.tensors[Is] ? 1u << Is : 0) | ...)),
        wanted(((links[Is] ? 1u << Is : 0) | ...)),
        mentioned(with_what_gives_the_value(((wanted >> Is & 1 ? i.mentions[Is] : 0) | ...))),
        saved{(mentioned & is_tensor & 1u << Is ? SavedTensor(*p.tensors[Is]) : SavedTensor())...},
        shape(*p.shape) {
    ((p.tensors[Is] ? void() : void(numbers[Is] = p.numbers[Is])), ...);
    assign_id(std::span<const Edge, N>(links));
    copy_formula(behind, static_cast<const char*>(f), i.bytes);
    if (!p.same_shape) [[unlikely]]
      keep_shapes(behind + aligned(i.bytes), p);
  }
  static constexpr unsigned with_what_gives_the_value(unsigned mentioned) {
    return !KeepsValue && mentioned & mentions_value ? mentioned | ((1u << N) - 1) : mentioned;
  }
  [[gnu::noinline]] void keep_shapes(char* behind, const Prepared<N>& p) {
    auto* shapes = new (behind) Shape[N];
    for (int k = 0; k < N; ++k)
      if (p.tensors[k]) shapes[k] = p.tensors[k]->shape();
    shapes_of_inputs = shapes;
  }
  static constexpr std::size_t aligned(std::size_t bytes) {
    constexpr std::size_t align = alignof(std::max_align_t);
    return (bytes + align - 1) / align * align;
  }
  /// What is needed behind the node.
  static std::size_t bytes_behind(std::size_t formula_bytes, const Prepared<N>& p) {
    return p.same_shape ? formula_bytes : aligned(formula_bytes) + N * sizeof(Shape);
  }
  // Most formulas hold nothing, some a few numbers.
  static void copy_formula(char* to, const char* from, std::size_t bytes) {
    if (bytes == sizeof(double))
      std::memcpy(to, from, sizeof(double));
    else if (bytes > 1)
      std::memcpy(to, from, bytes);
    else
      *to = *from;
  }
  const Shape& input_shape(int k) const { return shapes_of_inputs ? shapes_of_inputs[k] : shape; }
  [[gnu::noinline]] static void reduce_to(Tensor& g, const Shape& to) { g = sum_to(g, to); }
  /// Brings a gradient of the result's shape to that of input k.
  void reduce(Tensor& g, int k) const {
    if (shapes_of_inputs || g.shape() != shape) [[unlikely]]
      reduce_to(g, input_shape(k));
  }

  std::string_view name() const override { return info.name; }
  const Shape* input_shape_of(std::size_t i) const override {
    return i < N ? &input_shape(static_cast<int>(i)) : nullptr;
  }
  void collect_saved(std::vector<SavedTensor>& into) const override {
    for (const SavedTensor& s : saved)
      if (s) into.push_back(s);
  }

  // Notices inputs that were overwritten or freed.
  void check_saved() const {
    for (int k = 0; k < N; ++k)
      if (mentioned & is_tensor & 1u << k) (void)saved[k].value();
  }

  // The arguments for the Tensor reading: saved tensors, and numbers as 0-d constants. What was not saved stays
  // undefined.
  void unpack(Tensor* args) const {
    for (int k = 0; k < N; ++k) {
      if (!(is_tensor & 1u << k))
        args[k] = make_number(numbers[k].value, dtype);
      else if (mentioned & 1u << k)
        args[k] = saved[k].get();
    }
  }

  // Gradients written as tensor operations, to be differentiated again.
  [[gnu::noinline]] void composed_backward(const Tensor& value, const Tensor& g, std::span<Tensor> into) {
    const ConstantDTypeGuard constants(dtype);
    Tensor args[N];
    unpack(args);
    if (info.partial) {
      for (int k = 0; k < N; ++k) {
        if (!links[k]) continue;
        const Tensor d = info.partial(formula, k, args, value);
        const Tensor passed = info.selects ? scale_cotangent(d, g) : scale_cotangent(g, d);
        into[static_cast<std::size_t>(k)] = sum_to(passed, input_shape(k));
      }
      return;
    }
    std::vector<Tensor> inputs;
    for (int k = 0; k < N; ++k)
      if (links[k]) {
        args[k] = args[k].view(args[k].shape());  // its own node, so that f(x, x) yields one gradient per argument
        inputs.push_back(args[k]);
      }
    const Tensor composed = info.compose(formula, args).expand(g.shape());
    auto grads = autograd::grad({composed}, inputs, {.grad_outputs = {g}, .create_graph = true, .allow_unused = true});
    std::size_t i = 0;
    for (int k = 0; k < N; ++k)
      if (links[k]) into[static_cast<std::size_t>(k)] = sum_to(grads[i++], input_shape(k));
  }

  const FormulaInfo& info;
  const void* formula;
  DType dtype;
  Edge links[N];
  unsigned is_tensor, wanted, mentioned;  // bits: of arguments; of those that want a gradient; of what that mentions
  SavedTensor saved[N];
  Constant numbers[N];
  const Shape* shapes_of_inputs = nullptr;
  Shape shape;  // of the result
};

template <class NodeType, int N>
NodeType* make_node(const FormulaInfo& info, const void* formula, const Prepared<N>& p) {
  constexpr std::size_t head = NodeType::aligned(sizeof(NodeType));
  const std::size_t all = head + NodeType::bytes_behind(info.bytes, p);
  char* memory = static_cast<char*>(allocate_node(all));
  return new (memory) NodeType(info, formula, memory + head, static_cast<std::uint32_t>(all), p);
}

/// Makes `node` the producer of `out`, which is new.
inline void set_first_producer(const Tensor& out, Node* node) { out.impl().producer = node; }

}  // namespace slope::detail
