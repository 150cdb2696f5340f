#include <boost/test/unit_test.hpp>
#include <vector>

#include "slope/autograd/engine/backward.h"
#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/ops/pointwise/inplace.h"
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

std::vector<std::string> shapes_of(const std::vector<Tensor>& parts) {
  std::vector<std::string> out;
  for (const Tensor& t : parts) out.push_back(shape_of(t));
  return out;
}

using Names = std::vector<std::string>;

}  // namespace

BOOST_AUTO_TEST_SUITE(view)

// ---- view and reshape

BOOST_AUTO_TEST_CASE(view_shares_the_storage_and_infers_one_size) {
  const Tensor x = counting({2, 3, 4});
  const Tensor y = x.view({6, -1});
  BOOST_TEST(shape_of(y) == "[6, 4]");
  BOOST_TEST(y.shares_storage(x));
  y.fill_(7);
  BOOST_TEST(x[1][2][3].item() == 7);
  BOOST_TEST(shape_of(x.view({-1})) == "[24]");
  BOOST_TEST(shape_of(tensor(3.0).view({1, 1})) == "[1, 1]");
  BOOST_TEST(shape_of(zeros({1, 1}).view({})) == "[]");
  BOOST_TEST(shape_of(zeros({0, 3}).view({3, 0, 5})) == "[3, 0, 5]");
  BOOST_TEST(shape_of(zeros({0, 3}).view({-1, 5})) == "[0, 5]");
}

BOOST_AUTO_TEST_CASE(view_of_strided_tensors_works_where_strides_allow_it) {
  const Tensor x = counting({4, 6});
  const Tensor steps = x.slice(0, 0, 4, 2);  // rows 0 and 2
  check_values(steps.view({2, 2, 3}).select(1, 1), {3, 4, 5, 15, 16, 17});
  BOOST_TEST(steps.view({2, 1, 6, 1}).shares_storage(x));
  const Tensor wide = counting({3}).expand({2, 3});
  check_values(wide.view({2, 3, 1}), {0, 1, 2, 0, 1, 2});
  const Tensor column = x.narrow(1, 2, 1);  // [4, 1], stride 6
  check_values(column.view({2, 2}), {2, 8, 14, 20});
  check_values(counting({1}).expand({4}).view({2, 2}), {0, 0, 0, 0});
}

BOOST_AUTO_TEST_CASE(view_refuses_strides_and_counts_that_do_not_fit) {
  const Tensor x = counting({2, 3});
  check_error<ShapeError>(
      [&] { x.t().view({6}); },
      "view: the elements do not lie in memory as the new shape would need them; use reshape(), which copies");
  check_error<ShapeError>([&] { x.view({4}); }, "6 elements do not fit the shape [4]");
  check_error<ShapeError>([&] { x.view({4, -1}); }, "6 elements do not fit the shape [4, -1]");
  check_error<ShapeError>([&] { x.view({-1, -1}); }, "only one dimension can be inferred");
  check_error<ShapeError>([&] { x.view({-2, -3}); }, "invalid shape dimension -2");
  check_error<ShapeError>([&] { zeros({0}).view({-1, 0}); }, "is ambiguous");
  check_error<ShapeError>([&] { x.view({0, -1}); }, "6 elements do not fit the shape [0, -1]");
  check_error<ShapeError>([&] { x.reshape({5}); }, "6 elements do not fit the shape [5]");
  check_error<ShapeError>([&] { x.view({std::int64_t{1} << 62, 4, -1}); }, "6 elements do not fit the shape");
  check_error<ValueError>([&] { Tensor().view({1}); }, "undefined");
}

BOOST_AUTO_TEST_CASE(reshape_copies_only_where_a_view_is_impossible) {
  const Tensor x = counting({2, 3});
  BOOST_TEST(x.reshape({3, 2}).shares_storage(x));
  const Tensor y = x.t().reshape({6});
  BOOST_TEST(!y.shares_storage(x));
  check_values(y, {0, 3, 1, 4, 2, 5});
  check_values(x.t().reshape({2, 3}), {0, 3, 1, 4, 2, 5});
}

// Every pair of layouts and target shapes: a view exists exactly when reshape need not copy, and shows the same values.
BOOST_AUTO_TEST_CASE(view_and_reshape_agree_on_every_layout) {
  const Tensor base = counting({4, 3, 4});
  const std::vector<Tensor> layouts = {base,
                                       base.transpose(0, 1),
                                       base.transpose(0, 2),
                                       base.slice(0, 0, 4, 2),
                                       base.slice(2, 1, 4, 2),
                                       base.select(1, 1).unsqueeze(1),
                                       base.narrow(0, 1, 1).expand({4, 3, 4}),
                                       base.select(2, 0).unsqueeze(2).expand({4, 3, 4}),
                                       base.permute({2, 0, 1})};
  int views = 0, copies = 0;
  for (const Tensor& x : layouts) {
    const std::vector<double> values = x.to_vector<double>();
    const std::int64_t n = x.numel();
    for (std::int64_t a = 1; a <= n; ++a)
      for (std::int64_t b = 1; n % a == 0 && b <= n / a; ++b) {
        if ((n / a) % b != 0) continue;
        const Shape shape{a, b, n / a / b};
        const Tensor y = x.reshape(shape);
        BOOST_TEST(y.to_vector<double>() == values, boost::test_tools::per_element());
        bool possible = true;
        try {
          BOOST_TEST(x.view(shape).to_vector<double>() == values, boost::test_tools::per_element());
        } catch (const ShapeError&) {
          possible = false;
        }
        BOOST_TEST(possible == y.shares_storage(x));
        ++(possible ? views : copies);
      }
  }
  BOOST_TEST(views > 100);
  BOOST_TEST(copies > 100);
}

BOOST_AUTO_TEST_CASE(flatten_and_unflatten_merge_and_split_dimensions) {
  const Tensor x = counting({2, 3, 4, 5});
  BOOST_TEST(shape_of(x.flatten()) == "[120]");
  BOOST_TEST(shape_of(x.flatten(1)) == "[2, 60]");
  BOOST_TEST(shape_of(x.flatten(1, 2)) == "[2, 12, 5]");
  BOOST_TEST(shape_of(x.flatten(-1)) == "[2, 3, 4, 5]");
  BOOST_TEST(shape_of(tensor(1.0).flatten()) == "[1]");
  BOOST_TEST(shape_of(zeros({2, 0, 3}).flatten(0, 1)) == "[0, 3]");
  BOOST_TEST(shape_of(x.unflatten(-2, {2, -1})) == "[2, 3, 2, 2, 5]");
  check_error<ShapeError>([&] { x.flatten(2, 1); }, "the first dimension to merge comes after the last");
  check_error<ShapeError>([&] { x.unflatten(1, {2, 2}); },
                          "provided sizes [2, 2] don't multiply up to the size of dim 1 (3)");
  check_error<ShapeError>([&] { x.unflatten(1, {}); }, "sizes must be non-empty");
}

BOOST_AUTO_TEST_CASE(squeeze_drops_and_unsqueeze_inserts_dimensions_of_size_one) {
  const Tensor x = zeros({1, 3, 1, 2});
  BOOST_TEST(shape_of(x.squeeze()) == "[3, 2]");
  BOOST_TEST(shape_of(x.squeeze(0)) == "[3, 1, 2]");
  BOOST_TEST(shape_of(x.squeeze(1)) == "[1, 3, 1, 2]");
  BOOST_TEST(shape_of(x.squeeze(-2)) == "[1, 3, 2]");
  BOOST_TEST(shape_of(tensor(1.0).squeeze(0)) == "[]");
  BOOST_TEST(shape_of(tensor(1.0).squeeze(-1)) == "[]");
  BOOST_TEST(shape_of(x.unsqueeze(-1)) == "[1, 3, 1, 2, 1]");
  BOOST_TEST(shape_of(x.unsqueeze(0)) == "[1, 1, 3, 1, 2]");
  BOOST_TEST(shape_of(tensor(1.0).unsqueeze(0)) == "[1]");
  check_error<IndexError>([&] { x.unsqueeze(5); },
                          "Dimension out of range (expected to be in range of [-5, 4], but got 5)");
  check_error<IndexError>([&] { x.squeeze(4); },
                          "Dimension out of range (expected to be in range of [-4, 3], but got 4)");
  check_error<ShapeError>([&] { zeros({1, 1, 1, 1, 1, 1, 1, 1}).unsqueeze(0); }, "at most 8 dimensions");
}

// ---- order of dimensions

BOOST_AUTO_TEST_CASE(permuting_dimensions_moves_no_data) {
  const Tensor x = counting({2, 3, 4});
  const Tensor y = x.permute({2, 0, -2});
  BOOST_TEST(shape_of(y) == "[4, 2, 3]");
  BOOST_TEST(y.shares_storage(x));
  BOOST_TEST(y[3][1][2].item() == x[1][2][3].item());
  BOOST_TEST(shape_of(x.transpose(0, -1)) == "[4, 3, 2]");
  BOOST_TEST(shape_of(swapaxes(x, 0, 1)) == "[3, 2, 4]");
  BOOST_TEST(shape_of(x.movedim({0}, {2})) == "[3, 4, 2]");
  BOOST_TEST(shape_of(x.movedim({0, 1}, {-1, 0})) == "[3, 4, 2]");
  BOOST_TEST(shape_of(counting({2, 3}).t()) == "[3, 2]");
  BOOST_TEST(shape_of(counting({2}).t()) == "[2]");
  BOOST_TEST(shape_of(tensor(2.0).t()) == "[]");
  BOOST_TEST(shape_of(tensor(2.0).permute({})) == "[]");
  BOOST_TEST(shape_of(tensor(2.0).transpose(0, -1)) == "[]");
  check_error<ShapeError>([&] { x.t(); }, "t: takes a tensor of at most 2 dimensions, this one has 3");
  check_error<ShapeError>([&] { x.permute({0, 1}); }, "name each dimension once");
  check_error<ShapeError>([&] { x.permute({0, 1, 1}); }, "duplicate dims are not allowed");
  check_error<ShapeError>([&] { x.movedim({0, 0}, {1, 2}); }, "repeated dim in source");
  check_error<IndexError>([&] { x.transpose(0, 3); },
                          "Dimension out of range (expected to be in range of [-3, 2], but got 3)");
}

// ---- expand and its inverse

BOOST_AUTO_TEST_CASE(expand_repeats_with_stride_zero) {
  const Tensor x = counting({3, 1});
  const Tensor y = x.expand({2, -1, 4});
  BOOST_TEST(shape_of(y) == "[2, 3, 4]");
  BOOST_TEST(to_text(y.strides()) == "[0, 1, 0]");
  BOOST_TEST(y[1][2][3].item() == 2);
  BOOST_TEST(shape_of(tensor(1.0).expand({2, 0})) == "[2, 0]");
  BOOST_TEST(shape_of(zeros({1, 3}).expand({0, 3})) == "[0, 3]");
  check_error<ShapeError>([&] { y.fill_(1); }, "some elements of the tensor share memory");
  check_error<ShapeError>([&] { x.expand({3}); }, "expand: 1 sizes for a tensor of");
  check_error<ShapeError>([&] { x.expand({2, 4}); },
                          "expand: dimension 0 of size 3 cannot become 2, only size 1 can be repeated");
  check_error<ShapeError>([&] { x.expand({-1, 3, 4}); }, "size -1 of the new dimension 0 says nothing");
  check_error<ShapeError>([&] { x.expand({-5, 4}); }, "size -5 of the new dimension 0 says nothing");
  const std::vector<Tensor> both = broadcast_tensors({counting({3, 1}), counting({2})});
  BOOST_TEST(shapes_of(both) == (Names{"[3, 2]", "[3, 2]"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(sum_to_undoes_broadcasting) {
  const Tensor x = counting({2, 3});
  BOOST_TEST(sum_to(x, {2, 3}).is(x));
  check_values(sum_to(x, {3}), {3, 5, 7});
  check_values(sum_to(x, {2, 1}), {3, 12});
  check_values(sum_to(x, {}), {15});
  BOOST_TEST(shape_of(sum_to(x, {1, 1})) == "[1, 1]");
  check_values(sum_to(counting({1, 3}), {3}), {0, 1, 2});
  check_values(sum_to(zeros({0, 2}, {.dtype = float64}), {2}), {0, 0});
  check_error<ShapeError>([&] { sum_to(x, {2}); }, "shape [2] does not broadcast to the shape [2, 3]");
  check_error<ShapeError>([&] { sum_to(x, {1, 2, 3}); }, "does not broadcast");
}

// ---- parts

BOOST_AUTO_TEST_CASE(narrow_and_slice_follow_python) {
  const Tensor x = counting({5});
  check_values(x.narrow(0, 1, 3), {1, 2, 3});
  check_values(x.narrow(0, -2, 2), {3, 4});
  check_values(x.narrow(0, 5, 0), {});
  check_values(x.slice(0, 1, 4), {1, 2, 3});
  check_values(x.slice(0, {}, {}, 2), {0, 2, 4});
  check_values(x.slice(0, -3, -1), {2, 3});
  check_values(x.slice(0, -100, 100, 3), {0, 3});
  check_values(x.slice(0, 4, 2), {});
  check_values(x.slice(0, 1, 5, INT64_MAX), {1});
  check_error<IndexError>([&] { x.narrow(0, 3, 3); }, "start (3) + length (3) exceeds dimension size (5)");
  check_error<IndexError>([&] { x.narrow(0, 6, 0); }, "start out of range");
  check_error<IndexError>([&] { x.narrow(0, 1, INT64_MAX); }, "exceeds dimension size (5)");
  check_error<ValueError>([&] { x.narrow(0, 0, -1); }, "the length must not be negative");
  check_error<ValueError>([&] { x.slice(0, {}, {}, 0); }, "slice step must be positive");
  check_error<ValueError>([&] { x.slice(0, {}, {}, -1); }, "slice step must be positive");
  check_error<IndexError>([&] { tensor(1.0).narrow(0, 0, 1); }, "a single number has no dimension to work on");
}

BOOST_AUTO_TEST_CASE(select_names_the_index_the_dimension_and_the_line) {
  const Tensor x = counting({3, 4});
  check_values(x[1], {4, 5, 6, 7});
  check_values(x[-1], {8, 9, 10, 11});
  check_values(x.select(1, 2), {2, 6, 10});
  BOOST_TEST(x[1].shares_storage(x));
  check_error<IndexError>([&] { x[3]; }, "index 3 is out of bounds for dimension 0 with size 3");
  check_error<IndexError>([&] { x[-4]; }, "index -4 is out of bounds for dimension 0 with size 3");
  check_error<IndexError>([&] { x.select(1, 4); }, "index 4 is out of bounds for dimension 1 with size 4");
  check_error<IndexError>([&] { x[INT64_MIN]; }, "is out of bounds for dimension 0 with size 3");
  check_error<IndexError>([&] { tensor(1.0)[0]; }, "a single number has no dimension to work on");
}

BOOST_AUTO_TEST_CASE(split_and_chunk_cut_into_the_sizes_pytorch_gives) {
  const Tensor x = counting({7, 2});
  BOOST_TEST(shapes_of(x.split(3)) == (Names{"[3, 2]", "[3, 2]", "[1, 2]"}), boost::test_tools::per_element());
  BOOST_TEST(shapes_of(x.split(10)) == (Names{"[7, 2]"}), boost::test_tools::per_element());
  BOOST_TEST(shapes_of(x.split({1, 0, 6})) == (Names{"[1, 2]", "[0, 2]", "[6, 2]"}), boost::test_tools::per_element());
  BOOST_TEST(shapes_of(zeros({6}).chunk(4)) == (Names{"[2]", "[2]", "[2]"}), boost::test_tools::per_element());
  BOOST_TEST(shapes_of(x.chunk(2, 1)) == (Names{"[7, 1]", "[7, 1]"}), boost::test_tools::per_element());
  BOOST_TEST(shapes_of(zeros({0}).chunk(2)) == (Names{"[0]", "[0]"}), boost::test_tools::per_element());
  BOOST_TEST(shapes_of(zeros({0}).split(3)) == (Names{"[0]"}), boost::test_tools::per_element());
  BOOST_TEST(x.unbind().size() == 7u);
  check_values(x.unbind(1)[1], {1, 3, 5, 7, 9, 11, 13});
  BOOST_TEST(zeros({0, 2}).unbind().empty());
  BOOST_TEST(x.split(3)[2].shares_storage(x));
  check_error<ValueError>([&] { x.split(-1); }, "split: the size of a piece must not be negative, got -1");
  check_error<ValueError>([&] { x.split(0); }, "split: pieces of size 0 never cover a dimension of size 7");
  check_error<ValueError>([&] { x.chunk(0); }, "chunk: the number of chunks must be at least 1, got 0");
  check_error<ShapeError>([&] { x.split({1, 2}); }, "split: the sizes of the pieces must add up to 7");
  check_error<ShapeError>([&] { x.split({-1, 8}); }, "split: the sizes of the pieces must add up to 7");
}

BOOST_AUTO_TEST_CASE(diagonal_shows_any_diagonal_of_two_dimensions) {
  const Tensor x = counting({3, 4});
  check_values(x.diagonal(), {0, 5, 10});
  check_values(x.diagonal(1), {1, 6, 11});
  check_values(x.diagonal(3), {3});
  check_values(x.diagonal(-2), {8});
  check_values(x.diagonal(4), {});
  check_values(x.diagonal(-100), {});
  check_values(x.diagonal(INT64_MIN), {});
  const Tensor y = counting({2, 3, 2});
  BOOST_TEST(shape_of(y.diagonal(0, 0, 2)) == "[3, 2]");
  check_values(y.diagonal(0, 2, 0), {0, 7, 2, 9, 4, 11});
  check_error<ShapeError>([&] { x.diagonal(0, 1, -1); }, "diagonal dimensions cannot be identical 1, -1");
}

BOOST_AUTO_TEST_CASE(unfold_shows_overlapping_windows) {
  check_values(counting({5}).unfold(0, 3, 1), {0, 1, 2, 1, 2, 3, 2, 3, 4});
  check_values(counting({5}).unfold(0, 2, 3), {0, 1, 3, 4});
  BOOST_TEST(shape_of(counting({4, 5}).unfold(0, 2, 2)) == "[2, 5, 2]");
  BOOST_TEST(shape_of(counting({4, 5}).unfold(1, 5, INT64_MAX)) == "[4, 1, 5]");
  BOOST_TEST(shape_of(tensor(1.0).unfold(0, 1, 1)) == "[1]");
  check_error<ShapeError>([&] { counting({3}).unfold(0, 4, 1); },
                          "unfold: a window of 4 does not fit into dimension 0 of size 3");
  check_error<ValueError>([&] { counting({3}).unfold(0, 2, 0); }, "step is 0 but must be > 0");
}

BOOST_AUTO_TEST_CASE(contiguous_is_the_tensor_itself_when_it_is_dense) {
  const Tensor x = counting({2, 3});
  BOOST_TEST(x.contiguous().is(x));
  const Tensor y = x.t().contiguous();
  BOOST_TEST(y.is_contiguous());
  BOOST_TEST(!y.shares_storage(x));
  check_values(y, {0, 3, 1, 4, 2, 5});
}

// ---- gradients

BOOST_AUTO_TEST_CASE(gradients_of_views_scatter_back_and_are_zero_elsewhere) {
  const Tensor x = zeros({3, 3}, {.dtype = float64, .requires_grad = true});
  x[1].sum().backward();
  check_values(x.grad(), {0, 0, 0, 1, 1, 1, 0, 0, 0});
  x.zero_grad();
  x.slice(1, 0, 3, 2).sum().backward();
  check_values(x.grad(), {1, 0, 1, 1, 0, 1, 1, 0, 1});
  x.zero_grad();
  x.diagonal(1).sum().backward();
  check_values(x.grad(), {0, 1, 0, 0, 0, 1, 0, 0, 0});
  x.zero_grad();
  x.unfold(1, 2, 1).sum().backward();
  check_values(x.grad(), {1, 2, 1, 1, 2, 1, 1, 2, 1});
  x.zero_grad();
  x.expand({4, 3, 3}).sum().backward();
  check_values(x.grad(), {4, 4, 4, 4, 4, 4, 4, 4, 4});
}

BOOST_AUTO_TEST_CASE(derivatives_of_every_view_match_differences) {
  const auto check = [](const Shape& shape, const std::function<Tensor(const Tensor&)>& f) {
    check_derivatives([&](const std::vector<Tensor>& in) { return f(in[0]); }, {sample(shape)});
    // The same seen through a transposed, a stepping and an offset layout.
    if (shape.size() == 2) {
      check_derivatives([&](const std::vector<Tensor>& in) { return f(in[0].t()); }, {sample({shape[1], shape[0]})});
      check_derivatives([&](const std::vector<Tensor>& in) { return f(in[0].slice(1, 0, {}, 2)); },
                        {sample({shape[0], 2 * shape[1]})});
      check_derivatives([&](const std::vector<Tensor>& in) { return f(in[0].narrow(0, 1, shape[0])); },
                        {sample({shape[0] + 2, shape[1]})});
      check_derivatives([&](const std::vector<Tensor>& in) { return f(in[0].expand(shape)); }, {sample({1, shape[1]})});
    }
  };
  check({3, 4}, [](const Tensor& x) { return x.reshape({2, 6}); });
  check({3, 4}, [](const Tensor& x) { return x.flatten(); });
  check({3, 4}, [](const Tensor& x) { return x.unflatten(1, {2, 2}); });
  check({3, 4}, [](const Tensor& x) { return x.t(); });
  check({3, 4}, [](const Tensor& x) { return x.unsqueeze(1).squeeze(1).unsqueeze(-1).squeeze(); });
  check({2, 3, 2}, [](const Tensor& x) { return x.permute({2, 0, 1}); });
  check({2, 3, 2}, [](const Tensor& x) { return x.movedim({0, 2}, {1, 0}); });
  check({3, 1}, [](const Tensor& x) { return x.expand({2, 3, 4}); });
  check({3, 4}, [](const Tensor& x) { return sum_to(x, {4}) + sum_to(x, {3, 1}); });
  check({3, 4}, [](const Tensor& x) { return x.narrow(1, 1, 2); });
  check({3, 5}, [](const Tensor& x) { return x.slice(1, 1, 5, 2); });
  check({3, 4}, [](const Tensor& x) { return x.select(1, -1); });
  check({3, 4}, [](const Tensor& x) { return x[1]; });
  check({3, 4}, [](const Tensor& x) { return x.diagonal(1); });
  check({2, 3, 3}, [](const Tensor& x) { return x.diagonal(-1, 2, 1); });
  check({3, 5}, [](const Tensor& x) { return x.unfold(1, 3, 1); });
  check({3, 5}, [](const Tensor& x) { return x.unfold(0, 2, 1).unfold(1, 2, 2); });
  check({3, 4}, [](const Tensor& x) { return x.contiguous(); });
  check({}, [](const Tensor& x) { return x.view({1}).expand({3}); });
}

BOOST_AUTO_TEST_CASE(derivatives_of_pieces_match_differences) {
  const auto f = [](const std::vector<Tensor>& in) {
    const std::vector<Tensor> p = in[0].split({1, 2, 1}, 1);
    return p[0] * p[2] + p[1].select(1, 0).unsqueeze(1);  // every piece, and part of one
  };
  check_derivatives(f, {sample({3, 4})});
  check_derivatives([](const std::vector<Tensor>& in) { return in[0].split(3, 1)[1]; },
                    {sample({2, 7})});  // one of three
  check_derivatives(
      [](const std::vector<Tensor>& in) {
        const std::vector<Tensor> rows = in[0].unbind();
        return rows[0] * rows[2];  // the middle one is not used
      },
      {sample({3, 2})});
  check_derivatives([](const std::vector<Tensor>& in) { return in[0].t().unbind(1)[1]; }, {sample({3, 2})});
  check_derivatives(
      [](const std::vector<Tensor>& in) {
        const std::vector<Tensor> c = in[0].chunk(2);
        return c[0] * c[1];
      },
      {sample({4, 2})});
}

BOOST_AUTO_TEST_CASE(pieces_share_one_node_and_hooks_see_each_gradient) {
  const Tensor x = sample({4});
  const std::vector<Tensor> p = x.split(1);
  BOOST_TEST(p[3].grad_fn() == "SplitBackward");
  p[2].retain_grad();
  (p[0] * 2 + p[2] * 3).sum().backward();
  check_values(x.grad(), {2, 0, 3, 0});
  check_values(p[2].grad(), {3});
  // More pieces than one node can number.
  const Tensor y = zeros({70000}, {.dtype = float64, .requires_grad = true});
  const std::vector<Tensor> many = y.unbind();
  (many[0] + many[69999]).backward();
  BOOST_TEST(y.grad()[0].item() == 1);
  BOOST_TEST(y.grad()[69999].item() == 1);
  BOOST_TEST(y.grad().sum().item() == 2);
}

BOOST_AUTO_TEST_CASE(changing_a_piece_in_place_changes_the_history_of_the_whole) {
  const Tensor a = ones({4}, {.dtype = float64, .requires_grad = true});
  const Tensor b = a * 1;
  const std::vector<Tensor> p = b.split(2);
  p[0].mul_(3);
  (b.sum() + p[1].sum() * 10).backward();
  check_values(a.grad(), {3, 3, 11, 11});
  const Tensor c = a * 1;
  c.unfold(0, 2, 2)[1].mul_(5);
  a.zero_grad();
  c.sum().backward();
  check_values(a.grad(), {1, 1, 5, 5});
}

BOOST_AUTO_TEST_CASE(views_made_without_recording_carry_no_gradient) {
  const Tensor x = sample({4});
  Tensor y;
  std::vector<Tensor> parts;
  {
    NoGradGuard no_grad;
    y = x.view({2, 2});
    parts = x.split(2);
  }
  BOOST_TEST(!y.requires_grad());
  BOOST_TEST(!parts[0].requires_grad());
  BOOST_TEST(x.view({2, 2}).requires_grad());
}

BOOST_AUTO_TEST_CASE(windows_that_overlap_add_up_accurately_in_float32) {
  const Tensor x = zeros({20000}, {.requires_grad = true});
  x.unfold(0, 10000, 1).sum().backward();
  const std::vector<float> g = x.grad().to_vector<float>();
  bool exact = true;
  for (std::size_t i = 0; i < g.size(); ++i)
    exact &= g[i] == static_cast<float>(std::min<std::size_t>({i + 1, 10000, 20000 - i, 10001}));
  BOOST_TEST(exact);
}

BOOST_AUTO_TEST_CASE(integer_and_bool_tensors_have_views_too) {
  const Tensor x = arange(6).view({2, 3});
  BOOST_TEST((x.t().contiguous().to_vector<std::int64_t>() == std::vector<std::int64_t>{0, 3, 1, 4, 2, 5}));
  const Tensor m = tensor({true, false, true, false});
  BOOST_TEST((m.slice(0, 0, {}, 2).to_vector<bool>() == std::vector<bool>{true, true}));
}

BOOST_AUTO_TEST_CASE(every_view_shares_storage_and_version_and_every_copy_has_its_own) {
  const Tensor x = arange(12).to(float32).view({3, 4}).clone();
  const Tensor views[] = {x.view({4, 3}),
                          x.view_as(x),
                          x.reshape({12}),
                          x.expand({3, 4}),
                          broadcast_to(x, {3, 4}),
                          x.permute({1, 0}),
                          x.transpose(0, 1),
                          swapaxes(x, 0, 1),
                          x.movedim({0}, {1}),
                          x.t(),
                          x.unsqueeze(1),
                          x.unsqueeze(0).squeeze(0),
                          x.flatten(),
                          x.unflatten(1, {2, 2}),
                          x.narrow(0, 0, 2),
                          x.slice(1, 1),
                          x.select(0, 1),
                          x[1],
                          x.split(2)[1],
                          x.chunk(2, 1)[0],
                          x.unbind()[2],
                          x.diagonal(),
                          x.unfold(0, 1, 1),
                          x.index({0, Slice{1}}),
                          as_strided(x, {2}, {1}, 0),
                          x.detach()};
  std::uint32_t version = 0;
  for (const Tensor& v : views) {
    BOOST_TEST(v.shares_storage(x));
    v.mul_(1.0);
    ++version;
    BOOST_TEST(x.version() == version);
    BOOST_TEST(v.version() == version);
  }
  const Tensor copies[] = {x.clone(),
                           x.t().contiguous(),
                           x.t().reshape({12}),
                           x.to(float64),
                           x.flip({0}),
                           x.roll({1}),
                           x.tril(),
                           x.repeat({1, 1}),
                           tile(x, {1}),
                           repeat_interleave(x, 1, 0),
                           diag(x),
                           cat({x}),
                           x.index_select(0, tensor({0, 1, 2})),
                           x.index({tensor({0, 1, 2})})};
  for (const Tensor& c : copies) BOOST_TEST(!c.shares_storage(x));
}

BOOST_AUTO_TEST_SUITE_END()
