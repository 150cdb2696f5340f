// Sets made of runs with one weight each: batch, group and instance normalisation of what has space.
#include <algorithm>
#include <vector>

#include "slope/autograd/kernels/norm/norm_core.h"

namespace slope::norm_kernels {

namespace {

/// The runs of a set, cut into strips that stay in the first-level cache.
class Strips {
 public:
  Strips(const NormShape& s, std::int64_t set)
      : length_(s.length),
        per_run_((s.length - 1) / row_segment + 1),
        runs_(s.pooled ? s.batch : s.channels),
        stride_(s.pooled ? s.groups * s.length : s.length),
        first_(set * s.channels * s.length),
        pooled_(s.pooled) {}

  std::int64_t runs() const { return runs_; }
  std::int64_t per_run() const { return per_run_; }
  std::int64_t count() const { return runs_ * per_run_; }
  /// Strips that are worth a thread.
  std::int64_t grain() const { return std::max<std::int64_t>(1, grain_cheap / std::min(length_, row_segment)); }
  /// f(channel in the set, position of the first element, elements) for strips [begin, end).
  template <class F>
  void each(std::int64_t begin, std::int64_t end, const F& f) const {
    std::int64_t run = begin / per_run_, part = begin % per_run_;
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t at = part * row_segment;
      f(pooled_ ? 0 : run, first_ + run * stride_ + at, std::min(row_segment, length_ - at));
      if (++part == per_run_) part = 0, ++run;
    }
  }
  /// value(begin, end) over pieces of the strips [begin, end), on several threads, added from the first to the last.
  template <class F>
  Sums add_up(std::int64_t begin, std::int64_t end, const F& value) const {
    if (end - begin <= grain()) return value(begin, end);
    Sums partial[max_chunks];
    parallel_chunks(end - begin, grain(), [&](std::int64_t chunk, std::int64_t from, std::int64_t to) {
      partial[chunk] = value(begin + from, begin + to);
    });
    Sums total = partial[0];
    for (std::int64_t i = 1; i < chunk_count(end - begin, grain()); ++i) total += partial[i];
    return total;
  }

 private:
  std::int64_t length_, per_run_, runs_, stride_, first_;
  bool pooled_;
};

/// Calls `body(set)` for all: few large ones after each other, each on all threads, else several at a time.
template <class Body>
void each_set(const NormShape& s, const Body& body) {
  const std::int64_t sets = s.sets(), n = s.set_size();
  parallel_for(sets, rows_per_grain(n, rows_grain(sets, n, grain_cheap)), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) body(i);
  });
}

template <class T>
Moments find_moments(const Forward<T>& f, const Strips& strips) {
  T first = 0;
  strips.each(0, 1, [&](std::int64_t, std::int64_t at, std::int64_t) { first = f.x[at]; });
  const double shift = f.shape.centred ? static_cast<double>(first) : 0;
  const Sums sums = strips.add_up(0, strips.count(), [&](std::int64_t begin, std::int64_t end) {
    Sums piece;
    simd::dispatch([&](auto isa) {
      Deviations<typename decltype(isa)::template Lanes<double>> d(shift);
      strips.each(begin, end, [&](std::int64_t, std::int64_t at, std::int64_t n) { d.add(f.x + at, n); });
      piece = d.total();
    });
    return piece;
  });
  return moments_of(sums, shift, f.shape.set_size(), f.shape.centred);
}

}  // namespace

template <class T>
void along_runs(const Forward<T>& f) {
  const NormShape& s = f.shape;
  each_set(s, [&](std::int64_t set) {
    const Strips strips(s, set);
    if (!f.moments.constant) {
      const Moments m = find_moments(f, strips);
      f.moments.mean[set] = m.mean;
      f.moments.variance[set] = m.variance;
    }
    const Scale<T> scale(f.moments, set);
    const double r = reciprocal_deviation(f.moments, set);
    const std::int64_t channel = set % s.groups * s.channels;
    parallel_for(strips.count(), strips.grain(), [&](std::int64_t begin, std::int64_t end) {
      simd::dispatch([&](auto isa) {
        using V = typename decltype(isa)::template Lanes<T>;
        const V high(scale.high), low(scale.low);
        strips.each(begin, end, [&](std::int64_t k, std::int64_t at, std::int64_t n) {
          const V factor(f.weight ? r * static_cast<double>(f.weight[channel + k]) : r);
          const V level(f.bias ? f.bias[channel + k] : T(0));
          const T* x = f.x + at;
          if (f.bias)
            simd::write_each<V>(f.y + at, n,
                                [&](const auto& load) { return ((load(x) - high) - low) * factor + level; });
          else
            simd::write_each<V>(f.y + at, n, [&](const auto& load) { return ((load(x) - high) - low) * factor; });
        });
      });
    });
  });
}
template void along_runs<float>(const Forward<float>&);
template void along_runs<double>(const Forward<double>&);

template <class T>
void along_runs(const Backward<T>& f) {
  const NormShape& s = f.shape;
  // Σ g and Σ g·(x - mean) for every channel of every set.
  const bool sums_needed = f.sums_wanted() || !f.moments.constant;
  std::vector<Sums> sums(sums_needed ? static_cast<std::size_t>(s.sets() * s.channels) : 0);
  each_set(s, [&](std::int64_t set) {
    const Strips strips(s, set);
    const Scale<T> scale(f.moments, set);
    const double r = reciprocal_deviation(f.moments, set);
    const std::int64_t channel = set % s.groups * s.channels;
    const auto weight = [&](std::int64_t k) { return f.weight ? static_cast<double>(f.weight[channel + k]) : 1; };
    Sums all;
    if (sums_needed) {
      const std::int64_t together = s.pooled ? strips.count() : strips.per_run();
      for (std::int64_t k = 0; k < s.channels; ++k) {
        Sums& of = sums[static_cast<std::size_t>(set * s.channels + k)];
        of = strips.add_up(k * together, (k + 1) * together, [&](std::int64_t begin, std::int64_t end) {
          Sums piece;
          simd::dispatch([&](auto isa) {
            using V = typename decltype(isa)::template Lanes<T>;
            const V high(scale.high), low(scale.low);
            Products<V, typename decltype(isa)::template WideSum<T>> products;
            strips.each(begin, end, [&](std::int64_t, std::int64_t at, std::int64_t n) {
              const T *g = f.g + at, *x = f.x + at;
              simd::each_vector_of<V, 2>(n, [&](const auto& load, const auto&, int count, std::int64_t, auto i) {
                products.add(simd::first_lanes(load(g), count), (load(x) - high) - low, i);
              });
            });
            piece = products.total();
          });
          return piece;
        });
        all += Sums{scaled(of.first, weight(k)), scaled(of.second, weight(k))};
      }
    }
    if (!f.dx) return;
    const Pull<T> pull = f.moments.constant ? Pull<T>() : Pull<T>(all, r, s);
    parallel_for(strips.count(), strips.grain(), [&](std::int64_t begin, std::int64_t end) {
      simd::dispatch([&](auto isa) {
        using V = typename decltype(isa)::template Lanes<T>;
        const V high(scale.high), low(scale.low), factor(scale.factor), level(pull.level), tilt(pull.tilt);
        strips.each(begin, end, [&](std::int64_t k, std::int64_t at, std::int64_t n) {
          const V w(weight(k));
          const T *g = f.g + at, *x = f.x + at;
          simd::write_each<V>(f.dx + at, n, [&](const auto& load) {
            const V d = (load(x) - high) - low;
            return scale_cotangent((scale_cotangent(load(g), w) - level) - scale_cotangent(tilt, d), factor);
          });
        });
      });
    });
  });
  if (!f.sums_wanted()) return;
  const std::int64_t weights = s.groups * s.channels, times = s.pooled ? 1 : s.batch;
  for (std::int64_t c = 0; c < weights; ++c) {
    Sums total;
    for (std::int64_t i = 0; i < times; ++i) {
      const Sums& of = sums[static_cast<std::size_t>(i * weights + c)];
      total += Sums{of.first, scaled(of.second, reciprocal_deviation(f.moments, i * s.groups + c / s.channels))};
    }
    if (f.dbias) f.dbias[c] = static_cast<T>(total.first);
    if (f.dweight) f.dweight[c] = static_cast<T>(total.second);
  }
}
template void along_runs<float>(const Backward<float>&);
template void along_runs<double>(const Backward<double>&);

}  // namespace slope::norm_kernels
