#include <boost/test/unit_test.hpp>

#include "slope/autograd.h"
#include "slope/pointwise.h"
#include "support/checks.h"

using namespace slope;

BOOST_AUTO_TEST_SUITE(recorded_gradients)

BOOST_AUTO_TEST_CASE(have_a_derivative_where_they_are_0) {
  const auto second = [](const auto& f, double at) {
    const Tensor x = tensor({at}, {.dtype = float64, .requires_grad = true});
    const Tensor g = autograd::grad({f(x).sum()}, {x}, {.create_graph = true})[0];
    return autograd::grad({g.sum()}, {x})[0];
  };
  check_values(second([](const Tensor& x) { return square(x + 1.0); }, -1), {2});
  check_values(second([](const Tensor& x) { return square(3.0 * x - 6.0); }, 2), {18});
  check_values(second([](const Tensor& x) { return square(1.0 - x); }, 1), {2});
  check_close(second([](const Tensor& x) { return square(exp(x) - 1.0); }, 0), {2}, 1e-15);
  const auto own = pointwise([](auto x, auto y) { return x * y + x; });
  check_values(second([&](const Tensor& x) { return square(own(x, 2.0) - 3.0); }, 1), {18});
}

BOOST_AUTO_TEST_CASE(stay_0_through_singular_derivatives) {
  const Tensor x = tensor({0.0, 4.0}, {.dtype = float64, .requires_grad = true});
  const Tensor y = where(x > 0.0, sqrt(x), x);
  const Tensor g = autograd::grad({y.sum()}, {x}, {.create_graph = true})[0];
  check_values(g, {1, 0.25});
  check_close(autograd::grad({g.sum()}, {x})[0], {0, -1.0 / 32}, 1e-15);
}

BOOST_AUTO_TEST_SUITE_END()
