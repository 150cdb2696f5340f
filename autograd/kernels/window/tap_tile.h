#pragma once

#include <utility>

#include "slope/autograd/kernels/simd/internal/inline_call.h"
#include "slope/autograd/kernels/window/tap_plan.h"

/// The kernel of `tap_product`.
namespace slope::taps {

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

}  // namespace slope::taps
