#include "slope/autograd/kernels/window/separable.h"

#include <algorithm>

#include "slope/autograd/core/internal/scratch.h"
#include "slope/autograd/core/parallel.h"
#include "slope/autograd/kernels/pointwise/grain.h"
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

/// The sum of some rows, each times its weight, as R. `from` holds the rows from number `first` on; `sum` has room for a row.
template <class S, class R>
inline void combine_rows(R* to, const S* from, int64_t first, int64_t step, const int64_t* at, const double* weight,
                         int64_t taps, int64_t n, double* sum) {
  const auto row = [=](int64_t k) { return from + (at[k] - first) * step; };
  if (taps == 0) {
    for (int64_t i = 0; i < n; ++i) to[i] = R(0);
  } else if (taps == 1) {
    const S* a = row(0);
    const double u = weight[0];
    for (int64_t i = 0; i < n; ++i) to[i] = static_cast<R>(u * static_cast<double>(a[i]));
  } else if (taps == 2) {
    const S *a = row(0), *b = row(1);
    const double u = weight[0], v = weight[1];
    for (int64_t i = 0; i < n; ++i)
      to[i] = static_cast<R>(u * static_cast<double>(a[i]) + v * static_cast<double>(b[i]));
  } else {
    for (int64_t i = 0; i < n; ++i) sum[i] = 0;
    int64_t k = 0;
    for (; k + 4 <= taps; k += 4) {
      const S *a = row(k), *b = row(k + 1), *c = row(k + 2), *d = row(k + 3);
      const double t = weight[k], u = weight[k + 1], v = weight[k + 2], w = weight[k + 3];
      for (int64_t i = 0; i < n; ++i)
        sum[i] += t * static_cast<double>(a[i]) + u * static_cast<double>(b[i]) +
                  (v * static_cast<double>(c[i]) + w * static_cast<double>(d[i]));
    }
    for (; k < taps; ++k) {
      const S* a = row(k);
      const double u = weight[k];
      for (int64_t i = 0; i < n; ++i) sum[i] += u * static_cast<double>(a[i]);
    }
    for (int64_t i = 0; i < n; ++i) to[i] = static_cast<R>(sum[i]);
  }
}

/// A matrix of width with what makes its loops fast.
struct RowMatrix {
  const TapMatrix* m;  // null: the identity
  /// Where all outputs have as many taps: how many, else -1.
  int64_t taps = -1;
  /// Where, besides, output o has the taps o·stride to o·stride + taps - 1, all of one weight: the stride, else 0.
  int64_t stride = 0;

  explicit RowMatrix(const TapMatrix* matrix) : m(matrix) {
    if (!m || m->outputs() == 0) return;
    taps = m->start[1];
    for (std::size_t o = 1; taps >= 0 && o + 1 < m->start.size(); ++o)
      if (m->start[o + 1] - m->start[o] != taps) taps = -1;
    if (taps <= 0 || m->outputs() < 2) return;
    stride = m->at[static_cast<std::size_t>(taps)] - m->at[0];
    if (m->at[0] != 0) stride = 0;
    for (std::size_t k = 0; stride > 0 && k < m->at.size(); ++k) {
      const auto i = static_cast<int64_t>(k);
      if (m->at[k] != i / taps * stride + i % taps || m->weight[k] != m->weight[0]) stride = 0;
    }
    stride = std::max<int64_t>(stride, 0);
  }
};

/// One row through the matrix of width.
template <class S, class R>
inline void map_row(R* to, const S* from, const RowMatrix& row, int64_t n) {
  if (!row.m) {
    for (int64_t i = 0; i < n; ++i) to[i] = static_cast<R>(from[i]);
    return;
  }
  const double* w = row.m->weight.data();
  const int64_t* at = row.m->at.data();
  if (row.stride == 2 && row.taps == 2) {
    for (int64_t o = 0; o < n; ++o)
      to[o] = static_cast<R>(w[0] * (static_cast<double>(from[2 * o]) + static_cast<double>(from[2 * o + 1])));
  } else if (row.taps == 1) {
    for (int64_t o = 0; o < n; ++o) to[o] = static_cast<R>(w[o] * static_cast<double>(from[at[o]]));
  } else if (row.taps == 2) {
    for (int64_t o = 0; o < n; ++o)
      to[o] = static_cast<R>(w[2 * o] * static_cast<double>(from[at[2 * o]]) +
                             w[2 * o + 1] * static_cast<double>(from[at[2 * o + 1]]));
  } else {
    const int64_t* start = row.m->start.data();
    for (int64_t o = 0; o < n; ++o) {
      double sum = 0;
      for (int64_t k = start[o]; k < start[o + 1]; ++k) sum += w[k] * static_cast<double>(from[at[k]]);
      to[o] = static_cast<R>(sum);
    }
  }
}

/// Sizes and matrices of a call, and in which order a plane is worked on.
struct Plan {
  const TapMatrix *depth, *height;
  RowMatrix width;
  int64_t in[3], out[3];
  bool width_first;

  Plan(const SeparableMap& map, const Shape& from, const Shape& to)
      : depth(map[0].get()), height(map[1].get()), width(map[2].get()) {
    for (int d = 0; d < 3; ++d) {
      in[2 - d] = d < from.size() ? from[from.size() - 1 - d] : 1;
      out[2 - d] = d < to.size() ? to[to.size() - 1 - d] : 1;
    }
    // Along the width elements are picked one by one, across it whole rows are added: about four times as fast.
    const auto entries = [](const TapMatrix* m) { return m ? static_cast<int64_t>(m->at.size()) : 0; };
    const int64_t across = entries(height), along = 4 * entries(width.m);
    width_first = height && width.m && in[1] * along + out[2] * across < in[2] * across + out[1] * along;
  }
};

/// The rows [begin, end) of one plane of the result. `scratch` has room for `scratch_size` numbers.
template <class S, class R>
void map_plane(R* to, const S* from, const Plan& p, int64_t begin, int64_t end, double* scratch) {
  const int64_t W = p.in[2], w = p.out[2];
  if (!p.height) {
    for (int64_t r = begin; r < end; ++r) map_row(to + r * w, from + r * W, p.width, w);
    return;
  }
  const int64_t *start = p.height->start.data(), *at = p.height->at.data();
  const double* weight = p.height->weight.data();
  double *sum = scratch, *rows = scratch + std::max(W, w);
  if (!p.width_first) {
    for (int64_t r = begin; r < end; ++r) {
      const int64_t k = start[r], taps = start[r + 1] - k;
      if (p.width.m) {
        combine_rows(rows, from, 0, W, at + k, weight + k, taps, W, sum);
        map_row(to + r * w, rows, p.width, w);
      } else {
        combine_rows(to + r * w, from, 0, W, at + k, weight + k, taps, W, sum);
      }
    }
    return;
  }
  int64_t low = p.in[1], high = 0;
  for (int64_t k = start[begin]; k < start[end]; ++k) {
    low = std::min(low, at[k]);
    high = std::max(high, at[k] + 1);
  }
  for (int64_t r = low; r < high; ++r) map_row(rows + (r - low) * w, from + r * W, p.width, w);
  for (int64_t r = begin; r < end; ++r)
    combine_rows(to + r * w, rows, low, w, at + start[r], weight + start[r], start[r + 1] - start[r], w, sum);
}

template <class T>
void run(T* out, const T* x, int64_t outer, const Plan& p) {
  const int64_t in_plane = p.in[1] * p.in[2], out_plane = p.out[1] * p.out[2];
  // Large planes are cut into groups of rows.
  constexpr int64_t block_elements = 2 * grain_cheap;
  const int64_t per_block = std::max<int64_t>(1, std::min(p.out[1], block_elements / std::max<int64_t>(p.out[2], 1)));
  const int64_t blocks = (p.out[1] + per_block - 1) / per_block;
  const int64_t line = std::max(p.in[2], p.out[2]);
  const int64_t kept = line + (p.width_first ? p.in[1] * p.out[2] : p.in[2]);
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
      simd::dispatch([&](auto) {  // for the compiler to vectorize
        if (!p.depth) {
          map_plane(to, volume + d * in_plane, p, first, last, scratch.data());
          return;
        }
        if (have != unit) {
          const int64_t k = p.depth->start[static_cast<std::size_t>(d)];
          combine_rows(slice, volume, 0, in_plane, p.depth->at.data() + k, p.depth->weight.data() + k,
                       p.depth->start[static_cast<std::size_t>(d) + 1] - k, in_plane, sum);
          have = unit;
        }
        map_plane(to, slice, p, first, last, scratch.data());
      });
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
