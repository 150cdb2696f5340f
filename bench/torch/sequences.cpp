#include <benchmark/benchmark.h>
#include <torch/torch.h>

namespace F = torch::nn::functional;

namespace {

void ctc(benchmark::State& state) {
  const std::int64_t steps = state.range(0), size = state.range(1), classes = state.range(2), labels = state.range(3);
  at::set_num_threads(static_cast<int>(state.range(4)));
  torch::manual_seed(1);
  torch::Tensor x = torch::log_softmax(torch::randn({steps, size, classes}), -1).detach().requires_grad_();
  const torch::Tensor t = torch::randint(1, classes, {size, labels});
  const torch::Tensor input_lengths = torch::full({size}, steps, torch::kLong),
                      target_lengths = torch::full({size}, labels, torch::kLong);
  for (auto _ : state) {
    F::ctc_loss(x, t, input_lengths, target_lengths).backward();
    x.mutable_grad() = torch::Tensor();
  }
}

void adaptive_softmax(benchmark::State& state) {
  at::set_num_threads(static_cast<int>(state.range(0)));
  torch::manual_seed(1);
  torch::nn::AdaptiveLogSoftmaxWithLoss softmax(torch::nn::AdaptiveLogSoftmaxWithLossOptions(256, 10000, {1000, 4000}));
  torch::Tensor x = torch::randn({128, 256}).requires_grad_();
  const torch::Tensor t = torch::randint(10000, {128});
  for (auto _ : state) {
    (-softmax(x, t).output.mean()).backward();  // its loss is a number without a graph
    x.mutable_grad() = torch::Tensor();
    softmax->zero_grad();
  }
}

#define SLOPE_CTC ->Args({50, 16, 20, 15, 1})->Args({50, 16, 20, 15, 2})->Args({500, 8, 1000, 60, 1})->UseRealTime()
BENCHMARK(ctc)->Name("libtorch/ctc") SLOPE_CTC;
BENCHMARK(adaptive_softmax)->Name("libtorch/adaptive_softmax")->Arg(1)->Arg(2)->UseRealTime();

}  // namespace
