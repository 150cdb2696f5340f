#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "slope/autograd/kernels/gemm/gemm_tile.h"
#include "slope/autograd/kernels/window/tap_product.h"

/// Which positions share a vector, for `tap_product`.
namespace slope::taps {

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
    int64_t filled = 0;  // lanes of the last vector
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
              if (filled == 0) begin(g, source);
              const int64_t count = std::min(lanes_ - filled, width - w);
              add(g, filled, count, source, out(to, h, w));
              w += count;
              filled += count;
              if (reading == Reading::rows || filled == lanes_) {
                finish(g);
                filled = 0;
              }
            }
        }
      }
    if (filled > 0) finish(g);
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
  static void begin(Grid& g, int64_t source) {
    const int at = static_cast<int>(g.pieces.size());
    g.vectors.push_back({source, 0, at, at, true, true});
  }
  static void add(Grid& g, int64_t lane, int64_t count, int64_t source, int64_t to) {
    g.pieces.push_back({static_cast<int>(lane), static_cast<int>(count), source, to});
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
  }

  const TapProduct<T>& p_;
  TapLayout layout_;
  int64_t lanes_;
};

}  // namespace slope::taps
