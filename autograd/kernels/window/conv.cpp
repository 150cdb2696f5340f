#include "slope/autograd/kernels/window/conv.h"

#include <numeric>
#include <vector>

#include "slope/autograd/kernels/window/tap_product.h"

namespace slope {

using std::int64_t;

namespace {

/// Dense memory of `channels` channels with the sizes of a window's axes.
template <class T>
Field<T> dense_field(T* data, int64_t channels, const Window& w, int64_t WindowAxis::* size) {
  const int64_t row = w.width().*size, plane = w.height().*size * row, image = w.depth().*size * plane;
  return {data, channels * image, image, {plane, row, 1}};
}

TapAxes axes_of(const Window& w) {
  TapAxes axes;
  for (std::size_t a = 0; a < 3; ++a) {
    const WindowAxis& x = w.axes[a];
    axes[a] = {x.output, x.stride, x.input, x.kernel, -x.before, x.dilation};
  }
  return axes;
}

/// Every `stride`-th element from `first` on is reached by the same taps of a window, as neighbouring windows are by
/// neighbours. Which those are: from `tap` on every `tap_step`-th.
struct Phase {
  TapAxis axis;
  int64_t tap, tap_step;
};

Phase phase_of(const WindowAxis& x, int64_t first) {
  Phase p{};
  p.tap_step = x.stride / std::gcd(x.stride, x.dilation);
  while (p.tap < std::min(p.tap_step, x.kernel) && (first + x.before - p.tap * x.dilation) % x.stride != 0) ++p.tap;
  const bool any = p.tap < std::min(p.tap_step, x.kernel);
  const int64_t offset = first + x.before - p.tap * x.dilation;
  p.axis = {(x.input - first - 1) / x.stride + 1,
            1,
            x.output,
            any ? (x.kernel - 1 - p.tap) / p.tap_step + 1 : 0,
            any ? offset / x.stride : 0,
            -(p.tap_step * x.dilation / x.stride)};
  return p;
}

}  // namespace

template <class T>
void conv(const Window& w, const ConvSizes& s, const Field<const T>& x, const T* weight, const T* bias, T* y) {
  const int64_t taps = w.taps(), kw = w.width().kernel;
  const TapProduct<T> p{s.batch,
                        s.groups,
                        s.out,
                        s.in,
                        axes_of(w),
                        x,
                        weight,
                        s.out * s.in * taps,
                        s.in * taps,
                        taps,
                        {w.height().kernel * kw, kw, 1},
                        bias,
                        dense_field(y, s.groups * s.out, w, &WindowAxis::output)};
  tap_product<T>({&p, 1});
}

template <class T>
void conv_input(const Window& w, const ConvSizes& s, const Field<const T>& y, const T* weight, const T* bias, T* x) {
  const int64_t taps = w.taps(), kw = w.width().kernel;
  const Field<T> whole = dense_field(x, s.groups * s.in, w, &WindowAxis::input);
  const std::array<int64_t, 3> tap_strides = {w.height().kernel * kw, kw, 1};
  const auto phases = [&](std::size_t a) { return std::min(w.axes[a].stride, w.axes[a].input); };
  std::vector<TapProduct<T>> row(static_cast<std::size_t>(phases(2)));
  for (int64_t i = 0; i < phases(0) * phases(1); ++i) {
    for (int64_t j = 0; j < phases(2); ++j) {
      TapProduct<T> p{s.batch, s.groups,    s.in,      s.out, {},   y, weight, s.out * s.in * taps,
                      taps,    s.in * taps, {0, 0, 0}, bias,  whole};
      const std::array<int64_t, 3> first = {i / phases(1), i % phases(1), j};
      for (std::size_t a = 0; a < 3; ++a) {
        const Phase phase = phase_of(w.axes[a], first[a]);
        p.axes[a] = phase.axis;
        p.weight += phase.tap * tap_strides[a];
        p.weight_tap[a] = phase.tap_step * tap_strides[a];
        p.out.data += first[a] * whole.axis[a];
        p.out.axis[a] = w.axes[a].stride * whole.axis[a];
      }
      // Fewer elements than the stride have a phase each.
      p.out.axis[2] = phases(2);
      row[static_cast<std::size_t>(j)] = p;
    }
    tap_product<T>(row);
  }
}

template <class T>
void conv_weight(const Window& w, const ConvSizes& s, const Field<const T>& x, const T* y, T* weight) {
  tap_gradient<T>({s.batch, s.groups, s.out, s.in, axes_of(w), x, y, weight});
}

#define SLOPE_CONV(T)                                                                                       \
  template void conv(const Window&, const ConvSizes&, const Field<const T>&, const T*, const T*, T*);       \
  template void conv_input(const Window&, const ConvSizes&, const Field<const T>&, const T*, const T*, T*); \
  template void conv_weight(const Window&, const ConvSizes&, const Field<const T>&, const T*, T*);
SLOPE_CONV(float)
SLOPE_CONV(double)
#undef SLOPE_CONV

}  // namespace slope
