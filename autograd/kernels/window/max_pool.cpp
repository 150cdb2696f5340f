#include "slope/autograd/kernels/window/max_pool.h"

#include <algorithm>
#include <limits>
#include <type_traits>

#include "slope/autograd/core/internal/scratch.h"
#include "slope/autograd/core/parallel.h"
#include "slope/autograd/kernels/pointwise/grain.h"
#include "slope/autograd/kernels/simd/lanes.h"

namespace slope {

using std::int64_t;

WindowRanges::WindowRanges(const WindowAxis& sliding)
    : input(sliding.input), output(sliding.output), step(sliding.dilation), begin{}, count{}, axis(sliding) {
  begin.reserve(static_cast<std::size_t>(output));
  count.reserve(static_cast<std::size_t>(output));
  for (int64_t o = 0; o < output; ++o) {
    const TapRange taps = sliding.taps(o);
    begin.push_back(sliding.position(o, taps.begin));
    count.push_back(taps.size());
  }
}

TapRange adaptive_range(int64_t window, int64_t windows, int64_t elements) {
  // ⌊i·n/o⌋ without the product: n = q·o + r.
  const int64_t q = elements / windows, r = elements % windows;
  const auto split = [=](int64_t i, int64_t round_up) { return i * q + (i * r + round_up * (windows - 1)) / windows; };
  return {split(window, 0), split(window + 1, 1)};
}

namespace {

/// An integer as wide as T, so that both are compared and chosen side by side.
template <class T>
using Place = std::conditional_t<std::is_same_v<T, float>, std::int32_t, int64_t>;

/// What is needed of the ranges for one plane.
struct PlaneRanges {
  const int64_t *begin[3], *count[3];
  PlaneRanges(const PoolRanges& r, int64_t plane) {
    for (std::size_t d = 0; d < 3; ++d) {
      const int64_t at = r[d].per_plane ? plane * r[d].output : 0;
      begin[d] = r[d].begin.data() + at;
      count[d] = r[d].count.data() + at;
    }
  }
};

/// A row of windows, window by window.
template <class T>
inline void pool_row(T* out, int64_t* index, const T* plane, const PoolRanges& r, const PlaneRanges& p, int64_t od,
                     int64_t oh) {
  const int64_t H = r[1].input, W = r[2].input;
  for (int64_t ow = 0; ow < r[2].output; ++ow) {
    T best = -std::numeric_limits<T>::infinity();
    const bool empty = p.count[0][od] == 0 || p.count[1][oh] == 0 || p.count[2][ow] == 0;
    int64_t place = empty ? -1 : (p.begin[0][od] * H + p.begin[1][oh]) * W + p.begin[2][ow];
    for (int64_t a = 0; a < p.count[0][od]; ++a)
      for (int64_t b = 0; b < p.count[1][oh]; ++b) {
        const int64_t row = ((p.begin[0][od] + a * r[0].step) * H + p.begin[1][oh] + b * r[1].step) * W;
        const int64_t first = row + p.begin[2][ow];
        for (int64_t c = 0; c < p.count[2][ow]; ++c) {
          const int64_t at = first + c * r[2].step;
          const T v = plane[at];
          if (v > best || v != v) {
            best = v;
            place = at;
          }
        }
      }
    out[ow] = best;
    if (index) index[ow] = place;
  }
}

/// One tap of all windows of a row that have it, whose first is element `first` of the plane. S is the stride if known, else 0.
template <int S, bool indices, class T>
inline void pool_tap(T* __restrict best, Place<T>* __restrict place, const T* __restrict plane, int64_t first,
                     int64_t n, int64_t stride) {
  const int64_t s = S > 0 ? S : stride;
  const T* from = plane + first;
  const auto start = static_cast<Place<T>>(first), step = static_cast<Place<T>>(s);
  for (int64_t i = 0; i < n; ++i) {
    const T v = from[i * s];
    const bool take = (v > best[i]) | (v != v);
    best[i] = take ? v : best[i];
    if constexpr (indices) place[i] = take ? start + static_cast<Place<T>>(i) * step : place[i];
  }
}

/// A row of windows that slide, tap by tap.
template <int S, bool indices, class T>
inline void pool_sliding_row(T* out, Place<T>* place, const T* plane, const PoolRanges& r, const PlaneRanges& p,
                             const TapRange* outputs, int64_t od, int64_t oh) {
  const int64_t H = r[1].input, W = r[2].input, n = r[2].output;
  const WindowAxis& along = *r[2].axis;
  for (int64_t i = 0; i < n; ++i) out[i] = -std::numeric_limits<T>::infinity();
  if constexpr (indices) {
    const bool empty = p.count[0][od] == 0 || p.count[1][oh] == 0;
    const int64_t row = empty ? 0 : (p.begin[0][od] * H + p.begin[1][oh]) * W;
    for (int64_t i = 0; i < n; ++i)
      place[i] = static_cast<Place<T>>(empty || p.count[2][i] == 0 ? -1 : row + p.begin[2][i]);
  }
  for (int64_t a = 0; a < p.count[0][od]; ++a)
    for (int64_t b = 0; b < p.count[1][oh]; ++b) {
      const int64_t row = ((p.begin[0][od] + a * r[0].step) * H + p.begin[1][oh] + b * r[1].step) * W;
      for (int64_t c = 0; c < along.kernel; ++c)
        if (const TapRange& o = outputs[c]; o.size() > 0)
          pool_tap<S, indices>(out + o.begin, place + o.begin, plane, row + along.position(o.begin, c), o.size(),
                               along.stride);
    }
}

template <int S, bool indices, class T>
void pool_sliding(T* out, int64_t* index, const T* x, const PoolRanges& r, int64_t begin, int64_t end) {
  const int64_t inputs = r[0].input * r[1].input * r[2].input, rows = r[0].output * r[1].output, n = r[2].output;
  std::vector<TapRange> outputs;
  for (int64_t c = 0; c < r[2].axis->kernel; ++c) outputs.push_back(r[2].axis->outputs(c));
  const memory::Scratch<Place<T>> place(n);
  simd::dispatch([&](auto) {  // for the compiler to vectorize
    for (int64_t row = begin; row < end; ++row) {
      const int64_t plane = row / rows, at = row % rows;
      const PlaneRanges p(r, plane);
      pool_sliding_row<S, indices>(out + row * n, place.data(), x + plane * inputs, r, p, outputs.data(),
                                   at / r[1].output, at % r[1].output);
      if constexpr (indices)
        for (int64_t i = 0; i < n; ++i) index[row * n + i] = place.data()[i];
    }
  });
}

template <class T>
void run(T* out, int64_t* index, const T* x, int64_t planes, const PoolRanges& r) {
  const int64_t inputs = r[0].input * r[1].input * r[2].input, rows = r[0].output * r[1].output, n = r[2].output;
  constexpr int64_t most_taps = 64;  // beyond, windows are worth their own loops
  const bool sliding =
      r[2].axis && r[2].axis->kernel <= most_taps && inputs <= std::numeric_limits<Place<T>>::max() && n >= 4;
  int64_t taps = 1;
  for (const WindowRanges& d : r) taps *= std::max<int64_t>(1, *std::max_element(d.count.begin(), d.count.end()));
  const int64_t work = std::max<int64_t>(inputs / rows, n * taps);
  parallel_for(planes * rows, std::max<int64_t>(1, grain_cheap / work), [&](int64_t begin, int64_t end) {
    if (!sliding) {
      for (int64_t row = begin; row < end; ++row) {
        const int64_t plane = row / rows, at = row % rows;
        pool_row(out + row * n, index ? index + row * n : nullptr, x + plane * inputs, r, PlaneRanges(r, plane),
                 at / r[1].output, at % r[1].output);
      }
      return;
    }
    const auto go = [&](auto stride) {
      if (index)
        pool_sliding<stride.value, true>(out, index, x, r, begin, end);
      else
        pool_sliding<stride.value, false>(out, index, x, r, begin, end);
    };
    switch (r[2].axis->stride) {
      case 1: return go(std::integral_constant<int, 1>());
      case 2: return go(std::integral_constant<int, 2>());
      default: return go(std::integral_constant<int, 0>());
    }
  });
}

int64_t grain_of_planes(int64_t elements) { return std::max<int64_t>(1, grain_cheap / std::max<int64_t>(1, elements)); }

}  // namespace

void max_pool_kernel(const TensorImpl& out, const TensorImpl* index, const TensorImpl& x, const PoolRanges& ranges) {
  if (out.numel == 0) return;
  const int64_t planes = out.numel / (ranges[0].output * ranges[1].output * ranges[2].output);
  visit_floating(out.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    run(out.ptr<T>(), index ? index->ptr<int64_t>() : nullptr, x.ptr<T>(), planes, ranges);
  });
}

void plane_scatter_kernel(const TensorImpl& out, const TensorImpl& x, const TensorImpl& index, int64_t planes,
                          bool add) {
  if (out.numel == 0) return;
  const int64_t size = out.numel / planes, count = x.numel / planes;
  visit_floating(out.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const bool widen = add && std::is_same_v<T, float>;
    parallel_for(planes, grain_of_planes(size + count), [&](int64_t begin, int64_t end) {
      const memory::Scratch<double> scratch(widen ? size : 0);
      for (int64_t p = begin; p < end; ++p) {
        T* to = out.ptr<T>() + p * size;
        const T* from = x.ptr<T>() + p * count;
        const auto* at = index.ptr<int64_t>() + p * count;
        const auto each = [&](auto* target, const auto& put) {
          std::fill(target, target + size, 0);
          for (int64_t i = 0; i < count; ++i)
            if (at[i] >= 0) put(target[at[i]], from[i]);
        };
        if (!add) {
          each(to, [](T& place, T v) { place = v; });
        } else if (!widen) {
          each(to, [](T& place, T v) { place += v; });
        } else {
          each(scratch.data(), [](double& place, T v) { place += static_cast<double>(v); });
          for (int64_t i = 0; i < size; ++i) to[i] = static_cast<T>(scratch.data()[i]);
        }
      }
    });
  });
}

void plane_gather_kernel(const TensorImpl& out, const TensorImpl& x, const TensorImpl& index, int64_t planes) {
  if (out.numel == 0) return;
  const int64_t size = x.numel / planes, count = out.numel / planes;
  visit_floating(out.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    parallel_for(planes, grain_of_planes(count), [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) {
        T* to = out.ptr<T>() + p * count;
        const T* from = x.ptr<T>() + p * size;
        const auto* at = index.ptr<int64_t>() + p * count;
        for (int64_t i = 0; i < count; ++i) to[i] = at[i] >= 0 ? from[at[i]] : T(0);
      }
    });
  });
}

}  // namespace slope
