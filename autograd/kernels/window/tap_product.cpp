#include "slope/autograd/kernels/window/tap_product.h"

#include <memory>

#include "slope/autograd/core/internal/scratch.h"
#include "slope/autograd/core/parallel.h"
#include "slope/autograd/kernels/window/tap_plan.h"
#include "slope/autograd/kernels/window/tap_tile.h"

namespace slope {
namespace {

using namespace taps;
using gemm_tile::even_piece;

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

/// Taps that are summed in registers before they are added to the result, at most. A tile streams them from the second-level cache
/// as fast as it multiplies; what costs is to visit the result once more.
constexpr int64_t most_taps = 640;

constexpr double worthwhile = 1e6;         // multiply-adds for which another thread pays
constexpr int64_t copy_bytes = 512 << 10;  // of a block's copy: it stays in the second-level cache

/// How large blocks are: their copies fit the cache, there are enough for all threads, and each is worth its overhead. What
/// they are changes no bit of the result.
template <class T>
TapBlock block_size(const TapProduct<T>& p, bool in_place, int64_t phases) {
  const TapAxes& a = p.axes;
  const double positions = static_cast<double>(position_count(a));
  const double work = static_cast<double>(p.rows) * static_cast<double>(p.channels * tap_count(a)) * positions;
  const double copy = static_cast<double>(p.channels) * static_cast<double>(a[0].reach(a[0].positions)) *
                      static_cast<double>(a[1].reach(a[1].positions)) *
                      static_cast<double>(a[2].reach(a[2].positions)) * sizeof(T);
  const double images = static_cast<double>(p.batch * p.groups), threads = get_num_threads();
  // With groups the next image of a block lies far away, the next group right behind.
  const double enough = p.groups == 1 ? 2 * worthwhile : 1e4;
  const double share = work * images > worthwhile ? images / threads : images;
  double part = std::min(share, in_place ? share : copy_bytes / copy);
  part = std::min(part, std::max({1.0, enough / work, 256 / positions}));
  if (phases > 1) part = std::min(part, copy_bytes / (static_cast<double>(p.rows * phases) * positions * sizeof(T)));
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

/// One product made ready for blocks of one size.
template <class Target, int Rows, int Vectors, class T>
class Prepared {
  using V = typename Target::template Lanes<T>;

 public:
  Prepared(const TapProduct<T>& p, const TapBlock& most, bool in_place)
      : p_(p),
        in_place_(in_place),
        layout_(in_place ? TapLayout::in_place(p_.axes, p_.source) : TapLayout::of_copy(p_.axes, p_.channels, most)),
        plan_(p_, layout_, V::size),
        offsets_(layout_.offsets(p_.axes, p_.channels)),
        tiles_(pieces_of(p_.rows, Rows)),
        inner_(even_piece(std::ssize(offsets_), most_taps, 4)),
        fill_(p_.axes, layout_),
        weights_(p_.groups * tiles_ * Rows * std::ssize(offsets_)),
        // A vector may read as far beyond the end as it is wide.
        copy_size_(in_place ? 0 : layout_.batch * most.images + V::size) {
    if (few_rows(p_))
      reading_ = plan_.vectors_of_flat(most) < plan_.vectors_of_rows(most) ? Reading::flat : Reading::rows;
    const int64_t taps = std::ssize(offsets_);
    const std::vector<int64_t> weight_taps = weight_offsets(p_);
    bool dense = true;
    for (int64_t k = 0; k < taps && dense; ++k) dense = weight_taps[static_cast<std::size_t>(k)] == k;
    parallel_for(p_.groups * tiles_, std::max<int64_t>(1, (1 << 16) / (Rows * taps)), [&](int64_t begin, int64_t end) {
      simd::dispatch([&](auto target) {
        if constexpr (std::is_same_v<decltype(target), Target>)
          for (int64_t i = begin; i < end; ++i)
            pack_weights<Rows>(p_, i / tiles_, i % tiles_, tiles_, inner_, weight_taps, dense,
                               weights_.data() + i / tiles_ * tiles_ * Rows * taps);
      });
    });
  }

  /// A tile's row of weights is then read once for each vector: packing the vectors pays where there are many rows, or where
  /// rows of positions would waste lanes.
  static bool few_rows(const TapProduct<T>& p) {
    return p.rows <= Rows || (p.rows <= 128 && p.axes[2].positions % V::size == 0);
  }
  static bool may_read_in_place(const TapProduct<T>& p) {
    return !few_rows(p) && p.axes[2].positions % V::size == 0 && p.axes[0].inside() && p.axes[1].inside() &&
           p.axes[2].inside() && p.axes[2].step == 1 && p.source.axis[2] == 1;
  }

  int64_t copy_size() const { return copy_size_; }
  int64_t sliver_size() const { return reading_ == Reading::packed ? (inner_ + 1) * Vectors * V::size : 0; }
  Grid grid(const TapBlock& b) const { return plan_.grid(b, reading_); }

  /// The tiles [tile, tile_end) of a block, at `out` or where the product says.
  void operator()(const Grid& grid, const TapBlock& b, int64_t group, int64_t tile, int64_t tile_end, T* out, T* copy,
                  T* sliver) const {
    Field<const T> source = p_.source;
    source.data += group * p_.channels * source.channel;
    if (!in_place_) {
      fill_(source, p_.channels, b, copy);
      V(0).store(copy + copy_size_ - V::size);
    }
    const BlockProduct<Target, Rows, Vectors, T> product{p_, offsets_, inner_, tiles_, reading_};
    product(grid, in_place_ ? source.data + layout_.row(b.image, b.depth, b.height) : copy,
            weights_.data() + group * tiles_ * Rows * std::ssize(offsets_), tile, tile_end, group, out, sliver);
  }

 private:
  TapProduct<T> p_;
  bool in_place_;
  TapLayout layout_;
  Plan<T> plan_;
  Reading reading_ = Reading::packed;
  std::vector<int64_t> offsets_;
  int64_t tiles_, inner_;
  TapCopy<Target, T> fill_;
  memory::Scratch<T> weights_;
  int64_t copy_size_;
};

/// A row of positions of each phase, null where the bias is all there is, side by side: position w of phase s becomes
/// element w·phases + s.
template <class T>
inline void interleave(int64_t phases, const T* const* from, const int64_t* positions, T bias, T* to) {
  if (phases == 2 && from[0] && from[1]) {
    const T *const a = from[0], *const b = from[1];
    for (int64_t w = 0; w < positions[1]; ++w) {
      to[2 * w] = a[w];
      to[2 * w + 1] = b[w];
    }
    if (positions[1] < positions[0]) to[2 * positions[1]] = a[positions[1]];
    return;
  }
  for (int64_t s = 0; s < phases; ++s) {
    T* at = to + s;
    for (int64_t w = 0; w < positions[s]; ++w, at += phases) *at = from[s] ? from[s][w] : bias;
  }
}

template <class Target, int Rows, int Vectors, class T>
void run(std::span<const TapProduct<T>> given) {
  using Product = Prepared<Target, Rows, Vectors, T>;
  const int64_t phases = std::ssize(given), first = phases == 1 ? 0 : [&] {
    int64_t s = 0;
    while (tap_count(given[static_cast<std::size_t>(s)].axes) == 0) ++s;
    return s;
  }();
  const TapProduct<T>& p = given[static_cast<std::size_t>(first)];
  const bool in_place = phases == 1 && Product::may_read_in_place(p);
  const TapBlocks blocks{p.batch, p.axes[0].positions, p.axes[1].positions, block_size(p, in_place, phases)};
  const TapBlock& most = blocks.most;

  // Phases are computed one behind the other into memory of the block's, and interleaved from there.
  const int64_t width = given[0].axes[2].positions, row = most.heights * width;
  const int64_t channel = most.images * most.depths * row, kept = phases > 1 ? p.rows * channel : 0;
  std::vector<std::unique_ptr<Product>> products(static_cast<std::size_t>(phases));
  std::vector<int64_t> positions;
  int64_t copy_size = 0, sliver_size = 0;
  double work = 0;
  for (std::size_t s = 0; s < products.size(); ++s) {
    TapProduct<T> phase = given[s];
    positions.push_back(phase.axes[2].positions);
    if (tap_count(phase.axes) == 0) continue;
    work += static_cast<double>(p.batch * p.groups * p.rows) * static_cast<double>(p.channels * tap_count(phase.axes)) *
            static_cast<double>(position_count(phase.axes));
    if (phases > 1) phase.out = {nullptr, most.depths * row, channel, {row, width, 1}};
    products[s] = std::make_unique<Product>(phase, most, in_place);
    copy_size = std::max(copy_size, products[s]->copy_size());
    sliver_size = std::max(sliver_size, products[s]->sliver_size());
  }

  // Work for threads: blocks of groups, each in as many parts of its rows as there are too few of them.
  const int64_t pieces = blocks.count() * p.groups, tiles = pieces_of(p.rows, Rows);
  const int64_t threads = work > worthwhile ? get_num_threads() : 1;
  const int64_t parts = std::min(tiles, pieces_of(threads, pieces)), part_tiles = pieces_of(tiles, parts);
  const int64_t grain = std::max<int64_t>(
      1, work > worthwhile ? static_cast<int64_t>(worthwhile * static_cast<double>(pieces * parts) / work)
                           : pieces * parts);
  parallel_for(pieces * parts, grain, [&](int64_t begin, int64_t end) {
    const memory::Scratch<T> copy(copy_size), sliver(sliver_size), sums(kept * phases);
    std::vector<Grid> grids(products.size());
    std::vector<const T*> rows(products.size());
    TapBlock shape{0, 0, 0, 0, 0, 0};
    for (int64_t i = begin; i < end; ++i) {
      const int64_t group = i / parts % p.groups, tile = i % parts * part_tiles,
                    tile_end = std::min(tiles, tile + part_tiles);
      const TapBlock b = blocks.at(i / parts / p.groups);
      if (b.images != shape.images || b.depths != shape.depths || b.heights != shape.heights) {
        shape = b;
        for (std::size_t s = 0; s < products.size(); ++s)
          if (products[s]) grids[s] = products[s]->grid(b);
      }
      T* const out = given[0].out.data + b.image * p.out.batch + group * p.rows * p.out.channel +
                     b.depth * p.out.axis[0] + b.height * p.out.axis[1];
      simd::dispatch([&](auto target) {
        if constexpr (std::is_same_v<decltype(target), Target>) {
          for (std::size_t s = 0; s < products.size(); ++s)
            if (products[s])
              (*products[s])(grids[s], b, group, tile, tile_end,
                             phases == 1 ? out : sums.data() + static_cast<int64_t>(s) * kept, copy.data(),
                             sliver.data());
          if (phases == 1) return;
          for (int64_t m = tile * Rows; m < std::min(p.rows, tile_end * Rows); ++m)
            for (int64_t r = 0; r < b.images * b.depths * b.heights; ++r) {
              const int64_t h = r % b.heights, d = r / b.heights % b.depths, n = r / b.heights / b.depths;
              for (std::size_t s = 0; s < products.size(); ++s)
                rows[s] = products[s] ? sums.data() + static_cast<int64_t>(s) * kept + m * channel +
                                            (n * most.depths + d) * row + h * width
                                      : nullptr;
              interleave(phases, rows.data(), positions.data(), p.bias ? p.bias[group * p.rows + m] : T(0),
                         out + m * p.out.channel + n * p.out.batch + d * p.out.axis[0] + h * p.out.axis[1]);
            }
        }
      });
    }
  });
}

template <class Target, class T>
void run_shape(std::span<const TapProduct<T>> p) {
  constexpr int rows = gemm_tile::Tile<Target>::rows, vectors = gemm_tile::Tile<Target>::vectors;
  if (p[0].rows == 1)
    run<Target, 1, 8>(p);
  else if (rows > 4 && p[0].rows <= 4)
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
void tap_product(std::span<const TapProduct<T>> phases) {
  const TapProduct<T>& p = phases[0];
  if (p.batch * p.groups * p.rows * position_count(p.axes) == 0) return;
  int64_t taps = 0;
  for (const TapProduct<T>& phase : phases) taps += phase.channels * tap_count(phase.axes);
  if (taps == 0) {
    for (const TapProduct<T>& phase : phases) put_bias(phase);
    return;
  }
  const TapProduct<T> single = joined(p);
  const std::span<const TapProduct<T>> all = phases.size() == 1 ? std::span(&single, 1) : phases;
  switch (simd::best_isa()) {
#if defined(__x86_64__)
    case simd::Isa::avx512: return run_shape<simd::avx512::Target>(all);
    case simd::Isa::avx2: return run_shape<simd::avx2::Target>(all);
#endif
    default: return run_shape<simd::baseline::Target>(all);
  }
}

template void tap_product<float>(std::span<const TapProduct<float>>);
template void tap_product<double>(std::span<const TapProduct<double>>);

}  // namespace slope
