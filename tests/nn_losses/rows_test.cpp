#include <array>
#include <boost/test/unit_test.hpp>
#include <functional>
#include <limits>

#include "slope/autograd.h"
#include "slope/nn/losses/losses.h"
#include "support/checks.h"

using namespace slope;
namespace F = slope::nn::functional;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity(), nan_value = std::numeric_limits<double>::quiet_NaN();

Tensor leaf(const Literal& values, DType dtype = float64) {
  return tensor(values, {.dtype = dtype, .requires_grad = true});
}
Tensor random(const Shape& shape, std::uint64_t seed, DType dtype = float32) {
  Generator g(seed);
  return randn(shape, {.dtype = dtype}, g).requires_grad_();
}

std::vector<double> bits(const Tensor& value, const std::vector<Tensor>& inputs) {
  std::vector<double> all = value.to_vector<double>();
  for (const Tensor& g : autograd::grad({value.sum()}, inputs))
    for (const double v : g.to_vector<double>()) all.push_back(v);
  return all;
}

/// The largest |a - b| against the largest |b|.
double error_of(const std::vector<double>& a, const std::vector<double>& b) {
  BOOST_REQUIRE_EQUAL(a.size(), b.size());
  double error = 0, scale = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    error = std::max(error, std::abs(a[i] - b[i]));
    scale = std::max(scale, std::abs(b[i]));
  }
  return error / scale;
}

using Loss = std::function<Tensor(const Tensor&, const Tensor&, const Tensor&)>;
struct Named {
  const char* name;
  Loss loss;
};
// Every formula, as a function of three matrices.
std::vector<Named> losses_of_rows(Reduction r) {
  const auto signs = [](const Tensor& x) { return (arange(x.size(0)) % 3 - 1).to(x.dtype()); };
  return {
      {"cosine_similarity", [](const Tensor& a, const Tensor& b, const Tensor&) { return F::cosine_similarity(a, b); }},
      {"cosine_embedding_loss",
       [=](const Tensor& a, const Tensor& b, const Tensor&) {
         return F::cosine_embedding_loss(a, b, signs(a), {.margin = -0.01, .reduction = r});
       }},
      {"pairwise_distance", [](const Tensor& a, const Tensor& b, const Tensor&) { return F::pairwise_distance(a, b); }},
      {"pairwise_distance 1",
       [](const Tensor& a, const Tensor& b, const Tensor&) { return F::pairwise_distance(a, b, {.p = 1}); }},
      {"pairwise_distance 2.5",
       [](const Tensor& a, const Tensor& b, const Tensor&) { return F::pairwise_distance(a, b, {.p = 2.5}); }},
      {"pairwise_distance inf",
       [](const Tensor& a, const Tensor& b, const Tensor&) { return F::pairwise_distance(a, b, {.p = inf}); }},
      {"pairwise_distance -inf",
       [](const Tensor& a, const Tensor& b, const Tensor&) { return F::pairwise_distance(a, b, {.p = -inf}); }},
      {"triplet_margin_loss",
       [=](const Tensor& a, const Tensor& p, const Tensor& n) {
         return F::triplet_margin_loss(a, p, n, {.margin = 0.1, .reduction = r});
       }},
      {"triplet_margin_loss inf, swap",
       [=](const Tensor& a, const Tensor& p, const Tensor& n) {
         return F::triplet_margin_loss(a, p, n, {.margin = 0.1, .p = inf, .swap = true, .reduction = r});
       }},
      {"dice_loss", [=](const Tensor& a, const Tensor& b,
                        const Tensor&) { return F::dice_loss(sigmoid(a), sigmoid(b), {.reduction = r}); }},
      {"tversky_loss",
       [=](const Tensor& a, const Tensor& b, const Tensor&) {
         return F::tversky_loss(sigmoid(a), sigmoid(b), {.alpha = 0.3, .beta = 0.7, .gamma = 1.5, .reduction = r});
       }},
  };
}

}  // namespace

BOOST_AUTO_TEST_SUITE(losses_of_rows_of_any_size)

BOOST_AUTO_TEST_CASE(have_the_same_bits_for_every_number_of_threads_and_layout) {
  const int before = get_num_threads();
  // Many rows, few long ones (which are cut), and one row of all.
  for (const Shape& shape : {Shape{1500, 70}, Shape{3, 70001}, Shape{1, 200000}})
    for (const Reduction r : {Reduction::none, Reduction::mean}) {
      const Tensor a = random(shape, 1), b = random(shape, 2), c = random(shape, 3);
      for (const auto& [name, loss] : losses_of_rows(r)) {
        set_num_threads(1);
        const bool triplet = std::string(name).starts_with("triplet");
        const std::vector<Tensor> inputs = triplet ? std::vector{a, b, c} : std::vector{a, b};
        const std::vector<double> one = bits(loss(a, b, c), inputs);
        for (const int threads : {2, 3}) {
          set_num_threads(threads);
          BOOST_TEST((bits(loss(a, b, c), inputs) == one),
                     name << " of " << to_text(shape) << " with " << threads << " threads");
        }
        const auto columns = [](const Tensor& x) { return x.detach().t().contiguous().t().requires_grad_(); };
        const Tensor at = columns(a), bt = columns(b), ct = columns(c);
        const std::vector<double> other =
            bits(loss(at, bt, ct), triplet ? std::vector{at, bt, ct} : std::vector{at, bt});
        BOOST_TEST((other == one), name << " of " << to_text(shape) << " depends on the layout");
      }
    }
  set_num_threads(before);
}

// Rows are finished several at a time; no row may notice the others.
BOOST_AUTO_TEST_CASE(have_the_same_bits_alone_and_beside_others) {
  for (const DType dtype : {float32, float64})
    for (const std::int64_t length : {1, 3, 17, 300, 5000})
      for (const std::int64_t rows : {1, 2, 7, 8, 9, 21}) {
        const Tensor a = random({rows, length}, 1, dtype).detach(), b = random({rows, length}, 2, dtype).detach();
        if (dtype == float64 && rows > 1) {
          a.narrow(0, rows - 1, 1).mul_(1e200);  // squares that leave the range
          b.narrow(0, 0, 1).mul_(1e180);
        }
        if (rows > 2) a.narrow(0, 2, 1).zero_();
        if (rows > 5) b.narrow(0, 5, 1).fill_(nan_value);
        for (const auto& [name, loss] : losses_of_rows(Reduction::none)) {
          if (!std::string(name).starts_with("cosine")) continue;
          const auto results = [&](std::int64_t first, std::int64_t count) {
            const Tensor x = a.narrow(0, first, count).clone().requires_grad_();
            const Tensor y = b.narrow(0, first, count).clone().requires_grad_();
            // The target of a row depends on its place in the batch.
            const Tensor value = std::string(name) == "cosine_similarity"
                                     ? F::cosine_similarity(x, y)
                                     : F::cosine_embedding_loss(x, y, full({count}, -1, {.dtype = dtype}),
                                                                {.margin = -0.01, .reduction = Reduction::none});
            const auto grads = autograd::grad({value.sum()}, {x, y});
            return std::array{value.detach(), grads[0], grads[1]};
          };
          const auto all = results(0, rows);
          for (std::int64_t i = 0; i < rows; ++i) {
            const auto one = results(i, 1);
            for (std::size_t k = 0; k < 3; ++k) {
              const auto alone = one[k].to_vector<double>(), beside = all[k].narrow(0, i, 1).to_vector<double>();
              BOOST_TEST(std::equal(alone.begin(), alone.end(), beside.begin(), beside.end(),
                                    [](double u, double v) { return u == v || (u != u && v != v); }),
                         name << " of row " << i << " of " << rows << " x " << length);
            }
          }
        }
      }
}

BOOST_AUTO_TEST_CASE(agree_in_float32_with_float64_and_with_what_is_written_out) {
  for (const Shape& shape : {Shape{1000, 60}, Shape{2, 70001}}) {
    const Tensor a = random(shape, 1), b = random(shape, 2), c = random(shape, 3);
    const auto wide = [](const Tensor& x) { return x.detach().to(float64).requires_grad_(); };
    const Tensor aw = wide(a), bw = wide(b), cw = wide(c);
    const auto grads_of = [](const Tensor& value, const std::vector<Tensor>& in, bool recorded) {
      std::vector<double> all = value.to_vector<double>();
      const Tensor weights = (arange(value.numel()) % 7 + 1).to(value.dtype()).reshape(value.shape());
      for (const Tensor& g :
           autograd::grad({value}, in, {.grad_outputs = {weights}, .create_graph = recorded, .allow_unused = true}))
        if (g.defined())
          for (const double v : g.to_vector<double>()) all.push_back(v);
      return all;
    };
    for (const Reduction r : {Reduction::none, Reduction::sum})
      for (const auto& [name, loss] : losses_of_rows(r)) {
        const std::vector<double> narrow = grads_of(loss(a, b, c), {a, b, c}, false);
        const std::vector<double> fused = grads_of(loss(aw, bw, cw), {aw, bw, cw}, false);
        const std::vector<double> composed = grads_of(loss(aw, bw, cw), {aw, bw, cw}, true);
        BOOST_TEST(error_of(fused, composed) < 1e-12,
                   name << " of " << to_text(shape) << " is not what is written out");
        BOOST_TEST(error_of(narrow, fused) < 2e-6,
                   name << " of " << to_text(shape) << " in float32 is off by " << error_of(narrow, fused));
      }
  }
}

BOOST_AUTO_TEST_CASE(of_nothing_have_mean_nan_and_sum_0) {
  const Tensor x = zeros({0, 3}, {.dtype = float64, .requires_grad = true}), y = zeros({0, 3}, {.dtype = float64});
  for (const Reduction r : {Reduction::mean, Reduction::sum, Reduction::none})
    for (const auto& [name, loss] : losses_of_rows(r)) {
      const Tensor l = loss(x, y, y);
      BOOST_TEST(to_text(autograd::grad({l.sum()}, {x})[0].shape()) == "[0, 3]");
      if (l.dim() > 0)
        BOOST_TEST(to_text(l.shape()) == "[0]", name);
      else
        check_values(l, {r == Reduction::mean ? nan_value : 0});
    }
  const Tensor wide = zeros({2, 0}, {.dtype = float64, .requires_grad = true});
  check_values(F::pairwise_distance(wide, wide), {0, 0});
  check_values(F::cosine_similarity(wide, wide), {0, 0});
  check_values(F::cosine_embedding_loss(wide, wide, tensor({1, -1}), {.reduction = "none"}), {1, 0});
  check_values(F::triplet_margin_loss(wide, wide, wide, {.reduction = "none"}), {1, 1});
  check_values(F::dice_loss(wide, wide, {.reduction = "none"}), {0, 0});
  check_values(F::dice_loss(wide, wide, {.smooth = 0, .reduction = "none"}), {nan_value, nan_value});
}

BOOST_AUTO_TEST_CASE(keep_a_zero_gradient_from_above_zero_through_infinities) {
  const Tensor bad = leaf({{inf, nan_value}, {1.0, 2.0}}), good = leaf({{1.0, 2.0}, {2.0, 1.0}});
  for (const auto& [name, loss] : losses_of_rows(Reduction::none)) {
    const Tensor up = tensor({0.0, 1.0}, {.dtype = float64});
    const Tensor l = loss(bad, good, good);
    for (const Tensor& g : autograd::grad({l}, {bad, good}, {.grad_outputs = {up}})) {
      check_values(g[0], {0, 0});
      BOOST_TEST(isfinite(g[1]).all().item<bool>(), name);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(distances)

BOOST_AUTO_TEST_CASE(add_eps_to_each_component) {
  const Tensor x = leaf({{3.0, 4.0}}), y = leaf({{3.0, 4.0}});
  const Tensor d = F::pairwise_distance(x, y);
  check_close(d / 1e-6, {std::sqrt(2.0)}, 1e-9);
  d.sum().backward();
  check_close(x.grad(), {std::sqrt(0.5), std::sqrt(0.5)}, 1e-9);
  check_close(F::pairwise_distance(x, y + 1.0, {.eps = 0.5, .keepdim = true}), {std::sqrt(0.5)}, 1e-15);
}

BOOST_AUTO_TEST_CASE(of_equal_points_have_gradient_0_for_every_order) {
  for (const bool recorded : {false, true})
    for (const double p : {0.0, 0.5, 1.0, 1.5, 2.0, 3.0, inf, -inf, -2.0}) {
      const Tensor x = leaf({{1.0, 2.0}}), y = leaf({{1.0, 2.0}});
      const Tensor d = F::pairwise_distance(x, y, {.p = p, .eps = 0});
      check_values(d, {0});
      for (const Tensor& g : autograd::grad({d.sum()}, {x, y}, {.create_graph = recorded, .allow_unused = true}))
        if (g.defined()) check_values(g, {0, 0});
    }
}

BOOST_AUTO_TEST_CASE(share_the_gradient_among_components_of_equal_size) {
  for (const bool recorded : {false, true})
    for (const DType dtype : {float64, float32}) {
      const Tensor x = leaf({{2.0, -2.0, 1.0, 2.0}}, dtype), y = zeros({1, 4}, {.dtype = dtype});
      const auto slope_of = [&](double p) {
        return autograd::grad({F::pairwise_distance(x, y, {.p = p, .eps = 0}).sum()}, {x},
                              {.create_graph = recorded})[0];
      };
      check_close(slope_of(inf), {1.0 / 3, -1.0 / 3, 0, 1.0 / 3}, 1e-7);
      check_close(slope_of(-inf), {0, 0, 1, 0}, 0);
    }
  check_values(F::pairwise_distance(leaf({{2.0, 0.0, -1.0}}), leaf({{0.0, 0.0, 0.0}}), {.p = 0, .eps = 0}), {2});
}

BOOST_AUTO_TEST_CASE(neither_overflow_nor_vanish) {
  const auto check = [](double scale, double p, DType dtype, double expected) {
    const Tensor x = (tensor({{3.0, 4.0}}, {.dtype = float64}) * scale).to(dtype).requires_grad_();
    const Tensor d = F::pairwise_distance(x, zeros({1, 2}, {.dtype = dtype}), {.p = p, .eps = 0});
    check_close(d.detach().to(float64) / scale, {expected}, 1e-6);
    d.sum().backward();
    const Tensor slope = x.grad().to(float64);
    check_close(slope, {std::pow(3 / expected, p - 1), std::pow(4 / expected, p - 1)}, 1e-6);
  };
  check(1e200, 2, float64, 5);
  check(1e-200, 2, float64, 5);
  check(1e30, 2, float32, 5);
  check(1e-30, 2, float32, 5);
  check(1e-40, 2, float32, 5);
  check(1e-310, 2, float64, 5);
  check(1e30, 100, float32, 4);
  check(1e-30, 3, float32, std::cbrt(91.0));
  check(1e150, 3, float64, std::cbrt(91.0));
  check(1e-150, -2, float64, 2.4);
  check(1e30, 0.5, float32, std::pow(std::sqrt(3.0) + 2, 2));
  check_values(F::pairwise_distance(leaf({{inf, 1.0}}), leaf({{0.0, 0.0}})), {inf});
  check_values(F::pairwise_distance(leaf({{inf, 1.0}}), leaf({{0.0, 0.0}}), {.p = 3}), {inf});
  check_values(F::pairwise_distance(leaf({{nan_value, 1.0}}), leaf({{0.0, 0.0}}), {.p = inf}), {nan_value});
  check_values(F::pairwise_distance(leaf({{1.0, nan_value}}), leaf({{0.0, 0.0}}), {.p = 1}), {nan_value});
}

BOOST_AUTO_TEST_CASE(of_a_tensor_to_itself_and_of_numbers_are_differentiated) {
  const Tensor x = leaf({{1.0, 2.0}});
  F::pairwise_distance(x, x * 3.0, {.p = 1, .eps = 0}).sum().backward();
  check_values(x.grad(), {2, 2});
  const Tensor a = leaf(3.0), b = leaf(1.0);
  const Tensor d = F::pairwise_distance(a, b, {.eps = 0});
  check_values(d, {2});
  BOOST_TEST(d.dim() == 0);
  d.backward();
  check_values(b.grad(), {-1});
  check_values(F::triplet_margin_loss(a, b, b), {1});
  BOOST_TEST((F::pairwise_distance(a, leaf(1.0, float32)).dtype() == float64));
}

BOOST_AUTO_TEST_CASE(second_derivatives_are_right_beside_a_zero) {
  const Tensor x = leaf({{3.0, 0.0}});
  const Tensor d = F::pairwise_distance(x, zeros({1, 2}, {.dtype = float64}), {.eps = 0});
  const Tensor g = autograd::grad({d.sum()}, {x}, {.create_graph = true})[0];
  check_values(g, {1, 0});
  check_close(autograd::grad({g.sum()}, {x})[0], {0, 1.0 / 3}, 1e-15);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(cosine_embedding)

BOOST_AUTO_TEST_CASE(keeps_the_constant_under_the_root) {
  const Tensor zero = leaf({{0.0, 0.0}}), b = leaf({{1.0, 1.0}});
  const Tensor l = F::cosine_embedding_loss(zero, b, tensor({1}));
  check_values(l, {1});
  l.backward();
  check_close(zero.grad() / 1e6, {-0.7071067825991, -0.7071067825991}, 1e-12);
  check_values(b.grad(), {0, 0});
  const Tensor v = leaf({{3.0, 4.0}});
  const double parallel = F::cosine_embedding_loss(v, v, tensor({1})).item();
  BOOST_TEST(parallel > 0);
  BOOST_TEST(parallel < 1e-13);
}

BOOST_AUTO_TEST_CASE(passes_the_gradient_at_the_margin_and_ignores_other_targets) {
  for (const bool recorded : {false, true}) {
    const Tensor a = leaf({{1.0, 0.0}}), b = leaf({{0.0, 1.0}});
    const auto slope_of = [&](double t, double margin) {
      const Tensor l = F::cosine_embedding_loss(a, b, tensor({t}), {.margin = margin});
      return autograd::grad({l}, {a}, {.create_graph = recorded})[0];
    };
    check_close(slope_of(-1, 0), {0, 1}, 1e-11);
    check_values(slope_of(-1, 1e-9), {0, 0});
    check_close(slope_of(1, 0), {0, -1}, 1e-11);
    check_values(slope_of(0, 0), {0, 0});
    check_values(slope_of(-0.5, 0), {0, 0});
    const Tensor far = leaf({{inf, 1.0}});
    check_values(autograd::grad({F::cosine_embedding_loss(far, b, tensor({2}))}, {b}, {.create_graph = recorded})[0],
                 {0, 0});
  }
  check_values(F::cosine_embedding_loss(leaf({{nan_value, 1.0}}), leaf({{1.0, 1.0}}), tensor({-1})), {nan_value});
  check_values(F::cosine_embedding_loss(leaf({{nan_value, 1.0}}), leaf({{1.0, 1.0}}), tensor({1})), {nan_value});
}

BOOST_AUTO_TEST_CASE(takes_one_row_or_target_for_all) {
  const Tensor a = leaf({{1.0, 0.0}}), b = leaf({{1.0, 0.0}, {0.0, 1.0}, {-1.0, 0.0}});
  check_close(F::cosine_embedding_loss(a, b, tensor({1}), {.reduction = "none"}), {0, 1, 2}, 1e-11);
  F::cosine_embedding_loss(b, a, tensor({1}), {.reduction = "sum"}).backward();
  check_close(a.grad(), {0, -1}, 1e-11);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(triplets)

BOOST_AUTO_TEST_CASE(pass_the_gradient_at_the_hinge_and_share_it_when_a_swap_ties) {
  for (const bool recorded : {false, true}) {
    const Tensor a = leaf({{0.0}}), p = leaf({{1.0}}), n = leaf({{2.0}});
    const Tensor at_hinge = F::triplet_margin_loss(a, p, n, {.eps = 0});
    check_values(at_hinge, {0});
    const auto g = autograd::grad({at_hinge}, {a, p, n}, {.create_graph = recorded});
    check_values(g[0], {0});
    check_values(g[1], {1});
    check_values(g[2], {-1});
    const Tensor q = leaf({{2.0}}), m = leaf({{1.0}});  // d(a, n) = d(p, n) = 1
    const Tensor tie = F::triplet_margin_loss(a, q, m, {.margin = 3, .eps = 0, .swap = true});
    check_values(tie, {4});
    const auto h = autograd::grad({tie}, {a, q, m}, {.create_graph = recorded});
    check_values(h[0], {-0.5});
    check_values(h[1], {0.5});
    check_values(h[2], {0});
    const Tensor off = F::triplet_margin_loss(a, p, leaf({{2.5}}), {.eps = 0});
    check_values(off, {0});
    check_values(autograd::grad({off}, {p}, {.create_graph = recorded})[0], {0});
  }
  check_values(F::triplet_margin_loss(leaf({{nan_value}}), leaf({{0.0}}), leaf({{0.0}})), {nan_value});
  check_values(F::triplet_margin_loss(leaf({{0.0}}), leaf({{1.0}}), leaf({{nan_value}}), {.swap = true}), {nan_value});
}

BOOST_AUTO_TEST_CASE(that_are_far_enough_apart_have_gradient_exactly_0) {
  const Tensor a = leaf({{0.0, 0.0}, {0.0, 0.0}}), p = leaf({{1.0, 0.0}, {1.0, 0.0}}),
               n = leaf({{9.0, 0.0}, {1.5, 0.0}});
  F::triplet_margin_loss(a, p, n).backward();
  check_values(n.grad()[0], {0, 0});
  BOOST_TEST(n.grad()[1].abs().sum().item() > 0.4);
}

Tensor taxicab(const Tensor& a, const Tensor& b) { return abs(a - b).sum(-1); }

BOOST_AUTO_TEST_CASE(take_any_callable_as_a_distance) {
  const Tensor a = leaf({{0.0, 0.0}}), p = leaf({{1.0, 2.0}}), n = leaf({{1.0, 1.0}});
  const auto value = [&](nn::DistanceFunction d) {
    return F::triplet_margin_with_distance_loss(a, p, n, {.distance_function = std::move(d)}).item();
  };
  const double by_default = F::triplet_margin_loss(a, p, n).item();
  BOOST_TEST(value({}) == by_default);
  BOOST_TEST(value(std::function<Tensor(const Tensor&, const Tensor&)>()) == by_default);
  Tensor (*none)(const Tensor&, const Tensor&) = nullptr;
  BOOST_TEST(value(none) == by_default);
  BOOST_TEST(value(taxicab) == 2);
  BOOST_TEST(value(std::function<Tensor(const Tensor&, const Tensor&)>(taxicab)) == 2);

  const Tensor scale = leaf(2.0);
  nn::TripletMarginWithDistanceLoss loss(
      {.distance_function = [scale](const Tensor& u, const Tensor& v) { return scale * square(u - v).sum(-1); },
       .margin = 0.5});
  const Tensor l = loss(a, p, n);
  check_values(l, {6.5});
  l.backward();
  check_values(scale.grad(), {3});
  check_values(p.grad(), {4, 8});
  check_values(n.grad(), {-4, -4});
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(overlap)

BOOST_AUTO_TEST_CASE(of_perfect_predictions_costs_exactly_0) {
  const Tensor t = tensor({{0.0, 1.0, 1.0}, {1.0, 0.0, 0.0}}, {.dtype = float32});
  for (const double gamma : {1.0, 0.75, 1.5, 2.0})
    check_values(F::tversky_loss(t, t, {.alpha = 0.3, .beta = 0.7, .smooth = 0.1, .gamma = gamma, .reduction = "none"}),
                 {0, 0});
  check_values(F::dice_loss(t, 1.0 - t, {.smooth = 0, .reduction = "none"}), {1, 1});
  check_values(F::dice_loss(zeros({1, 2}), zeros({1, 2})), {0});
  check_values(F::dice_loss(zeros({1, 2}), zeros({1, 2}), {.smooth = 0}), {nan_value});
  check_close(F::dice_loss(leaf({{0.5, 0.5}}), leaf({{1.0, 0.0}})), {1 - 2.0 / 3}, 1e-15);
  check_close(F::tversky_loss(leaf({{0.5, 0.5}}), leaf({{1.0, 0.0}}), {.alpha = 1, .beta = 0, .smooth = 0, .gamma = 2}),
              {0.25}, 1e-15);
}

BOOST_AUTO_TEST_SUITE_END()
