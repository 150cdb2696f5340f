#include "recurrence.h"
#include "torch_data.h"

using compare::recurrence::Case;
using torch::Tensor;

namespace {

template <class Layer, class Options>
compare::Work work_of(const Case& c, bool backward) {
  Layer layer(Options(c.in, c.hidden).num_layers(c.layers));
  std::size_t i = 0;
  for (const Tensor& p : layer->parameters()) {
    const std::vector<float> initial = c.parameter(i++, p.numel());
    std::copy(initial.begin(), initial.end(), p.template data_ptr<float>());
  }
  const Tensor x = compare::torch_tensor(c.input(), {c.steps, c.batch, c.in}).requires_grad_(backward);
  const Tensor g = compare::torch_tensor(c.upstream(), {c.steps, c.batch, c.hidden});
  const auto forward = [x, module = layer.ptr()] {
    torch::NoGradGuard no_grad;
    return std::get<0>(module->forward(x));
  };
  const auto both = [x, g, module = layer.ptr()] {
    for (const Tensor& p : module->parameters()) compare::drop_gradient(p);
    compare::drop_gradient(x);
    std::get<0>(module->forward(x)).backward(g);
  };
  if (!backward) return {.run = [=] { (void)forward(); }, .check = [=] { return compare::magnitude(forward()); }};
  return {.run = both, .check = [=, module = layer.ptr()] {
            both();
            double sum = compare::magnitude(x.grad());
            for (const Tensor& p : module->parameters()) sum += compare::magnitude(p.grad());
            return sum;
          }};
}

const compare::Registered registered([] {
  for (const Case& c : compare::recurrence::cases())
    for (const bool backward : {false, true})
      compare::torch_works().add(c.name() + (backward ? "/fwd+bwd" : "/fwd"), [=] {
        switch (c.gates()) {
          case 4: return work_of<torch::nn::LSTM, torch::nn::LSTMOptions>(c, backward);
          case 3: return work_of<torch::nn::GRU, torch::nn::GRUOptions>(c, backward);
          default: return work_of<torch::nn::RNN, torch::nn::RNNOptions>(c, backward);
        }
      });
});

}  // namespace
