#include <benchmark/benchmark.h>
#include <torch/torch.h>

#include <vector>

namespace F = torch::nn::functional;

namespace {

template <class Loss>
void matrices(benchmark::State& state, int count, const Loss& loss) {
  at::set_num_threads(static_cast<int>(state.range(2)));
  torch::manual_seed(1);
  std::vector<torch::Tensor> x;
  for (int i = 0; i < count; ++i) x.push_back(torch::randn({state.range(0), state.range(1)}).requires_grad_());
  for (auto _ : state) {
    loss(x).backward();
    for (torch::Tensor& t : x) t.mutable_grad() = torch::Tensor();
  }
}
torch::Tensor alternating(const benchmark::State& s) {
  return torch::arange(s.range(0) * s.range(1)).remainder(2).to(torch::kFloat).reshape({s.range(0), s.range(1)});
}

void cosine_embedding(benchmark::State& s) {
  const torch::Tensor t = (torch::arange(s.range(0)).remainder(2) * 2 - 1).to(torch::kFloat);
  matrices(s, 2, [&](const auto& x) { return F::cosine_embedding_loss(x[0], x[1], t); });
}
void cosine_similarity(benchmark::State& s) {
  matrices(s, 2, [](const auto& x) { return F::cosine_similarity(x[0], x[1]).sum(); });
}
void pairwise_distance(benchmark::State& s) {
  matrices(s, 2, [](const auto& x) { return F::pairwise_distance(x[0], x[1]).sum(); });
}
void triplet_margin(benchmark::State& s) {
  matrices(s, 3, [](const auto& x) { return F::triplet_margin_loss(x[0], x[1], x[2]); });
}
void triplet_margin_swap(benchmark::State& s) {
  const auto options = F::TripletMarginLossFuncOptions().swap(true);
  matrices(s, 3, [&](const auto& x) { return F::triplet_margin_loss(x[0], x[1], x[2], options); });
}
void multi_margin(benchmark::State& s) {
  const torch::Tensor t = torch::arange(s.range(0)).remainder(s.range(1));
  matrices(s, 1, [&](const auto& x) { return F::multi_margin_loss(x[0], t); });
}
void multi_margin_squared(benchmark::State& s) {
  const torch::Tensor t = torch::arange(s.range(0)).remainder(s.range(1));
  const auto options = F::MultiMarginLossFuncOptions().p(2);
  matrices(s, 1, [&](const auto& x) { return F::multi_margin_loss(x[0], t, options); });
}
void multilabel_margin(benchmark::State& s) {
  const std::int64_t labels = std::min<std::int64_t>(5, s.range(1) - 1);
  const torch::Tensor t = torch::full({s.range(0), s.range(1)}, -1, torch::kLong);
  t.slice(1, 0, labels).copy_(torch::arange(labels).expand({s.range(0), labels}));
  matrices(s, 1, [&](const auto& x) { return F::multilabel_margin_loss(x[0], t); });
}
void multilabel_soft_margin(benchmark::State& s) {
  const torch::Tensor t = alternating(s);
  matrices(s, 1, [&](const auto& x) { return F::multilabel_soft_margin_loss(x[0], t); });
}

#define SLOPE_VECTORS         \
  ->Args({10, 10, 1})         \
      ->Args({128, 64, 1})    \
      ->Args({1024, 256, 1})  \
      ->Args({1024, 256, 2})  \
      ->Args({1, 1000000, 2}) \
      ->UseRealTime()
#define SLOPE_CLASSES \
  ->Args({100, 3, 1})->Args({128, 10, 1})->Args({4096, 1000, 1})->Args({4096, 1000, 2})->UseRealTime()
BENCHMARK(cosine_embedding)->Name("libtorch/cosine_embedding") SLOPE_VECTORS;
BENCHMARK(cosine_similarity)->Name("libtorch/cosine_similarity") SLOPE_VECTORS;
BENCHMARK(pairwise_distance)->Name("libtorch/pairwise_distance") SLOPE_VECTORS;
BENCHMARK(triplet_margin)->Name("libtorch/triplet_margin") SLOPE_VECTORS;
BENCHMARK(triplet_margin_swap)->Name("libtorch/triplet_margin_swap") SLOPE_VECTORS;
BENCHMARK(multi_margin)->Name("libtorch/multi_margin") SLOPE_CLASSES;
BENCHMARK(multi_margin_squared)->Name("libtorch/multi_margin_squared") SLOPE_CLASSES;
BENCHMARK(multilabel_margin)->Name("libtorch/multilabel_margin") SLOPE_CLASSES;
BENCHMARK(multilabel_soft_margin)->Name("libtorch/multilabel_soft_margin") SLOPE_CLASSES;

}  // namespace
