#include "slope/autograd/kernels/attention/attention.h"

#include "slope/autograd/core/internal/scratch.h"
#include "slope/autograd/core/parallel.h"
#include "slope/autograd/kernels/attention/blocks.h"
#include "slope/autograd/kernels/simd/internal/inline_call.h"
#include "slope/autograd/kernels/simd/lanes.h"

namespace slope {

namespace {

using std::int64_t;
using namespace detail;

/// A block of queries on its way over the keys; each lane is a query.
template <class T>
struct Running {
  T* scores;    // [keys of the tile, query_block]: scores, then weights
  T* bias;      // the same, or null where all keys are seen
  T* factors;   // of dropout, or null
  T* values;    // [value_width, query_block]: Σ weight·value so far
  T* largest;   // [query_block]: score so far
  double* sum;  // [query_block]: of exponentials so far
};

/// Scores to weights relative to the largest score so far; what was summed before is brought to that scale. For the queries of
/// sizeof...(C) vectors, from `at` on, side by side, so that none waits for another.
template <class Target, class T, std::size_t... C>
inline void weigh_columns(std::index_sequence<C...>, const Running<T>& x, int64_t at, int64_t keys,
                          int64_t value_width) {
  using V = typename Target::template Lanes<T>;
  constexpr auto column = [](std::size_t c) { return static_cast<int64_t>(c) * V::size; };
  const T none = -std::numeric_limits<T>::infinity();
  V tops[] = {V::load(x.largest + at + column(C))...};
  T* const scores = x.scores + at;
  if (x.bias) {
    const T* const bias = x.bias + at;
    const auto add = [&](int64_t i, V& top) {
      const V b = V::load(bias + i);
      const V s = where(b == none, b, V::load(scores + i) + b);
      s.store(scores + i);
      top = maximum(top, s);
    };
    for (int64_t j = 0; j < keys; ++j) (add(j * query_block + column(C), tops[C]), ...);
  } else {
    for (int64_t j = 0; j < keys; ++j)
      ((tops[C] = maximum(tops[C], V::load(scores + j * query_block + column(C)))), ...);
  }
  const V shifts[] = {where(tops[C] == none, V(0), tops[C])...};
  const V factors[] = {exp(V::load(x.largest + at + column(C)) - shifts[C])...};
  typename Target::template WideSum<T> sums[sizeof...(C)];
  const T* const dropped = x.factors ? x.factors + at : nullptr;
  const auto weigh = [&](int64_t i, const V& shift, auto& sum) {
    const V e = exp(V::load(scores + i) - shift);
    sum.add(e);
    (dropped ? e * V::load(dropped + i) : e).store(scores + i);
  };
  for (int64_t j = 0; j < keys; ++j) (weigh(j * query_block + column(C), shifts[C], sums[C]), ...);
  double added[V::size];
  T scale[V::size];
  const auto finish = [&](int64_t c, const V& top, const V& factor, const auto& sum) {
    sum.store(added);
    factor.store(scale);
    for (int r = 0; r < V::size; ++r) x.sum[c + r] = x.sum[c + r] * static_cast<double>(scale[r]) + added[r];
    top.store(x.largest + c);
  };
  (finish(at + column(C), tops[C], factors[C], sums[C]), ...);
  T* const values = x.values + at;
  for (int64_t e = 0; e < value_width; ++e)
    (((V::load(values + e * query_block + column(C)) * factors[C]).store(values + e * query_block + column(C))), ...);
}

template <class Target, class T>
inline void weigh_tile(const Running<T>& x, int64_t keys, int64_t value_width) {
  constexpr std::size_t together = 4;
  constexpr int64_t step = together * Target::template Lanes<T>::size;
  static_assert(query_block % step == 0);
  for (int64_t at = 0; at < query_block; at += step)
    SLOPE_INLINE_CALL weigh_columns<Target>(std::make_index_sequence<together>(), x, at, keys, value_width);
}

template <class T>
class Forward {
 public:
  Forward(const TensorImpl& out, const TensorImpl* stats, const AttentionProblem& p)
      : parts_(p), out_(out), stats_(stats ? stats->ptr<T>() : nullptr) {}

  void run() const {
    const AttentionParts<T>& p = parts_;
    const int64_t grain = tasks_per_thread(query_block, p.keys, p.width + p.value_width);
    parallel_for(p.batch * p.query_blocks, grain, [&](int64_t begin, int64_t end) {
      const memory::Scratch<T> room(query_block * (p.width + p.value_width + 3 * p.tile_keys + 2) +
                                    transposed_room(p.value_width) + p.tile_keys * (p.width + p.value_width));
      const memory::Scratch<double> sums(query_block);
      int64_t laid_out = -1;
      for (int64_t task = begin; task < end; ++task) {
        Block b = make_block(task / p.query_blocks, task % p.query_blocks, room.data(), sums.data());
        b.laid_out = &laid_out;
        sum_up(b, Wins::no_zero);
        // What is hidden has weight 0 and must not show, even if it is not finite.
        if (p.masks.any() && !all_finite(b.values, query_block * p.value_width)) sum_up(b, Wins::right_zero);
        write(b);
      }
    });
  }

 private:
  /// A block of queries and the memory to work on it.
  struct Block {
    int64_t index, number, first, queries;
    T *q, *values, *scores, *bias, *factors, *largest, *inverse, *out_room, *k_room, *v_room;
    double* sum;
    int64_t* laid_out;  // whose keys and values lie in k_room and v_room, if they are one tile
  };

  Block make_block(int64_t index, int64_t number, T* room, double* sum) const {
    const AttentionParts<T>& p = parts_;
    const auto take = [&room](int64_t n) {
      T* const here = room;
      room += n;
      return here;
    };
    Block b{};
    b.index = index, b.number = number, b.first = number * query_block, b.sum = sum;
    b.queries = std::min(query_block, p.queries - b.first);
    b.q = take(query_block * p.width), b.values = take(query_block * p.value_width);
    for (T** tile : {&b.scores, &b.bias, &b.factors}) *tile = take(query_block * p.tile_keys);
    b.largest = take(query_block), b.inverse = take(query_block), b.out_room = take(transposed_room(p.value_width));
    b.k_room = take(p.tile_keys * p.width), b.v_room = take(p.tile_keys * p.value_width);
    const MatrixView<T> q = p.q.view(index);
    transpose_rows<T>({q.data + b.first * q.row_stride, q.row_stride, q.col_stride}, b.queries, p.width, b.q);
    return b;
  }

  /// Σ weight·value and Σ weight, relative to the largest score.
  void sum_up(const Block& b, Wins wins) const {
    const AttentionParts<T>& p = parts_;
    const MatrixView<T> all_k = p.k.view(b.index), all_v = p.v.view(b.index);
    std::fill_n(b.values, query_block * p.value_width, T(0));
    std::fill_n(b.largest, query_block, -std::numeric_limits<T>::infinity());
    std::fill_n(b.sum, query_block, 0.0);
    for (int64_t j = 0; j < p.keys; j += p.tile_keys) {
      if (p.masks.ends_before(b.first, b.queries, j)) break;
      const int64_t keys = std::min(p.tile_keys, p.keys - j);
      const Seen seen = p.masks.tile(b.index, b.first, b.queries, j, keys, b.bias);
      if (seen == Seen::none) continue;
      const bool there = p.keys <= p.tile_keys && *b.laid_out == b.index;
      *b.laid_out = b.index;
      const MatrixView<T> k = dense_rows(all_k, j, there ? 0 : keys, p.width, b.k_room);
      gemm<T>(keys, query_block, p.width, p.scale, k, {b.q, query_block, 1}, T(0), b.scores, query_block);
      if (p.dropout.active()) p.dropout.tile(b.index, b.number, j, keys, b.factors);
      const Running<T> running{
          b.scores, seen == Seen::all ? nullptr : b.bias, p.dropout.active() ? b.factors : nullptr, b.values, b.largest,
          b.sum};
      simd::dispatch(
          [&](auto target) { SLOPE_INLINE_CALL weigh_tile<decltype(target)>(running, keys, p.value_width); });
      const MatrixView<T> v = dense_rows(all_v, j, there ? 0 : keys, p.value_width, b.v_room);
      multiply<T>(wins, p.value_width, query_block, keys, T(1), v.transposed(), {b.scores, query_block, 1}, T(1),
                  b.values, query_block);
    }
  }

  void write(const Block& b) const {
    const AttentionParts<T>& p = parts_;
    for (int64_t r = 0; r < query_block; ++r) b.inverse[r] = b.sum[r] == 0 ? T(0) : static_cast<T>(1 / b.sum[r]);
    for (int64_t e = 0; e < p.value_width; ++e)
      for (int64_t r = 0; r < query_block; ++r) b.values[e * query_block + r] *= b.inverse[r];
    store_transposed(b.values, b.queries, p.value_width, out_.at(b.index) + b.first * out_.row_stride, out_.row_stride,
                     out_.column_stride, b.out_room);
    if (!stats_) return;
    T* const stats = stats_ + b.index * 2 * p.queries + b.first;
    for (int64_t r = 0; r < b.queries; ++r) {
      // Without keys: anything finite, since the reciprocal is 0.
      stats[r] = b.largest[r] == -std::numeric_limits<T>::infinity() ? T(0) : b.largest[r];
      stats[p.queries + r] = b.inverse[r];
    }
  }

  AttentionParts<T> parts_;
  MatrixBatch<T> out_;
  T* stats_;
};

}  // namespace

void attention_kernel(const TensorImpl& out, const TensorImpl* stats, const AttentionProblem& problem) {
  if (out.numel == 0 && (!stats || stats->numel == 0)) return;
  visit_floating(out.dtype, [&](auto tag) { Forward<typename decltype(tag)::type>(out, stats, problem).run(); });
}

}  // namespace slope
