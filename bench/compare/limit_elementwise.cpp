// One loop each, into memory that is there; the compiler vectorises exponentials and the like with the C library's
// functions.
#include <algorithm>
#include <cmath>
#include <map>
#include <memory>

#include "elementwise.h"
#include "harness.h"

using namespace compare::elementwise;

namespace {

struct Buffers {
  std::vector<float> x, other, y;
  double result = 0;
};

using Loop = void (*)(const float* x, const float* other, float* y, std::int64_t n);

template <class F>
void map_all(const float* x, const float* other, float* y, std::int64_t n, const F& f) {
#pragma omp parallel for simd num_threads(compare::limit_threads())
  for (std::int64_t i = 0; i < n; ++i) y[i] = f(x[i], other[i]);
}

double sum(const float* x, std::int64_t n) {
  double total = 0;
#pragma omp parallel for simd num_threads(compare::limit_threads()) reduction(+ : total)
  for (std::int64_t i = 0; i < n; ++i) total += static_cast<double>(x[i]);
  return total;
}

const std::map<std::string, Loop>& loops() {
#define LOOP(formula)                                                                          \
  [](const float* xs, const float* others, float* ys, std::int64_t n) {                        \
    map_all(xs, others, ys, n, [](float x, [[maybe_unused]] float other) { return formula; }); \
  }
  static const std::map<std::string, Loop> all = {
      {"exp", LOOP(std::exp(x))},     {"sigmoid", LOOP(1 / (1 + std::exp(-x)))},
      {"tanh", LOOP(std::tanh(x))},   {"relu", LOOP(std::max(x, 0.f))},
      {"add", LOOP(x + other)},       {"log", LOOP(std::log(x))},
      {"log1p", LOOP(std::log1p(x))}, {"expm1", LOOP(std::expm1(x))},
      {"erf", LOOP(std::erf(x))},
  };
#undef LOOP
  return all;
}

compare::Work work_of(const Op& op, std::int64_t n, bool in_place) {
  const auto b = std::make_shared<Buffers>(Buffers{input(op, n), input(op, n, true), {}});
  if (op.name == std::string("sum"))
    return {.run = [=] { b->result = sum(b->x.data(), n); }, .check = [=] { return std::abs(sum(b->x.data(), n)); }};
  b->y = b->x;
  const Loop loop = loops().at(op.name);
  const float* from = in_place ? b->y.data() : b->x.data();
  const auto run = [=] { loop(from, b->other.data(), b->y.data(), n); };
  const auto check = [=] {
    run();
    return compare::magnitude(b->y);
  };
  if (!in_place) return {.run = run, .check = check};
  return {.run = run, .check = check, .before = [=] { std::copy(b->x.begin(), b->x.end(), b->y.begin()); }};
}

const compare::Registered registered([] {
  for (const Op& op : ops())
    for (const std::int64_t n : op.sizes) {
      compare::limit_works().add(name_of(op, n, false), [=] { return work_of(op, n, false); });
      if (op.in_place) compare::limit_works().add(name_of(op, n, true), [=] { return work_of(op, n, true); });
    }
});

}  // namespace
