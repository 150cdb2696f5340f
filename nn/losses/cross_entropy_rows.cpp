#include "slope/nn/losses/cross_entropy_rows.h"

#include <algorithm>
#include <cmath>

#include "slope/autograd/kernels/lanes.h"

namespace slope::nn::detail {

namespace {

/// Calls `f(load, store, count)` for every vector of n elements: `load` reads any dense array there, `store` writes one.
template <class V, class F>
inline void each_vector(std::int64_t n, const F& f) {
  using T = typename V::value_type;
  std::int64_t i = 0;
  for (; i + V::size <= n; i += V::size)
    f([&](const T* p) { return V::load(p + i); }, [&](T* p, const V& v) { v.store(p + i); }, V::size);
  if (const int rest = static_cast<int>(n - i); rest > 0)
    f([&](const T* p) { return V::load_n(p + i, rest); }, [&](T* p, const V& v) { v.store_n(p + i, rest); }, rest);
}

/// Σ w_j·(x_j - largest), in double.
template <class T>
double weighted_shifted_sum(const T* x, const T* w, std::int64_t n, double largest) {
  double result = 0;
  simd::dispatch([&](auto isa) {
    using V = typename decltype(isa)::template Lanes<T>;
    typename decltype(isa)::template WideSum<T> sum;
    const V shift(largest);
    each_vector<V>(n, [&](const auto& load, const auto&, int count) {
      V term = load(x) - shift;
      if (w) term = load(w) * term;
      sum.add_n(term, count);
    });
    result = sum.total();
  });
  return result;
}

/// ln Σ e^(x - largest). Where nearly all of the sum is the label's 1, what the others add to it would be rounded away, and with it
/// the tail of a confident row: they are summed by themselves.
template <class T>
double log_of_sum(const RowNorm& norm, const T* x, std::int64_t n, std::int64_t label) {
  if (!(norm.sum < 1 + 1e-6) || static_cast<double>(x[label]) != norm.largest) return std::log(norm.sum);
  double others = 0;
  for (const RowNorm& part : {row_norm(x, label), row_norm(x + label + 1, n - label - 1)})
    others += part.sum == 0 ? 0 : part.sum * std::exp(part.largest - norm.largest);
  return std::log1p(others);
}

}  // namespace

template <class T>
double cross_entropy_row(const RowTarget<T>& target, const T* x, std::int64_t n, std::int64_t label, T* dx, double scale) {
  const RowNorm norm = row_norm(x, n);
  const double log_sum = log_of_sum(norm, x, n, label);
  const double w = target.weight ? static_cast<double>(target.weight[label]) : 1.0;
  const double log_p = static_cast<double>(x[label]) - norm.largest - log_sum;
  if (target.spread == 0 && target.keep == 1) {
    if (dx) {
      softmax_row(x, dx, n, norm, scale * w);
      // Not softmax - 1, which loses the tail where the prediction is right.
      dx[label] = static_cast<T>(scale * w * std::expm1(log_p));
    }
    return -w * log_p;
  }
  const double at_label = target.keep * w;
  if (dx) {
    softmax_row(x, dx, n, norm, scale * (at_label + target.spread * target.weight_sum));
    const double even = scale * target.spread;
    for (std::int64_t j = 0; j < n; ++j)
      dx[j] -= static_cast<T>(target.weight ? even * static_cast<double>(target.weight[j]) : even);
    dx[label] -= static_cast<T>(scale * at_label);
  }
  const double all = weighted_shifted_sum(x, target.weight, n, norm.largest) - log_sum * target.weight_sum;
  return -at_label * log_p - target.spread * all;
}

template <class T>
double cross_entropy_row(const RowTarget<T>& target, const T* x, std::int64_t n, const T* t, T* dx, T* dt, double scale) {
  if (n == 0) return 0;
  const RowNorm norm = row_norm(x, n);
  const double log_sum = std::log(norm.sum);
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
  return log_sum * q_sum - q_dot;
}

template double cross_entropy_row(const RowTarget<float>&, const float*, std::int64_t, std::int64_t, float*, double);
template double cross_entropy_row(const RowTarget<double>&, const double*, std::int64_t, std::int64_t, double*, double);
template double cross_entropy_row(const RowTarget<float>&, const float*, std::int64_t, const float*, float*, float*, double);
template double cross_entropy_row(const RowTarget<double>&, const double*, std::int64_t, const double*, double*, double*, double);

}  // namespace slope::nn::detail
