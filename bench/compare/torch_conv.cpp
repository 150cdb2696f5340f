#include "conv.h"
#include "torch_data.h"

using namespace compare::conv;
using compare::torch_tensor;
using torch::Tensor;

namespace {

struct Layer {
  Case c;
  Tensor x = torch_tensor(x_values(c), c.x_shape()).requires_grad_();
  Tensor weight = torch_tensor(weight_values(c), c.weight_shape()).requires_grad_();
  Tensor bias = torch_tensor(bias_values(c), {c.out}).requires_grad_();
  Tensor grad = torch_tensor(grad_values(c), c.y_shape());

  Tensor forward() const {
    if (c.transposed) return torch::conv_transpose2d(x, weight, bias, c.stride, c.padding, 0, c.groups);
    return c.dims == 1 ? torch::conv1d(x, weight, bias, c.stride, c.padding, 1, c.groups)
                       : torch::conv2d(x, weight, bias, c.stride, c.padding, 1, c.groups);
  }
  void drop() const {
    for (const Tensor& t : {x, weight, bias}) compare::drop_gradient(t);
  }
};

compare::Work work_of(const Case& c, bool backward) {
  const auto layer = std::make_shared<Layer>(Layer{c});
  if (!backward) {
    const auto run = [=] {
      torch::NoGradGuard no_grad;
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
      compare::torch_works().add(name_of(c, backward), [=] { return work_of(c, backward); });
});

}  // namespace
