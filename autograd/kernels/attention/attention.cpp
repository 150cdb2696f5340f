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

/// Scores to weights relative to the largest score so far; what was summed before is brought to that scale.
template <class Target, class T>
inline void weigh_tile(const Running<T>& x, int64_t keys, int64_t value_width) {
  using V = typename Target::template Lanes<T>;
  const T none = -std::numeric_limits<T>::infinity();
  for (int64_t c = 0; c < query_block; c += V::size) {
    const V before = V::load(x.largest + c);
    V top = before;
    for (int64_t j = 0; j < keys; ++j) {
      T* const at = x.scores + j * query_block + c;
      V s = V::load(at);
      if (x.bias) {
        const V b = V::load(x.bias + j * query_block + c);
        s = where(b == none, b, s + b);
        s.store(at);
      }
      top = maximum(top, s);
    }
    const V shift = where(top == none, V(0), top), factor = exp(before - shift);
    typename Target::template WideSum<T> sums;
    for (int64_t j = 0; j < keys; ++j) {
      T* const at = x.scores + j * query_block + c;
      const V e = exp(V::load(at) - shift);
      sums.add(e);
      (x.factors ? e * V::load(x.factors + j * query_block + c) : e).store(at);
    }
    double added[V::size];
    T scale[V::size];
    sums.store(added);
    factor.store(scale);
    for (int r = 0; r < V::size; ++r) x.sum[c + r] = x.sum[c + r] * static_cast<double>(scale[r]) + added[r];
    top.store(x.largest + c);
    for (int64_t e = 0; e < value_width; ++e) {
      T* const at = x.values + e * query_block + c;
      (V::load(at) * factor).store(at);
    }
  }
}

template <class T>
class Forward {
 public:
  Forward(const TensorImpl& out, const TensorImpl* stats, const AttentionProblem& p)
      : parts_(p),
        out_(out),
        stats_(stats ? stats->ptr<T>() : nullptr),
        wins_(parts_.masks.any() && !all_finite(p.v) ? Wins::right_zero : Wins::no_zero) {}

  void run() const {
    const AttentionParts<T>& p = parts_;
    parallel_for(p.batch * p.query_blocks, 1, [&](int64_t begin, int64_t end) {
      const memory::Scratch<T> room(query_block * (p.width + p.value_width + 3 * p.tile_keys + 2) +
                                    p.tile_keys * (p.width + p.value_width));
      const memory::Scratch<double> sums(query_block);
      for (int64_t task = begin; task < end; ++task)
        block(task / p.query_blocks, task % p.query_blocks, room.data(), sums.data());
    });
  }

 private:
  void block(int64_t index, int64_t number, T* room, double* sum) const {
    const AttentionParts<T>& p = parts_;
    const int64_t tile = query_block * p.tile_keys;
    T *const q = room, *const values = q + query_block * p.width, *const scores = values + query_block * p.value_width;
    T *const bias = scores + tile, *const factors = bias + tile, *const largest = factors + tile;
    T *const inverse = largest + query_block, *const k_room = inverse + query_block;
    T* const v_room = k_room + p.tile_keys * p.width;
    const int64_t i = number * query_block, queries = std::min(query_block, p.queries - i);
    const MatrixView<T> all_q = p.q.view(index), all_k = p.k.view(index), all_v = p.v.view(index);
    transpose_rows<T>({all_q.data + i * all_q.row_stride, all_q.row_stride, all_q.col_stride}, queries, p.width, q);
    std::fill_n(values, query_block * p.value_width, T(0));
    std::fill_n(largest, query_block, -std::numeric_limits<T>::infinity());
    std::fill_n(sum, query_block, 0.0);
    for (int64_t j = 0; j < p.keys; j += p.tile_keys) {
      if (p.masks.ends_before(i, queries, j)) break;
      const int64_t keys = std::min(p.tile_keys, p.keys - j);
      const Seen seen = p.masks.tile(index, i, queries, j, keys, bias);
      if (seen == Seen::none) continue;
      const MatrixView<T> k = dense_rows(all_k, j, keys, p.width, k_room);
      gemm<T>(keys, query_block, p.width, p.scale, k, {q, query_block, 1}, T(0), scores, query_block);
      if (p.dropout.active()) p.dropout.tile(index, number, j, keys, factors);
      const Running<T> running{
          scores, seen == Seen::all ? nullptr : bias, p.dropout.active() ? factors : nullptr, values, largest, sum};
      simd::dispatch(
          [&](auto target) { SLOPE_INLINE_CALL weigh_tile<decltype(target)>(running, keys, p.value_width); });
      const MatrixView<T> v = dense_rows(all_v, j, keys, p.value_width, v_room);
      multiply<T>(wins_, p.value_width, query_block, keys, T(1), v.transposed(), {scores, query_block, 1}, T(1), values,
                  query_block);
    }
    for (int64_t r = 0; r < query_block; ++r) inverse[r] = sum[r] == 0 ? T(0) : static_cast<T>(1 / sum[r]);
    T* const to = out_.at(index) + i * out_.row_stride;
    for (int64_t r = 0; r < queries; ++r)
      for (int64_t e = 0; e < p.value_width; ++e)
        to[r * out_.row_stride + e * out_.column_stride] = values[e * query_block + r] * inverse[r];
    if (!stats_) return;
    T* const stats = stats_ + index * 2 * p.queries + i;
    for (int64_t r = 0; r < queries; ++r) {
      // Without keys: anything finite, since the reciprocal is 0.
      stats[r] = largest[r] == -std::numeric_limits<T>::infinity() ? T(0) : largest[r];
      stats[p.queries + r] = inverse[r];
    }
  }

  AttentionParts<T> parts_;
  MatrixBatch<T> out_;
  T* stats_;
  Wins wins_;
};

}  // namespace

void attention_kernel(const TensorImpl& out, const TensorImpl* stats, const AttentionProblem& problem) {
  if (out.numel == 0 && (!stats || stats->numel == 0)) return;
  visit_floating(out.dtype, [&](auto tag) { Forward<typename decltype(tag)::type>(out, stats, problem).run(); });
}

}  // namespace slope
