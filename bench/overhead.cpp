// What an operation costs beside its arithmetic, for use while working on it: bench_compare is for figures beside those
// of others.
#include <benchmark/benchmark.h>

#include "slope/autograd.h"

using namespace slope;

namespace {

constexpr int chain = 1000;

void forward_without_graph(benchmark::State& state) {
  const Tensor x = full({1}, 1.0);
  for (auto _ : state) {
    Tensor y = x * x;
    benchmark::DoNotOptimize(y);
  }
}

void forward_with_graph(benchmark::State& state) {
  const Tensor x = full({1}, 1.0, {.requires_grad = true}), c = full({1}, 1.0);
  for (auto _ : state) {
    Tensor y = x;
    for (int i = 0; i < chain / 2; ++i) y = y * c + c;
    benchmark::DoNotOptimize(y);
  }
  state.SetItemsProcessed(state.iterations() * chain);
}

void forward_and_backward(benchmark::State& state) {
  const Tensor x = full({1}, 1.0, {.requires_grad = true}), c = full({1}, 1.0);
  for (auto _ : state) {
    Tensor y = x;
    for (int i = 0; i < chain / 2; ++i) y = y * c + c;
    y.backward();
    x.zero_grad();
  }
  state.SetItemsProcessed(state.iterations() * chain);
}

BENCHMARK(forward_without_graph)->Name("op/forward_without_graph");
BENCHMARK(forward_with_graph)->Name("op/forward_with_graph_x1000");
BENCHMARK(forward_and_backward)->Name("op/forward_and_backward_x1000");

}  // namespace

BENCHMARK_MAIN();
