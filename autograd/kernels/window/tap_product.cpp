#include "slope/autograd/kernels/window/tap_product.h"

#include <utility>

#include "slope/autograd/core/internal/scratch.h"
#include "slope/autograd/core/parallel.h"
#include "slope/autograd/kernels/gemm/gemm_tile.h"
#include "slope/autograd/kernels/simd/internal/inline_call.h"

namespace slope {
namespace {

using gemm_tile::even_piece;
using gemm_tile::inner_block;
using gemm_tile::pieces_of;
using std::int64_t;

/// Lanes that belong to neighbouring positions of one row, counted from the block's first element.
struct Piece {
  int lane, count;
  int64_t source, out;
};

/// The positions of one vector of a tile: pieces [first, end).
struct Positions {
  int64_t source;  // of the first lane, where the others follow
  int64_t out;
  int first, end;
  bool side_by_side;  // in the source: may be loaded
  bool whole;         // all lanes, side by side in the result
};

/// Where the vectors of a tile read their taps.
enum class Reading {
  /// Each from one place. Lanes beyond the end of a row are computed in vain.
  rows,
  /// The same, but vectors pass over the padding between rows.
  flat,
  /// From a sliver that is packed first: no lane is wasted.
  packed
};

struct Grid {
  std::vector<Piece> pieces;
  std::vector<Positions> vectors;
};

template <class T>
class Plan {
 public:
  Plan(const TapProduct<T>& p, const TapLayout& layout, int64_t lanes) : p_(p), layout_(layout), lanes_(lanes) {}

  /// The vectors of a block, whose first position they count from.
  Grid grid(const TapBlock& b, Reading reading) const {
    Grid g;
    const int64_t width = p_.axes[2].positions, row_step = layout_.position[1];
    for (int64_t n = 0; n < b.images; ++n)
      for (int64_t d = 0; d < b.depths; ++d) {
        const int64_t from = layout_.row(n, d, 0), to = n * p_.out.batch + d * p_.out.axis[0];
        if (reading == Reading::flat) {
          for (int64_t at = 0, end = (b.heights - 1) * row_step + width; at < end; at += lanes_) {
            begin(g, from + at);
            for (int64_t lane = 0; lane < std::min(lanes_, end - at);) {
              const int64_t h = (at + lane) / row_step, w = (at + lane) % row_step;
              const int64_t count = std::min(lanes_ - lane, w < width ? width - w : row_step - w);
              if (w < width) add(g, lane, count, from + at + lane, out(to, h, w));
              lane += count;
            }
            finish(g);
          }
        } else {
          for (int64_t h = 0; h < b.heights; ++h)
            for (int64_t w = 0; w < width;) {
              const int64_t source = from + h * row_step + w;
              const bool fresh = reading == Reading::rows || filled_ == 0;
              if (fresh) begin(g, source);
              const int64_t count = std::min(lanes_ - (fresh ? 0 : filled_), width - w);
              add(g, fresh ? 0 : filled_, count, source, out(to, h, w));
              w += count;
              if (reading == Reading::rows || filled_ == lanes_) finish(g);
            }
        }
      }
    if (filled_ > 0) finish(g);
    return g;
  }

  int64_t vectors_of_rows(const TapBlock& b) const {
    return b.images * b.depths * b.heights * pieces_of(p_.axes[2].positions, lanes_);
  }
  /// As many for Reading::flat, which images that are not copied do not allow.
  int64_t vectors_of_flat(const TapBlock& b) const {
    return b.images * b.depths * pieces_of((b.heights - 1) * layout_.position[1] + p_.axes[2].positions, lanes_);
  }

 private:
  int64_t out(int64_t to, int64_t h, int64_t w) const { return to + h * p_.out.axis[1] + w * p_.out.axis[2]; }
  void begin(Grid& g, int64_t source) const {
    const int at = static_cast<int>(g.pieces.size());
    g.vectors.push_back({source, 0, at, at, true, true});
    filled_ = 0;
  }
  void add(Grid& g, int64_t lane, int64_t count, int64_t source, int64_t to) const {
    g.pieces.push_back({static_cast<int>(lane), static_cast<int>(count), source, to});
    filled_ = lane + count;
  }
  void finish(Grid& g) const {
    Positions& v = g.vectors.back();
    v.end = static_cast<int>(g.pieces.size());
    v.out = v.end > v.first ? g.pieces[static_cast<std::size_t>(v.first)].out : 0;
    int64_t lanes = 0;
    for (int i = v.first; i < v.end; ++i) {
      const Piece& x = g.pieces[static_cast<std::size_t>(i)];
      v.side_by_side = v.side_by_side && x.source == v.source + x.lane;
      v.whole = v.whole && x.lane == lanes && x.out == v.out + lanes;
      lanes += x.count;
    }
    v.whole = v.whole && lanes == lanes_ && p_.out.axis[2] == 1;
    filled_ = 0;
  }

  const TapProduct<T>& p_;
  TapLayout layout_;
  int64_t lanes_;
  mutable int64_t filled_ = 0;
};

/// Where a tile's sums go, and what they are added to: bias or nothing for the first block of taps, else what is there.
template <class T>
struct Sums {
  T* out;
  int64_t row_stride, position_stride, rows;
  const T* bias;
  bool first;
  const Grid& grid;
};

template <class V, class T>
inline V added(const V& sum, const Sums<T>& to, int64_t row, const T* at) {
  if (!to.first) return sum + V::load(at);
  return to.bias ? sum + V(to.bias[row]) : sum;
}

/// The vectors [vector, vector + count) of a tile, where not all are whole or not all rows are there.
template <class Target, int Vectors, class T>
inline void put_pieces(int64_t vector, int64_t count, const T* sums, const Sums<T>& to) {
  using V = typename Target::template Lanes<T>;
  for (int64_t v = 0; v < count; ++v) {
    const Positions& x = to.grid.vectors[static_cast<std::size_t>(vector + v)];
    for (int64_t r = 0; r < to.rows; ++r) {
      const T* const sum = sums + (r * Vectors + v) * V::size;
      T* const out = to.out + r * to.row_stride;
      if (x.whole) {
        added(V::load(sum), to, r, out + x.out).store(out + x.out);
        continue;
      }
      const T start = to.first && to.bias ? to.bias[r] : T(0);
      for (int i = x.first; i < x.end; ++i) {
        const Piece& piece = to.grid.pieces[static_cast<std::size_t>(i)];
        T* at = out + piece.out;
        const T* const from = sum + piece.lane;
        for (int l = 0; l < piece.count; ++l, at += to.position_stride) *at = (to.first ? start : *at) + from[l];
      }
    }
  }
}

/// A tile: `Rows` rows for `Vectors` vectors of positions, over `inner` taps. Vector v reads tap k at base[v] + offset[k],
/// or, packed, at base[v] + k · the sliver's width.
template <class Target, int Rows, int Vectors, bool Packed, class T, std::size_t... S, std::size_t... B>
inline void multiply_tile(std::index_sequence<S...>, std::index_sequence<B...>, int64_t inner, const T* weight,
                          const T* const* base, const int64_t* offset, int64_t vector, int64_t count,
                          const Sums<T>& to) {
  using V = typename Target::template Lanes<T>;
  constexpr auto row = [](std::size_t s) { return static_cast<int64_t>(s) / Vectors; };
  constexpr auto column = [](std::size_t s) { return static_cast<int64_t>(s) % Vectors; };
  V sums[sizeof...(S)];
  ((sums[S].v = V(0).v), ...);
  const T* const at[Vectors] = {base[B]...};
  for (int64_t k = 0; k < inner; ++k, weight += Rows) {
    const int64_t o = Packed ? k * (Vectors * V::size) : offset[k];
    const V taps[Vectors] = {V::load(at[B] + o)...};
    ((sums[S].v = fma(V(weight[row(S)]), taps[column(S)], sums[S]).v), ...);
  }
  bool whole = to.rows >= Rows && count == Vectors;
  const Positions* const places = to.grid.vectors.data() + vector;
  if (whole) ((whole = whole && places[B].whole), ...);
  if (whole) {
    ((added(sums[S], to, row(S), to.out + row(S) * to.row_stride + places[column(S)].out)
          .store(to.out + row(S) * to.row_stride + places[column(S)].out)),
     ...);
    return;
  }
  T kept[sizeof...(S) * V::size];
  ((sums[S].store(kept + static_cast<int64_t>(S) * V::size)), ...);
  put_pieces<Target, Vectors>(vector, count, kept, to);
}

/// One block of a group: all its vectors times the tiles [tile, tile_end) of the weight's rows.
template <class Target, int Rows, int Vectors, class T>
struct BlockProduct {
  using V = typename Target::template Lanes<T>;
  static constexpr int64_t width = Vectors * V::size;

  const TapProduct<T>& p;
  const std::vector<int64_t>& offsets;
  int64_t inner_size, tiles;
  Reading reading;

  /// `sliver` has room for inner_size + 1 rows of a tile's width.
  void operator()(const Grid& grid, const T* source, const T* weight, int64_t tile, int64_t tile_end, int64_t group,
                  T* out, T* sliver) const {
    const int64_t taps = std::ssize(offsets), vectors = std::ssize(grid.vectors);
    for (int64_t k = 0; k < taps; k += inner_size) {
      const int64_t inner = std::min(inner_size, taps - k);
      for (int64_t v = 0; v < vectors; v += Vectors) {
        const int64_t count = std::min<int64_t>(Vectors, vectors - v);
        const T* base[Vectors];
        for (int64_t i = 0; i < Vectors; ++i)
          base[i] = reading == Reading::packed
                        ? sliver + i * V::size
                        : source + grid.vectors[static_cast<std::size_t>(v + std::min(i, count - 1))].source;
        if (reading == Reading::packed) pack(grid, source, offsets.data() + k, inner, v, count, sliver);
        for (int64_t t = tile; t < tile_end; ++t) {
          const int64_t m = t * Rows;
          const Sums<T> to{out + m * p.out.channel,
                           p.out.channel,
                           p.out.axis[2],
                           std::min<int64_t>(Rows, p.rows - m),
                           p.bias ? p.bias + group * p.rows + m : nullptr,
                           k == 0,
                           grid};
          const T* const panel = weight + k * tiles * Rows + t * Rows * inner;
          constexpr auto sums = std::make_index_sequence<static_cast<std::size_t>(Rows) * Vectors>();
          constexpr auto bases = std::make_index_sequence<static_cast<std::size_t>(Vectors)>();
          if (reading == Reading::packed)
            SLOPE_INLINE_CALL multiply_tile<Target, Rows, Vectors, true>(sums, bases, inner, panel, base, nullptr, v,
                                                                         count, to);
          else
            SLOPE_INLINE_CALL multiply_tile<Target, Rows, Vectors, false>(sums, bases, inner, panel, base,
                                                                          offsets.data() + k, v, count, to);
        }
      }
    }
  }

 private:
  static void pack(const Grid& grid, const T* source, const int64_t* offset, int64_t inner, int64_t v, int64_t count,
                   T* to) {
    const Positions* const x = grid.vectors.data() + v;
    bool side_by_side = count == Vectors;
    for (int64_t i = 0; i < count; ++i) side_by_side = side_by_side && x[i].side_by_side;
    if (side_by_side) {
      const T* base[Vectors];
      for (int64_t i = 0; i < Vectors; ++i) base[i] = source + x[i].source;
      for (int64_t k = 0; k < inner; ++k, to += width)
        for (int64_t i = 0; i < Vectors; ++i) V::load(base[i] + offset[k]).store(to + i * V::size);
      return;
    }
    // What a piece writes too much, the next one overwrites.
    const T* from[width];
    int64_t at[width];
    int64_t pieces = 0;
    for (int64_t i = 0; i < count; ++i)
      for (int j = x[i].first; j < x[i].end; ++j, ++pieces) {
        const Piece& piece = grid.pieces[static_cast<std::size_t>(j)];
        from[pieces] = source + piece.source;
        at[pieces] = i * V::size + piece.lane;
      }
    for (int64_t k = 0; k < inner; ++k, to += width)
      for (int64_t i = 0; i < pieces; ++i) V::load(from[i] + offset[k]).store(to + at[i]);
  }
};

/// The weights of a tile's rows behind each other for every tap, block of taps by block, tile by tile.
template <int Rows, class T>
void pack_weights(const TapProduct<T>& p, int64_t group, int64_t tile, int64_t tiles, int64_t inner_size,
                  const std::vector<int64_t>& taps, bool dense, T* to) {
  const int64_t m = tile * Rows, rows = std::min<int64_t>(Rows, p.rows - m), all = std::ssize(taps);
  const T* const from = p.weight + group * p.weight_group + m * p.weight_row;
  for (int64_t k = 0; k < all; k += inner_size) {
    const int64_t inner = std::min(inner_size, all - k);
    T* panel = to + k * tiles * Rows + tile * Rows * inner;
    if (dense) {
      gemm_tile::pack_sliver<Rows>(rows, inner, from + k, p.weight_row, 1, panel);
      continue;
    }
    for (int64_t i = 0; i < inner; ++i, panel += Rows) {
      const T* const x = from + taps[static_cast<std::size_t>(k + i)];
      for (int64_t r = 0; r < rows; ++r) panel[r] = x[r * p.weight_row];
      for (int64_t r = rows; r < Rows; ++r) panel[r] = T(0);
    }
  }
}

template <class T>
std::vector<int64_t> weight_offsets(const TapProduct<T>& p) {
  std::vector<int64_t> all;
  all.reserve(static_cast<std::size_t>(p.channels * tap_count(p.axes)));
  for (int64_t c = 0; c < p.channels; ++c)
    for (int64_t d = 0; d < p.axes[0].taps; ++d)
      for (int64_t h = 0; h < p.axes[1].taps; ++h)
        for (int64_t w = 0; w < p.axes[2].taps; ++w)
          all.push_back(c * p.weight_channel + d * p.weight_tap[0] + h * p.weight_tap[1] + w * p.weight_tap[2]);
  return all;
}

constexpr double worthwhile = 1e6;         // multiply-adds for which another thread pays
constexpr int64_t copy_bytes = 512 << 10;  // of a block's copy: it stays in the second-level cache

/// How large blocks are: their copies fit the cache, there are enough for all threads, and each is worth its overhead. What
/// they are changes no bit of the result.
template <class T>
TapBlock block_size(const TapProduct<T>& p, bool in_place) {
  const TapAxes& a = p.axes;
  const double positions = static_cast<double>(position_count(a));
  const double work = static_cast<double>(p.rows) * static_cast<double>(p.channels * tap_count(a)) * positions;
  const double copy = static_cast<double>(p.channels) * static_cast<double>(a[0].reach(a[0].positions)) *
                      static_cast<double>(a[1].reach(a[1].positions)) *
                      static_cast<double>(a[2].reach(a[2].positions)) * sizeof(T);
  const double images = static_cast<double>(p.batch * p.groups), threads = get_num_threads();
  const double share = work * images > worthwhile ? images / threads : images;
  double part = std::min(share, in_place ? share : copy_bytes / copy);
  part = std::min(part, std::max({1.0, 2 * worthwhile / work, 256 / positions}));
  TapBlock b{0, 1, 0, a[0].positions, 0, a[1].positions};
  if (part >= 1) {
    b.images = std::min(p.batch, static_cast<int64_t>(part));
  } else if (part * static_cast<double>(a[0].positions) >= 1) {
    b.depths = static_cast<int64_t>(part * static_cast<double>(a[0].positions));
  } else {
    b.depths = 1;
    const double rows = part * static_cast<double>(a[0].positions) * static_cast<double>(a[1].positions);
    b.heights = std::clamp<int64_t>(static_cast<int64_t>(rows), std::min<int64_t>(a[1].positions, 2), a[1].positions);
  }
  return b;
}

template <class Target, int Rows, int Vectors, class T>
void run(const TapProduct<T>& p) {
  using V = typename Target::template Lanes<T>;
  const int64_t taps = p.channels * tap_count(p.axes), tiles = pieces_of(p.rows, Rows);
  const int64_t inner = even_piece(taps, inner_block, 4), width = p.axes[2].positions;

  const bool few_rows = p.rows <= Rows || (p.rows <= 32 && width % V::size == 0);
  const bool in_place = !few_rows && width % V::size == 0 && p.axes[0].inside() && p.axes[1].inside() &&
                        p.axes[2].inside() && p.axes[2].step == 1 && p.source.axis[2] == 1;
  const TapBlocks blocks{p.batch, p.axes[0].positions, p.axes[1].positions, block_size(p, in_place)};
  const TapLayout layout =
      in_place ? TapLayout::in_place(p.axes, p.source) : TapLayout::of_copy(p.axes, p.channels, blocks.most);
  const Plan<T> plan(p, layout, V::size);
  Reading reading = Reading::packed;
  if (few_rows) {
    const int64_t by_rows = plan.vectors_of_rows(blocks.most), flat = plan.vectors_of_flat(blocks.most);
    reading = flat < by_rows ? Reading::flat : Reading::rows;
  }

  const std::vector<int64_t> offsets = layout.offsets(p.axes, p.channels), weight_taps = weight_offsets(p);
  bool dense = true;
  for (int64_t k = 0; k < taps && dense; ++k) dense = weight_taps[static_cast<std::size_t>(k)] == k;
  const memory::Scratch<T> weights(p.groups * tiles * Rows * taps);
  parallel_for(p.groups * tiles, std::max<int64_t>(1, (1 << 16) / (Rows * taps)), [&](int64_t begin, int64_t end) {
    simd::dispatch([&](auto target) {
      if constexpr (std::is_same_v<decltype(target), Target>)
        for (int64_t i = begin; i < end; ++i)
          pack_weights<Rows>(p, i / tiles, i % tiles, tiles, inner, weight_taps, dense,
                             weights.data() + i / tiles * tiles * Rows * taps);
    });
  });

  // Work for threads: blocks of groups, each in as many parts of its rows as there are too few of them.
  const int64_t pieces = blocks.count() * p.groups;
  const double work = static_cast<double>(p.batch * p.groups * p.rows) * static_cast<double>(taps) *
                      static_cast<double>(position_count(p.axes));
  const int64_t threads = work > worthwhile ? get_num_threads() : 1;
  const int64_t parts = std::min(tiles, pieces_of(threads, pieces)), part_tiles = pieces_of(tiles, parts);
  const BlockProduct<Target, Rows, Vectors, T> product{p, offsets, inner, tiles, reading};
  // A vector may read as far beyond the end as it is wide.
  const int64_t copy_size = in_place ? 0 : layout.batch * blocks.most.images + V::size;
  const int64_t grain = std::max<int64_t>(
      1, work > worthwhile ? static_cast<int64_t>(worthwhile * static_cast<double>(pieces * parts) / work)
                           : pieces * parts);
  parallel_for(pieces * parts, grain, [&](int64_t begin, int64_t end) {
    const memory::Scratch<T> copy(copy_size);
    const memory::Scratch<T> sliver(reading == Reading::packed ? (inner + 1) * Vectors * V::size : 0);
    const TapCopy<Target, T> fill(p.axes, layout);
    std::fill_n(copy.data() + std::max<int64_t>(0, copy_size - V::size), in_place ? 0 : V::size, T(0));
    Grid grid;
    TapBlock shape{0, 0, 0, 0, 0, 0};
    for (int64_t i = begin; i < end; ++i) {
      const int64_t part = i % parts, group = i / parts % p.groups;
      const TapBlock b = blocks.at(i / parts / p.groups);
      if (b.images != shape.images || b.depths != shape.depths || b.heights != shape.heights)
        grid = plan.grid(shape = b, reading);
      Field<const T> source = p.source;
      source.data += group * p.channels * source.channel;
      T* const out = p.out.data + b.image * p.out.batch + group * p.rows * p.out.channel + b.depth * p.out.axis[0] +
                     b.height * p.out.axis[1];
      simd::dispatch([&](auto target) {
        if constexpr (std::is_same_v<decltype(target), Target>) {
          if (!in_place) fill(source, p.channels, b, copy.data());
          const T* const from = in_place ? source.data + layout.row(b.image, b.depth, b.height) : copy.data();
          product(grid, from, weights.data() + group * tiles * Rows * taps, part * part_tiles,
                  std::min(tiles, (part + 1) * part_tiles), group, out, sliver.data());
        }
      });
    }
  });
}

template <class Target, class T>
void run_shape(const TapProduct<T>& p) {
  constexpr int rows = gemm_tile::Tile<Target>::rows, vectors = gemm_tile::Tile<Target>::vectors;
  if (p.rows == 1)
    run<Target, 1, 8>(p);
  else if (rows > 4 && p.rows <= 4)
    run<Target, 4, rows * vectors / 4>(p);
  else
    run<Target, rows, vectors>(p);
}

/// What a product without taps leaves: the bias.
template <class T>
void put_bias(const TapProduct<T>& p) {
  const int64_t channels = p.groups * p.rows;
  parallel_for(p.batch * channels, 64, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t m = i % channels;
      for (int64_t d = 0; d < p.axes[0].positions; ++d)
        for (int64_t h = 0; h < p.axes[1].positions; ++h) {
          T* at = p.out.data + i / channels * p.out.batch + m * p.out.channel + d * p.out.axis[0] + h * p.out.axis[1];
          for (int64_t w = 0; w < p.axes[2].positions; ++w, at += p.out.axis[2]) *at = p.bias ? p.bias[m] : T(0);
        }
    }
  });
}

}  // namespace

template <class T>
void tap_product(const TapProduct<T>& given) {
  if (given.batch * given.groups * given.rows * position_count(given.axes) == 0) return;
  if (given.channels * tap_count(given.axes) == 0) return put_bias(given);
  const TapProduct<T> p = joined(given);
  switch (simd::best_isa()) {
#if defined(__x86_64__)
    case simd::Isa::avx512: return run_shape<simd::avx512::Target>(p);
    case simd::Isa::avx2: return run_shape<simd::avx2::Target>(p);
#endif
    default: return run_shape<simd::baseline::Target>(p);
  }
}

template void tap_product<float>(const TapProduct<float>&);
template void tap_product<double>(const TapProduct<double>&);

}  // namespace slope
