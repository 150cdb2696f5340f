#include "recurrence.h"
#include "slope_data.h"

using namespace slope;
using compare::recurrence::Case;

namespace {

template <class Layer, class Options>
compare::Work work_of(const Case& c, bool backward) {
  const auto layer = std::make_shared<Layer>(c.in, c.hidden, Options{.num_layers = c.layers});
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
        switch (c.gates()) {
          case 4: return work_of<nn::LSTM, nn::LSTMOptions>(c, backward);
          case 3: return work_of<nn::GRU, nn::GRUOptions>(c, backward);
          default: return work_of<nn::RNN, nn::RNNOptions>(c, backward);
        }
      });
});

}  // namespace
