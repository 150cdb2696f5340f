// README.md's first program.
#include <torch/torch.h>
#include <iostream>

int main() {
  torch::manual_seed(0);
  torch::Tensor x = torch::linspace(-1, 1, 64).unsqueeze(1), y = x * 3.0 - 0.5;
  torch::nn::Linear line(1, 1);
  torch::optim::SGD sgd(line->parameters(), 0.5);
  for (int i = 0; i < 100; ++i)
    sgd.step([&] {
      sgd.zero_grad();
      torch::Tensor l = torch::mse_loss(line(x), y);
      l.backward();
      return l;
    });
  std::cout << line->weight.detach() << " " << line->bias.detach() << "\n";
}
