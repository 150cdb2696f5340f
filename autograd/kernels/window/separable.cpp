#include "slope/autograd/kernels/window/separable.h"

#include <algorithm>
#include <type_traits>

#include "slope/autograd/core/internal/scratch.h"
#include "slope/autograd/core/parallel.h"
#include "slope/autograd/kernels/pointwise/grain.h"
#include "slope/autograd/kernels/simd/each_vector.h"
#include "slope/autograd/kernels/simd/lanes.h"

namespace slope {

using std::int64_t;

TapMatrix TapMatrix::transposed() const {
  TapMatrix t(outputs());
  std::vector<int64_t> next(static_cast<std::size_t>(inputs) + 1, 0);
  for (const int64_t i : at) ++next[static_cast<std::size_t>(i) + 1];
  for (std::size_t i = 1; i < next.size(); ++i) next[i] += next[i - 1];
  t.start = next;
  t.at.resize(at.size());
  t.weight.resize(at.size());
  for (int64_t o = 0; o < outputs(); ++o)
    for (int64_t k = start[static_cast<std::size_t>(o)]; k < start[static_cast<std::size_t>(o) + 1]; ++k) {
      const auto from = static_cast<std::size_t>(k);
      const auto to = static_cast<std::size_t>(next[static_cast<std::size_t>(at[from])]++);
      t.at[to] = o;
      t.weight[to] = weight[from];
    }
  return t;
}

SeparableMap transposed(const SeparableMap& map) {
  SeparableMap back;
  for (std::size_t d = 0; d < 3; ++d)
    if (map[d]) back[d] = std::make_shared<const TapMatrix>(map[d]->transposed());
  return back;
}

Shape mapped_shape(const SeparableMap& map, Shape shape) {
  for (int d = 0; d < 3; ++d)
    if (const auto& m = map[static_cast<std::size_t>(2 - d)]) shape[shape.size() - 1 - d] = m->outputs();
  return shape;
}

namespace {

/// Some rows of a matrix applied to rows of `n` elements, each `step` behind the one before: row r of the result is the sum of its taps, as
/// R. `from` holds the rows from number `first` on; `sum` has room for a row.
template <class S, class R>
inline void combine_rows(R* to, const S* from, int64_t first, int64_t step, const TapMatrix& m, int64_t begin,
                         int64_t end, int64_t n, double* sum) {
  const auto in = [](S v) { return static_cast<double>(v); };
  for (int64_t r = begin; r < end; ++r, to += n) {
    int64_t k = m.start.data()[r];
    const int64_t last = m.start.data()[r + 1], taps = last - k;
    const auto row = [&](int64_t tap) { return from + (m.at.data()[tap] - first) * step; };
    const double* w = m.weight.data();
    if (taps == 1) {
      const S* a = row(k);
      const double t = w[k];
      for (int64_t i = 0; i < n; ++i) to[i] = static_cast<R>(t * in(a[i]));
    } else if (taps == 2) {
      const S *a = row(k), *b = row(k + 1);
      const double t = w[k], u = w[k + 1];
      for (int64_t i = 0; i < n; ++i) to[i] = static_cast<R>(t * in(a[i]) + u * in(b[i]));
    } else if (taps == 4) {
      const S *a = row(k), *b = row(k + 1), *c = row(k + 2), *d = row(k + 3);
      const double t = w[k], u = w[k + 1], v = w[k + 2], x = w[k + 3];
      for (int64_t i = 0; i < n; ++i)
        to[i] = static_cast<R>(t * in(a[i]) + u * in(b[i]) + (v * in(c[i]) + x * in(d[i])));
    } else {
      for (int64_t i = 0; i < n; ++i) sum[i] = 0;
      for (; k + 2 <= last; k += 2) {
        const S *a = row(k), *b = row(k + 1);
        const double t = w[k], u = w[k + 1];
        for (int64_t i = 0; i < n; ++i) sum[i] += t * in(a[i]) + u * in(b[i]);
      }
      if (k < last) {
        const S* a = row(k);
        const double t = w[k];
        for (int64_t i = 0; i < n; ++i) sum[i] += t * in(a[i]);
      }
      for (int64_t i = 0; i < n; ++i) to[i] = static_cast<R>(sum[i]);
    }
  }
}

/// A matrix of width, and the part of it that is regular: output q·phases + p has the taps q·stride + base[p] + k, k < taps, with weights
/// that depend on p and k alone, for begin <= q < end. Such are pooling and resampling by small factors but for the edges.
struct RowMatrix {
  static constexpr int most_taps = 4;
  const TapMatrix* m;  // null: the identity
  int phases = 0, stride = 0, taps = 0;
  int64_t begin = 0, end = 0, base[2] = {};
  double weight[2][most_taps] = {};
  /// Whether it has one output, the sum of all elements times weight[0][0].
  bool sums_all = false;

  explicit RowMatrix(const TapMatrix* matrix) : m(matrix) {
    if (!m) return;
    sums_all = m->outputs() == 1 && is_uniform();
    constexpr int forms[][2] = {{1, 2}, {2, 1}};
    for (const auto& [p, s] : forms)
      if (find(p, s)) return;
    phases = 0;
  }

 private:
  int64_t count(int64_t o) const {
    return m->start[static_cast<std::size_t>(o) + 1] - m->start[static_cast<std::size_t>(o)];
  }
  std::size_t first(int64_t o) const { return static_cast<std::size_t>(m->start[static_cast<std::size_t>(o)]); }

  bool is_uniform() const {
    if (static_cast<int64_t>(m->at.size()) != m->inputs || m->inputs == 0) return false;
    for (std::size_t k = 0; k < m->at.size(); ++k)
      if (m->at[k] != static_cast<int64_t>(k) || m->weight[k] != m->weight[0]) return false;
    return true;
  }
  /// Whether the outputs of q are as those in the middle.
  bool fits(int64_t q) const {
    for (int p = 0; p < phases; ++p) {
      const int64_t o = q * phases + p;
      if (count(o) != taps) return false;
      for (int k = 0; k < taps; ++k) {
        const std::size_t entry = first(o) + static_cast<std::size_t>(k);
        if (m->at[entry] != q * stride + base[p] + k || m->weight[entry] != weight[p][k]) return false;
      }
    }
    return true;
  }
  bool find(int p, int s) {
    phases = p;
    stride = s;
    const int64_t groups = m->outputs() / phases, middle = groups / 2;
    if (groups < 4) return false;
    const int64_t there = count(middle * phases);
    if (there < 1 || there > (phases == 2 ? 2 : most_taps)) return false;
    taps = static_cast<int>(there);
    for (int i = 0; i < phases; ++i) {
      const int64_t o = middle * phases + i;
      if (count(o) != taps) return false;
      base[i] = m->at[first(o)] - middle * stride;
      for (int k = 0; k < taps; ++k) weight[i][k] = m->weight[first(o) + static_cast<std::size_t>(k)];
    }
    begin = end = middle;
    while (begin > 0 && fits(begin - 1)) --begin;
    while (end < groups && fits(end)) ++end;
    return 2 * (end - begin) >= groups;
  }
};

/// `rows` rows, dense, through the matrix of width.
template <class S, class R>
void map_irregular(R* to, const S* from, const TapMatrix& m, int64_t rows, int64_t begin, int64_t end) {
  const double* w = m.weight.data();
  const int64_t *at = m.at.data(), *start = m.start.data(), n = m.outputs();
  for (int64_t r = 0; r < rows; ++r, to += n, from += m.inputs)
    for (int64_t o = begin; o < end; ++o) {
      double sum = 0;
      for (int64_t k = start[o]; k < start[o + 1]; ++k) sum += w[k] * static_cast<double>(from[at[k]]);
      to[o] = static_cast<R>(sum);
    }
}
template <int phases, int stride, int taps, class S, class R>
void map_regular(R* to_rows, const S* from_rows, const RowMatrix& row, int64_t rows) {
  simd::dispatch([=, &row](auto) {  // for the compiler to vectorize
    double u[taps], v[taps];
    for (int k = 0; k < taps; ++k) u[k] = row.weight[0][k], v[k] = row.weight[phases - 1][k];
    const auto sum = [](const S* x, const double(&w)[taps]) {
      double total = w[0] * static_cast<double>(x[0]);
      for (int k = 1; k < taps; ++k) total += w[k] * static_cast<double>(x[k]);
      return total;
    };
    const int64_t width = row.m->inputs, n = row.m->outputs();
    for (int64_t r = 0; r < rows; ++r) {
      const S *a = from_rows + r * width + row.base[0], *b = from_rows + r * width + row.base[phases - 1];
      R* to = to_rows + r * n;
      for (int64_t q = row.begin; q < row.end; ++q) {
        to[q * phases] = static_cast<R>(sum(a + q * stride, u));
        if constexpr (phases == 2) to[q * phases + 1] = static_cast<R>(sum(b + q * stride, v));
      }
    }
  });
}
template <class S, class R>
void map_rows(R* to, const S* from, const RowMatrix& row, int64_t rows, int64_t width) {
  if (!row.m) {
    for (int64_t i = 0; i < rows * width; ++i) to[i] = static_cast<R>(from[i]);
    return;
  }
  const int64_t n = row.m->outputs();
  if (row.phases == 0) return map_irregular(to, from, *row.m, rows, 0, n);
  map_irregular(to, from, *row.m, rows, 0, row.begin * row.phases);
  map_irregular(to, from, *row.m, rows, row.end * row.phases, n);
  if (row.phases == 2)
    return row.taps == 1 ? map_regular<2, 1, 1>(to, from, row, rows) : map_regular<2, 1, 2>(to, from, row, rows);
  switch (row.taps) {
    case 1: return map_regular<1, 2, 1>(to, from, row, rows);
    case 2: return map_regular<1, 2, 2>(to, from, row, rows);
    case 3: return map_regular<1, 2, 3>(to, from, row, rows);
    default: return map_regular<1, 2, 4>(to, from, row, rows);
  }
}

/// Sizes and matrices of a call, and in which order a plane is worked on.
struct Plan {
  const TapMatrix *depth, *height;
  RowMatrix width;
  int64_t in[3], out[3];
  bool width_first, sums_plane;

  Plan(const SeparableMap& map, const Shape& from, const Shape& to)
      : depth(map[0].get()), height(map[1].get()), width(map[2].get()) {
    for (int d = 0; d < 3; ++d) {
      in[2 - d] = d < from.size() ? from[from.size() - 1 - d] : 1;
      out[2 - d] = d < to.size() ? to[to.size() - 1 - d] : 1;
    }
    // Along the width elements are picked one by one, across it whole rows are added: about four times as fast.
    const auto entries = [](const TapMatrix* m) { return m ? static_cast<int64_t>(m->at.size()) : 0; };
    const int64_t across = entries(height), along = 4 * entries(width.m);
    sums_plane = height && width.sums_all && RowMatrix(height).sums_all;
    width_first = height && width.m && in[1] * along + out[2] * across < in[2] * across + out[1] * along;
  }
};

/// The sum of n elements.
template <class S>
double sum_all(const S* from, int64_t n) {
  double total = 0;
  simd::dispatch([&](auto target) {
    using Target = decltype(target);
    using V = typename Target::template Lanes<S>;
    typename Target::template WideSum<S> sums[4];
    int64_t i = 0;
    for (; i + 4 * V::size <= n; i += 4 * V::size) {
      sums[0].add_from(from + i);
      sums[1].add_from(from + i + V::size);
      sums[2].add_from(from + i + 2 * V::size);
      sums[3].add_from(from + i + 3 * V::size);
    }
    simd::each_vector_of<V, 4>(n - i, [&](const auto& load, const auto&, int count, int64_t, auto k) {
      sums[k.value].add_n(load(from + i), count);
    });
    sums[0].add(sums[1]);
    sums[2].add(sums[3]);
    sums[0].add(sums[2]);
    total = sums[0].total();
  });
  return total;
}

/// The rows [begin, end) of one plane of the result.
template <class S, class R>
void map_plane(R* to, const S* from, const Plan& p, int64_t begin, int64_t end, double* scratch) {
  const int64_t W = p.in[2], w = p.out[2];
  if (p.sums_plane) {
    *to = static_cast<R>(p.height->weight[0] * p.width.m->weight[0] * sum_all(from, p.in[1] * W));
    return;
  }
  to += begin * w;
  if (!p.height) return map_rows(to, from + begin * W, p.width, end - begin, W);
  double *sum = scratch, *rows = scratch + std::max(W, w);
  const auto combine = [&](auto* result, const auto* source, int64_t first, int64_t n) {
    simd::dispatch([&](auto) {  // for the compiler to vectorize
      combine_rows(result, source, first, n, *p.height, begin, end, n, sum);
    });
  };
  if (!p.width.m) return combine(to, from, 0, W);
  if (!p.width_first) {
    combine(rows, from, 0, W);
    return map_rows(to, rows, p.width, end - begin, W);
  }
  int64_t low = p.in[1], high = 0;
  for (int64_t k = p.height->start.data()[begin]; k < p.height->start.data()[end]; ++k) {
    low = std::min(low, p.height->at.data()[k]);
    high = std::max(high, p.height->at.data()[k] + 1);
  }
  if (low < high) map_rows(rows, from + low * W, p.width, high - low, W);
  combine(to, rows, low, w);
}

template <class T>
void run(T* out, const T* x, int64_t outer, const Plan& p) {
  const int64_t in_plane = p.in[1] * p.in[2], out_plane = p.out[1] * p.out[2];
  // Large planes are cut into groups of rows.
  constexpr int64_t block_elements = grain_cheap;
  const int64_t per_block = std::max<int64_t>(1, std::min(p.out[1], block_elements / std::max<int64_t>(p.out[2], 1)));
  const int64_t blocks = (p.out[1] + per_block - 1) / per_block;
  const int64_t line = std::max(p.in[2], p.out[2]);
  const int64_t kept = line + (p.width_first ? p.in[1] * p.out[2] : per_block * p.in[2]);
  const int64_t slices = p.depth ? 2 * in_plane : 0;
  const int64_t work = std::max<int64_t>(1, (in_plane + out_plane) / blocks);
  parallel_for(outer * p.out[0] * blocks, std::max<int64_t>(1, grain_cheap / work), [&](int64_t begin, int64_t end) {
    const memory::Scratch<double> scratch(kept + slices);
    double *slice = scratch.data() + kept, *sum = slice + in_plane;
    int64_t have = -1;  // the slice that is in `slice`
    for (int64_t task = begin; task < end; ++task) {
      const int64_t unit = task / blocks, first = task % blocks * per_block;
      const int64_t last = std::min(first + per_block, p.out[1]), n = unit / p.out[0], d = unit % p.out[0];
      T* to = out + unit * out_plane;
      const T* volume = x + n * p.in[0] * in_plane;
      if (!p.depth) {
        map_plane(to, volume + d * in_plane, p, first, last, scratch.data());
        continue;
      }
      if (have != unit)
        simd::dispatch([&](auto) { combine_rows(slice, volume, 0, in_plane, *p.depth, d, d + 1, in_plane, sum); });
      have = unit;
      map_plane(to, static_cast<const double*>(slice), p, first, last, scratch.data());
    }
  });
}

}  // namespace

void separable_kernel(const TensorImpl& out, const TensorImpl& x, const SeparableMap& map) {
  if (out.numel == 0) return;
  const Plan plan(map, x.sizes, out.sizes);
  const int64_t outer = out.numel / (plan.out[0] * plan.out[1] * plan.out[2]);
  visit_floating(out.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    run(out.ptr<T>(), x.ptr<T>(), outer, plan);
  });
}

}  // namespace slope
