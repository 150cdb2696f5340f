#include "layer_pool.h"
#include "slope_layer.h"

using namespace slope;
using namespace compare::layer_pool;
using compare::slope_tensor;

namespace {

compare::Work work_of(const Layer& l, bool backward) {
  const Tensor x = slope_tensor(input(l), {l.batch, channels, size, size}).requires_grad_();
  const Tensor g = slope_tensor(gradient(l), {l.batch, channels, l.out_size, l.out_size});
  const auto forward = [=, kind = l.kind] {
    switch (kind) {
      case Kind::max_pool: return F::max_pool2d(x, 2);
      case Kind::avg_pool: return F::avg_pool2d(x, 2);
      case Kind::adaptive_avg_pool: return F::adaptive_avg_pool2d(x, 1);
      case Kind::nearest: return F::interpolate(x, {.scale_factor = 2});
      case Kind::bilinear: return F::interpolate(x, {.scale_factor = 2, .mode = F::InterpolateMode::bilinear});
    }
    return Tensor();
  };
  return compare::slope_layer(forward, {x}, g, backward);
}

const compare::Registered registered([] {
  for (const Layer& l : layers())
    for (const bool backward : {false, true})
      compare::slope_works().add(name_of(l, backward), [=] { return work_of(l, backward); });
});

}  // namespace
