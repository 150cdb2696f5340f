#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "slope/autograd/tensor/factory.h"
#include "slope/nn/containers.h"
#include "slope/nn/layers/dropout.h"
#include "slope/nn/layers/linear.h"
#include "slope/nn/layers/multihead_attention.h"
#include "slope/nn/layers/normalization.h"
#include "slope/nn/module.h"

namespace slope::nn {

/// The activation of a transformer layer: "relu", "gelu" (the exact one) or any function of one tensor. Other names throw
/// ValueError when the layer is made.
///
///     nn::TransformerEncoderLayer layer(64, 4, {.activation = [](const Tensor& x) { return silu(x); }});
class TransformerActivation {
 public:
  /// "relu".
  TransformerActivation() = default;
  TransformerActivation(const char* name) : name_(name) {}             // NOLINT(google-explicit-constructor)
  TransformerActivation(std::string name) : name_(std::move(name)) {}  // NOLINT(google-explicit-constructor)
  template <class F>
    requires std::is_invocable_r_v<Tensor, const F&, const Tensor&>
  TransformerActivation(F f) : function_(std::move(f)) {}  // NOLINT(google-explicit-constructor)
  /// What it makes of a tensor.
  Tensor operator()(const Tensor& x) const;
  /// Throws ValueError for a name other than "relu" and "gelu".
  void require_known(const char* layer, SourceLoc loc) const;

 private:
  std::string name_ = "relu";
  Function<Tensor(const Tensor&)> function_;
};

/// Options of encoder and decoder layers.
struct TransformerLayerOptions {
  /// Features between the two linear layers.
  std::int64_t dim_feedforward = 2048;
  /// Of both results and of the weights of attention, in training.
  double dropout = 0.1;
  /// Between the two linear layers.
  TransformerActivation activation = "relu";
  /// What layer normalisation adds to the variance.
  double layer_norm_eps = 1e-5;
  /// (N, L, E) instead of (L, N, E).
  bool batch_first = false;
  /// Whether normalisation comes before each part instead of behind the sum.
  bool norm_first = false;
  /// Of all linear layers, normalisations and attentions.
  bool bias = true;
};
/// Of an encoder layer.
using TransformerEncoderLayerOptions = TransformerLayerOptions;
/// Of a decoder layer.
using TransformerDecoderLayerOptions = TransformerLayerOptions;

/// What a call of an encoder layer takes besides src; masks as those of MultiheadAttention.
struct TransformerEncoderLayerCall {
  /// (L, L) or (N·heads, L, L).
  Tensor src_mask{};
  /// (N, L).
  Tensor src_key_padding_mask{};
  /// A hint that src_mask is causal; no mask is made from it.
  bool is_causal = false;
};
/// And of a whole encoder.
struct TransformerEncoderCall {
  /// (L, L) or (N·heads, L, L).
  Tensor mask{};
  /// (N, L).
  Tensor src_key_padding_mask{};
  /// A hint that the mask is causal; no mask is made from it.
  bool is_causal = false;
};
/// What a call of a decoder, or of a layer of it, takes besides tgt and memory.
struct TransformerDecoderCall {
  /// (L, L) or (N·heads, L, L).
  Tensor tgt_mask{};
  /// (L, S) or (N·heads, L, S).
  Tensor memory_mask{};
  /// (N, L).
  Tensor tgt_key_padding_mask{};
  /// (N, S).
  Tensor memory_key_padding_mask{};
  /// Hints that a mask is causal; no mask is made from them.
  bool tgt_is_causal = false, memory_is_causal = false;
};
/// Of a layer of a decoder.
using TransformerDecoderLayerCall = TransformerDecoderCall;

namespace detail {
/// What an encoder and a decoder layer have in common.
class TransformerLayer : public Module {
 public:
  std::int64_t d_model() const { return d_model_; }
  std::int64_t nhead() const { return nhead_; }
  const TransformerLayerOptions& options() const { return options_; }

 protected:
  TransformerLayer(const char* name, std::int64_t d_model, std::int64_t nhead, const TransformerLayerOptions& options,
                   SourceLoc loc);
  MultiheadAttention make_attention(SourceLoc loc) const;
  Linear make_linear(std::int64_t in, std::int64_t out, SourceLoc loc) const;
  LayerNorm make_norm(SourceLoc loc) const;
  static Tensor attend(MultiheadAttention& attention, const Tensor& x, const Tensor& memory, const Tensor& mask,
                       const Tensor& padding, bool is_causal);

  std::int64_t d_model_, nhead_;
  TransformerLayerOptions options_;
};
}  // namespace detail

/// One layer of a transformer encoder (Vaswani et al. 2017): attention to itself and two linear layers, each part added to what it
/// was given.
///
///     x = norm1(x + SA(x)),   x = norm2(x + FF(x)),   FF(x) = dropout2(linear2(dropout(activation(linear1(x)))))
///     x = x + SA(norm1(x)),   x = x + FF(norm2(x))                                          with norm_first
///
/// Shapes: (L, N, d_model), (N, L, d_model) with batch_first, (L, d_model) -> the same. Throws ValueError unless d_model is a
/// positive multiple of nhead and for an unknown activation, ShapeError for inputs and masks that do not fit.
///
///     nn::TransformerEncoderLayer layer(64, 4, {.dim_feedforward = 256, .batch_first = true});
///     Tensor y = layer(x, {.src_key_padding_mask = padding});
class TransformerEncoderLayer : public detail::TransformerLayer {
 public:
  TransformerEncoderLayer() = delete;  // name it where it is declared: layer = add("layer", ...(64, 4))
  TransformerEncoderLayer(std::int64_t d_model, std::int64_t nhead, TransformerEncoderLayerOptions options = {},
                          SourceLoc loc = SourceLoc::here());
  Tensor forward(const Tensor& src) override { return forward(src, {}); }
  Tensor forward(const Tensor& src, const TransformerEncoderLayerCall& call);
  Tensor operator()(In src, const TransformerEncoderLayerCall& call = {}) {
    return run(src, [&](const Tensor& x) { return forward(x, call); });
  }

  /// To the input itself.
  MultiheadAttention self_attn;
  /// d_model to dim_feedforward.
  Linear linear1;
  /// Between the linear layers.
  Dropout dropout;
  /// dim_feedforward to d_model.
  Linear linear2;
  /// Of the attention.
  LayerNorm norm1;
  /// Of the linear layers.
  LayerNorm norm2;
  /// Of the attention's result.
  Dropout dropout1;
  /// Of the linear layers' result.
  Dropout dropout2;
};

/// One layer of a transformer decoder: attention to itself, attention to the encoder's result and two linear layers.
///
///     x = norm1(x + SA(x)),   x = norm2(x + MHA(x, memory)),   x = norm3(x + FF(x))
///     x = x + SA(norm1(x)),   x = x + MHA(norm2(x), memory),   x = x + FF(norm3(x))         with norm_first
///
/// Shapes: tgt (L, N, d_model), memory (S, N, d_model) -> (L, N, d_model), as TransformerEncoderLayer; the same errors.
///
///     Tensor y = layer(tgt, memory, {.tgt_mask = nn::Transformer::generate_square_subsequent_mask(L)});
class TransformerDecoderLayer : public detail::TransformerLayer {
 public:
  TransformerDecoderLayer() = delete;  // name it where it is declared: layer = add("layer", ...(64, 4))
  TransformerDecoderLayer(std::int64_t d_model, std::int64_t nhead, TransformerDecoderLayerOptions options = {},
                          SourceLoc loc = SourceLoc::here());
  using Module::forward;
  Tensor forward(const Tensor& tgt, const Tensor& memory, const TransformerDecoderLayerCall& call = {});
  Tensor operator()(In tgt, const Tensor& memory, const TransformerDecoderLayerCall& call = {}) {
    return run(tgt, [&](const Tensor& x) { return forward(x, memory, call); });
  }

  /// To tgt itself.
  MultiheadAttention self_attn;
  /// To memory.
  MultiheadAttention multihead_attn;
  /// d_model to dim_feedforward.
  Linear linear1;
  /// Between the linear layers.
  Dropout dropout;
  /// dim_feedforward to d_model.
  Linear linear2;
  /// Of the attention to tgt.
  LayerNorm norm1;
  /// Of the attention to memory.
  LayerNorm norm2;
  /// Of the linear layers.
  LayerNorm norm3;
  /// Of the attention to tgt.
  Dropout dropout1;
  /// Of the attention to memory.
  Dropout dropout2;
  /// Of the linear layers' result.
  Dropout dropout3;
};

/// `num_layers` copies of an encoder layer, which begin with its values, one after the other, and a normalisation behind them if one
/// is given. Throws ValueError for a number of layers below 0 or above 100,000.
///
///     nn::TransformerEncoder encoder(nn::TransformerEncoderLayer(64, 4), 6, nn::LayerNorm(64));
///     Tensor y = encoder(src, {.src_key_padding_mask = padding});
class TransformerEncoder : public Module {
 public:
  TransformerEncoder() = delete;  // name it: nn::TransformerEncoder e = add("e", nn::TransformerEncoder(layer, 6));
  TransformerEncoder(const TransformerEncoderLayer& layer, std::int64_t num_layers, SourceLoc loc = SourceLoc::here());
  template <std::derived_from<Module> Norm>
  TransformerEncoder(const TransformerEncoderLayer& layer, std::int64_t num_layers, Norm final_norm,
                     SourceLoc loc = SourceLoc::here())
      : TransformerEncoder(layer, num_layers, loc) {
    norm = add("norm", std::unique_ptr<Module>(std::make_unique<Norm>(std::move(final_norm))), loc);
  }
  Tensor forward(const Tensor& src) override { return forward(src, {}); }
  Tensor forward(const Tensor& src, const TransformerEncoderCall& call);
  Tensor operator()(In src, const TransformerEncoderCall& call = {}) {
    return run(src, [&](const Tensor& x) { return forward(x, call); });
  }

  /// The copies, first to last.
  ModuleList layers;
  /// Null without one.
  std::unique_ptr<Module> norm;
};

/// `num_layers` copies of a decoder layer, as TransformerEncoder.
///
///     nn::TransformerDecoder decoder(nn::TransformerDecoderLayer(64, 4), 6);
///     Tensor y = decoder(tgt, memory, {.tgt_mask = mask});
class TransformerDecoder : public Module {
 public:
  TransformerDecoder() = delete;  // name it: nn::TransformerDecoder d = add("d", nn::TransformerDecoder(layer, 6));
  TransformerDecoder(const TransformerDecoderLayer& layer, std::int64_t num_layers, SourceLoc loc = SourceLoc::here());
  template <std::derived_from<Module> Norm>
  TransformerDecoder(const TransformerDecoderLayer& layer, std::int64_t num_layers, Norm final_norm,
                     SourceLoc loc = SourceLoc::here())
      : TransformerDecoder(layer, num_layers, loc) {
    norm = add("norm", std::unique_ptr<Module>(std::make_unique<Norm>(std::move(final_norm))), loc);
  }
  using Module::forward;
  Tensor forward(const Tensor& tgt, const Tensor& memory, const TransformerDecoderCall& call = {});
  Tensor operator()(In tgt, const Tensor& memory, const TransformerDecoderCall& call = {}) {
    return run(tgt, [&](const Tensor& x) { return forward(x, memory, call); });
  }

  /// The copies, first to last.
  ModuleList layers;
  /// Null without one.
  std::unique_ptr<Module> norm;
};

struct TransformerOptions {
  /// Layers of the encoder.
  std::int64_t num_encoder_layers = 6;
  /// Layers of the decoder.
  std::int64_t num_decoder_layers = 6;
  /// Features between the two linear layers of a layer.
  std::int64_t dim_feedforward = 2048;
  /// In training.
  double dropout = 0.1;
  TransformerActivation activation = "relu";
  /// What layer normalisation adds to the variance.
  double layer_norm_eps = 1e-5;
  /// (N, L, E) instead of (L, N, E).
  bool batch_first = false;
  /// Whether normalisation comes before each part of a layer.
  bool norm_first = false;
  /// Of all linear layers, normalisations and attentions.
  bool bias = true;
};

/// What a call of Transformer takes besides src and tgt.
struct TransformerCall {
  /// (S, S), (L, L), (L, S), or with N·heads before them.
  Tensor src_mask{}, tgt_mask{}, memory_mask{};
  /// (N, S), (N, L), (N, S).
  Tensor src_key_padding_mask{}, tgt_key_padding_mask{}, memory_key_padding_mask{};
  /// Hints that a mask is causal; no mask is made from them.
  bool src_is_causal = false, tgt_is_causal = false, memory_is_causal = false;
};

namespace functional {
/// The mask [size, size] that is added to scores: 0 on and below the diagonal, -∞ above. Throws ValueError for a negative size.
Tensor generate_square_subsequent_mask(std::int64_t size, const TensorOptions& options = {},
                                       SourceLoc loc = SourceLoc::here());
}  // namespace functional

/// Encoder and decoder (Vaswani et al. 2017), each with a layer normalisation behind its last layer; parameters of more than one
/// dimension start xavier uniform. Shapes: src (S, N, d_model), tgt (L, N, d_model) -> (L, N, d_model), with batch_first (N, ...), or
/// without N. Throws ShapeError unless the sizes of src and tgt fit, and what its parts throw.
///
///     nn::Transformer model(64, 4, {.num_encoder_layers = 2, .num_decoder_layers = 2});
///     Tensor y = model(src, tgt, {.tgt_mask = nn::Transformer::generate_square_subsequent_mask(tgt.size(0))});
class Transformer : public Module {
 public:
  explicit Transformer(std::int64_t d_model = 512, std::int64_t nhead = 8, TransformerOptions options = {},
                       SourceLoc loc = SourceLoc::here());
  /// With parts of one's own; of the options only batch_first counts.
  Transformer(std::int64_t d_model, std::int64_t nhead, TransformerEncoder custom_encoder,
              TransformerDecoder custom_decoder, TransformerOptions options = {}, SourceLoc loc = SourceLoc::here());
  using Module::forward;
  Tensor forward(const Tensor& src, const Tensor& tgt, const TransformerCall& call = {});
  Tensor operator()(In src, const Tensor& tgt, const TransformerCall& call = {}) {
    return run(src, [&](const Tensor& x) { return forward(x, tgt, call); });
  }
  static Tensor generate_square_subsequent_mask(std::int64_t size, const TensorOptions& options = {},
                                                SourceLoc loc = SourceLoc::here()) {
    return functional::generate_square_subsequent_mask(size, options, loc);
  }

  /// Reads src.
  TransformerEncoder encoder;
  /// Reads tgt and what the encoder gives.
  TransformerDecoder decoder;

 private:
  std::int64_t d_model_;
  bool batch_first_;
};

}  // namespace slope::nn
