// CTC and the adaptive softmax, forward and backward.
#include <benchmark/benchmark.h>

#include "slope/slope.h"

using namespace slope;

namespace {

/// T, N, C, labels a sequence, threads.
void ctc(benchmark::State& state) {
  const std::int64_t steps = state.range(0), size = state.range(1), classes = state.range(2), labels = state.range(3);
  set_num_threads(static_cast<int>(state.range(4)));
  Generator g(1);
  const Tensor x = log_softmax(randn({steps, size, classes}, {}, g), -1).detach().requires_grad_();
  const Tensor t = randint(1, classes, {size, labels}, {}, g);
  const std::vector<std::int64_t> input_lengths(static_cast<std::size_t>(size), steps),
      target_lengths(static_cast<std::size_t>(size), labels);
  for (auto _ : state) {
    F::ctc_loss(x, t, input_lengths, target_lengths).backward();
    x.zero_grad();
  }
}

/// 128 rows of 256 features, 10,000 classes; threads.
void adaptive_softmax(benchmark::State& state) {
  set_num_threads(static_cast<int>(state.range(0)));
  Generator g(1);
  nn::AdaptiveLogSoftmaxWithLoss softmax(256, 10000, {1000, 4000});
  const Tensor x = randn({128, 256}, {}, g).requires_grad_();
  const Tensor t = randint(0, 10000, Shape{128}, {}, g);
  for (auto _ : state) {
    softmax(x, t).loss.backward();
    x.zero_grad();
    softmax.zero_grad();
  }
}

#define SLOPE_CTC ->Args({50, 16, 20, 15, 1})->Args({50, 16, 20, 15, 2})->Args({500, 8, 1000, 60, 1})->UseRealTime()
BENCHMARK(ctc)->Name("slope/ctc") SLOPE_CTC;
BENCHMARK(adaptive_softmax)->Name("slope/adaptive_softmax")->Arg(1)->Arg(2)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
