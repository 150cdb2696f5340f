// Whole training steps: the focal job's, a small MLP's, and Adam's alone.
#include <benchmark/benchmark.h>

#include "slope/autograd/ops/pointwise.h"
#include "slope/slope.h"

using namespace slope;

namespace {

struct FocalNet : nn::Module {
  nn::Linear fc1 = add("fc1", nn::Linear(2, 4));
  nn::Linear fc2 = add("fc2", nn::Linear(4, 8));
  nn::Linear fc3 = add("fc3", nn::Linear(8, 1));
  Tensor forward(const Tensor& x) override { return sigmoid(fc3(relu(fc2(relu(fc1(x)))))); }
};

/// The tutorial's loss and penalties, written out in some 90 operations.
Tensor composed_objective(nn::Module& net, const Tensor& p, const Tensor& y) {
  const Tensor bce = F::binary_cross_entropy(p, y, {.reduction = Reduction::none});
  const Tensor p_t = (y * p) + ((1 - y) * (1 - p));
  const Tensor alpha_factor = y * 0.75 + (1 - y) * (1 - 0.75);
  const Tensor focal = (alpha_factor * pow(1.0 - p_t, 2.0) * bce).mean();
  Tensor l2 = tensor(0.0, {.requires_grad = true}), l1 = tensor(0.0, {.requires_grad = true});
  for (const auto& [name, w] : net.named_parameters())
    if (name.find("bias") == std::string::npos) {
      l2 = l2 + (0.5 * 0.001 * sum(pow(w, 2.0)));
      l1 = l1 + 0.001 * sum(abs(w));
    }
  return focal + l2 + l1;
}

template <class Objective>
void focal_step(benchmark::State& state, const Objective& objective) {
  set_num_threads(1);
  manual_seed(7);
  Generator g(1);
  const data::Rings rings = data::two_rings(200, 6000, g);
  data::DataLoader loader(data::TensorDataset(rings.x, rings.y), {.batch_size = 100, .shuffle = true, .seed = 1});
  FocalNet net;
  optim::Adam adam(net.parameters(), {.lr = 0.01});
  auto batch = loader.begin();
  for (auto _ : state) {
    if (batch == loader.end()) batch = loader.begin();
    adam.zero_grad();
    Tensor loss = objective(net, net(batch->x()), batch->y());
    loss.backward();
    adam.step();
    ++batch;
  }
}

void focal_composed(benchmark::State& s) { focal_step(s, composed_objective); }

void focal_fused(benchmark::State& s) {
  const auto focal = pointwise([](auto p, auto y) {
    auto p_t = y * p + (1.0 - y) * (1.0 - p);
    return (y * 0.75 + (1.0 - y) * 0.25) * pow(1.0 - p_t, 2.0) * -(y * log(p) + (1.0 - y) * log(1.0 - p));
  });
  focal_step(s, [&](nn::Module& net, const Tensor& p, const Tensor& y) {
    return focal.mean(p, y) + nn::l2_penalty(net, 0.001) + nn::l1_penalty(net, 0.001);
  });
}

void focal_built_in(benchmark::State& s) {
  focal_step(s, [](nn::Module& net, const Tensor& p, const Tensor& y) {
    return F::focal_loss(p, y) + nn::l2_penalty(net, 0.001) + nn::l1_penalty(net, 0.001);
  });
}

void mlp_step(benchmark::State& state) {
  set_num_threads(static_cast<int>(state.range(0)));
  manual_seed(7);
  Generator g(1);
  nn::Sequential net(nn::Linear(784, 512), nn::ReLU(), nn::Linear(512, 256), nn::ReLU(), nn::Linear(256, 10));
  optim::SGD sgd(net.parameters(), {.lr = 0.01, .momentum = 0.9});
  const Tensor x = randn({128, 784}, {}, g), t = randint(0, 10, Shape{128}, {}, g);
  for (auto _ : state) {
    sgd.zero_grad();
    F::cross_entropy(net(x), t).backward();
    sgd.step();
  }
}

void adam_step(benchmark::State& state) {
  set_num_threads(static_cast<int>(state.range(1)));
  const std::int64_t tensors = state.range(0), total = 10'000'000;
  std::vector<Tensor> params;
  for (std::int64_t i = 0; i < tensors; ++i) {
    params.push_back(ones({total / tensors}, {.requires_grad = true}));
    params.back().set_grad(full({total / tensors}, 0.1));
  }
  optim::Adam adam(params);
  for (auto _ : state) adam.step();
}

BENCHMARK(focal_composed)->Name("slope/focal_step/composed")->UseRealTime();
BENCHMARK(focal_fused)->Name("slope/focal_step/pointwise")->UseRealTime();
BENCHMARK(focal_built_in)->Name("slope/focal_step/built_in")->UseRealTime();
BENCHMARK(mlp_step)->Name("slope/mlp_step")->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(adam_step)->Name("slope/adam_10m")->ArgsProduct({{1, 100, 1000}, {1, 2}})->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
