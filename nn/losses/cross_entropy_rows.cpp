#include "slope/nn/losses/cross_entropy_rows.h"

#include <algorithm>
#include <cmath>

#include "slope/autograd/kernels/lanes.h"
#include "slope/autograd/kernels/row_block.h"

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

inline void add(double& total, double part) { total += part; }

/// Σ w_j·(x_j - largest), in double.
template <class T>
double weighted_shifted_sum(const T* x, const T* w, std::int64_t n, double largest) {
  return over_segments(
      n, 0.0,
      [&](std::int64_t begin, std::int64_t end) {
        double result = 0;
        simd::dispatch([&](auto isa) {
          using V = typename decltype(isa)::template Lanes<T>;
          typename decltype(isa)::template WideSum<T> sum;
          const V shift(largest);
          each_vector<V>(end - begin, [&](const auto& load, const auto&, int count) {
            V term = load(x + begin) - shift;
            if (w) term = load(w + begin) * term;
            sum.add_n(term, count);
          });
          result = sum.total();
        });
        return result;
      },
      add);
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

/// One row of any length.
template <class T>
double wide_row(const RowTarget<T>& target, const T* x, std::int64_t n, std::int64_t label, T* dx, double scale) {
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
    for_segments(n, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t j = begin; j < end; ++j)
        dx[j] -= static_cast<T>(target.weight ? even * static_cast<double>(target.weight[j]) : even);
    });
    dx[label] -= static_cast<T>(scale * at_label);
  }
  const double all = weighted_shifted_sum(x, target.weight, n, norm.largest) - log_sum * target.weight_sum;
  return -at_label * log_p - target.spread * all;
}

/// Up to V::size short rows, side by side.
template <class V>
void narrow_rows(const LabelRows<typename V::value_type>& rows, std::int64_t first, int count, RowBlock<V>& block) {
  using T = typename V::value_type;
  const RowTarget<T>& target = rows.target;
  const std::int64_t n = rows.n;
  std::int64_t label[V::size];
  alignas(64) T chosen[V::size], weight[V::size], counted[V::size], value[V::size];
  block.load(rows.x + first * rows.x_step, rows.x_step, n, count);
  for (int r = 0; r < V::size; ++r) {
    label[r] = r < count ? *reinterpret_cast<const std::int64_t*>(rows.labels + (first + r) * rows.label_step) : 0;
    counted[r] = r >= count || label[r] != rows.ignore_index;
    if (counted[r] == 0) label[r] = 0;
    chosen[r] = block.at(r, label[r]);
    weight[r] = target.weight ? target.weight[label[r]] : T(1);
  }
  const bool smooth = target.spread != 0 || target.keep != 1;
  V all(0);
  if (smooth) {
    V largest = block.column(0);
    for (std::int64_t j = 1; j < n; ++j) largest = maximum(largest, block.column(j));
    for (std::int64_t j = 0; j < n; ++j) {
      const V shifted = block.column(j) - largest;
      all += target.weight ? V(target.weight[j]) * shifted : shifted;
    }
  }
  V largest(0), others(0);
  block.exponentiate(n, largest, others);
  const V log_sum = log1p(others), log_p = (V::load(chosen) - largest) - log_sum, w = V::load(weight);
  const auto counts = V::load(counted) != 0;
  const V at_label = V(target.keep) * w;
  V l = -(smooth ? at_label : w) * log_p;
  if (smooth) l -= V(target.spread) * (all - log_sum * V(target.weight_sum));
  where(counts, l, V(0)).store(value);
  for (int r = 0; r < count; ++r) {
    char* to = rows.values + (first + r) * rows.value_step;
    if (rows.narrow)
      *reinterpret_cast<float*>(to) = static_cast<float>(value[r]);
    else
      *reinterpret_cast<double*>(to) = static_cast<double>(value[r]);
  }
  if (!rows.dx) return;

  const V up(rows.scale), total = smooth ? at_label + V(target.spread * target.weight_sum) : w;
  const V factor = up * total / (1 + others);
  for (std::int64_t j = 0; j < n; ++j) {
    V d = block.column(j) * factor;
    if (smooth) d -= V(rows.scale * target.spread * (target.weight ? static_cast<double>(target.weight[j]) : 1.0));
    block.set_column(j, where(counts, d, V(0)));
  }
  // Not softmax - 1, which loses the tail where the prediction is right.
  alignas(64) T at[V::size];
  (smooth ? up * at_label : up * w * expm1(log_p)).store(at);
  for (int r = 0; r < count; ++r) {
    if (counted[r] == 0) continue;
    T& d = block.at(r, label[r]);
    d = smooth ? d - at[r] : at[r];
  }
  block.store(rows.dx + first * rows.dx_step, rows.dx_step, n, count);
}

}  // namespace

template <class T>
void cross_entropy_rows(const LabelRows<T>& rows, std::int64_t count) {
  if (rows.n <= narrow_row && rows.n > 0)
    return simd::dispatch([&](auto isa) {
      using V = typename decltype(isa)::template Lanes<T>;
      RowBlock<V> block;
      for (std::int64_t i = 0; i < count; i += V::size)
        narrow_rows<V>(rows, i, static_cast<int>(std::min<std::int64_t>(V::size, count - i)), block);
    });
  for (std::int64_t r = 0; r < count; ++r) {
    const auto label = *reinterpret_cast<const std::int64_t*>(rows.labels + r * rows.label_step);
    T* const dx = rows.dx ? reinterpret_cast<T*>(rows.dx + r * rows.dx_step) : nullptr;
    double value = 0;
    if (label != rows.ignore_index)
      value =
          wide_row(rows.target, reinterpret_cast<const T*>(rows.x + r * rows.x_step), rows.n, label, dx, rows.scale);
    else if (dx)
      std::fill_n(dx, rows.n, T(0));
    char* to = rows.values + r * rows.value_step;
    if (rows.narrow)
      *reinterpret_cast<float*>(to) = static_cast<float>(value);
    else
      *reinterpret_cast<double*>(to) = value;
  }
}

template <class T>
double cross_entropy_row(const RowTarget<T>& target, const T* x, std::int64_t n, const T* t, T* dx, T* dt,
                         double scale) {
  if (n == 0) return 0;
  const RowNorm norm = row_norm(x, n);
  const double log_sum = std::log(norm.sum);
  struct Sums {
    double q = 0, dot = 0;
  };
  const Sums sums = over_segments(
      n, Sums(),
      [&](std::int64_t begin, std::int64_t end) {
        Sums part;
        simd::dispatch([&](auto isa) {
          using V = typename decltype(isa)::template Lanes<T>;
          typename decltype(isa)::template WideSum<T> sum, dot;
          const V shift(norm.largest), keep(target.keep), spread(target.spread);
          each_vector<V>(end - begin, [&](const auto& load, const auto&, int count) {
            V q = keep * load(t + begin) + spread;
            if (target.weight) q = load(target.weight + begin) * q;
            sum.add_n(q, count);
            dot.add_n(q * (load(x + begin) - shift), count);
          });
          part = {sum.total(), dot.total()};
        });
        return part;
      },
      [](Sums& a, const Sums& b) {
        a.q += b.q;
        a.dot += b.dot;
      });
  if (dx) softmax_row(x, dx, n, norm, scale * sums.q);
  if (dx || dt)
    for_segments(n, [&](std::int64_t begin, std::int64_t end) {
      simd::dispatch([&](auto isa) {
        using V = typename decltype(isa)::template Lanes<T>;
        const V shift(norm.largest), logs(log_sum), keep(target.keep), spread(target.spread), factor(scale);
        each_vector<V>(end - begin, [&](const auto& load, const auto& store, int) {
          const V w = target.weight ? load(target.weight + begin) : V(1);
          if (dx) store(dx + begin, load(dx + begin) - factor * (w * (keep * load(t + begin) + spread)));
          if (dt) store(dt + begin, -(factor * keep) * w * (load(x + begin) - shift - logs));
        });
      });
    });
  return log_sum * sums.q - sums.dot;
}

template void cross_entropy_rows(const LabelRows<float>&, std::int64_t);
template void cross_entropy_rows(const LabelRows<double>&, std::int64_t);
template double cross_entropy_row(const RowTarget<float>&, const float*, std::int64_t, const float*, float*, float*,
                                  double);
template double cross_entropy_row(const RowTarget<double>&, const double*, std::int64_t, const double*, double*,
                                  double*, double);

}  // namespace slope::nn::detail
