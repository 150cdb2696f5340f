#include <utility>

#include "slope/autograd/core/internal/scratch.h"
#include "slope/autograd/core/parallel.h"
#include "slope/autograd/kernels/gemm/gemm_tile.h"
#include "slope/autograd/kernels/simd/internal/inline_call.h"
#include "slope/autograd/kernels/window/tap_product.h"

namespace slope {
namespace {

using gemm_tile::even_piece;
using gemm_tile::pieces_of;
using std::int64_t;

constexpr int64_t copy_bytes = 512 << 10;  // of a block's copy: it stays in the second-level cache

/// Neighbouring positions of a row: from a place in the source, and from a position of the block.
struct Run {
  int64_t source, position, length;
};

/// What a block's sums are made of: runs, and where they are cut to be added in double.
struct Runs {
  std::vector<Run> runs;
  std::vector<std::size_t> ends;
};

/// Positions that are summed in registers before they are added in double, about.
constexpr int64_t cut = 256;

Runs runs_of(const TapAxes& axes, const TapLayout& layout, const TapBlock& b) {
  Runs all;
  const int64_t width = axes[2].positions, positions = b.images * b.depths * b.heights * width;
  const int64_t pieces = std::max<int64_t>(1, positions / cut), longest = even_piece(width, 2 * cut, 1);
  int64_t position = 0, ended = 0;
  for (int64_t n = 0; n < b.images; ++n)
    for (int64_t d = 0; d < b.depths; ++d)
      for (int64_t h = 0; h < b.heights; ++h)
        for (int64_t w = 0; w < width; w += longest) {
          const int64_t length = std::min(longest, width - w);
          all.runs.push_back({layout.row(n, d, h) + w, position, length});
          position += length;
          if (position * pieces < (ended + 1) * positions) continue;
          all.ends.push_back(all.runs.size());
          ended = position * pieces / positions;
        }
  return all;
}

template <class V, class T>
inline void add_wide(const V& sum, double* to) {
  T lanes[V::size];
  sum.store(lanes);
  for (int l = 0; l < V::size; ++l) to[l] += static_cast<double>(lanes[l]);
}

/// `Taps` taps for `Vectors` vectors of rows: at each position a number of the source times a vector of gradients. `Steps`
/// positions at a time have sums of their own, so that additions need not wait for each other.
template <class Target, int Taps, int Vectors, int Steps, class T, std::size_t... S, std::size_t... B>
inline void rows_tile(std::index_sequence<S...>, std::index_sequence<B...>, const Run* run, const Run* end,
                      const T* source, const int64_t* offset, const T* panel, double* to, int64_t to_stride) {
  using V = typename Target::template Lanes<T>;
  constexpr auto tap = [](std::size_t s) { return static_cast<int64_t>(s) / Vectors % Taps; };
  constexpr auto vector = [](std::size_t s) { return static_cast<int64_t>(s) % Vectors; };
  constexpr auto step = [](std::size_t s) { return static_cast<int64_t>(s) / Vectors / Taps; };
  constexpr int64_t width = Vectors * V::size;
  V sums[sizeof...(S)];
  ((sums[S].v = V(0).v), ...);
  for (; run != end; ++run) {
    const T* x[Taps];
    for (int t = 0; t < Taps; ++t) x[t] = source + run->source + offset[t];
    const T* g = panel + run->position * width;
    int64_t i = 0;
    for (; i + Steps <= run->length; i += Steps, g += Steps * width) {
      const V b[Steps * Vectors] = {V::load(g + static_cast<int64_t>(B) * V::size)...};
      ((sums[S].v = fma(V(x[tap(S)][i + step(S)]), b[step(S) * Vectors + vector(S)], sums[S]).v), ...);
    }
    for (; i < run->length; ++i, g += width)
      ((step(S) == 0 ? void(sums[S].v = fma(V(x[tap(S)][i]), V::load(g + vector(S) * V::size), sums[S]).v) : void()),
       ...);
  }
  for (int s = 1; s < Steps; ++s)
    ((S < Taps * Vectors ? void(sums[S].v += sums[(S + static_cast<std::size_t>(s) * Taps * Vectors) % sizeof...(S)].v)
                         : void()),
     ...);
  ((S < Taps * Vectors ? add_wide<V, T>(sums[S], to + tap(S) * to_stride + vector(S) * V::size) : void()), ...);
}

/// `Taps` taps for one row of gradients, lanes along the positions.
template <class Target, int Taps, class T, std::size_t... S>
inline void lanes_tile(std::index_sequence<S...>, const Run* run, const Run* end, const T* source,
                       const int64_t* offset, const T* grad, double* to, int64_t to_stride) {
  using V = typename Target::template Lanes<T>;
  V sums[Taps];
  ((sums[S].v = V(0).v), ...);
  for (; run != end; ++run) {
    const T* const x[Taps] = {source + run->source + offset[S]...};
    const T* const g = grad + run->position;
    int64_t i = 0;
    for (; i + V::size <= run->length; i += V::size) {
      const V b = V::load(g + i);
      ((sums[S].v = fma(V::load(x[S] + i), b, sums[S]).v), ...);
    }
    if (const int rest = static_cast<int>(run->length - i); rest > 0) {
      const V b = where(Target::template Mask<T>::first(rest), V::load_n(g + i, rest), 0);
      ((sums[S].v = fma(V::load_n(x[S] + i, rest), b, sums[S]).v), ...);
    }
  }
  ((to[static_cast<int64_t>(S) * to_stride] += reduce_add_wide(sums[S])), ...);
}

/// The sums of some taps of a group: over all blocks, in double.
template <class Target, class T, int Vectors>
struct TapSums {
  using V = typename Target::template Lanes<T>;
  static constexpr int taps = gemm_tile::Tile<Target>::rows;
  static constexpr int steps = Vectors == 1 ? 2 : 1;
  static constexpr int64_t width = Vectors * V::size;

  /// What there is room for: all tiles are whole.
  static int64_t taps_kept(int64_t n) { return pieces_of(n, taps) * taps; }

  /// Adds a block for the taps [begin, end), a multiple of `taps` but at the end of all. `offset` has `taps` entries more.
  static void add(const Runs& runs, const T* source, const int64_t* offset, int64_t begin, int64_t end, const T* panel,
                  int64_t slivers, int64_t positions, double* to) {
    constexpr auto sums = std::make_index_sequence<static_cast<std::size_t>(taps * Vectors * steps)>();
    constexpr auto loads = std::make_index_sequence<static_cast<std::size_t>(Vectors * steps)>();
    std::size_t first = 0;
    for (const std::size_t last : runs.ends) {
      for (int64_t s = 0; s < slivers; ++s)
        for (int64_t k = begin; k < end; k += taps)
          SLOPE_INLINE_CALL rows_tile<Target, taps, Vectors, steps>(
              sums, loads, runs.runs.data() + first, runs.runs.data() + last, source, offset + k,
              panel + s * positions * width, to + (s * taps_kept(end - begin) + k - begin) * width, width);
      first = last;
    }
  }
};

/// Nothing is copied where all taps are inside: sums read no element that is not theirs.
template <class T>
bool read_in_place(const TapGradient<T>& p) {
  return p.axes[0].inside() && p.axes[1].inside() && p.axes[2].inside() && p.axes[2].step == 1 && p.source.axis[2] == 1;
}

template <class T>
TapBlock block_size(const TapGradient<T>& p) {
  const TapAxes& a = p.axes;
  // Of thread counts nothing here: where sums are cut decides their bits.
  const double copy = static_cast<double>(p.channels) * static_cast<double>(a[0].reach(a[0].positions)) *
                      static_cast<double>(a[1].reach(a[1].positions)) *
                      static_cast<double>(a[2].reach(a[2].positions)) * sizeof(T);
  const double grads = static_cast<double>(p.rows) * static_cast<double>(position_count(a)) * sizeof(T);
  const double part = copy_bytes / std::max(copy, grads);
  TapBlock b{0, 1, 0, a[0].positions, 0, a[1].positions};
  if (part >= 1) {
    b.images = even_piece(p.batch, static_cast<int64_t>(std::min(part, static_cast<double>(p.batch))), 1);
  } else if (part * static_cast<double>(a[0].positions) >= 1) {
    b.depths = static_cast<int64_t>(part * static_cast<double>(a[0].positions));
  } else {
    b.depths = 1;
    const double rows = part * static_cast<double>(a[0].positions) * static_cast<double>(a[1].positions);
    b.heights = std::clamp<int64_t>(static_cast<int64_t>(rows), 1, a[1].positions);
  }
  return b;
}

/// Runs `f(begin, end, group)` for parts of the taps of each group, multiples of `unit`, on threads.
template <class F>
void each_part(int64_t groups, int64_t taps, int64_t unit, double work, const F& f) {
  constexpr double worthwhile = 1e6;
  const int64_t threads = work > worthwhile ? get_num_threads() : 1;
  const int64_t parts = std::min(pieces_of(taps, unit), pieces_of(threads, groups));
  const int64_t piece = pieces_of(pieces_of(taps, unit), parts) * unit, pieces = groups * parts;
  const int64_t grain =
      threads == 1 ? pieces
                   : std::max<int64_t>(1, static_cast<int64_t>(worthwhile * static_cast<double>(pieces) / work));
  parallel_for(pieces, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) f(i % parts * piece, std::min(taps, (i % parts + 1) * piece), i / parts);
  });
}

template <class Target, class T, int Vectors>
void run_rows(const TapGradient<T>& p) {
  using Kernel = TapSums<Target, T, Vectors>;
  const int64_t channel_taps = tap_count(p.axes), taps = p.channels * channel_taps, positions = position_count(p.axes);
  const int64_t slivers = pieces_of(p.rows, Kernel::width);
  const TapBlocks blocks{p.batch, p.axes[0].positions, p.axes[1].positions, block_size(p)};
  const bool in_place = read_in_place(p);
  const TapLayout layout =
      in_place ? TapLayout::in_place(p.axes, p.source) : TapLayout::of_copy(p.axes, p.channels, blocks.most);
  std::vector<int64_t> offsets = layout.offsets(p.axes, p.channels);
  offsets.insert(offsets.end(), Kernel::taps,
                 offsets.back());  // what a last tile has too much is computed and not used
  const int64_t block_positions = blocks.most.images * blocks.most.depths * blocks.most.heights * p.axes[2].positions;
  const double work =
      static_cast<double>(p.batch * p.groups * p.rows) * static_cast<double>(taps) * static_cast<double>(positions);

  each_part(p.groups, taps, Kernel::taps, work, [&](int64_t begin, int64_t end, int64_t group) {
    const int64_t c = begin / channel_taps, channels = (end - 1) / channel_taps + 1 - c;
    const int64_t kept = Kernel::taps_kept(end - begin), sums_size = kept * slivers * Kernel::width;
    const memory::Scratch<double> sums(sums_size);
    std::fill_n(sums.data(), sums_size, 0.0);
    const memory::Scratch<T> copy(in_place ? 0 : layout.batch * blocks.most.images);
    const memory::Scratch<T> panel(slivers * Kernel::width * block_positions);
    const TapCopy<Target, T> fill(p.axes, layout);
    Runs runs;
    TapBlock shape{0, 0, 0, 0, 0, 0};
    for (int64_t i = 0; i < blocks.count(); ++i) {
      const TapBlock b = blocks.at(i);
      if (b.images != shape.images || b.depths != shape.depths || b.heights != shape.heights)
        runs = runs_of(p.axes, layout, shape = b);
      const int64_t of_image = b.depths * b.heights * p.axes[2].positions, count = b.images * of_image;
      const T* const grad = p.grad + (b.image * p.groups + group) * p.rows * positions +
                            (b.depth * p.axes[1].positions + b.height) * p.axes[2].positions;
      Field<const T> source = p.source;
      source.data += (group * p.channels + c) * source.channel;
      const T* const from =
          in_place ? source.data + layout.row(b.image, b.depth, b.height) - c * source.channel : copy.data();
      simd::dispatch([&](auto target) {
        if constexpr (std::is_same_v<decltype(target), Target>) {
          if (!in_place) fill(source, channels, b, copy.data() + c * layout.channel);
          for (int64_t s = 0; s < slivers; ++s)
            for (int64_t n = 0; n < b.images; ++n)
              gemm_tile::pack_sliver<Kernel::width>(
                  std::min<int64_t>(Kernel::width, p.rows - s * Kernel::width), of_image,
                  grad + (n * p.groups * p.rows + s * Kernel::width) * positions, positions, 1,
                  panel.data() + (s * count + n * of_image) * Kernel::width);
          Kernel::add(runs, from, offsets.data(), begin, end, panel.data(), slivers, count, sums.data());
        }
      });
    }
    // Transposed in squares that fit the first-level cache.
    constexpr int64_t square = 16;
    T* const to = p.weight + group * p.rows * taps;
    for (int64_t s = 0; s < slivers; ++s)
      for (int64_t k = begin; k < end; k += square) {
        const int64_t m = s * Kernel::width, rows = std::min<int64_t>(Kernel::width, p.rows - m);
        const double* const from = sums.data() + (s * kept + k - begin) * Kernel::width;
        for (int64_t r = 0; r < rows; ++r)
          for (int64_t i = 0; i < std::min(square, end - k); ++i)
            to[(m + r) * taps + k + i] = static_cast<T>(from[i * Kernel::width + r]);
      }
  });
}

/// Few rows: lanes along positions instead.
template <class Target, class T>
void run_lanes(const TapGradient<T>& p) {
  const int64_t channel_taps = tap_count(p.axes), taps = p.channels * channel_taps, positions = position_count(p.axes);
  const TapBlocks blocks{p.batch, p.axes[0].positions, p.axes[1].positions, block_size(p)};
  const bool in_place = read_in_place(p);
  const TapLayout layout =
      in_place ? TapLayout::in_place(p.axes, p.source) : TapLayout::of_copy(p.axes, p.channels, blocks.most);
  const std::vector<int64_t> offsets = layout.offsets(p.axes, p.channels);
  const double work =
      static_cast<double>(p.batch * p.groups * p.rows) * static_cast<double>(taps) * static_cast<double>(positions);

  each_part(p.groups, taps, 1, work, [&](int64_t begin, int64_t end, int64_t group) {
    const int64_t c = begin / channel_taps, channels = (end - 1) / channel_taps + 1 - c;
    const memory::Scratch<double> sums((end - begin) * p.rows);
    std::fill_n(sums.data(), (end - begin) * p.rows, 0.0);
    const memory::Scratch<T> copy(in_place ? 0 : layout.batch * blocks.most.images);
    const TapCopy<Target, T> fill(p.axes, layout);
    Runs runs;
    TapBlock shape{0, 0, 0, 0, 0, 0};
    for (int64_t i = 0; i < blocks.count(); ++i) {
      const TapBlock b = blocks.at(i);
      if (b.images != shape.images || b.depths != shape.depths || b.heights != shape.heights) {
        runs = runs_of(p.axes, layout, shape = b);
        // The gradients of images lie apart, as they are read where they are.
        const int64_t of_image = b.depths * b.heights * p.axes[2].positions;
        for (Run& r : runs.runs)
          r.position = r.position / of_image * p.groups * p.rows * positions + r.position % of_image;
      }
      const T* const grad = p.grad + (b.image * p.groups + group) * p.rows * positions +
                            (b.depth * p.axes[1].positions + b.height) * p.axes[2].positions;
      Field<const T> source = p.source;
      source.data += (group * p.channels + c) * source.channel;
      const T* const from =
          in_place ? source.data + layout.row(b.image, b.depth, b.height) - c * source.channel : copy.data();
      simd::dispatch([&](auto target) {
        if constexpr (std::is_same_v<decltype(target), Target>) {
          if (!in_place) fill(source, channels, b, copy.data() + c * layout.channel);
          const auto tile = [&](auto count, const Run* run, const Run* last_run, int64_t m, int64_t k) {
            SLOPE_INLINE_CALL lanes_tile<Target, count>(
                std::make_index_sequence<static_cast<std::size_t>(decltype(count)::value)>(), run, last_run, from,
                offsets.data() + k, grad + m * positions, sums.data() + (k - begin) * p.rows + m, p.rows);
          };
          std::size_t first = 0;
          for (const std::size_t last : runs.ends) {
            const Run *const run = runs.runs.data() + first, *const end_run = runs.runs.data() + last;
            for (int64_t m = 0; m < p.rows; ++m) {
              int64_t k = begin;
              for (; k + 9 <= end; k += 9) tile(std::integral_constant<int, 9>(), run, end_run, m, k);
              for (; k + 4 <= end; k += 4) tile(std::integral_constant<int, 4>(), run, end_run, m, k);
              for (; k < end; ++k) tile(std::integral_constant<int, 1>(), run, end_run, m, k);
            }
            first = last;
          }
        }
      });
    }
    T* const to = p.weight + group * p.rows * taps;
    for (int64_t m = 0; m < p.rows; ++m)
      for (int64_t k = begin; k < end; ++k) to[m * taps + k] = static_cast<T>(sums.data()[(k - begin) * p.rows + m]);
  });
}

template <class Target, class T>
void run_shape(const TapGradient<T>& p) {
  constexpr int lanes = Target::template Lanes<T>::size;
  if (p.rows < lanes / 2)
    run_lanes<Target>(p);
  else if (p.rows <= lanes)
    run_rows<Target, T, 1>(p);
  else
    run_rows<Target, T, gemm_tile::Tile<Target>::vectors>(p);
}

}  // namespace

template <class T>
void tap_gradient(const TapGradient<T>& given) {
  const TapGradient<T> p = joined(given);
  const int64_t size = p.groups * p.rows * p.channels * tap_count(p.axes);
  if (size == 0) return;
  if (p.batch * position_count(p.axes) == 0) {
    std::fill_n(p.weight, size, T(0));
    return;
  }
  switch (simd::best_isa()) {
#if defined(__x86_64__)
    case simd::Isa::avx512: return run_shape<simd::avx512::Target>(p);
    case simd::Isa::avx2: return run_shape<simd::avx2::Target>(p);
#endif
    default: return run_shape<simd::baseline::Target>(p);
  }
}

template void tap_gradient<float>(const TapGradient<float>&);
template void tap_gradient<double>(const TapGradient<double>&);

}  // namespace slope
