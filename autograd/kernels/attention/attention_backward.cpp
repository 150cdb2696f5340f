#include <optional>

#include "slope/autograd/core/internal/scratch.h"
#include "slope/autograd/core/parallel.h"
#include "slope/autograd/kernels/attention/attention.h"
#include "slope/autograd/kernels/attention/blocks.h"
#include "slope/autograd/kernels/simd/internal/inline_call.h"
#include "slope/autograd/kernels/simd/lanes.h"

namespace slope {

namespace {

using std::int64_t;
using namespace detail;

/// A tile in backward; each lane is a query.
template <class T>
struct GradientTile {
  T* scores;         // becomes the weights as the values were multiplied by them
  T* slopes;         // ∂/∂weight before dropout, becomes ∂/∂score·scale
  const T* bias;     // or null where all keys are seen
  const T* factors;  // of dropout, or null
  const T* largest;  // [query_block]
  const T* inverse;  // [query_block]
  const T* mean;     // [query_block]: Σ weight·∂/∂weight
  T scale;
};

template <class Target, class T>
inline void differentiate_tile(const GradientTile<T>& x, int64_t keys) {
  using V = typename Target::template Lanes<T>;
  const T none = -std::numeric_limits<T>::infinity();
  for (int64_t j = 0; j < keys; ++j)
    for (int64_t c = 0; c < query_block; c += V::size) {
      const int64_t at = j * query_block + c;
      V s = V::load(x.scores + at);
      if (x.bias) {
        const V b = V::load(x.bias + at);
        s = where(b == none, b, s + b);
      }
      const V weight = exp(s - V::load(x.largest + c)) * V::load(x.inverse + c);
      V slope = V::load(x.slopes + at), kept = weight;
      if (x.factors) {
        const V factor = V::load(x.factors + at);
        kept = weight * factor;
        slope = slope * factor;
      }
      const V from_mean = slope - V::load(x.mean + c);
      kept.store(x.scores + at);
      where((weight == 0) | (from_mean == 0), V(0), weight * from_mean * V(x.scale)).store(x.slopes + at);
    }
}

/// mean = Σ g·out for each query, of transposed tiles; an upward gradient of 0 counts 0.
template <class Target, class T>
inline void mean_slopes(const T* g, const T* out, int64_t width, T* mean) {
  using V = typename Target::template Lanes<T>;
  double sums[V::size];
  for (int64_t c = 0; c < query_block; c += V::size) {
    typename Target::template WideSum<T> sum;
    for (int64_t e = 0; e < width; ++e) {
      const V up = V::load(g + e * query_block + c);
      sum.add_product(up, where(up == 0, V(0), V::load(out + e * query_block + c)));
    }
    sum.store(sums);
    for (int r = 0; r < V::size; ++r) mean[c + r] = static_cast<T>(sums[r]);
  }
}

template <class T>
class Backward {
 public:
  Backward(const TensorImpl* dq, const TensorImpl* dk, const TensorImpl* dv, const TensorImpl& g, const TensorImpl& out,
           const TensorImpl& stats, const AttentionProblem& p)
      : parts_(p), dq_(target(dq)), dk_(target(dk)), dv_(target(dv)), g_(g), out_(out), stats_(stats.ptr<T>()) {
    // Enough parts for the threads of most machines, by the sizes alone; each keeps a gradient of all queries.
    constexpr int64_t enough = 16;
    const int64_t tiles = std::max<int64_t>(1, (parts_.keys + parts_.tile_keys - 1) / parts_.tile_keys);
    const int64_t wanted = std::min(tiles, enough / std::clamp<int64_t>(parts_.batch, 1, enough));
    part_keys_ = (tiles + wanted - 1) / wanted * parts_.tile_keys;
    key_parts_ = (std::max<int64_t>(1, parts_.keys) + part_keys_ - 1) / part_keys_;
  }

  void run() const {
    const AttentionParts<T>& p = parts_;
    const int64_t of_queries = p.queries * p.width;
    const memory::Scratch<T> shared(dq_ && key_parts_ > 1 ? p.batch * key_parts_ * of_queries : 0);
    const int64_t grain = tasks_per_thread(p.queries, std::min(part_keys_, p.keys), 3 * p.width + 2 * p.value_width);
    parallel_for(p.batch * key_parts_, grain, [&](int64_t begin, int64_t end) {
      const int64_t of_keys = std::min(part_keys_, p.keys);
      const memory::Scratch<T> room(query_block * (2 * p.width + 3 * p.value_width) + 4 * query_block * p.tile_keys +
                                    3 * query_block + 2 * of_keys * (p.width + p.value_width) +
                                    (key_parts_ == 1 ? of_queries : 0));
      for (int64_t task = begin; task < end; ++task) {
        T* own = room.data();
        T* dq = nullptr;
        if (dq_ && key_parts_ > 1) dq = shared.data() + task * of_queries;
        if (dq_ && key_parts_ == 1) dq = own, own += of_queries;
        if (!part(task / key_parts_, task % key_parts_ * part_keys_, Wins::no_zero, dq, own))
          part(task / key_parts_, task % key_parts_ * part_keys_, Wins::any_zero, dq, own);
        if (dq_ && key_parts_ == 1) write(*dq_, task, 0, p.queries, dq);
      }
    });
    if (dq_ && key_parts_ > 1) add_up(shared.data());
  }

 private:
  /// A gradient that may not be wanted.
  using Target = std::optional<MatrixBatch<T>>;
  static Target target(const TensorImpl* t) { return t ? Target(*t) : Target(); }

  static void write(const MatrixBatch<T>& to, int64_t index, int64_t first, int64_t rows, const T* from) {
    T* const at = to.at(index) + first * to.row_stride;
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t e = 0; e < to.columns; ++e) at[i * to.row_stride + e * to.column_stride] = from[i * to.columns + e];
  }

  /// The sum over the parts of the keys, in their order.
  void add_up(T* parts) const {
    const AttentionParts<T>& p = parts_;
    parallel_for(p.batch * p.query_blocks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; ++task) {
        const int64_t index = task / p.query_blocks, i = task % p.query_blocks * query_block;
        const int64_t rows = std::min(query_block, p.queries - i), n = rows * p.width;
        T* const sum = parts + index * key_parts_ * p.queries * p.width + i * p.width;
        for (int64_t part = 1; part < key_parts_; ++part) {
          const T* const x = sum + part * p.queries * p.width;
          for (int64_t e = 0; e < n; ++e) sum[e] += x[e];
        }
        write(*dq_, index, i, rows, sum);
      }
    });
  }

  /// What the keys from `first` on contribute. False if that is not finite: then zeros have to be told from what they hide.
  bool part(int64_t index, int64_t first, Wins wins, T* dq, T* room) const {
    const AttentionParts<T>& p = parts_;
    const int64_t keys = std::min(part_keys_, p.keys - first), tile = query_block * p.tile_keys;
    const auto take = [&room](int64_t n) {
      T* const here = room;
      room += n;
      return here;
    };
    T *const q_across = take(query_block * p.width), *const g_across = take(query_block * p.value_width);
    T* const out_across = take(query_block * p.value_width);
    T *const q_room = take(query_block * p.width), *const g_room = take(query_block * p.value_width);
    T *const scores = take(tile), *const slopes = take(tile), *const bias = take(tile), *const factors = take(tile);
    T *const largest = take(query_block), *const inverse = take(query_block), *const mean = take(query_block);
    T *const dk = take(keys * p.width), *const dv = take(keys * p.value_width);
    T *const k_room = take(keys * p.width), *const v_room = take(keys * p.value_width);
    const MatrixView<T> all_q = p.q.view(index), all_g = g_.view(index);
    const MatrixView<T> k = dense_rows(p.k.view(index), first, keys, p.width, k_room);
    const MatrixView<T> v = dense_rows(p.v.view(index), first, keys, p.value_width, v_room);
    if (dq) std::fill_n(dq, p.queries * p.width, T(0));
    std::fill_n(dk, keys * p.width, T(0));
    std::fill_n(dv, keys * p.value_width, T(0));
    for (int64_t number = 0; number < p.query_blocks; ++number) {
      const int64_t i = number * query_block, queries = std::min(query_block, p.queries - i);
      if (p.masks.ends_before(i, queries, first)) continue;
      const MatrixView<T> q = dense_rows(all_q, i, queries, p.width, q_room);
      const MatrixView<T> g = dense_rows(all_g, i, queries, p.value_width, g_room);
      transpose_rows(q, queries, p.width, q_across);
      transpose_rows(g, queries, p.value_width, g_across);
      load_statistics(index, i, queries, g_across, out_across, largest, inverse, mean);
      for (int64_t j = 0; j < keys; j += p.tile_keys) {
        if (p.masks.ends_before(i, queries, first + j)) break;
        const int64_t n = std::min(p.tile_keys, keys - j);
        const Seen seen = p.masks.tile(index, i, queries, first + j, n, bias);
        if (seen == Seen::none) continue;
        const MatrixView<T> k_tile{k.data + j * k.row_stride, k.row_stride, 1};
        const MatrixView<T> v_tile{v.data + j * v.row_stride, v.row_stride, 1};
        const MatrixView<T> weights{scores, query_block, 1}, ds{slopes, query_block, 1};
        gemm<T>(n, query_block, p.width, p.scale, k_tile, {q_across, query_block, 1}, T(0), scores, query_block);
        multiply<T>(wins, n, query_block, p.value_width, T(1), v_tile, {g_across, query_block, 1}, T(0), slopes,
                    query_block);
        if (p.dropout.active()) p.dropout.tile(index, number, first + j, n, factors);
        const GradientTile<T> at{scores,
                                 slopes,
                                 seen == Seen::all ? nullptr : bias,
                                 p.dropout.active() ? factors : nullptr,
                                 largest,
                                 inverse,
                                 mean,
                                 p.scale};
        simd::dispatch([&](auto target) { SLOPE_INLINE_CALL differentiate_tile<decltype(target)>(at, n); });
        if (dv_)
          multiply<T>(wins, n, p.value_width, queries, T(1), weights, g, T(1), dv + j * p.value_width, p.value_width);
        if (dk_) multiply<T>(wins, n, p.width, queries, T(1), ds, q, T(1), dk + j * p.width, p.width);
        if (dq) multiply<T>(wins, queries, p.width, n, T(1), ds.transposed(), k_tile, T(1), dq + i * p.width, p.width);
      }
    }
    if (wins == Wins::no_zero && !((!dq || all_finite(dq, p.queries * p.width)) && all_finite(dk, keys * p.width) &&
                                   all_finite(dv, keys * p.value_width)))
      return false;
    if (dk_) write(*dk_, index, first, keys, dk);
    if (dv_) write(*dv_, index, first, keys, dv);
    return true;
  }

  void load_statistics(int64_t index, int64_t i, int64_t queries, const T* g_across, T* out_across, T* largest,
                       T* inverse, T* mean) const {
    const AttentionParts<T>& p = parts_;
    const T* const stats = stats_ + index * 2 * p.queries + i;
    for (int64_t r = 0; r < query_block; ++r) {
      largest[r] = r < queries ? stats[r] : T(0);
      inverse[r] = r < queries ? stats[p.queries + r] : T(0);
    }
    const MatrixView<T> out = out_.view(index);
    transpose_rows<T>({out.data + i * out.row_stride, out.row_stride, out.col_stride}, queries, p.value_width,
                      out_across);
    simd::dispatch([&](auto target) {
      SLOPE_INLINE_CALL mean_slopes<decltype(target)>(g_across, out_across, p.value_width, mean);
    });
  }

  AttentionParts<T> parts_;
  Target dq_, dk_, dv_;
  MatrixBatch<T> g_, out_;
  const T* stats_;
  int64_t part_keys_, key_parts_;
};

}  // namespace

void attention_backward_kernel(const TensorImpl* dq, const TensorImpl* dk, const TensorImpl* dv, const TensorImpl& g,
                               const TensorImpl& out, const TensorImpl& stats, const AttentionProblem& problem) {
  if (problem.q.numel == 0 && problem.k.numel == 0 && problem.v.numel == 0) return;
  visit_floating(g.dtype,
                 [&](auto tag) { Backward<typename decltype(tag)::type>(dq, dk, dv, g, out, stats, problem).run(); });
}

}  // namespace slope
