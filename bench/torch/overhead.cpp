#include <benchmark/benchmark.h>
#include <torch/torch.h>

namespace {

constexpr int chain = 1000;

void forward_without_graph(benchmark::State& state) {
  torch::NoGradGuard no_grad;
  const torch::Tensor x = torch::ones({1});
  for (auto _ : state) {
    torch::Tensor y = x * x;
    benchmark::DoNotOptimize(y);
  }
}

void forward_with_graph(benchmark::State& state) {
  const torch::Tensor x = torch::ones({1}, torch::requires_grad()), c = torch::ones({1});
  for (auto _ : state) {
    torch::Tensor y = x;
    for (int i = 0; i < chain / 2; ++i) y = y * c + c;
    benchmark::DoNotOptimize(y);
  }
  state.SetItemsProcessed(state.iterations() * chain);
}

void forward_and_backward(benchmark::State& state) {
  torch::Tensor x = torch::ones({1}, torch::requires_grad()), c = torch::ones({1});
  for (auto _ : state) {
    torch::Tensor y = x;
    for (int i = 0; i < chain / 2; ++i) y = y * c + c;
    y.backward();
    x.mutable_grad() = torch::Tensor();
  }
  state.SetItemsProcessed(state.iterations() * chain);
}

BENCHMARK(forward_without_graph)->Name("libtorch/op/forward_without_graph");
BENCHMARK(forward_with_graph)->Name("libtorch/op/forward_with_graph_x1000");
BENCHMARK(forward_and_backward)->Name("libtorch/op/forward_and_backward_x1000");

}  // namespace
