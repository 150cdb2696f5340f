#include <boost/test/unit_test.hpp>
#include <cmath>
#include <functional>
#include <limits>

#include "slope/autograd/engine/backward.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"
#include "support/checks.h"

using namespace slope;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

/// Values and slopes at kinks and far out.
void check(const std::function<Tensor(const Tensor&)>& f, std::initializer_list<double> at,
           std::initializer_list<double> values, std::initializer_list<double> slopes) {
  for (DType dtype : {float64, float32}) {
    const Tensor x = tensor(std::vector<double>(at)).to(dtype).requires_grad_();
    const Tensor y = f(x);
    check_close(y.detach(), values, 1e-6);
    check_close(autograd::grad({y.sum()}, {x})[0], slopes, 1e-6);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(activations)

BOOST_AUTO_TEST_CASE(have_the_stated_slopes_at_their_kinks) {
  check([](const Tensor& x) { return relu(x); }, {-1, 0, 2}, {0, 0, 2}, {0, 0, 1});
  check([](const Tensor& x) { return relu6(x); }, {-1, 0, 3, 6, 7}, {0, 0, 3, 6, 6}, {0, 0, 1, 0, 0});
  check([](const Tensor& x) { return hardtanh(x); }, {-1, 0, 1, 2}, {-1, 0, 1, 1}, {0, 1, 0, 0});
  check([](const Tensor& x) { return leaky_relu(x, 0.2); }, {-1, 0, 2}, {-0.2, 0, 2}, {0.2, 0.2, 1});
  check([](const Tensor& x) { return elu(x, 2); }, {-inf, 0, 2}, {-2, 0, 2}, {0, 2, 1});
  check([](const Tensor& x) { return selu(x); }, {0, 1}, {0, 1.0507009873554805},
        {1.7580993408473766, 1.0507009873554805});
  check([](const Tensor& x) { return celu(x, 2); }, {0, 2}, {0, 2}, {1, 1});
  check([](const Tensor& x) { return hardsigmoid(x); }, {-3, 0, 3}, {0, 0.5, 1}, {0, 1.0 / 6, 0});
  check([](const Tensor& x) { return hardswish(x); }, {-4, 0, 4}, {0, 0, 4}, {0, 0.5, 1});
  check([](const Tensor& x) { return softshrink(x, 0.5); }, {-1, -0.5, 0, 0.5, 1}, {-0.5, 0, 0, 0, 0.5},
        {1, 0, 0, 0, 1});
  check([](const Tensor& x) { return hardshrink(x, 0.5); }, {-1, -0.5, 0, 0.5, 1}, {-1, 0, 0, 0, 1}, {1, 0, 0, 0, 1});
  check([](const Tensor& x) { return threshold(x, 1, 7); }, {0, 1, 2}, {7, 7, 2}, {0, 0, 1});
  check([](const Tensor& x) { return softplus(x, 1, 2); }, {2, 2.1}, {std::log1p(std::exp(2.0)), 2.1},
        {1 / (1 + std::exp(-2.0)), 1});
  check([](const Tensor& x) { return softsign(x); }, {-1, 0, 3}, {-0.5, 0, 0.75}, {0.25, 1, 1.0 / 16});
}

BOOST_AUTO_TEST_CASE(are_stable_far_out) {
  check([](const Tensor& x) { return sigmoid(x); }, {-800, 0, 800}, {0, 0.5, 1}, {0, 0.25, 0});
  check([](const Tensor& x) { return logsigmoid(x); }, {-800, 0, 800}, {-800, -std::log(2.0), 0}, {1, 0.5, 0});
  check([](const Tensor& x) { return softplus(x); }, {-800, 800}, {0, 800}, {0, 1});
  check([](const Tensor& x) { return mish(x); }, {-800, 0, 800}, {0, 0, 800}, {0, 0.6, 1});
  check([](const Tensor& x) { return silu(x); }, {-800, 0, 800}, {0, 0, 800}, {0, 0.5, 1});
  check([](const Tensor& x) { return gelu(x); }, {-40, 0, 40}, {0, 0, 40}, {0, 0.5, 1});
  check([](const Tensor& x) { return gelu(x, GeluApproximation::tanh); }, {-40, 0, 40}, {0, 0, 40}, {0, 0.5, 1});
  check([](const Tensor& x) { return tanhshrink(x); }, {0, 40}, {0, 39}, {0, 1});
}

BOOST_AUTO_TEST_CASE(gelu_of_floats_keeps_the_tail) {
  const Tensor x = linspace(-13, 13, 20001, {.dtype = float32}).requires_grad_();
  const Tensor exact = x.detach().to(float64).requires_grad_();
  const Tensor y = gelu(x), expected = gelu(exact);
  BOOST_TEST(allclose(y.detach().to(float64), expected.detach(), 5e-7, 1e-43));
  const Tensor g = autograd::grad({y.sum()}, {x})[0], wanted = autograd::grad({expected.sum()}, {exact})[0];
  // The sum of Φ and x·φ, which cancel near -0.75.
  const Tensor v = exact.detach(), size = 0.5 * erfc(v * -std::sqrt(0.5)) + abs(v) * exp(-0.5 * v * v) * 0.4;
  BOOST_TEST(((g.to(float64) - wanted).abs() <= 1e-6 * size + 1e-43).all().item<bool>());
}

BOOST_AUTO_TEST_CASE(pass_nan_on) {
  const std::function<Tensor(const Tensor&)> all[] = {[](const Tensor& x) { return relu(x); },
                                                      [](const Tensor& x) { return relu6(x); },
                                                      [](const Tensor& x) { return hardtanh(x); },
                                                      [](const Tensor& x) { return leaky_relu(x); },
                                                      [](const Tensor& x) { return elu(x); },
                                                      [](const Tensor& x) { return selu(x); },
                                                      [](const Tensor& x) { return celu(x); },
                                                      [](const Tensor& x) { return gelu(x); },
                                                      [](const Tensor& x) { return silu(x); },
                                                      [](const Tensor& x) { return mish(x); },
                                                      [](const Tensor& x) { return sigmoid(x); },
                                                      [](const Tensor& x) { return logsigmoid(x); },
                                                      [](const Tensor& x) { return tanh(x); },
                                                      [](const Tensor& x) { return hardsigmoid(x); },
                                                      [](const Tensor& x) { return hardswish(x); },
                                                      [](const Tensor& x) { return softplus(x); },
                                                      [](const Tensor& x) { return softsign(x); },
                                                      [](const Tensor& x) { return softshrink(x); },
                                                      [](const Tensor& x) { return hardshrink(x); },
                                                      [](const Tensor& x) { return tanhshrink(x); },
                                                      [](const Tensor& x) { return threshold(x, 0, 1); },
                                                      [](const Tensor& x) { return softmax(x, 0); }};
  for (const auto& f : all) check_values(f(tensor({not_a_number})), {not_a_number});
}

BOOST_AUTO_TEST_CASE(learn_their_slope_per_channel) {
  const Tensor x = tensor({{{-1.0, 2.0}, {-3.0, -4.0}}}, {.requires_grad = true}),
               w = tensor({0.5, 0.25}, {.requires_grad = true});
  const Tensor y = prelu(x, w);
  check_values(y.detach(), {-0.5, 2, -0.75, -1});
  y.sum().backward();
  check_values(w.grad(), {-1, -7});
  check_values(x.grad(), {0.5, 1, 0.25, 0.25});
  check_error<ShapeError>(
      [&] { prelu(x, ones({3})); },
      "prelu: weight has 3 elements, expected 1 or the 2 channels (dimension 1) of an input of shape [1, 2, 2]");
  check_error<ShapeError>([&] { prelu(ones({4}), ones({2})); }, "expected 1 or the 1 channels");
}

BOOST_AUTO_TEST_CASE(refuse_options_outside_their_domain) {
  const Tensor x = ones({3});
  check_error<ValueError>([&] { hardtanh(x, 1, -1); }, "hardtanh: min_val 1 cannot be greater than max_val -1");
  check_error<ValueError>([&] { celu(x, 0); }, "celu: alpha cannot be 0");
  check_error<ValueError>([&] { softplus(x, 0); }, "softplus: beta cannot be 0");
  check_error<ValueError>([&] { softshrink(x, -1); }, "softshrink: lambda must be greater or equal to 0, but found -1");
  check_error<ShapeError>([&] { glu(x); },
                          "glu: a dimension is halved, so its size must be even; dimension 0 has size 3");
  check_error<ShapeError>([&] { glu(tensor(1.0)); }, "glu: does not support 0-dimensional tensors");
  check_error<IndexError>([&] { glu(ones({2}), 1); }, "glu: Dimension out of range");
}

BOOST_AUTO_TEST_SUITE_END()
