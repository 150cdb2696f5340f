// A branch that was not selected has no derivative of any order, whatever its functions do there.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "slope/autograd.h"
#include "support/checks.h"

using namespace slope;

BOOST_AUTO_TEST_SUITE(unselected_branch)

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

struct Case {
  const char* name;
  double singular, regular;
  std::function<Tensor(const Tensor&)> f;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"x log x", 0, 0.5, [](const Tensor& x) { return x * log(x); }},
      {"xlogy(x, x)", 0, 0.5, [](const Tensor& x) { return xlogy(x, x); }},
      {"sqrt", 0, 0.5, [](const Tensor& x) { return sqrt(x); }},
      {"sqrt sqrt", 0, 0.5, [](const Tensor& x) { return sqrt(sqrt(x)); }},
      {"sqrt of a square", 0, 0.5, [](const Tensor& x) { return sqrt(x * x); }},
      {"sqrt of a negative number", -1, 0.5, [](const Tensor& x) { return sqrt(x); }},
      {"rsqrt", 0, 0.5, [](const Tensor& x) { return rsqrt(x); }},
      {"reciprocal", 0, 0.5, [](const Tensor& x) { return reciprocal(x); }},
      {"1/x²", 0, 0.5, [](const Tensor& x) { return 1.0 / (x * x); }},
      {"sin x / x", 0, 0.5, [](const Tensor& x) { return sin(x) / x; }},
      {"x / x", 0, 0.5, [](const Tensor& x) { return x / x; }},
      {"log", 0, 0.5, [](const Tensor& x) { return log(x); }},
      {"log log", 1, 3, [](const Tensor& x) { return log(log(x)); }},
      {"log1p", -1, 0.5, [](const Tensor& x) { return log1p(x); }},
      {"exp log", 0, 0.5, [](const Tensor& x) { return exp(log(x)); }},
      {"acosh", 1, 2, [](const Tensor& x) { return acosh(x); }},
      {"asin", 1, 0.5, [](const Tensor& x) { return asin(x); }},
      {"acos", -1, 0.5, [](const Tensor& x) { return acos(x); }},
      {"atanh", 1, 0.5, [](const Tensor& x) { return atanh(x); }},
      {"x^0.3", 0, 0.5, [](const Tensor& x) { return pow(x, 0.3); }},
      {"x^-2", 0, 0.5, [](const Tensor& x) { return pow(x, -2.0); }},
      {"x^x", 0, 0.5, [](const Tensor& x) { return pow(x, x); }},
      {"atan2(x, x)", 0, 0.5, [](const Tensor& x) { return atan2(x, x); }},
      {"tan", 1e300, 0.5, [](const Tensor& x) { return tan(x * inf) + tan(x); }},
      {"exp of infinity", inf, 0.5, [](const Tensor& x) { return exp(x) * exp(-x); }},
      {"NaN", std::nan(""), 0.5, [](const Tensor& x) { return x * x * x; }},
  };
  return all;
}

/// The derivatives of Σf of order 1, 2, 3 at x, each summed over the others.
std::vector<Tensor> derivatives(const std::function<Tensor(const Tensor&)>& f, const Tensor& x) {
  std::vector<Tensor> out;
  Tensor y = f(x).sum();
  for (int order = 1; order <= 3; ++order) {
    if (!y.requires_grad()) break;
    const Tensor d = autograd::grad({y}, {x}, {.create_graph = true, .allow_unused = true})[0];
    if (!d.defined()) break;
    out.push_back(d.detach());
    y = d.sum();
  }
  return out;
}

}  // namespace

BOOST_AUTO_TEST_CASE(has_no_derivative_to_third_order) {
  for (const Case& c : cases()) {
    const Tensor x = tensor({c.singular, c.regular}, {.dtype = float64, .requires_grad = true});
    const Tensor selected = tensor({false, true});
    const Tensor alone = tensor({c.regular}, {.dtype = float64, .requires_grad = true});
    const auto got = derivatives([&](const Tensor& t) { return where(selected, c.f(t), 0.0); }, x);
    const auto wanted = derivatives(c.f, alone);
    for (std::size_t order = 0; order < got.size(); ++order) {
      const double dead = got[order][0].item<double>(), live = got[order][1].item<double>();
      BOOST_TEST(dead == 0.0,
                 c.name << ": derivative " << order + 1 << " is " << dead << " where nothing was selected");
      if (order >= wanted.size()) continue;
      const double expected = wanted[order].item<double>();
      BOOST_TEST(same_number(live, expected), c.name << ": derivative " << order + 1 << " is " << live << " instead of "
                                                     << expected << " where it was selected");
    }
  }
}

BOOST_AUTO_TEST_CASE(leaves_the_hessian_of_an_entropy_finite) {
  const Tensor p = tensor({0.0, 0.5}, {.dtype = float64, .requires_grad = true});
  const auto all = derivatives([](const Tensor& t) { return where(t > 0.0, t * log(t), 0.0); }, p);
  BOOST_REQUIRE_EQUAL(all.size(), 3u);
  check_close(all[0], {0, 1 + std::log(0.5)}, 1e-15);
  check_values(all[1], {0, 2});
  check_values(all[2], {0, -4});
}

BOOST_AUTO_TEST_CASE(of_a_softmax_without_any_score_has_no_derivative) {
  const auto rows = [](const Tensor& x, bool log) {
    const Tensor kept = tensor({true, true, true, false, false, false}).reshape({2, 3});
    const Tensor y = log ? x.log_softmax(1) : x.softmax(1);
    return where(kept, y * y * y, 0.0);
  };
  for (bool log : {false, true}) {
    const Tensor x = tensor({0.1, -0.4, 0.7, -inf, -inf, -inf}, {.dtype = float64}).reshape({2, 3}).requires_grad_();
    const Tensor first_row = x.detach()[0].clone().reshape({1, 3}).requires_grad_();
    const auto got = derivatives([&](const Tensor& t) { return rows(t, log); }, x);
    const auto wanted = derivatives(
        [&](const Tensor& t) {
          const Tensor y = log ? t.log_softmax(1) : t.softmax(1);
          return y * y * y;
        },
        first_row);
    BOOST_REQUIRE_EQUAL(got.size(), 3u);
    for (std::size_t order = 0; order < 3; ++order) {
      check_values(got[order][1], {0, 0, 0});
      BOOST_TEST(allclose(got[order][0], wanted[order][0], 1e-12, 1e-14), "order " << order + 1);
    }
  }
}

// The rule holds for branches only: a cotangent that happens to be zero cuts no finite derivative.
BOOST_AUTO_TEST_CASE(a_zero_cotangent_that_depends_on_the_input_keeps_its_derivative) {
  const Tensor x = tensor({0.0, 0.5}, {.dtype = float64, .requires_grad = true});
  const auto all = derivatives([](const Tensor& t) { return square(t) * exp(t); }, x);
  check_close(all[1], {2, (0.25 + 4 * 0.5 + 2) * std::exp(0.5)}, 1e-14);
  check_close(all[2], {6, (0.25 + 6 * 0.5 + 6) * std::exp(0.5)}, 1e-14);
}

BOOST_AUTO_TEST_SUITE_END()
