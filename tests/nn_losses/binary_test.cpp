#include <boost/test/unit_test.hpp>
#include <limits>

#include "slope/autograd.h"
#include "slope/nn/losses/losses.h"
#include "support/checks.h"

using namespace slope;
namespace F = slope::nn::functional;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity(), nan_value = std::numeric_limits<double>::quiet_NaN();
constexpr auto none = Reduction::none, total = Reduction::sum;

Tensor doubles(const Literal& values, bool requires_grad = true) {
  return tensor(values, {.dtype = float64, .requires_grad = requires_grad});
}

// Relative to each, so that tails count.
void check_relative(const Tensor& t, const std::vector<double>& expected, double tolerance) {
  const std::vector<double> got = t.to_vector<double>();
  BOOST_REQUIRE_EQUAL(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    BOOST_TEST((got[i] == expected[i] || std::abs(got[i] - expected[i]) <= tolerance * std::abs(expected[i])),
               "element " << i << ": " << got[i] << " is not " << expected[i]);
}

bool all_finite(const Tensor& t) {
  for (const double v : t.to_vector<double>())
    if (!std::isfinite(v)) return false;
  return true;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(binary_losses)

BOOST_AUTO_TEST_CASE(bce_has_the_stated_gradient_at_the_ends_by_every_way) {
  const std::vector<double> expected = {0, -1000000003995.8029, 1000000003995.8029, 0};
  for (const bool recorded : {false, true})
    for (const bool weighted : {false, true}) {
      const Tensor x = doubles({0.0, 0.0, 1.0, 1.0}), t = doubles({0.0, 1.0, 0.0, 1.0}, false);
      const Tensor w = weighted ? ones({1}, {.dtype = float64}) : Tensor();
      check_values(F::binary_cross_entropy(x, t, {.weight = w, .reduction = none}), {0, 100, 100, 0});
      const Tensor fused = F::binary_cross_entropy(x, t, {.weight = w, .reduction = total});
      check_values(fused, {200});
      check_relative(autograd::grad({fused}, {x}, {.create_graph = recorded})[0], expected, 1e-15);
      const Tensor values = F::binary_cross_entropy(x, t, {.weight = w, .reduction = none});
      check_relative(autograd::grad({values.sum()}, {x}, {.create_graph = recorded})[0], expected, 1e-15);
    }
  const Tensor x = doubles({0.0, 0.0, 1.0, 1.0}).to(float32).detach().requires_grad_(),
               t = tensor({0.0, 1.0, 0.0, 1.0});
  check_relative(autograd::grad({F::binary_cross_entropy(x, t, {.reduction = total})}, {x})[0], {0, -1e12, 1e12, 0},
                 1e-6);
}

// A reduced loss looks for bad elements only when it is NaN.
BOOST_AUTO_TEST_CASE(one_bad_element_among_many_is_refused_by_every_reduction) {
  const std::int64_t n = 100'000;
  const auto refused = [](const auto& call, const char* text) {
    BOOST_CHECK_EXCEPTION(call(), ValueError,
                          [&](const ValueError& e) { return std::string(e.what()).find(text) != std::string::npos; });
  };
  for (const DType dtype : {float32, float64})
    for (const Reduction r : {Reduction::none, Reduction::mean, Reduction::sum}) {
      const Tensor t = (arange(n) % 2).to(dtype), w = full({n}, 2.0, {.dtype = dtype});
      for (const double bad : {-1e-6, 1.0001, -inf, inf, nan_value}) {
        Tensor x = full({n}, 0.25, {.dtype = dtype});
        x.slice(0, 77'777, 77'778).fill_(bad);
        x.requires_grad_();
        constexpr const char* text = "all elements of input should be between 0 and 1";
        refused([&] { F::binary_cross_entropy(x, t, {.reduction = r}); }, text);
        refused([&] { F::binary_cross_entropy(x, t, {.weight = w, .reduction = r}); }, text);
        refused([&] { F::focal_loss(x, t, {.reduction = r}); }, text);
        BOOST_TEST(!x.grad().defined());
      }
      Tensor var = full({n}, 0.25, {.dtype = dtype});
      var.slice(0, 77'777, 77'778).fill_(-1e-9);
      refused([&] { F::gaussian_nll_loss(t, t, var, {.reduction = r}); }, "var has negative entry/entries");
      // What is NaN for another reason is no error.
      const Tensor odd = full({n}, nan_value, {.dtype = dtype}), x = full({n}, 0.25, {.dtype = dtype});
      BOOST_TEST(std::isnan(F::binary_cross_entropy(x, odd, {.reduction = r}).sum().item<double>()));
      BOOST_TEST(std::isnan(F::focal_loss(x, odd, {.reduction = r}).sum().item<double>()));
      BOOST_TEST(std::isnan(F::gaussian_nll_loss(odd, t, x, {.reduction = r}).sum().item<double>()));
    }
}

BOOST_AUTO_TEST_CASE(bce_of_denormals_and_of_targets_outside_0_1_is_what_the_formula_says) {
  const double least = std::numeric_limits<double>::denorm_min();
  const Tensor x = doubles({least, least, 1e-40, 0.5, 0.5}), t = doubles({0.0, 1.0, 1.0, 2.0, -1.0});
  const Tensor l = F::binary_cross_entropy(x, t, {.reduction = none});
  check_relative(l, {least, 100, -std::log(1e-40), std::log(2.0), std::log(2.0)}, 1e-15);
  const std::vector<Tensor> g = autograd::grad({l.sum()}, {x, t});
  check_relative(g[0], {least / 9.999999960041972e-13, -1000000003995.8029, -1000000003995.8029, -6, 6}, 1e-12);
  check_relative(g[1], {-std::log(least), -std::log(least), -std::log(1e-40), 0, 0}, 1e-14);
}

BOOST_AUTO_TEST_CASE(logits_keep_the_tails_that_their_dtype_can_hold) {
  for (const bool recorded : {false, true}) {
    const auto gradient = [&](const Tensor& x, const Tensor& t, Reduction r) {
      return autograd::grad({F::binary_cross_entropy_with_logits(x, t, {.reduction = r}).sum()}, {x},
                            {.create_graph = recorded})[0];
    };
    const Tensor x = doubles({37.43, 700.0, 1000.0, -1000.0, 0.0}), t = doubles({1.0, 1.0, 1.0, 1.0, 1.0}, false);
    for (const Reduction r : {none, total})
      check_relative(gradient(x, t, r), {-5.5508250862537194e-17, -std::exp(-700.0), 0, -1, -0.5}, 1e-14);
    check_relative(F::binary_cross_entropy_with_logits(x, t, {.reduction = none}),
                   {5.5508250862537194e-17, std::exp(-700.0), 0, 1000, std::log(2.0)}, 1e-14);
    const Tensor f = tensor({20.0, -20.0, 100.0, 80.0}, {.dtype = float32, .requires_grad = true}),
                 u = tensor({1.0, 0.0, 1.0, 1.0});
    for (const Reduction r : {none, total})
      check_relative(gradient(f, u, r),
                     {-2.0611536e-09, 2.0611536e-09, -3.783505853677006e-44, -1.8048513878454153e-35}, 1e-6);
    check_relative(F::binary_cross_entropy_with_logits(f, u, {.reduction = none}),
                   {2.0611536e-09, 2.0611536e-09, 3.783505853677006e-44, 1.8048513878454153e-35}, 1e-6);
  }
  // The tails survive weights, too.
  const Tensor x = doubles({37.43, -37.43}), t = doubles({1.0, 0.0}, false), three = full({2}, 3.0, {.dtype = float64});
  const Tensor l = F::binary_cross_entropy_with_logits(x, t, {.reduction = none, .pos_weight = three});
  check_relative(l, {3 * 5.5508250862537194e-17, 5.5508250862537194e-17}, 1e-14);
  check_relative(autograd::grad({l.sum()}, {x})[0], {-3 * 5.5508250862537194e-17, 5.5508250862537194e-17}, 1e-14);
}

BOOST_AUTO_TEST_CASE(an_infinite_logit_that_is_wrong_costs_infinitely_much) {
  const Tensor x = doubles({inf, -inf}), t = doubles({0.0, 1.0});
  const Tensor l = F::binary_cross_entropy_with_logits(x, t, {.reduction = none});
  check_values(l, {inf, inf});
  check_values(autograd::grad({l.sum()}, {x})[0], {1, -1});
  check_values(F::binary_cross_entropy_with_logits(doubles({nan_value}), doubles({1.0}), {.reduction = none}),
               {nan_value});
}

BOOST_AUTO_TEST_CASE(logits_take_integral_and_bool_targets) {
  const Tensor x = doubles({0.5, -1.0});
  const Tensor expected = F::binary_cross_entropy_with_logits(x, doubles({1.0, 0.0}));
  for (const Tensor& t : {tensor({1, 0}), tensor({true, false}), tensor({1.0, 0.0})}) {
    BOOST_TEST(equal(F::binary_cross_entropy_with_logits(x, t).detach(), expected.detach()));
    BOOST_TEST(equal(F::sigmoid_focal_loss(x, t).detach(), F::sigmoid_focal_loss(x, t.to(float64)).detach()));
  }
}

BOOST_AUTO_TEST_CASE(focal_of_logits_keeps_its_tails) {
  // Values and slopes computed with forty digits.
  const Tensor x = doubles({40.0, -40.0, 30.0, -30.0}), t = doubles({1.0, 0.0, 0.0, 1.0}, false);
  const struct {
    double gamma;
    std::vector<double> value, slope;
  } cases[] = {{0,
                {1.06208856382289725e-18, 3.18626569146869174e-18, 22.5000000000000702, 7.50000000000002339},
                {-1.06208856382289724e-18, 3.18626569146869173e-18, 0.749999999999929818, -0.249999999999976606}},
               {0.5,
                {2.18912769067413008e-27, 6.56738307202239023e-27, 22.4999999999990174, 7.49999999999967248},
                {-3.2836915360111951e-27, 9.85107460803358531e-27, 0.750000000000947459, -0.25000000000031582}},
               {2,
                {1.91691201843049989e-53, 5.75073605529149966e-53, 22.4999999999958593, 7.49999999999861975},
                {-5.75073605529149964e-53, 1.72522081658744989e-52, 0.750000000004000384, -0.250000000001333461}},
               {5,
                {1.46982067456131725e-105, 4.40946202368395176e-105, 22.4999999999895429, 7.49999999999651429},
                {-8.81892404736790349e-105, 2.64567721421037105e-104, 0.750000000010106233, -0.250000000003368744}}};
  for (const auto& c : cases) {
    check_relative(F::sigmoid_focal_loss(x, t, {.gamma = c.gamma}), c.value, 1e-13);
    for (const bool recorded : {false, true})
      for (const Reduction r : {none, total}) {
        const Tensor l = F::sigmoid_focal_loss(x, t, {.gamma = c.gamma, .reduction = r});
        check_relative(autograd::grad({l.sum()}, {x}, {.create_graph = recorded})[0], c.slope, 1e-13);
      }
  }
  const Tensor f = tensor({20.0}, {.dtype = float32, .requires_grad = true});
  const Tensor l = F::sigmoid_focal_loss(f, ones({1}));
  check_relative(l, {0.25 * std::pow(2.0611536e-09, 3)}, 1e-5);
  check_relative(autograd::grad({l.sum()}, {f})[0], {-0.75 * std::pow(2.0611536e-09, 3)}, 1e-5);
}

BOOST_AUTO_TEST_CASE(focal_of_extreme_logits_is_finite_with_all_its_derivatives) {
  for (const DType dtype : {float64, float32})
    for (const double gamma : {0.0, 0.5, 1.0, 2.0, 5.0})
      for (const double alpha : {0.25, -1.0}) {
        const Tensor x = tensor({1000.0, -1000.0, 1000.0, -1000.0, 0.0, 720.0, -95.0, 1000.0, -1000.0},
                                {.dtype = dtype, .requires_grad = true});
        const Tensor t = tensor({1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.5, 0.5}, {.dtype = dtype, .requires_grad = true});
        const auto loss = [&](Reduction r) {
          return F::sigmoid_focal_loss(x, t, {.alpha = alpha, .gamma = gamma, .reduction = r});
        };
        const double a0 = alpha < 0 ? 1 : 0.75, a1 = alpha < 0 ? 1 : 0.25;
        const Tensor l = loss(none);
        check_relative(l.slice(0, 0, 4), {0, 0, 1000 * a0, 1000 * a1}, 1e-6);
        for (const Reduction r : {none, total}) {
          const std::vector<Tensor> g = autograd::grad({loss(r).sum()}, {x, t}, {.create_graph = true});
          check_relative(g[0].slice(0, 0, 4), {0, 0, a0, -a1}, 1e-6);
          for (const Tensor& one : g) BOOST_TEST(all_finite(one), "gamma " << gamma << ": " << one);
          // By x; by t the second derivative is infinite where a sure label is met and γ < 1.
          const Tensor once = autograd::grad(
              {F::sigmoid_focal_loss(x, t.detach(), {.alpha = alpha, .gamma = gamma, .reduction = r}).sum()}, {x},
              {.create_graph = true})[0];
          const Tensor twice = autograd::grad({once.sum()}, {x}, {.create_graph = true})[0];
          BOOST_TEST(all_finite(twice), "second order, gamma " << gamma << ": " << twice);
          check_close(twice.slice(0, 0, 4), {0, 0, 0, 0}, 1e-30);
          const Tensor thrice = autograd::grad({twice.sum()}, {x})[0];
          BOOST_TEST(all_finite(thrice), "third order, gamma " << gamma << ": " << thrice);
          for (const Tensor& one : autograd::grad({loss(r).sum()}, {x, t}))
            BOOST_TEST(all_finite(one), "gamma " << gamma << ": " << one);
        }
      }
}

BOOST_AUTO_TEST_CASE(focal_of_logits_without_focus_is_weighted_bce) {
  const Tensor x = doubles({-2.0, 0.0, 3.0}), t = doubles({1.0, 0.25, 0.0});
  BOOST_TEST(allclose(F::sigmoid_focal_loss(x, t, {.alpha = -1, .gamma = 0}),
                      F::binary_cross_entropy_with_logits(x, t, {.reduction = none}), 1e-15, 0));
  BOOST_TEST((F::sigmoid_focal_loss(x, t).shape() == x.shape()));  // no reduction unless asked for
  BOOST_TEST((nn::SigmoidFocalLoss()(x, t).shape() == x.shape()));
}

BOOST_AUTO_TEST_CASE(focal_of_probabilities_is_finite_at_the_ends_for_every_gamma) {
  for (const double gamma : {0.0, 0.5, 1.0, 2.0, 5.0})
    for (const bool recorded : {false, true})
      for (const Reduction r : {none, total}) {
        const Tensor x = doubles({0.0, 1.0, 0.0, 1.0, 5e-324}), t = doubles({0.0, 1.0, 1.0, 0.0, 0.0}, false);
        const Tensor l = F::focal_loss(x, t, {.gamma = gamma, .reduction = none});
        check_close(l, {0, 0, 75, 25, 0}, 1e-15);
        const Tensor g = autograd::grad({F::focal_loss(x, t, {.gamma = gamma, .reduction = r}).sum()}, {x},
                                        {.create_graph = recorded})[0];
        BOOST_TEST(all_finite(g), "gamma " << gamma << ": " << g);
        check_close(g.slice(0, 0, 4),
                    {0, 0, -0.75 * (1000000003995.8029 + gamma * 100), 0.25 * (1000000003995.8029 + gamma * 100)},
                    1e-14);
      }
}

BOOST_AUTO_TEST_SUITE_END()
