#include <torch/torch.h>

#include "startup/mark.h"

int main() {
  torch::nn::Linear line(16, 1);
  torch::optim::SGD sgd(line->parameters(), 0.1);
  torch::mse_loss(line(torch::ones({64, 16})), torch::zeros({64, 1})).backward();
  sgd.step();
  mark();
  return line->weight.grad().defined() ? 0 : 1;
}
