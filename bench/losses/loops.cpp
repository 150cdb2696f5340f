// The losses as loops one would write by hand for this one purpose: no tensors, no graph, no checks, gradient and value
// in one pass. This file is compiled with -O3 -ffast-math -march=native, so that the compiler vectorizes them,
// exponentials and logarithms included.
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <string_view>

#include "list.h"

namespace bench {

namespace {

using std::int64_t;

/// Where values and gradients go.
template <class T>
struct Buffers {
  std::vector<std::vector<T>> in, grad;
  std::vector<int64_t> labels;
  int64_t rows = 1, columns = 0;
  volatile double result = 0;

  const T* input(std::size_t i, int64_t row = 0) const { return in[i].data() + row * columns; }
  T* gradient(std::size_t i, int64_t row = 0) { return grad[i].data() + row * columns; }
  int64_t label(int64_t row) const { return labels[static_cast<std::size_t>(row)]; }
};

/// Below this many elements a second thread costs more than it saves.
constexpr int64_t worth_threads = 20'000;

/// A loss of elements gives its value and the derivatives by the first input, or by the first two.
template <class T>
struct Element {
  T value, dx;
};
template <class T>
struct ElementOfTwo {
  T value, dx, dt;
};

/// The sum of f over the elements of [begin, end); with `backward` the gradients of the mean are stored, too.
template <class F, class T>
double sum_of(Buffers<T>& b, int64_t begin, int64_t end, bool backward) {
  const T *x = b.input(0), *t = b.input(1), *u = b.in.size() > 2 && b.in[2].size() > 1 ? b.input(2) : t;
  T *dx = b.gradient(0), *dt = b.grad.size() > 1 ? b.gradient(1) : nullptr;
  const T scale = 1 / static_cast<T>(b.columns);
  double total = 0;
  // Sums of floats over short blocks, which vectorize twice as well as sums of doubles.
  for (int64_t at = begin; at < end; at += 4096) {
    const int64_t stop = std::min<int64_t>(at + 4096, end);
    T sum = 0;
    if (backward) {
#pragma omp simd reduction(+ : sum)
      for (int64_t i = at; i < stop; ++i) {
        const auto element = F{}(x[i], t[i], u[i]);
        sum += element.value;
        dx[i] = scale * element.dx;
        if constexpr (requires { element.dt; }) dt[i] = scale * element.dt;
      }
    } else {
#pragma omp simd reduction(+ : sum)
      for (int64_t i = at; i < stop; ++i) sum += F{}(x[i], t[i], u[i]).value;
    }
    total += static_cast<double>(sum);
  }
  return total;
}

template <class F, class T>
void run_elements(Buffers<T>& b, bool backward) {
  const int64_t n = b.columns;
  const int threads = n < worth_threads ? 1 : omp_get_max_threads();
  double total = 0;
  if (threads == 1) {
    total = sum_of<F>(b, 0, n, backward);
  } else {
#pragma omp parallel for num_threads(threads) reduction(+ : total)
    for (int part = 0; part < threads; ++part)
      total += sum_of<F>(b, n * part / threads, n * (part + 1) / threads, backward);
  }
  b.result = total / static_cast<double>(n);
}

/// A loss in both types.
struct Loop {
  void (*narrow)(Buffers<float>&, bool backward);
  void (*wide)(Buffers<double>&, bool backward);
};

template <class F>
Loop elements(F) {
  return {run_elements<F, float>, run_elements<F, double>};
}

/// The largest of minus a number and the logarithm, as losses of probabilities have it.
template <class T>
T bounded_log(T x) {
  return std::max(std::log(x), T(-100));
}

/// σ(x) by e^-|x|, which does not overflow.
template <class T>
T sigmoid_by(T x, T exp_minus_abs) {
  const T r = 1 / (1 + exp_minus_abs);
  return x >= 0 ? r : exp_minus_abs * r;
}

const auto huber = elements([]<class T>(T x, T t, T) {
  const T d = x - t, a = std::abs(d);
  return Element<T>{a < 1 ? T(0.5) * d * d : a - T(0.5), std::clamp(d, T(-1), T(1))};
});

const std::map<std::string_view, Loop>& element_loops() {
  static const std::map<std::string_view, Loop> all = {
      {"mse_loss", elements([]<class T>(T x, T t, T) {
         const T d = x - t;
         return Element<T>{d * d, 2 * d};
       })},
      {"l1_loss", elements([]<class T>(T x, T t, T) {
         const T d = x - t;
         return Element<T>{std::abs(d), d > 0 ? T(1) : d < 0 ? T(-1) : T(0)};
       })},
      {"smooth_l1_loss", huber},
      {"huber_loss", huber},
      {"poisson_nll_loss", elements([]<class T>(T x, T t, T) {
         const T e = std::exp(x);
         return Element<T>{e - t * x, e - t};
       })},
      {"gaussian_nll_loss", elements([]<class T>(T x, T t, T var) {
         const T v = std::max(var, T(1e-6)), d = x - t, r = d / v;
         return Element<T>{T(0.5) * (std::log(v) + d * r), r};
       })},
      {"log_cosh_loss", elements([]<class T>(T x, T t, T) {
         const T d = x - t, a = std::abs(d), e = std::exp(-2 * a);
         return Element<T>{a + std::log(1 + e) - T(0.69314718056), std::copysign((1 - e) / (1 + e), d)};
       })},
      {"quantile_loss", elements([]<class T>(T x, T t, T) {
         const T d = t - x;
         return Element<T>{std::max(T(0.9) * d, T(-0.1) * d), d > 0 ? T(-0.9) : d < 0 ? T(0.1) : T(0)};
       })},
      {"binary_cross_entropy", elements([]<class T>(T p, T t, T) {
         return Element<T>{-(t * bounded_log(p) + (1 - t) * bounded_log(1 - p)),
                           (p - t) / std::max(p * (1 - p), T(1e-12))};
       })},
      {"binary_cross_entropy_with_logits", elements([]<class T>(T x, T t, T) {
         const T e = std::exp(-std::abs(x));
         return Element<T>{std::max(x, T(0)) - x * t + std::log(1 + e), sigmoid_by(x, e) - t};
       })},
      {"binary_cross_entropy_with_logits_pos_weight", elements([]<class T>(T x, T t, T) {
         const T e = std::exp(-std::abs(x)), w = 1 + (T(pos_weight) - 1) * t;
         return Element<T>{(1 - t) * x + w * (std::log(1 + e) + std::max(-x, T(0))), (1 - t) - w * sigmoid_by(-x, e)};
       })},
      {"sigmoid_focal_loss", elements([]<class T>(T x, T t, T) {
         const T e = std::exp(-std::abs(x)), p = sigmoid_by(x, e), l = std::max(x, T(0)) - x * t + std::log(1 + e);
         const T q = p + t - 2 * p * t, w = T(0.25) * t + T(0.75) * (1 - t);
         return Element<T>{w * q * q * l, w * q * (q * (p - t) + 2 * l * p * (1 - p) * (1 - 2 * t))};
       })},
      {"focal_loss", elements([]<class T>(T p, T t, T) {
         const T l = -(t * bounded_log(p) + (1 - t) * bounded_log(1 - p));
         const T q = p + t - 2 * p * t, w = T(0.75) * t + T(0.25) * (1 - t);
         return Element<T>{w * q * q * l,
                           w * q * (q * (p - t) / std::max(p * (1 - p), T(1e-12)) + 2 * l * (1 - 2 * t))};
       })},
      {"kl_div", elements([]<class T>(T x, T t, T) { return Element<T>{t * (std::log(t) - x), -t}; })},
      {"soft_margin_loss", elements([]<class T>(T x, T t, T) {
         const T z = -t * x, e = std::exp(-std::abs(z));
         return Element<T>{std::max(z, T(0)) + std::log(1 + e), -t * sigmoid_by(z, e)};
       })},
      {"hinge_embedding_loss", elements([]<class T>(T x, T t, T) {
         const T m = 1 - x;
         return Element<T>{(t != -1 ? x : T(0)) + (t != 1 ? std::max(T(0), m) : T(0)),
                           (t != -1 ? T(1) : T(0)) - (t != 1 && m >= 0 ? T(1) : T(0))};
       })},
      {"margin_ranking_loss", elements([]<class T>(T x, T t, T sign) {
         const T z = -sign * (x - t), dx = z >= 0 ? -sign : T(0);
         return ElementOfTwo<T>{std::max(T(0), z), dx, -dx};
       })},
      {"charbonnier_loss", elements([]<class T>(T x, T t, T) {
         const T d = x - t, r = std::sqrt(d * d + T(1e-6));
         return Element<T>{r, d / r};
       })},
      {"msle_loss", elements([]<class T>(T x, T t, T) {
         const T d = std::log(1 + x) - std::log(1 + t);
         return Element<T>{d * d, 2 * d / (1 + x)};
       })},
      {"mape_loss", elements([]<class T>(T x, T t, T) {
         const T d = x - t, r = 1 / std::max(std::abs(t), T(1e-8));
         return Element<T>{std::abs(d) * r, d > 0 ? r : d < 0 ? -r : T(0)};
       })},
  };
  return all;
}

// Losses of rows: `row` returns the value of one and stores its gradients.

template <class T, class Row>
double sum_of_rows(const Buffers<T>& b, const Row& row) {
  const int64_t rows = b.rows;
  double total = 0;
#pragma omp parallel for reduction(+ : total) if (rows * b.columns > worth_threads)
  for (int64_t r = 0; r < rows; ++r) total += static_cast<double>(row(r));
  return total;
}

/// The largest, the sum of exponentials, the gradient.
template <class T>
void cross_entropy(Buffers<T>& b, bool backward) {
  const int64_t n = b.columns;
  const T scale = 1 / static_cast<T>(b.rows);
  b.result = sum_of_rows(b,
                         [&](int64_t r) {
                           const T* x = b.input(0, r);
                           T m = x[0], sum = 0;
                           for (int64_t j = 1; j < n; ++j) m = std::max(m, x[j]);
                           for (int64_t j = 0; j < n; ++j) sum += std::exp(x[j] - m);
                           const int64_t label = b.label(r);
                           if (backward) {
                             T* dx = b.gradient(0, r);
                             const T factor = scale / sum;
                             for (int64_t j = 0; j < n; ++j) dx[j] = std::exp(x[j] - m) * factor;
                             dx[label] -= scale;
                           }
                           return std::log(sum) + m - x[label];
                         }) /
             static_cast<double>(b.rows);
}

/// -x at the label; the gradient is zero elsewhere.
template <class T>
void nll(Buffers<T>& b, bool backward) {
  const int64_t n = b.columns;
  b.result = sum_of_rows(b,
                         [&](int64_t r) {
                           const int64_t label = b.label(r);
                           if (backward) {
                             T* dx = b.gradient(0, r);
                             std::fill_n(dx, n, T(0));
                             dx[label] = -1 / static_cast<T>(b.rows);
                           }
                           return -b.input(0, r)[label];
                         }) /
             static_cast<double>(b.rows);
}

template <class T>
void multi_margin(Buffers<T>& b, bool backward) {
  const int64_t n = b.columns;
  const T scale = 1 / static_cast<T>(b.rows * n);
  b.result = sum_of_rows(b,
                         [&](int64_t r) {
                           const T* x = b.input(0, r);
                           T* dx = b.gradient(0, r);
                           const int64_t label = b.label(r);
                           const T at = 1 - x[label];
                           T sum = 0, active = 0;
                           for (int64_t j = 0; j < n; ++j) {
                             const T z = at + x[j];
                             sum += std::max(z, T(0));
                             active += z > 0;
                             if (backward) dx[j] = z > 0 ? scale : T(0);
                           }
                           if (backward) dx[label] = -scale * (active - 1);
                           return sum - 1;
                         }) /
             static_cast<double>(b.rows * n);
}

/// Σ ab, Σ a², Σ b² of a row, then both gradients.
template <class T>
void cosine(Buffers<T>& b, bool backward) {
  const int64_t n = b.columns;
  b.result = sum_of_rows(b, [&](int64_t r) {
    const T *x = b.input(0, r), *y = b.input(1, r);
    T ab = 0, aa = 0, bb = 0;
    for (int64_t j = 0; j < n; ++j) ab += x[j] * y[j], aa += x[j] * x[j], bb += y[j] * y[j];
    const T cross = 1 / std::sqrt(aa * bb), c = ab * cross;
    if (backward) {
      T *dx = b.gradient(0, r), *dy = b.gradient(1, r);
      for (int64_t j = 0; j < n; ++j) {
        dx[j] = cross * y[j] - c / aa * x[j];
        dy[j] = cross * x[j] - c / bb * y[j];
      }
    }
    return c;
  });
}

/// ‖a - p‖ - ‖a - n‖ + 1, where positive.
template <class T>
void triplet(Buffers<T>& b, bool backward) {
  const int64_t n = b.columns;
  const T eps = T(1e-6);
  b.result = sum_of_rows(b,
                         [&](int64_t r) {
                           const T *a = b.input(0, r), *p = b.input(1, r), *q = b.input(2, r);
                           T near = 0, far = 0;
                           for (int64_t j = 0; j < n; ++j) {
                             const T u = a[j] - p[j] + eps, v = a[j] - q[j] + eps;
                             near += u * u, far += v * v;
                           }
                           near = std::sqrt(near), far = std::sqrt(far);
                           const T z = 1 + near - far;
                           if (backward) {
                             T *da = b.gradient(0, r), *dp = b.gradient(1, r), *dq = b.gradient(2, r);
                             const T s = z >= 0 ? 1 / static_cast<T>(b.rows) : T(0), su = s / near, sv = s / far;
                             for (int64_t j = 0; j < n; ++j) {
                               const T u = su * (a[j] - p[j] + eps), v = sv * (a[j] - q[j] + eps);
                               da[j] = u - v, dp[j] = -u, dq[j] = v;
                             }
                           }
                           return std::max(z, T(0));
                         }) /
             static_cast<double>(b.rows);
}

const std::map<std::string_view, Loop>& row_loops() {
  static const std::map<std::string_view, Loop> all = {
      {"cross_entropy", {cross_entropy<float>, cross_entropy<double>}},
      {"nll_loss", {nll<float>, nll<double>}},
      {"multi_margin_loss", {multi_margin<float>, multi_margin<double>}},
      {"cosine_similarity", {cosine<float>, cosine<double>}},
      {"triplet_margin_loss", {triplet<float>, triplet<double>}},
  };
  return all;
}

const Loop* find(std::string_view name) {
  for (const auto* loops : {&element_loops(), &row_loops()})
    if (const auto at = loops->find(name); at != loops->end()) return &at->second;
  return nullptr;
}

template <class T>
Work work_of(const LossCase& c, void (*loop_of_type)(Buffers<T>&, bool)) {
  const auto b = std::make_shared<Buffers<T>>();
  b->rows = c.size.rows;
  b->columns = c.size.columns;
  for (std::size_t i = 0; i < c.row.inputs.size(); ++i) {
    Data d = make_data(c.row, c.size, i);
    if (!d.integers.empty())
      b->labels = std::move(d.integers);
    else
      b->in.emplace_back(d.floats.begin(), d.floats.end());
  }
  for (int i = 0; i < c.row.differentiated; ++i) b->grad.emplace_back(b->in[0].size());
  const bool backward = c.backward;
  Work work;
  work.run = [=] { loop_of_type(*b, backward); };
  work.check = [=] {
    loop_of_type(*b, backward);
    double sum = b->result;
    if (backward)
      for (const std::vector<T>& g : b->grad) sum += magnitude(g.data(), static_cast<int64_t>(g.size()));
    return sum;
  };
  return work;
}

}  // namespace

const Contestant loop = {
    .name = "loop",
    .has = [](const LossRow& row) { return find(row.name) != nullptr; },
    .prepare =
        [](const LossCase& c) {
          const Loop& l = *find(c.row.name);
          return c.wide ? work_of(c, l.wide) : work_of(c, l.narrow);
        },
    .set_threads = [](int) {},
};

}  // namespace bench
