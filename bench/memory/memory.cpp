// memory CASE: prints how many megabytes a training takes at most beyond those of the program when it starts.

#include "peak.h"
#include "slope/slope.h"

using namespace slope;

namespace {

void train(nn::Sequential& net, std::int64_t batch, std::int64_t features, std::int64_t classes) {
  optim::SGD sgd(net.parameters(), {.lr = 0.01});
  const Tensor x = randn({batch, features}), t = randint(0, classes, Shape{batch});
  for (int i = 0; i < 5; ++i) {
    sgd.zero_grad();
    F::cross_entropy(net(x), t).backward();
    sgd.step();
  }
}

void mlp() {
  nn::Sequential net(nn::Linear(784, 512), nn::ReLU(), nn::Linear(512, 256), nn::ReLU(), nn::Linear(256, 10));
  train(net, 128, 784, 10);
}

void deep() {
  nn::Sequential net;
  for (int i = 0; i < 20; ++i) {
    net.push_back(nn::Linear(512, 512));
    net.push_back(nn::ReLU());
  }
  train(net, 1024, 512, 512);
}

void chain() {
  const Tensor x = randn({1'000'000}).requires_grad_();
  Tensor y = x;
  for (int i = 0; i < 20; ++i) y = tanh(y);
  y.sum().backward();
}

void attention() {
  std::vector<Tensor> qkv;
  for (int i = 0; i < 3; ++i) qkv.push_back(randn({1, trainings::positions, trainings::width}).requires_grad_());
  F::scaled_dot_product_attention(qkv[0], qkv[1], qkv[2]).sum().backward();
}

}  // namespace

int main(int argc, char** argv) {
  return print_peak_of({{"mlp", mlp}, {"deep", deep}, {"chain", chain}, {"attention", attention}},
                       compare::net::slope_net, argc, argv);
}
