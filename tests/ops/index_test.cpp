#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <vector>

#include "slope/autograd/core/parallel.h"
#include "slope/autograd/engine/backward.h"
#include "slope/autograd/engine/grad_mode.h"
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

using Tensors = std::vector<Tensor>;

/// Pseudo-random indices in [0, size).
Tensor indices(const Shape& shape, std::int64_t size, std::int64_t seed = 7) {
  Tensor t = empty(shape, {.dtype = int64});
  std::uint64_t state = static_cast<std::uint64_t>(seed);
  for (std::int64_t i = 0; i < t.numel(); ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    t.data_ptr<std::int64_t>()[i] = static_cast<std::int64_t>((state >> 33) % static_cast<std::uint64_t>(size));
  }
  return t;
}

/// The values of `t` behind other strides: transposed in memory, and every second element of a larger tensor.
std::vector<Tensor> layouts(const Tensor& t) {
  const int last = t.dim() - 1;
  Shape twice = t.shape();
  twice[last] *= 2;
  const Tensor gaps = zeros(twice, {.dtype = t.dtype()}).slice(last, 1, {}, 2);
  gaps.copy_(t);
  return {t, t.transpose(0, last).contiguous().transpose(0, last), gaps};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(index_ops)

// ---- index_select

BOOST_AUTO_TEST_CASE(index_select_picks_slices_and_adds_up_repeats_in_the_gradient) {
  const Tensor x = counting({3, 2});
  check_values(x.index_select(0, tensor({2, 0, 2})), {4, 5, 0, 1, 4, 5});
  check_values(x.index_select(-1, tensor({1})), {1, 3, 5});
  check_values(x.index_select(0, tensor(1)), {2, 3});
  BOOST_TEST(shape_of(x.index_select(0, zeros({0}, {.dtype = int64}))) == "[0, 2]");
  check_values(tensor(5.0).index_select(0, tensor({0})), {5});
  BOOST_TEST(shape_of(tensor(5.0).index_select(0, tensor({0}))) == "[]");
  const Tensor leaf = sample({3, 2});
  leaf.index_select(0, tensor({2, 0, 2})).sum().backward();
  check_values(leaf.grad(), {1, 1, 0, 0, 2, 2});
}

BOOST_AUTO_TEST_CASE(index_select_reads_every_layout_alike) {
  const Tensor x = counting({4, 3, 5});
  for (int dim = 0; dim < 3; ++dim) {
    const Tensor i = indices({6}, x.shape()[dim]);
    const std::vector<double> expected = x.index_select(dim, i).to_vector<double>();
    for (const Tensor& layout : layouts(x))
      for (const Tensor& index : layouts(i))
        BOOST_TEST(layout.index_select(dim, index).to_vector<double>() == expected, boost::test_tools::per_element());
    const Tensor narrow32 = x.to(float32), whole = x.to(int64), truth = x > 30;
    BOOST_TEST(narrow32.index_select(dim, i).to_vector<double>() == expected, boost::test_tools::per_element());
    BOOST_TEST(whole.index_select(dim, i).to_vector<double>() == expected, boost::test_tools::per_element());
    BOOST_TEST(truth.index_select(dim, i).to_vector<bool>() == (x.index_select(dim, i) > 30).to_vector<bool>(),
               boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(index_select_refuses_bad_indices) {
  const Tensor x = counting({3, 2});
  check_error<IndexError>([&] { x.index_select(0, tensor({0, 3})); },
                          "index 3 is out of bounds for dimension 0 with size 3");
  check_error<IndexError>([&] { x.index_select(1, tensor({-1})); },
                          "index -1 is out of bounds for dimension 1 with size 2");
  check_error<IndexError>([&] { x.index_select(2, tensor({0})); }, "Dimension out of range");
  check_error<IndexError>([&] { zeros({0}).index_select(0, tensor({0})); },
                          "index 0 is out of bounds for dimension 0 with size 0");
  check_error<ShapeError>([&] { x.index_select(0, zeros({1, 1}, {.dtype = int64})); }, "the index must be a vector");
  check_error<DTypeError>([&] { x.index_select(0, tensor({1.0})); }, "expected dtype int64 for index, got float32");
  check_error<ValueError>([&] { x.index_select(0, Tensor()); }, "the index is an undefined tensor");
  check_error<ShapeError>([&] { tensor(1.0).index_select(0, tensor({0, 0})); },
                          "of a single number only one index can be taken");
}

// ---- gather and scatter

BOOST_AUTO_TEST_CASE(gather_follows_its_index) {
  const Tensor x = counting({2, 4});
  check_values(x.gather(1, tensor({{0, 0, 3}, {1, 2, 2}})), {0, 0, 3, 5, 6, 6});
  check_values(x.gather(0, tensor({{0, 1, 1, 0}})), {0, 5, 6, 3});
  check_values(x.gather(1, tensor({{3}})), {3});  // fewer rows than x
  check_values(tensor(2.0).gather(0, tensor(0)), {2});
  check_values(tensor(2.0).gather(0, tensor({0, 0})), {2, 2});
  BOOST_TEST(shape_of(x.gather(1, zeros({2, 0}, {.dtype = int64}))) == "[2, 0]");
  const Tensor leaf = sample({2, 4});
  leaf.gather(1, tensor({{0, 0, 3}, {1, 2, 2}})).sum().backward();
  check_values(leaf.grad(), {2, 0, 0, 1, 0, 1, 2, 0});
}

BOOST_AUTO_TEST_CASE(gather_refuses_what_does_not_fit) {
  const Tensor x = counting({2, 3});
  check_error<IndexError>([&] { x.gather(1, tensor({{3}, {0}})); },
                          "index 3 is out of bounds for dimension 1 with size 3");
  check_error<IndexError>([&] { x.gather(1, tensor({{0}, {-1}})); },
                          "index -1 is out of bounds for dimension 1 with size 3");
  check_error<IndexError>([&] { x.gather(1, tensor({{INT64_MIN}})); }, "is out of bounds for dimension 1 with size 3");
  check_error<ShapeError>([&] { x.gather(1, tensor({0})); }, "the index must have as many dimensions as the tensor");
  check_error<ShapeError>(
      [&] { x.gather(1, zeros({3, 1}, {.dtype = int64})); },
      "an index of shape [3, 1] does not fit into [2, 3], in dimension 0; only dimension 1 may be larger");
  check_error<DTypeError>([&] { x.gather(1, zeros({2, 1})); }, "expected dtype int64 for index");
}

// Against the definition, element by element, for each dimension, dtype and layout.
BOOST_AUTO_TEST_CASE(gather_and_scatter_agree_with_their_definition) {
  const Shape shape{4, 3, 5};
  const Tensor x = counting(shape);
  for (int dim = 0; dim < 3; ++dim) {
    Shape small{3, 2, 4};
    small[dim] = 9;  // more than there are places: repeats
    const Tensor index = indices(small, shape[dim], dim + 1), src = counting(small) + 100;
    std::vector<double> gathered, assigned = x.to_vector<double>(), added = assigned;
    const std::vector<std::int64_t> at = index.to_vector<std::int64_t>();
    for (std::int64_t i = 0, n = 0; i < small[0]; ++i)
      for (std::int64_t j = 0; j < small[1]; ++j)
        for (std::int64_t k = 0; k < small[2]; ++k, ++n) {
          std::int64_t place[] = {i, j, k};
          place[dim] = at[static_cast<std::size_t>(n)];
          const auto flat = static_cast<std::size_t>((place[0] * 3 + place[1]) * 5 + place[2]);
          gathered.push_back(static_cast<double>(flat));
          added[flat] += 100.0 + static_cast<double>(n);
        }
    // The last along `dim` wins: in row-major order for one lane, which the loops above visit in order.
    for (std::int64_t n = 0; n < index.numel(); ++n) {
      const std::int64_t k = n % small[2], j = n / small[2] % small[1], i = n / small[2] / small[1];
      std::int64_t place[] = {i, j, k};
      place[dim] = at[static_cast<std::size_t>(n)];
      assigned[static_cast<std::size_t>((place[0] * 3 + place[1]) * 5 + place[2])] = 100.0 + static_cast<double>(n);
    }
    for (DType dtype : {float64, float32, int64}) {
      for (const Tensor& a : layouts(x.to(dtype)))
        for (const Tensor& i : layouts(index)) {
          BOOST_TEST(a.gather(dim, i).to_vector<double>() == gathered, boost::test_tools::per_element());
          for (const Tensor& s : layouts(src.to(dtype))) {
            BOOST_TEST(a.scatter(dim, i, s).to_vector<double>() == assigned, boost::test_tools::per_element());
            BOOST_TEST(a.scatter_add(dim, i, s).to_vector<double>() == added, boost::test_tools::per_element());
          }
        }
    }
  }
}

BOOST_AUTO_TEST_CASE(scatter_takes_numbers_and_larger_sources) {
  const Tensor x = zeros({2, 3}, {.dtype = float64});
  check_values(x.scatter(1, tensor({{2}, {0}}), 7), {0, 0, 7, 7, 0, 0});
  check_values(x.scatter(1, tensor({{2}}), counting({2, 3}) + 5), {0, 0, 5, 0, 0, 0});
  x.scatter_(0, tensor({{1, 0, 1}}), counting({1, 3}) + 1);
  check_values(x, {0, 2, 0, 1, 0, 3});
  x.scatter_add_(1, tensor({{0, 0, 0}, {1, 1, 2}}), ones({2, 3}, {.dtype = float64}));
  check_values(x, {3, 2, 0, 1, 2, 4});
  const Tensor truth = zeros({3}, {.dtype = boolean});
  BOOST_TEST((truth.scatter_add(0, tensor({1, 1}), tensor({true, true})).to_vector<bool>() ==
              std::vector<bool>{false, true, false}));
  const Tensor scalar = tensor(1.0, {.dtype = float64});
  scalar.scatter_add_(0, tensor(0), tensor(2.0, {.dtype = float64}));
  BOOST_TEST(scalar.item() == 3);
}

BOOST_AUTO_TEST_CASE(scatter_refuses_what_does_not_fit_and_changes_nothing) {
  const Tensor x = counting({2, 3});
  const std::vector<double> before = x.to_vector<double>();
  const std::uint32_t version = x.version();
  check_error<IndexError>([&] { x.scatter_(1, tensor({{0}, {3}}), 1); },
                          "index 3 is out of bounds for dimension 1 with size 3");
  check_error<IndexError>([&] { x.scatter_add_(1, tensor({{0}, {-3}}), ones({2, 1}, {.dtype = float64})); },
                          "index -3 is out of bounds for dimension 1 with size 3");
  check_error<DTypeError>([&] { x.scatter_(1, tensor({{0}}), ones({1, 1})); },
                          "the tensor and the source must have one dtype, but are float64 and float32");
  check_error<DTypeError>([&] { arange(3).scatter_(0, tensor({0}), 1.5); },
                          "a result of float32 cannot be stored in a tensor of int64");
  check_error<ShapeError>([&] { x.scatter_add_(1, tensor({{0, 1}}), ones({1, 1}, {.dtype = float64})); },
                          "an index of shape [1, 2] does not fit into the source of shape [1, 1]");
  check_error<ShapeError>([&] { x.scatter_(1, tensor({{0}}), ones({1}, {.dtype = float64})); },
                          "the index must have as many dimensions as the source");
  check_error<ValueError>([&] { x.scatter_(1, tensor({{0}}), Tensor()); }, "the source is an undefined tensor");
  const Tensor repeated = zeros({3, 1}).expand({3, 2});
  check_error<ShapeError>([&] { repeated.scatter_(1, tensor({{0}}), 1); }, "some elements of the tensor share memory");
  const Tensor leaf = sample({2, 3});
  check_error<AutogradError>([&] { leaf.scatter_(1, tensor({{0}}), 1); },
                             "a leaf that requires grad cannot be changed in place");
  BOOST_TEST(x.to_vector<double>() == before, boost::test_tools::per_element());
  BOOST_TEST(x.version() == version);
}

// ---- index_add, index_copy, index_fill

BOOST_AUTO_TEST_CASE(index_add_copy_and_fill_write_whole_slices) {
  const Tensor x = zeros({3, 2}, {.dtype = float64});
  const Tensor src = counting({3, 2}) + 1;
  check_values(x.index_add(0, tensor({2, 0, 2}), src), {3, 4, 0, 0, 6, 8});
  check_values(x.index_add(0, tensor({2, 0, 2}), src, -2), {-6, -8, 0, 0, -12, -16});
  check_values(x.index_add(1, tensor({1, 1}), src), {0, 3, 0, 7, 0, 11});
  check_values(x.index_copy(0, tensor({1, 1}), counting({2, 2})), {0, 0, 2, 3, 0, 0});
  check_values(x.index_fill(1, tensor({0}), 5), {5, 0, 5, 0, 5, 0});
  check_values(x, {0, 0, 0, 0, 0, 0});
  x.index_add_(0, tensor({0}), counting({1, 2}) + 1).index_copy_(0, tensor({2}), counting({1, 2}) + 8);
  check_values(x, {1, 2, 0, 0, 8, 9});
  x.t().index_add_(0, tensor({1, 1}), ones({2, 3}, {.dtype = float64}));  // through a view that is not dense
  check_values(x, {1, 4, 0, 2, 8, 11});
  x.index_fill_(0, tensor({0, 1}), -1);
  check_values(x, {-1, -1, -1, -1, 8, 11});
  const Tensor whole = arange(3);
  whole.index_add_(0, tensor({1, 1}), tensor({10, 20}), 3);
  check_values(whole, {0, 91, 2});
  const Tensor scalar = tensor(1.0, {.dtype = float64});
  scalar.index_add_(0, tensor({0}), tensor({2.0}, {.dtype = float64}));
  BOOST_TEST(scalar.item() == 3);
}

BOOST_AUTO_TEST_CASE(index_add_reads_every_layout_and_dimension_alike) {
  const Tensor x = counting({4, 3, 5});
  for (int dim = 0; dim < 3; ++dim) {
    Shape shape = x.shape();
    shape[dim] = 7;
    const Tensor index = indices({7}, x.shape()[dim], dim + 5), src = counting(shape) + 1;
    Tensor expected = x.clone();
    for (int k = 0; k < 7; ++k) {
      const Tensor slot = expected.select(dim, index[k].item<std::int64_t>());
      slot.copy_(slot.clone() + src.select(dim, k));
    }
    for (const Tensor& a : layouts(x))
      for (const Tensor& s : layouts(src)) {
        BOOST_TEST(a.index_add(dim, index, s).to_vector<double>() == expected.to_vector<double>(),
                   boost::test_tools::per_element());
        const Tensor in_place = a.clone().transpose(0, 1).contiguous().transpose(0, 1);
        in_place.index_add_(dim, index, s);
        BOOST_TEST(in_place.to_vector<double>() == expected.to_vector<double>(), boost::test_tools::per_element());
      }
  }
}

BOOST_AUTO_TEST_CASE(index_add_refuses_what_does_not_fit_and_changes_nothing) {
  const Tensor x = zeros({3, 2});
  check_error<ShapeError>([&] { x.index_add_(0, tensor({0, 1}), ones({3, 2})); },
                          "2 indices need as many slices of the source, which has 3");
  check_error<ShapeError>(
      [&] { x.index_copy_(0, tensor({0}), ones({1, 3})); },
      "but for dimension 0 the source must have the shape of the tensor; the shapes are [1, 3] and [3, 2]");
  check_error<IndexError>([&] { x.index_add_(0, tensor({3}), ones({1, 2})); },
                          "index 3 is out of bounds for dimension 0 with size 3");
  check_error<IndexError>([&] { x.index_fill_(1, tensor({2}), 1); },
                          "index 2 is out of bounds for dimension 1 with size 2");
  check_error<DTypeError>([&] { arange(3).index_add_(0, tensor({0}), tensor({1}), 0.5); },
                          "cannot be stored in a tensor of int64");
  BOOST_TEST(x.version() == 0u);
  check_values(x, {0, 0, 0, 0, 0, 0});
}

// ---- masks

BOOST_AUTO_TEST_CASE(masks_select_fill_and_scatter) {
  const Tensor x = counting({2, 3});
  const Tensor m = tensor({{true, true, false}, {true, false, true}});
  check_values(x.masked_select(m), {0, 1, 3, 5});
  check_values(x.masked_select(tensor({false, true, false})), {1, 4});
  check_values(tensor({1.0, 2.0}).masked_select(tensor({{true, false}, {true, true}})), {1, 1, 2});
  check_values(x.masked_select(zeros({2, 3}, {.dtype = boolean})), {});
  check_values(tensor(3.0).masked_select(tensor(true)), {3});
  check_values(x.masked_fill(m, -1), {-1, -1, 2, -1, 4, -1});
  check_values(x.masked_fill(m, tensor(9.0)), {9, 9, 2, 9, 4, 9});
  BOOST_TEST((x.masked_fill(m, tensor(9.0)).dtype() == float64));
  check_values(x.masked_scatter(m, counting({5}) + 10), {10, 11, 2, 12, 4, 13});
  const Tensor y = x.clone();
  y.masked_fill_(tensor({{true}, {false}}), 0.5);
  check_values(y, {0.5, 0.5, 0.5, 3, 4, 5});
  y.t().masked_fill_(tensor({true, false}), tensor(2));
  check_values(y, {2, 2, 2, 3, 4, 5});
  y.masked_scatter_(m, counting({4}));
  check_values(y, {0, 1, 2, 2, 4, 3});
  for (const Tensor& a : layouts(x))
    for (const Tensor& b : layouts(m)) check_values(a.masked_select(b), {0, 1, 3, 5});
}

BOOST_AUTO_TEST_CASE(masks_refuse_what_does_not_fit_and_change_nothing) {
  const Tensor x = counting({2, 3});
  const Tensor m = ones({2, 3}, {.dtype = boolean});
  check_error<DTypeError>([&] { x.masked_select(tensor({1, 0, 1})); }, "expected a mask of dtype bool, got int64");
  check_error<DTypeError>([&] { x.masked_fill_(tensor({1, 0, 1}), 0); }, "expected a mask of dtype bool, got int64");
  check_error<DTypeError>([&] { arange(3).masked_fill_(tensor({true, true, true}), 0.5); },
                          "a result of float32 cannot be stored in a tensor of int64");
  check_error<ShapeError>([&] { x.masked_fill_(m, zeros({3})); },
                          "the value must be a single number, but has shape [3]");
  check_error<ShapeError>([&] { x.masked_fill_(ones({4, 2, 3}, {.dtype = boolean}), 0); },
                          "the result has shape [4, 2, 3] but is to be stored in a tensor of shape [2, 3]");
  check_error<ShapeError>([&] { x.masked_scatter_(m, counting({5})); },
                          "the mask has 6 places but the source only 5 elements");
  check_error<ShapeError>([&] { x.masked_select(ones({2}, {.dtype = boolean})); },
                          "The size of tensor a (3) must match the size of tensor b (2) at non-singleton dimension 1");
  BOOST_TEST(x.version() == 0u);
  check_values(x, {0, 1, 2, 3, 4, 5});
}

BOOST_AUTO_TEST_CASE(nonzero_lists_coordinates_in_order) {
  const Tensor x = tensor({{0.0, 1.0}, {NAN, -0.0}, {2.0, 0.0}});
  const Tensor at = x.nonzero();
  BOOST_TEST(shape_of(at) == "[3, 2]");
  check_values(at, {0, 1, 1, 0, 2, 0});
  BOOST_TEST((at.dtype() == int64));
  check_values(x.t().nonzero(), {0, 1, 0, 2, 1, 0});
  BOOST_TEST(shape_of(tensor(1.0).nonzero()) == "[1, 0]");
  BOOST_TEST(shape_of(tensor(0.0).nonzero()) == "[0, 0]");
  BOOST_TEST(shape_of(zeros({0, 3}).nonzero()) == "[0, 2]");
  const std::vector<Tensor> columns = where(x != 0);
  BOOST_REQUIRE_EQUAL(columns.size(), 2u);
  check_values(columns[0], {0, 1, 2});
  check_values(columns[1], {1, 0, 0});
  const Tensor many = zeros({300, 1000}, {.dtype = boolean});
  many.index_put_({tensor({0, 150, 299}), tensor({999, 3, 0})}, true);
  check_values(many.nonzero(), {0, 999, 150, 3, 299, 0});
}

// ---- take

BOOST_AUTO_TEST_CASE(take_and_take_along_dim) {
  const Tensor x = counting({2, 3}) * 10;
  check_values(x.take(tensor({{5, 0}})), {50, 0});
  BOOST_TEST(shape_of(x.take(tensor({{5, 0}}))) == "[1, 2]");
  check_values(x.t().take(tensor({1})), {30});
  check_values(x.take_along_dim(tensor({{2}, {0}}), 1), {20, 30});
  check_values(x.take_along_dim(tensor({{1}}), 0), {30, 40, 50});  // the index broadcasts
  check_values(x.take_along_dim(tensor({{4, 5}})), {40, 50});
  check_error<IndexError>([&] { x.take(tensor({6})); }, "index 6 is out of bounds for dimension 0 with size 6");
  check_error<ShapeError>([&] { x.take_along_dim(tensor({0}), 0); }, "should have the same number of dimensions");
}

// ---- gradients

BOOST_AUTO_TEST_CASE(derivatives_of_indexing_match_differences) {
  const Tensor vector = tensor({2, 0, 2, 1}), matrix = tensor({{0, 2}, {1, 1}, {2, 0}, {2, 2}});
  check_derivatives([&](const Tensors& in) { return in[0].index_select(0, vector); }, {sample({3, 2})});
  check_derivatives([&](const Tensors& in) { return in[0].t().index_select(1, vector); }, {sample({3, 2})});
  check_derivatives([&](const Tensors& in) { return in[0].gather(0, matrix); }, {sample({3, 2})});
  check_derivatives([&](const Tensors& in) { return in[0].t().gather(1, matrix.t()); }, {sample({3, 2})});
  check_derivatives([&](const Tensors& in) { return in[0].scatter(0, tensor({{2, 1}}), in[1]); },
                    {sample({3, 2}), sample({2, 3}, 2)});
  check_derivatives([&](const Tensors& in) { return in[0].scatter_add(0, matrix, in[1]); },
                    {sample({3, 2}), sample({4, 2}, 2)});
  check_derivatives([&](const Tensors& in) { return in[0].index_add(1, vector, in[1], 1.5); },
                    {sample({2, 3}), sample({2, 4}, 2)});
  check_derivatives([&](const Tensors& in) { return in[0].index_copy(0, tensor({2, 0}), in[1]); },
                    {sample({3, 2}), sample({2, 2}, 2)});
  check_derivatives([&](const Tensors& in) { return in[0].index_fill(0, tensor({1}), 3); }, {sample({3, 2})});
  check_derivatives([&](const Tensors& in) { return in[0].take(matrix); }, {sample({3, 2})});
  check_derivatives([&](const Tensors& in) { return in[0].take_along_dim(tensor({{1}}), 0); }, {sample({3, 2})});
  const Tensor mask = tensor({{true, false, true}, {false, true, true}});
  check_derivatives([&](const Tensors& in) { return in[0].masked_select(mask); }, {sample({2, 3})});
  check_derivatives([&](const Tensors& in) { return in[0].masked_select(mask); }, {sample({3})});  // x broadcasts
  check_derivatives([&](const Tensors& in) { return in[0].masked_fill(mask, in[1]); }, {sample({2, 3}), sample({}, 2)});
  check_derivatives([&](const Tensors& in) { return in[0].masked_scatter(mask, in[1]); },
                    {sample({2, 3}), sample({3, 2}, 2)});
  check_derivatives([&](const Tensors& in) { return in[0].index({vector, Slice{1, None}}); }, {sample({3, 3})});
  check_derivatives([&](const Tensors& in) { return in[0].index({tensor({0, -1}), Slice{}, tensor({1, 1})}); },
                    {sample({2, 2, 2})});
  check_derivatives(
      [&](const Tensors& in) { return in[0].permute({2, 0, 1}).index({Slice{}, matrix.t(), vector.view({1, 4})}); },
      {sample({3, 3, 2})});
  check_derivatives([&](const Tensors& in) { return in[0].index({mask}); }, {sample({2, 3})});
  check_derivatives([&](const Tensors& in) { return in[0].index_put({tensor({0, 0, 2}), 1}, in[1], true); },
                    {sample({3, 2}), sample({3}, 2)});
  check_derivatives([&](const Tensors& in) { return in[0].index_put({mask}, in[1]); }, {sample({2, 3}), sample({}, 2)});
  check_derivatives([&](const Tensors& in) { return in[0].index_put({Slice{0, 1}, Slice{}, tensor({1, 0})}, in[1]); },
                    {sample({2, 2, 2}), sample({2}, 2)});
}

BOOST_AUTO_TEST_CASE(in_place_writes_enter_the_history) {
  const Tensor a = sample({3, 2}), v = sample({2}, 2);
  const auto gradients = [&](const std::function<void(const Tensor&)>& change) {
    const Tensor b = a * 1;
    change(b);
    (b * counting({3, 2})).sum().backward();
    const std::vector<double> ga = a.grad().to_vector<double>();
    a.zero_grad();
    return ga;
  };
  const auto expect = [](const std::vector<double>& got, const std::vector<double>& expected) {
    BOOST_TEST(got == expected, boost::test_tools::per_element());
  };
  expect(gradients([](const Tensor& b) { b.scatter_(0, tensor({{1, 2}}), 5); }), {0, 1, 0, 3, 4, 0});
  expect(gradients([&](const Tensor& b) { b.index_put_({1}, v); }), {0, 1, 0, 0, 4, 5});
  check_values(v.grad(), {2, 3});
  v.zero_grad();
  expect(gradients([&](const Tensor& b) { b.index_put_({tensor({0, 2}), 1}, v); }), {0, 0, 2, 3, 4, 0});
  check_values(v.grad(), {1, 5});
  v.zero_grad();
  expect(gradients([&](const Tensor& b) { b.index_put_({tensor({0, 0, 2})}, v, true); }), {0, 1, 2, 3, 4, 5});
  check_values(v.grad(), {4, 7});
  v.zero_grad();
  expect(gradients([](const Tensor& b) { b.masked_fill_(tensor({{true, false}, {false, true}, {false, false}}), 0); }),
         {0, 1, 2, 0, 4, 5});
  expect(gradients([](const Tensor& b) { b.t().index_fill_(0, tensor({0}), 1); }), {0, 1, 0, 3, 0, 5});
  expect(gradients([](const Tensor& b) { b.slice(0, 1).index_put_({None, tensor({true, false})}, 9); }),
         {0, 1, 0, 0, 4, 5});
}

BOOST_AUTO_TEST_CASE(a_changed_index_is_noticed_in_backward) {
  const Tensor x = sample({3});
  const auto change = [&](const std::function<Tensor(const Tensor&)>& f) {
    const Tensor index = tensor({0, 2});
    const Tensor loss = f(index).sum();
    index.fill_(1);
    check_error<AutogradError>([&] { loss.backward(); }, "had saved was overwritten in place");
  };
  change([&](const Tensor& i) { return x.index_select(0, i); });
  change([&](const Tensor& i) { return x.gather(0, i); });
  change([&](const Tensor& i) { return x.index_fill(0, i, 0); });
  change([&](const Tensor& i) { return x.scatter(0, i, 0); });
  // Through a raw pointer no version counter sees it: the indices are checked once more.
  const auto poke = [&](const std::function<Tensor(const Tensor&)>& f) {
    const Tensor index = tensor({0, 2});
    const Tensor loss = f(index).sum();
    index.data_ptr<std::int64_t>()[1] = 3;
    check_error<IndexError>([&] { loss.backward(); }, "index 3 is out of bounds for dimension 0 with size 3");
  };
  poke([&](const Tensor& i) { return x.index_select(0, i); });
  poke([&](const Tensor& i) { return x.gather(0, i); });
  poke([&](const Tensor& i) { return x.scatter(0, i, 0); });
  const Tensor mask = tensor({true, false, false});
  const Tensor loss = x.masked_select(mask).sum();
  mask.data_ptr<bool>()[2] = true;
  check_error<ShapeError>([&] { loss.backward(); }, "the mask has 2 places but the source only 1 elements");
  // Advanced indexing keeps positions of its own.
  const Tensor index = tensor({0, 2});
  const Tensor y = x.index({index}).sum();
  index.fill_(1);
  y.backward();
  check_values(x.grad(), {1, 0, 1});
}

// ---- accuracy and threads

BOOST_AUTO_TEST_CASE(many_additions_to_one_place_stay_accurate_in_float32) {
  const std::int64_t n = 3000000;
  const float tenth = 0.1f;
  const double exact = static_cast<double>(tenth) * static_cast<double>(n);
  const Tensor index = zeros({n}, {.dtype = int64}), src = full({n}, tenth);
  for (const Tensor& sum : {zeros({2}).scatter_add(0, index, src), zeros({2}).index_add(0, index, src),
                            zeros({2}).index_put({index}, src, true)}) {
    BOOST_TEST(std::abs(sum[0].item() - exact) <= 1e-7 * exact);
    BOOST_TEST(sum[1].item() == 0);
  }
}

BOOST_AUTO_TEST_CASE(results_are_the_same_bits_for_every_thread_count) {
  const int threads = get_num_threads();
  const Tensor x = sample({500, 300}).detach().to(float32);
  const Tensor rows = indices({4000}, 500), wide = indices({500, 900}, 300), deep = indices({2000, 300}, 500);
  const auto run = [&] {
    std::vector<std::vector<float>> out;
    const Tensor picked = x.index_select(0, rows);
    for (const Tensor& t : {picked, x.gather(1, wide), x.gather(0, deep), zeros({500, 300}).index_add(0, rows, picked),
                            zeros({500, 300}).scatter_add(1, wide, x.gather(1, wide)),
                            zeros({500, 300}).scatter_add(0, deep, x.gather(0, deep)),
                            zeros({500, 300}).scatter(1, wide, x.gather(1, wide)), x.masked_select(x > 0.25),
                            x.t().index_select(1, rows)})
      out.push_back(t.to_vector<float>());
    return out;
  };
  set_num_threads(1);
  const auto one = run();
  for (int n : {2, 5}) {
    set_num_threads(n);
    BOOST_TEST((run() == one));
  }
  set_num_threads(threads);
}

BOOST_AUTO_TEST_SUITE_END()
