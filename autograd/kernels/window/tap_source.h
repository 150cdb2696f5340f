#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "slope/autograd/kernels/simd/lanes.h"

/// What a convolution's products read: neighbouring elements around each position of a grid, laid out so that one table of
/// distances from the position to its taps serves all positions, without a question whether a tap is inside.
namespace slope {

/// A tensor of batch x channels x depth x height x width, with any strides.
template <class T>
struct Field {
  T* data;
  std::int64_t batch, channel;
  std::array<std::int64_t, 3> axis;
};

/// One axis of a grid. Tap t of position p is element p·step + offset + t·offset_step of the source, 0 where there is none.
struct TapAxis {
  std::int64_t positions = 1, step = 1, size = 1;
  std::int64_t taps = 1, offset = 0, offset_step = 0;

  /// The smallest offset of a tap, and how many elements lie from it to the largest.
  std::int64_t lowest() const { return offset + std::min<std::int64_t>(0, (taps - 1) * offset_step); }
  std::int64_t span() const { return (taps - 1) * std::abs(offset_step) + 1; }
  /// Elements that n neighbouring positions reach over.
  std::int64_t reach(std::int64_t n) const { return (n - 1) * step + span(); }
  /// How many remainders by the step the taps may have.
  std::int64_t phases() const { return std::min(step, span()); }
  bool inside() const { return lowest() >= 0 && lowest() + reach(positions) <= size; }
  /// Only ever itself.
  bool trivial() const { return taps == 1 && offset == 0 && step == 1 && positions == size; }
};
using TapAxes = std::array<TapAxis, 3>;

inline std::int64_t tap_count(const TapAxes& axes) { return axes[0].taps * axes[1].taps * axes[2].taps; }
inline std::int64_t position_count(const TapAxes& axes) {
  return axes[0].positions * axes[1].positions * axes[2].positions;
}

/// Neighbouring rows of a grid: whole images, or depths of one image, or heights of one depth.
struct TapBlock {
  std::int64_t image = 0, images = 1, depth = 0, depths = 1, height = 0, heights = 1;
};

/// A grid cut into blocks, the last of each kind smaller.
struct TapBlocks {
  std::int64_t batch = 1, depths = 1, heights = 1;
  TapBlock most;

  std::int64_t along(std::int64_t n, std::int64_t piece) const { return (n + piece - 1) / piece; }
  std::int64_t count() const {
    return along(batch, most.images) * along(depths, most.depths) * along(heights, most.heights);
  }
  TapBlock at(std::int64_t i) const {
    const std::int64_t h = along(heights, most.heights), d = along(depths, most.depths);
    TapBlock b;
    b.height = i % h * most.heights;
    b.depth = i / h % d * most.depths;
    b.image = i / h / d * most.images;
    b.heights = std::min(most.heights, heights - b.height);
    b.depths = std::min(most.depths, depths - b.depth);
    b.images = std::min(most.images, batch - b.image);
    return b;
  }
};

/// How the source of a block lies in memory: in place, or copied with its padding. A copy holds the elements of an axis whose
/// distance is a multiple of the step behind each other, so that the taps of neighbouring positions are neighbours, too.
struct TapLayout {
  std::int64_t batch = 0, channel = 0;
  std::array<std::int64_t, 3> position{};  ///< between neighbouring positions
  std::array<std::int64_t, 3> element{};   ///< between neighbours of those elements
  std::array<std::int64_t, 3> pitch{};     ///< of a copy: how many of them there are
  bool copied = false;

  static TapLayout of_copy(const TapAxes& axes, std::int64_t channels, const TapBlock& most) {
    TapLayout l;
    l.copied = true;
    const std::array<std::int64_t, 3> positions = {most.depths, most.heights, axes[2].positions};
    std::int64_t size = 1;
    for (std::size_t a = 3; a-- > 0;) {
      l.position[a] = l.element[a] = size;
      l.pitch[a] = (axes[a].reach(positions[a]) - 1) / axes[a].step + 1;
      size *= l.pitch[a] * axes[a].phases();
    }
    l.channel = size;
    // Channels a power of two apart would share a few sets of the cache.
    if (l.channel % 128 == 0) l.channel += 16;
    l.batch = l.channel * channels;
    return l;
  }
  template <class T>
  static TapLayout in_place(const TapAxes& axes, const Field<const T>& field) {
    TapLayout l;
    l.batch = field.batch;
    l.channel = field.channel;
    l.element = field.axis;
    for (std::size_t a = 0; a < 3; ++a) l.position[a] = axes[a].step * field.axis[a];
    return l;
  }

  /// From a position's first element to each of its taps: all taps of a channel, then those of the next.
  std::vector<std::int64_t> offsets(const TapAxes& axes, std::int64_t channels) const {
    std::vector<std::int64_t> all;
    all.reserve(static_cast<std::size_t>(channels * tap_count(axes)));
    const auto at = [&](std::size_t a, std::int64_t t) {
      const TapAxis& x = axes[a];
      const std::int64_t to = x.offset + t * x.offset_step - (copied ? x.lowest() : 0);
      return (copied ? to % x.step * pitch[a] + to / x.step : to) * element[a];
    };
    for (std::int64_t c = 0; c < channels; ++c)
      for (std::int64_t d = 0; d < axes[0].taps; ++d)
        for (std::int64_t h = 0; h < axes[1].taps; ++h)
          for (std::int64_t w = 0; w < axes[2].taps; ++w) all.push_back(c * channel + at(0, d) + at(1, h) + at(2, w));
    return all;
  }
  /// Where the first position of a row begins.
  std::int64_t row(std::int64_t image, std::int64_t d, std::int64_t h) const {
    return image * batch + d * position[0] + h * position[1];
  }
};

/// Axes that hold nothing but themselves become one with the next, so that rows are longer: for products, which have `axes` and a
/// `source`, and may have an `out` with strides and a `weight_tap`.
template <class Product>
Product joined(Product p) {
  for (int rounds = 0; rounds < 2; ++rounds) {
    TapAxis &h = p.axes[1], &w = p.axes[2];
    if (!w.trivial() || !h.trivial()) return p;
    const auto dense = [&](const auto& field) { return h.size <= 1 || field.axis[1] == w.size * field.axis[2]; };
    if (!dense(p.source)) return p;
    if constexpr (requires { p.out; })
      if (!dense(p.out)) return p;
    w.size = w.positions = w.size * h.size;
    p.axes[1] = p.axes[0];
    p.axes[0] = TapAxis{};
    const auto shift = [](auto& strides) {
      strides[1] = strides[0];
      strides[0] = 0;
    };
    shift(p.source.axis);
    if constexpr (requires { p.out; }) {
      shift(p.out.axis);
      shift(p.weight_tap);
    }
  }
  return p;
}

/// Copies blocks of a source with their padding. Called by kernels of lanes.
template <class Target, class T>
class TapCopy {
 public:
  TapCopy(const TapAxes& axes, const TapLayout& layout)
      : axes_(axes), layout_(layout), read_{remainders(axes[0]), remainders(axes[1]), remainders(axes[2])} {}

  void operator()(const Field<const T>& from, std::int64_t channels, const TapBlock& b, T* to) const {
    for (std::int64_t n = 0; n < b.images; ++n)
      for (std::int64_t c = 0; c < channels; ++c) {
        const T* const image = from.data + (b.image + n) * from.batch + c * from.channel;
        T* const copy = to + n * layout_.batch + c * layout_.channel;
        each_element(0, b.depth, b.depths, [&](std::int64_t z, std::int64_t depth_at) {
          each_element(1, b.height, b.heights, [&](std::int64_t y, std::int64_t height_at) {
            const bool there = z >= 0 && z < axes_[0].size && y >= 0 && y < axes_[1].size;
            copy_row(there ? image + z * from.axis[0] + y * from.axis[1] : nullptr, from.axis[2],
                     copy + depth_at + height_at);
          });
        });
      }
  }

 private:
  using V = typename Target::template Lanes<T>;

  /// Which of the remainders by the step the taps have: elements with others are never read.
  static std::vector<char> remainders(const TapAxis& axis) {
    std::vector<char> read(static_cast<std::size_t>(axis.phases()), 0);
    for (std::int64_t t = 0; t < axis.taps; ++t)
      read[static_cast<std::size_t>((axis.offset + t * axis.offset_step - axis.lowest()) % axis.step)] = 1;
    return read;
  }
  /// Calls f(element, where it goes) for what `count` positions from `first` on read of an axis.
  template <class F>
  void each_element(std::size_t a, std::int64_t first, std::int64_t count, const F& f) const {
    const TapAxis& x = axes_[a];
    const std::int64_t last = x.reach(count) - 1;
    for (std::int64_t phase = 0; phase < std::ssize(read_[a]); ++phase) {
      if (!read_[a][static_cast<std::size_t>(phase)]) continue;
      for (std::int64_t e = phase, i = phase * layout_.pitch[a]; e <= last; e += x.step, ++i)
        f(first * x.step + x.lowest() + e, i * layout_.element[a]);
    }
  }
  void copy_row(const T* from, std::int64_t stride, T* to) const {
    const TapAxis& w = axes_[2];
    const std::int64_t step = w.step, pitch = layout_.pitch[2];
    for (std::int64_t phase = 0; phase < std::ssize(read_[2]); ++phase, to += pitch) {
      if (!read_[2][static_cast<std::size_t>(phase)]) continue;
      if (!from) {
        fill(0, pitch, to);
        continue;
      }
      // Number i is element first + i·step of the source.
      const std::int64_t first = w.lowest() + phase;
      const std::int64_t begin = std::min(pitch, first < 0 ? (-first - 1) / step + 1 : 0);
      const std::int64_t end =
          std::max(begin, std::min(pitch, w.size > first ? (w.size - first - 1) / step + 1 : std::int64_t{0}));
      fill(0, begin, to);
      const T* x = begin < end ? from + (first + begin * step) * stride : from;
      if (step * stride == 1)
        copy(end - begin, x, to + begin);
      else if (step * stride == 2)  // a number that the compiler knows becomes shuffles
        for (std::int64_t i = 0; i < end - begin; ++i) to[begin + i] = x[2 * i];
      else
        for (std::int64_t i = begin; i < end; ++i, x += step * stride) to[i] = *x;
      fill(end, pitch, to);
    }
  }
  static void copy(std::int64_t n, const T* x, T* to) {
    std::int64_t i = 0;
    for (; i + V::size <= n; i += V::size) V::load(x + i).store(to + i);
    if (i < n) V::load_n(x + i, static_cast<int>(n - i)).store_n(to + i, static_cast<int>(n - i));
  }
  static void fill(std::int64_t begin, std::int64_t end, T* to) {
    for (; begin + V::size <= end; begin += V::size) V(0).store(to + begin);
    if (begin < end) V(0).store_n(to + begin, static_cast<int>(end - begin));
  }

  const TapAxes& axes_;
  TapLayout layout_;
  std::array<std::vector<char>, 3> read_;
};

}  // namespace slope
