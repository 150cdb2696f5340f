#include "oracle/module_support.h"
#include "slope/autograd/ops/ops.h"
#include "slope/nn/nn.h"

// Attention and the modules made of it.

using namespace slope;
using oracle::Arguments;
using oracle::Record;
using oracle::Tensors;

namespace {

using Names = std::map<std::string, nn::Parameter*>;

Tensors attention(const Record& r, const Arguments& in) {
  const Tensor q = in.at("query"), k = in.at("key"), v = in.at("value");
  nn::ScaledDotProductAttentionOptions o{.attn_mask = in.get("attn_mask"),
                                         .is_causal = r.flag("is_causal", false),
                                         .enable_gqa = r.flag("enable_gqa", false)};
  if (r.has("scale")) o.scale = r.real("scale", 1);
  return {{"", F::scaled_dot_product_attention(q, k, v, o)}};
}

/// The parameters of an attention by their names behind `prefix`.
void add_names(Names& names, nn::MultiheadAttention& m, const std::string& prefix = "") {
  const std::pair<const char*, nn::Parameter*> all[] = {{"in_proj_weight", &m.in_proj_weight},
                                                        {"q_proj_weight", &m.q_proj_weight},
                                                        {"k_proj_weight", &m.k_proj_weight},
                                                        {"v_proj_weight", &m.v_proj_weight},
                                                        {"in_proj_bias", &m.in_proj_bias},
                                                        {"bias_k", &m.bias_k},
                                                        {"bias_v", &m.bias_v},
                                                        {"out_proj.weight", &m.out_proj.weight},
                                                        {"out_proj.bias", &m.out_proj.bias}};
  for (const auto& [name, parameter] : all)
    if (parameter->defined()) names[prefix + name] = parameter;
}

bool call_flag(const Record& r, const char* name, bool otherwise) {
  return r.contains("call") && r.at("call").contains(name) ? r.at("call").at(name).flag() : otherwise;
}

Tensors multihead_attention(const Record& r, const Arguments& in) {
  oracle::check_class<nn::MultiheadAttention>(r);
  const Tensor query = in.get("query"), key = in.get("key"), value = in.get("value");
  const nn::MultiheadAttentionCall call{.key_padding_mask = in.get("key_padding_mask"),
                                        .need_weights = call_flag(r, "need_weights", true),
                                        .attn_mask = in.get("attn_mask"),
                                        .average_attn_weights = call_flag(r, "average_attn_weights", true)};
  nn::MultiheadAttentionOptions o{.dropout = r.real("dropout", 0),
                                  .bias = r.flag("bias", true),
                                  .add_bias_kv = r.flag("add_bias_kv", false),
                                  .add_zero_attn = r.flag("add_zero_attn", false),
                                  .batch_first = r.flag("batch_first", false)};
  if (r.has("kdim")) o.kdim = r.integer("kdim", 0);
  if (r.has("vdim")) o.vdim = r.integer("vdim", 0);
  const std::int64_t embed_dim = r.integer("embed_dim", 0), heads = r.integer("num_heads", 0);
  nn::MultiheadAttention m(embed_dim, heads, o);
  Names names;
  add_names(names, m);
  oracle::set_up(m, r, in, names);
  const auto [output, weights] = m(query, key, value, call);
  if (!call.need_weights) return {{"", output}};
  return {{"output", output}, {"attn_weights", weights}};
}

/// Options of a layer, from those of the record or from a dictionary among them.
template <class Options>
nn::TransformerLayerOptions layer_options(const Options& r) {
  return {.dim_feedforward = r.integer("dim_feedforward", 2048),
          .dropout = r.real("dropout", 0.1),
          .activation = r.word("activation", "relu"),
          .layer_norm_eps = r.real("layer_norm_eps", 1e-5),
          .batch_first = r.flag("batch_first", false),
          .norm_first = r.flag("norm_first", false),
          .bias = r.flag("bias", true)};
}

/// A dictionary among the options, read as a record is.
struct Nested {
  oracle::Value value;
  bool has(const char* name) const { return value.contains(name) && !value.at(name).is_null(); }
  double real(const char* name, double otherwise) const { return has(name) ? value.at(name).real() : otherwise; }
  std::int64_t integer(const char* name, std::int64_t otherwise) const {
    return has(name) ? value.at(name).integer() : otherwise;
  }
  bool flag(const char* name, bool otherwise) const { return has(name) ? value.at(name).flag() : otherwise; }
  std::string word(const char* name, const std::string& otherwise) const {
    return has(name) ? value.at(name).text() : otherwise;
  }
};

void add_names(Names& names, nn::Linear& m, const std::string& prefix) {
  names[prefix + "weight"] = &m.weight;
  if (m.bias.defined()) names[prefix + "bias"] = &m.bias;
}
void add_names(Names& names, nn::LayerNorm& m, const std::string& prefix) {
  names[prefix + "weight"] = &m.weight;
  if (m.bias.defined()) names[prefix + "bias"] = &m.bias;
}
void add_names(Names& names, nn::TransformerEncoderLayer& m, const std::string& prefix = "") {
  add_names(names, m.self_attn, prefix + "self_attn.");
  add_names(names, m.linear1, prefix + "linear1.");
  add_names(names, m.linear2, prefix + "linear2.");
  add_names(names, m.norm1, prefix + "norm1.");
  add_names(names, m.norm2, prefix + "norm2.");
}
void add_names(Names& names, nn::TransformerDecoderLayer& m, const std::string& prefix = "") {
  add_names(names, m.self_attn, prefix + "self_attn.");
  add_names(names, m.multihead_attn, prefix + "multihead_attn.");
  add_names(names, m.linear1, prefix + "linear1.");
  add_names(names, m.linear2, prefix + "linear2.");
  add_names(names, m.norm1, prefix + "norm1.");
  add_names(names, m.norm2, prefix + "norm2.");
  add_names(names, m.norm3, prefix + "norm3.");
}
template <class Layer, class Stack>
void add_stack(Names& names, Stack& m, const std::string& prefix = "") {
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(m.layers.size()); ++i)
    add_names(names, m.layers.template at<Layer>(i), prefix + "layers." + std::to_string(i) + ".");
  if (m.norm) add_names(names, dynamic_cast<nn::LayerNorm&>(*m.norm), prefix + "norm.");
}

nn::TransformerDecoderCall decoder_call(const Arguments& in) {
  return {.tgt_mask = in.get("tgt_mask"),
          .memory_mask = in.get("memory_mask"),
          .tgt_key_padding_mask = in.get("tgt_key_padding_mask"),
          .memory_key_padding_mask = in.get("memory_key_padding_mask")};
}

Tensors encoder_layer(const Record& r, const Arguments& in) {
  oracle::check_class<nn::TransformerEncoderLayer>(r);
  const Tensor src = in.get("src");
  const nn::TransformerEncoderLayerCall call{.src_mask = in.get("src_mask"),
                                             .src_key_padding_mask = in.get("src_key_padding_mask")};
  const std::int64_t width = r.integer("d_model", 0), heads = r.integer("nhead", 0);
  nn::TransformerEncoderLayer m(width, heads, layer_options(r));
  Names names;
  add_names(names, m);
  oracle::set_up(m, r, in, names);
  return {{"", m(src, call)}};
}

Tensors decoder_layer(const Record& r, const Arguments& in) {
  oracle::check_class<nn::TransformerDecoderLayer>(r);
  const Tensor tgt = in.get("tgt"), memory = in.get("memory");
  const nn::TransformerDecoderCall call = decoder_call(in);
  const std::int64_t width = r.integer("d_model", 0), heads = r.integer("nhead", 0);
  nn::TransformerDecoderLayer m(width, heads, layer_options(r));
  Names names;
  add_names(names, m);
  oracle::set_up(m, r, in, names);
  return {{"", m(tgt, memory, call)}};
}

/// An encoder or a decoder as the dictionaries among the options say.
template <class Stack, class Layer>
Stack make_stack(const Record& r, const char* name) {
  const Nested of_layer{r.at("options").at(name)};
  const Layer layer(of_layer.integer("d_model", 0), of_layer.integer("nhead", 0), layer_options(of_layer));
  const std::int64_t count = r.integer("num_layers", 0);
  if (!r.has("norm")) return Stack(layer, count);
  const auto shape = r.at("options").at("norm").at("normalized_shape").integers();
  return Stack(layer, count, nn::LayerNorm(Shape(shape)));
}

Tensors encoder(const Record& r, const Arguments& in) {
  oracle::check_class<nn::TransformerEncoder>(r);
  const Tensor src = in.get("src");
  const nn::TransformerEncoderCall call{.mask = in.get("mask"), .src_key_padding_mask = in.get("src_key_padding_mask")};
  auto m = make_stack<nn::TransformerEncoder, nn::TransformerEncoderLayer>(r, "encoder_layer");
  Names names;
  add_stack<nn::TransformerEncoderLayer>(names, m);
  oracle::set_up(m, r, in, names);
  return {{"", m(src, call)}};
}

Tensors decoder(const Record& r, const Arguments& in) {
  oracle::check_class<nn::TransformerDecoder>(r);
  const Tensor tgt = in.get("tgt"), memory = in.get("memory");
  const nn::TransformerDecoderCall call = decoder_call(in);
  auto m = make_stack<nn::TransformerDecoder, nn::TransformerDecoderLayer>(r, "decoder_layer");
  Names names;
  add_stack<nn::TransformerDecoderLayer>(names, m);
  oracle::set_up(m, r, in, names);
  return {{"", m(tgt, memory, call)}};
}

Tensors transformer(const Record& r, const Arguments& in) {
  oracle::check_class<nn::Transformer>(r);
  const Tensor src = in.get("src"), tgt = in.get("tgt");
  const nn::TransformerCall call{.src_mask = in.get("src_mask"),
                                 .tgt_mask = in.get("tgt_mask"),
                                 .memory_mask = in.get("memory_mask"),
                                 .src_key_padding_mask = in.get("src_key_padding_mask"),
                                 .tgt_key_padding_mask = in.get("tgt_key_padding_mask"),
                                 .memory_key_padding_mask = in.get("memory_key_padding_mask")};
  const nn::TransformerLayerOptions l = layer_options(r);
  const std::int64_t width = r.integer("d_model", 512), heads = r.integer("nhead", 8);
  nn::Transformer m(width, heads,
                    {.num_encoder_layers = r.integer("num_encoder_layers", 6),
                     .num_decoder_layers = r.integer("num_decoder_layers", 6),
                     .dim_feedforward = l.dim_feedforward,
                     .dropout = l.dropout,
                     .activation = l.activation,
                     .layer_norm_eps = l.layer_norm_eps,
                     .batch_first = l.batch_first,
                     .norm_first = l.norm_first,
                     .bias = l.bias});
  Names names;
  add_stack<nn::TransformerEncoderLayer>(names, m.encoder, "encoder.");
  add_stack<nn::TransformerDecoderLayer>(names, m.decoder, "decoder.");
  oracle::set_up(m, r, in, names);
  return {{"", m(src, tgt, call)}};
}

Tensors subsequent_mask(const Record& r, const Arguments&) {
  return {{"", F::generate_square_subsequent_mask(r.integer("sz", 0), {.dtype = float64})}};
}

}  // namespace

void oracle::add_attention(Drivers& drivers) {
  drivers[{"functional", "scaled_dot_product_attention"}] = {function_form(attention)};
  drivers[{"module", "scaled_dot_product_attention"}] = {function_form(attention)};
  drivers[{"module", "MultiheadAttention"}] = {module_form(multihead_attention)};
  drivers[{"module", "TransformerEncoderLayer"}] = {module_form(encoder_layer)};
  drivers[{"module", "TransformerDecoderLayer"}] = {module_form(decoder_layer)};
  drivers[{"module", "TransformerEncoder"}] = {module_form(encoder)};
  drivers[{"module", "TransformerDecoder"}] = {module_form(decoder)};
  drivers[{"module", "Transformer"}] = {module_form(transformer)};
  drivers[{"functional", "generate_square_subsequent_mask"}] = {function_form(subsequent_mask)};
}
