// The losses as loops one would write by hand for this one purpose: no tensors, no graph, no checks, gradient and value
// in one pass. This file is compiled with -O3 -ffast-math -march=native, so that the compiler vectorises them,
// exponentials and logarithms included.
#include <algorithm>
#include <cmath>
#include <memory>

#include "data.h"
#include "harness.h"
#include "losses.h"

namespace {

using compare::limit_threads;

/// Where values and gradients go.
struct Buffers {
  std::vector<std::vector<float>> in, grad;
  std::vector<std::int64_t> labels;
  std::int64_t rows = 1, columns = 0;
  volatile double result = 0;
};

// Below this a second thread costs more than it saves.
constexpr std::int64_t worth_threads = 20000;

/// f of the elements of [begin, end), which with `backward` also stores the gradients.
template <class F>
double sum_of(const Buffers& b, float* dx, float* dt, std::int64_t begin, std::int64_t end, bool backward, const F& f) {
  const float *x = b.in[0].data(), *t = b.in[1].data(), *u = b.in.size() > 2 && b.in[2].size() > 1 ? b.in[2].data() : t;
  const float scale = 1.f / static_cast<float>(b.columns);
  double total = 0;
  // Sums of floats over short blocks, which vectorise twice as well as sums of doubles.
  for (std::int64_t at = begin; at < end; at += 4096) {
    const std::int64_t stop = std::min(at + 4096, end);
    float sum = 0;
    if (backward) {
#pragma omp simd reduction(+ : sum)
      for (std::int64_t i = at; i < stop; ++i) sum += f(x[i], t[i], u[i], scale, dx[i], dt[i]);
    } else {
#pragma omp simd reduction(+ : sum)
      for (std::int64_t i = at; i < stop; ++i) {
        float a = 0, c = 0;
        sum += f(x[i], t[i], u[i], scale, a, c);
      }
    }
    total += static_cast<double>(sum);
  }
  return total;
}

template <class F>
std::function<void()> elementwise(std::shared_ptr<Buffers> b, bool backward, const F& f) {
  return [=] {
    const std::int64_t n = b->columns;
    float *dx = b->grad[0].data(), *dt = b->grad.size() > 1 ? b->grad[1].data() : dx;
    double total = 0;
    if (const int threads = limit_threads(); n < worth_threads || threads == 1) {
      total = sum_of(*b, dx, dt, 0, n, backward, f);
    } else {
#pragma omp parallel for num_threads(threads) reduction(+ : total)
      for (int part = 0; part < threads; ++part)
        total += sum_of(*b, dx, dt, n * part / threads, n * (part + 1) / threads, backward, f);
    }
    b->result = total / static_cast<double>(n);
  };
}

using Make = std::function<void()> (*)(std::shared_ptr<Buffers>, bool);
#define ELEMENT [](std::shared_ptr<Buffers> b, bool backward) { return elementwise(b, backward, [](float x, float t, float u, float s, float& dx, float& dt) -> float {
#define END \
  });       \
  }

const std::map<std::string, Make>& loops() {
  static const std::map<std::string, Make> all = {{"mse_loss", ELEMENT(void) u, (void)dt;
  const float d = x - t;
  dx = 2 * d * s;
  return d * d;
  END
}
, {
  "l1_loss", ELEMENT(void) u, (void)dt;
  const float d = x - t;
  dx = d > 0 ? s : d < 0 ? -s : 0.f;
  return std::abs(d);
  END
}
, {
  "smooth_l1_loss", ELEMENT(void) u, (void)dt;
  const float d = x - t, a = std::abs(d);
  dx = s * std::clamp(d, -1.f, 1.f);
  return a < 1 ? 0.5f * d * d : a - 0.5f;
  END
}
, {
  "huber_loss", ELEMENT(void) u, (void)dt;
  const float d = x - t, a = std::abs(d);
  dx = s * std::clamp(d, -1.f, 1.f);
  return a < 1 ? 0.5f * d * d : a - 0.5f;
  END
}
, {
  "poisson_nll_loss", ELEMENT(void) u, (void)dt;
  const float e = std::exp(x);
  dx = s * (e - t);
  return e - t * x;
  END
}
, {
  "gaussian_nll_loss", ELEMENT(void) dt;
  const float v = std::max(u, 1e-6f), d = x - t, r = d / v;
  dx = s * r;
  return 0.5f * (std::log(v) + d * r);
  END
}
, {
  "log_cosh_loss", ELEMENT(void) u, (void)dt;
  const float d = x - t, a = std::abs(d), e = std::exp(-2 * a);
  dx = s * std::copysign((1 - e) / (1 + e), d);
  return a + std::log(1 + e) - 0.69314718f;
  END
}
, {
  "quantile_loss", ELEMENT(void) u, (void)dt;
  const float d = t - x;
  dx = s * (d > 0 ? -0.9f : d < 0 ? 0.1f : 0.f);
  return std::max(0.9f * d, -0.1f * d);
  END
}
, {
  "binary_cross_entropy", ELEMENT(void) u, (void)dt;
  const float lx = std::max(std::log(x), -100.f), l1 = std::max(std::log(1 - x), -100.f);
  dx = s * (x - t) / std::max(x * (1 - x), 1e-12f);
  return -(t * lx + (1 - t) * l1);
  END
}
, {
  "binary_cross_entropy_with_logits", ELEMENT(void) u, (void)dt;
  const float a = std::abs(x), e = std::exp(-a), r = 1 / (1 + e);
  dx = s * ((x >= 0 ? r : e * r) - t);
  return std::max(x, 0.f) - x * t + std::log(1 + e);
  END
}
, {
  "binary_cross_entropy_with_logits_pos_weight", ELEMENT(void) u, (void)dt;
  const float a = std::abs(x), e = std::exp(-a), r = 1 / (1 + e);
  const float w = 1 + (compare::pos_weight - 1) * t;
  dx = s * ((1 - t) - w * (x >= 0 ? e * r : r));
  return (1 - t) * x + w * (std::log(1 + e) + std::max(-x, 0.f));
  END
}
, {
  "sigmoid_focal_loss", ELEMENT(void) u, (void)dt;
  const float a = std::abs(x), e = std::exp(-a), r = 1 / (1 + e);
  const float p = x >= 0 ? r : e * r, l = std::max(x, 0.f) - x * t + std::log(1 + e);
  const float q = p + t - 2 * p * t, w = 0.25f * t + 0.75f * (1 - t);
  dx = s * w * q * (q * (p - t) + 2 * l * p * (1 - p) * (1 - 2 * t));
  return w * q * q * l;
  END
}
, {
  "focal_loss", ELEMENT(void) u, (void)dt;
  const float lx = std::max(std::log(x), -100.f), l1 = std::max(std::log(1 - x), -100.f);
  const float l = -(t * lx + (1 - t) * l1), q = x + t - 2 * x * t, w = 0.75f * t + 0.25f * (1 - t);
  dx = s * w * q * (q * (x - t) / std::max(x * (1 - x), 1e-12f) + 2 * l * (1 - 2 * t));
  return w * q * q * l;
  END
}
, {
  "kl_div", ELEMENT(void) u, (void)dt;
  dx = -s * t;
  return t * (std::log(t) - x);
  END
}
, {
  "soft_margin_loss", ELEMENT(void) u, (void)dt;
  const float z = -t * x, e = std::exp(-std::abs(z)), r = 1 / (1 + e);
  dx = -s * t * (z >= 0 ? r : e * r);
  return std::max(z, 0.f) + std::log(1 + e);
  END
}
, {
  "hinge_embedding_loss", ELEMENT(void) u, (void)dt;
  const float m = 1 - x;
  dx = s * ((t != -1 ? 1.f : 0.f) - (t != 1 && m >= 0 ? 1.f : 0.f));
  return (t != -1 ? x : 0.f) + (t != 1 ? std::max(0.f, m) : 0.f);
  END
}
, {
  "margin_ranking_loss", ELEMENT const float z = -u * (x - t);
  dx = z >= 0 ? -s * u : 0.f;
  dt = -dx;
  return std::max(0.f, z);
  END
}
, {
  "charbonnier_loss", ELEMENT(void) u, (void)dt;
  const float d = x - t, r = std::sqrt(d * d + 1e-6f);
  dx = s * d / r;
  return r;
  END
}
, {
  "msle_loss", ELEMENT(void) u, (void)dt;
  const float d = std::log(1 + x) - std::log(1 + t);
  dx = s * 2 * d / (1 + x);
  return d * d;
  END
}
, {
  "mape_loss", ELEMENT(void) u, (void)dt;
  const float d = x - t, r = 1 / std::max(std::abs(t), 1e-8f);
  dx = d > 0 ? s * r : d < 0 ? -s * r : 0.f;
  return std::abs(d) * r;
  END
}
,
};
return all;
}

/// Cross entropy over rows: the largest, the sum of exponentials, the gradient.
std::function<void()> cross_entropy(std::shared_ptr<Buffers> b, bool backward) {
  return [=] {
    const std::int64_t rows = b->rows, n = b->columns;
    double total = 0;
#pragma omp parallel for num_threads(limit_threads()) reduction(+ : total) if (rows * n > worth_threads)
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
std::function<void()> nll(std::shared_ptr<Buffers> b, bool backward) {
  return [=] {
    const std::int64_t rows = b->rows, n = b->columns;
    double total = 0;
#pragma omp parallel for num_threads(limit_threads()) reduction(+ : total) if (rows * n > worth_threads)
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

std::function<void()> multi_margin(std::shared_ptr<Buffers> b, bool backward) {
  return [=] {
    const std::int64_t rows = b->rows, n = b->columns;
    double total = 0;
#pragma omp parallel for num_threads(limit_threads()) reduction(+ : total) if (rows * n > worth_threads)
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
std::function<void()> cosine(std::shared_ptr<Buffers> b, bool backward) {
  return [=] {
    const std::int64_t rows = b->rows, n = b->columns;
    double total = 0;
#pragma omp parallel for num_threads(limit_threads()) reduction(+ : total) if (rows * n > worth_threads)
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
std::function<void()> triplet(std::shared_ptr<Buffers> b, bool backward) {
  return [=] {
    const std::int64_t rows = b->rows, n = b->columns;
    double total = 0;
#pragma omp parallel for num_threads(limit_threads()) reduction(+ : total) if (rows * n > worth_threads)
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
      {"cross_entropy", cross_entropy},    {"nll_loss", nll},
      {"multi_margin_loss", multi_margin}, {"cosine_similarity", cosine},
      {"triplet_margin_loss", triplet},
  };
  return all;
}

const compare::Registered registered([] {
  for (const compare::LossWork& work : compare::loss_works()) {
    Make make = nullptr;
    if (const auto at = loops().find(work.row.name); at != loops().end()) make = at->second;
    if (const auto at = row_loops().find(work.row.name); at != row_loops().end()) make = at->second;
    if (!make) continue;
    compare::limit_works().add(work.name, [=]() -> compare::Work {
      auto b = std::make_shared<Buffers>();
      b->rows = work.size.rows;
      b->columns = work.size.columns;
      for (std::size_t i = 0; i < work.row.inputs.size(); ++i) {
        compare::Data d = compare::make_data(work.row, work.size, i);
        if (!d.integers.empty())
          b->labels = std::move(d.integers);
        else
          b->in.push_back(std::move(d.floats));
      }
      for (int i = 0; i < work.row.differentiated; ++i) b->grad.push_back(std::vector<float>(b->in[0].size()));
      const auto run = make(b, work.backward);
      const auto check = [=] {
        run();
        double sum = b->result;
        if (work.backward)
          for (const std::vector<float>& g : b->grad) sum += compare::magnitude(g);
        return sum;
      };
      return {.run = run, .check = check};
    });
  }
});

}  // namespace
