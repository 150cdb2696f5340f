// The losses as loops one would write by hand for this one purpose: no tensors, no graph, no checks, gradient and value in one pass.
// This file is compiled with -O3 -ffast-math -march=native, so that the compiler vectorises them, exponentials and logarithms included.
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "harness.h"
#include "losses.h"

namespace {

int threads = 1;

/// Where values and gradients go.
struct Buffers {
  std::vector<std::vector<float>> in, grad;
  std::vector<std::int64_t> labels;
  std::int64_t rows = 1, columns = 0;
  volatile double result = 0;
};

/// value(i, write) of every element; `write` also stores the gradients.
template <class F>
compare::Work elementwise(std::shared_ptr<Buffers> b, bool backward, const F& f) {
  return [=] {
    const std::int64_t n = b->columns;
    const float *x = b->in[0].data(), *t = b->in[1].data(), *u = b->in.size() > 2 ? b->in[2].data() : t;
    float *dx = b->grad[0].data(), *dt = b->grad.size() > 1 ? b->grad[1].data() : dx;
    const float scale = 1.f / static_cast<float>(n);
    double total = 0;
    if (backward) {
#pragma omp parallel for simd num_threads(threads) reduction(+ : total) if (n > 20000)
      for (std::int64_t i = 0; i < n; ++i) total += f(x[i], t[i], u[i], scale, dx[i], dt[i]);
    } else {
#pragma omp parallel for simd num_threads(threads) reduction(+ : total) if (n > 20000)
      for (std::int64_t i = 0; i < n; ++i) {
        float a = 0, c = 0;
        total += f(x[i], t[i], u[i], scale, a, c);
      }
    }
    b->result = total / static_cast<double>(n);
  };
}

using Make = compare::Work (*)(std::shared_ptr<Buffers>, bool);
#define ELEMENT [](std::shared_ptr<Buffers> b, bool backward) { return elementwise(b, backward, [](float x, float t, float u, float s, float& dx, float& dt) -> float {
#define END }); }



const std::map<std::string, Make>& loops() {
  static const std::map<std::string, Make> all = {
      {"mse_loss", ELEMENT (void)u, (void)dt; const float d = x - t; dx = 2 * d * s; return d * d; END},
      {"l1_loss", ELEMENT (void)u, (void)dt; const float d = x - t; dx = d > 0 ? s : d < 0 ? -s : 0.f; return std::abs(d); END},
      {"smooth_l1_loss", ELEMENT (void)u, (void)dt; const float d = x - t, a = std::abs(d);
       dx = s * std::clamp(d, -1.f, 1.f); return a < 1 ? 0.5f * d * d : a - 0.5f; END},
      {"huber_loss", ELEMENT (void)u, (void)dt; const float d = x - t, a = std::abs(d);
       dx = s * std::clamp(d, -1.f, 1.f); return a < 1 ? 0.5f * d * d : a - 0.5f; END},
      {"poisson_nll_loss", ELEMENT (void)u, (void)dt; const float e = std::exp(x); dx = s * (e - t); return e - t * x; END},
      {"gaussian_nll_loss", ELEMENT (void)dt; const float v = std::max(u, 1e-6f), d = x - t, r = d / v;
       dx = s * r; return 0.5f * (std::log(v) + d * r); END},
      {"log_cosh_loss", ELEMENT (void)u, (void)dt; const float d = x - t, a = std::abs(d), e = std::exp(-2 * a);
       dx = s * std::copysign((1 - e) / (1 + e), d); return a + std::log(1 + e) - 0.69314718f; END},
      {"quantile_loss", ELEMENT (void)u, (void)dt; const float d = t - x;
       dx = s * (d > 0 ? -0.9f : d < 0 ? 0.1f : 0.f); return std::max(0.9f * d, -0.1f * d); END},
      {"binary_cross_entropy", ELEMENT (void)u, (void)dt; const float lx = std::max(std::log(x), -100.f), l1 = std::max(std::log(1 - x), -100.f);
       dx = s * (x - t) / std::max(x * (1 - x), 1e-12f); return -(t * lx + (1 - t) * l1); END},
      {"binary_cross_entropy_with_logits", ELEMENT (void)u, (void)dt; const float a = std::abs(x), e = std::exp(-a), r = 1 / (1 + e);
       dx = s * ((x >= 0 ? r : e * r) - t); return std::max(x, 0.f) - x * t + std::log(1 + e); END},
      {"sigmoid_focal_loss", ELEMENT (void)u, (void)dt; const float a = std::abs(x), e = std::exp(-a), r = 1 / (1 + e);
       const float p = x >= 0 ? r : e * r, l = std::max(x, 0.f) - x * t + std::log(1 + e);
       const float q = p + t - 2 * p * t, w = 0.25f * t + 0.75f * (1 - t);
       dx = s * w * q * (q * (p - t) + 2 * l * p * (1 - p) * (1 - 2 * t)); return w * q * q * l; END},
      {"focal_loss", ELEMENT (void)u, (void)dt; const float lx = std::max(std::log(x), -100.f), l1 = std::max(std::log(1 - x), -100.f);
       const float l = -(t * lx + (1 - t) * l1), q = x + t - 2 * x * t, w = 0.75f * t + 0.25f * (1 - t);
       dx = s * w * q * (q * (x - t) / std::max(x * (1 - x), 1e-12f) + 2 * l * (1 - 2 * t)); return w * q * q * l; END},
      {"kl_div", ELEMENT (void)u, (void)dt; dx = -s * t; return t * (std::log(t) - x); END},
      {"soft_margin_loss", ELEMENT (void)u, (void)dt; const float z = -t * x, e = std::exp(-std::abs(z)), r = 1 / (1 + e);
       dx = -s * t * (z >= 0 ? r : e * r); return std::max(z, 0.f) + std::log(1 + e); END},
      {"hinge_embedding_loss", ELEMENT (void)u, (void)dt; const float m = 1 - x;
       dx = s * ((t != -1 ? 1.f : 0.f) - (t != 1 && m >= 0 ? 1.f : 0.f)); return (t != -1 ? x : 0.f) + (t != 1 ? std::max(0.f, m) : 0.f); END},
      {"margin_ranking_loss", ELEMENT const float z = -u * (x - t); dx = z >= 0 ? -s * u : 0.f; dt = -dx; return std::max(0.f, z); END},
      {"charbonnier_loss", ELEMENT (void)u, (void)dt; const float d = x - t, r = std::sqrt(d * d + 1e-6f); dx = s * d / r; return r; END},
      {"msle_loss", ELEMENT (void)u, (void)dt; const float d = std::log(1 + x) - std::log(1 + t); dx = s * 2 * d / (1 + x); return d * d; END},
      {"mape_loss", ELEMENT (void)u, (void)dt; const float d = x - t, r = 1 / std::max(std::abs(t), 1e-8f);
       dx = d > 0 ? s * r : d < 0 ? -s * r : 0.f; return std::abs(d) * r; END},
  };
  return all;
}

/// Cross entropy over rows: the largest, the sum of exponentials, the gradient.
compare::Work cross_entropy(std::shared_ptr<Buffers> b, bool backward) {
  return [=] {
    const std::int64_t rows = b->rows, n = b->columns;
    double total = 0;
#pragma omp parallel for num_threads(threads) reduction(+ : total) if (rows * n > 20000)
    for (std::int64_t r = 0; r < rows; ++r) {
      const float* x = b->in[0].data() + r * n;
      float* dx = b->grad[0].data() + r * n;
      float m = x[0], sum = 0;
      for (std::int64_t j = 1; j < n; ++j) m = std::max(m, x[j]);
      for (std::int64_t j = 0; j < n; ++j) sum += std::exp(x[j] - m);
      const std::int64_t label = b->labels[static_cast<std::size_t>(r)];
      total += static_cast<double>(std::log(sum) + m - x[label]);
      if (!backward) continue;
      const float scale = 1 / static_cast<float>(rows), factor = scale / sum;
      for (std::int64_t j = 0; j < n; ++j) dx[j] = std::exp(x[j] - m) * factor;
      dx[label] -= scale;
    }
    b->result = total / static_cast<double>(rows);
  };
}

/// -x at the label; the gradient is zero elsewhere.
compare::Work nll(std::shared_ptr<Buffers> b, bool backward) {
  return [=] {
    const std::int64_t rows = b->rows, n = b->columns;
    double total = 0;
#pragma omp parallel for num_threads(threads) reduction(+ : total) if (rows * n > 20000)
    for (std::int64_t r = 0; r < rows; ++r) {
      const std::int64_t label = b->labels[static_cast<std::size_t>(r)];
      total -= static_cast<double>(b->in[0][static_cast<std::size_t>(r * n + label)]);
      if (!backward) continue;
      std::fill_n(b->grad[0].data() + r * n, n, 0.f);
      b->grad[0][static_cast<std::size_t>(r * n + label)] = -1 / static_cast<float>(rows);
    }
    b->result = total / static_cast<double>(rows);
  };
}

compare::Work multi_margin(std::shared_ptr<Buffers> b, bool backward) {
  return [=] {
    const std::int64_t rows = b->rows, n = b->columns;
    double total = 0;
#pragma omp parallel for num_threads(threads) reduction(+ : total) if (rows * n > 20000)
    for (std::int64_t r = 0; r < rows; ++r) {
      const float* x = b->in[0].data() + r * n;
      float* dx = b->grad[0].data() + r * n;
      const std::int64_t label = b->labels[static_cast<std::size_t>(r)];
      const float at = 1 - x[label], scale = 1 / static_cast<float>(rows * n);
      float sum = 0, active = 0;
      for (std::int64_t j = 0; j < n; ++j) {
        const float z = at + x[j];
        sum += std::max(z, 0.f);
        active += z > 0;
        if (backward) dx[j] = z > 0 ? scale : 0.f;
      }
      total += static_cast<double>(sum - 1);
      if (backward) dx[label] = -scale * (active - 1);
    }
    b->result = total / static_cast<double>(rows * n);
  };
}

/// Σ ab, Σ a², Σ b² of a row, then both gradients.
compare::Work cosine(std::shared_ptr<Buffers> b, bool backward) {
  return [=] {
    const std::int64_t rows = b->rows, n = b->columns;
    double total = 0;
#pragma omp parallel for num_threads(threads) reduction(+ : total) if (rows * n > 20000)
    for (std::int64_t r = 0; r < rows; ++r) {
      const float *x = b->in[0].data() + r * n, *y = b->in[1].data() + r * n;
      float *dx = b->grad[0].data() + r * n, *dy = b->grad[1].data() + r * n;
      float ab = 0, aa = 0, bb = 0;
      for (std::int64_t j = 0; j < n; ++j) ab += x[j] * y[j], aa += x[j] * x[j], bb += y[j] * y[j];
      const float cross = 1 / std::sqrt(aa * bb), c = ab * cross;
      total += static_cast<double>(c);
      if (!backward) continue;
      for (std::int64_t j = 0; j < n; ++j) {
        dx[j] = cross * y[j] - c / aa * x[j];
        dy[j] = cross * x[j] - c / bb * y[j];
      }
    }
    b->result = total;
  };
}

/// ‖a - p‖ - ‖a - n‖ + 1, where positive.
compare::Work triplet(std::shared_ptr<Buffers> b, bool backward) {
  return [=] {
    const std::int64_t rows = b->rows, n = b->columns;
    double total = 0;
#pragma omp parallel for num_threads(threads) reduction(+ : total) if (rows * n > 20000)
    for (std::int64_t r = 0; r < rows; ++r) {
      const float *a = b->in[0].data() + r * n, *p = b->in[1].data() + r * n, *q = b->in[2].data() + r * n;
      float *da = b->grad[0].data() + r * n, *dp = b->grad[1].data() + r * n, *dq = b->grad[2].data() + r * n;
      float near = 0, far = 0;
      for (std::int64_t j = 0; j < n; ++j) {
        const float u = a[j] - p[j] + 1e-6f, v = a[j] - q[j] + 1e-6f;
        near += u * u, far += v * v;
      }
      near = std::sqrt(near), far = std::sqrt(far);
      const float z = 1 + near - far;
      total += static_cast<double>(std::max(z, 0.f));
      if (!backward) continue;
      const float s = z >= 0 ? 1 / static_cast<float>(rows) : 0.f, su = s / near, sv = s / far;
      for (std::int64_t j = 0; j < n; ++j) {
        const float u = su * (a[j] - p[j] + 1e-6f), v = sv * (a[j] - q[j] + 1e-6f);
        da[j] = u - v, dp[j] = -u, dq[j] = v;
      }
    }
    b->result = total / static_cast<double>(rows);
  };
}

const std::map<std::string, Make>& row_loops() {
  static const std::map<std::string, Make> all = {
      {"cross_entropy", cross_entropy}, {"nll_loss", nll},         {"multi_margin_loss", multi_margin},
      {"cosine_similarity", cosine},    {"triplet_margin_loss", triplet},
  };
  return all;
}

const compare::Registered registered([] {
  compare::limit_works().set_threads = [](int n) { threads = n; };
  for (const compare::LossRow& row : compare::loss_rows())
    for (const compare::Size& size : compare::sizes_of(row)) {
      Make make = nullptr;
      if (const auto at = loops().find(row.name); at != loops().end()) make = at->second;
      if (const auto at = row_loops().find(row.name); at != row_loops().end()) make = at->second;
      if (!make) continue;
      for (const bool backward : {false, true})
        compare::limit_works().add(compare::work_name(row, size, backward), [=] {
          auto b = std::make_shared<Buffers>();
          b->rows = size.rows;
          b->columns = size.columns;
          for (std::size_t i = 0; i < row.inputs.size(); ++i) {
            compare::Data d = compare::make_data(row, size, i);
            if (!d.integers.empty())
              b->labels = std::move(d.integers);
            else
              b->in.push_back(std::move(d.floats));
          }
          for (int i = 0; i < std::max(1, row.differentiated); ++i) b->grad.push_back(b->in[0]);
          return make(b, backward);
        });
    }
});

}  // namespace
