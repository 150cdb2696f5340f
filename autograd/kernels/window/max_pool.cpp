#include "slope/autograd/kernels/window/max_pool.h"

#include <algorithm>
#include <limits>
#include <type_traits>
#include <utility>

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

/// A row of windows, one by one.
template <class T>
void pool_each(T* out, int64_t* index, const T* plane, const PoolRanges& r, const PlaneRanges& p, int64_t od,
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

/// Every second element from p on, or every one. Reads nothing behind the last.
template <int stride, class V, class T>
inline V load_apart(const T* p) {
  if constexpr (stride == 1) {
    return V::load(p);
  } else {
    return [&]<int... i>(std::integer_sequence<int, i...>) {
      constexpr int n = V::size;
      const V low = V::load(p), high = V::load(p + n - 1);
      return V::make(__builtin_shufflevector(low.v, high.v, (i < n / 2 ? 2 * i : n + 2 * (i - n / 2) + 1)...));
    }(std::make_integer_sequence<int, V::size>());
  }
}

/// The input rows of a row of windows: in the tensor, or copied between elements of -∞, so that whole vectors of windows see elements
/// wherever they look.
template <class T>
struct PoolRows {
  const T* first;         ///< element 0 of the first row
  int64_t deeper, lower;  ///< to the row of the next tap along depth, and along height
  int64_t place;          ///< of element 0 of the first row
  int64_t place_deeper, place_lower;
};

/// As many windows as a vector has lanes; the first one begins at element `start`, which may be padding, of its rows. `from` holds, by
/// window, the first element along the width. Places are kept in integers as wide as T.
template <int stride, bool indices, class V, class T, class Place>
inline void pool_vector(T* out, int64_t* index, const PoolRows<T>& rows, const WindowAxis& along, int64_t depth,
                        int64_t height, int64_t start, const Place* from, int count) {
  using Places = typename V::Bits;
  const Places apart = []<int... i>(std::integer_sequence<int, i...>) {
    return Places{static_cast<Place>(i * stride)...};
  }(std::make_integer_sequence<int, V::size>());
  V best(-std::numeric_limits<T>::infinity());
  Places place;
  if constexpr (indices) {
    __builtin_memcpy(&place, from, sizeof(place));
    // Without branches or a choice by a mask, which GCC makes element by element: -1 stays.
    if (depth == 0 || height == 0)
      place = Places{} - 1;
    else
      place += static_cast<Place>(rows.place) & ~(place >> (8 * static_cast<int>(sizeof(Place)) - 1));
  }
  for (int64_t a = 0; a < depth; ++a)
    for (int64_t b = 0; b < height; ++b) {
      const T* row = rows.first + a * rows.deeper + b * rows.lower + start;
      int64_t at = rows.place + a * rows.place_deeper + b * rows.place_lower + start;
      for (int64_t c = 0; c < along.kernel; ++c, row += along.dilation, at += along.dilation) {
        const V v = load_apart<stride, V>(row);
        const auto take = (v > best) | (v != v);
        best = where(take, v, best);
        if constexpr (indices) place ^= (place ^ (apart + static_cast<Place>(at))) & take.m;
      }
    }
  best.store_n(out, count);
  if constexpr (indices) {
    Place places[V::size];
    __builtin_memcpy(places, &place, sizeof(place));
    if (count == V::size)
      for (int i = 0; i < V::size; ++i) index[i] = places[i];
    else
      for (int i = 0; i < count; ++i) index[i] = places[i];
  }
}

/// Rows of windows that slide by 1 or 2 along the width.
template <int stride, bool indices, class T>
void pool_sliding(T* out, int64_t* index, const T* x, const PoolRanges& r, int64_t begin, int64_t end) {
  using Place = std::conditional_t<std::is_same_v<T, float>, std::int32_t, int64_t>;
  constexpr int64_t most_lanes = 16;
  const int64_t H = r[1].input, W = r[2].input, inputs = r[0].input * H * W, n = r[2].output;
  const int64_t rows = r[0].output * r[1].output;
  const WindowAxis& along = *r[2].axis;
  const int64_t whole = (n + most_lanes - 1) / most_lanes * most_lanes;
  // From the first tap of the first window to the last one of the last that a vector holds.
  const int64_t padded = std::max(along.before + W, (whole - 1) * stride + along.extent());
  const bool copied = along.before > 0 || padded > W;
  const int64_t most_rows =
      *std::max_element(r[0].count.begin(), r[0].count.end()) * *std::max_element(r[1].count.begin(), r[1].count.end());
  const memory::Scratch<T> copies(copied ? most_rows * padded : 0);
  const memory::Scratch<Place> first(whole);
  for (int64_t i = 0; i < whole; ++i)
    first.data()[i] = static_cast<Place>(i < n && r[2].count.data()[i] > 0 ? r[2].begin.data()[i] : -1);
  if (copied) std::fill(copies.data(), copies.data() + most_rows * padded, -std::numeric_limits<T>::infinity());
  simd::dispatch([&](auto target) {
    using V = typename decltype(target)::template Lanes<T>;
    static_assert(V::size <= most_lanes);
    for (int64_t row = begin; row < end; ++row) {
      const int64_t plane = row / rows, od = row % rows / r[1].output, oh = row % r[1].output;
      const PlaneRanges p(r, plane);
      const int64_t depth = p.count[0][od], height = p.count[1][oh];
      PoolRows<T> in;
      in.place = (p.begin[0][od] * H + p.begin[1][oh]) * W;
      in.place_deeper = r[0].step * H * W;
      in.place_lower = r[1].step * W;
      in.first = x + plane * inputs + in.place;
      in.deeper = in.place_deeper;
      in.lower = in.place_lower;
      if (copied) {
        T* to = copies.data() + along.before;
        for (int64_t a = 0; a < depth; ++a)
          for (int64_t b = 0; b < height; ++b, to += padded) {
            const T* from = in.first + a * in.deeper + b * in.lower;
            for (int64_t i = 0; i < W; ++i) to[i] = from[i];
          }
        in.first = copies.data() + along.before;
        in.lower = padded;
        in.deeper = height * padded;
      }
      for (int64_t i = 0; i < n; i += V::size)
        pool_vector<stride, indices, V>(out + row * n + i, indices ? index + row * n + i : nullptr, in, along, depth,
                                        height, i * stride - along.before, first.data() + i,
                                        static_cast<int>(std::min<int64_t>(V::size, n - i)));
    }
  });
}

template <class T>
void run(T* out, int64_t* index, const T* x, int64_t planes, const PoolRanges& r) {
  const int64_t inputs = r[0].input * r[1].input * r[2].input, rows = r[0].output * r[1].output, n = r[2].output;
  // Beyond some taps, and for few windows in a row, they are better worked on one by one.
  constexpr int64_t most_taps = 16, least_windows = 4;
  const bool sliding = r[2].axis && r[2].axis->stride <= 2 && r[2].axis->kernel <= most_taps && n >= least_windows &&
                       inputs <= std::numeric_limits<std::int32_t>::max();
  int64_t taps = 1;
  for (const WindowRanges& d : r) taps *= std::max<int64_t>(1, *std::max_element(d.count.begin(), d.count.end()));
  const int64_t work = std::max<int64_t>(inputs / rows, n * taps);
  parallel_for(planes * rows, std::max<int64_t>(1, grain_cheap / work), [&](int64_t begin, int64_t end) {
    if (!sliding) {
      for (int64_t row = begin; row < end; ++row) {
        const int64_t plane = row / rows, at = row % rows;
        pool_each(out + row * n, index ? index + row * n : nullptr, x + plane * inputs, r, PlaneRanges(r, plane),
                  at / r[1].output, at % r[1].output);
      }
      return;
    }
    if (r[2].axis->stride == 1)
      index ? pool_sliding<1, true>(out, index, x, r, begin, end)
            : pool_sliding<1, false>(out, index, x, r, begin, end);
    else
      index ? pool_sliding<2, true>(out, index, x, r, begin, end)
            : pool_sliding<2, false>(out, index, x, r, begin, end);
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
