// Losses, forward and backward, at three sizes; and elementwise functions at a million.
#include <benchmark/benchmark.h>

#include "slope/nn/functional.h"
#include "slope/slope.h"

using namespace slope;

namespace {

template <class Loss>
void forward_and_backward(benchmark::State& state, const Loss& loss, bool probabilities) {
  set_num_threads(static_cast<int>(state.range(1)));
  const std::int64_t n = state.range(0);
  Generator g(1);
  Tensor x = probabilities ? rand({n}, {}, g) * 0.98 + 0.01 : randn({n}, {}, g);
  x = x.detach().requires_grad_();
  const Tensor t = (rand({n}, {}, g) > 0.5).to(float32);
  for (auto _ : state) {
    Tensor l = loss(x, t);
    l.backward();
    x.zero_grad();
  }
}

void mse(benchmark::State& s) {
  forward_and_backward(s, [](const Tensor& x, const Tensor& t) { return F::mse_loss(x, t); }, false);
}
void bce(benchmark::State& s) {
  forward_and_backward(s, [](const Tensor& x, const Tensor& t) { return F::binary_cross_entropy(x, t); }, true);
}
void bce_with_logits(benchmark::State& s) {
  forward_and_backward(s, [](const Tensor& x, const Tensor& t) { return F::binary_cross_entropy_with_logits(x, t); }, false);
}
void cross_entropy(benchmark::State& state) {
  set_num_threads(static_cast<int>(state.range(2)));
  Generator g(1);
  const Tensor x = randn({state.range(0), state.range(1)}, {}, g).requires_grad_();
  const Tensor t = randint(0, state.range(1), Shape{state.range(0)}, {}, g);
  for (auto _ : state) {
    Tensor l = F::cross_entropy(x, t);
    l.backward();
    x.zero_grad();
  }
}

template <class Op>
void elementwise(benchmark::State& state, const Op& op) {
  set_num_threads(static_cast<int>(state.range(0)));
  Generator g(1);
  const Tensor x = randn({1'000'000}, {}, g);
  for (auto _ : state) {
    Tensor y = op(x);
    benchmark::DoNotOptimize(y);
  }
}
void exp_1m(benchmark::State& s) {
  elementwise(s, [](const Tensor& x) { return exp(x); });
}
void sigmoid_1m(benchmark::State& s) {
  elementwise(s, [](const Tensor& x) { return sigmoid(x); });
}
void tanh_1m(benchmark::State& s) {
  elementwise(s, [](const Tensor& x) { return tanh(x); });
}

#define SLOPE_SIZES ->ArgsProduct({{100, 10'000, 1'000'000}, {1, 2}})->UseRealTime()
BENCHMARK(mse)->Name("slope/mse") SLOPE_SIZES;
BENCHMARK(bce)->Name("slope/bce") SLOPE_SIZES;
BENCHMARK(bce_with_logits)->Name("slope/bce_with_logits") SLOPE_SIZES;
#define SLOPE_ROWS ->Args({100, 3, 1})->Args({128, 10, 1})->Args({4096, 1000, 1})->Args({4096, 1000, 2})->Args({64, 32000, 1})->Args({64, 32000, 2})->UseRealTime()
BENCHMARK(cross_entropy)->Name("slope/cross_entropy") SLOPE_ROWS;
BENCHMARK(exp_1m)->Name("slope/exp_1m")->Arg(1)->Arg(2)->UseRealTime();
BENCHMARK(sigmoid_1m)->Name("slope/sigmoid_1m")->Arg(1)->Arg(2)->UseRealTime();
BENCHMARK(tanh_1m)->Name("slope/tanh_1m")->Arg(1)->Arg(2)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
