#include "slope/nn/losses/classes/internal/cross_entropy_rows.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "slope/autograd/kernels/loops/row_block.h"
#include "slope/autograd/kernels/pointwise/formula.h"
#include "slope/autograd/kernels/simd/internal/row_lanes.h"

namespace slope::nn::detail {

namespace {

inline void add(double& total, double part) { total += part; }
// What has weight 0 adds 0, also where it is infinite.
inline double weigh(double w, double v) { return w == 0 ? 0 : w * v; }

/// Σ scale·w_j·(x_j - largest), in double; scaled first, since a small share of a large number may be in range.
template <class T>
double weighted_shifted_sum(const T* x, const T* w, std::int64_t n, double largest, double scale) {
  return over_segments(
      n, 0.0,
      [&](std::int64_t begin, std::int64_t end) {
        double result = 0;
        simd::dispatch([&](auto isa) {
          using V = typename decltype(isa)::template Lanes<T>;
          typename decltype(isa)::template WideSum<T> sum;
          const V shift(largest), factor(scale);
          simd::each_vector<V>(end - begin, [&](const auto& load, const auto&, int count) {
            const V part = load(x + begin) - shift;
            sum.add_n(w ? scale_cotangent(load(w + begin), factor * part) : factor * part, count);
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

/// softmax·Σq - q, for one class with q of its own, the rest of Σq and the logarithm of its softmax, which may be close
/// to 1.
double slope_of_likely(double q, double rest, double log_p) { return q * std::expm1(log_p) + std::exp(log_p) * rest; }

inline void store_value(char* to, double value, bool narrow) {
  if (narrow)
    *reinterpret_cast<float*>(to) = static_cast<float>(value);
  else
    *reinterpret_cast<double*>(to) = value;
}

/// One row of any length.
template <class T>
double wide_row(const RowTarget<T>& target, const T* x, std::int64_t n, std::int64_t label, T* dx, double divisor) {
  const RowNorm norm = row_norm(x, n);
  const double log_sum = log_of_sum(norm, x, n, label);
  const double w = target.weight ? static_cast<double>(target.weight[label]) : 1.0;
  const double log_p = static_cast<double>(x[label]) - norm.largest - log_sum;
  if (target.spread == 0 && target.share == 1) {
    if (dx) {
      softmax_row(x, dx, n, norm, w / divisor);
      // Not softmax - 1, which loses the tail where the prediction is right.
      dx[label] = static_cast<T>(w / divisor * std::expm1(log_p));
    }
    return -w * log_p;
  }
  const double at_label = target.share * w;
  if (dx) {
    softmax_row(x, dx, n, norm, (at_label + target.spread * target.weight_sum) / divisor);
    for_segments(n, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t j = begin; j < end; ++j)
        dx[j] -=
            static_cast<T>(target.spread * (target.weight ? static_cast<double>(target.weight[j]) : 1.0) / divisor);
    });
    dx[label] = static_cast<T>(
        slope_of_likely(at_label + target.spread * w, target.spread * (target.weight_sum - w), log_p) / divisor);
  }
  const double shifted = weighted_shifted_sum(x, target.weight, n, norm.largest, target.spread);
  return -weigh(at_label, log_p) - (shifted - target.spread * target.weight_sum * log_sum);
}

/// Up to V::size short rows, side by side.
template <class V>
void narrow_rows(const LabelRows<typename V::value_type>& rows, std::int64_t first, int count, RowBlock<V>& block) {
  using T = typename V::value_type;
  const RowTarget<T>& target = rows.target;
  const std::int64_t n = rows.n;
  const bool smooth = target.spread != 0 || target.share != 1;
  std::int64_t label[V::size];
  alignas(64) T chosen[V::size], counted[V::size], value[V::size];
  // q of the label, and over the divisor: of all classes, of the label, of the others.
  alignas(64) T at_label[V::size], all[V::size], own[V::size], rest[V::size];
  block.load(rows.x + first * rows.x_step, rows.x_step, n, count);
  const auto set_shares = [&](int r, double w) {
    at_label[r] = static_cast<T>(target.share * w);
    // Without smoothing a weight of another class is no factor, not even an infinite one.
    all[r] = static_cast<T>((target.share * w + (smooth ? target.spread * target.weight_sum : 0)) / rows.divisor);
    own[r] = static_cast<T>((target.share + target.spread) * w / rows.divisor);
    rest[r] = smooth ? static_cast<T>(target.spread * (target.weight_sum - w) / rows.divisor) : T(0);
  };
  for (int r = 0; r < V::size; ++r) {
    label[r] = r < count ? *reinterpret_cast<const std::int64_t*>(rows.labels + (first + r) * rows.label_step) : 0;
    counted[r] = r >= count || (label[r] != rows.ignore_index && target.counts(label[r]));
    if (counted[r] == 0) label[r] = 0;
    chosen[r] = block.at(r, label[r]);
    if (target.weight) set_shares(r, static_cast<double>(target.weight[label[r]]));
  }
  if (!target.weight) {  // the same for all rows: three divisions, not three a row
    set_shares(0, 1.0);
    for (auto* share : {at_label, all, own, rest}) V(share[0]).store(share);
  }
  V shifted(0);
  if (smooth) {
    V largest = block.column(0);
    for (std::int64_t j = 1; j < n; ++j) largest = maximum(largest, block.column(j));
    const V spread(target.spread);
    for (std::int64_t j = 0; j < n; ++j)
      if (!target.weight || target.weight[j] != 0)
        shifted += (target.weight ? spread * V(target.weight[j]) : spread) * (block.column(j) - largest);
  }
  V largest(0), others(0);
  block.exponentiate(n, largest, others);
  const V log_sum = log1p(others), log_p = (V::load(chosen) - largest) - log_sum;
  const auto counts = V::load(counted) != 0;
  V l = smooth ? -scale_cotangent(V::load(at_label), log_p) : -V::load(at_label) * log_p;
  if (smooth) l -= shifted - V(target.spread * target.weight_sum) * log_sum;
  where(counts, l, V(0)).store(value);
  for (int r = 0; r < count; ++r)
    store_value(rows.values + (first + r) * rows.value_step, static_cast<double>(value[r]), rows.narrow);
  if (!rows.dx) return;

  const V factor = V::load(all) / (1 + others);
  for (std::int64_t j = 0; j < n; ++j) {
    V d = block.column(j) * factor;
    if (smooth) d -= V(target.spread * (target.weight ? static_cast<double>(target.weight[j]) : 1.0) / rows.divisor);
    block.set_column(j, where(counts, d, V(0)));
  }
  // Not softmax - 1, which loses the tail where the prediction is right.
  V d = V::load(own) * expm1(log_p);
  if (smooth) d += exp(log_p) * V::load(rest);
  d.store(value);
  for (int r = 0; r < count; ++r)
    if (counted[r] != 0) block.at(r, label[r]) = value[r];
  block.store(rows.dx + first * rows.dx_step, rows.dx_step, n, count);
}

/// What narrow_rows of probabilities works in.
template <class V>
struct ProbabilityBlocks {
  RowBlock<V> x, q, e;  // logits, targets, exponentials; the last two become gradients
};

/// Up to V::size short rows, side by side. In double, for softmax·Σq - q loses what the two have in common.
template <class V, class T>
void narrow_rows(const ProbabilityRows<T>& rows, std::int64_t first, int count, ProbabilityBlocks<V>& block) {
  const RowTarget<T>& target = rows.target;
  const std::int64_t n = rows.n;
  const V share(target.share), spread(target.spread), scale(rows.scale);
  block.x.template load<T>(rows.x + first * rows.x_step, rows.x_step, n, count);
  block.q.template load<T>(rows.t + first * rows.t_step, rows.t_step, n, count);
  V largest(0), others(0);
  block.e.set_exponentials(block.x, n, largest, others);
  const V log_sum = log1p(others), log_p = -log_sum;
  // The rest of Σq is summed by itself: beside a share close to 1 it would be rounded away.
  V own(0), rest(0), dot(0);
  auto found = largest != largest, counts = typename V::mask_type(!target.weight);
  for (std::int64_t j = 0; j < n; ++j) {
    const V x = block.x.column(j);
    V q = share * block.q.column(j) + spread, part = x - largest;
    if (target.weight) {
      const V w(target.weight[j]);
      q = scale_cotangent(w, q);
      counts = counts | (q != 0);
      if (target.weight[j] == 0) part = V(0);
    }
    const auto likely = (x == largest) & !found;
    found = found | likely;
    own = where(likely, q, own);
    rest += where(likely, V(0), q);
    dot += q * part;
    block.q.set_column(j, q);
  }
  const V sum = own + rest;
  alignas(64) double value[V::size];
  where(counts, log_sum * sum - dot, V(0)).store(value);
  for (int r = 0; r < count; ++r) store_value(rows.values + (first + r) * rows.value_step, value[r], rows.narrow);
  if (rows.dx) {
    const V factor = scale * sum / (1 + others);
    // Not softmax·Σq - q, which loses the tail where the prediction is right.
    const V of_likely = scale * (own * expm1(log_p) + exp(log_p) * rest);
    const auto none = largest != largest;  // a NaN, which every element gets
    found = none | !(others < 1);          // no class has more than half of the probability
    for (std::int64_t j = 0; j < n; ++j) {
      const auto likely = (block.x.column(j) == largest) & !found;
      found = found | likely;
      const V d = where(likely, of_likely, block.e.column(j) * factor - scale * block.q.column(j));
      block.e.set_column(j, where(counts, d, V(0)));
    }
    block.e.template store<T>(rows.dx + first * rows.dx_step, rows.dx_step, n, count);
  }
  if (rows.dt) {
    const V factor = -(scale * share);
    for (std::int64_t j = 0; j < n; ++j) {
      V d = factor * (block.x.column(j) - largest - log_sum);
      if (target.weight) d = scale_cotangent(V(target.weight[j]), d);
      block.q.set_column(j, where(counts, d, V(0)));
    }
    block.q.template store<T>(rows.dt + first * rows.dt_step, rows.dt_step, n, count);
  }
}

/// One row of any length.
template <class T>
double wide_row(const RowTarget<T>& target, const T* x, std::int64_t n, const T* t, T* dx, T* dt, double scale) {
  if (n == 0) return 0;
  const RowNorm norm = row_norm(x, n);
  // The one class that may have more than half of the probability.
  const std::int64_t likely =
      norm.sum < 2 ? std::find_if(x, x + n, [&](T v) { return static_cast<double>(v) == norm.largest; }) - x : n;
  const double log_sum = likely < n ? log_of_sum(norm, x, n, likely) : std::log(norm.sum);
  struct Sums {
    double q = 0, dot = 0;
    bool counts = false;  // some q is not 0; asked only where there are weights
  };
  const Sums sums = over_segments(
      n, Sums(),
      [&](std::int64_t begin, std::int64_t end) {
        Sums part;
        simd::dispatch([&](auto isa) {
          using V = typename decltype(isa)::template Lanes<T>;
          typename decltype(isa)::template WideSum<T> sum, dot;
          const V shift(norm.largest), share(target.share), spread(target.spread);
          auto counts = typename V::mask_type(false);
          simd::each_vector<V>(end - begin, [&](const auto& load, const auto&, int count) {
            V q = share * load(t + begin) + spread, part_of_dot = load(x + begin) - shift;
            if (target.weight) {
              const V w = load(target.weight + begin);
              q = scale_cotangent(w, q);
              counts = counts | (simd::first_lanes(q, count) != 0);
              part_of_dot = where(w == 0, V(0), part_of_dot);
            }
            sum.add_n(q, count);
            dot.add_n(q * part_of_dot, count);
          });
          part = {sum.total(), dot.total(), counts.any()};
        });
        return part;
      },
      [](Sums& a, const Sums& b) {
        a.q += b.q;
        a.dot += b.dot;
        a.counts |= b.counts;
      });
  if (target.weight && !sums.counts) {
    for (T* d : {dx, dt})
      if (d) std::fill_n(d, n, T(0));
    return 0;
  }
  if (dx) softmax_row(x, dx, n, norm, scale * sums.q);
  if (dx || dt)
    for_segments(n, [&](std::int64_t begin, std::int64_t end) {
      simd::dispatch([&](auto isa) {
        using V = typename decltype(isa)::template Lanes<T>;
        const V shift(norm.largest), logs(log_sum), share(target.share), spread(target.spread), factor(scale);
        simd::each_vector<V>(end - begin, [&](const auto& load, const auto& store, int) {
          const V w = target.weight ? load(target.weight + begin) : V(1);
          if (dx) store(dx + begin, load(dx + begin) - factor * scale_cotangent(w, share * load(t + begin) + spread));
          if (dt) store(dt + begin, scale_cotangent(w, -(factor * share) * (load(x + begin) - shift - logs)));
        });
      });
    });
  if (dx && likely < n) {
    const double q = weigh(target.weight ? static_cast<double>(target.weight[likely]) : 1.0,
                           target.share * static_cast<double>(t[likely]) + target.spread);
    dx[likely] = static_cast<T>(scale * slope_of_likely(q, sums.q - q, -log_sum));
  }
  return log_sum * sums.q - sums.dot;
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
    if (label != rows.ignore_index && rows.target.counts(label))
      value =
          wide_row(rows.target, reinterpret_cast<const T*>(rows.x + r * rows.x_step), rows.n, label, dx, rows.divisor);
    else if (dx)
      std::fill_n(dx, rows.n, T(0));
    store_value(rows.values + r * rows.value_step, value, rows.narrow);
  }
}

template <class T>
void cross_entropy_rows(const ProbabilityRows<T>& rows, std::int64_t count) {
  if (rows.n <= narrow_row && rows.n > 0)
    return simd::dispatch([&](auto isa) {
      using V = typename decltype(isa)::template Lanes<double>;
      ProbabilityBlocks<V> block;
      for (std::int64_t i = 0; i < count; i += V::size)
        narrow_rows<V>(rows, i, static_cast<int>(std::min<std::int64_t>(V::size, count - i)), block);
    });
  for (std::int64_t r = 0; r < count; ++r) {
    const auto at = [r](auto* p, std::int64_t step) {
      using P = std::conditional_t<std::is_const_v<std::remove_pointer_t<decltype(p)>>, const T, T>;
      return p ? reinterpret_cast<P*>(p + r * step) : nullptr;
    };
    const double value = wide_row(rows.target, at(rows.x, rows.x_step), rows.n, at(rows.t, rows.t_step),
                                  at(rows.dx, rows.dx_step), at(rows.dt, rows.dt_step), rows.scale);
    store_value(rows.values + r * rows.value_step, value, rows.narrow);
  }
}

template void cross_entropy_rows(const LabelRows<float>&, std::int64_t);
template void cross_entropy_rows(const LabelRows<double>&, std::int64_t);
template void cross_entropy_rows(const ProbabilityRows<float>&, std::int64_t);
template void cross_entropy_rows(const ProbabilityRows<double>&, std::int64_t);

}  // namespace slope::nn::detail
