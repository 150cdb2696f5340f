#include "slope/nn/losses/shared/internal/hinge.h"

#include <boost/test/unit_test.hpp>
#include <limits>

#include "slope/autograd.h"
#include "slope/pointwise.h"
#include "support/checks.h"

using namespace slope;

BOOST_AUTO_TEST_SUITE(hinges)

BOOST_AUTO_TEST_CASE(let_the_gradient_pass_at_exactly_0) {
  constexpr double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  for (const DType dtype : {float32, float64})
    for (const bool recorded : {false, true}) {
      const Tensor u = tensor({-inf, -1.0, -0.0, 0.0, 1e-30, 2.0, inf, nan}, {.dtype = dtype, .requires_grad = true});
      const Tensor y = hinge(u);
      check_close(y, {0, 0, 0, 0, 1e-30, 2, inf, nan}, 1e-37);
      BOOST_TEST((y.dtype() == dtype));
      check_values(autograd::grad({y.sum()}, {u}, {.create_graph = recorded})[0], {0, 0, 1, 1, 1, 1, 1, 0});
    }
}

BOOST_AUTO_TEST_CASE(are_a_word_of_formulas) {
  const auto margin = pointwise([](auto a, auto b) { return hinge(1.0 - a * b); });
  const Tensor a = tensor({0.5, 1.0, 3.0}, {.dtype = float64, .requires_grad = true});
  const Tensor b = tensor({1.0, 1.0, 2.0}, {.dtype = float64});
  const Tensor l = margin.sum(a, b);
  check_values(l, {0.5});
  check_values(autograd::grad({l}, {a})[0], {-1, -1, 0});
  check_values(autograd::grad({margin.sum(a, b)}, {a}, {.create_graph = true})[0], {-1, -1, 0});
}

BOOST_AUTO_TEST_SUITE_END()
