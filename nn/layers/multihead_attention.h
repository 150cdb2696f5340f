#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "slope/nn/layers/linear.h"
#include "slope/nn/module.h"

namespace slope::nn {

/// What a call of MultiheadAttention takes besides query, key and value.
struct MultiheadAttentionCall {
  /// (N, S), or (S) unbatched: bool (true is ignored), or floating and added to the scores.
  Tensor key_padding_mask{};
  /// Whether the weights are returned, too, which stores L·S numbers a head; without, memory grows with L + S.
  bool need_weights = true;
  /// (L, S) or (N·heads, L, S): bool (true is hidden), or floating and added to the scores.
  Tensor attn_mask{};
  /// Whether the weights returned are the mean over the heads.
  bool average_attn_weights = true;
  /// That attn_mask is causal. A hint that changes nothing; without a mask it throws.
  bool is_causal = false;
};

struct MultiheadAttentionOptions {
  /// Of the weights, in training.
  double dropout = 0;
  /// Of all four projections.
  bool bias = true;
  /// Whether a learned key and value stand behind all others.
  bool add_bias_kv = false;
  /// Whether a key and value of zeros stand behind all others.
  bool add_zero_attn = false;
  /// Features of key and value, embed_dim without.
  std::optional<std::int64_t> kdim{}, vdim{};
  /// (N, L, E) instead of (L, N, E).
  bool batch_first = false;
};

namespace functional {

/// What multi_head_attention_forward takes besides query, key and value: the parameters of a MultiheadAttention, and its options.
struct MultiHeadAttentionForwardOptions {
  /// Rows for query, key and value, (3E, E). Undefined where the three below take its place.
  Tensor in_proj_weight{};
  /// (3E), may be undefined.
  Tensor in_proj_bias{};
  /// (1, 1, E), both or none.
  Tensor bias_k{}, bias_v{};
  bool add_zero_attn = false;
  /// Applied whatever the mode: a module passes 0 in evaluation.
  double dropout_p = 0;
  /// (E, E).
  Tensor out_proj_weight{};
  /// (E), may be undefined.
  Tensor out_proj_bias{};
  /// (E, E), (E, kdim), (E, vdim).
  Tensor q_proj_weight{}, k_proj_weight{}, v_proj_weight{};
  bool batch_first = false;
  /// What a call of the module takes.
  MultiheadAttentionCall call{};
};

/// nn::MultiheadAttention as a function: the result and the weights, which are undefined unless `call.need_weights`.
///
///     auto [y, weights] = F::multi_head_attention_forward(x, x, x, 4, {.in_proj_weight = w, .out_proj_weight = o});
std::pair<Tensor, Tensor> multi_head_attention_forward(In query, const Tensor& key, const Tensor& value,
                                                       std::int64_t num_heads,
                                                       const MultiHeadAttentionForwardOptions& options);

}  // namespace functional

/// Attention of several heads side by side (Vaswani et al. 2017): query, key and value are projected to E features, each slice
/// of E/heads of them is an attention with scale 1/√(E/heads), and their results, side by side, are projected once more.
///
/// Shapes: query (L, N, E), key (S, N, kdim), value (S, N, vdim) -> (L, N, E) and weights (N, L, S), not averaged (N, heads, L, S);
/// (N, L, E) with batch_first; without N for a single one. S counts the key of add_bias_kv and that of add_zero_attn. A query
/// without keys gets weights 0, where PyTorch gives NaN.
///
/// Parameters: in_proj_weight (3E, E), with other kdim or vdim q_proj_weight, k_proj_weight and v_proj_weight instead (xavier
/// uniform); in_proj_bias (3E) and out_proj.bias (0); bias_k, bias_v (1, 1, E) (xavier normal); out_proj.weight (E, E) as
/// Linear. Throws ValueError unless embed_dim is a positive multiple of num_heads, ShapeError for inputs or masks that do not
/// fit.
///
///     nn::MultiheadAttention attention(64, 4, {.batch_first = true});
///     auto [y, weights] = attention(x, x, x);
///     Tensor z = attention(x, memory, memory, {.key_padding_mask = padding, .need_weights = false}).first;
class MultiheadAttention : public Module {
 public:
  MultiheadAttention() = delete;  // name it: nn::MultiheadAttention a = add("a", nn::MultiheadAttention(64, 4));
  MultiheadAttention(std::int64_t embed_dim, std::int64_t num_heads, MultiheadAttentionOptions options = {},
                     SourceLoc loc = SourceLoc::here());
  using Module::forward;
  /// Result and weights; without need_weights the latter are undefined.
  std::pair<Tensor, Tensor> forward(const Tensor& query, const Tensor& key, const Tensor& value,
                                    const MultiheadAttentionCall& call = {});
  /// forward, with hooks.
  std::pair<Tensor, Tensor> operator()(In query, const Tensor& key, const Tensor& value,
                                       const MultiheadAttentionCall& call = {}) {
    return run(query, [&](const Tensor& q) { return forward(q, key, value, call); });
  }
  std::string extra_repr() const override;
  /// Those of attention to itself.
  std::int64_t macs(const Shape& output_shape) const override;

  /// Undefined where key or value have other sizes.
  Parameter in_proj_weight;
  /// Undefined where in_proj_weight is not.
  Parameter q_proj_weight, k_proj_weight, v_proj_weight;
  /// Undefined without bias.
  Parameter in_proj_bias;
  /// Undefined without add_bias_kv.
  Parameter bias_k, bias_v;
  Linear out_proj;

 private:
  std::int64_t embed_dim_, num_heads_;
  MultiheadAttentionOptions options_;
};

}  // namespace slope::nn
