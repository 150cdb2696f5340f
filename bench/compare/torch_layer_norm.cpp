#include "layer_norm.h"
#include "torch_layer.h"

using namespace compare::layer_norm;
using compare::torch_tensor;
using torch::Tensor;

namespace {

compare::Work work_of(const Layer& l, bool backward) {
  const Tensor x = torch_tensor(input(l), l.shape).requires_grad_(), g = torch_tensor(gradient(l), l.shape);
  std::vector<Tensor> leaves{x};
  Tensor w, b, mean, var;
  if (l.weights > 0) {
    w = torch_tensor(weight(l), {l.weights}).requires_grad_();
    b = torch_tensor(bias(l), {l.weights}).requires_grad_();
    mean = torch::zeros({l.weights});
    var = torch::ones({l.weights});
    leaves = {x, w, b};
  }
  const auto forward = [=, kind = l.kind] {
    switch (kind) {
      case Kind::batch: return torch::batch_norm(x, w, b, mean, var, true, 0.1, 1e-5, false);
      case Kind::layer: return torch::layer_norm(x, {x.size(-1)}, w, b);
      case Kind::group: return torch::group_norm(x, groups, w, b);
      case Kind::instance: return torch::instance_norm(x, w, b, {}, {}, true, 0.1, 1e-5, false);
      case Kind::dropout: return torch::dropout(x, 0.5, true);
      case Kind::gelu: return torch::gelu(x);
      case Kind::silu: return torch::silu(x);
      case Kind::leaky_relu: return torch::leaky_relu(x);
      case Kind::softmax: return torch::softmax(x, -1);
      case Kind::log_softmax: return torch::log_softmax(x, -1);
    }
    return Tensor();
  };
  compare::Work work = compare::torch_layer(forward, leaves, g, backward);
  if (l.kind == Kind::dropout) work.tolerance = tolerance_of_dropout;
  return work;
}

const compare::Registered registered([] {
  for (const Layer& l : layers())
    for (const bool backward : {false, true})
      compare::torch_works().add(name_of(l, backward), [=] { return work_of(l, backward); });
});

}  // namespace
