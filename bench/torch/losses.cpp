#include <benchmark/benchmark.h>
#include <torch/torch.h>

namespace F = torch::nn::functional;

namespace {

template <class Loss>
void forward_and_backward(benchmark::State& state, const Loss& loss, bool probabilities) {
  at::set_num_threads(static_cast<int>(state.range(1)));
  const std::int64_t n = state.range(0);
  torch::manual_seed(1);
  torch::Tensor x = probabilities ? torch::rand({n}) * 0.98 + 0.01 : torch::randn({n});
  x = x.detach().requires_grad_();
  const torch::Tensor t = (torch::rand({n}) > 0.5).to(torch::kFloat);
  for (auto _ : state) {
    loss(x, t).backward();
    x.mutable_grad() = torch::Tensor();
  }
}

void mse(benchmark::State& s) {
  forward_and_backward(s, [](auto& x, auto& t) { return F::mse_loss(x, t); }, false);
}
void bce(benchmark::State& s) {
  forward_and_backward(s, [](auto& x, auto& t) { return F::binary_cross_entropy(x, t); }, true);
}
void bce_with_logits(benchmark::State& s) {
  forward_and_backward(s, [](auto& x, auto& t) { return F::binary_cross_entropy_with_logits(x, t); }, false);
}
void cross_entropy(benchmark::State& state) {
  at::set_num_threads(static_cast<int>(state.range(2)));
  torch::manual_seed(1);
  torch::Tensor x = torch::randn({state.range(0), state.range(1)}).requires_grad_();
  const torch::Tensor t = torch::randint(state.range(1), {state.range(0)});
  for (auto _ : state) {
    F::cross_entropy(x, t).backward();
    x.mutable_grad() = torch::Tensor();
  }
}

template <class Op>
void elementwise(benchmark::State& state, const Op& op) {
  at::set_num_threads(static_cast<int>(state.range(0)));
  torch::NoGradGuard no_grad;
  const torch::Tensor x = torch::randn({1'000'000});
  for (auto _ : state) {
    torch::Tensor y = op(x);
    benchmark::DoNotOptimize(y);
  }
}
void exp_1m(benchmark::State& s) {
  elementwise(s, [](auto& x) { return x.exp(); });
}
void sigmoid_1m(benchmark::State& s) {
  elementwise(s, [](auto& x) { return x.sigmoid(); });
}
void tanh_1m(benchmark::State& s) {
  elementwise(s, [](auto& x) { return x.tanh(); });
}

#define SLOPE_SIZES ->ArgsProduct({{100, 10'000, 1'000'000}, {1, 2}})->UseRealTime()
BENCHMARK(mse)->Name("libtorch/mse") SLOPE_SIZES;
BENCHMARK(bce)->Name("libtorch/bce") SLOPE_SIZES;
BENCHMARK(bce_with_logits)->Name("libtorch/bce_with_logits") SLOPE_SIZES;
#define SLOPE_ROWS ->Args({100, 3, 1})->Args({128, 10, 1})->Args({4096, 1000, 1})->Args({4096, 1000, 2})->Args({64, 32000, 1})->Args({64, 32000, 2})->UseRealTime()
BENCHMARK(cross_entropy)->Name("libtorch/cross_entropy") SLOPE_ROWS;
BENCHMARK(exp_1m)->Name("libtorch/exp_1m")->Arg(1)->Arg(2)->UseRealTime();
BENCHMARK(sigmoid_1m)->Name("libtorch/sigmoid_1m")->Arg(1)->Arg(2)->UseRealTime();
BENCHMARK(tanh_1m)->Name("libtorch/tanh_1m")->Arg(1)->Arg(2)->UseRealTime();

}  // namespace
