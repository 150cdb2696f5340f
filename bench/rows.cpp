// Losses over rows: pairs and triples of vectors, class scores. Forward and backward.
#include <benchmark/benchmark.h>

#include <vector>

#include "slope/nn/functional.h"
#include "slope/slope.h"

using namespace slope;

namespace {

/// `loss` of matrices of this size; the last argument is the number of threads.
template <class Loss>
void matrices(benchmark::State& state, int count, const Loss& loss) {
  set_num_threads(static_cast<int>(state.range(2)));
  Generator g(1);
  std::vector<Tensor> x;
  for (int i = 0; i < count; ++i) x.push_back(randn({state.range(0), state.range(1)}, {}, g).requires_grad_());
  for (auto _ : state) {
    loss(x).backward();
    for (Tensor& t : x) t.zero_grad();
  }
}

void cosine_embedding(benchmark::State& s) {
  const Tensor t = (arange(s.range(0)) % 2 * 2 - 1).to(float32);
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
  matrices(s, 3, [](const auto& x) { return F::triplet_margin_loss(x[0], x[1], x[2], {.swap = true}); });
}
void dice(benchmark::State& s) {
  const Tensor t = (arange(s.range(0) * s.range(1)) % 2).to(float32).reshape({s.range(0), s.range(1)});
  matrices(s, 1, [&](const auto& x) { return F::dice_loss(x[0], t); });
}
void multi_margin(benchmark::State& s) {
  const Tensor t = arange(s.range(0)) % s.range(1);
  matrices(s, 1, [&](const auto& x) { return F::multi_margin_loss(x[0], t); });
}
void multi_margin_squared(benchmark::State& s) {
  const Tensor t = arange(s.range(0)) % s.range(1);
  matrices(s, 1, [&](const auto& x) { return F::multi_margin_loss(x[0], t, {.p = 2}); });
}
void multilabel_margin(benchmark::State& s) {
  const std::int64_t labels = std::min<std::int64_t>(5, s.range(1) - 1);
  const Tensor t = full({s.range(0), s.range(1)}, -1);
  t.slice(1, 0, labels).copy_(arange(labels).expand({s.range(0), labels}));
  matrices(s, 1, [&](const auto& x) { return F::multilabel_margin_loss(x[0], t); });
}
void multilabel_soft_margin(benchmark::State& s) {
  const Tensor t = (arange(s.range(0) * s.range(1)) % 2).to(float32).reshape({s.range(0), s.range(1)});
  matrices(s, 1, [&](const auto& x) { return F::multilabel_soft_margin_loss(x[0], t); });
}
void bce_with_logits(benchmark::State& s) {
  const Tensor t = (arange(s.range(0) * s.range(1)) % 2).to(float32).reshape({s.range(0), s.range(1)});
  matrices(s, 1, [&](const auto& x) { return F::binary_cross_entropy_with_logits(x[0], t); });
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
BENCHMARK(cosine_embedding)->Name("slope/cosine_embedding") SLOPE_VECTORS;
BENCHMARK(cosine_similarity)->Name("slope/cosine_similarity") SLOPE_VECTORS;
BENCHMARK(pairwise_distance)->Name("slope/pairwise_distance") SLOPE_VECTORS;
BENCHMARK(triplet_margin)->Name("slope/triplet_margin") SLOPE_VECTORS;
BENCHMARK(triplet_margin_swap)->Name("slope/triplet_margin_swap") SLOPE_VECTORS;
BENCHMARK(dice)->Name("slope/dice") SLOPE_VECTORS;
BENCHMARK(multi_margin)->Name("slope/multi_margin") SLOPE_CLASSES;
BENCHMARK(multi_margin_squared)->Name("slope/multi_margin_squared") SLOPE_CLASSES;
BENCHMARK(multilabel_margin)->Name("slope/multilabel_margin") SLOPE_CLASSES;
BENCHMARK(multilabel_soft_margin)->Name("slope/multilabel_soft_margin") SLOPE_CLASSES;
BENCHMARK(bce_with_logits)->Name("slope/bce_with_logits_of_rows") SLOPE_CLASSES;

}  // namespace

BENCHMARK_MAIN();
