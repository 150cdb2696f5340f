#include "slope/nn/layers/transformer.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "slope/autograd/core/pool.h"
#include "slope/autograd/core/random.h"
#include "slope/autograd/engine/backward.h"
#include "slope/autograd/engine/gradcheck.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/random.h"
#include "slope/nn/nn.h"
#include "support/checks.h"

using namespace slope;

namespace {

using nn::MultiheadAttention;
using nn::MultiheadAttentionCall;

struct Seeded {
  Seeded() { manual_seed(8); }
};

Tensor normal(const Shape& shape, bool grad = false) { return randn(shape, {.dtype = float64, .requires_grad = grad}); }

MultiheadAttention attention(std::int64_t width, std::int64_t heads, nn::MultiheadAttentionOptions o = {}) {
  MultiheadAttention m(width, heads, o);
  m.to(float64);
  return m;
}

std::string names(const nn::Module& m) {
  std::string all;
  for (const auto& [name, value] : m.state_dict()) all += (all.empty() ? "" : " ") + name;
  return all;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(multihead_attention, Seeded)

BOOST_AUTO_TEST_CASE(parameters_have_the_names_order_and_distributions_of_the_reference) {
  const MultiheadAttention m(64, 4, {.add_bias_kv = true});
  BOOST_TEST(names(m) == "in_proj_weight in_proj_bias bias_k bias_v out_proj.weight out_proj.bias");
  const double bound = std::sqrt(6.0 / (64 + 192));
  BOOST_TEST(m.in_proj_weight.abs().max().item() <= bound);
  BOOST_TEST(m.in_proj_weight.abs().max().item() > 0.95 * bound);
  BOOST_TEST(std::abs(m.bias_k.std().item() - 1 / 8.0) < 0.05);
  BOOST_TEST(m.out_proj.weight.abs().max().item() <= 1 / 8.0);
  for (const Tensor& t : {Tensor(m.in_proj_bias), Tensor(m.out_proj.bias)}) BOOST_TEST((t == 0).all().item<bool>());

  const MultiheadAttention other(4, 2, {.kdim = 3, .vdim = 5});
  BOOST_TEST(names(other) == "q_proj_weight k_proj_weight v_proj_weight in_proj_bias out_proj.weight out_proj.bias");
  BOOST_TEST((other.k_proj_weight.shape() == Shape{4, 3} && other.v_proj_weight.shape() == Shape{4, 5}));
  BOOST_TEST(names(MultiheadAttention(4, 2, {.bias = false})) == "in_proj_weight out_proj.weight");
}

BOOST_AUTO_TEST_CASE(with_and_without_weights_the_result_is_the_same) {
  for (const bool batch_first : {false, true}) {
    MultiheadAttention m = attention(12, 3, {.add_bias_kv = true, .add_zero_attn = true, .batch_first = batch_first});
    const Shape of_query = batch_first ? Shape{2, 70, 12} : Shape{70, 2, 12};
    const Shape of_key = batch_first ? Shape{2, 150, 12} : Shape{150, 2, 12};
    const Tensor q = normal(of_query, true), k = normal(of_key, true), v = normal(of_key, true);
    for (const Shape& mask : {Shape{70, 150}, Shape{6, 70, 150}}) {
      MultiheadAttentionCall call{.key_padding_mask = rand({2, 150}) < 0.2, .attn_mask = rand(mask) < 0.2};
      const auto [y, weights] = m(q, k, v, call);
      BOOST_TEST(weights.shape() == (Shape{2, 70, 152}));
      BOOST_TEST(allclose(weights.sum(-1), ones({2, 70}, {.dtype = float64}), 1e-12, 1e-12));
      call.need_weights = false;
      const auto [z, none] = m(q, k, v, call);
      BOOST_TEST(!none.defined());
      BOOST_TEST(allclose(y, z, 1e-11, 1e-11));
      std::vector<Tensor> of = m.parameters();
      of.insert(of.end(), {q, k, v});
      const auto stored = autograd::grad({square(y).sum()}, of), in_blocks = autograd::grad({square(z).sum()}, of);
      for (std::size_t i = 0; i < of.size(); ++i)
        BOOST_TEST(allclose(stored[i], in_blocks[i], 1e-9, 1e-9), "gradient " << i);
    }
  }
}

BOOST_AUTO_TEST_CASE(one_input_as_query_key_and_value_is_three_inputs_alike) {
  MultiheadAttention m = attention(12, 3);
  const Tensor x = normal({9, 2, 12}, true), a = x.detach().clone(), b = x.detach().clone();
  for (const bool need_weights : {false, true}) {
    const MultiheadAttentionCall call{.need_weights = need_weights};
    const Tensor same = m(x, x, x, call).first;
    BOOST_TEST(allclose(same, m(x, a, a, call).first, 1e-12, 1e-12));
    BOOST_TEST(allclose(same, m(x, a, b, call).first, 1e-12, 1e-12));
  }
}

BOOST_AUTO_TEST_CASE(without_a_batch_and_batch_first) {
  MultiheadAttention m = attention(6, 2), first = attention(6, 2, {.batch_first = true});
  nn::clone_into(first, m);
  const Tensor q = normal({5, 6}), k = normal({7, 6});
  const Tensor padding = rand({7}) < 0.3;
  const auto [y, weights] = m(q, k, k, {.key_padding_mask = padding});
  BOOST_TEST((y.shape() == Shape{5, 6} && weights.shape() == Shape{5, 7}));
  const auto [z, of_batch] =
      first(q.unsqueeze(0), k.unsqueeze(0), k.unsqueeze(0), {.key_padding_mask = padding.unsqueeze(0)});
  BOOST_TEST(allclose(y, z[0], 1e-12, 1e-12));
  BOOST_TEST(allclose(weights, of_batch[0], 1e-12, 1e-12));
  BOOST_TEST(first(q, k, k, {.average_attn_weights = false}).second.shape() == (Shape{2, 5, 7}));
  BOOST_TEST(m(normal({5, 0, 6}), normal({7, 0, 6}), normal({7, 0, 6})).first.shape() == (Shape{5, 0, 6}));
}

BOOST_AUTO_TEST_CASE(a_sample_of_padding_alone_gives_weights_zero_and_no_gradient) {
  MultiheadAttention m = attention(4, 2);
  const Tensor x = normal({3, 2, 4}, true);
  const Tensor padding = tensor({{true, true, true}, {false, false, true}});
  for (const bool need_weights : {false, true}) {
    const auto [y, weights] = m(x, x, x, {.key_padding_mask = padding, .need_weights = need_weights});
    BOOST_TEST(allclose(y.select(1, 0), m.out_proj.bias.expand({3, 4}), 0, 0));
    if (need_weights) BOOST_TEST((weights[0] == 0).all().item<bool>());
    const Tensor g = autograd::grad({square(y).sum()}, {x})[0];
    BOOST_TEST((g.select(1, 0) == 0).all().item<bool>());
    BOOST_TEST(isfinite(g).all().item<bool>());
  }
}

BOOST_AUTO_TEST_CASE(derivatives_with_every_option) {
  MultiheadAttention m = attention(4, 2, {.add_bias_kv = true, .add_zero_attn = true, .kdim = 3, .vdim = 5});
  std::vector<Tensor> inputs = {normal({2, 2, 4}, true), normal({3, 2, 3}, true), normal({3, 2, 5}, true)};
  for (const bool need_weights : {false, true}) {
    const auto f = [&](const std::vector<Tensor>& x) {
      return m(x[0], x[1], x[2],
               {.key_padding_mask = tensor({{false, true, false}, {false, false, false}}),
                .need_weights = need_weights})
          .first;
    };
    autograd::require_gradcheck(f, inputs);
    autograd::require_gradgradcheck(f, inputs);
  }
}

BOOST_AUTO_TEST_CASE(dropout_is_for_training) {
  MultiheadAttention m = attention(8, 2, {.dropout = 0.5});
  const Tensor x = normal({20, 1, 8});
  for (const bool need_weights : {false, true}) {
    const MultiheadAttentionCall call{.need_weights = need_weights};
    m.train();
    BOOST_TEST(!equal(m(x, x, x, call).first, m(x, x, x, call).first));
    m.eval();
    BOOST_TEST(equal(m(x, x, x, call).first, m(x, x, x, call).first));
  }
  m.train();
  // What is returned are the weights after dropout.
  const Tensor weights = m(x, x, x, {.average_attn_weights = false}).second;
  const double share = (weights == 0).to(float64).mean().item();
  BOOST_TEST((share > 0.35 && share < 0.65));
}

BOOST_AUTO_TEST_CASE(hooks_see_query_and_result_and_errors_name_the_path) {
  struct Net : nn::Module {
    MultiheadAttention attention = add("attention", MultiheadAttention(4, 2));
    Tensor forward(const Tensor& x) override { return attention(x, x, x).first; }
  };
  Net net;
  int calls = 0;
  net.attention.register_forward_hook([&](nn::Module&, const Tensor& query, const Tensor& output) {
    ++calls;
    BOOST_TEST(query.shape() == output.shape());
  });
  net(zeros({3, 1, 4}));
  BOOST_TEST(calls == 1);
  check_error<ShapeError>([&] { net(zeros({3, 1, 5})); },
                          "attention (MultiheadAttention): multi_head_attention_forward: was expecting "
                          "embedding dimension of 4, but got 5");
}

BOOST_AUTO_TEST_CASE(prints_its_options_and_counts_its_products) {
  const MultiheadAttention m(8, 2, {.batch_first = true});
  BOOST_TEST(m.to_string() ==
             "MultiheadAttention(\n  embed_dim=8, num_heads=2, batch_first=True\n"
             "  (out_proj): Linear(in_features=8, out_features=8, bias=True)\n)");
  // 4 projections of 3 x 8 numbers, and 3 x 3 scores, used twice.
  BOOST_TEST(m.macs({1, 3, 8}) == 4 * 3 * 8 * 8 + 2 * 3 * 3 * 8);
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_named) {
  const std::string op = "multi_head_attention_forward: ";
  check_error<ValueError>([] { MultiheadAttention(4, 3); }, "embed_dim must be divisible by num_heads");
  check_error<ValueError>([] { MultiheadAttention(0, 1); }, "embed_dim and num_heads must be greater than 0");
  check_error<ValueError>([] { MultiheadAttention(4, 2, {.dropout = 2}); },
                          "dropout probability has to be between 0 and 1");
  check_error<ValueError>([] { MultiheadAttention(4, 2, {.kdim = 0}); }, "kdim and vdim must be greater than 0");
  MultiheadAttention m(4, 2);
  const Tensor q = zeros({2, 1, 4}), k = zeros({3, 1, 4});
  const auto call = [&m](const Tensor& a, const Tensor& b, const Tensor& c, const MultiheadAttentionCall& o = {}) {
    return [&m, a, b, c, o] { m(a, b, c, o); };
  };
  check_error<ShapeError>(call(zeros({2, 1, 5}), k, k), op + "was expecting embedding dimension of 4, but got 5");
  check_error<ShapeError>(call(q, zeros({3, 1, 5}), zeros({3, 1, 5})),
                          op + "was expecting embedding dimension of 4 for key and value");
  check_error<ShapeError>(call(q, k, q), op + "key's sequence and batch dims [3, 1] do not match value's [2, 1]");
  check_error<ShapeError>(call(q, zeros({3, 2, 4}), zeros({3, 2, 4})),
                          op + "query has a batch of 1, key and value have one of 2");
  check_error<ShapeError>(
      call(zeros({2, 4}), k, k),
      op + "for unbatched (2-D) `query`, expected `key` and `value` to be 2-D but found 3-D and 3-D");
  check_error<ShapeError>(call(zeros({4}), k, k),
                          op + "query should be unbatched 2D or batched 3D tensor but received 1-D");
  check_error<ShapeError>(call(q, k, k, {.attn_mask = zeros({3, 2})}),
                          op + "The shape of the 2D attn_mask is [3, 2], but should be (2, 3).");
  check_error<ShapeError>(call(q, k, k, {.attn_mask = zeros({3, 2, 3})}),
                          op + "The shape of the 3D attn_mask is [3, 2, 3], but should be (2, 2, 3).");
  check_error<ShapeError>(call(q, k, k, {.attn_mask = zeros({3})}), op + "attn_mask's dimension 1 is not supported");
  check_error<ShapeError>(call(q, k, k, {.key_padding_mask = zeros({1, 2})}),
                          op + "expecting key_padding_mask shape of (1, 3), but got [1, 2]");
  check_error<DTypeError>(call(q, k, k, {.attn_mask = zeros({2, 3}, {.dtype = int64})}),
                          op + "only bool and floating types of attn_mask are supported, not int64");
  check_error<ValueError>(call(q, k, k, {.is_causal = true}), op + "need attn_mask if specifying the is_causal hint");
  check_error<ValueError>([&] { F::multi_head_attention_forward(q, k, k, 2, {}); },
                          op + "needs out_proj_weight, and in_proj_weight");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(transformer, Seeded)

BOOST_AUTO_TEST_CASE(copies_of_a_layer_begin_alike_and_go_their_own_ways) {
  nn::TransformerEncoderLayer layer(8, 2, {.dim_feedforward = 16, .activation = "gelu"});
  layer.to(float64);
  layer.eval();
  nn::TransformerEncoder encoder(layer, 3, nn::LayerNorm(8));
  BOOST_TEST(encoder.layers.size() == 3u);
  BOOST_TEST(names(encoder).find("layers.2.norm2.bias norm.weight norm.bias") != std::string::npos);
  for (int i = 0; i < 3; ++i) {
    auto& copy = encoder.layers.at<nn::TransformerEncoderLayer>(i);
    BOOST_TEST(equal(copy.linear1.weight, layer.linear1.weight));
    BOOST_TEST(!copy.is_training());
    BOOST_TEST(copy.linear1.weight.dtype() == float64);
  }
  {
    NoGradGuard no_grad;
    encoder.layers.at<nn::TransformerEncoderLayer>(0).linear1.weight.zero_();
  }
  BOOST_TEST(!equal(layer.linear1.weight, zeros({16, 8}, {.dtype = float64})));
  BOOST_TEST(
      !equal(encoder.layers.at<nn::TransformerEncoderLayer>(1).linear1.weight, zeros({16, 8}, {.dtype = float64})));
}

BOOST_AUTO_TEST_CASE(an_encoder_is_its_layers_one_after_the_other_and_may_stand_in_a_sequence) {
  nn::TransformerEncoder encoder(nn::TransformerEncoderLayer(8, 2, {.dim_feedforward = 16}), 2, nn::LayerNorm(8));
  encoder.eval();
  const Tensor x = randn({5, 3, 8}), padding = rand({3, 5}) < 0.3;
  Tensor y = x;
  for (int i = 0; i < 2; ++i)
    y = encoder.layers.at<nn::TransformerEncoderLayer>(i)(y, {.src_key_padding_mask = padding});
  y = (*encoder.norm)(y);
  BOOST_TEST(equal(encoder(x, {.src_key_padding_mask = padding}), y));
  nn::Sequential net(nn::TransformerEncoderLayer(8, 2), nn::Linear(8, 1));
  BOOST_TEST(net(x).shape() == (Shape{5, 3, 1}));
}

BOOST_AUTO_TEST_CASE(a_causal_decoder_does_not_see_what_comes) {
  nn::TransformerDecoder decoder(
      nn::TransformerDecoderLayer(8, 2, {.dim_feedforward = 16, .batch_first = true, .norm_first = true}), 2);
  decoder.eval();
  const Tensor memory = randn({2, 4, 8});
  Tensor x = randn({2, 6, 8});
  const nn::TransformerDecoderCall call{.tgt_mask = nn::Transformer::generate_square_subsequent_mask(6),
                                        .tgt_is_causal = true};
  const Tensor y = decoder(x, memory, call);
  x.select(1, 5).fill_(100);
  const Tensor z = decoder(x, memory, call);
  BOOST_TEST(allclose(y.narrow(1, 0, 5), z.narrow(1, 0, 5), 1e-6, 1e-6));
  BOOST_TEST(!allclose(y.select(1, 5), z.select(1, 5), 1e-3, 1e-3));
}

BOOST_AUTO_TEST_CASE(an_activation_is_a_name_or_a_function) {
  const Tensor x = randn({5, 1, 8});
  const auto result = [&](const nn::TransformerActivation& activation) {
    manual_seed(1);
    nn::TransformerEncoderLayer layer(8, 2, {.dropout = 0, .activation = activation});
    return layer(x);
  };
  BOOST_TEST(equal(result("gelu"), result([](const Tensor& t) { return gelu(t); })));
  BOOST_TEST(equal(result("relu"), result([](const Tensor& t) { return relu(t); })));
  BOOST_TEST(!equal(result("relu"), result([](const Tensor& t) { return silu(t); })));
  check_error<ValueError>([] { nn::TransformerEncoderLayer(8, 2, {.activation = "elu"}); },
                          "TransformerEncoderLayer: activation should be relu/gelu, not elu");
  check_error<ValueError>([] { nn::TransformerDecoderLayer(8, 2, {.activation = std::string("tanh")}); },
                          "TransformerDecoderLayer: activation should be relu/gelu, not tanh");
}

BOOST_AUTO_TEST_CASE(a_transformer_is_an_encoder_and_a_decoder) {
  nn::Transformer model(8, 2, {.num_encoder_layers = 1, .num_decoder_layers = 2, .dim_feedforward = 16, .dropout = 0});
  BOOST_TEST(names(model).substr(0, 39) == std::string("encoder.layers.0.self_attn.in_proj_weight").substr(0, 39));
  const Tensor src = randn({4, 3, 8}), tgt = randn({5, 3, 8});
  const Tensor mask = nn::Transformer::generate_square_subsequent_mask(5);
  const Tensor y = model(src, tgt, {.tgt_mask = mask});
  BOOST_TEST(equal(y, model.decoder(tgt, model.encoder(src), {.tgt_mask = mask})));
  BOOST_TEST(equal(mask, tensor({{0.0, -INFINITY, -INFINITY, -INFINITY, -INFINITY},
                                 {0.0, 0.0, -INFINITY, -INFINITY, -INFINITY},
                                 {0.0, 0.0, 0.0, -INFINITY, -INFINITY},
                                 {0.0, 0.0, 0.0, 0.0, -INFINITY},
                                 {0.0, 0.0, 0.0, 0.0, 0.0}},
                                {.dtype = float32})));
  y.sum().backward();
  for (const auto& [name, p] : model.named_parameters()) BOOST_TEST(p.grad().defined(), name);
  // All matrices start xavier uniform, also those of the layers' linear parts.
  const Tensor w = model.encoder.layers.at<nn::TransformerEncoderLayer>(0).linear1.weight;
  BOOST_TEST(w.abs().max().item() > 1 / std::sqrt(8.0));

  nn::Transformer custom(8, 2, nn::TransformerEncoder(nn::TransformerEncoderLayer(8, 4), 1),
                         nn::TransformerDecoder(nn::TransformerDecoderLayer(8, 4), 1));
  BOOST_TEST(custom(src, tgt).shape() == (Shape{5, 3, 8}));
}

BOOST_AUTO_TEST_CASE(the_feed_forward_part_and_the_hints_change_nothing) {
  nn::TransformerEncoderLayer layer(8, 2, {.dropout = 0});
  const Tensor x = randn({6, 2, 8}), mask = nn::Transformer::generate_square_subsequent_mask(6);
  BOOST_TEST(equal(layer(x, {.src_mask = mask}), layer(x, {.src_mask = mask, .is_causal = true})));
  BOOST_TEST(!allclose(layer(x, {.src_mask = mask}), layer(x), 1e-3, 1e-3));
  check_error<ValueError>([&] { layer(x, {.is_causal = true}); },
                          "self_attn (MultiheadAttention): multi_head_attention_forward: need attn_mask");
}

BOOST_AUTO_TEST_CASE(derivatives_of_the_first_and_second_order) {
  for (const bool norm_first : {false, true}) {
    nn::TransformerDecoderLayer layer(
        4, 2, {.dim_feedforward = 3, .dropout = 0, .activation = "gelu", .norm_first = norm_first});
    layer.to(float64);
    const auto f = [&](const std::vector<Tensor>& x) { return layer(x[0], x[1]); };
    const std::vector<Tensor> inputs = {normal({2, 1, 4}, true), normal({3, 1, 4}, true)};
    autograd::require_gradcheck(f, inputs);
    autograd::require_gradgradcheck(f, inputs);
  }
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_named) {
  check_error<ValueError>([] { nn::TransformerEncoderLayer(4, 3); }, "embed_dim must be divisible by num_heads");
  check_error<ValueError>([] { nn::TransformerEncoder(nn::TransformerEncoderLayer(4, 2), -1); },
                          "TransformerEncoder: num_layers must not be negative or above 100000, but is -1");
  check_error<ValueError>([] { nn::TransformerDecoder(nn::TransformerDecoderLayer(4, 2), -1); },
                          "TransformerDecoder: num_layers must not be negative or above 100000, but is -1");
  check_error<ValueError>([] { F::generate_square_subsequent_mask(-1); }, "the size must not be negative, got -1");
  check_error<DTypeError>([] { F::generate_square_subsequent_mask(2, {.dtype = int64}); },
                          "-inf needs a floating dtype, not int64");
  nn::Transformer model(2, 1, {.num_encoder_layers = 1, .num_decoder_layers = 1, .dim_feedforward = 2});
  check_error<ShapeError>([&] { model(zeros({2, 1, 2}), zeros({2, 2, 2})); },
                          "the batch number of src and tgt must be equal");
  check_error<ShapeError>([&] { model(zeros({2, 1, 3}), zeros({2, 1, 2})); },
                          "the feature number of src and tgt must be equal to d_model = 2");
  check_error<ShapeError>([&] { model(zeros({2, 2}), zeros({2, 1, 2})); }, "src and tgt are (L, N, E) or (L, E) alike");
  nn::TransformerEncoder encoder(nn::TransformerEncoderLayer(4, 2), 2);
  check_error<ShapeError>(
      [&] { encoder(zeros({2, 1, 3})); },
      "0.self_attn (MultiheadAttention): multi_head_attention_forward: was expecting embedding dimension of 4");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(positions, Seeded)

BOOST_AUTO_TEST_CASE(sines_and_cosines_of_falling_frequencies) {
  const Tensor p = F::sinusoidal_positions(4, 6, 100, {.dtype = float64});
  for (std::int64_t t = 0; t < 4; ++t)
    for (std::int64_t i = 0; i < 3; ++i) {
      const double angle = static_cast<double>(t) * std::pow(100, -2 * static_cast<double>(i) / 6);
      BOOST_TEST(std::abs(p[t][2 * i].item() - std::sin(angle)) < 1e-12);
      BOOST_TEST(std::abs(p[t][2 * i + 1].item() - std::cos(angle)) < 1e-12);
    }
  BOOST_TEST(F::sinusoidal_positions(3, 5).shape() == (Shape{3, 5}));
  BOOST_TEST(F::sinusoidal_positions(0, 4).shape() == (Shape{0, 4}));
}

BOOST_AUTO_TEST_CASE(the_encoding_is_added_and_not_saved) {
  nn::PositionalEncoding first(4, {.dropout = 0, .max_len = 10, .batch_first = true}),
      last(4, {.dropout = 0, .max_len = 10});
  BOOST_TEST(first.state_dict().empty());
  const Tensor x = randn({2, 7, 4}), table = F::sinusoidal_positions(7, 4);
  BOOST_TEST(equal(first(x), x + table));
  BOOST_TEST(equal(last(x.transpose(0, 1)).transpose(0, 1), x + table));
  BOOST_TEST(equal(first(x[0]), x[0] + table));
  nn::PositionalEncoding drops(4);
  const Tensor dropped = drops(x);
  BOOST_TEST(!equal(dropped, drops.eval()(x)));
  check_error<ShapeError>([&] { first(zeros({2, 11, 4})); },
                          "PositionalEncoding: a sequence of 11 is longer than max_len = 10");
  check_error<ShapeError>([&] { first(zeros({2, 7, 5})); }, "PositionalEncoding: takes");
  check_error<ValueError>([] { nn::PositionalEncoding(-1); }, "must not be negative");
  check_error<ValueError>([] { nn::PositionalEncoding(4, {.dropout = -1}); },
                          "dropout probability has to be between 0 and 1");
}

BOOST_AUTO_TEST_CASE(rotated_products_depend_on_the_distance_alone) {
  for (const bool interleaved : {true, false}) {
    const Tensor q = normal({1, 8}), k = normal({1, 8});
    const auto product = [&](std::int64_t i, std::int64_t j) {
      const Tensor a = F::rotary_embedding(q, {.offset = i, .interleaved = interleaved});
      const Tensor b = F::rotary_embedding(k, {.offset = j, .interleaved = interleaved});
      return (a * b).sum().item();
    };
    BOOST_TEST(std::abs(product(3, 1) - product(12, 10)) < 1e-12);
    BOOST_TEST(std::abs(product(3, 1) - product(3, 2)) > 1e-3);
    BOOST_TEST(std::abs(product(0, 0) - (q * k).sum().item()) < 1e-12);
  }
}

BOOST_AUTO_TEST_CASE(a_rotation_turns_pairs_and_keeps_lengths) {
  const Tensor x = tensor({{1.0, 0.0, 0.0, 2.0}, {1.0, 0.0, 0.0, 2.0}});
  const double c = std::cos(1.0), s = std::sin(1.0), c2 = std::cos(0.01), s2 = std::sin(0.01);
  check_close(F::rotary_embedding(x)[1], {c, s, -2 * s2, 2 * c2}, 1e-6);
  check_close(F::rotary_embedding(x, {.interleaved = false})[1], {c, -2 * s2, s, 2 * c2}, 1e-6);
  const Tensor y = normal({2, 3, 5, 6}, true);
  BOOST_TEST(allclose(square(nn::RotaryEmbedding()(y)).sum(-1), square(y).sum(-1), 1e-12, 1e-12));
  autograd::require_gradcheck([](const std::vector<Tensor>& v) { return F::rotary_embedding(v[0]); }, {y});
  check_error<ShapeError>([] { F::rotary_embedding(zeros({2, 3})); },
                          "rotary_embedding: takes (..., L, dim) with an even dim, got shape [2, 3]");
  check_error<ValueError>([] { F::rotary_embedding(zeros({2, 4}), {.base = -1}); },
                          "rotary_embedding: base must be positive, but is -1");
  check_error<ValueError>([] { F::rotary_embedding(zeros({2, 4}), {.offset = -1}); },
                          "the offset must not be negative, got -1");
}

BOOST_AUTO_TEST_SUITE_END()
