#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "slope/autograd/core/internal/random_tiles.h"
#include "slope/autograd/kernels/attention/attention.h"
#include "slope/autograd/kernels/gemm/gemm.h"
#include "slope/autograd/kernels/gemm/gemm_tile.h"
#include "slope/autograd/kernels/simd/each_vector.h"
#include "slope/autograd/kernels/simd/internal/inline_call.h"
#include "slope/autograd/kernels/simd/lanes.h"

/// What forward and backward of attention share: how the queries and keys are cut, what masks hide, which weights are dropped.
namespace slope::detail {

/// Queries that are worked on together. Tiles of scores have rows of this length, whether so many are there or not.
inline constexpr std::int64_t query_block = 64;

/// As many keys as keep a product below the size from which kernels/gemm packs both factors.
inline std::int64_t keys_per_tile(std::int64_t width) {
  constexpr std::int64_t most = 128, least = 16, work = 900'000;
  return std::clamp(work / (query_block * std::max<std::int64_t>(1, width)) / 16 * 16, least, most);
}

/// How many tasks are worth a thread, each of so many multiply-adds.
inline std::int64_t tasks_per_thread(std::int64_t queries, std::int64_t keys, std::int64_t width) {
  constexpr double worthwhile = 1e6;  // about 10 us
  const double work = static_cast<double>(queries) * static_cast<double>(keys) * static_cast<double>(width);
  return 1 + static_cast<std::int64_t>(worthwhile / std::max(1.0, work));
}

/// The matrices of a batch: the last two dimensions of a tensor, at each position of the others.
template <class T>
class MatrixBatch {
 public:
  explicit MatrixBatch(const TensorImpl& t) : data_(t.ptr<T>()), lead_(t.sizes.size() - 2) {
    for (int d = 0; d < lead_; ++d) {
      sizes_.push_back(t.sizes[d]);
      strides_.push_back(t.strides[d]);
    }
    rows = t.sizes[lead_], columns = t.sizes[lead_ + 1];
    row_stride = t.strides[lead_], column_stride = t.strides[lead_ + 1];
  }
  T* at(std::int64_t index) const {
    T* p = data_;
    for (int d = lead_ - 1; d >= 0; --d) {
      p += index % sizes_[d] * strides_[d];
      index /= sizes_[d];
    }
    return p;
  }
  MatrixView<T> view(std::int64_t index) const { return {at(index), row_stride, column_stride}; }

  std::int64_t rows, columns, row_stride, column_stride;

 private:
  T* data_;
  int lead_;
  Shape sizes_, strides_;
};

/// Rows [first, first + rows) of a matrix: where they lie if dense rows lie close together, else copied to `room`.
template <class T>
MatrixView<T> dense_rows(const MatrixView<T>& x, std::int64_t first, std::int64_t rows, std::int64_t columns, T* room) {
  const T* from = x.data + first * x.row_stride;
  // Rows far apart share few places in the caches, and each has a page of its own.
  if (x.col_stride == 1 && x.row_stride <= 2 * columns && x.row_stride > 0) return {from, x.row_stride, 1};
  for (std::int64_t i = 0; i < rows; ++i, from += x.row_stride)
    if (x.col_stride == 1)
      std::memcpy(room + i * columns, from, static_cast<std::size_t>(columns) * sizeof(T));
    else
      for (std::int64_t j = 0; j < columns; ++j) room[i * columns + j] = from[j * x.col_stride];
  return {room, columns, 1};
}

/// to[j * query_block + i] = x(i, j), 0 for rows that are not there.
template <class T>
void transpose_rows(const MatrixView<T>& x, std::int64_t rows, std::int64_t columns, T* to) {
  simd::dispatch([&](auto) {
    SLOPE_INLINE_CALL gemm_tile::pack_sliver<query_block>(rows, columns, x.data, x.row_stride, x.col_stride, to);
  });
}

/// Memory that store_transposed works in.
inline std::int64_t transposed_room(std::int64_t columns) { return (columns + 15) / 16 * 16 * query_block; }

/// to(j, i) = x[i * query_block + j] for `rows` j and `columns` i: a transposed tile back into a matrix, whole rows at a time, since
/// they may lie far apart.
template <class T>
void store_transposed(const T* x, std::int64_t rows, std::int64_t columns, T* to, std::int64_t row_stride,
                      std::int64_t column_stride, T* room) {
  constexpr std::int64_t together = 16;
  for (std::int64_t i = 0; i < columns; i += together)
    simd::dispatch([&](auto) {
      SLOPE_INLINE_CALL gemm_tile::pack_sliver<together>(std::min(together, columns - i), rows, x + i * query_block,
                                                         query_block, std::int64_t{1}, room + i * query_block);
    });
  for (std::int64_t j = 0; j < rows; ++j) {
    T* const row = to + j * row_stride;
    for (std::int64_t i = 0; i < columns; i += together) {
      const T* const from = room + i * query_block + j * together;
      if (column_stride == 1 && i + together <= columns)
        std::memcpy(row + i, from, together * sizeof(T));
      else
        for (std::int64_t r = 0; r < std::min(together, columns - i); ++r) row[(i + r) * column_stride] = from[r];
    }
  }
}

/// A zero that makes a product 0, whatever it is multiplied by.
enum class Wins { no_zero, right_zero, any_zero };

/// C = alpha A B + beta C. It only matters which zeros win where factors are not finite, so a result is computed again by that
/// rule if it is not.
template <class T>
void multiply(Wins wins, std::int64_t m, std::int64_t n, std::int64_t k, T alpha, const MatrixView<T>& a,
              const MatrixView<T>& b, T beta, T* c, std::int64_t ldc) {
  if (wins == Wins::no_zero) return gemm<T>(m, n, k, alpha, a, b, beta, c, ldc);
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < n; ++j) {
      double sum = 0;
      for (std::int64_t p = 0; p < k; ++p) {
        const T x = a.data[i * a.row_stride + p * a.col_stride], y = b.data[p * b.row_stride + j * b.col_stride];
        if (y == T(0) || (wins == Wins::any_zero && x == T(0))) continue;
        sum += static_cast<double>(x) * static_cast<double>(y);
      }
      T& to = c[i * ldc + j];
      to = static_cast<T>(static_cast<double>(alpha) * sum) + (beta == T(0) ? T(0) : beta * to);
    }
}

/// Whether n numbers are finite.
template <class T>
bool all_finite(const T* x, std::int64_t n) {
  bool finite = true;
  simd::dispatch([&](auto target) {
    using V = typename decltype(target)::template Lanes<T>;
    auto good = typename V::mask_type(true);
    simd::each_vector<V>(n, [&](const auto& load, const auto&, int) { good = good & isfinite(load(x)); });
    finite = good.all();
  });
  return finite;
}

enum class Seen { none, some, all };

/// Which keys queries see, and what is added to their scores.
template <class T>
class AttentionMasks {
 public:
  AttentionMasks(const AttentionProblem& problem, std::int64_t queries, std::int64_t keys);
  bool any() const { return causal_ || masks_[0] || masks_[1]; }
  /// Whether queries [i, i + queries) may see key j or a later one.
  bool ends_before(std::int64_t i, std::int64_t queries, std::int64_t j) const { return causal_ && j >= i + queries; }
  /// For queries from i and keys from j on: where they see some, `bias` [keys, query_block] receives what is added, -∞ where
  /// the key is hidden.
  Seen tile(std::int64_t index, std::int64_t i, std::int64_t queries, std::int64_t j, std::int64_t keys, T* bias) const;

 private:
  template <class Element>
  void add(const MatrixView<Element>& mask, std::int64_t queries, std::int64_t keys, T* bias) const;

  const TensorImpl* masks_[2];
  bool causal_;
};

/// What dropout multiplies weights by, computed again wherever it is needed: 0 or 1/(1-p).
class AttentionDropout {
 public:
  AttentionDropout(double p, const PhiloxSpan& random, std::int64_t queries, std::int64_t keys)
      : random_(random),
        active_(p > 0),
        last_dropped_(static_cast<std::uint32_t>(std::max(0.0, std::ceil(p * 0x1p32) - 1))),
        scale_(p < 1 ? 1 / (1 - p) : 0),
        query_blocks_((queries + query_block - 1) / query_block),
        key_groups_((keys + keys_together - 1) / keys_together) {}
  bool active() const { return active_; }

  /// factors [keys, query_block] for the queries of a block and the keys from j on, a multiple of `keys_together`.
  template <class T>
  void tile(std::int64_t index, std::int64_t block, std::int64_t j, std::int64_t keys, T* factors) const {
    alignas(64) std::uint32_t words[tile_words];
    for (std::int64_t at = 0; at < keys; at += keys_together) {
      const std::int64_t group = (index * query_blocks_ + block) * key_groups_ + (j + at) / keys_together;
      philox_tile(random_, static_cast<std::uint64_t>(group) * tile_blocks, words);
      const std::int64_t n = std::min(keys_together, keys - at) * query_block;
      simd::dispatch([&](auto) {
        SLOPE_INLINE_CALL compare(words, n, last_dropped_, static_cast<T>(scale_), factors + at * query_block);
      });
    }
  }

  static constexpr std::int64_t keys_together = tile_words / query_block;

 private:
  template <class T>
  static void compare(const std::uint32_t* __restrict words, std::int64_t n, std::uint32_t last, T scale,
                      T* __restrict to) {
    for (std::int64_t i = 0; i < n; ++i) to[i] = words[i] > last ? scale : T(0);
  }

  PhiloxSpan random_;
  bool active_;
  std::uint32_t last_dropped_;  // the largest word that drops
  double scale_;
  std::int64_t query_blocks_, key_groups_;
};

/// The sizes of an attention and its parts.
template <class T>
struct AttentionParts {
  explicit AttentionParts(const AttentionProblem& p)
      : q(p.q),
        k(p.k),
        v(p.v),
        queries(q.rows),
        keys(k.rows),
        width(q.columns),
        value_width(v.columns),
        batch(1),
        query_blocks((queries + query_block - 1) / query_block),
        tile_keys(keys_per_tile(std::max(width, value_width))),
        scale(static_cast<T>(p.scale)),
        masks(p, queries, keys),
        dropout(p.dropout, p.random, queries, keys) {
    for (int d = 0; d + 2 < p.q.sizes.size(); ++d) batch *= p.q.sizes[d];
  }

  MatrixBatch<T> q, k, v;
  std::int64_t queries, keys, width, value_width, batch, query_blocks, tile_keys;
  T scale;
  AttentionMasks<T> masks;
  AttentionDropout dropout;
};

}  // namespace slope::detail
