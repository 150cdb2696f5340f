#include "slope/nn/utils/fusion.h"

#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/nn/internal/computed_parameters.h"

namespace slope::nn::utils::detail {

using nn::detail::ComputedScope;
using nn::detail::ModuleAccess;

std::pair<Tensor, Tensor> Fusion::values() const {
  const CallerScope caller(loc);
  const NoGradGuard no_grad;
  if (layer.is_training(loc) || norm.is_training(loc))
    throw ValueError(concat(op, ": Fusion only for eval! Call eval() on both modules first"), loc);
  if (!mean.defined() || !var.defined())
    throw ValueError(concat(op, ": ", norm.class_name(), " has no running moments, so it has no fixed factors"), loc);
  const ComputedScope of_layer(ModuleAccess::computed(layer), false), of_norm(ModuleAccess::computed(norm), false);
  const std::int64_t out = transposed ? weight.size(1) * groups : weight.size(0);
  if (mean.numel() != out)
    throw ShapeError(concat(op, ": ", norm.class_name(), " normalises ", mean.numel(), " channels, but ",
                            layer.class_name(), " gives ", out),
                     loc);
  const Tensor root = rsqrt(var + eps), s = norm_weight.defined() ? norm_weight * root : root;
  const Tensor b = bias.defined() ? bias - mean : -mean;
  const Tensor shift = norm_bias.defined() ? b * s + norm_bias : b * s;
  Tensor w;
  if (transposed) {
    // (in, out/groups, ...): the inputs of a group meet the factors of its outputs.
    const Shape& shape = weight.shape();
    const Tensor by_group = weight.reshape({groups, shape[0] / groups, shape[1], -1});
    w = (by_group * s.reshape({groups, 1, shape[1], 1})).reshape(shape);
  } else {
    Shape along(std::vector<std::int64_t>(static_cast<std::size_t>(weight.dim()), 1));
    along[0] = out;
    w = weight * s.reshape(along);
  }
  return {w.to(weight.dtype()).detach(), shift.to(weight.dtype()).detach()};
}

void put_values(Module& layer, const std::pair<Tensor, Tensor>& values) {
  const NoGradGuard no_grad;
  layer.to(values.first.dtype());
  layer.eval();
  const auto parameters = layer.parameters();
  parameters[0].copy_(values.first);
  parameters[1].copy_(values.second);
}

Shape kernel_of(const Tensor& weight) {
  Shape kernel;
  for (int d = 2; d < weight.dim(); ++d) kernel.push_back(weight.shape()[d]);
  return kernel;
}

}  // namespace slope::nn::utils::detail
