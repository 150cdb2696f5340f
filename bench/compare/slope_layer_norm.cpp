#include "layer_norm.h"
#include "slope_layer.h"

using namespace slope;
using namespace compare::layer_norm;
using compare::slope_tensor;

namespace {

compare::Work work_of(const Layer& l, bool backward) {
  const Shape shape(l.shape);
  const Tensor x = slope_tensor(input(l), shape).requires_grad_(), g = slope_tensor(gradient(l), shape);
  std::vector<Tensor> leaves{x};
  Tensor w, b, mean, var;
  if (l.weights > 0) {
    w = slope_tensor(weight(l), {l.weights}).requires_grad_();
    b = slope_tensor(bias(l), {l.weights}).requires_grad_();
    mean = zeros({l.weights});
    var = ones({l.weights});
    leaves = {x, w, b};
  }
  const auto forward = [=, kind = l.kind] {
    switch (kind) {
      case Kind::batch: return F::batch_norm(x, mean, var, w, b, true);
      case Kind::layer: return F::layer_norm(x, x.size(-1), w, b);
      case Kind::group: return F::group_norm(x, groups, w, b);
      case Kind::instance: return F::instance_norm(x, {}, {}, w, b);
      case Kind::dropout: return F::dropout(x, 0.5);
      case Kind::gelu: return F::gelu(x);
      case Kind::silu: return F::silu(x);
      case Kind::leaky_relu: return F::leaky_relu(x);
      case Kind::softmax: return F::softmax(x, -1);
      case Kind::log_softmax: return F::log_softmax(x, -1);
    }
    return Tensor();
  };
  compare::Work work = compare::slope_layer(forward, leaves, g, backward);
  if (l.kind == Kind::dropout) work.tolerance = tolerance_of_dropout;
  return work;
}

const compare::Registered registered([] {
  for (const Layer& l : layers())
    for (const bool backward : {false, true})
      compare::slope_works().add(name_of(l, backward), [=] { return work_of(l, backward); });
});

}  // namespace
