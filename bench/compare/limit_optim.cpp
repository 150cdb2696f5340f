// One fused loop over all parameters, however they are split.
#include <algorithm>
#include <cmath>
#include <memory>

#include "harness.h"
#include "optim.h"

namespace setup = compare::optim;

namespace {

struct Arrays {
  std::vector<float> w, g, m, v;
  double beta1_power = 1, beta2_power = 1;
  bool first = true;

  Arrays(std::int64_t n, bool second_moment)
      : w(static_cast<std::size_t>(n)), g(w.size()), m(w.size()), v(second_moment ? w.size() : 0) {
    setup::fill_parameters(w.data(), n, 0);
    setup::fill_gradients(g.data(), n, 0);
  }
};

void adam(Arrays& a, float keep) {
  a.beta1_power *= 0.9;
  a.beta2_power *= 0.999;
  const float step = static_cast<float>(setup::rate / (1 - a.beta1_power));
  const float root = static_cast<float>(1 / std::sqrt(1 - a.beta2_power));
  float *w = a.w.data(), *m = a.m.data(), *v = a.v.data();
  const float* g = a.g.data();
  const auto n = static_cast<std::int64_t>(a.w.size());
#pragma omp parallel for simd num_threads(compare::limit_threads()) if (parallel : n > 20000)
  for (std::int64_t i = 0; i < n; ++i) {
    m[i] = 0.9f * m[i] + 0.1f * g[i];
    v[i] = 0.999f * v[i] + 0.001f * g[i] * g[i];
    w[i] = keep * w[i] - step * m[i] / (std::sqrt(v[i]) * root + 1e-8f);
  }
}

void sgd_momentum(Arrays& a) {
  const float rate = static_cast<float>(setup::rate), momentum = a.first ? 0.f : static_cast<float>(setup::momentum);
  a.first = false;
  float *w = a.w.data(), *m = a.m.data();
  const float* g = a.g.data();
  const auto n = static_cast<std::int64_t>(a.w.size());
#pragma omp parallel for simd num_threads(compare::limit_threads()) if (parallel : n > 20000)
  for (std::int64_t i = 0; i < n; ++i) {
    m[i] = momentum * m[i] + g[i];
    w[i] -= rate * m[i];
  }
}

template <class Step>
void add(const std::string& name, bool second_moment, const Step& step) {
  for (const setup::Size& size : setup::sizes(name))
    compare::limit_works().add(size.name, [=]() -> compare::Work {
      const auto arrays = std::make_shared<Arrays>(size.parameters, second_moment);
      const auto check = [=] {
        for (int i = 0; i < setup::check_steps; ++i) step(*arrays);
        return setup::moved(arrays->w.data(), size.parameters, 0);
      };
      return {.run = [=] { step(*arrays); }, .check = check};
    });
}

const compare::Registered registered([] {
  add("adam", true, [](Arrays& a) { adam(a, 1); });
  add("adamw", true, [](Arrays& a) { adam(a, static_cast<float>(1 - setup::rate * setup::decay)); });
  add("sgd_momentum", false, [](Arrays& a) { sgd_momentum(a); });
});

}  // namespace
