#include <benchmark/benchmark.h>
#include <torch/torch.h>

namespace F = torch::nn::functional;

namespace {

struct FocalNet : torch::nn::Module {
  torch::nn::Linear fc1 = register_module("fc1", torch::nn::Linear(2, 4));
  torch::nn::Linear fc2 = register_module("fc2", torch::nn::Linear(4, 8));
  torch::nn::Linear fc3 = register_module("fc3", torch::nn::Linear(8, 1));
  torch::Tensor forward(const torch::Tensor& x) {
    return torch::sigmoid(fc3(torch::relu(fc2(torch::relu(fc1(x))))));
  }
};

void focal_composed(benchmark::State& state) {
  at::set_num_threads(1);
  torch::manual_seed(7);
  FocalNet net;
  torch::optim::Adam adam(net.parameters(), torch::optim::AdamOptions(0.01));
  const torch::Tensor data = torch::randn({6200, 2}) * 5, labels = (torch::rand({6200, 1}) > 0.97).to(torch::kFloat);
  const torch::Tensor order = torch::randperm(6200);
  std::int64_t at = 0;
  for (auto _ : state) {
    if (at + 100 > 6200) at = 0;
    const torch::Tensor index = order.narrow(0, at, 100);
    const torch::Tensor x = data.index_select(0, index), y = labels.index_select(0, index);
    at += 100;
    adam.zero_grad();
    const torch::Tensor p = net.forward(x);
    const torch::Tensor bce = F::binary_cross_entropy(p, y, F::BinaryCrossEntropyFuncOptions().reduction(torch::kNone));
    const torch::Tensor p_t = (y * p) + ((1 - y) * (1 - p));
    const torch::Tensor alpha_factor = y * 0.75 + (1 - y) * (1 - 0.75);
    const torch::Tensor focal = (alpha_factor * torch::pow(1.0 - p_t, 2.0) * bce).mean();
    torch::Tensor l2 = torch::zeros({}, torch::requires_grad()), l1 = torch::zeros({}, torch::requires_grad());
    for (const auto& item : net.named_parameters())
      if (item.key().find("bias") == std::string::npos) {
        l2 = l2 + (0.5 * 0.001 * torch::sum(torch::pow(item.value(), 2)));
        l1 = l1 + 0.001 * torch::sum(torch::abs(item.value()));
      }
    (focal + l2 + l1).backward();
    adam.step();
  }
}

void mlp_step(benchmark::State& state) {
  at::set_num_threads(static_cast<int>(state.range(0)));
  torch::manual_seed(7);
  torch::nn::Sequential net(torch::nn::Linear(784, 512), torch::nn::ReLU(), torch::nn::Linear(512, 256), torch::nn::ReLU(),
                            torch::nn::Linear(256, 10));
  torch::optim::SGD sgd(net->parameters(), torch::optim::SGDOptions(0.01).momentum(0.9));
  const torch::Tensor x = torch::randn({128, 784}), t = torch::randint(10, {128});
  for (auto _ : state) {
    sgd.zero_grad();
    F::cross_entropy(net->forward(x), t).backward();
    sgd.step();
  }
}

void adam_step(benchmark::State& state) {
  at::set_num_threads(static_cast<int>(state.range(1)));
  const std::int64_t tensors = state.range(0), total = 10'000'000;
  std::vector<torch::Tensor> params;
  for (std::int64_t i = 0; i < tensors; ++i) {
    params.push_back(torch::ones({total / tensors}, torch::requires_grad()));
    params.back().mutable_grad() = torch::full({total / tensors}, 0.1f);
  }
  torch::optim::Adam adam(params);
  for (auto _ : state) adam.step();
}

BENCHMARK(focal_composed)->Name("libtorch/focal_step/composed")->UseRealTime();
BENCHMARK(mlp_step)->Name("libtorch/mlp_step")->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(adam_step)->Name("libtorch/adam_10m")->ArgsProduct({{1, 100, 1000}, {1, 2}})->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
