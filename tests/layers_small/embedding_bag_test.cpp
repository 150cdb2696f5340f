#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "slope/autograd/core/parallel.h"
#include "slope/autograd/core/random.h"
#include "slope/autograd/engine/backward.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/random.h"
#include "slope/gradcheck.h"
#include "slope/nn/nn.h"
#include "support/checks.h"

// Embedding bags against their definition: rows looked up, multiplied, and summed bag by bag.

using namespace slope;

namespace {

constexpr TensorOptions leaf64{.dtype = float64, .requires_grad = true};
constexpr double inf = std::numeric_limits<double>::infinity(), nan_value = std::numeric_limits<double>::quiet_NaN();

struct Seeded {
  Seeded() { manual_seed(11); }
};

/// The definition, made of tensor operations that store every row.
Tensor composed(const Tensor& input, const Tensor& weight, const std::vector<std::int64_t>& bounds,
                const Tensor& weights, const std::string& mode, std::int64_t padding = -1) {
  std::vector<Tensor> results;
  for (std::size_t b = 0; b + 1 < bounds.size(); ++b) {
    std::vector<Tensor> rows;
    for (std::int64_t k = bounds[b]; k < bounds[b + 1]; ++k) {
      const auto row = input[k].item<std::int64_t>();
      if (row != padding) rows.push_back(weights.defined() ? weight[row] * weights[k] : weight[row]);
    }
    if (rows.empty())
      results.push_back(weight.index_select(0, zeros({0}, {.dtype = int64})).sum(0));
    else if (mode == "max")
      results.push_back(amax(stack(rows), 0));
    else
      results.push_back(mode == "sum" ? stack(rows).sum(0) : stack(rows).mean(0));
  }
  return stack(results);
}

Tensor random_rows(std::int64_t count, std::int64_t rows) {
  return (rand({count}) * static_cast<double>(rows)).floor().to(int64);
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(embedding_bag, Seeded)

BOOST_AUTO_TEST_CASE(sums_means_and_maxima_are_those_of_the_rows) {
  for (const DType dtype : {float32, float64})
    for (const std::int64_t dim : {1, 3, 8, 17, 70, 300})
      for (const std::string mode : {"sum", "mean", "max"})
        for (const std::int64_t padding : {-1, 2}) {
          const Tensor table = randn({9, dim}, {.dtype = dtype, .requires_grad = true});
          const Tensor input = random_rows(40, 9);
          const std::vector<std::int64_t> bounds = {0, 0, 3, 4, 4, 25, 40, 40};
          const Tensor offsets = tensor({0, 0, 3, 4, 4, 25, 40});
          nn::EmbeddingBagOptions o{.mode = mode};
          if (padding >= 0) o.padding_idx = padding;
          const Tensor y = F::embedding_bag(input, table, offsets, {}, o);
          const Tensor expected = composed(input, table, bounds, {}, mode, padding);
          const double eps = dtype == float32 ? 1e-6 : 1e-14;
          BOOST_TEST(allclose(y, expected, eps, eps), mode << " of " << dim << " columns");
          const Tensor g = randn(y.shape(), {.dtype = dtype});
          const Tensor dy = autograd::grad({y}, {table}, {.grad_outputs = {g}})[0];
          const Tensor de = autograd::grad({expected}, {table}, {.grad_outputs = {g}})[0];
          BOOST_TEST(allclose(dy, de, 10 * eps, 10 * eps), "gradient of " << mode << " of " << dim << " columns");
        }
}

BOOST_AUTO_TEST_CASE(rows_may_be_weighted) {
  for (const DType dtype : {float32, float64}) {
    const Tensor table = randn({5, 19}, {.dtype = dtype, .requires_grad = true});
    const Tensor input = random_rows(12, 5), weights = randn({12}, {.dtype = dtype, .requires_grad = true});
    const Tensor offsets = tensor({0, 5, 5, 11});
    const Tensor y = F::embedding_bag(input, table, offsets, weights, {.mode = "sum"});
    const Tensor expected = composed(input, table, {0, 5, 5, 11, 12}, weights, "sum");
    const double eps = dtype == float32 ? 1e-5 : 1e-13;
    BOOST_TEST(allclose(y, expected, eps, eps));
    const Tensor g = randn(y.shape(), {.dtype = dtype});
    const auto dy = autograd::grad({y}, {table, weights}, {.grad_outputs = {g}});
    const auto de = autograd::grad({expected}, {table, weights}, {.grad_outputs = {g}});
    for (std::size_t i : {0, 1}) BOOST_TEST(allclose(dy[i], de[i], eps, eps), "argument " << i);
  }
}

BOOST_AUTO_TEST_CASE(a_matrix_holds_a_bag_in_each_row) {
  const Tensor table = randn({4, 3}, leaf64), input = tensor({{3, 0, 0}, {1, 1, 2}});
  for (const std::string mode : {"sum", "mean", "max"})
    BOOST_TEST(equal(F::embedding_bag(input, table, {}, {}, {.mode = mode}),
                     F::embedding_bag(input.reshape({6}), table, tensor({0, 3}), {}, {.mode = mode})));
  // Any layout.
  const Tensor strided = tensor({{3, 1}, {0, 1}, {0, 2}}).t(), wide = table.detach().t().contiguous().t();
  BOOST_TEST(!strided.is_contiguous());
  BOOST_TEST(equal(F::embedding_bag(strided, wide), F::embedding_bag(input, table)));
  const Tensor weights = randn({3, 2}, leaf64);
  BOOST_TEST(equal(F::embedding_bag(strided, wide, {}, weights.t(), {.mode = "sum"}),
                   F::embedding_bag(input, table, {}, weights.t().contiguous(), {.mode = "sum"})));
}

BOOST_AUTO_TEST_CASE(the_last_offset_may_be_the_end) {
  const Tensor table = tensor({{1.0}, {10.0}, {100.0}}, {.requires_grad = true});
  const Tensor input = tensor({0, 1, 2, 2});
  const nn::EmbeddingBagOptions ends{.mode = "sum", .include_last_offset = true};
  check_values(F::embedding_bag(input, table, tensor({0, 1, 3}), {}, ends), {1, 110});  // the last entry is in no bag
  check_values(F::embedding_bag(input, table, tensor({0, 1, 4}), {}, ends), {1, 210});
  BOOST_TEST(to_text(F::embedding_bag(input, table, tensor({0}), {}, ends).shape()) == "[0, 1]");
  F::embedding_bag(input, table, tensor({0, 1, 3}), {}, ends).sum().backward();
  check_values(table.grad(), {1, 1, 1});
}

BOOST_AUTO_TEST_CASE(bags_of_nothing_give_0) {
  const Tensor table = full({3, 2}, nan_value, leaf64);
  const Tensor none = zeros({0}, {.dtype = int64});
  for (const std::string mode : {"sum", "mean", "max"}) {
    const Tensor y = F::embedding_bag(none, table, tensor({0, 0}), {}, {.mode = mode});
    check_values(y, {0, 0, 0, 0});
    check_values(autograd::grad({y.sum()}, {table})[0], {0, 0, 0, 0, 0, 0});
    const Tensor empty = F::embedding_bag(none, table, none, {}, {.mode = mode});
    BOOST_TEST(to_text(empty.shape()) == "[0, 2]");
    check_values(autograd::grad({empty.sum()}, {table})[0], {0, 0, 0, 0, 0, 0});
    BOOST_TEST(to_text(F::embedding_bag(zeros({0, 4}, {.dtype = int64}), table, {}, {}, {.mode = mode}).shape()) ==
               "[0, 2]");
    check_values(F::embedding_bag(zeros({2, 0}, {.dtype = int64}), table, {}, {}, {.mode = mode}), {0, 0, 0, 0});
    // Of padding alone, and of a table without rows or columns.
    check_values(F::embedding_bag(tensor({{1, 1}}), table, {}, {}, {.mode = mode, .padding_idx = -2}), {0, 0});
    check_values(F::embedding_bag(none, zeros({0, 2}), tensor({0}), {}, {.mode = mode}), {0, 0});
    BOOST_TEST(to_text(F::embedding_bag(tensor({{1, 1}}), zeros({3, 0}), {}, {}, {.mode = mode}).shape()) == "[1, 0]");
  }
}

BOOST_AUTO_TEST_CASE(the_first_of_equal_maxima_gets_the_gradient_and_nan_wins) {
  const Tensor table = tensor({{1.0, 2.0}, {1.0, 3.0}, {0.0, nan_value}, {0.0, nan_value}}, leaf64);
  F::embedding_bag(tensor({{0, 1}}), table, {}, {}, {.mode = "max"}).sum().backward();
  check_values(table.grad(), {1, 0, 0, 1, 0, 0, 0, 0});
  const Tensor y = F::embedding_bag(tensor({{0, 2, 3, 1}}), table, {}, {}, {.mode = "max"});
  check_values(y, {1, nan_value});
  check_values(autograd::grad({y.sum()}, {table})[0], {1, 0, 0, 0, 0, 1, 0, 0});
  check_values(F::embedding_bag(tensor({{0}}), full({1, 1}, -inf), {}, {}, {.mode = "max"}), {-inf});
}

BOOST_AUTO_TEST_CASE(padding_takes_no_part) {
  nn::EmbeddingBag layer(4, 1, {.mode = "mean", .padding_idx = -1});
  check_values(layer.weight[3], {0});
  {
    const NoGradGuard no_grad;
    layer.weight.copy_(tensor({{1.0}, {2.0}, {4.0}, {nan_value}}));
  }
  const Tensor y = layer(tensor({{0, 3, 2}, {3, 3, 3}}));
  check_values(y, {2.5, 0});
  y.sum().backward();
  check_values(layer.weight.grad(), {0.5, 0, 0.5, 0});
  const Tensor weights = ones({3}, {.requires_grad = true});
  F::embedding_bag(tensor({0, 3, 2}), layer.weight, tensor({0}), weights, {.mode = "sum", .padding_idx = 3}).backward();
  check_values(weights.grad(), {1, 0, 4});
}

BOOST_AUTO_TEST_CASE(gradients_may_be_divided_by_the_number_of_occurrences) {
  nn::EmbeddingBag layer(3, 1, {.scale_grad_by_freq = true, .mode = "sum"});
  layer(tensor({0, 0, 0, 1, 2}), tensor({0, 2})).backward(tensor({{1.0}, {10.0}}));
  check_values(layer.weight.grad(), {4, 10, 10});
  nn::EmbeddingBag mean(3, 1, {.scale_grad_by_freq = true});
  mean(tensor({0, 0, 0, 1, 2}), tensor({0, 2})).backward(tensor({{1.0}, {6.0}}));
  check_values(mean.weight.grad(), {1, 2, 2});
}

BOOST_AUTO_TEST_CASE(rows_beyond_max_norm_are_scaled_down_in_place) {
  nn::EmbeddingBag layer(3, 2, {.max_norm = 1.0, .mode = "sum"});
  {
    const NoGradGuard no_grad;
    layer.weight.copy_(tensor({{3.0, 4.0}, {0.3, 0.4}, {6.0, 8.0}}));
  }
  check_close(layer(tensor({{0, 1, 0}})), {1.5, 2.0}, 1e-6);
  check_close(layer.weight.detach(), {0.6, 0.8, 0.3, 0.4, 6, 8}, 1e-6);  // row 2 was not used
  // Where all are short enough, what a backward pass has saved stays valid.
  const Tensor weights = ones({1, 2}, {.requires_grad = true});
  const auto call = [&] { return layer(tensor({{0, 1}}), {}, weights); };
  const Tensor y = call();
  call();
  y.sum().backward();
  check_close(weights.grad(), {1.4, 0.7}, 1e-6);
}

BOOST_AUTO_TEST_CASE(a_weight_of_0_silences_its_row_and_a_zero_gradient_stays_zero) {
  const Tensor table = tensor({{inf, nan_value}, {1.0, 2.0}}, leaf64);
  const Tensor weights = tensor({0.0, 3.0}, leaf64);
  const Tensor y = F::embedding_bag(tensor({{0, 1}}), table, {}, weights.unsqueeze(0), {.mode = "sum"});
  check_values(y, {3, 6});
  check_values(autograd::grad({y}, {table}, {.grad_outputs = {tensor({{1.0, inf}}, {.dtype = float64})}})[0],
               {0, 0, 3, inf});
  const Tensor infinite = tensor({{inf, 1.0}}, leaf64);
  const Tensor z = F::embedding_bag(tensor({{0, 1}}), table, {}, infinite, {.mode = "sum"});
  for (const Tensor& g : autograd::grad({z}, {table, infinite}, {.grad_outputs = {zeros({1, 2}, {.dtype = float64})}}))
    BOOST_TEST((g == 0).all().item<bool>());
}

BOOST_AUTO_TEST_CASE(derivatives_of_first_and_second_order) {
  const Tensor input = tensor({1, 0, 2, 2, 4, 1, 1}), offsets = tensor({0, 3, 3, 6});
  const Tensor table = randn({5, 3}, leaf64), weights = randn({7}, leaf64);
  const auto check = [](const autograd::CheckedFunction& f, const std::vector<Tensor>& inputs) {
    const auto first = autograd::gradcheck(f, inputs), second = autograd::gradgradcheck(f, inputs);
    BOOST_TEST(first.ok, first.message);
    BOOST_TEST(second.ok, second.message);
  };
  for (const std::string mode : {"sum", "mean", "max"})
    for (const bool padded : {false, true}) {
      nn::EmbeddingBagOptions o{.mode = mode};
      if (padded) o.padding_idx = 1;
      check([&](const auto& in) { return square(F::embedding_bag(input, in[0], offsets, {}, o)); }, {table});
      if (mode == "sum")
        check([&](const auto& in) { return square(F::embedding_bag(input, in[0], offsets, in[1], o)); },
              {table, weights});
    }
  // Third order: the derivatives of the gradient by the weights are bags again.
  check(
      [&](const std::vector<Tensor>& in) {
        const Tensor y = F::embedding_bag(input, in[0], offsets, in[1], {.mode = "sum"});
        const auto g = autograd::grad({(y * y * y).sum()}, in, {.create_graph = true});
        return square(g[0]).sum() + square(g[1]).sum();
      },
      {table, weights});
}

BOOST_AUTO_TEST_CASE(every_number_of_threads_gives_the_same_bits) {
  const int before = get_num_threads();
  for (const DType dtype : {float32, float64})
    for (const std::string mode : {"sum", "mean", "max"})
      for (const std::int64_t dim : {64, 1500}) {
        const Tensor input = random_rows(6000, 50), offsets = (arange(600) * 10).to(int64);
        const Tensor data = randn({50, dim}, {.dtype = dtype}), w = randn({6000}, {.dtype = dtype});
        std::vector<std::vector<double>> first;
        for (const int threads : {1, 2, 5}) {
          set_num_threads(threads);
          const Tensor table = data.clone().requires_grad_(), weights = w.clone().requires_grad_();
          const Tensor y = F::embedding_bag(input, table, offsets, mode == "sum" ? weights : Tensor(), {.mode = mode});
          square(y).sum().backward();
          std::vector<std::vector<double>> all = {y.detach().to(float64).to_vector<double>(),
                                                  table.grad().to(float64).to_vector<double>()};
          if (mode == "sum") all.push_back(weights.grad().to(float64).to_vector<double>());
          if (first.empty()) first = all;
          BOOST_TEST((all == first), mode << " on " << threads << " threads");
        }
      }
  set_num_threads(before);
}

BOOST_AUTO_TEST_CASE(indices_may_change_before_backward) {
  const Tensor table = zeros({3, 1}, {.requires_grad = true}), input = tensor({{0, 2}});
  const Tensor y = F::embedding_bag(input, table, {}, {}, {.mode = "sum"});
  input.fill_(1);
  y.backward();
  check_values(table.grad(), {1, 0, 1});
}

BOOST_AUTO_TEST_CASE(pretrained_rows_are_frozen_unless_wanted) {
  const Tensor rows = tensor({{1.0, 2.0}, {3.0, 4.0}});
  nn::EmbeddingBag frozen = nn::EmbeddingBag::from_pretrained(rows);
  BOOST_TEST(!frozen.weight.requires_grad());
  check_values(frozen(tensor({{1, 0}})), {2, 3});
  BOOST_TEST(nn::EmbeddingBag::from_pretrained(rows, false).weight.requires_grad());
  BOOST_TEST(!rows.requires_grad());
  check_error<ShapeError>([] { nn::EmbeddingBag::from_pretrained(ones({3})); },
                          "EmbeddingBag: Embeddings parameter is expected to be 2-dimensional, got [3]");
}

BOOST_AUTO_TEST_CASE(the_layer_prints_its_options_and_stands_in_a_sequence) {
  BOOST_TEST(nn::EmbeddingBag(10, 3).to_string() == "EmbeddingBag(10, 3, mode='mean')");
  BOOST_TEST(nn::EmbeddingBag(
                 10, 3, {.max_norm = 2.0, .norm_type = 1, .scale_grad_by_freq = true, .mode = "sum", .padding_idx = -1})
                 .to_string() ==
             "EmbeddingBag(10, 3, max_norm=2.0, norm_type=1.0, scale_grad_by_freq=True, mode='sum', padding_idx=9)");
  nn::Sequential model(nn::EmbeddingBag(10, 4), nn::Linear(4, 2));
  BOOST_TEST(to_text(model(tensor({{1, 2, 3}, {4, 5, 6}})).shape()) == "[2, 2]");
}

BOOST_AUTO_TEST_CASE(a_refused_layer_draws_no_random_numbers) {
  manual_seed(3);
  const Tensor expected = randn({2});
  manual_seed(3);
  check_error<ValueError>([] { nn::EmbeddingBag(4, 2, {.mode = "median"}); },
                          "EmbeddingBag: mode has to be one of sum, mean or max, got 'median'");
  check_error<ValueError>([] { nn::EmbeddingBag(4, 2, {.max_norm = -1}); },
                          "EmbeddingBag: max_norm must not be negative");
  check_error<ValueError>([] { nn::Embedding(4, 2, {.max_norm = -1}); },
                          "Embedding: max_norm must not be negative, got -1");
  BOOST_TEST(equal(randn({2}), expected));
}

BOOST_AUTO_TEST_CASE(bad_input_changes_nothing) {
  const Tensor table = full({3, 2}, 10.0, {.requires_grad = true}), before = table.detach().clone();
  const nn::EmbeddingBagOptions o{.max_norm = 1.0};
  check_error<IndexError>([&] { F::embedding_bag(tensor({{0, 3}}), table, {}, {}, o); },
                          "embedding_bag: index 3 is out of bounds for dimension 0 with size 3");
  check_error<ValueError>([&] { F::embedding_bag(tensor({0, 1, 2}), table, tensor({0, 2, 1}), {}, o); },
                          "embedding_bag: offsets must not decrease, but offsets[2] = 1 follows 2");
  BOOST_TEST(equal(table, before));
}

BOOST_AUTO_TEST_SUITE_END()
