#include "slope/nn/layers/attention.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "slope/autograd/core/parallel.h"
#include "slope/autograd/core/pool.h"
#include "slope/autograd/core/random.h"
#include "slope/autograd/engine/backward.h"
#include "slope/autograd/engine/gradcheck.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/random.h"
#include "slope/nn/functional.h"
#include "support/checks.h"

using namespace slope;

namespace {

using Options = nn::ScaledDotProductAttentionOptions;

struct Seeded {
  Seeded() { manual_seed(11); }
};

Tensor normal(const Shape& shape, bool grad = true) { return randn(shape, {.dtype = float64, .requires_grad = grad}); }

/// The definition, by operations that store the weights.
Tensor plain(const Tensor& q, const Tensor& k, const Tensor& v, const Options& o = {}) {
  const double hidden = -std::numeric_limits<double>::infinity();
  Tensor scores = matmul(q, k.transpose(-1, -2)) * o.scale.value_or(1 / std::sqrt(static_cast<double>(q.size(-1))));
  if (o.is_causal) scores = where(arange(k.size(-2)) <= unsqueeze(arange(q.size(-2)), 1), scores, hidden);
  if (o.attn_mask.defined())
    scores = o.attn_mask.dtype() == boolean ? where(o.attn_mask, scores, hidden) : scores + o.attn_mask;
  const Tensor seen = any(scores.detach() != hidden, -1, true);
  return matmul(where(seen, softmax(where(seen, scores, 0.0), -1), 0.0), v);
}

void agree(const Tensor& q, const Tensor& k, const Tensor& v, const Options& o, double tolerance = 1e-11) {
  const Tensor y = F::scaled_dot_product_attention(q, k, v, o), expected = plain(q, k, v, o);
  BOOST_TEST(y.shape() == expected.shape());
  BOOST_TEST(allclose(y, expected, tolerance, tolerance));
  const Tensor g = randn(y.shape(), {.dtype = y.dtype()});
  const auto got = autograd::grad({(y * g).sum()}, {q, k, v}, {.retain_graph = true});
  const auto wanted = autograd::grad({(expected * g).sum()}, {q, k, v});
  const auto recorded = autograd::grad({(y * g).sum()}, {q, k, v}, {.create_graph = true});
  for (std::size_t i = 0; i < 3; ++i) {
    BOOST_TEST_CONTEXT("gradient " << i) {
      BOOST_TEST(allclose(got[i], wanted[i], tolerance, tolerance));
      BOOST_TEST(allclose(recorded[i], wanted[i], tolerance, tolerance));
    }
  }
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(attention, Seeded)

BOOST_AUTO_TEST_CASE(any_number_of_queries_and_keys_gives_what_the_definition_gives) {
  for (const auto& [queries, keys] : std::vector<std::pair<std::int64_t, std::int64_t>>{
           {1, 1}, {1, 300}, {63, 5}, {64, 128}, {65, 129}, {200, 3}, {130, 420}})
    BOOST_TEST_CONTEXT(queries << " queries, " << keys << " keys")
  agree(normal({2, queries, 12}), normal({2, keys, 12}), normal({2, keys, 7}), {.scale = 0.4});
}

BOOST_AUTO_TEST_CASE(any_width_gives_what_the_definition_gives) {
  for (const std::int64_t width : {1, 3, 64, 200, 700}) BOOST_TEST_CONTEXT("width " << width)
  agree(normal({90, width}), normal({150, width}), normal({150, 2 * width}), {});
}

BOOST_AUTO_TEST_CASE(floats_are_as_exact_as_their_products) {
  const auto single = [](const Shape& s) { return randn(s, {.requires_grad = true}); };
  agree(single({3, 140, 32}), single({3, 300, 32}), single({3, 300, 32}), {.is_causal = true}, 2e-5);
}

BOOST_AUTO_TEST_CASE(causal_attention_sees_the_lower_triangle) {
  for (const auto& [queries, keys] :
       std::vector<std::pair<std::int64_t, std::int64_t>>{{5, 5}, {70, 200}, {200, 70}, {257, 257}, {300, 64}})
    BOOST_TEST_CONTEXT(queries << " queries, " << keys << " keys")
  agree(normal({2, queries, 6}), normal({2, keys, 6}), normal({2, keys, 6}), {.is_causal = true});
}

BOOST_AUTO_TEST_CASE(masks_of_every_shape_that_broadcasts) {
  const std::int64_t queries = 70, keys = 150;
  const Tensor q = normal({2, 3, queries, 6}), k = normal({2, 3, keys, 6}), v = normal({2, 3, keys, 4});
  for (const Shape& shape : {Shape{}, Shape{keys}, Shape{queries, 1}, Shape{queries, keys}, Shape{3, queries, keys},
                             Shape{2, 1, 1, keys}, Shape{2, 3, queries, keys}, Shape{1, 3, 1, 1}})
    BOOST_TEST_CONTEXT("mask of shape " << shape) {
      agree(q, k, v, {.attn_mask = rand(shape) < 0.6});
      agree(q, k, v, {.attn_mask = randn(shape, {.dtype = float64})});
      agree(q, k, v, {.attn_mask = where(rand(shape) < 0.3, -INFINITY, randn(shape, {.dtype = float64}))});
    }
  // One with more dimensions than the query makes a batch of the result.
  agree(normal({queries, 6}), normal({keys, 6}), normal({keys, 4}), {.attn_mask = rand({2, queries, keys}) < 0.5});
  // A triangle, of which whole blocks are hidden.
  agree(q, k, v, {.attn_mask = tril(ones({queries, keys})) != 0});
  agree(q, k, v, {.attn_mask = triu(ones({queries, keys})) != 0});
}

BOOST_AUTO_TEST_CASE(a_floating_mask_has_a_gradient) {
  const Tensor q = normal({2, 3, 4}), k = normal({2, 5, 4}), v = normal({2, 5, 2}), mask = normal({3, 5});
  const auto f = [](const std::vector<Tensor>& x) {
    return F::scaled_dot_product_attention(x[0], x[1], x[2], {.attn_mask = x[3]});
  };
  autograd::require_gradcheck(f, {q, k, v, mask});
  autograd::require_gradgradcheck(f, {q, k, v, mask});
}

BOOST_AUTO_TEST_CASE(leading_sizes_broadcast_and_gradients_are_summed_back) {
  agree(normal({4, 70, 6}), normal({140, 6}), normal({1, 140, 3}), {});
  agree(normal({70, 6}), normal({2, 1, 40, 6}), normal({3, 40, 3}), {.is_causal = true});
}

BOOST_AUTO_TEST_CASE(grouped_heads_are_repeated_heads) {
  const Tensor q = normal({2, 6, 70, 4}), k = normal({2, 2, 90, 4}), v = normal({2, 2, 90, 3});
  const Tensor mask = rand({2, 6, 70, 90}) < 0.7;
  const Tensor y = F::scaled_dot_product_attention(q, k, v, {.attn_mask = mask, .enable_gqa = true});
  const Tensor expected = plain(q, repeat_interleave(k, 3, 1), repeat_interleave(v, 3, 1), {.attn_mask = mask});
  BOOST_TEST(allclose(y, expected, 1e-12, 1e-12));
  const auto got = autograd::grad({square(y).sum()}, {q, k, v}),
             wanted = autograd::grad({square(expected).sum()}, {q, k, v});
  for (std::size_t i = 0; i < 3; ++i) BOOST_TEST(allclose(got[i], wanted[i], 1e-11, 1e-11));
}

BOOST_AUTO_TEST_CASE(derivatives_of_the_first_and_second_order) {
  const auto check = [](const Options& o) {
    const auto f = [&o](const std::vector<Tensor>& x) { return F::scaled_dot_product_attention(x[0], x[1], x[2], o); };
    const std::vector<Tensor> inputs = {normal({2, 3, 4}), normal({2, 5, 4}), normal({2, 5, 2})};
    autograd::require_gradcheck(f, inputs);
    autograd::require_gradgradcheck(f, inputs);
  };
  check({});
  check({.is_causal = true});
  check({.attn_mask = tensor(
             {{true, false, true, true, false}, {false, false, false, false, false}, {true, true, true, true, true}})});
  check({.scale = -2.0});
}

BOOST_AUTO_TEST_CASE(layouts_and_threads_change_no_bit) {
  const int threads = get_num_threads();
  const auto run = [](bool strided) {
    manual_seed(4);
    std::vector<Tensor> x;
    for (const std::int64_t rows : {300, 400, 400}) {
      const Tensor t = randn({2, rows, 16});
      // Heads cut from one wide row, as a projection gives them.
      x.push_back(strided ? t.permute({1, 0, 2}).contiguous().permute({1, 0, 2}) : t);
      x.back().requires_grad_();
    }
    manual_seed(5);
    const Tensor y = F::scaled_dot_product_attention(x[0], x[1], x[2], {.dropout_p = 0.2, .is_causal = true});
    std::vector<Tensor> all = autograd::grad({square(y).sum()}, x);
    all.push_back(y.detach());
    return all;
  };
  set_num_threads(1);
  const auto expected = run(false);
  for (const int n : {1, 2, 5}) {
    set_num_threads(n);
    for (const bool strided : {false, true}) {
      const auto got = run(strided);
      for (std::size_t i = 0; i < got.size(); ++i)
        BOOST_TEST(equal(got[i], expected[i]), n << " threads, result " << i);
    }
  }
  set_num_threads(threads);
}

BOOST_AUTO_TEST_CASE(the_result_lies_in_memory_as_the_query_does) {
  const Tensor wide = randn({30, 2, 3, 8});  // positions, batch, heads, features
  const Tensor q = wide.permute({1, 2, 0, 3});
  const Tensor y = F::scaled_dot_product_attention(q, q, q);
  BOOST_TEST(y.permute({2, 0, 1, 3}).is_contiguous());
}

BOOST_AUTO_TEST_CASE(a_query_without_keys_gives_zero_and_passes_no_gradient) {
  const Tensor q = normal({3, 4}), k = normal({5, 4}), v = normal({5, 2});
  const Tensor mask = tensor(
      {{true, true, false, true, true}, {false, false, false, false, false}, {true, false, false, false, false}});
  for (const Tensor& m : {mask, where(mask, zeros({3, 5}, {.dtype = float64}), -INFINITY)}) {
    const Tensor y = F::scaled_dot_product_attention(q, k, v, {.attn_mask = m});
    BOOST_TEST(equal(y[1], zeros({2}, {.dtype = float64})));
    for (const bool record : {false, true}) {
      const auto g = autograd::grad({y.sum()}, {q, k, v}, {.retain_graph = true, .create_graph = record});
      BOOST_TEST(equal(g[0][1], zeros({4}, {.dtype = float64})));
      for (const Tensor& t : g) BOOST_TEST(isfinite(t).all().item<bool>());
    }
  }
  const Tensor none =
      F::scaled_dot_product_attention(q, zeros({0, 4}, {.dtype = float64}), zeros({0, 2}, {.dtype = float64}));
  BOOST_TEST(equal(none, zeros({3, 2}, {.dtype = float64})));
}

BOOST_AUTO_TEST_CASE(hidden_keys_contribute_nothing_whatever_they_hold) {
  for (const double bad : {std::nan(""), HUGE_VAL}) {
    const Tensor q = normal({70, 4});
    Tensor k = normal({150, 4}, false), v = normal({150, 3}, false);
    const Tensor kept = arange(150) < 130, clean_k = k.clone(), clean_v = v.clone();
    for (Tensor t : {k, v}) t.narrow(0, 130, 20).fill_(bad);
    for (const Tensor& t : {k, v, clean_k, clean_v}) Tensor(t).requires_grad_();
    const Tensor y = F::scaled_dot_product_attention(q, k, v, {.attn_mask = kept});
    const Tensor expected = F::scaled_dot_product_attention(q, clean_k, clean_v, {.attn_mask = kept});
    BOOST_TEST(allclose(y, expected, 1e-12, 1e-12));
    const auto got = autograd::grad({square(y).sum()}, {q, k, v});
    const auto wanted = autograd::grad({square(expected).sum()}, {q, clean_k, clean_v});
    for (std::size_t i = 0; i < 3; ++i) BOOST_TEST(allclose(got[i], wanted[i], 1e-11, 1e-11));
  }
}

BOOST_AUTO_TEST_CASE(what_is_not_a_number_stays_in_its_row) {
  Tensor q = normal({70, 4}, false);
  q[3].fill_(std::nan(""));
  const Tensor k = normal({20, 4}), v = normal({20, 3});
  q.requires_grad_();
  const Tensor y = F::scaled_dot_product_attention(q, k, v);
  BOOST_TEST(isnan(y).sum().item() == 3);
  BOOST_TEST(isnan(y[3]).all().item<bool>());
  // A zero gradient stays zero, also through that row.
  const Tensor g =
      where(unsqueeze(arange(70) == 3, 1), zeros({}, {.dtype = float64}), ones({70, 3}, {.dtype = float64}));
  for (const Tensor& t : autograd::grad({y}, {q, k, v}, {.grad_outputs = {g}}))
    BOOST_TEST(isfinite(t).all().item<bool>());
}

BOOST_AUTO_TEST_CASE(large_scores_do_not_overflow) {
  const Tensor q = full({2, 4}, 1e4, {.dtype = float64}), k = normal({300, 4}, false) * 1e4,
               v = normal({300, 3}, false);
  agree(q.clone().requires_grad_(), k.clone().requires_grad_(), v.clone().requires_grad_(), {});
}

BOOST_AUTO_TEST_CASE(dropout_drops_a_share_of_the_weights_and_keeps_the_mean) {
  // The identity as values shows the weights.
  const std::int64_t n = 300;
  const Tensor q = zeros({4, n, 2}, {.dtype = float64}), values = eye(n, n, {.dtype = float64});
  for (const double p : {0.1, 0.5}) {
    const Tensor w = F::scaled_dot_product_attention(q, q, values, {.dropout_p = p}) * static_cast<double>(n);
    const double share = (w == 0).to(float64).mean().item();
    BOOST_TEST(std::abs(share - p) < 5 * std::sqrt(p * (1 - p) / static_cast<double>(4 * n * n)));
    BOOST_TEST(allclose(where(w == 0, 1 / (1 - p), w), full({4, n, n}, 1 / (1 - p), {.dtype = float64}), 1e-12, 1e-12));
  }
  BOOST_TEST(
      equal(F::scaled_dot_product_attention(q, q, values, {.dropout_p = 1}), zeros({4, n, n}, {.dtype = float64})));
}

BOOST_AUTO_TEST_CASE(backward_drops_what_forward_dropped) {
  const Tensor q = normal({2, 70, 4}), k = normal({2, 150, 4}), v = normal({2, 150, 3});
  const auto f = [](const std::vector<Tensor>& x) {
    manual_seed(21);
    return F::scaled_dot_product_attention(x[0], x[1], x[2], {.dropout_p = 0.3, .is_causal = true});
  };
  autograd::require_gradcheck(f, {normal({2, 3, 2}), normal({2, 5, 2}), normal({2, 5, 2})});
  autograd::require_gradgradcheck(f, {normal({2, 3, 2}), normal({2, 5, 2}), normal({2, 5, 2})});
  const Tensor y = f({q, k, v});
  const auto got = autograd::grad({square(y).sum()}, {q, k, v}, {.retain_graph = true});
  const auto recorded = autograd::grad({square(y).sum()}, {q, k, v}, {.create_graph = true});
  for (std::size_t i = 0; i < 3; ++i) BOOST_TEST(allclose(got[i], recorded[i], 1e-11, 1e-11));
}

BOOST_AUTO_TEST_CASE(empty_batches_and_sizes) {
  for (const auto& [a, b, c] : std::vector<std::tuple<Shape, Shape, Shape>>{{{0, 2, 3}, {0, 4, 3}, {0, 4, 5}},
                                                                            {{2, 0, 3}, {2, 4, 3}, {2, 4, 5}},
                                                                            {{2, 3, 3}, {2, 0, 3}, {2, 0, 5}},
                                                                            {{2, 3, 0}, {2, 4, 0}, {2, 4, 5}},
                                                                            {{2, 3, 3}, {2, 4, 3}, {2, 4, 0}}}) {
    const Tensor q = normal(a), k = normal(b), v = normal(c);
    const Tensor y = F::scaled_dot_product_attention(q, k, v);
    BOOST_TEST(y.shape() == (Shape{a[0], a[1], c[2]}));
    BOOST_TEST(isfinite(y).all().item<bool>());
    const auto g = autograd::grad({y.sum()}, {q, k, v});
    BOOST_TEST((g[0].shape() == a && g[1].shape() == b && g[2].shape() == c));
  }
}

BOOST_AUTO_TEST_CASE(memory_grows_with_the_length) {
  // 16,384 queries and keys of one head of width 64: the weights alone would take a gigabyte.
  const auto peak = [](std::int64_t length) {
    const Tensor q = randn({length, 64}, {.requires_grad = true}), k = randn({length, 64}, {.requires_grad = true});
    const Tensor v = randn({length, 64}, {.requires_grad = true});
    memory::reset_peak();
    F::scaled_dot_product_attention(q, k, v, {.is_causal = true}).sum().backward();
    return static_cast<double>(memory::stats().peak) / 1e6;
  };
  const double quarter = peak(4096), whole = peak(16384);
  BOOST_TEST_MESSAGE("peak: " << quarter << " MB, " << whole << " MB");
  BOOST_TEST(whole < 200);
  BOOST_TEST(whole < 4.5 * quarter);
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_named) {
  const Tensor q = zeros({2, 3, 4}), k = zeros({2, 5, 4}), v = zeros({2, 5, 6});
  const auto attend = [](const Tensor& a, const Tensor& b, const Tensor& c, const Options& o = {}) {
    return [=] { F::scaled_dot_product_attention(a, b, c, o); };
  };
  const std::string op = "scaled_dot_product_attention: ";
  check_error<ShapeError>(
      attend(q, zeros({2, 5, 3}), v),
      op + "query and key must have the same last size; got a query of shape [2, 3, 4], a key of [2, 5, 3] "
           "and a value of [2, 5, 6]");
  check_error<ShapeError>(attend(q, k, zeros({2, 4, 6})), op + "key and value must have the same number of rows; got");
  check_error<ShapeError>(attend(zeros({4}), k, v),
                          op + "query, key and value need at least two dimensions, (..., L, E); got");
  check_error<ShapeError>(attend(q, zeros({3, 5, 4}), v), op + "the leading sizes do not broadcast; got");
  check_error<ShapeError>(attend(q, k, v, {.attn_mask = zeros({3, 4})}),
                          op + "attn_mask of shape [3, 4] does not broadcast to the scores' shape [2, 3, 5]");
  check_error<ShapeError>(attend(q, k, v, {.attn_mask = zeros({3, 3, 5})}), op + "attn_mask of shape [3, 3, 5]");
  check_error<ValueError>(attend(q, k, v, {.attn_mask = zeros({3, 5}), .is_causal = true}),
                          op + "explicit attn_mask should not be set when is_causal=True");
  check_error<ValueError>(attend(q, k, v, {.dropout_p = 1.5}),
                          op + "dropout probability has to be between 0 and 1, but got 1.5");
  check_error<DTypeError>(attend(q, k.to(float64), v),
                          op + "query, key and value must have one dtype, but are float32, float64 and float32");
  check_error<DTypeError>(attend(q, k, v, {.attn_mask = zeros({3, 5}, {.dtype = float64})}),
                          op + "attn_mask must be bool or have the query's dtype, float32, but is float64");
  check_error<DTypeError>(attend(q.to(int64), k, v), op);
  check_error<ShapeError>(attend(zeros({2, 3, 3, 4}), zeros({2, 2, 5, 4}), zeros({2, 2, 5, 4}), {.enable_gqa = true}),
                          op + "with enable_gqa key and value have the same number of heads");
  check_error<ValueError>(attend(q, Tensor(), v), op);
}

BOOST_AUTO_TEST_SUITE_END()
