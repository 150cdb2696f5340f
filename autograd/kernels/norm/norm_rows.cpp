// Sets that are dense rows with a weight for each element: layer and root mean square normalisation, and group normalisation of what has
// little space.
#include <algorithm>
#include <vector>

#include "slope/autograd/kernels/norm/norm_core.h"

namespace slope::norm_kernels {

namespace {

/// One weight for each element of a row, where there is one for each `length` neighbours.
template <class T>
class Spread {
 public:
  Spread(const T* weights, const NormShape& s) : p_(weights) {
    if (!weights || s.length == 1) return;
    const std::int64_t n = s.groups * s.channels;
    all_.resize(static_cast<std::size_t>(n * s.length));
    for (std::int64_t i = 0; i < n; ++i) std::fill_n(all_.data() + i * s.length, s.length, weights[i]);
    p_ = all_.data();
  }
  const T* data() const { return p_; }

 private:
  const T* p_;
  std::vector<T> all_;
};

/// Σ d and Σ d² of a piece of a row.
template <class Isa, class T>
inline Sums deviations(const T* x, std::int64_t n, double shift) {
  Deviations<typename Isa::template Lanes<double>> d(shift);
  d.add(x, n);
  return d.total();
}

template <class V, class T>
inline void write_result(T* y, const T* x, const T* weight, const T* bias, std::int64_t n, const Scale<T>& scale) {
  const V high(scale.high), low(scale.low), factor(scale.factor);
  const auto normal = [&](const auto& load) { return ((load(x) - high) - low) * factor; };
  if (weight && bias)
    simd::write_each<V>(y, n, [&](const auto& load) { return normal(load) * load(weight) + load(bias); });
  else if (weight)
    simd::write_each<V>(y, n, [&](const auto& load) { return normal(load) * load(weight); });
  else if (bias)
    simd::write_each<V>(y, n, [&](const auto& load) { return normal(load) + load(bias); });
  else
    simd::write_each<V>(y, n, normal);
}

/// Σ h and Σ h·(x - mean) of a piece of a row.
template <class Isa, class T>
inline Sums products(const T* g, const T* x, const T* weight, std::int64_t n, const Scale<T>& scale) {
  using V = typename Isa::template Lanes<T>;
  const V high(scale.high), low(scale.low);
  Products<V, typename Isa::template WideSum<T>> products;
  simd::each_vector_of<V, 2>(n, [&](const auto& load, const auto&, int count, std::int64_t, auto k) {
    const V up = simd::first_lanes(load(g), count);
    products.add(weight ? scale_cotangent(up, load(weight)) : up, (load(x) - high) - low, k);
  });
  return products.total();
}

/// Rows that are written together, so that what they add to the gradients of the weights is added up in registers.
inline constexpr int block_rows = 8;

template <class T>
struct Block {
  int rows = 0;
  std::int64_t stride = 0;  ///< from a row to the next
  T* dx = nullptr;
  const T *g = nullptr, *x = nullptr, *weight = nullptr;
  double *dweight = nullptr, *dbias = nullptr;  ///< both or none
  T high[block_rows], low[block_rows], factor[block_rows], level[block_rows], tilt[block_rows];

  void set(int row, const Scale<T>& scale, const Pull<T>& pull) {
    high[row] = scale.high;
    low[row] = scale.low;
    factor[row] = scale.factor;
    level[row] = pull.level;
    tilt[row] = pull.tilt;
  }
  /// Moved by so many elements to the right.
  Block part(std::int64_t by) const {
    Block b = *this;
    if (b.dx) b.dx += by;
    b.g += by;
    b.x += by;
    if (b.weight) b.weight += by;
    if (b.dweight) b.dweight += by, b.dbias += by;
    return b;
  }
};

/// Writes n columns of ∂x and adds to the sums.
template <class Isa, class T>
inline void write_gradients(const Block<T>& b, std::int64_t n) {
  using V = typename Isa::template Lanes<T>;
  using Sum = typename Isa::template WideSum<T>;
  simd::each_vector_at<V>(n, [&](const auto& load, const auto& store, int count, std::int64_t at) {
    const V weight = b.weight ? load(b.weight) : V(1);
    Sum products, plain;
    for (int r = 0; r < b.rows; ++r) {
      const std::int64_t row = r * b.stride;
      const V g = simd::first_lanes(load(b.g + row), count);
      const V d = (load(b.x + row) - V(b.high[r])) - V(b.low[r]);
      const V factor(b.factor[r]);
      if (b.dx) {
        const V h = b.weight ? scale_cotangent(g, weight) : g;
        store(b.dx + row, scale_cotangent((h - V(b.level[r])) - scale_cotangent(V(b.tilt[r]), d), factor));
      }
      if (b.dweight) {
        plain.add(g);
        products.add_product(g, where(g == 0, V(0), d * factor));
      }
    }
    if (!b.dweight) return;
    const auto add = [&](const Sum& sum, double* to) {
      double added[V::size];
      sum.store(added);
      for (int i = 0; i < count; ++i) to[at + i] += added[i];
    };
    add(products, b.dweight);
    add(plain, b.dbias);
  });
}

}  // namespace

template <class T>
void along_rows(const Forward<T>& f) {
  const NormShape& s = f.shape;
  const Spread<T> weights(f.weight, s), biases(f.bias, s);
  const std::int64_t n = s.set_size(), rows = s.sets();
  parallel_for(rows, rows_per_grain(n, rows_grain(rows, n, grain_cheap)), [&](std::int64_t begin, std::int64_t end) {
    const auto part = [&](const T* all, std::int64_t row) { return all ? all + row % s.groups * n : nullptr; };
    const auto found = [&](std::int64_t row, const Sums& sums, double shift) {
      const Moments m = moments_of(sums, shift, n, s.centred);
      f.moments.mean[row] = m.mean;
      f.moments.variance[row] = m.variance;
      return Scale<T>(f.moments, row);
    };
    const auto shift_of = [&](const T* x) { return s.centred ? static_cast<double>(x[0]) : 0.0; };
    if (n <= row_segment)
      return simd::dispatch([&](auto isa) {
        using Isa = decltype(isa);
        for (std::int64_t i = begin; i < end; ++i) {
          const T* x = f.x + i * n;
          const double shift = shift_of(x);
          const Scale<T> scale = found(i, deviations<Isa>(x, n, shift), shift);
          write_result<typename Isa::template Lanes<T>>(f.y + i * n, x, part(weights.data(), i), part(biases.data(), i),
                                                        n, scale);
        }
      });
    for (std::int64_t i = begin; i < end; ++i) {
      const T* x = f.x + i * n;
      const double shift = shift_of(x);
      const Sums sums = over_segments(
          n, Sums(),
          [&](std::int64_t from, std::int64_t to) {
            Sums piece;
            simd::dispatch([&](auto isa) { piece = deviations<decltype(isa)>(x + from, to - from, shift); });
            return piece;
          },
          [](Sums& total, const Sums& more) { total += more; });
      const Scale<T> scale = found(i, sums, shift);
      const T *w = part(weights.data(), i), *b = part(biases.data(), i);
      for_segments(n, [&](std::int64_t from, std::int64_t to) {
        simd::dispatch([&](auto isa) {
          write_result<typename decltype(isa)::template Lanes<T>>(f.y + i * n + from, x + from, w ? w + from : nullptr,
                                                                  b ? b + from : nullptr, to - from, scale);
        });
      });
    }
  });
}
template void along_rows<float>(const Forward<float>&);
template void along_rows<double>(const Forward<double>&);

namespace {

/// The rows of group `group` of samples [begin, begin + rows), without sums.
template <class T>
Block<T> block_of(const Backward<T>& f, const T* weights, std::int64_t group, std::int64_t begin, int rows) {
  const NormShape& s = f.shape;
  const std::int64_t n = s.set_size(), at = (begin * s.groups + group) * n;
  Block<T> b;
  b.rows = rows;
  b.stride = s.groups * n;
  if (f.dx) b.dx = f.dx + at;
  b.g = f.g + at;
  b.x = f.x + at;
  if (weights) b.weight = weights + group * n;
  return b;
}

/// Rows of several samples at a time; `sums` (may be null) takes what each column adds to ∂weight, then what it adds to ∂bias.
template <class Isa, class T>
inline void gradients_of(const Backward<T>& f, const T* weights, std::int64_t begin, std::int64_t end, double* sums) {
  const NormShape& s = f.shape;
  const std::int64_t n = s.set_size();
  const std::int64_t together = std::clamp<std::int64_t>(2 * row_segment / n, 1, block_rows);
  for (std::int64_t i = begin; i < end; i += together)
    for (std::int64_t group = 0; group < s.groups; ++group) {
      const int rows = static_cast<int>(std::min(together, end - i));
      Block<T> b = block_of(f, weights, group, i, rows);
      if (sums) {
        b.dweight = sums + group * n;
        b.dbias = sums + (s.groups + group) * n;
      }
      for (int r = 0; r < rows; ++r) {
        const std::int64_t set = (i + r) * s.groups + group;
        const Scale<T> scale(f.moments, set);
        const std::int64_t at = r * b.stride;
        b.set(r, scale,
              f.dx ? Pull<T>(products<Isa>(b.g + at, b.x + at, b.weight, n, scale),
                             reciprocal_deviation(f.moments, set), s)
                   : Pull<T>());
      }
      write_gradients<Isa>(b, n);
    }
}

/// Few wide rows: each on all threads.
template <class T>
void wide_gradients(const Backward<T>& f, const T* weights, double* sums) {
  const NormShape& s = f.shape;
  const std::int64_t n = s.set_size();
  for (std::int64_t i = 0; i < s.batch; i += block_rows)
    for (std::int64_t group = 0; group < s.groups; ++group) {
      const int rows = static_cast<int>(std::min<std::int64_t>(block_rows, s.batch - i));
      Block<T> b = block_of(f, weights, group, i, rows);
      if (sums) {
        b.dweight = sums + group * n;
        b.dbias = sums + (s.groups + group) * n;
      }
      for (int r = 0; r < rows; ++r) {
        const std::int64_t set = (i + r) * s.groups + group;
        const Scale<T> scale(f.moments, set);
        const T *g = b.g + r * b.stride, *x = b.x + r * b.stride;
        const Sums of = over_segments(
            f.dx ? n : 0, Sums(),
            [&](std::int64_t from, std::int64_t to) {
              Sums piece;
              simd::dispatch([&](auto isa) {
                piece =
                    products<decltype(isa)>(g + from, x + from, b.weight ? b.weight + from : nullptr, to - from, scale);
              });
              return piece;
            },
            [](Sums& total, const Sums& more) { total += more; });
        b.set(r, scale, Pull<T>(of, reciprocal_deviation(f.moments, set), s));
      }
      for_segments(n, [&](std::int64_t from, std::int64_t to) {
        simd::dispatch([&](auto isa) { write_gradients<decltype(isa)>(b.part(from), to - from); });
      });
    }
}

}  // namespace

template <class T>
void along_rows(const Backward<T>& f) {
  const NormShape& s = f.shape;
  const Spread<T> weights(f.weight, s);
  const std::int64_t n = s.set_size(), columns = s.groups * n;
  const bool wide = s.sets() < 16 && is_wide_row(n);
  // Each chunk of samples has sums of its own: not too many of them.
  constexpr std::int64_t most_chunks = 64;
  const std::int64_t samples =
      wide ? s.batch : std::max(rows_per_grain(columns, grain_cheap), (s.batch - 1) / most_chunks + 1);
  const std::int64_t chunks = chunk_count(s.batch, samples);
  std::vector<double> sums(f.sums_wanted() ? static_cast<std::size_t>(2 * columns * chunks) : 0);
  const auto of_chunk = [&](std::int64_t chunk) { return sums.empty() ? nullptr : sums.data() + chunk * 2 * columns; };
  if (wide)
    wide_gradients(f, weights.data(), of_chunk(0));
  else
    parallel_chunks(s.batch, samples, [&](std::int64_t chunk, std::int64_t begin, std::int64_t end) {
      simd::dispatch([&](auto isa) { gradients_of<decltype(isa)>(f, weights.data(), begin, end, of_chunk(chunk)); });
    });
  if (sums.empty()) return;
  double* total = sums.data();
  for (std::int64_t k = 1; k < chunks; ++k)
    for (std::int64_t j = 0; j < 2 * columns; ++j) total[j] += total[k * 2 * columns + j];
  const auto store = [&](T* to, const double* from) {
    if (!to) return;
    for (std::int64_t i = 0; i < columns / s.length; ++i) {
      double sum = from[i * s.length];
      for (std::int64_t j = 1; j < s.length; ++j) sum += from[i * s.length + j];
      to[i] = static_cast<T>(sum);
    }
  };
  store(f.dweight, total);
  store(f.dbias, total + columns);
}
template void along_rows<float>(const Backward<float>&);
template void along_rows<double>(const Backward<double>&);

}  // namespace slope::norm_kernels
