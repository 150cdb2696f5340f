#include "layer_pool.h"
#include "torch_layer.h"

using namespace compare::layer_pool;
using compare::torch_tensor;
using torch::Tensor;

namespace {

compare::Work work_of(const Layer& l, bool backward) {
  const Tensor x = torch_tensor(input(l), {l.batch, channels, size, size}).requires_grad_();
  const Tensor g = torch_tensor(gradient(l), {l.batch, channels, l.out_size, l.out_size});
  const auto forward = [=, kind = l.kind] {
    switch (kind) {
      case Kind::max_pool: return torch::max_pool2d(x, {2, 2});
      case Kind::avg_pool: return torch::avg_pool2d(x, {2, 2});
      case Kind::adaptive_avg_pool: return torch::adaptive_avg_pool2d(x, {1, 1});
      case Kind::nearest: return torch::upsample_nearest2d(x, {l.out_size, l.out_size});
      case Kind::bilinear: return torch::upsample_bilinear2d(x, {l.out_size, l.out_size}, false);
    }
    return Tensor();
  };
  return compare::torch_layer(forward, {x}, g, backward);
}

const compare::Registered registered([] {
  for (const Layer& l : layers())
    for (const bool backward : {false, true})
      compare::torch_works().add(name_of(l, backward), [=] { return work_of(l, backward); });
});

}  // namespace
