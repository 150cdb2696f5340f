#include "slope/autograd/kernels/attention/blocks.h"

#include <type_traits>

namespace slope {

using std::int64_t;

namespace detail {

namespace {

template <class T>
constexpr T hidden = -std::numeric_limits<T>::infinity();

}  // namespace

template <class T>
AttentionMasks<T>::AttentionMasks(const AttentionProblem& problem, int64_t, int64_t)
    : masks_{problem.masks[0], problem.masks[1]}, causal_(problem.causal) {}

template <class T>
template <class Element>
void AttentionMasks<T>::add(const MatrixView<Element>& mask, int64_t queries, int64_t keys, T* bias) const {
  const auto value = [](Element x) {
    if constexpr (std::is_same_v<Element, bool>)
      return x ? T(0) : hidden<T>;
    else
      return x;
  };
  // What hides wins, also over NaN and ∞.
  const auto both = [](T a, T b) { return a == hidden<T> || b == hidden<T> ? hidden<T> : a + b; };
  for (int64_t j = 0; j < keys; ++j) {
    T* const row = bias + j * query_block;
    const Element* const from = mask.data + j * mask.col_stride;
    if (mask.row_stride == 0) {
      const T same = value(*from);
      if (same != T(0))
        for (int64_t i = 0; i < queries; ++i) row[i] = both(row[i], same);
    } else {
      for (int64_t i = 0; i < queries; ++i) row[i] = both(row[i], value(from[i * mask.row_stride]));
    }
  }
}

template <class T>
Seen AttentionMasks<T>::tile(int64_t index, int64_t i, int64_t queries, int64_t j, int64_t keys, T* bias) const {
  if (ends_before(i, queries, j)) return Seen::none;
  const bool diagonal = causal_ && j + keys - 1 > i;
  if (!masks_[0] && !masks_[1] && !diagonal) return Seen::all;
  std::fill_n(bias, keys * query_block, T(0));
  for (const TensorImpl* mask : masks_) {
    if (!mask) continue;
    const auto add_from = [&]<class Element>(const MatrixBatch<Element>& batch) {
      const MatrixView<Element> all = batch.view(index);
      add<Element>({all.data + i * all.row_stride + j * all.col_stride, all.row_stride, all.col_stride}, queries, keys,
                   bias);
    };
    if (mask->dtype == DType::boolean)
      add_from(MatrixBatch<bool>(*mask));
    else
      add_from(MatrixBatch<T>(*mask));
  }
  if (diagonal)
    for (int64_t key = std::max<int64_t>(0, i - j + 1); key < keys; ++key)
      std::fill_n(bias + key * query_block, std::min(j + key - i, queries), hidden<T>);
  bool seen = false, plain = true;
  for (int64_t key = 0; key < keys; ++key)
    for (int64_t r = 0; r < queries; ++r) {
      seen |= bias[key * query_block + r] != hidden<T>;
      plain &= bias[key * query_block + r] == T(0);
    }
  return !seen ? Seen::none : plain ? Seen::all : Seen::some;
}

template class AttentionMasks<float>;
template class AttentionMasks<double>;

}  // namespace detail

std::uint64_t attention_random_blocks(int64_t batch, int64_t queries, int64_t keys) {
  const int64_t together = detail::AttentionDropout::keys_together;
  const int64_t groups = (queries + detail::query_block - 1) / detail::query_block * ((keys + together - 1) / together);
  return static_cast<std::uint64_t>(batch) * static_cast<std::uint64_t>(groups) * detail::tile_blocks;
}

void attention_dropout_kernel(const TensorImpl& factors, double p, const PhiloxSpan& random) {
  const int dims = factors.sizes.size();
  const int64_t queries = factors.sizes[dims - 2], keys = factors.sizes[dims - 1];
  if (factors.numel == 0) return;
  const detail::AttentionDropout dropout(p, random, queries, keys);
  const int64_t blocks = (queries + detail::query_block - 1) / detail::query_block;
  visit_floating(factors.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    parallel_for(factors.numel / (queries * keys) * blocks, 1, [&](int64_t begin, int64_t end) {
      constexpr int64_t together = detail::AttentionDropout::keys_together;
      T tile[together * detail::query_block];
      for (int64_t task = begin; task < end; ++task) {
        const int64_t first = task % blocks * detail::query_block,
                      rows = std::min(detail::query_block, queries - first);
        T* const to = factors.ptr<T>() + (task / blocks * queries + first) * keys;
        for (int64_t j = 0; j < keys; j += together) {
          const int64_t here = std::min(together, keys - j);
          dropout.tile(task / blocks, task % blocks, j, here, tile);
          for (int64_t i = 0; i < rows; ++i)
            for (int64_t key = 0; key < here; ++key) to[i * keys + j + key] = tile[key * detail::query_block + i];
        }
      }
    });
  });
}

}  // namespace slope
