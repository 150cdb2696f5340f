#include "misuse/row.h"

namespace misuse {

using namespace slope;
namespace F = slope::nn::functional;

namespace {

using Size = std::int64_t;

nn::TransformerEncoderLayer encoder_layer() { return {3, 1, {.dim_feedforward = 2}}; }
nn::TransformerDecoderLayer decoder_layer() { return {3, 1, {.dim_feedforward = 2}}; }
nn::Transformer transformer() {
  return nn::Transformer(3, 1, {.num_encoder_layers = 1, .num_decoder_layers = 1, .dim_feedforward = 2});
}

}  // namespace

Cases<nn::TransformerActivation> make_cases(Type<nn::TransformerActivation>) {
  using A = nn::TransformerActivation;
  return {{{"relu", [] { return A("relu"); }},
           {"gelu", [] { return A("gelu"); }},
           {"a function", [] { return A([](const Tensor& x) { return silu(x); }); }}},
          {{"elu", [] { return A("elu"); }}, {"no name", [] { return A(""); }}}};
}

std::vector<Row> attention_rows() {
  return {
      row("scaled_dot_product_attention", F::scaled_dot_product_attention),
      row("multi_head_attention_forward",
          [](In q, const Tensor& k, const Tensor& v, Size heads, const Tensor& in, const Tensor& out,
             const nn::MultiheadAttentionCall& call) {
            return F::multi_head_attention_forward(
                q, k, v, heads,
                {.out_proj_weight = out, .q_proj_weight = in, .k_proj_weight = in, .v_proj_weight = in, .call = call});
          }),
      made<nn::MultiheadAttention(Size, Size, nn::MultiheadAttentionOptions)>("MultiheadAttention::MultiheadAttention"),
      row("MultiheadAttention::forward",
          [](In q, const Tensor& k, const Tensor& v, const nn::MultiheadAttentionCall& call) {
            return nn::MultiheadAttention(3, 1)(q, k, v, call);
          }),
      row("MultiheadAttention::operator()",
          [](In q, const Tensor& k, const Tensor& v, const nn::MultiheadAttentionCall& call) {
            return nn::MultiheadAttention(3, 3)(q, k, v, call);
          }),
      row("MultiheadAttention::extra_repr", [] { return nn::MultiheadAttention(3, 1).extra_repr(); }),
      row("MultiheadAttention::macs", [](const Shape& output) { return nn::MultiheadAttention(3, 1).macs(output); }),
      row("TransformerActivation::TransformerActivation",
          [](const char* name) { return nn::TransformerActivation(name); }),
      row("TransformerActivation::TransformerActivation",
          [](std::string name) { return nn::TransformerActivation(std::move(name)); }),
      row("TransformerActivation::TransformerActivation",
          [] { return nn::TransformerActivation([](const Tensor& x) { return x; }); }),
      row("TransformerActivation::operator()",
          [](In x, const nn::TransformerActivation& a) {
            nn::TransformerEncoderLayer layer(3, 1, {.dim_feedforward = 2, .activation = a}, x.loc);
            return layer(x);
          }),
      row("TransformerActivation::require_known",
          [](const nn::TransformerActivation& a, SourceLoc loc) { a.require_known("a layer", loc); }),
      made<nn::TransformerEncoderLayer(Size, Size, nn::TransformerEncoderLayerOptions)>(
          "TransformerEncoderLayer::TransformerEncoderLayer"),
      row("TransformerEncoderLayer::forward", [](In x) { return encoder_layer()(x); }),
      row("TransformerEncoderLayer::forward",
          [](In x, const nn::TransformerEncoderLayerCall& call) { return encoder_layer()(x, call); }),
      row("TransformerEncoderLayer::operator()",
          [](In x, const nn::TransformerEncoderLayerCall& call) { return encoder_layer()(x, call); }),
      made<nn::TransformerDecoderLayer(Size, Size, nn::TransformerDecoderLayerOptions)>(
          "TransformerDecoderLayer::TransformerDecoderLayer"),
      row("TransformerDecoderLayer::forward", [](In x, const Tensor& memory) { return decoder_layer()(x, memory); }),
      row("TransformerDecoderLayer::operator()",
          [](In x, const Tensor& memory, const nn::TransformerDecoderCall& call) {
            return decoder_layer()(x, memory, call);
          }),
      row("TransformerEncoder::TransformerEncoder",
          [](Size layers, SourceLoc loc) { (void)nn::TransformerEncoder(encoder_layer(), layers, loc); }),
      row("TransformerEncoder::TransformerEncoder",
          [](Size layers, SourceLoc loc) {
            (void)nn::TransformerEncoder(encoder_layer(), layers, nn::LayerNorm(3), loc);
          }),
      row("TransformerEncoder::forward",
          [](In x) { return nn::TransformerEncoder(encoder_layer(), 1, nn::LayerNorm(3))(x); }),
      row("TransformerEncoder::forward",
          [](In x, const nn::TransformerEncoderCall& call) {
            return nn::TransformerEncoder(encoder_layer(), 1)(x, call);
          }),
      row("TransformerEncoder::operator()",
          [](In x, const nn::TransformerEncoderCall& call) {
            return nn::TransformerEncoder(encoder_layer(), 1)(x, call);
          }),
      row("TransformerDecoder::TransformerDecoder",
          [](Size layers, SourceLoc loc) { (void)nn::TransformerDecoder(decoder_layer(), layers, loc); }),
      row("TransformerDecoder::TransformerDecoder",
          [](Size layers, SourceLoc loc) {
            (void)nn::TransformerDecoder(decoder_layer(), layers, nn::LayerNorm(3), loc);
          }),
      row("TransformerDecoder::forward",
          [](In x, const Tensor& memory) { return nn::TransformerDecoder(decoder_layer(), 1)(x, memory); }),
      row("TransformerDecoder::operator()",
          [](In x, const Tensor& memory, const nn::TransformerDecoderCall& call) {
            return nn::TransformerDecoder(decoder_layer(), 1)(x, memory, call);
          }),
      made<nn::Transformer(Size, Size, nn::TransformerOptions)>("Transformer::Transformer"),
      row("Transformer::Transformer",
          [](Size width, Size heads, const nn::TransformerOptions& o, SourceLoc loc) {
            (void)nn::Transformer(width, heads, nn::TransformerEncoder(encoder_layer(), 1),
                                  nn::TransformerDecoder(decoder_layer(), 1), o, loc);
          }),
      row("Transformer::forward", [](In src, const Tensor& tgt) { return transformer()(src, tgt); }),
      row("Transformer::operator()",
          [](In src, const Tensor& tgt, const nn::TransformerCall& call) { return transformer()(src, tgt, call); }),
      row("Transformer::generate_square_subsequent_mask", nn::Transformer::generate_square_subsequent_mask),
      row("generate_square_subsequent_mask", F::generate_square_subsequent_mask),
      row("sinusoidal_positions", F::sinusoidal_positions),
      row("rotary_embedding", F::rotary_embedding),
      made<nn::PositionalEncoding(Size, nn::PositionalEncodingOptions)>("PositionalEncoding::PositionalEncoding"),
      row("PositionalEncoding::forward", [](In x) { return nn::PositionalEncoding(3)(x); }),
      row("PositionalEncoding::extra_repr", [] { return nn::PositionalEncoding(3).extra_repr(); }),
      made<nn::RotaryEmbedding(nn::RotaryOptions)>("RotaryEmbedding::RotaryEmbedding"),
      row("RotaryEmbedding::forward", [](In x) { return nn::RotaryEmbedding()(x); }),
      row("RotaryEmbedding::extra_repr", [] { return nn::RotaryEmbedding().extra_repr(); }),
  };
}

}  // namespace misuse
