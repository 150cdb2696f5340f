#include "layers_errors/rows.h"
#include "slope/slope.h"

using namespace slope;

namespace layers_errors {

const std::vector<Row>& attention_rows() {
  static const std::vector<Row> rows = {
      {"scaled_dot_product_attention",
       [] { (void)F::scaled_dot_product_attention(ones({2, 2, 2}), ones({2, 3, 3}), ones({2, 3, 2})); },
       "scaled_dot_product_attention: query and key must have the same last size; got a query of shape [2, 2, 2], a key of [2, 3, 3] and a value of [2, 3, 2]"},
      {"scaled_dot_product_attention",
       [] { (void)F::scaled_dot_product_attention(ones({2, 2, 2}), ones({2, 3, 2}), ones({2, 4, 2})); },
       "scaled_dot_product_attention: key and value must have the same number of rows; got a query of shape [2, 2, 2], a key of [2, 3, 2] and a value of [2, 4, 2]"},
      {"scaled_dot_product_attention",
       [] {
         (void)F::scaled_dot_product_attention(ones({2, 2, 2}), ones({2, 3, 2}), ones({2, 3, 2}),
                                               {.attn_mask = ones({2, 2})});
       },
       "scaled_dot_product_attention: attn_mask of shape [2, 2] does not broadcast to the scores' shape [2, 2, 3]"},
      {"scaled_dot_product_attention",
       [] {
         (void)F::scaled_dot_product_attention(ones({2, 2, 2}), ones({2, 3, 2}), ones({2, 3, 2}),
                                               {.attn_mask = ones({2, 3}), .is_causal = true});
       },
       "scaled_dot_product_attention: explicit attn_mask should not be set when is_causal=True; put both into the mask"},
      {"scaled_dot_product_attention",
       [] {
         (void)F::scaled_dot_product_attention(ones({2, 2, 2}), ones({2, 2, 2}), ones({2, 2, 2}), {.dropout_p = 2});
       },
       "scaled_dot_product_attention: dropout probability has to be between 0 and 1, but got 2"},
      {"MultiheadAttention", [] { (void)nn::MultiheadAttention(4, 3); },
       "MultiheadAttention: embed_dim must be divisible by num_heads; got 4 and 3"},
      {"MultiheadAttention", [] { (void)nn::MultiheadAttention(0, 1); },
       "MultiheadAttention: embed_dim and num_heads must be greater than 0, got embed_dim=0 and num_heads=1 instead"},
      {"MultiheadAttention",
       [] { (void)nn::MultiheadAttention(4, 2)(ones({2, 1, 5}), ones({2, 1, 4}), ones({2, 1, 4})); },
       "multi_head_attention_forward: was expecting embedding dimension of 4, but got 5"},
      {"MultiheadAttention",
       [] { (void)nn::MultiheadAttention(4, 2)(ones({2, 1, 4}), ones({3, 1, 4}), ones({2, 1, 4})); },
       "multi_head_attention_forward: key's sequence and batch dims [3, 1] do not match value's [2, 1]"},
      {"MultiheadAttention",
       [] {
         (void)nn::MultiheadAttention(4, 2)(ones({2, 1, 4}), ones({2, 1, 4}), ones({2, 1, 4}),
                                            {.attn_mask = ones({3, 2})});
       },
       "multi_head_attention_forward: The shape of the 2D attn_mask is [3, 2], but should be (2, 2)."},
      {"MultiheadAttention",
       [] {
         (void)nn::MultiheadAttention(4, 2)(ones({2, 1, 4}), ones({2, 1, 4}), ones({2, 1, 4}),
                                            {.attn_mask = ones({3, 2, 3})});
       },
       "multi_head_attention_forward: The shape of the 3D attn_mask is [3, 2, 3], but should be (2, 2, 2)."},
      {"MultiheadAttention",
       [] {
         (void)nn::MultiheadAttention(4, 2)(ones({2, 1, 4}), ones({2, 1, 4}), ones({2, 1, 4}),
                                            {.key_padding_mask = ones({2, 2}) > 0});
       },
       "multi_head_attention_forward: expecting key_padding_mask shape of (1, 2), but got [2, 2]"},
      {"MultiheadAttention", [] { (void)nn::MultiheadAttention(4, 2)(ones({2, 4}), ones({2, 1, 4}), ones({2, 1, 4})); },
       "multi_head_attention_forward: for unbatched (2-D) `query`, expected `key` and `value` to be 2-D but found 3-D and 3-D tensors respectively"},
      {"MultiheadAttention", [] { (void)nn::MultiheadAttention(4, 2, {.dropout = 1.5}); },
       "MultiheadAttention: dropout probability has to be between 0 and 1, but got 1.5"},
      {"TransformerEncoderLayer", [] { (void)nn::TransformerEncoderLayer(4, 3); },
       "MultiheadAttention: embed_dim must be divisible by num_heads; got 4 and 3"},
      {"TransformerEncoderLayer", [] { (void)nn::TransformerEncoderLayer(4, 2, {.activation = "elu"}); },
       "TransformerEncoderLayer: activation should be relu/gelu, not elu"},
      {"TransformerEncoderLayer",
       [] { (void)nn::TransformerEncoderLayer(4, 2, {.dim_feedforward = 2})(ones({2, 1, 3})); },
       "self_attn (MultiheadAttention): multi_head_attention_forward: was expecting embedding dimension of 4, but got 3"},
      {"TransformerEncoderLayer", [] { (void)nn::TransformerEncoderLayer(4, 2, {.dim_feedforward = -1}); },
       "Linear: in_features and out_features must not be negative, got 4 and -1"},
      {"TransformerDecoderLayer", [] { (void)nn::TransformerDecoderLayer(4, 3); },
       "MultiheadAttention: embed_dim must be divisible by num_heads; got 4 and 3"},
      {"TransformerDecoderLayer",
       [] { (void)nn::TransformerDecoderLayer(4, 2, {.dim_feedforward = 2})(ones({2, 1, 4}), ones({2, 1, 3})); },
       "multihead_attn (MultiheadAttention): multi_head_attention_forward: was expecting embedding dimension of 4 for key and value, but got 3 and 3"},
      {"TransformerEncoder",
       [] { (void)nn::TransformerEncoder(nn::TransformerEncoderLayer(4, 2, {.dim_feedforward = 2}), -1); },
       "TransformerEncoder: num_layers must not be negative or above 100000, but is -1"},
      {"TransformerEncoder",
       [] {
         (void)nn::TransformerEncoder(nn::TransformerEncoderLayer(4, 2, {.dim_feedforward = 2}), 1)(ones({2, 1, 3}));
       },
       "0.self_attn (MultiheadAttention): multi_head_attention_forward: was expecting embedding dimension of 4, but got 3"},
      {"TransformerDecoder",
       [] { (void)nn::TransformerDecoder(nn::TransformerDecoderLayer(4, 2, {.dim_feedforward = 2}), -1); },
       "TransformerDecoder: num_layers must not be negative or above 100000, but is -1"},
      {"TransformerDecoder",
       [] {
         (void)nn::TransformerDecoder(nn::TransformerDecoderLayer(4, 2, {.dim_feedforward = 2}), 1)(ones({2, 1, 4}),
                                                                                                    ones({2, 1, 3}));
       },
       "0.multihead_attn (MultiheadAttention): multi_head_attention_forward: was expecting embedding dimension of 4 for key and value, but got 3 and 3"},
      {"Transformer",
       [] {
         (void)nn::Transformer(4, 2, {.num_encoder_layers = 1, .num_decoder_layers = 1, .dim_feedforward = 2})(
             ones({2, 1, 3}), ones({2, 1, 4}));
       },
       "Transformer: the feature number of src and tgt must be equal to d_model = 4; got shapes [2, 1, 3] and [2, 1, 4]"},
      {"Transformer",
       [] {
         (void)nn::Transformer(4, 2, {.num_encoder_layers = 1, .num_decoder_layers = 1, .dim_feedforward = 2})(
             ones({2, 1, 4}), ones({2, 2, 4}));
       },
       "Transformer: the batch number of src and tgt must be equal; got shapes [2, 1, 4] and [2, 2, 4]"},
      {"Transformer", [] { (void)nn::Transformer(4, 3); },
       "MultiheadAttention: embed_dim must be divisible by num_heads; got 4 and 3"},
      {"Transformer", [] { (void)nn::Transformer::generate_square_subsequent_mask(-1); },
       "generate_square_subsequent_mask: the size must not be negative, got -1"},
      {"PositionalEncoding", [] { (void)nn::PositionalEncoding(-1); },
       "PositionalEncoding: d_model and max_len must not be negative, got -1 and 5000"},
      {"PositionalEncoding", [] { (void)nn::PositionalEncoding(4)(ones({2, 1, 3})); },
       "PositionalEncoding: takes (L, N, 4), (N, L, 4) with batch_first or (L, 4), got shape [2, 1, 3]"},
      {"PositionalEncoding", [] { (void)nn::PositionalEncoding(4, {.max_len = 1})(ones({2, 1, 4})); },
       "PositionalEncoding: a sequence of 2 is longer than max_len = 1"},
      {"RotaryEmbedding", [] { (void)nn::RotaryEmbedding()(ones({2, 3})); },
       "rotary_embedding: takes (..., L, dim) with an even dim, got shape [2, 3]"},
      {"RotaryEmbedding", [] { (void)nn::RotaryEmbedding()(ones({4})); },
       "rotary_embedding: takes (..., L, dim) with an even dim, got shape [4]"},
  };
  return rows;
}

}  // namespace layers_errors
