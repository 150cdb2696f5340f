#include <torch/torch.h>

#include "peak.h"

using torch::Tensor;

namespace {

void train(torch::nn::Sequential& net, std::int64_t batch, std::int64_t features, std::int64_t classes) {
  torch::optim::SGD sgd(net->parameters(), torch::optim::SGDOptions(0.01));
  const Tensor x = torch::randn({batch, features}), t = torch::randint(classes, {batch});
  for (int i = 0; i < 5; ++i) {
    sgd.zero_grad();
    torch::nn::functional::cross_entropy(net->forward(x), t).backward();
    sgd.step();
  }
}

void mlp() {
  torch::nn::Sequential net(torch::nn::Linear(784, 512), torch::nn::ReLU(), torch::nn::Linear(512, 256),
                            torch::nn::ReLU(), torch::nn::Linear(256, 10));
  train(net, 128, 784, 10);
}

void deep() {
  torch::nn::Sequential net;
  for (int i = 0; i < 20; ++i) {
    net->push_back(torch::nn::Linear(512, 512));
    net->push_back(torch::nn::ReLU());
  }
  train(net, 1024, 512, 512);
}

void chain() {
  const Tensor x = torch::randn({1'000'000}).requires_grad_();
  Tensor y = x;
  for (int i = 0; i < 20; ++i) y = y.tanh();
  y.sum().backward();
}

void attention() {
  std::vector<Tensor> qkv;
  for (int i = 0; i < 3; ++i) qkv.push_back(torch::randn({1, trainings::positions, trainings::width}).requires_grad_());
  const Tensor scores =
      torch::matmul(qkv[0] * (1 / std::sqrt(static_cast<double>(trainings::width))), qkv[1].transpose(-2, -1));
  torch::matmul(torch::softmax(scores, -1), qkv[2]).sum().backward();
}

}  // namespace

int main(int argc, char** argv) {
  return print_peak_of({{"mlp", mlp}, {"deep", deep}, {"chain", chain}, {"attention", attention}},
                       compare::net::torch_net, argc, argv);
}
