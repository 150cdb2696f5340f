#include "slope/autograd/engine/custom.h"

#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/engine/node.h"

namespace slope {

namespace {

using Backward = Function<std::vector<Tensor>(const std::vector<Tensor>&)>;

struct CustomNode final : Node {
  CustomNode(std::string n, std::vector<Edge> e, Backward b, CustomOptions o, SourceLoc where)
      : Node(std::span<Edge>(e), sizeof(CustomNode), where),
        links(std::move(e)),
        label(std::move(n)),
        function(std::move(b)),
        options(o) {}

  std::string_view name() const override { return label; }
  int outputs() const override { return static_cast<int>(output_count); }
  const Shape* input_shape_of(std::size_t i) const override { return i < shapes.size() ? &shapes[i] : nullptr; }
  void release_saved() override {
    function = nullptr;  // captured tensors count as saved
  }

  void backward(std::span<Tensor> g, std::span<Tensor> into) override {
    if (!function) (void)SavedTensor().get();  // says that the graph was freed
    if (options.once_differentiable && grad_enabled())
      throw AutogradError(concat(label, ": this operation is once differentiable; create_graph cannot pass through it"),
                          where());
    std::vector<Tensor> grads = function(std::vector<Tensor>(g.begin(), g.end()));
    if (grads.size() != links.size())
      throw AutogradError(concat(label, ": backward returned ", grads.size(), " gradients for ", links.size(),
                                 " inputs; return one per input, undefined for zero"),
                          where());
    for (std::size_t i = 0; i < links.size(); ++i) {
      if (!links[i] || !grads[i].defined()) continue;
      if (grads[i].shape() != shapes[i])
        throw ShapeError(concat(label, ": backward returned a gradient of shape ", to_text(grads[i].shape()),
                                " for input ", i, " of shape ", to_text(shapes[i])),
                         where());
      if (grads[i].dtype() != dtypes[i])
        throw DTypeError(
            concat(label, ": backward returned a gradient of ", dtype_name(grads[i].dtype()), " for input ", i,
                   ", which is ", dtype_name(dtypes[i]), "; convert it with .to(", dtype_name(dtypes[i]), ")"),
            where());
      into[i] = std::move(grads[i]);
    }
  }

  std::vector<Edge> links;
  std::string label;
  Backward function;
  CustomOptions options;
  std::vector<Shape> shapes;
  std::vector<DType> dtypes;
  std::size_t output_count = 1;
};

}  // namespace

std::vector<Tensor> custom(std::string name, const std::vector<Tensor>& inputs, const std::vector<Tensor>& outputs,
                           Backward backward, CustomOptions options, SourceLoc loc) {
  if (outputs.empty()) throw ValueError(concat(name, ": a custom operation needs at least one output"), loc);
  if (outputs.size() > UINT16_MAX)
    throw ValueError(concat(name, ": a custom operation has at most ", UINT16_MAX, " outputs, got ", outputs.size()),
                     loc);
  std::vector<Tensor> results;
  for (const Tensor& out : outputs) {
    if (!out.defined()) throw ValueError(concat(name, ": an output is undefined"), loc);
    if (out.requires_grad())
      throw AutogradError(concat(name, ": an output is part of a graph already; compute it under a NoGradGuard"), loc);
    results.push_back(out.detach());
  }
  bool wanted = false;
  for (const Tensor& t : inputs) wanted |= t.defined() && t.requires_grad();
  if (!grad_enabled() || !wanted) return results;
  std::vector<Edge> edges;
  for (const Tensor& t : inputs) edges.push_back(Edge::to(t));
  auto* node = new (detail::allocate_node(sizeof(CustomNode)))
      CustomNode(std::move(name), std::move(edges), std::move(backward), options, loc);
  for (const Tensor& t : inputs) {
    node->shapes.push_back(t.defined() ? t.shape() : Shape());
    node->dtypes.push_back(t.defined() ? t.dtype() : DType::float32);
  }
  node->output_count = results.size();
  node->assign_id();
  const Ref<Node> owner = Ref<Node>::adopt(node);
  for (std::size_t i = 0; i < results.size(); ++i)
    if (is_floating(results[i].dtype())) {
      detail::acquire_node(node);
      results[i].impl().producer = node;
      results[i].impl().output_nr = static_cast<std::uint16_t>(i);
    }
  return results;
}

Tensor custom(std::string name, const std::vector<Tensor>& inputs, const Tensor& output,
              Function<std::vector<Tensor>(const Tensor&)> backward, CustomOptions options, SourceLoc loc) {
  return custom(
      std::move(name), inputs, std::vector<Tensor>{output},
      [f = std::move(backward)](const std::vector<Tensor>& g) { return f(g[0]); }, options, loc)[0];
}

}  // namespace slope
