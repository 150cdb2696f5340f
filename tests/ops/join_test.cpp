#include <boost/test/unit_test.hpp>
#include <vector>

#include "slope/autograd/engine/backward.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"
#include "support/checks.h"
#include "support/numeric_gradient.h"

using namespace slope;

namespace {

Tensor counting(const Shape& shape) {
  std::int64_t n = 1;
  for (std::int64_t s : shape) n *= s;
  return arange(n).to(float64).view(shape);
}

std::string shape_of(const Tensor& t) { return to_text(t.shape()); }

/// f on a dense tensor and on other layouts of the same values.
void check_layouts(const Shape& shape, const std::function<Tensor(const Tensor&)>& f) {
  const Tensor dense = counting(shape);
  const std::vector<double> expected = f(dense).to_vector<double>();
  const int last = dense.dim() - 1;
  const auto same = [&](const Tensor& layout) {
    BOOST_REQUIRE(layout.to_vector<double>() == dense.to_vector<double>());
    BOOST_TEST(f(layout).to_vector<double>() == expected, boost::test_tools::per_element());
  };
  same(dense.transpose(0, last).contiguous().transpose(0, last));
  Shape twice = shape;
  twice[last] *= 2;
  const Tensor gaps = zeros(twice, {.dtype = float64});
  gaps.slice(last, 1, {}, 2).copy_(dense);
  same(gaps.slice(last, 1, {}, 2));
  Shape more = shape;
  more[0] += 2;
  const Tensor offset = zeros(more, {.dtype = float64});
  offset.narrow(0, 1, shape[0]).copy_(dense);
  same(offset.narrow(0, 1, shape[0]));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(join)

BOOST_AUTO_TEST_CASE(cat_puts_tensors_behind_each_other) {
  const Tensor a = counting({2, 2}), b = counting({2, 3});
  const Tensor c = cat({a, b}, 1);
  BOOST_TEST(shape_of(c) == "[2, 5]");
  check_values(c, {0, 1, 0, 1, 2, 2, 3, 3, 4, 5});
  check_values(cat({a, a.t()}, -2), {0, 1, 2, 3, 0, 2, 1, 3});
  check_values(cat({a}), {0, 1, 2, 3});
  BOOST_TEST(!cat({a}).shares_storage(a));
  BOOST_TEST(shape_of(cat({zeros({0, 3}), zeros({2, 3})})) == "[2, 3]");
}

BOOST_AUTO_TEST_CASE(cat_promotes_dtypes) {
  BOOST_TEST((cat({ones({1}), ones({1}, {.dtype = float64})}).dtype() == float64));
  BOOST_TEST((cat({tensor({1, 2}), ones({1})}).dtype() == float32));
  BOOST_TEST((cat({tensor({true}), tensor({5})}).dtype() == int64));
  check_values(cat({tensor({true}), tensor({5})}), {1, 5});
  const Tensor x = ones({2}, {.requires_grad = true});
  cat({x, ones({1}, {.dtype = float64})}).sum().backward();
  BOOST_TEST((x.grad().dtype() == float32));
}

BOOST_AUTO_TEST_CASE(cat_skips_empty_vectors) {
  const Tensor nothing = zeros({0}, {.dtype = float64, .requires_grad = true});
  const Tensor x = sample({2, 3});
  const Tensor c = cat({nothing, x, zeros({0}, {.dtype = float64})}, 1);
  BOOST_TEST(shape_of(c) == "[2, 3]");
  c.sum().backward();
  BOOST_TEST(shape_of(nothing.grad()) == "[0]");
  check_values(x.grad(), {1, 1, 1, 1, 1, 1});
  BOOST_TEST(shape_of(cat({zeros({0}), zeros({0})})) == "[0]");
}

BOOST_AUTO_TEST_CASE(cat_refuses_what_does_not_fit) {
  check_error<ShapeError>(
      [] { cat({zeros({2, 3}), zeros({2, 2})}); },
      "cat: sizes must agree except in dimension 0, but number 1 has shape [2, 2] and the first [2, 3]");
  check_error<ShapeError>([] { cat({zeros({2, 3}), zeros({2})}); },
                          "the tensors must have the same number of dimensions, but number 1 has shape");
  check_error<ShapeError>([] { cat({tensor(1.0), tensor(2.0)}); },
                          "zero-dimensional tensor (at position 0) cannot be concatenated");
  check_error<ValueError>([] { cat({}); }, "the list of tensors is empty");
  check_error<ValueError>([] { cat({zeros({1}), Tensor()}); }, "tensor number 1 in the list is undefined");
  check_error<IndexError>([] { cat({zeros({2})}, 1); },
                          "Dimension out of range (expected to be in range of [-1, 0], but got 1)");
}

BOOST_AUTO_TEST_CASE(stack_makes_a_new_dimension) {
  const Tensor a = counting({2}), b = counting({2}) + 2;
  check_values(stack({a, b}), {0, 1, 2, 3});
  check_values(stack({a, b}, 1), {0, 2, 1, 3});
  check_values(stack({a, b}, -1), {0, 2, 1, 3});
  BOOST_TEST(shape_of(stack({tensor(1.0), tensor(2.0), tensor(3.0)})) == "[3]");
  BOOST_TEST(shape_of(stack({zeros({0, 2}), zeros({0, 2})}, 1)) == "[0, 2, 2]");
  check_error<ShapeError>([] { stack({zeros({2}), zeros({3})}); },
                          "the tensors must have one shape, but number 1 has [3] and the first [2]");
  check_error<ValueError>([] { stack({}); }, "the list of tensors is empty");
  check_error<IndexError>([&] { stack({a, b}, 2); },
                          "Dimension out of range (expected to be in range of [-2, 1], but got 2)");
}

BOOST_AUTO_TEST_CASE(hstack_and_vstack_join_sideways_and_upwards) {
  BOOST_TEST(shape_of(hstack({zeros({2}), zeros({3})})) == "[5]");
  BOOST_TEST(shape_of(hstack({zeros({2, 1}), zeros({2, 3})})) == "[2, 4]");
  BOOST_TEST(shape_of(vstack({zeros({3}), zeros({2, 3})})) == "[3, 3]");
  BOOST_TEST(shape_of(hstack({tensor(1.0), tensor(2.0)})) == "[2]");
}

BOOST_AUTO_TEST_CASE(repeat_repeats_the_whole_and_repeat_interleave_each_element) {
  const Tensor x = counting({2, 2});
  check_values(x.repeat({1, 2}), {0, 1, 0, 1, 2, 3, 2, 3});
  check_values(x.repeat({2, 1}), {0, 1, 2, 3, 0, 1, 2, 3});
  BOOST_TEST(shape_of(x.repeat({3, 1, 2})) == "[3, 2, 4]");
  BOOST_TEST(shape_of(x.repeat({0, 1})) == "[0, 2]");
  BOOST_TEST(!x.repeat({1, 1}).shares_storage(x));
  BOOST_TEST(x.repeat({2, 2}).is_contiguous());
  check_values(tensor(4.0).repeat({3}), {4, 4, 4});
  BOOST_TEST(shape_of(counting({1, 2, 1, 2, 1, 2, 1, 2}).repeat({2, 2, 2, 2, 2, 2, 2, 2})) ==
             "[2, 4, 2, 4, 2, 4, 2, 4]");
  BOOST_TEST(shape_of(tile(x, {3})) == "[2, 6]");
  check_values(repeat_interleave(x, 2), {0, 0, 1, 1, 2, 2, 3, 3});
  check_values(repeat_interleave(x, 2, 0), {0, 1, 0, 1, 2, 3, 2, 3});
  check_values(repeat_interleave(x, 2, 1), {0, 0, 1, 1, 2, 2, 3, 3});
  check_error<ShapeError>([&] { x.repeat({2}); }, "are fewer than the dimensions of the shape");
  check_error<ValueError>([&] { x.repeat({2, -1}); }, "repeats must be non-negative, got -1");
  check_error<ValueError>([&] { repeat_interleave(x, -1); }, "repeats must be non-negative, got -1");
}

BOOST_AUTO_TEST_CASE(flip_reverses_and_roll_rotates) {
  const Tensor x = counting({2, 3});
  check_values(x.flip({1}), {2, 1, 0, 5, 4, 3});
  check_values(x.flip({0, -1}), {5, 4, 3, 2, 1, 0});
  check_values(x.flip({}), {0, 1, 2, 3, 4, 5});
  check_values(x.roll({1}, {1}), {2, 0, 1, 5, 3, 4});
  check_values(x.roll({-4}, {1}), {1, 2, 0, 4, 5, 3});
  check_values(x.roll({2}), {4, 5, 0, 1, 2, 3});
  check_values(x.roll({1, 1}, {0, 1}), {5, 3, 4, 2, 0, 1});
  check_values(tensor(3.0).flip({0}), {3});
  check_values(tensor(3.0).roll({1}), {3});
  BOOST_TEST(shape_of(zeros({0, 2}).roll({1}, {0})) == "[0, 2]");
  BOOST_TEST(shape_of(zeros({0, 2}).flip({0})) == "[0, 2]");
  check_error<ShapeError>([&] { x.flip({0, -2}); }, "dim 0 appears multiple times in the list of dims");
  check_error<ShapeError>([&] { x.roll({1, 2}, {0}); }, "shifts and dimensions must align. shifts: 2, dims: 1");
  check_layouts({3, 4}, [](const Tensor& t) { return t.flip({0, 1}); });
  check_layouts({3, 4}, [](const Tensor& t) { return t.roll({1, 3}, {0, 1}); });
}

BOOST_AUTO_TEST_CASE(triangles_keep_one_side_of_a_diagonal) {
  const Tensor x = counting({3, 3}) + 1;
  check_values(x.tril(), {1, 0, 0, 4, 5, 0, 7, 8, 9});
  check_values(x.triu(), {1, 2, 3, 0, 5, 6, 0, 0, 9});
  check_values(x.tril(-1), {0, 0, 0, 4, 0, 0, 7, 8, 0});
  check_values(x.triu(1), {0, 2, 3, 0, 0, 6, 0, 0, 0});
  check_values(x.tril(5), {1, 2, 3, 4, 5, 6, 7, 8, 9});
  check_values(x.triu(INT64_MIN), {1, 2, 3, 4, 5, 6, 7, 8, 9});
  check_values(x.triu(INT64_MAX), {0, 0, 0, 0, 0, 0, 0, 0, 0});
  check_values(counting({2, 2, 3}).tril(), {0, 0, 0, 3, 4, 0, 6, 0, 0, 9, 10, 0});
  check_values((x > 4).triu(), {0, 0, 0, 0, 1, 1, 0, 0, 1});
  BOOST_TEST(shape_of(zeros({0, 3}).tril()) == "[0, 3]");
  BOOST_TEST(shape_of(zeros({3, 0}).tril()) == "[3, 0]");
  check_error<ShapeError>([&] { x[0].tril(); }, "input tensor must have at least 2 dimensions");
  check_layouts({3, 4}, [](const Tensor& t) { return t.tril(1) - t.triu(-1); });
}

BOOST_AUTO_TEST_CASE(diag_turns_vectors_into_matrices_and_back) {
  check_values(counting({2}).diag(), {0, 0, 0, 1});
  check_values((counting({2}) + 1).diag(-1), {0, 0, 0, 1, 0, 0, 0, 2, 0});
  const Tensor m = counting({2, 3});
  check_values(m.diag(1), {1, 5});
  BOOST_TEST(!m.diag().shares_storage(m));
  BOOST_TEST(shape_of(diag_embed(counting({4, 2}), 1)) == "[4, 3, 3]");
  check_error<ShapeError>([] { zeros({1, 1, 1}).diag(); }, "matrix or a vector expected");
}

BOOST_AUTO_TEST_CASE(derivatives_of_joins_and_rearrangements_match_differences) {
  using Tensors = std::vector<Tensor>;
  check_derivatives([](const Tensors& in) { return cat({in[0], in[1], in[0]}, 1); },
                    {sample({2, 2}), sample({2, 3}, 2)});
  check_derivatives([](const Tensors& in) { return cat({in[0].t(), in[1]}); }, {sample({3, 2}), sample({1, 3}, 2)});
  check_derivatives([](const Tensors& in) { return stack({in[0], in[1].expand({3})}, 1); },
                    {sample({3}), sample({1}, 2)});
  check_derivatives([](const Tensors& in) { return in[0].repeat({2, 1, 3}); }, {sample({2, 2})});
  check_derivatives([](const Tensors& in) { return repeat_interleave(in[0], 3, 0); }, {sample({2, 2})});
  check_derivatives([](const Tensors& in) { return in[0].flip({0}); }, {sample({3, 2})});
  check_derivatives([](const Tensors& in) { return in[0].roll({1, -1}, {0, 1}); }, {sample({3, 4})});
  check_derivatives([](const Tensors& in) { return in[0].roll({5}); }, {sample({3, 2})});
  check_derivatives([](const Tensors& in) { return in[0].tril(-1) + in[0].triu(1) * 2; }, {sample({2, 3, 3})});
  check_derivatives([](const Tensors& in) { return in[0].diag(1); }, {sample({3})});
  check_derivatives([](const Tensors& in) { return in[0].diag(1); }, {sample({3, 3})});
  check_derivatives([](const Tensors& in) { return diag_embed(in[0], -1); }, {sample({2, 2})});
}

BOOST_AUTO_TEST_SUITE_END()
