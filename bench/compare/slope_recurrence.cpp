#include "recurrence.h"
#include "slope_data.h"

using namespace slope;
using compare::recurrence::Case;

namespace {

template <class Layer>
compare::Work work_of(const Case& c, bool backward) {
  const auto layer = std::make_shared<Layer>(c.in, c.hidden, nn::RecurrentOptions{.num_layers = c.layers});
  std::size_t i = 0;
  for (const Tensor& p : layer->parameters()) {
    const std::vector<float> initial = c.parameter(i++, p.numel());
    std::copy(initial.begin(), initial.end(), p.template data_ptr<float>());
  }
  const Tensor x = compare::slope_tensor(c.input(), {c.steps, c.batch, c.in}).requires_grad_(backward);
  const Tensor g = compare::slope_tensor(c.upstream(), {c.steps, c.batch, c.hidden});
  const auto forward = [=] {
    NoGradGuard no_grad;
    return (*layer)(x).first;
  };
  const auto both = [=] {
    layer->zero_grad();
    x.zero_grad(true);
    (*layer)(x).first.backward(g);
  };
  if (!backward) return {.run = [=] { (void)forward(); }, .check = [=] { return compare::magnitude(forward()); }};
  return {.run = both, .check = [=] {
            both();
            double sum = compare::magnitude(x.grad());
            for (const Tensor& p : layer->parameters()) sum += compare::magnitude(p.grad());
            return sum;
          }};
}

const compare::Registered registered([] {
  for (const Case& c : compare::recurrence::cases())
    for (const bool backward : {false, true})
      compare::slope_works().add(c.name() + (backward ? "/fwd+bwd" : "/fwd"), [=] {
        return c.gates() == 4 ? work_of<nn::LSTM>(c, backward) : work_of<nn::GRU>(c, backward);
      });
});

}  // namespace
