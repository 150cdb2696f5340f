#include <boost/test/unit_test.hpp>

#include "slope/autograd.h"
#include "support/checks.h"

using namespace slope;

BOOST_AUTO_TEST_SUITE(in_place_operations)

namespace {
Tensor leaf(std::initializer_list<double> values) {
  return tensor(std::vector<double>(values), {.requires_grad = true});
}
}  // namespace

BOOST_AUTO_TEST_CASE(a_value_changed_after_it_was_saved_is_reported) {
  const Tensor x = leaf({2, 3});
  const Tensor y = x * 1.0, w = leaf({5, 7});
  const Tensor z = y * w;
  y.add_(1.0);
  check_error<AutogradError>(
      [&] { z.sum().backward(); },
      "a value that MulBackward had saved was overwritten in place: the float64 tensor of shape [2], output 0 of "
      "AddBackward, was at version 0 and is at version 1; change a clone() of it instead");
  BOOST_TEST(!x.grad().defined());
}

BOOST_AUTO_TEST_CASE(the_change_is_noticed_through_views_slices_and_no_grad) {
  for (int way = 0; way < 4; ++way) {
    const Tensor x = leaf({2, 3, 4});
    const Tensor y = x * 1.0, z = y * y;
    if (way == 0) y[0].fill_(1);
    if (way == 1) y.slice(0, 1, 3).mul_(2.0);
    if (way == 2) {
      NoGradGuard no_grad;
      y.zero_();
    }
    if (way == 3) y.detach().add_(1.0);
    check_error<AutogradError>([&] { z.sum().backward(); }, "had saved was overwritten in place");
  }
}

BOOST_AUTO_TEST_CASE(a_saved_output_is_invalidated_by_changing_it) {
  const Tensor x = leaf({2});
  const Tensor y = exp(x);
  y.add_(1.0);
  check_error<AutogradError>([&] { y.sum().backward(); },
                             "a value that ExpBackward had saved was overwritten in place");
}

BOOST_AUTO_TEST_CASE(changing_what_no_backward_needs_is_fine) {
  const Tensor x = leaf({2, 3});
  const Tensor y = x + 1.0;
  y.mul_(3.0);
  y.sum().backward();
  check_values(x.grad(), {3, 3});
  const Tensor v = x * 2.0;  // saves nothing of its output
  v.add_(1.0);
  v.sum().backward();
  check_values(x.grad(), {5, 5});
}

BOOST_AUTO_TEST_CASE(leaves_that_require_grad_are_protected) {
  const Tensor x = leaf({2, 3});
  check_error<AutogradError>([&] { x.add_(1.0); }, "a leaf that requires grad cannot be changed in place");
  check_error<AutogradError>([&] { x[0].add_(1.0); }, "a view of a leaf that requires grad cannot be changed in place");
  check_values(x, {2, 3});
  NoGradGuard no_grad;
  x.add_(1.0);
  check_values(x, {3, 4});
  BOOST_TEST(x.is_leaf());
}

BOOST_AUTO_TEST_CASE(a_change_through_a_view_reaches_the_base) {
  const Tensor a = leaf({1, 2});
  const Tensor b = a * 1.0;
  const Tensor v = b[0];
  v.mul_(3.0);
  check_values(b, {3, 2});
  b.sum().backward();
  check_values(a.grad(), {3, 1});
}

BOOST_AUTO_TEST_CASE(other_views_of_the_base_see_the_new_history) {
  const Tensor a = leaf({1, 2, 3});
  const Tensor b = a * 1.0;
  const Tensor first = b.slice(0, 0, 2), second = b.slice(0, 1, 3);
  first.mul_(10.0);
  check_values(second, {20, 3});
  second.sum().backward();
  check_values(a.grad(), {0, 10, 1});
}

BOOST_AUTO_TEST_CASE(the_view_that_was_changed_has_the_right_gradient_itself) {
  const Tensor a = leaf({2, 3});
  const Tensor b = a * 1.0;
  const Tensor v = b[1];
  v.mul_(v.detach().clone());
  (v * 2.0).sum().backward();
  check_values(a.grad(), {0, 6});
}

BOOST_AUTO_TEST_CASE(writing_a_tracked_value_into_a_view_of_a_constant_tracks_the_base) {
  const Tensor x = leaf({5, 6});
  const Tensor buffer = zeros({2, 2}, {.dtype = float64});
  buffer[1].copy_(x);
  BOOST_TEST(buffer.requires_grad());
  (buffer * tensor({{1.0, 2.0}, {3.0, 4.0}}, {.dtype = float64})).sum().backward();
  check_values(x.grad(), {3, 4});
}

BOOST_AUTO_TEST_CASE(views_of_views_and_transposes_work_too) {
  const Tensor a = tensor({{1.0, 2.0}, {3.0, 4.0}}, {.dtype = float64, .requires_grad = true});
  const Tensor b = a * 1.0;
  b.t()[0].mul_(5.0);  // column 0 of b
  check_values(b, {5, 2, 15, 4});
  (b * b).sum().backward();
  check_values(a.grad(), {50, 4, 150, 8});
}

BOOST_AUTO_TEST_CASE(second_derivatives_pass_through_changed_views) {
  const Tensor a = leaf({2, 3});
  const Tensor b = a * a;
  b[0].mul_(a[1]);
  const Tensor g = autograd::grad({b.sum()}, {a}, {.create_graph = true})[0];  // a0²a1 + a1²: (2a0a1, a0² + 2a1)
  check_values(g, {12, 10});
  check_values(autograd::grad({g.sum()}, {a})[0], {2 * 3 + 2 * 2, 2 * 2 + 2});
}

BOOST_AUTO_TEST_CASE(filling_and_zeroing_cut_the_gradient) {
  const Tensor x = leaf({2, 3});
  const Tensor y = x * 2.0;
  y[0].zero_();
  BOOST_TEST(y.requires_grad());
  y.sum().backward();
  check_values(x.grad(), {0, 2});
}

BOOST_AUTO_TEST_CASE(nonlinear_changes_keep_what_they_need) {
  const Tensor x = leaf({0.5, 2});
  const Tensor y = x * 1.0;
  y.pow_(3.0);
  y.exp_();
  y.sum().backward();
  check_close(x.grad(), {3 * 0.25 * std::exp(0.125), 12 * std::exp(8.0)}, 1e-12);
}

BOOST_AUTO_TEST_CASE(results_must_fit_shape_and_dtype) {
  const Tensor n = tensor({1, 2, 3});
  check_error<DTypeError>([&] { n.add_(1.5); }, "a result of float32 cannot be stored in a tensor of int64");
  check_error<ShapeError>([&] { n.add_(tensor({{1, 2, 3}, {4, 5, 6}})); },
                          "the result has shape [2, 3] but is to be stored in a tensor of shape [3]");
  check_error<ShapeError>([] { zeros({1}).expand({3}).add_(1.0); }, "some elements of the tensor share memory");
  check_values(n, {1, 2, 3});
  BOOST_TEST(n.version() == 0u);
}

BOOST_AUTO_TEST_CASE(views_made_without_grad_carry_none_and_refuse_recorded_changes) {
  const Tensor x = leaf({1, 2});
  const Tensor y = x * 1.0;
  Tensor v;
  {
    NoGradGuard no_grad;
    v = y[0];
  }
  BOOST_TEST(!v.requires_grad());
  const Tensor w = leaf({3});
  check_error<AutogradError>([&] { v.mul_(w[0]); }, "a view that was made under a NoGradGuard");
}

BOOST_AUTO_TEST_CASE(overlapping_source_and_target_copy_as_if_the_source_were_read_first) {
  const Tensor x = arange(0, 6, 1, {.dtype = float64});
  x.slice(0, 1, 6).copy_(x.slice(0, 0, 5));
  check_values(x, {0, 0, 1, 2, 3, 4});
  x.slice(0, 1, 6).add_(x.slice(0, 0, 5));
  check_values(x, {0, 0, 1, 3, 5, 7});
}

BOOST_AUTO_TEST_CASE(every_change_counts_a_version) {
  const Tensor x = zeros({3});
  x.add_(1.0);
  x.view({3, 1}).mul_(2.0);
  x[0].fill_(1);
  x.copy_(ones({3}));
  BOOST_TEST(x.version() == 4u);
}

BOOST_AUTO_TEST_CASE(a_kept_gradient_is_that_of_the_latest_value) {
  const Tensor x = tensor({1.0, 2.0}, {.requires_grad = true});
  const Tensor y = x * 2.0;
  y.retain_grad();
  y.mul_(3.0);
  (y * 5.0).sum().backward();
  check_values(y.grad(), {5, 5});
  check_values(x.grad(), {30, 30});
  x.zero_grad();
  const Tensor z = x * 2.0, part = z.slice(0, 1);
  z.retain_grad();
  part.retain_grad();
  part.mul_(3.0);
  (z * 5.0).sum().backward({}, true);
  check_values(z.grad(), {5, 5});
  check_values(x.grad(), {10, 30});
  part.sum().backward();  // through the history it reads from its base
  check_values(part.grad(), {1});
}

BOOST_AUTO_TEST_CASE(memory_that_overlaps_itself_is_not_written) {
  const char* text =
      "some elements of the tensor share memory, as after expand(), and cannot be written one by one; clone() it first";
  const Tensor x = tensor({1.0, 2.0, 3.0, 4.0}), wide = x.slice(0, 0, 1).expand({3}), windows = x.unfold(0, 2, 1);
  check_error<ShapeError>([&] { wide.add_(1.0); }, std::string("add_: ") + text);
  check_error<ShapeError>([&] { wide.fill_(1.0); }, text);
  check_error<ShapeError>([&] { wide.copy_(tensor({1.0, 2.0, 3.0})); }, text);
  check_error<ShapeError>([&] { windows.exp_(); }, text);
  check_error<ShapeError>([&] { windows.masked_fill_(tensor(true), 0.0); }, text);
  check_error<ShapeError>([&] { windows.index_fill_(0, tensor({0}), 0.0); }, text);
  check_values(x, {1, 2, 3, 4});
  BOOST_TEST(x.version() == 0u);
  x.slice(0, 0, 4, 2).expand({2}).zero_();  // nothing is repeated
  check_values(x, {0, 2, 0, 4});
}

BOOST_AUTO_TEST_CASE(undefined_tensors_are_named_with_the_line) {
  const Tensor none;
  check_error<ValueError>([&] { none.add_(1.0); }, "undefined");
  check_error<ValueError>([&] { none.fill_(1.0); }, "fill_: an argument is an undefined tensor");
  check_error<ValueError>([&] { none.exp_(); }, "exp_: an argument is an undefined tensor");
  check_error<ValueError>([&] { none.copy_(none); }, "copy_: an argument is an undefined tensor");
  check_error<ValueError>([&] { tensor({1.0}).mul_(none); }, "mul_: an argument is an undefined tensor");
  check_error<ValueError>([&] { none.uniform_(); }, "undefined");
  check_error<ValueError>([&] { none.masked_fill_(tensor(true), 1.0); }, "undefined");
}

BOOST_AUTO_TEST_CASE(any_geometry_over_the_storage_is_differentiable_by_what_the_tensor_shows) {
  const Tensor memory = arange(10).to(float32);
  const Tensor x = memory.slice(0, 4, 6).detach().requires_grad_();
  const Tensor y = as_strided(x, {3, 2}, {1, 1}, 2);  // 2..5, of which x shows 4 and 5
  check_values(y.detach(), {2, 3, 3, 4, 4, 5});
  (y * y).sum().backward();
  check_values(x.grad(), {16, 10});
  const Tensor after = as_strided(x, {2}, {3}, 5);  // 5 and 8
  check_values(autograd::grad({after.sum()}, {x})[0], {0, 1});
  check_error<ShapeError>([&] { as_strided(x, {2}, {5}, 5); },
                          "as_strided: sizes [2] with strides [5] and offset 5 reach beyond a storage of 10");
  check_error<ShapeError>([&] { as_strided(x, {2}, {1, 1}, 0); }, "as_strided: 1 sizes and 2 strides");
  check_error<ShapeError>([&] { as_strided(x, {2}, {-1}, 0); }, "as_strided: negative size or stride");
  check_error<ShapeError>([&] { as_strided(x.slice(0, 0, 1).expand({3}), {2}, {0}, 4); }, "share memory");
}

BOOST_AUTO_TEST_SUITE_END()
