#include "slope/nn/losses/cross_entropy_rows.h"

#include <algorithm>
#include <cmath>

#include "slope/autograd/kernels/lanes.h"

namespace slope::nn::detail {

namespace {

/// Calls `f(load, store, count)` for every vector of n elements: `load` reads any dense array there, `store` writes
/// one.
template <class V, class F>
inline void each_vector(std::int64_t n, const F& f) {
  using T = typename V::value_type;
  std::int64_t i = 0;
  for (; i + V::size <= n; i += V::size)
    f([&](const T* p) { return V::load(p + i); }, [&](T* p, const V& v) { v.store(p + i); }, V::size);
  if (const int rest = static_cast<int>(n - i); rest > 0)
    f([&](const T* p) { return V::load_n(p + i, rest); }, [&](T* p, const V& v) { v.store_n(p + i, rest); }, rest);
}

/// Σ scale·w_j·(x_j - largest), in double; scaled first, since a small share of a large number may be in range.
template <class T>
double weighted_shifted_sum(const T* x, const T* w, std::int64_t n, double largest, double scale) {
  double result = 0;
  simd::dispatch([&](auto isa) {
    using V = typename decltype(isa)::template Lanes<T>;
    typename decltype(isa)::template WideSum<T> sum;
    const V shift(largest), factor(scale);
    each_vector<V>(n, [&](const auto& load, const auto&, int count) {
      sum.add_n((w ? factor * load(w) : factor) * (load(x) - shift), count);
    });
    result = sum.total();
  });
  return result;
}

/// ln Σ e^(x - largest). Where nearly all of the sum is the label's 1, what the others add to it would be rounded away,
/// and with it the tail of a confident row: they are summed by themselves.
template <class T>
double log_of_sum(const RowNorm& norm, const T* x, std::int64_t n, std::int64_t label) {
  if (!(norm.sum < 1 + 1e-6) || static_cast<double>(x[label]) != norm.largest) return std::log(norm.sum);
  double others = 0;
  for (const RowNorm& part : {row_norm(x, label), row_norm(x + label + 1, n - label - 1)})
    others += part.sum == 0 ? 0 : part.sum * std::exp(part.largest - norm.largest);
  return std::log1p(others);
}

/// softmax·Σq - q, for one class with q of its own, the rest of Σq and the logarithm of its softmax, which may be close
/// to 1.
double slope_of_likely(double q, double rest, double log_p) { return q * std::expm1(log_p) + std::exp(log_p) * rest; }

}  // namespace

template <class T>
double cross_entropy_row(const RowTarget<T>& target, const T* x, std::int64_t n, std::int64_t label, T* dx,
                         double divisor) {
  const RowNorm norm = row_norm(x, n);
  const double log_sum = log_of_sum(norm, x, n, label);
  const double w = target.weight ? static_cast<double>(target.weight[label]) : 1.0;
  const double log_p = static_cast<double>(x[label]) - norm.largest - log_sum;
  if (target.spread == 0 && target.keep == 1) {
    if (dx) {
      softmax_row(x, dx, n, norm, w / divisor);
      // Not softmax - 1, which loses the tail where the prediction is right.
      dx[label] = static_cast<T>(w / divisor * std::expm1(log_p));
    }
    return -w * log_p;
  }
  const double at_label = target.keep * w;
  if (dx) {
    softmax_row(x, dx, n, norm, (at_label + target.spread * target.weight_sum) / divisor);
    for (std::int64_t j = 0; j < n; ++j)
      dx[j] -= static_cast<T>(target.spread * (target.weight ? static_cast<double>(target.weight[j]) : 1.0) / divisor);
    dx[label] = static_cast<T>(
        slope_of_likely(at_label + target.spread * w, target.spread * (target.weight_sum - w), log_p) / divisor);
  }
  const double shifted = weighted_shifted_sum(x, target.weight, n, norm.largest, target.spread);
  return -at_label * log_p - (shifted - target.spread * target.weight_sum * log_sum);
}

template <class T>
double cross_entropy_row(const RowTarget<T>& target, const T* x, std::int64_t n, const T* t, T* dx, T* dt,
                         double scale) {
  if (n == 0) return 0;
  const RowNorm norm = row_norm(x, n);
  // The one class that may have more than half of the probability.
  const std::int64_t likely =
      norm.sum < 2 ? std::find_if(x, x + n, [&](T v) { return static_cast<double>(v) == norm.largest; }) - x : n;
  const double log_sum = likely < n ? log_of_sum(norm, x, n, likely) : std::log(norm.sum);
  double q_sum = 0, q_dot = 0;
  simd::dispatch([&](auto isa) {
    using V = typename decltype(isa)::template Lanes<T>;
    typename decltype(isa)::template WideSum<T> sum, dot;
    const V shift(norm.largest), keep(target.keep), spread(target.spread);
    each_vector<V>(n, [&](const auto& load, const auto&, int count) {
      V q = keep * load(t) + spread;
      if (target.weight) q = load(target.weight) * q;
      sum.add_n(q, count);
      dot.add_n(q * (load(x) - shift), count);
    });
    q_sum = sum.total();
    q_dot = dot.total();
  });
  if (dx) softmax_row(x, dx, n, norm, scale * q_sum);
  if (dx || dt) {
    simd::dispatch([&](auto isa) {
      using V = typename decltype(isa)::template Lanes<T>;
      const V shift(norm.largest), logs(log_sum), keep(target.keep), spread(target.spread), factor(scale);
      each_vector<V>(n, [&](const auto& load, const auto& store, int) {
        const V w = target.weight ? load(target.weight) : V(1);
        if (dx) store(dx, load(dx) - factor * (w * (keep * load(t) + spread)));
        if (dt) store(dt, -(factor * keep) * w * (load(x) - shift - logs));
      });
    });
  }
  if (dx && likely < n) {
    const double q = (target.weight ? static_cast<double>(target.weight[likely]) : 1.0) *
                     (target.keep * static_cast<double>(t[likely]) + target.spread);
    dx[likely] = static_cast<T>(scale * slope_of_likely(q, q_sum - q, -log_sum));
  }
  return log_sum * q_sum - q_dot;
}

template double cross_entropy_row(const RowTarget<float>&, const float*, std::int64_t, std::int64_t, float*, double);
template double cross_entropy_row(const RowTarget<double>&, const double*, std::int64_t, std::int64_t, double*, double);
template double cross_entropy_row(const RowTarget<float>&, const float*, std::int64_t, const float*, float*, float*,
                                  double);
template double cross_entropy_row(const RowTarget<double>&, const double*, std::int64_t, const double*, double*,
                                  double*, double);

}  // namespace slope::nn::detail
