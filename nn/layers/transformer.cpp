#include "slope/nn/layers/transformer.h"

#include <limits>

#include "slope/autograd/ops/pointwise/activation.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/nn/init.h"

namespace slope::nn {

Tensor TransformerActivation::operator()(const Tensor& x) const {
  if (function_) return function_(x);
  return name_ == "gelu" ? gelu(x) : relu(x);
}

void TransformerActivation::require_known(const char* layer, SourceLoc loc) const {
  if (!function_ && name_ != "relu" && name_ != "gelu")
    throw ValueError(concat(layer, ": activation should be relu/gelu, not ", name_), loc);
}

namespace detail {

TransformerLayer::TransformerLayer(const char* name, std::int64_t d_model, std::int64_t nhead,
                                   const TransformerLayerOptions& options, SourceLoc loc)
    : d_model_(d_model), nhead_(nhead), options_(options) {
  options.activation.require_known(name, loc);
}

MultiheadAttention TransformerLayer::make_attention(SourceLoc loc) const {
  return MultiheadAttention(
      d_model_, nhead_, {.dropout = options_.dropout, .bias = options_.bias, .batch_first = options_.batch_first}, loc);
}
Linear TransformerLayer::make_linear(std::int64_t in, std::int64_t out, SourceLoc loc) const {
  return Linear(in, out, {.bias = options_.bias}, loc);
}
LayerNorm TransformerLayer::make_norm(SourceLoc loc) const {
  return LayerNorm(d_model_, {.eps = options_.layer_norm_eps, .bias = options_.bias}, loc);
}

Tensor TransformerLayer::attend(MultiheadAttention& attention, const Tensor& x, const Tensor& memory,
                                const Tensor& mask, const Tensor& padding, bool is_causal) {
  return attention(x, memory, memory,
                   {.key_padding_mask = padding, .need_weights = false, .attn_mask = mask, .is_causal = is_causal})
      .first;
}

}  // namespace detail

TransformerEncoderLayer::TransformerEncoderLayer(std::int64_t d_model, std::int64_t nhead,
                                                 TransformerEncoderLayerOptions options, SourceLoc loc)
    : TransformerLayer("TransformerEncoderLayer", d_model, nhead, options, loc),
      self_attn(add("self_attn", make_attention(loc), loc)),
      linear1(add("linear1", make_linear(d_model, options.dim_feedforward, loc), loc)),
      dropout(add("dropout", Dropout(options.dropout, loc), loc)),
      linear2(add("linear2", make_linear(options.dim_feedforward, d_model, loc), loc)),
      norm1(add("norm1", make_norm(loc), loc)),
      norm2(add("norm2", make_norm(loc), loc)),
      dropout1(add("dropout1", Dropout(options.dropout, loc), loc)),
      dropout2(add("dropout2", Dropout(options.dropout, loc), loc)) {}

Tensor TransformerEncoderLayer::forward(const Tensor& src, const TransformerEncoderLayerCall& call) {
  const auto attention = [&](const Tensor& x) {
    return dropout1(attend(self_attn, x, x, call.src_mask, call.src_key_padding_mask, call.is_causal));
  };
  const auto feed_forward = [&](const Tensor& x) {
    return dropout2(linear2(dropout(options_.activation(linear1(x)))));
  };
  if (options_.norm_first) {
    const Tensor x = src + attention(norm1(src));
    return x + feed_forward(norm2(x));
  }
  const Tensor x = norm1(src + attention(src));
  return norm2(x + feed_forward(x));
}

TransformerDecoderLayer::TransformerDecoderLayer(std::int64_t d_model, std::int64_t nhead,
                                                 TransformerDecoderLayerOptions options, SourceLoc loc)
    : TransformerLayer("TransformerDecoderLayer", d_model, nhead, options, loc),
      self_attn(add("self_attn", make_attention(loc), loc)),
      multihead_attn(add("multihead_attn", make_attention(loc), loc)),
      linear1(add("linear1", make_linear(d_model, options.dim_feedforward, loc), loc)),
      dropout(add("dropout", Dropout(options.dropout, loc), loc)),
      linear2(add("linear2", make_linear(options.dim_feedforward, d_model, loc), loc)),
      norm1(add("norm1", make_norm(loc), loc)),
      norm2(add("norm2", make_norm(loc), loc)),
      norm3(add("norm3", make_norm(loc), loc)),
      dropout1(add("dropout1", Dropout(options.dropout, loc), loc)),
      dropout2(add("dropout2", Dropout(options.dropout, loc), loc)),
      dropout3(add("dropout3", Dropout(options.dropout, loc), loc)) {}

Tensor TransformerDecoderLayer::forward(const Tensor& tgt, const Tensor& memory,
                                        const TransformerDecoderLayerCall& call) {
  const auto to_itself = [&](const Tensor& x) {
    return dropout1(attend(self_attn, x, x, call.tgt_mask, call.tgt_key_padding_mask, call.tgt_is_causal));
  };
  const auto to_memory = [&](const Tensor& x) {
    return dropout2(
        attend(multihead_attn, x, memory, call.memory_mask, call.memory_key_padding_mask, call.memory_is_causal));
  };
  const auto feed_forward = [&](const Tensor& x) {
    return dropout3(linear2(dropout(options_.activation(linear1(x)))));
  };
  if (options_.norm_first) {
    Tensor x = tgt + to_itself(norm1(tgt));
    x = x + to_memory(norm2(x));
    return x + feed_forward(norm3(x));
  }
  Tensor x = norm1(tgt + to_itself(tgt));
  x = norm2(x + to_memory(x));
  return norm3(x + feed_forward(x));
}

namespace {

template <class Layer>
Layer copy_of(const Layer& layer, SourceLoc loc) {
  Layer copy(layer.d_model(), layer.nhead(), layer.options(), loc);
  copy.to(layer.linear1.weight.dtype(), loc);
  clone_into(copy, layer, loc);
  copy.train(layer.is_training(loc), loc);
  return copy;
}

template <class Layer>
void fill(ModuleList& layers, const char* name, const Layer& layer, std::int64_t count, SourceLoc loc) {
  constexpr std::int64_t most = 100'000;  // more is a mistake, which would fill the memory
  if (count < 0 || count > most)
    throw ValueError(concat(name, ": num_layers must not be negative or above ", most, ", but is ", count), loc);
  for (std::int64_t i = 0; i < count; ++i) layers.append(copy_of(layer, loc), loc);
}

}  // namespace

TransformerEncoder::TransformerEncoder(const TransformerEncoderLayer& layer, std::int64_t num_layers, SourceLoc loc)
    : layers(add("layers", ModuleList(), loc)) {
  fill(layers, "TransformerEncoder", layer, num_layers, loc);
}

Tensor TransformerEncoder::forward(const Tensor& src, const TransformerEncoderCall& call) {
  Tensor x = src;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(layers.size()); ++i)
    x = layers.at<TransformerEncoderLayer>(i)(
        x, {.src_mask = call.mask, .src_key_padding_mask = call.src_key_padding_mask, .is_causal = call.is_causal});
  return norm ? (*norm)(x) : x;
}

TransformerDecoder::TransformerDecoder(const TransformerDecoderLayer& layer, std::int64_t num_layers, SourceLoc loc)
    : layers(add("layers", ModuleList(), loc)) {
  fill(layers, "TransformerDecoder", layer, num_layers, loc);
}

Tensor TransformerDecoder::forward(const Tensor& tgt, const Tensor& memory, const TransformerDecoderCall& call) {
  Tensor x = tgt;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(layers.size()); ++i)
    x = layers.at<TransformerDecoderLayer>(i)(x, memory, call);
  return norm ? (*norm)(x) : x;
}

namespace functional {

Tensor generate_square_subsequent_mask(std::int64_t size, const TensorOptions& options, SourceLoc loc) {
  if (size < 0)
    throw ValueError(concat("generate_square_subsequent_mask: the size must not be negative, got ", size), loc);
  const DType dtype = options.dtype.value_or(default_dtype());
  if (!is_floating(dtype))
    throw DTypeError(concat("generate_square_subsequent_mask: -inf needs a floating dtype, not ", dtype_name(dtype)),
                     loc);
  const Tensor mask = empty({size, size}, {.dtype = dtype}, loc);
  visit_floating(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* to = mask.data_ptr<T>();
    for (std::int64_t i = 0; i < size; ++i)
      for (std::int64_t j = 0; j < size; ++j) *to++ = j <= i ? T(0) : -std::numeric_limits<T>::infinity();
  });
  return slope::detail::finish(mask, options, loc);
}

}  // namespace functional

namespace {

TransformerLayerOptions layer_options(const TransformerOptions& o) {
  return {.dim_feedforward = o.dim_feedforward,
          .dropout = o.dropout,
          .activation = o.activation,
          .layer_norm_eps = o.layer_norm_eps,
          .batch_first = o.batch_first,
          .norm_first = o.norm_first,
          .bias = o.bias};
}
LayerNorm final_norm(std::int64_t d_model, const TransformerOptions& o, SourceLoc loc) {
  return LayerNorm(d_model, {.eps = o.layer_norm_eps, .bias = o.bias}, loc);
}

}  // namespace

Transformer::Transformer(std::int64_t d_model, std::int64_t nhead, TransformerOptions options, SourceLoc loc)
    : Transformer(d_model, nhead,
                  TransformerEncoder(TransformerEncoderLayer(d_model, nhead, layer_options(options), loc),
                                     options.num_encoder_layers, final_norm(d_model, options, loc), loc),
                  TransformerDecoder(TransformerDecoderLayer(d_model, nhead, layer_options(options), loc),
                                     options.num_decoder_layers, final_norm(d_model, options, loc), loc),
                  options, loc) {}

Transformer::Transformer(std::int64_t d_model, std::int64_t, TransformerEncoder custom_encoder,
                         TransformerDecoder custom_decoder, TransformerOptions options, SourceLoc loc)
    : encoder(add("encoder", std::move(custom_encoder), loc)),
      decoder(add("decoder", std::move(custom_decoder), loc)),
      d_model_(d_model),
      batch_first_(options.batch_first) {
  const CallerScope caller(loc);
  each_parameter([](const std::string&, const Tensor& p) {
    if (p.dim() > 1) init::xavier_uniform_(p);
  });
}

Tensor Transformer::forward(const Tensor& src, const Tensor& tgt, const TransformerCall& call) {
  slope::detail::require_floating("Transformer", src, "src");
  slope::detail::require_floating("Transformer", tgt, "tgt");
  const int dims = src.dim();
  if ((dims != 2 && dims != 3) || tgt.dim() != dims)
    throw ShapeError(concat("Transformer: src and tgt are (L, N, E) or (L, E) alike, got shapes ", src.shape(), " and ",
                            tgt.shape()));
  const int batch = batch_first_ ? 0 : 1;
  if (dims == 3 && src.size(batch) != tgt.size(batch))
    throw ShapeError(concat("Transformer: the batch number of src and tgt must be equal; got shapes ", src.shape(),
                            " and ", tgt.shape()));
  if (src.size(-1) != d_model_ || tgt.size(-1) != d_model_)
    throw ShapeError(concat("Transformer: the feature number of src and tgt must be equal to d_model = ", d_model_,
                            "; got shapes ", src.shape(), " and ", tgt.shape()));
  const Tensor memory = encoder(
      src, {.mask = call.src_mask, .src_key_padding_mask = call.src_key_padding_mask, .is_causal = call.src_is_causal});
  return decoder(tgt, memory,
                 {.tgt_mask = call.tgt_mask,
                  .memory_mask = call.memory_mask,
                  .tgt_key_padding_mask = call.tgt_key_padding_mask,
                  .memory_key_padding_mask = call.memory_key_padding_mask,
                  .tgt_is_causal = call.tgt_is_causal,
                  .memory_is_causal = call.memory_is_causal});
}

}  // namespace slope::nn
