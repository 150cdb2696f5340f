// One fused loop over all parameters, however they are split; rules with norms have one more, or one a sum.
#include <cblas.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>

#include "harness.h"
#include "optim.h"

namespace setup = compare::optim;

namespace {

constexpr float rate = static_cast<float>(setup::rate);

struct Arrays {
  setup::Size size;
  std::vector<float> w, g, a, b, c;
  int step = 0;

  Arrays(const setup::Size& shape, int slots)
      : size(shape),
        w(static_cast<std::size_t>(shape.parameters)),
        g(w.size()),
        a(slots > 0 ? w.size() : 0),
        b(slots > 1 ? w.size() : 0),
        c(slots > 2 ? w.size() : 0) {
    setup::fill_parameters(w.data(), shape.parameters, 0);
    setup::fill_gradients(g.data(), shape.parameters, 0);
  }
  float power(double beta) const { return static_cast<float>(1 - std::pow(beta, step)); }
};

/// update(w, g, a, b, c) of each element; slots that are not there are not touched.
template <class Update>
void each(Arrays& arrays, const Update& update) {
  float *w = arrays.w.data(), *a = arrays.a.data(), *b = arrays.b.data(), *c = arrays.c.data();
  const float* g = arrays.g.data();
  const std::int64_t n = arrays.size.parameters;
#pragma omp parallel for simd num_threads(compare::limit_threads()) if (parallel : n > 20000)
  for (std::int64_t i = 0; i < n; ++i) update(w + i, g[i], a + i, b + i, c + i);
}

float sign(float x) { return static_cast<float>((x > 0) - (x < 0)); }

void adam(Arrays& arrays, float keep) {
  const float step = rate / arrays.power(0.9), root = 1 / std::sqrt(arrays.power(0.999));
  each(arrays, [=](float* w, float g, float* m, float* v, float*) {
    *m = 0.9f * *m + 0.1f * g;
    *v = 0.999f * *v + 0.001f * g * g;
    *w = keep * *w - step * *m / (std::sqrt(*v) * root + 1e-8f);
  });
}

void nadam(Arrays& arrays) {
  const auto mu = [](int t) { return 0.9 * (1 - 0.5 * std::pow(0.96, t * 4e-3)); };
  double product = 1;
  for (int t = 1; t <= arrays.step; ++t) product *= mu(t);
  const double here = mu(arrays.step), next = mu(arrays.step + 1);
  const auto of_g = static_cast<float>(setup::rate * (1 - here) / (1 - product));
  const auto of_m = static_cast<float>(setup::rate * next / (1 - product * next));
  const float root = 1 / std::sqrt(arrays.power(0.999));
  each(arrays, [=](float* w, float g, float* m, float* v, float*) {
    *m = 0.9f * *m + 0.1f * g;
    *v = 0.999f * *v + 0.001f * g * g;
    *w -= (of_g * g + of_m * *m) / (std::sqrt(*v) * root + 1e-8f);
  });
}

void radam(Arrays& arrays) {
  const double power = std::pow(0.999, arrays.step), longest = 2 / (1 - 0.999) - 1;
  const double length = longest - 2 * arrays.step * power / (1 - power);
  const bool rectified = length > 5;
  double step = setup::rate / arrays.power(0.9);
  if (rectified)
    step *= std::sqrt((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length) * (1 - power));
  const auto factor = static_cast<float>(step);
  each(arrays, [=](float* w, float g, float* m, float* v, float*) {
    *m = 0.9f * *m + 0.1f * g;
    *v = 0.999f * *v + 0.001f * g * g;
    *w -= rectified ? factor * *m / (std::sqrt(*v) + 1e-8f) : factor * *m;
  });
}

/// Sums over all elements of one tensor.
template <class Term>
double sum_of(std::int64_t begin, std::int64_t end, const Term& term) {
  double sum = 0;
#pragma omp parallel for simd reduction(+ : sum) \
    num_threads(compare::limit_threads()) if (parallel : end - begin > 20000)
  for (std::int64_t i = begin; i < end; ++i) sum += static_cast<double>(term(i));
  return sum;
}

void lamb(Arrays& arrays) {
  const float of_m = 1 / arrays.power(0.9), of_v = 1 / arrays.power(0.999), decay = static_cast<float>(setup::decay);
  float *w = arrays.w.data(), *m = arrays.a.data(), *v = arrays.b.data();
  const float* g = arrays.g.data();
  const std::int64_t n = arrays.size.parameters / arrays.size.tensors;
  const auto direction = [=](std::int64_t i) { return of_m * m[i] / (std::sqrt(of_v * v[i]) + 1e-6f) + decay * w[i]; };
  for (std::int64_t from = 0; from < arrays.size.parameters; from += n) {
    double of_w = 0, of_u = 0;
#pragma omp parallel for simd reduction(+ : of_w, of_u) num_threads(compare::limit_threads()) if (parallel : n > 20000)
    for (std::int64_t i = from; i < from + n; ++i) {
      m[i] = 0.9f * m[i] + 0.1f * g[i];
      v[i] = 0.999f * v[i] + 0.001f * g[i] * g[i];
      const float u = direction(i);
      of_w += static_cast<double>(w[i] * w[i]);
      of_u += static_cast<double>(u * u);
    }
    const auto step = static_cast<float>(setup::rate * std::sqrt(of_w / of_u));
#pragma omp parallel for simd num_threads(compare::limit_threads()) if (parallel : n > 20000)
    for (std::int64_t i = from; i < from + n; ++i) w[i] -= step * direction(i);
  }
}

void adafactor(Arrays& arrays) {
  float *w = arrays.w.data(), *row_var = arrays.a.data(), *column_var = arrays.b.data(), *u = arrays.c.data();
  const float* g = arrays.g.data();
  const std::int64_t columns = setup::columns, n = arrays.size.parameters / arrays.size.tensors, rows = n / columns;
  const auto share = static_cast<float>(std::pow(arrays.step, -0.8));
  const double rho = std::min(setup::rate, 1 / std::sqrt(arrays.step));
  constexpr float least = 1.1920929e-7f;
  for (std::int64_t from = 0; from < arrays.size.parameters; from += n) {
    float *row = row_var + from, *column = column_var + from;
    const double of_w = sum_of(from, from + n, [=](std::int64_t i) { return w[i] * w[i]; });
    std::vector<float> sums(static_cast<std::size_t>(columns));
    double mean = 0;
    for (std::int64_t r = 0; r < rows; ++r) {
      const float* at = g + from + r * columns;
      float sum = 0;
#pragma omp simd reduction(+ : sum)
      for (std::int64_t c = 0; c < columns; ++c) {
        sum += at[c] * at[c];
        sums[static_cast<std::size_t>(c)] += at[c] * at[c];
      }
      row[r] += share * (sum / static_cast<float>(columns) - row[r]);
      mean += static_cast<double>(row[r]) / static_cast<double>(rows);
    }
    for (std::int64_t c = 0; c < columns; ++c)
      column[c] += share * (sums[static_cast<std::size_t>(c)] / static_cast<float>(rows) - column[c]);
    const float over = 1 / std::max(static_cast<float>(mean), least);
    double of_u = 0;
#pragma omp parallel for reduction(+ : of_u) num_threads(compare::limit_threads()) if (n > 20000)
    for (std::int64_t r = 0; r < rows; ++r)
#pragma omp simd reduction(+ : of_u)
      for (std::int64_t c = 0; c < columns; ++c) {
        const std::int64_t i = from + r * columns + c;
        u[i] = g[i] / std::sqrt(std::max(row[r] * column[c] * over, least * least));
        of_u += static_cast<double>(u[i] * u[i]);
      }
    const double count = static_cast<double>(n), step = std::max(1e-3, std::sqrt(of_w / count)) * rho;
    const auto length = static_cast<float>(step / std::max(1.0, std::sqrt(of_u / count)));
#pragma omp parallel for simd num_threads(compare::limit_threads()) if (parallel : n > 20000)
    for (std::int64_t i = from; i < from + n; ++i) w[i] -= length * u[i];
  }
}

/// The products by BLAS; matrices are wide.
void muon(Arrays& arrays) {
  const std::int64_t n = arrays.size.parameters / arrays.size.tensors;
  const int columns = static_cast<int>(setup::columns), rows = static_cast<int>(n / setup::columns);
  std::vector<float> room(static_cast<std::size_t>(2 * n + 2 * rows * rows));
  float *x = room.data(), *next = x + n, *square = next + n, *product = square + rows * rows;
  for (std::int64_t from = 0; from < arrays.size.parameters; from += n) {
    float *w = arrays.w.data() + from, *m = arrays.a.data() + from;
    const float* g = arrays.g.data() + from;
    for (std::int64_t i = 0; i < n; ++i) m[i] = 0.95f * m[i] + 0.05f * g[i], x[i] = 0.95f * m[i] + 0.05f * g[i];
    const auto scale = static_cast<float>(1 / std::sqrt(sum_of(0, n, [=](std::int64_t i) { return x[i] * x[i]; })));
    for (std::int64_t i = 0; i < n; ++i) x[i] *= scale;
    for (int i = 0; i < 5; ++i) {
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, rows, columns, 1, x, columns, x, columns, 0, square,
                  rows);
      std::copy(square, square + rows * rows, product);
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, rows, rows, 2.0315f, square, rows, square, rows,
                  -4.775f, product, rows);
      std::copy(x, x + n, next);
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, columns, rows, 1, product, rows, x, columns, 3.4445f,
                  next, columns);
      std::swap(x, next);
    }
    for (std::int64_t i = 0; i < n; ++i) w[i] -= rate * x[i];
  }
}

/// The two loops, on a history of one array a change.
class Search {
 public:
  explicit Search(const setup::Size& size) : arrays_(size, 3) {}
  Arrays& arrays() { return arrays_; }
  void step() {
    const std::int64_t n = arrays_.size.parameters;
    float *w = arrays_.w.data(), *g = arrays_.g.data(), *d = arrays_.a.data(), *before = arrays_.b.data();
    setup::parabola(w, g, n, 0);
    for (int i = 1; i <= setup::iterations; ++i) {
      float t = static_cast<float>(setup::rate);
      if (++count_ == 1) {
        t *= static_cast<float>(std::min(1.0, 1 / sum_of(0, n, [=](std::int64_t k) { return std::abs(g[k]); })));
        loop([=](std::int64_t k) { d[k] = -g[k]; });
      } else {
        if (history_.size() == setup::history) history_.erase(history_.begin());
        Change& c = history_.emplace_back();
        c.y.resize(arrays_.w.size());
        c.s.resize(arrays_.w.size());
        float *y = c.y.data(), *s = c.s.data();
        const float moved = t_;
        loop([=](std::int64_t k) { y[k] = g[k] - before[k], s[k] = moved * d[k]; });
        const double ys = sum_of(0, n, [=](std::int64_t k) { return y[k] * s[k]; });
        c.ro = 1 / ys;
        const double h = ys / sum_of(0, n, [=](std::int64_t k) { return y[k] * y[k]; });
        loop([=](std::int64_t k) { d[k] = -g[k]; });
        std::vector<float> al(history_.size());
        for (std::size_t k = history_.size(); k-- > 0;) {
          const float *yk = history_[k].y.data(), *sk = history_[k].s.data();
          const auto a =
              static_cast<float>(history_[k].ro * sum_of(0, n, [=](std::int64_t j) { return sk[j] * d[j]; }));
          al[k] = a;
          loop([=](std::int64_t j) { d[j] -= a * yk[j]; });
        }
        const auto scale = static_cast<float>(h);
        loop([=](std::int64_t k) { d[k] *= scale; });
        for (std::size_t k = 0; k < history_.size(); ++k) {
          const float *yk = history_[k].y.data(), *sk = history_[k].s.data();
          const auto a =
              al[k] - static_cast<float>(history_[k].ro * sum_of(0, n, [=](std::int64_t j) { return yk[j] * d[j]; }));
          loop([=](std::int64_t j) { d[j] += a * sk[j]; });
        }
      }
      loop([=](std::int64_t k) { before[k] = g[k]; });
      t_ = t;
      loop([=](std::int64_t k) { w[k] += t * d[k]; });
      if (i < setup::iterations) setup::parabola(w, g, n, 0);
    }
  }

 private:
  struct Change {
    std::vector<float> y, s;
    double ro = 0;
  };
  template <class F>
  void loop(const F& f) const {
    const std::int64_t n = arrays_.size.parameters;
#pragma omp parallel for simd num_threads(compare::limit_threads()) if (parallel : n > 20000)
    for (std::int64_t i = 0; i < n; ++i) f(i);
  }
  Arrays arrays_;
  std::vector<Change> history_;
  float t_ = 0;
  int count_ = 0;
};

void add(const std::string& name, int slots, const std::function<void(Arrays&)>& update) {
  for (const setup::Size& size : setup::sizes(name))
    compare::limit_works().add(size.name, [=]() -> compare::Work {
      const auto arrays = std::make_shared<Arrays>(size, slots);
      const auto step = [=] {
        ++arrays->step;
        update(*arrays);
      };
      const auto check = [=] {
        for (int i = 0; i < setup::check_steps; ++i) step();
        return setup::moved(arrays->w.data(), size.parameters, 0);
      };
      return {.run = step, .check = check};
    });
}

void add(const std::string& name) {
  for (const setup::Size& size : setup::sizes(name))
    compare::limit_works().add(size.name, [=]() -> compare::Work {
      const auto search = std::make_shared<Search>(size);
      const auto check = [=] {
        for (int i = 0; i < setup::check_steps; ++i) search->step();
        return setup::moved(search->arrays().w.data(), size.parameters, 0);
      };
      return {.run = [=] { search->step(); }, .check = check};
    });
}

const compare::Registered registered([] {
  add("adam", 2, [](Arrays& a) { adam(a, 1); });
  add("adamw", 2, [](Arrays& a) { adam(a, static_cast<float>(1 - setup::rate * setup::decay)); });
  add("sgd_momentum", 1, [](Arrays& arrays) {
    const float momentum = arrays.step == 1 ? 0.f : static_cast<float>(setup::momentum);
    each(arrays, [=](float* w, float g, float* m, float*, float*) {
      *m = momentum * *m + g;
      *w -= rate * *m;
    });
  });
  add("nadam", 2, nadam);
  add("radam", 2, radam);
  add("adamax", 2, [](Arrays& arrays) {
    const float step = rate / arrays.power(0.9);
    each(arrays, [=](float* w, float g, float* m, float* u, float*) {
      *m = 0.9f * *m + 0.1f * g;
      *u = std::max(0.999f * *u, std::abs(g) + 1e-8f);
      *w -= step * *m / *u;
    });
  });
  add("adagrad", 1, [](Arrays& arrays) {
    each(arrays, [](float* w, float g, float* s, float*, float*) {
      *s += g * g;
      *w -= rate * g / (std::sqrt(*s) + 1e-10f);
    });
  });
  add("adadelta", 2, [](Arrays& arrays) {
    each(arrays, [](float* w, float g, float* s, float* a, float*) {
      *s = 0.9f * *s + 0.1f * g * g;
      const float delta = std::sqrt(*a + 1e-6f) / std::sqrt(*s + 1e-6f) * g;
      *a = 0.9f * *a + 0.1f * delta * delta;
      *w -= delta;
    });
  });
  add("rmsprop", 1, [](Arrays& arrays) {
    each(arrays, [](float* w, float g, float* s, float*, float*) {
      *s = 0.99f * *s + 0.01f * g * g;
      *w -= rate * g / (std::sqrt(*s) + 1e-8f);
    });
  });
  add("rprop", 2, [](Arrays& arrays) {
    if (arrays.step == 1) std::fill(arrays.b.begin(), arrays.b.end(), rate);
    each(arrays, [](float* w, float g, float* before, float* step, float*) {
      const float turn = g * *before;
      *step = std::min(std::max(*step * (turn > 0 ? 1.2f : turn < 0 ? 0.5f : 1.f), 1e-6f), 50.f);
      const float here = turn < 0 ? 0 : g;
      *w -= sign(here) * *step;
      *before = here;
    });
  });
  add("asgd", 1, [](Arrays& arrays) {
    const double t = arrays.step - 1;
    const auto eta = static_cast<float>(setup::rate / std::pow(1 + 1e-4 * setup::rate * t, 0.75));
    const float keep = 1 - 1e-4f * eta;
    each(arrays, [=](float* w, float g, float* average, float*, float*) {
      *w = keep * *w - eta * g;
      *average = *w;
    });
  });
  add("lion", 1, [](Arrays& arrays) {
    each(arrays, [](float* w, float g, float* m, float*, float*) {
      *w -= rate * sign(0.9f * *m + 0.1f * g);
      *m = 0.99f * *m + 0.01f * g;
    });
  });
  add("lamb", 2, lamb);
  add("adafactor", 3, adafactor);
  add("muon", 1, muon);
  add("lbfgs");
});

}  // namespace
