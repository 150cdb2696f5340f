#include <boost/test/unit_test.hpp>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "slope/autograd/engine/backward.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/random.h"
#include "slope/gradcheck.h"
#include "slope/nn/functional.h"
#include "support/checks.h"

using namespace slope;

namespace {

constexpr TensorOptions float64_leaf{.dtype = float64, .requires_grad = true};

void check_gradients(const autograd::CheckedFunction& f, const std::vector<Tensor>& inputs) {
  const auto first = autograd::gradcheck(f, inputs);
  BOOST_TEST(first.ok, first.message);
  const auto second = autograd::gradgradcheck(f, inputs);
  BOOST_TEST(second.ok, second.message);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(layers)

// ---- linear

BOOST_AUTO_TEST_CASE(linear_takes_any_leading_dimensions) {
  nn::Linear layer(3, 2);
  {
    NoGradGuard no_grad;
    layer.weight.copy_(tensor({{1.0, 2.0, 3.0}, {0.0, -1.0, 1.0}}));
    layer.bias.copy_(tensor({0.5, -0.5}));
  }
  check_values(layer(tensor({1.0, 1.0, 2.0})), {9.5, 0.5});
  for (const Shape& lead : {Shape{}, Shape{4}, Shape{2, 5}, Shape{2, 1, 3}, Shape{0}, Shape{2, 0, 3}}) {
    Shape in = lead, out = lead;
    in.push_back(3);
    out.push_back(2);
    const Tensor x = rand(in);
    const Tensor y = layer(x);
    BOOST_TEST(to_text(y.shape()) == to_text(out));
    BOOST_TEST(allclose(y, matmul(x, layer.weight.t()) + layer.bias, 1e-6, 1e-6));
  }
}

BOOST_AUTO_TEST_CASE(linear_without_bias_has_one_parameter) {
  nn::Linear layer(3, 2, {.bias = false});
  BOOST_TEST(layer.parameters().size() == 1u);
  BOOST_TEST(!layer.bias.defined());
  BOOST_TEST(allclose(layer(ones({1, 3})), layer.weight.sum({1}).view({1, 2}), 1e-6, 1e-6));
  BOOST_TEST(layer.macs({5, 2}) == 30);
}

BOOST_AUTO_TEST_CASE(linear_refuses_what_does_not_fit) {
  nn::Linear layer(3, 2);
  check_error<ShapeError>([&] { layer(ones({4, 2})); }, "linear: ");
  check_error<DTypeError>([&] { layer(ones({4, 3}, {.dtype = float64})); }, "must have one dtype");
  check_error<ValueError>([] { nn::Linear(-1, 2); },
                          "Linear: in_features and out_features must not be negative, got -1 and 2");
}

BOOST_AUTO_TEST_CASE(linear_layers_follow_the_default_dtype) {
  set_default_dtype(float64);
  nn::Linear layer(3, 2);
  set_default_dtype(float32);
  BOOST_TEST((layer.weight.dtype() == float64));
  const Tensor x = randn({4, 3}, float64_leaf);
  check_gradients([&](const auto& in) { return F::linear(in[0], in[1], in[2]); }, {x, layer.weight, layer.bias});
}

BOOST_AUTO_TEST_CASE(bilinear_is_the_sum_over_both_inputs) {
  nn::Bilinear layer(2, 3, 4);
  BOOST_TEST(to_text(layer.weight.shape()) == "[4, 2, 3]");
  BOOST_TEST(to_text(layer.bias.shape()) == "[4]");
  for (const Shape& lead : {Shape{}, Shape{5}, Shape{2, 3}, Shape{0}}) {
    Shape s1 = lead, s2 = lead, out = lead;
    s1.push_back(2);
    s2.push_back(3);
    out.push_back(4);
    const Tensor a = rand(s1), b = rand(s2), y = layer(a, b);
    BOOST_TEST(to_text(y.shape()) == to_text(out));
    const Tensor products = a.unsqueeze(-1).unsqueeze(-3) * b.unsqueeze(-2).unsqueeze(-3) * layer.weight;
    BOOST_TEST(allclose(y, products.sum({-1, -2}) + layer.bias, 1e-5, 1e-6));
  }
  const Tensor a = ones({5, 2});
  check_error<ShapeError>([&] { layer(a, ones({4, 3})); }, "bilinear: input batch dimensions do not match");
  check_error<ShapeError>([&] { layer(a, ones({5, 2})); }, "bilinear: input2 size does not match weight size");
  check_error<ShapeError>([&] { layer(ones({5, 3}), ones({5, 3})); },
                          "bilinear: input1 size does not match weight size");
  check_error<ShapeError>([&] { layer(a, ones({3})); }, "bilinear: input dimensions do not match");
  check_error<ValueError>([&] { static_cast<nn::Module&>(layer)(a); }, "Bilinear: has no forward for one tensor");
  check_error<ValueError>([] { nn::Bilinear(0, 1, 1); }, "Bilinear: in1_features must be > 0, but got 0");
  const auto leaf = [](const Shape& s) { return randn(s, float64_leaf); };
  check_gradients([](const auto& in) { return F::bilinear(in[0], in[1], in[2], in[3]); },
                  {leaf({3, 2}), leaf({3, 4}), leaf({2, 2, 4}), leaf({2})});
}

BOOST_AUTO_TEST_CASE(flatten_unflatten_and_identity_change_shapes_only) {
  const Tensor x = arange(24).view({2, 3, 4});
  BOOST_TEST(to_text(nn::Flatten()(x).shape()) == "[2, 12]");
  BOOST_TEST(to_text(nn::Flatten(0)(x).shape()) == "[24]");
  BOOST_TEST(to_text(nn::Flatten({.start_dim = 0, .end_dim = 1})(x).shape()) == "[6, 4]");
  BOOST_TEST(to_text(nn::Unflatten(1, {3, 1})(x).shape()) == "[2, 3, 1, 4]");
  BOOST_TEST(to_text(nn::Unflatten(-1, {2, -1})(x).shape()) == "[2, 3, 2, 2]");
  BOOST_TEST(nn::Identity(54, 0.1)(x).is(x));
  BOOST_TEST(nn::Identity()(x).is(x));
  check_error<IndexError>([&] { nn::Flatten(5)(x); }, "Dimension out of range");
}

BOOST_AUTO_TEST_CASE(layers_print_their_options) {
  BOOST_TEST(nn::Bilinear(2, 3, 4, {.bias = false}).to_string() ==
             "Bilinear(in1_features=2, in2_features=3, out_features=4, bias=False)");
  BOOST_TEST(nn::Flatten().to_string() == "Flatten(start_dim=1, end_dim=-1)");
  BOOST_TEST(nn::Unflatten(1, {2, 3}).to_string() == "Unflatten(dim=1, unflattened_size=(2, 3))");
  BOOST_TEST(nn::Identity().to_string() == "Identity()");
  BOOST_TEST(nn::Embedding(10, 3, {.padding_idx = -1, .max_norm = 2.0}).to_string() ==
             "Embedding(10, 3, padding_idx=9, max_norm=2.0)");
}

// ---- embedding

BOOST_AUTO_TEST_CASE(embedding_looks_up_rows_and_adds_up_their_gradients) {
  nn::Embedding layer(4, 2);
  const Tensor index = tensor({{3, 0}, {3, 3}});
  const Tensor y = layer(index);
  BOOST_TEST(to_text(y.shape()) == "[2, 2, 2]");
  BOOST_TEST(equal(y.select(0, 0).select(0, 0), layer.weight[3]));
  BOOST_TEST(equal(y.select(0, 0).select(0, 1), layer.weight[0]));
  y.sum().backward();
  check_values(layer.weight.grad(), {1, 1, 0, 0, 0, 0, 3, 3});
  BOOST_TEST(to_text(layer(tensor(2)).shape()) == "[2]");
  BOOST_TEST(to_text(layer(zeros({0, 3}, {.dtype = int64})).shape()) == "[0, 3, 2]");
  const Tensor w = randn({4, 2}, float64_leaf);
  check_gradients([&](const auto& in) { return square(F::embedding(index, in[0])); }, {w});
}

BOOST_AUTO_TEST_CASE(the_padding_row_receives_no_gradient) {
  nn::Embedding layer(4, 2, {.padding_idx = -1});
  check_values(layer.weight[3], {0, 0});
  {
    NoGradGuard no_grad;
    layer.weight[3].fill_(5);
  }
  const Tensor y = layer(tensor({3, 1, 3}));
  check_values(y[0], {5, 5});
  y.backward(full({3, 2}, INFINITY));
  check_values(layer.weight.grad(), {0, 0, INFINITY, INFINITY, 0, 0, 0, 0});
  const Tensor w = randn({4, 2}, float64_leaf);
  const auto looked_up = [](const auto& in) { return F::embedding(tensor({1, 0}), in[0], {.padding_idx = 3}); };
  check_gradients(looked_up, {w});
}

BOOST_AUTO_TEST_CASE(gradients_may_be_divided_by_the_number_of_uses) {
  nn::Embedding layer(3, 1, {.padding_idx = 2, .scale_grad_by_freq = true});
  layer(tensor({0, 0, 0, 1, 2})).backward(tensor({{1.0}, {2.0}, {6.0}, {5.0}, {7.0}}));
  check_values(layer.weight.grad(), {3, 5, 0});
}

BOOST_AUTO_TEST_CASE(rows_beyond_max_norm_are_scaled_down_in_place) {
  nn::Embedding layer(3, 2, {.max_norm = 1.0});
  {
    NoGradGuard no_grad;
    layer.weight.copy_(tensor({{3.0, 4.0}, {0.3, 0.4}, {6.0, 8.0}}));
  }
  const Tensor y = layer(tensor({0, 1, 0}));
  check_close(y, {0.6, 0.8, 0.3, 0.4, 0.6, 0.8}, 1e-6);
  check_close(layer.weight.detach(), {0.6, 0.8, 0.3, 0.4, 6, 8}, 1e-6);  // row 2 was not used
  nn::Embedding manhattan(1, 2, {.max_norm = 1.0, .norm_type = 1});
  {
    NoGradGuard no_grad;
    manhattan.weight.copy_(tensor({{3.0, -1.0}}));
  }
  check_close(manhattan(tensor({0})), {0.75, -0.25}, 1e-6);
  nn::Embedding exact(1, 2, {.max_norm = 1.0});
  exact.to(float64);
  {
    NoGradGuard no_grad;
    exact.weight.copy_(tensor({{3.0, 4.0}}));
  }
  // As in PyTorch, the norm grows by 1e-7 first.
  check_close(exact(tensor({0})), {3 / (5 + 1e-7), 4 / (5 + 1e-7)}, 1e-14);
}

BOOST_AUTO_TEST_CASE(pretrained_rows_are_frozen_unless_wanted) {
  const Tensor rows = tensor({{1.0, 2.0}, {3.0, 4.0}});
  nn::Embedding frozen = nn::Embedding::from_pretrained(rows);
  BOOST_TEST(!frozen.weight.requires_grad());
  check_values(frozen(tensor({1})), {3, 4});
  BOOST_TEST(nn::Embedding::from_pretrained(rows, false).weight.requires_grad());
  BOOST_TEST(!rows.requires_grad());
  check_error<ShapeError>([] { nn::Embedding::from_pretrained(ones({3})); },
                          "Embeddings parameter is expected to be 2-dimensional");
}

BOOST_AUTO_TEST_CASE(embedding_refuses_bad_indices) {
  nn::Embedding layer(4, 2);
  check_error<IndexError>([&] { layer(tensor({0, 4})); }, "index 4 is out of bounds for dimension 0 with size 4");
  check_error<IndexError>([&] { layer(tensor({-1})); }, "index -1 is out of bounds for dimension 0 with size 4");
  check_error<DTypeError>([&] { layer(ones({2})); }, "embedding: expected indices of int64, got float32");
  check_error<ValueError>([] { nn::Embedding(4, 2, {.padding_idx = 4}); },
                          "padding_idx must be within num_embeddings, got 4 for 4");
  check_error<ValueError>([] { nn::Embedding(4, -2); }, "must not be negative, got 4 and -2");
  check_error<ShapeError>([] { F::embedding(tensor({0}), ones({3})); }, "'weight' must be 2-D");
}

// ---- functional helpers

BOOST_AUTO_TEST_CASE(one_hot_marks_the_index) {
  const Tensor t = F::one_hot(tensor({{0, 2}, {1, 0}}));
  BOOST_TEST((t.dtype() == int64));
  BOOST_TEST(to_text(t.shape()) == "[2, 2, 3]");
  check_values(t, {1, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0});
  check_values(F::one_hot(tensor(1), 4), {0, 1, 0, 0});
  BOOST_TEST(to_text(F::one_hot(zeros({0}, {.dtype = int64}), 3).shape()) == "[0, 3]");
  check_values(F::one_hot(tensor({{0, 1}, {1, 1}}).t(), 2), {1, 0, 0, 1, 0, 1, 0, 1});
  check_error<ValueError>([] { F::one_hot(tensor({0, -1})); },
                          "Class values must be non-negative, got -1 at element 1");
  check_error<ValueError>([] { F::one_hot(tensor({0, 3}), 3); },
                          "Class values must be smaller than num_classes, got 3 at element 1");
  check_error<ValueError>([] { F::one_hot(zeros({0}, {.dtype = int64})); },
                          "Can not infer total number of classes from empty tensor.");
  check_error<DTypeError>([] { F::one_hot(ones({2})); }, "one_hot is only applicable to index tensor");
}

BOOST_AUTO_TEST_CASE(normalize_divides_by_the_norm) {
  check_close(F::normalize(tensor({{3.0, 4.0}, {0.0, 5.0}})), {0.6, 0.8, 0, 1}, 1e-7);
  check_close(F::normalize(tensor({3.0, -1.0}), {.p = 1, .dim = 0}), {0.75, -0.25}, 1e-7);
  check_close(F::normalize(tensor({3.0, -4.0}), {.p = INFINITY, .dim = -1}), {0.75, -1}, 1e-7);
  const Tensor x = randn({3, 4}, float64_leaf);
  check_gradients([](const auto& in) { return F::normalize(in[0]); }, {x});
  check_error<IndexError>([] { F::normalize(ones({3})); }, "Dimension out of range");
}

BOOST_AUTO_TEST_CASE(normalize_of_a_zero_vector_is_zero_with_a_finite_gradient) {
  const Tensor x = zeros({1, 3}, float64_leaf);
  const Tensor y = F::normalize(x, {.eps = 0.5});
  check_values(y, {0, 0, 0});
  y.backward(tensor({{1.0, 2.0, 3.0}}, {.dtype = float64}));
  check_values(x.grad(), {2, 4, 6});
}

BOOST_AUTO_TEST_CASE(pad_adds_edges_from_the_last_dimension_backwards) {
  const Tensor x = tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}});
  check_values(F::pad(x, {1, 2}, {.value = 9}), {9, 1, 2, 3, 9, 9, 9, 4, 5, 6, 9, 9});
  check_values(F::pad(x, {0, 0, 1, 0}), {0, 0, 0, 1, 2, 3, 4, 5, 6});
  check_values(F::pad(x, {-1, 1}), {2, 3, 0, 5, 6, 0});
  check_values(F::pad(x, {-1, -1, 0, -1}), {2});
  check_values(F::pad(x, {2, 1}, {.mode = F::PadMode::reflect}), {3, 2, 1, 2, 3, 2, 6, 5, 4, 5, 6, 5});
  check_values(F::pad(x, {2, 1}, {.mode = F::PadMode::replicate}), {1, 1, 1, 2, 3, 3, 4, 4, 4, 5, 6, 6});
  check_values(F::pad(x, {3, 1}, {.mode = F::PadMode::circular}), {1, 2, 3, 1, 2, 3, 1, 4, 5, 6, 4, 5, 6, 4});
  check_values(F::pad(x.unsqueeze(0), {0, -1, 1, 1}, {.mode = F::PadMode::replicate}), {1, 2, 1, 2, 4, 5, 4, 5});
  check_values(F::pad(x.t(), {1, 0}), {0, 1, 4, 0, 2, 5, 0, 3, 6});
  BOOST_TEST(to_text(F::pad(zeros({0, 2}), {1, 1, 1, 1}).shape()) == "[2, 4]");
  BOOST_TEST((F::pad(tensor({1, 2}), {1, 0}).dtype() == int64));
}

BOOST_AUTO_TEST_CASE(gradients_of_padding_go_to_where_the_values_came_from) {
  const Tensor x = randn({2, 3, 4}, float64_leaf);
  for (const auto mode : {F::PadMode::constant, F::PadMode::reflect, F::PadMode::replicate, F::PadMode::circular})
    check_gradients([mode](const auto& in) { return square(F::pad(in[0], {3, 1, 0, 2}, {.mode = mode})); }, {x});
  check_gradients([](const auto& in) { return square(F::pad(in[0], {-1, 2, 1, -2}, {.value = 3})); }, {x});
}

BOOST_AUTO_TEST_CASE(pad_refuses_what_cannot_be) {
  const Tensor x = ones({2, 3});
  check_error<ValueError>([&] { F::pad(x, {1}); }, "Padding length must be divisible by 2");
  check_error<ShapeError>(
      [&] { F::pad(x, {1, 1, 1, 1, 1, 1}); },
      "Padding length should be less than or equal to two times the input dimension but got padding length 6 "
      "and input of dimension 2");
  check_error<ShapeError>([&] { F::pad(x, {-2, -2}); }, "resulted in a negative output size, which is invalid");
  check_error<ShapeError>(
      [&] { F::pad(x, {3, 0}, {.mode = F::PadMode::reflect}); },
      "Padding size should be less than the corresponding input dimension, but got: padding (3, 0) at dimension "
      "1 of input [2, 3]");
  check_error<ShapeError>([&] { F::pad(x, {0, 4}, {.mode = F::PadMode::circular}); }, "padding (0, 4) at dimension 1");
  check_error<ShapeError>([] { F::pad(zeros({1, 0}), {1, 0}, {.mode = F::PadMode::replicate}); },
                          "padding (1, 0) at dimension 1");
  check_error<ShapeError>(
      [] { F::pad(zeros({2}), {1, 0}, {.mode = F::PadMode::replicate}); },
      "pads the last 1 of (C, sizes) or (N, C, sizes), at most three, but got an input of shape [2]");
  check_error<ValueError>([&] { F::pad(x, {1, 0}, {.mode = F::PadMode::circular, .value = 1}); },
                          "doesn't take in value argument, but got value=1");
}

BOOST_AUTO_TEST_SUITE_END()
