// A whole training from start to exit: XOR, 2-8-1, 500 steps of Adam.
#include "slope/slope.h"

using namespace slope;

struct Net : nn::Module {
  nn::Linear hidden = add("hidden", nn::Linear(2, 8));
  nn::Linear out = add("out", nn::Linear(8, 1));
  Tensor forward(const Tensor& x) override { return out(tanh(hidden(x))); }
};

int main() {
  manual_seed(0);
  const Tensor x = tensor({{0.0, 0.0}, {0.0, 1.0}, {1.0, 0.0}, {1.0, 1.0}});
  const Tensor y = tensor({0.0, 1.0, 1.0, 0.0}).unsqueeze(1);
  Net net;
  optim::Adam adam(net.parameters(), {.lr = 0.05});
  Tensor loss;
  for (int i = 0; i < 500; ++i) {
    adam.zero_grad();
    loss = F::binary_cross_entropy_with_logits(net(x), y);
    loss.backward();
    adam.step();
  }
  return loss.item<double>() < 0.05 ? 0 : 1;
}
