#include <memory>
#include <vector>

#include "harness.h"
#include "layer_pool.h"

// The memory traffic of the same layers: the input is read and a result of the same size as theirs is written, with as little arithmetic as
// fills it; backward the other way round.

using namespace compare::layer_pool;

namespace {

/// Sums of pairs of rows and columns: what 2x2 pooling needs at least.
void halve(const float* x, float* y, std::int64_t rows) {
  const std::int64_t half = size / 2;
#pragma omp parallel for num_threads(compare::limit_threads())
  for (std::int64_t r = 0; r < rows / 2; ++r)
    for (std::int64_t i = 0; i < half; ++i) {
      const float* a = x + 2 * r * size + 2 * i;
      y[r * half + i] = 0.25f * (a[0] + a[1] + a[size] + a[size + 1]);
    }
}
void double_up(const float* y, float* x, std::int64_t rows) {
  const std::int64_t half = size / 2;
#pragma omp parallel for num_threads(compare::limit_threads())
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t i = 0; i < half; ++i) x[r * size + 2 * i] = x[r * size + 2 * i + 1] = 0.25f * y[r / 2 * half + i];
}

compare::Work avg_pool(const Layer& l, bool backward) {
  const std::int64_t rows = l.batch * channels * size;
  struct Data {
    std::vector<float> x, g, y, dx;
  };
  const auto d = std::make_shared<Data>(Data{input(l), gradient(l), std::vector<float>(gradient(l).size()), {}});
  d->dx.resize(d->x.size());
  const auto run = [=] {
    halve(d->x.data(), d->y.data(), rows);
    if (backward) double_up(d->g.data(), d->dx.data(), rows);
  };
  return {.run = run, .check = [=] {
            run();
            const auto& result = backward ? d->dx : d->y;
            return compare::magnitude(result.data(), static_cast<std::int64_t>(result.size()));
          }};
}

const compare::Registered registered([] {
  for (const Layer& l : layers())
    if (l.kind == Kind::avg_pool)
      for (const bool backward : {false, true})
        compare::limit_works().add(name_of(l, backward), [=] { return avg_pool(l, backward); });
});

}  // namespace
