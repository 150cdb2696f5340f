#pragma once

#include <cstdint>
#include <optional>

#include "slope/nn/module.h"

namespace slope::nn {

struct ScaledDotProductAttentionOptions {
  /// bool (true takes part) or of the query's dtype (added to the scores); broadcasts to (..., L, S).
  Tensor attn_mask{};
  /// The probability with which a weight is dropped; what is left is divided by 1-p.
  double dropout_p = 0;
  /// Whether query i sees keys 0 to i only. Excludes attn_mask.
  bool is_causal = false;
  /// 1/√E without one.
  std::optional<double> scale{};
  /// Whether key and value may have fewer heads (dimension -3), each of which then serves as many neighbouring heads of the query.
  bool enable_gqa = false;
};

namespace functional {

/// softmax(scale·q·kᵀ + mask)·v (Vaswani et al. 2017), one row of weights for each query.
///
/// Shapes: query (..., L, E), key (..., S, E), value (..., S, V), leading sizes and masks broadcast; result (..., L, V). A query
/// without keys gives 0 and has gradient 0, where PyTorch gives NaN; hidden keys contribute 0 whatever they hold.
///
/// The weights are never stored: forward and backward work on blocks (Dao et al. 2022), so memory grows with L + S. Only
/// derivatives of derivatives, and a mask that requires grad, store L·S numbers. Differentiable to any order in query, key,
/// value and a floating mask. Throws ShapeError for sizes that do not fit, DTypeError unless all have one floating dtype,
/// ValueError for a mask beside is_causal and unless 0 <= dropout_p <= 1.
///
///     Tensor y = F::scaled_dot_product_attention(q, k, v, {.is_causal = true});
Tensor scaled_dot_product_attention(In query, const Tensor& key, const Tensor& value,
                                    const ScaledDotProductAttentionOptions& options = {});

}  // namespace functional

}  // namespace slope::nn
