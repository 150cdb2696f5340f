#include <boost/test/unit_test.hpp>
#include <fstream>
#include <optional>
#include <sstream>
#include <vector>

#include "slope/autograd/engine/backward.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"
#include "support/checks.h"
#include "support/test_data.h"

using namespace slope;

namespace {

Tensor counting(const Shape& shape) {
  std::int64_t n = 1;
  for (std::int64_t s : shape) n *= s;
  return arange(n).to(float64).view(shape);
}

std::string shape_of(const Tensor& t) { return to_text(t.shape()); }

// ---- cases recorded from PyTorch; the format stands in tests/reference/index_cases.py

struct Case {
  std::string name;
  Shape shape;
  std::vector<Index> indices;
  bool error = false, view = false;
  Shape result_shape;
  std::vector<double> result, grad;
  std::optional<std::vector<double>> assigned;
};

std::vector<std::int64_t> integers(std::istringstream& in, bool until_colon = false) {
  std::vector<std::int64_t> out;
  for (std::string word; in >> word && !(until_colon && word == ":");) out.push_back(std::stoll(word));
  return out;
}

std::vector<double> reals(std::istringstream& in) {
  const std::vector<std::int64_t> v = integers(in);
  return {v.begin(), v.end()};
}

std::optional<std::int64_t> bound(std::istringstream& in) {
  std::string word;
  in >> word;
  return word == "_" ? std::nullopt : std::optional<std::int64_t>(std::stoll(word));
}

std::vector<Case> read_cases() {
  std::ifstream file(test_data() / "index_cases.txt");
  BOOST_REQUIRE(file.good());
  std::vector<Case> cases;
  for (std::string line; std::getline(file, line);) {
    std::istringstream in(line);
    std::string word;
    in >> word;
    if (word == "case") {
      cases.emplace_back();
      in >> cases.back().name;
      continue;
    }
    Case& c = cases.back();
    if (word == "shape") {
      c.shape = integers(in);
    } else if (word == "int") {
      c.indices.push_back(integers(in)[0]);
    } else if (word == "slice") {
      const auto start = bound(in), stop = bound(in);
      c.indices.push_back(Slice{start, stop, *bound(in)});
    } else if (word == "none") {
      c.indices.push_back(None);
    } else if (word == "ellipsis") {
      c.indices.push_back(Ellipsis);
    } else if (word == "bool") {
      c.indices.push_back(integers(in)[0] != 0);
    } else if (word == "long" || word == "mask") {
      const Shape shape = integers(in, true);
      const Tensor t = tensor(integers(in)).view(shape);
      c.indices.push_back(word == "long" ? t : t != 0);
    } else if (word == "error") {
      c.error = true;
    } else if (word == "view") {
      c.view = integers(in)[0] != 0;
    } else if (word == "result") {
      c.result_shape = integers(in, true);
      c.result = reals(in);
    } else if (word == "grad") {
      c.grad = reals(in);
    } else if (word == "assigned") {
      c.assigned = reals(in);
    } else {
      BOOST_FAIL("unknown line: " + line);
    }
  }
  return cases;
}

/// The values of `t` under other strides.
Tensor relaid(const Tensor& t) {
  Shape backwards;
  for (int d = t.dim() - 1; d >= 0; --d) backwards.push_back(d);
  return t.permute(backwards).contiguous().permute(backwards);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(index_advanced)

BOOST_AUTO_TEST_CASE(reads_gradients_and_writes_are_those_of_pytorch) {
  const std::vector<Case> cases = read_cases();
  BOOST_TEST(cases.size() >= 400u);
  int errors = 0, writes = 0;
  for (const Case& c : cases) BOOST_TEST_CONTEXT("case " << c.name) {
      const Tensor x = counting(c.shape);
      if (c.error) {
        ++errors;
        const Tensor y = x.clone();
        BOOST_CHECK_THROW(index(x, c.indices), Error);
        BOOST_CHECK_THROW(index_put(x, c.indices, 1), Error);
        BOOST_TEST(equal(x, y));
        continue;
      }
      const Tensor read = index(x, c.indices);
      BOOST_TEST(shape_of(read) == to_text(c.result_shape));
      BOOST_TEST(read.to_vector<double>() == c.result, boost::test_tools::per_element());
      if (read.numel() > 0) BOOST_TEST(read.shares_storage(x) == c.view);
      BOOST_TEST(index(relaid(x), c.indices).to_vector<double>() == c.result, boost::test_tools::per_element());

      const Tensor leaf = x.clone().requires_grad_();
      const Tensor weights = (arange(read.numel()).to(float64) + 1).view(read.shape());
      (index(leaf, c.indices) * weights).sum().backward();
      BOOST_TEST(leaf.grad().to_vector<double>() == c.grad, boost::test_tools::per_element());

      // Adding the weights where they were read from is what the gradient does.
      const Tensor added = index_put(zeros(c.shape, {.dtype = float64}), c.indices, weights, true);
      BOOST_TEST(added.to_vector<double>() == c.grad, boost::test_tools::per_element());
      if (c.assigned) {
        ++writes;
        BOOST_TEST(index_put(x, c.indices, -weights).to_vector<double>() == *c.assigned,
                   boost::test_tools::per_element());
        BOOST_TEST(index_put(relaid(x), c.indices, -weights).to_vector<double>() == *c.assigned,
                   boost::test_tools::per_element());
        // With history: the values written receive the gradient of where they stand.
        const Tensor value = (-weights).requires_grad_();
        (index_put(leaf.detach().requires_grad_(), c.indices, value) * (x + 1)).sum().backward();
        BOOST_TEST(value.grad().to_vector<double>() == index(x + 1, c.indices).to_vector<double>(),
                   boost::test_tools::per_element());
      }
    }
  BOOST_TEST(errors >= 20);
  BOOST_TEST(writes >= 200);
}

BOOST_AUTO_TEST_CASE(basic_indices_give_views) {
  const Tensor x = counting({3, 4, 2});
  BOOST_TEST(shape_of(x.index({1, Slice{1, 3}})) == "[2, 2]");
  check_values(x.index({1, Slice{1, 3}, -1}), {11, 13});
  check_values(x.index({Ellipsis, 0, 0}), {0, 8, 16});
  BOOST_TEST(shape_of(x.index({None, Ellipsis, None})) == "[1, 3, 4, 2, 1]");
  BOOST_TEST(x.index({Slice{}, Slice{None, None, 2}}).shares_storage(x));
  BOOST_TEST(x.index({}).shares_storage(x));
  BOOST_TEST(!x.index({}).is(x));
  x.index({0, 0, 0}).fill_(-5);
  BOOST_TEST(x[0][0][0].item() == -5);
}

BOOST_AUTO_TEST_CASE(a_mask_over_all_dimensions_is_masked_select) {
  const Tensor x = counting({3, 4});
  const Tensor m = x % 3 == 1;
  check_values(x.index({m}), {1, 4, 7, 10});
  BOOST_TEST(equal(x.index({m}), x.masked_select(m)));
  check_values(x.index({Slice{}, tensor({true, false, false, true})}), {0, 3, 4, 7, 8, 11});
  check_values(x.index({tensor({false, true, false}), tensor({2})}), {6});
}

BOOST_AUTO_TEST_CASE(assignment_broadcasts_and_converts_the_value) {
  const Tensor x = zeros({3, 4});
  x.index_put_({tensor({0, 2})}, tensor({1.0, 2.0, 3.0, 4.0}, {.dtype = float64}));
  check_values(x, {1, 2, 3, 4, 0, 0, 0, 0, 1, 2, 3, 4});
  x.index_put_({x > 2}, 0);
  check_values(x, {1, 2, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0});
  x.index_put_({1}, ones({1, 1, 4}));
  check_values(x.index({1}), {1, 1, 1, 1});
  x.index_put_({Slice{}, 0}, tensor({7, 8, 9}));
  check_values(x.select(1, 0), {7, 8, 9});
  x.index_put_({Slice{0, 2}, 3}, 0.5, true);
  check_values(x.select(1, 3), {0.5, 1.5, 0});
  x.index_put_({tensor({0, 0, 0}), 0}, 1, true);
  BOOST_TEST(x[0][0].item() == 10);
  x.index_put_({tensor({1, 1, 1}), 1}, tensor({1, 2, 3}));
  BOOST_TEST(x[1][1].item() == 3);                    // the last one wins
  x.index_put_({tensor({0}), tensor({0})}, x[1][1]);  // reads and writes one storage
  BOOST_TEST(x[0][0].item() == 3);
}

BOOST_AUTO_TEST_CASE(bad_indices_are_named_and_nothing_changes) {
  const Tensor x = counting({3, 4});
  const std::uint32_t version = x.version();
  check_error<IndexError>([&] { x.index({0, 0, 0}); }, "too many indices for tensor of dimension 2, got 3");
  check_error<IndexError>([&] { x.index({Ellipsis, 0, Ellipsis}); },
                          "an index can only have a single ellipsis ('...')");
  check_error<IndexError>([&] { x.index({0, 4}); }, "index 4 is out of bounds for dimension 1 with size 4");
  check_error<IndexError>([&] { x.index({0, tensor({1, -5})}); },
                          "index -5 is out of bounds for dimension 1 with size 4");
  check_error<IndexError>(
      [&] { x.index({tensor({true, false})}); },
      "The shape of the mask [2] at index 0 does not match the shape of the indexed tensor [3, 4] at index 0");
  check_error<ShapeError>([&] { x.index({tensor({0, 1}), tensor({0, 1, 2})}); },
                          "shape mismatch: indexing tensors could not be broadcast together with shapes [2], [3]");
  check_error<DTypeError>([&] { x.index({tensor({0.0})}); },
                          "tensors used as indices must be int64 or bool tensors, got float32");
  check_error<ValueError>([&] { x.index({Tensor()}); }, "an index is an undefined tensor");
  check_error<ValueError>([&] { x.index({Slice{0, 2, -1}}); }, "slice step must be positive");
  check_error<ShapeError>(
      [&] { x.index_put_({tensor({0, 1})}, ones({3})); },
      "shape mismatch: value tensor of shape [3] cannot be broadcast to indexing result of shape [2, 4]");
  check_error<ShapeError>(
      [&] { x.index_put_({tensor({0, 1})}, ones({3, 2, 4})); },
      "shape mismatch: value tensor of shape [3, 2, 4] cannot be broadcast to indexing result of shape [2, 4]");
  check_error<ShapeError>(
      [&] { x.index_put_({1}, ones({1, 2, 4})); },
      "shape mismatch: value tensor of shape [1, 2, 4] cannot be broadcast to indexing result of shape [4]");
  check_error<DTypeError>([&] { arange(3).index_put_({tensor({0})}, 1.5); },
                          "a result of float32 cannot be stored in a tensor of int64");
  check_error<IndexError>([&] { x.index_put_({tensor({0, 3})}, 1); },
                          "index 3 is out of bounds for dimension 0 with size 3");
  check_error<IndexError>([&] { zeros({0, 2}).index({tensor({0})}); },
                          "index 0 is out of bounds for dimension 0 with size 0");
  const Tensor leaf = counting({3}).requires_grad_();
  check_error<AutogradError>([&] { leaf.index_put_({tensor({0})}, 1); },
                             "a leaf that requires grad cannot be changed in place");
  check_error<AutogradError>([&] { leaf.index_put_({0}, 1); },
                             "a view of a leaf that requires grad cannot be changed in place");
  BOOST_TEST(x.version() == version);
  BOOST_TEST(equal(x, counting({3, 4})));
}

BOOST_AUTO_TEST_SUITE_END()
