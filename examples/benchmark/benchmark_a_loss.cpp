// Benchmarks a loss of one's own, written as a lambda, beside the built-in ones. The flags of Google Benchmark apply:
//
//     benchmark_a_loss --benchmark_filter='n:10000$' --benchmark_repetitions=5
//
// The CMakeLists.txt beside it builds it against an installed slope.
#include <benchmark/benchmark.h>

#include <functional>
#include <string>

#include "slope/gradcheck.h"
#include "slope/pointwise.h"
#include "slope/slope.h"

using namespace slope;

namespace {

/// The loss that is to be measured: Geman and McClure's, which large errors hardly move.
const auto geman_mcclure = pointwise([](auto prediction, auto target) {
  auto squared = (prediction - target) * (prediction - target);
  return squared / (squared + 1.0);
});

using Loss = std::function<Tensor(const Tensor& prediction, const Tensor& target)>;

void forward_and_backward(benchmark::State& state, const Loss& loss) {
  const std::int64_t n = state.range(0);
  Generator generator(1);
  const Tensor target = randn({n}, {}, generator), prediction = randn({n}, {.requires_grad = true}, generator);
  for (auto _ : state) {
    loss(prediction, target).backward();
    prediction.zero_grad();
  }
  state.SetItemsProcessed(state.iterations() * n);
  state.SetBytesProcessed(state.iterations() * n * 3 * 4);  // two inputs read, one gradient written, all float32
}

}  // namespace

int main(int argc, char** argv) {
  const auto add = [](const std::string& name, const Loss& loss) {
    benchmark::RegisterBenchmark(name.c_str(), [loss](benchmark::State& state) { forward_and_backward(state, loss); })
        ->ArgName("n")
        ->RangeMultiplier(100)
        ->Range(100, 1'000'000);
  };
  add("geman_mcclure", [](const Tensor& p, const Tensor& t) { return geman_mcclure.mean(p, t); });
  add("mse_loss", [](const Tensor& p, const Tensor& t) { return F::mse_loss(p, t); });
  add("huber_loss", [](const Tensor& p, const Tensor& t) { return F::huber_loss(p, t); });
  autograd::require_gradcheck([](const auto& in) { return geman_mcclure(in[0], in[1]); },
                              {randn({5}, {.dtype = float64, .requires_grad = true}), randn({5}, {.dtype = float64})});
  set_num_threads(1);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  return benchmark::RunSpecifiedBenchmarks() > 0 ? 0 : 1;
}
