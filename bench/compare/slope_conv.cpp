#include "conv.h"
#include "slope_data.h"

using namespace slope;
using namespace compare::conv;
using compare::slope_tensor;

namespace {

struct Layer {
  Case c;
  Tensor x = slope_tensor(x_values(c), c.x_shape()).requires_grad_();
  Tensor weight = slope_tensor(weight_values(c), c.weight_shape()).requires_grad_();
  Tensor bias = slope_tensor(bias_values(c), {c.out}).requires_grad_();
  Tensor grad = slope_tensor(grad_values(c), c.y_shape());

  Tensor forward() const {
    if (c.transposed) {
      const nn::ConvTransposeOptions o{.stride = c.stride, .padding = c.padding, .groups = c.groups};
      return F::conv_transpose2d(x, weight, bias, o);
    }
    const nn::ConvOptions o{.stride = c.stride, .padding = c.padding, .groups = c.groups};
    return c.dims == 1 ? F::conv1d(x, weight, bias, o) : F::conv2d(x, weight, bias, o);
  }
  void drop() const {
    for (const Tensor& t : {x, weight, bias}) t.zero_grad();
  }
};

compare::Work work_of(const Case& c, bool backward) {
  const auto layer = std::make_shared<Layer>(Layer{c});
  if (!backward) {
    const auto run = [=] {
      NoGradGuard no_grad;
      return layer->forward();
    };
    return {.run = [=] { (void)run(); }, .check = [=] { return compare::magnitude(run()); }};
  }
  const auto run = [=] { layer->forward().backward(layer->grad); };
  return {.run =
              [=] {
                run();
                layer->drop();
              },
          .check =
              [=] {
                run();
                const double sum = compare::magnitude(layer->x.grad()) + compare::magnitude(layer->weight.grad()) +
                                   compare::magnitude(layer->bias.grad());
                layer->drop();
                return sum;
              }};
}

const compare::Registered registered([] {
  for (const Case& c : cases())
    for (const bool backward : {false, true})
      compare::slope_works().add(name_of(c, backward), [=] { return work_of(c, backward); });
});

}  // namespace
