#include "slope/autograd/kernels/window/fold.h"

#include <algorithm>
#include <type_traits>

#include "slope/autograd/core/internal/scratch.h"
#include "slope/autograd/core/parallel.h"
#include "slope/autograd/kernels/pointwise/grain.h"

namespace slope {

using std::int64_t;

namespace {

/// Planes that make up a chunk.
int64_t plane_grain(const Window& w) {
  return std::max<int64_t>(1, grain_cheap / std::max<int64_t>(1, w.inputs() + w.taps() * w.outputs()));
}

/// Calls `f(row of columns, first element in the plane or -1, TapRange of windows)` for every tap and every row of windows of one plane.
/// A negative position stands for a row on padding.
template <class F>
void each_row(const Window& w, const F& f) {
  const WindowAxis &depth = w.depth(), &height = w.height(), &width = w.width();
  int64_t row = 0;
  for (int64_t a = 0; a < depth.kernel; ++a)
    for (int64_t b = 0; b < height.kernel; ++b)
      for (int64_t c = 0; c < width.kernel; ++c) {
        const TapRange inside = width.outputs(c);
        for (int64_t od = 0; od < depth.output; ++od) {
          const int64_t d = depth.position(od, a);
          for (int64_t oh = 0; oh < height.output; ++oh, row += width.output) {
            const int64_t h = height.position(oh, b);
            const bool there = depth.inside(d) && height.inside(h) && inside.size() > 0;
            f(row, there ? (d * height.input + h) * width.input + width.position(inside.begin, c) : -1, inside);
          }
        }
      }
}

}  // namespace

void unfold_kernel(const TensorImpl& columns, const TensorImpl& x, const Window& w, int64_t planes) {
  if (columns.numel == 0) return;
  const int64_t stride = w.width().stride, count = w.width().output, rows = w.taps() * w.outputs();
  visit_floating(columns.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    parallel_for(planes, plane_grain(w), [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) {
        T* to = columns.ptr<T>() + p * rows;
        const T* plane = x.ptr<T>() + p * w.inputs();
        each_row(w, [&](int64_t row, int64_t position, const TapRange& inside) {
          T* line = to + row;
          if (position < 0) {
            std::fill(line, line + count, T(0));
            return;
          }
          std::fill(line, line + inside.begin, T(0));
          const T* from = plane + position;
          for (int64_t o = inside.begin; o < inside.end; ++o) line[o] = from[(o - inside.begin) * stride];
          std::fill(line + inside.end, line + count, T(0));
        });
      }
    });
  });
}

void fold_kernel(const TensorImpl& x, const TensorImpl& columns, const Window& w, int64_t planes) {
  if (x.numel == 0) return;
  const int64_t stride = w.width().stride, size = w.inputs(), rows = w.taps() * w.outputs();
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    constexpr bool wide = std::is_same_v<T, double>;
    parallel_for(planes, plane_grain(w), [&](int64_t begin, int64_t end) {
      const memory::Scratch<double> scratch(wide ? 0 : size);
      for (int64_t p = begin; p < end; ++p) {
        T* out = x.ptr<T>() + p * size;
        double* sums = scratch.data();
        if constexpr (wide) sums = out;
        std::fill(sums, sums + size, 0.0);
        const T* from = columns.ptr<T>() + p * rows;
        each_row(w, [&](int64_t row, int64_t position, const TapRange& inside) {
          if (position < 0) return;
          const T* line = from + row + inside.begin;
          double* to = sums + position;
          for (int64_t i = 0; i < inside.size(); ++i) to[i * stride] += static_cast<double>(line[i]);
        });
        if constexpr (!wide)
          for (int64_t i = 0; i < size; ++i) out[i] = static_cast<T>(sums[i]);
      }
    });
  });
}

}  // namespace slope
