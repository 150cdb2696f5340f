#include <torch/torch.h>

struct Net : torch::nn::Module {
  torch::nn::Linear hidden = register_module("hidden", torch::nn::Linear(2, 8));
  torch::nn::Linear out = register_module("out", torch::nn::Linear(8, 1));
  torch::Tensor forward(const torch::Tensor& x) { return out(torch::tanh(hidden(x))); }
};

int main() {
  torch::manual_seed(0);
  const torch::Tensor x = torch::tensor({{0.0F, 0.0F}, {0.0F, 1.0F}, {1.0F, 0.0F}, {1.0F, 1.0F}});
  const torch::Tensor y = torch::tensor({0.0F, 1.0F, 1.0F, 0.0F}).unsqueeze(1);
  Net net;
  torch::optim::Adam adam(net.parameters(), 0.05);
  torch::Tensor loss;
  for (int i = 0; i < 500; ++i) {
    adam.zero_grad();
    loss = torch::binary_cross_entropy_with_logits(net.forward(x), y);
    loss.backward();
    adam.step();
  }
  return loss.item<double>() < 0.05 ? 0 : 1;
}
