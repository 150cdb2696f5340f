#pragma once

#include <utility>

#include "slope/autograd/tensor/tensor.h"

namespace slope::nn::detail {

/// What an attention does besides its tensors. Masks are undefined, or bool (true takes part), or of the tensors' dtype.
struct AttentionRule {
  Tensor masks[2];  // broadcast to [..., L, S]
  bool causal = false;
  double scale = 1;
  double dropout = 0;
};

/// The attention of q [..., L, E], k [..., S, E] and v [..., S, V] with the same leading sizes.
Tensor attend(SourceLoc loc, const Tensor& q, const Tensor& k, const Tensor& v, const AttentionRule& rule);
/// And its weights [..., L, S], after dropout, which takes as much memory as they do.
std::pair<Tensor, Tensor> attend_with_weights(SourceLoc loc, const Tensor& q, const Tensor& k, const Tensor& v,
                                              const AttentionRule& rule);

/// Throws ValueError unless 0 <= p <= 1.
void require_dropout_probability(const char* op, double p, SourceLoc loc);

}  // namespace slope::nn::detail
