#include "slope/nn/layers/normalization.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "slope/autograd/core/parallel.h"
#include "slope/autograd/core/random.h"
#include "slope/autograd/engine/backward.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/random.h"
#include "slope/gradcheck.h"
#include "slope/nn/functional.h"
#include "support/checks.h"

using namespace slope;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

struct Seeded {
  Seeded() { manual_seed(11); }
};

/// A way to normalise, as a function of x, weight and bias, and the same made of operations in double.
struct Way {
  std::string name;
  Shape shape, weights;
  std::function<Tensor(const Tensor& x, const Tensor& weight, const Tensor& bias)> call;
  /// x as (batch, groups, channels, length), and over what moments are taken.
  Shape parts;
  Dims set;
  bool centred = true;
  double eps = 1e-5;

  Tensor reference(const Tensor& x, const Tensor& weight, const Tensor& bias) const {
    const Tensor v = x.reshape(parts);
    const Tensor d = centred ? v - v.mean(set, true) : v;
    Tensor y = d / sqrt(square(d).mean(set, true) + eps);
    const Shape each{1, parts[1], parts[2], 1};
    if (weight.defined()) y = y * weight.reshape(each);
    if (bias.defined()) y = y + bias.reshape(each);
    return y.reshape(x.shape());
  }
};

Way batch(const Shape& shape, double eps = 1e-5) {
  std::int64_t space = 1;
  for (int d = 2; d < shape.size(); ++d) space *= shape[d];
  return {concat("batch_norm ", shape),
          shape,
          {shape[1]},
          [eps](const Tensor& x, const Tensor& w, const Tensor& b) {
            return F::batch_norm(x, {}, {}, w, b, true, 0.1, eps);
          },
          {shape[0], shape[1], 1, space},
          {0, 2, 3},
          true,
          eps};
}
Way group(const Shape& shape, std::int64_t groups) {
  std::int64_t space = 1;
  for (int d = 2; d < shape.size(); ++d) space *= shape[d];
  return {concat("group_norm ", shape, " in ", groups),
          shape,
          {shape[1]},
          [groups](const Tensor& x, const Tensor& w, const Tensor& b) { return F::group_norm(x, groups, w, b); },
          {shape[0], groups, shape[1] / groups, space},
          {2, 3}};
}
Way instance(const Shape& shape) {
  Way w = group(shape, shape[1]);
  w.name = concat("instance_norm ", shape);
  w.call = [](const Tensor& x, const Tensor& weight, const Tensor& b) {
    return F::instance_norm(x, {}, {}, weight, b);
  };
  return w;
}
Way layer(const Shape& shape, int dims) {
  Shape normalized;
  std::int64_t n = 1, all = 1;
  for (int d = 0; d < shape.size(); ++d) {
    all *= shape[d];
    if (d < shape.size() - dims) continue;
    normalized.push_back(shape[d]);
    n *= shape[d];
  }
  return {
      concat("layer_norm ", shape, " over ", normalized),
      shape,
      normalized,
      [normalized](const Tensor& x, const Tensor& w, const Tensor& b) { return F::layer_norm(x, normalized, w, b); },
      {n > 0 ? all / n : 0, 1, n, 1},
      {2, 3}};
}
Way root_mean_square(const Shape& shape, int dims) {
  Way w = layer(shape, dims);
  const Shape normalized = w.weights;
  w.name = concat("rms_norm ", shape, " over ", normalized);
  w.call = [normalized](const Tensor& x, const Tensor& weight, const Tensor& bias) {
    const Tensor y = F::rms_norm(x, normalized, weight, 1e-5);
    return bias.defined() ? y + bias : y;
  };
  w.centred = false;
  return w;
}

/// What every way of the kernels meets: long and short runs, columns, rows, many and few of them, and what fills no vector.
std::vector<Way> all_ways() {
  return {batch({5, 3}),
          batch({70, 130}),
          batch({200, 7, 3}),
          batch({3, 2, 4, 5}),
          batch({2, 5, 7, 9}),
          batch({4, 70, 2, 2}),
          batch({3, 1, 100, 90}),
          batch({2, 3, 1, 2, 3}),
          batch({2000, 33}),
          batch({1, 4, 17}),
          batch({1, 2, 9000}),
          group({3, 4}, 2),
          group({3, 6, 5}, 2),
          group({2, 6, 3, 7}, 3),
          group({2, 4, 70}, 1),
          group({1, 4, 5000}, 2),
          group({40, 32, 4}, 8),
          instance({3, 2, 5}),
          instance({3, 2, 4, 6}),
          instance({1, 3, 100, 100}),
          instance({20, 30, 2}),
          layer({7, 10}, 1),
          layer({3, 4, 50}, 1),
          layer({2, 3, 4, 5}, 2),
          layer({100, 768}, 1),
          layer({6}, 1),
          layer({300, 3}, 1),
          layer({5, 5000}, 1),
          layer({3, 40000}, 1),
          layer({9, 33000}, 1),
          layer({1000, 40}, 1),
          root_mean_square({7, 10}, 1),
          root_mean_square({50, 6, 11}, 2),
          root_mean_square({2, 40000}, 1)};
}

std::vector<Way> small_ways() {
  return {batch({4, 3}),        batch({3, 2, 2}),    batch({2, 2, 4, 4}),  batch({2, 2, 17}),
          group({3, 4}, 2),     group({2, 4, 3}, 2), group({2, 4, 16}, 2), instance({2, 2, 3}),
          instance({2, 1, 17}), layer({3, 5}, 1),    layer({2, 2, 3}, 2),  root_mean_square({3, 5}, 1)};
}

/// The gradients of Σ y·g by x, weight and bias; undefined for undefined ones.
std::vector<Tensor> gradients(const Tensor& y, const Tensor& g, const std::vector<Tensor>& inputs,
                              bool create_graph = false) {
  std::vector<Tensor> wanted;
  for (const Tensor& t : inputs)
    if (t.defined()) wanted.push_back(t);
  return autograd::grad({y}, wanted, {.grad_outputs = {g}, .create_graph = create_graph});
}

void require_close(const Tensor& got, const Tensor& expected, double tolerance, const std::string& what) {
  const double scale = std::max(1.0, expected.numel() ? abs(expected).max().item() : 0.0);
  BOOST_TEST(allclose(got.to(float64), expected, 0, tolerance * scale),
             what << ": off by " << abs(got.to(float64) - expected).max().item() << " of " << scale);
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(normalization, Seeded)

BOOST_AUTO_TEST_CASE(values_and_gradients_are_those_of_the_formula) {
  for (const Way& way : all_ways())
    for (const DType dtype : {float64, float32})
      for (const int affine : {0, 1, 2}) {
        if (affine == 1 && way.shape.size() > 2) continue;
        const std::string what = way.name + (dtype == float32 ? " float32" : "") + " affine " + std::to_string(affine);
        const Tensor x = randn(way.shape, {.dtype = float64}) * 2 + 1, g = randn(way.shape, {.dtype = float64});
        const Tensor w = affine > 0 ? randn(way.weights, {.dtype = float64}) : Tensor();
        const Tensor b = affine > 1 ? randn(way.weights, {.dtype = float64}) : Tensor();
        std::vector<Tensor> mine, theirs;
        for (const Tensor& t : {x, w, b}) {
          mine.push_back(t.defined() ? t.to(dtype).detach().clone().requires_grad_() : t);
          theirs.push_back(t.defined() ? mine.back().to(float64).detach().requires_grad_() : t);
        }
        const Tensor y = way.call(mine[0], mine[1], mine[2]);
        const Tensor expected = way.reference(theirs[0], theirs[1], theirs[2]);
        BOOST_TEST((y.dtype() == dtype && y.shape() == x.shape()));
        const double tolerance = dtype == float64 ? 1e-12 : 4e-6;
        require_close(y.detach(), expected.detach(), tolerance, what);
        const auto got = gradients(y, g.to(dtype), mine);
        const auto want = gradients(expected, g.to(dtype).to(float64), theirs);
        for (std::size_t i = 0; i < got.size(); ++i)
          require_close(got[i], want[i], tolerance, what + ", gradient " + std::to_string(i));
        const auto composed = gradients(way.call(mine[0], mine[1], mine[2]), g.to(dtype), mine, true);
        for (std::size_t i = 0; i < got.size(); ++i)
          require_close(composed[i].detach(), want[i], tolerance, what + ", recorded gradient " + std::to_string(i));
      }
}

BOOST_AUTO_TEST_CASE(bits_do_not_depend_on_threads_and_layout) {
  const int before = get_num_threads();
  for (const Way& way : all_ways()) {
    const Tensor x = randn(way.shape), g = randn(way.shape), w = randn(way.weights), b = randn(way.weights);
    std::vector<Tensor> first;
    for (const int threads : {1, 2, 5}) {
      set_num_threads(threads);
      const auto run = [&](const Tensor& in, const Tensor& up) {
        const Tensor leaf = in.detach().requires_grad_();
        const Tensor lw = w.detach().requires_grad_(), lb = b.detach().requires_grad_();
        const Tensor y = way.call(leaf, lw, lb);
        std::vector<Tensor> all = gradients(y, up, {leaf, lw, lb});
        all.push_back(y.detach());
        return all;
      };
      const auto same = [&](const std::vector<Tensor>& all, const char* how) {
        if (first.empty()) first = all;
        for (std::size_t i = 0; i < all.size(); ++i)
          BOOST_TEST(equal(all[i], first[i]), way.name << " result " << i << " with " << threads << how);
      };
      same(run(x, g), " threads");
      const auto reversed = [](const Tensor& t) {  // the memory runs the other way through the dimensions
        std::vector<std::int64_t> order;
        for (int d = t.dim() - 1; d >= 0; --d) order.push_back(d);
        return t.permute(order).contiguous().permute(order);
      };
      const auto gaps = [](const Tensor& t) { return stack({t, t + 1}, -1).select(-1, 0); };
      same(run(reversed(x), g), " threads, x transposed");
      same(run(gaps(x), reversed(g)), " threads, x with gaps, g transposed");
    }
  }
  set_num_threads(before);
}

BOOST_AUTO_TEST_CASE(expanded_tensors_are_as_their_dense_copies) {
  const Tensor row = randn({1, 20}), up = randn({6, 1});
  const Tensor x = row.expand({6, 20}).detach().requires_grad_();
  const Tensor dense = x.detach().contiguous().requires_grad_();
  const Tensor a = F::layer_norm(x, 20), b = F::layer_norm(dense, 20);
  BOOST_TEST(equal(a, b));
  BOOST_TEST(
      equal(gradients(a, up.expand({6, 20}), {x})[0], gradients(b, up.expand({6, 20}).contiguous(), {dense})[0]));
}

BOOST_AUTO_TEST_CASE(derivatives_of_both_orders_agree_with_differences) {
  for (const Way& way : small_ways())
    for (const bool affine : {true, false}) {
      const TensorOptions leaf{.dtype = float64, .requires_grad = true};
      std::vector<Tensor> in = {randn(way.shape, leaf)};
      if (affine) {
        in.push_back(randn(way.weights, leaf));
        in.push_back(randn(way.weights, leaf));
      }
      const auto f = [&](const std::vector<Tensor>& t) {
        return way.call(t[0], affine ? t[1] : Tensor(), affine ? t[2] : Tensor());
      };
      const auto first = autograd::gradcheck(f, in);
      BOOST_TEST(first.ok, way.name << ": " << first.message);
      const auto second = autograd::gradgradcheck(f, in);
      BOOST_TEST(second.ok, way.name << ": " << second.message);
    }
}

BOOST_AUTO_TEST_CASE(derivatives_with_constant_moments_agree_with_differences) {
  for (const Shape& shape : {Shape{4, 3}, Shape{2, 3, 17}, Shape{2, 3, 2, 2}}) {
    const TensorOptions leaf{.dtype = float64, .requires_grad = true};
    const Tensor mean = randn({3}, {.dtype = float64}), var = rand({3}, {.dtype = float64}) + 0.5;
    const std::vector<Tensor> in = {randn(shape, leaf), randn({3}, leaf), randn({3}, leaf)};
    const auto f = [&](const std::vector<Tensor>& t) { return F::batch_norm(t[0], mean, var, t[1], t[2]); };
    const auto first = autograd::gradcheck(f, in);
    BOOST_TEST(first.ok, first.message);
    const auto second = autograd::gradgradcheck(f, in);
    BOOST_TEST(second.ok, second.message);
    Shape each = Shape::filled(static_cast<int>(shape.size()), 1);
    each[1] = 3;
    const Tensor expected =
        (in[0] - mean.reshape(each)) / sqrt(var + 1e-5).reshape(each) * in[1].reshape(each) + in[2].reshape(each);
    BOOST_TEST(allclose(f(in), expected, 1e-13, 1e-13));
    BOOST_TEST(allclose(
        F::instance_norm(in[0].dim() > 2 ? in[0] : in[0].unsqueeze(2), mean, var, in[1], in[2], false).reshape(shape),
        expected, 1e-13, 1e-13));
  }
}

BOOST_AUTO_TEST_CASE(only_the_gradients_that_are_wanted_are_computed) {
  for (const Way& way : {batch({4, 3}), batch({2, 3, 20}), group({2, 4, 3}, 2), layer({3, 5}, 1)}) {
    const Tensor x = randn(way.shape), w = randn(way.weights), b = randn(way.weights), g = randn(way.shape);
    const auto leaves = [&](bool wx, bool ww, bool wb) {
      return std::vector<Tensor>{x.detach().requires_grad_(wx), w.detach().requires_grad_(ww),
                                 b.detach().requires_grad_(wb)};
    };
    const auto all = leaves(true, true, true);
    const auto every = gradients(way.call(all[0], all[1], all[2]), g, all);
    for (std::size_t i = 0; i < 3; ++i) {
      const auto one = leaves(i == 0, i == 1, i == 2);
      const auto got = gradients(way.call(one[0], one[1], one[2]), g, {one[i]});
      BOOST_TEST(equal(got[0], every[i]), way.name << " gradient " << i << " alone");
    }
  }
}

BOOST_AUTO_TEST_CASE(an_empty_batch_gives_an_empty_result_and_zero_gradients) {
  for (const Way& way : {batch({0, 3}), batch({0, 3, 20}), batch({2, 3, 0}), group({0, 4, 3}, 2), instance({0, 2, 17}),
                         layer({0, 5}, 1), layer({2, 0, 5}, 1), root_mean_square({0, 5}, 1)}) {
    std::vector<Tensor> in = {zeros(way.shape), ones(way.weights), zeros(way.weights)};
    for (Tensor& t : in) t.requires_grad_();
    for (const bool recorded : {false, true}) {
      const Tensor y = way.call(in[0], in[1], in[2]);
      BOOST_TEST(to_text(y.shape()) == to_text(way.shape));
      const auto g = gradients(y, zeros(way.shape), in, recorded);
      BOOST_TEST(to_text(g[0].shape()) == to_text(way.shape));
      BOOST_TEST(equal(g[1].detach(), zeros(way.weights)), way.name);
      BOOST_TEST(equal(g[2].detach(), zeros(way.weights)), way.name);
    }
  }
  nn::BatchNorm1d norm(2);
  norm(zeros({0, 2}));
  check_values(norm.running_mean, {0, 0});
  check_values(norm.running_var, {1, 1});
  BOOST_TEST(norm.num_batches_tracked.item<std::int64_t>() == 1);
}

BOOST_AUTO_TEST_CASE(a_zero_gradient_stays_zero_where_values_are_not_finite) {
  for (const double bad : {not_a_number, std::numeric_limits<double>::infinity()})
    for (const bool recorded : {false, true}) {
      // A sample of its own in each of these: the other one is as if it were alone.
      for (const Way& way : {layer({2, 20}, 1), group({2, 4, 3}, 2), group({2, 2, 20}, 1), instance({2, 2, 20}),
                             root_mean_square({2, 20}, 1)}) {
        const Tensor x = randn(way.shape), g = randn(way.shape), w = randn(way.weights), b = randn(way.weights);
        g.select(0, 1).zero_();
        const auto run = [&](const Tensor& values) {
          const std::vector<Tensor> in = {values.clone().requires_grad_(), w.clone().requires_grad_(),
                                          b.clone().requires_grad_()};
          auto all = gradients(way.call(in[0], in[1], in[2]), g, in, recorded);
          for (Tensor& t : all) t = t.detach();
          return all;
        };
        const auto clean = run(x);
        x.select(0, 1).flatten().narrow(0, 3, 1).fill_(bad);
        const auto dirty = run(x);
        for (std::size_t i = 0; i < clean.size(); ++i)
          BOOST_TEST(equal(dirty[i], clean[i]), way.name << " gradient " << i << " recorded " << recorded);
      }
      // A channel of its own.
      for (const Way& way : {batch({4, 2}), batch({4, 2, 20})}) {
        const Tensor x = randn(way.shape), g = randn(way.shape);
        g.select(1, 1).zero_();
        x.select(1, 1).select(0, 2).fill_(bad);
        const Tensor in = x.clone().requires_grad_(), w = ones({2}).requires_grad_(), b = zeros({2}).requires_grad_();
        const auto all = gradients(way.call(in, w, b), g, {in, w, b}, recorded);
        BOOST_TEST(equal(all[0].detach().select(1, 1), zeros(all[0].select(1, 1).shape())), way.name);
        BOOST_TEST(all[1].detach().select(0, 1).item() == 0);
        BOOST_TEST(!isnan(all[1].detach()).any().item<bool>());
      }
    }
}

BOOST_AUTO_TEST_CASE(without_epsilon_constants_give_no_gradient_where_none_comes) {
  const Tensor x = ones({2, 4}).requires_grad_(), g = zeros({2, 4});
  for (const bool recorded : {false, true}) {
    const auto all = gradients(F::layer_norm(x, 4, {}, {}, 0), g, {x}, recorded);
    BOOST_TEST(equal(all[0].detach(), g));
  }
}

BOOST_AUTO_TEST_CASE(nan_stays_within_its_set) {
  const Tensor x = randn({3, 4, 20});
  x.select(0, 1).select(0, 2).narrow(0, 5, 1).fill_(not_a_number);
  const Tensor by_channel = isnan(F::batch_norm(x, {}, {}, {}, {}, true));
  BOOST_TEST(equal(by_channel, isnan(x).any({0, 2}, true).expand({3, 4, 20})));
  const Tensor by_group = isnan(F::group_norm(x, 2));
  BOOST_TEST(by_group.sum().item<std::int64_t>() == 40);
  BOOST_TEST(isnan(F::layer_norm(x, 20)).sum().item<std::int64_t>() == 20);
}

BOOST_AUTO_TEST_CASE(large_means_cost_no_digits) {
  // Numbers with spacing 2^-3 around 10^6, whose moments are known exactly.
  for (const Way& way :
       {layer({3, 64}, 1), layer({2, 5000}, 1), batch({64, 3}), batch({2, 3, 32}), instance({2, 3, 32})}) {
    const Tensor noise = round(randn(way.shape, {.dtype = float64}) * 8) / 8, x = noise + 1e6;
    require_close(way.call(x.to(float32), {}, {}), way.reference(noise, {}, {}), 1e-6, way.name);
    require_close(way.call(x, {}, {}), way.reference(noise, {}, {}), 1e-10, way.name);  // the mean is rounded
  }
}

BOOST_AUTO_TEST_CASE(constants_become_exactly_the_bias) {
  for (const Way& way : {layer({3, 50}, 1), batch({64, 3}), batch({2, 3, 32}), group({2, 4, 20}, 2)})
    for (const double value : {0.1, 1e30, -3e-40}) {
      const Tensor y = way.call(full(way.shape, value, {.dtype = float32}), {}, {});
      BOOST_TEST(equal(y, zeros(way.shape)), way.name << " of " << value);
    }
}

BOOST_AUTO_TEST_CASE(a_first_element_far_away_costs_no_digits) {
  const Tensor x = randn({2, 500}, {.dtype = float64});
  x.select(1, 0).fill_(1e7);
  const Way way = layer({2, 500}, 1);
  require_close(way.call(x, {}, {}), way.reference(x, {}, {}), 1e-12, way.name);
}

// ---- running moments

BOOST_AUTO_TEST_CASE(running_moments_move_towards_those_of_the_batch) {
  const Tensor x = randn({6, 2, 5}, {.dtype = float64}) * 3 + 2;
  const Tensor mean = x.mean({0, 2}), var = x.var({0, 2});
  nn::BatchNorm1d norm(2);
  norm.to(float64);
  norm(x);
  BOOST_TEST(allclose(norm.running_mean, mean * 0.1, 1e-12, 1e-12));
  BOOST_TEST(allclose(norm.running_var, 0.9 + var * 0.1, 1e-12, 1e-12));
  BOOST_TEST(norm.num_batches_tracked.item<std::int64_t>() == 1);
  const Tensor before = norm.running_mean.clone();
  norm.eval();
  const Tensor y = norm(x);
  BOOST_TEST(equal(norm.running_mean, before));
  BOOST_TEST(norm.num_batches_tracked.item<std::int64_t>() == 1);
  BOOST_TEST(allclose(y.detach(), (x - norm.running_mean.view({2, 1})) / sqrt(norm.running_var.view({2, 1}) + 1e-5),
                      1e-12, 1e-12));
}

BOOST_AUTO_TEST_CASE(without_momentum_running_moments_are_the_mean_of_all_batches) {
  nn::BatchNorm2d norm(3, {.momentum = std::nullopt});
  norm.to(float64);
  Tensor mean = zeros({3}, {.dtype = float64}), var = mean;
  for (int i = 1; i <= 4; ++i) {
    const Tensor x = randn({4, 3, 2, 2}, {.dtype = float64}) + i;
    norm(x);
    mean = mean + x.mean({0, 2, 3});
    var = var + x.var({0, 2, 3});
    BOOST_TEST(allclose(norm.running_mean, mean / i, 1e-12, 1e-12));
    BOOST_TEST(allclose(norm.running_var, var / i, 1e-12, 1e-12));
  }
}

BOOST_AUTO_TEST_CASE(running_moments_of_instances_are_means_over_samples) {
  const Tensor x = randn({4, 2, 5}, {.dtype = float64});
  nn::InstanceNorm1d norm(2, {.momentum = 0.3, .track_running_stats = true});
  norm.to(float64);
  norm(x);
  BOOST_TEST(allclose(norm.running_mean, 0.3 * x.mean(2).mean(0), 1e-12, 1e-12));
  BOOST_TEST(allclose(norm.running_var, 0.7 + 0.3 * x.var(2).mean(0), 1e-12, 1e-12));
  BOOST_TEST(norm.num_batches_tracked.item<std::int64_t>() == 0);
  nn::InstanceNorm1d still(2, {.momentum = std::nullopt, .track_running_stats = true});
  still(x.to(float32));
  check_values(still.running_mean, {0, 0});
}

BOOST_AUTO_TEST_CASE(running_moments_are_no_part_of_the_graph) {
  nn::BatchNorm1d norm(2);
  const Tensor x = randn({5, 2}).requires_grad_();
  const Tensor first = norm(x).sum();
  norm(x);  // changes them before the backward of the first
  first.backward();
  BOOST_TEST(!norm.running_mean.requires_grad());
  norm.eval();
  const Tensor constant = norm(x).sum();
  norm.train();
  norm(x);
  constant.backward();
}

BOOST_AUTO_TEST_CASE(a_failed_call_changes_nothing) {
  nn::BatchNorm1d norm(3);
  for (const Tensor& x : {ones({1, 3}), ones({4, 2}), ones({4, 3}, {.dtype = float64}), ones({3})}) {
    BOOST_CHECK_THROW(norm(x), Error);
    check_values(norm.running_mean, {0, 0, 0});
    check_values(norm.running_var, {1, 1, 1});
    BOOST_TEST(norm.num_batches_tracked.item<std::int64_t>() == 0);
  }
  const Tensor mean = zeros({2}), var = ones({1}).expand({2}), x = randn({4, 2});
  check_error<ShapeError>([&] { F::batch_norm(x, mean, var, {}, {}, true); }, "batch_norm: ");
  check_values(mean, {0, 0});
}

// ---- modules

BOOST_AUTO_TEST_CASE(state_has_the_names_of_pytorch) {
  const auto keys = [](const nn::Module& m) {
    std::string all;
    for (const auto& [name, t] : m.state_dict()) all += name + to_text(t.shape()) + " ";
    return all;
  };
  BOOST_TEST(keys(nn::BatchNorm2d(3)) == "weight[3] bias[3] running_mean[3] running_var[3] num_batches_tracked[] ");
  BOOST_TEST(keys(nn::BatchNorm2d(3, {.affine = false})) == "running_mean[3] running_var[3] num_batches_tracked[] ");
  BOOST_TEST(keys(nn::BatchNorm2d(3, {.track_running_stats = false})) == "weight[3] bias[3] ");
  BOOST_TEST(keys(nn::InstanceNorm1d(3)) == "");
  BOOST_TEST(keys(nn::InstanceNorm1d(3, {.affine = true, .track_running_stats = true})) ==
             "weight[3] bias[3] running_mean[3] running_var[3] num_batches_tracked[] ");
  BOOST_TEST(keys(nn::LayerNorm({2, 3})) == "weight[2, 3] bias[2, 3] ");
  BOOST_TEST(keys(nn::LayerNorm(4, {.bias = false})) == "weight[4] ");
  BOOST_TEST(keys(nn::LayerNorm(4, {.elementwise_affine = false})) == "");
  BOOST_TEST(keys(nn::RMSNorm(4)) == "weight[4] ");
  BOOST_TEST(keys(nn::GroupNorm(2, 4)) == "weight[4] bias[4] ");
  BOOST_TEST(keys(nn::LocalResponseNorm(2)) == "");
  BOOST_TEST((nn::BatchNorm2d(3).num_batches_tracked.dtype() == int64));
  nn::BatchNorm2d norm(3);
  norm.to(float64);
  BOOST_TEST((norm.running_var.dtype() == float64 && norm.num_batches_tracked.dtype() == int64));
}

BOOST_AUTO_TEST_CASE(layers_print_their_options) {
  const auto text = [](const nn::Module& m) {
    std::ostringstream out;
    out << m;
    return out.str();
  };
  BOOST_TEST(text(nn::BatchNorm2d(64)) ==
             "BatchNorm2d(64, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)");
  BOOST_TEST(text(nn::BatchNorm1d(2, {.momentum = std::nullopt})) ==
             "BatchNorm1d(2, eps=1e-05, momentum=None, affine=True, track_running_stats=True)");
  BOOST_TEST(text(nn::InstanceNorm3d(2)) ==
             "InstanceNorm3d(2, eps=1e-05, momentum=0.1, affine=False, track_running_stats=False)");
  BOOST_TEST(text(nn::GroupNorm(2, 4)) == "GroupNorm(2, 4, eps=1e-05, affine=True)");
  BOOST_TEST(text(nn::LayerNorm(8)) == "LayerNorm((8,), eps=1e-05, elementwise_affine=True)");
  BOOST_TEST(text(nn::RMSNorm({2, 3})) == "RMSNorm((2, 3), eps=None, elementwise_affine=True)");
  BOOST_TEST(text(nn::LocalResponseNorm(2)) == "LocalResponseNorm(2, alpha=0.0001, beta=0.75, k=1.0)");
}

BOOST_AUTO_TEST_CASE(instance_norm_takes_inputs_without_samples) {
  nn::InstanceNorm2d norm(3);
  const Tensor x = randn({3, 4, 5});
  BOOST_TEST(equal(norm(x), norm(x.unsqueeze(0)).squeeze(0)));
  nn::InstanceNorm1d other(7);  // without weights any number of channels
  BOOST_TEST(to_text(other(randn({2, 5})).shape()) == "[2, 5]");
}

BOOST_AUTO_TEST_CASE(rms_norm_takes_the_machine_epsilon_by_default) {
  const Tensor x = full({1, 2}, 1e-4);
  const double e = std::numeric_limits<float>::epsilon();
  check_close(F::rms_norm(x, 2), {1e-4 / std::sqrt(1e-8 + e), 1e-4 / std::sqrt(1e-8 + e)}, 1e-6);
  const double d = std::numeric_limits<double>::epsilon();
  const Tensor y = full({1, 2}, 1e-8, {.dtype = float64});
  check_close(F::rms_norm(y, 2), {1e-8 / std::sqrt(1e-16 + d), 1e-8 / std::sqrt(1e-16 + d)}, 1e-12);
}

BOOST_AUTO_TEST_CASE(local_response_norm_divides_by_neighbouring_channels) {
  const Tensor x = tensor({{{1.0}, {2.0}, {3.0}, {4.0}}}, {.dtype = float64});
  // size 2: the channel before and the channel itself; size 3: one on each side.
  check_close(F::local_response_norm(x, 2, 1, 1, 1), {1 / 1.5, 2 / 3.5, 3 / 7.5, 4 / 13.5}, 1e-12);
  check_close(F::local_response_norm(x, 3, 3, 1, 0.5), {1 / 5.5, 2 / 14.5, 3 / 29.5, 4 / 25.5}, 1e-12);
  // A window beyond all channels counts as many as it says.
  check_close(F::local_response_norm(x, 20, 20, 1, 1), {1 / 31., 2 / 31., 3 / 31., 4 / 31.}, 1e-12);
  const Tensor leaf = randn({2, 3, 2}, {.dtype = float64, .requires_grad = true});
  const auto f = [](const std::vector<Tensor>& t) { return F::local_response_norm(t[0], 3, 0.5, 0.75, 1); };
  const auto first = autograd::gradcheck(f, {leaf});
  BOOST_TEST(first.ok, first.message);
  const auto second = autograd::gradgradcheck(f, {leaf});
  BOOST_TEST(second.ok, second.message);
  BOOST_TEST(to_text(F::local_response_norm(zeros({0, 3, 2}), 3).shape()) == "[0, 3, 2]");
}

BOOST_AUTO_TEST_CASE(errors_say_what_does_not_fit) {
  const Tensor x = randn({4, 2}), image = randn({4, 2, 3, 3}), c2 = ones({2}), c3 = ones({3});
  check_error<ShapeError>([&] { F::batch_norm(x, c3, c3, {}, {}, true); },
                          "batch_norm: running_mean should contain 2 elements not 3; the input has shape [4, 2]");
  check_error<ShapeError>([&] { F::batch_norm(x, c2, c3); }, "batch_norm: running_var should contain 2 elements not 3");
  check_error<ShapeError>([&] { F::batch_norm(x, c2, c2, c3); }, "batch_norm: weight should contain 2 elements not 3");
  check_error<ShapeError>([&] { F::batch_norm(x, c2, c2, c2, c3); },
                          "batch_norm: bias should contain 2 elements not 3");
  check_error<ShapeError>([&] { F::batch_norm(x, c2, c2, ones({1, 2})); },
                          "batch_norm: weight should have shape [2], one for each channel, got [1, 2]");
  check_error<ShapeError>([&] { F::batch_norm(ones({2}), c2, c2); },
                          "batch_norm: expected an input of at least 2 dimensions (N, C, ...), got shape [2]");
  check_error<ValueError>([&] { F::batch_norm(x, {}, {}); },
                          "batch_norm: Expected running_mean and running_var to be defined when training=False");
  check_error<ValueError>([&] { F::batch_norm(x, c2, {}); },
                          "batch_norm: Expected running_mean and running_var to be defined when training=False");
  check_error<ShapeError>([&] { F::batch_norm(ones({1, 2}), {}, {}, {}, {}, true); },
                          "batch_norm: Expected more than 1 value per channel when training, got input size [1, 2]");
  check_error<ValueError>([&] { F::batch_norm(x, c2, c2, {}, {}, false, 0.1, -1); },
                          "batch_norm: eps must not be negative, got -1");
  check_error<ValueError>([&] { F::batch_norm(x, c2, c2, {}, {}, false, 0.1, not_a_number); },
                          "batch_norm: eps must not be negative, got nan");
  check_error<DTypeError>([&] { F::batch_norm(x, c2.to(float64), c2); },
                          "batch_norm: expected running_mean of the dtype of the input, float32, got float64");
  check_error<DTypeError>([&] { F::batch_norm(x, c2, c2, c2.to(float64)); },
                          "batch_norm: expected weight of the dtype of the input, float32, got float64");
  check_error<DTypeError>([&] { F::batch_norm(arange(4).view({2, 2}), c2, c2); }, "batch_norm: ");
  check_error<ValueError>([&] { F::batch_norm(Tensor(), c2, c2); }, "batch_norm: ");

  check_error<ShapeError>(
      [&] {
        nn::BatchNorm1d norm(2);
        norm(image);
      },
      "expected 2D or 3D input (got 4D input), a tensor of shape [4, 2, 3, 3]");
  check_error<ShapeError>(
      [&] {
        nn::BatchNorm2d norm(2);
        norm(x);
      },
      "expected 4D input (got 2D input)");
  check_error<ShapeError>(
      [&] {
        nn::BatchNorm3d norm(2);
        norm(image);
      },
      "expected 5D input (got 4D input)");
  check_error<ShapeError>(
      [&] {
        nn::BatchNorm1d norm(3);
        norm(x);
      },
      "running_mean should contain 2 elements not 3");
  check_error<ValueError>([] { nn::BatchNorm1d(-1); }, "BatchNorm: num_features must not be negative, got -1");
  check_error<ValueError>([] { nn::BatchNorm1d(1, {.eps = -0.5}); }, "BatchNorm: eps must not be negative, got -0.5");

  check_error<ShapeError>(
      [&] { F::instance_norm(ones({2, 2, 1})); },
      "instance_norm: Expected more than 1 spatial element when training, got input size [2, 2, 1]");
  check_error<ValueError>(
      [&] { F::instance_norm(image, {}, {}, {}, {}, false); },
      "instance_norm: Expected running_mean and running_var to be defined when use_input_stats is false");
  check_error<ShapeError>(
      [&] {
        nn::InstanceNorm2d norm(3, {.affine = true});
        norm(image);
      },
      "expected input's size at dim=1 to match num_features (3), but got: 2");
  check_error<ShapeError>(
      [&] {
        nn::InstanceNorm2d norm(3, {.affine = true});
        norm(ones({2, 3, 3}));
      },
      "expected input's size at dim=0 to match num_features (3), but got: 2");
  check_error<ShapeError>(
      [&] {
        nn::InstanceNorm2d norm(3, {.track_running_stats = true});
        norm(image);
      },
      "instance_norm: running_mean should contain 2 elements not 3");
  check_error<ShapeError>(
      [&] {
        nn::InstanceNorm1d norm(2);
        norm(image);
      },
      "expected 2D or 3D input (got 4D input)");
  check_error<ValueError>([] { nn::InstanceNorm1d(-2); }, "InstanceNorm: num_features must not be negative, got -2");

  check_error<ShapeError>([&] { F::group_norm(randn({2, 4, 2}), 3); },
                          "group_norm: Expected number of channels in input to be divisible by num_groups, but got "
                          "input of shape [2, 4, 2] and num_groups=3");
  check_error<ValueError>([&] { F::group_norm(image, 0); },
                          "group_norm: Expected num groups to be greater than 0, got 0");
  check_error<ShapeError>([&] { F::group_norm(ones({1, 2}), 2); },
                          "group_norm: Expected more than 1 value per channel when training, got input size [1, 2]");
  check_error<ShapeError>([&] { F::group_norm(ones({4}), 2); },
                          "group_norm: expected an input of at least 2 dimensions");
  check_error<ShapeError>([&] { F::group_norm(image, 2, c3); }, "group_norm: weight should contain 2 elements not 3");
  check_error<ValueError>([] { nn::GroupNorm(3, 4); },
                          "GroupNorm: num_channels must be divisible by num_groups, got 4 channels for 3 groups");
  check_error<ValueError>([] { nn::GroupNorm(0, 4); }, "GroupNorm: num_groups must be positive, got 0");
  check_error<ValueError>([] { nn::GroupNorm(1, -4); }, "GroupNorm: num_channels must not be negative, got -4");

  check_error<ShapeError>(
      [&] { F::layer_norm(ones({2, 4}), 3); },
      "layer_norm: Given normalized_shape=[3], expected input with shape [*, 3], but got input of size[2, 4]");
  check_error<ShapeError>([&] { F::layer_norm(ones({3}), {2, 3}); },
                          "layer_norm: Given normalized_shape=[2, 3], expected input with shape [*, 2, 3]");
  check_error<ShapeError>([&] { F::layer_norm(ones({2, 3}), Shape{}); },
                          "layer_norm: Expected normalized_shape to be at least 1-dimensional");
  check_error<ShapeError>(
      [&] { F::layer_norm(ones({2, 3}), 3, c2); },
      "layer_norm: Expected weight to be of same shape as normalized_shape, but got weight of shape "
      "[2] and normalized_shape = [3]");
  check_error<ShapeError>([&] { F::layer_norm(ones({2, 3}), 3, {}, c2); },
                          "layer_norm: Expected bias to be of same shape");
  check_error<DTypeError>([&] { F::layer_norm(ones({2, 3}), 3, c3.to(float64)); },
                          "layer_norm: expected weight of the dtype of the input, float32, got float64");
  check_error<ValueError>([&] { F::layer_norm(ones({2, 3}), 3, {}, {}, -1); }, "layer_norm: eps must not be negative");
  check_error<ShapeError>([] { nn::LayerNorm(Shape{}); }, "LayerNorm: normalized_shape must name at least one size");
  check_error<ValueError>([] { nn::LayerNorm({2, -1}); }, "LayerNorm: a size of normalized_shape must not be negative");
  check_error<ShapeError>([&] { F::rms_norm(ones({2, 4}), 3); }, "rms_norm: Given normalized_shape=[3]");
  check_error<ShapeError>([&] { F::rms_norm(ones({2, 3}), 3, c2); }, "rms_norm: Expected weight");
  check_error<ValueError>([] { nn::RMSNorm(3, {.eps = -1}); }, "RMSNorm: eps must not be negative, got -1");

  check_error<ShapeError>([&] { F::local_response_norm(ones({4}), 2); },
                          "local_response_norm: Expected 3D or higher dimensionality input (got 1 dimensions)");
  check_error<ValueError>([&] { F::local_response_norm(image, 0); },
                          "local_response_norm: size must be positive, got 0");
  check_error<ValueError>([] { nn::LocalResponseNorm(0); }, "LocalResponseNorm: size must be positive, got 0");
}

BOOST_AUTO_TEST_CASE(a_momentum_is_a_number) {
  const double nan = std::nan("");
  const char* const text = "momentum is NaN; it is the share of the new batch in the running moments";
  check_error<ValueError>([&] { nn::BatchNorm1d(2, {.momentum = nan}); }, text);
  check_error<ValueError>([&] { nn::InstanceNorm1d(2, {.momentum = nan}); }, text);
  const Tensor x = ones({3, 2}), mean = zeros({2}), var = ones({2});
  check_error<ValueError>([&] { (void)F::batch_norm(x, mean, var, {}, {}, true, nan); }, text);
  BOOST_TEST((mean == 0).all().item<bool>());
}

BOOST_AUTO_TEST_SUITE_END()
