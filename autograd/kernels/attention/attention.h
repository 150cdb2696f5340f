#pragma once

#include <cstdint>

#include "slope/autograd/core/philox.h"
#include "slope/autograd/tensor/tensor_impl.h"

/// softmax(scale·q·kᵀ + masks)·v in blocks: the matrix of weights is never stored, so memory grows with the number of
/// queries and keys, not with their product (Dao et al., FlashAttention, 2022; the running softmax is Milakov and
/// Gimelshein's, 2018).
///
/// Everything is computed transposed, queries side by side in the lanes: the softmax then needs no reduction over lanes, and
/// all products find their right factor with dense rows, as kernels/gemm reads it without packing.
namespace slope {

/// One attention. All tensors are views of any strides with the same leading sizes, the batch.
struct AttentionProblem {
  const TensorImpl& q;  // [..., L, E]
  const TensorImpl& k;  // [..., S, E]
  const TensorImpl& v;  // [..., S, V]
  /// Null or [..., L, S]: bool (true takes part) or of q's dtype (added).
  const TensorImpl* masks[2] = {nullptr, nullptr};
  /// Whether query i sees keys 0 to i only.
  bool causal = false;
  double scale = 1;
  /// The probability with which a weight is dropped, and the numbers that decide.
  double dropout = 0;
  PhiloxSpan random{};
};

/// Blocks of random numbers that dropout reads.
std::uint64_t attention_random_blocks(std::int64_t batch, std::int64_t queries, std::int64_t keys);

/// out [..., L, V], of any strides. A query without keys gives 0. `stats` is null or dense [batch, 2, L] and receives what
/// backward needs of each query: the largest score and the reciprocal of the sum of exponentials.
void attention_kernel(const TensorImpl& out, const TensorImpl* stats, const AttentionProblem& problem);

/// The gradients, where they are not null, of any strides. `g` and `out` are [..., L, V].
void attention_backward_kernel(const TensorImpl* dq, const TensorImpl* dk, const TensorImpl* dv, const TensorImpl& g,
                               const TensorImpl& out, const TensorImpl& stats, const AttentionProblem& problem);

/// What dropout multiplies the weights by: dense [..., L, S].
void attention_dropout_kernel(const TensorImpl& factors, double p, const PhiloxSpan& random);

}  // namespace slope
