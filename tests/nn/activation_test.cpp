#include "slope/nn/layers/activation.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "slope/autograd/core/random.h"
#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/random.h"
#include "slope/nn/functional.h"
#include "support/checks.h"

using namespace slope;

namespace {

/// Values on both sides of every kink, on the kinks, and far out.
Tensor probe() {
  return tensor({-800.0, -25.0, -6.0, -3.0, -1.0, -0.5, -0.1,  0.0,         0.1,  0.5,
                 1.0,    2.9,   3.0,  6.0,  20.0, 25.0, 800.0, double(NAN), 0.25, 4.0},
                {.dtype = float64});
}

/// The module gives, bit for bit, the values and gradients of the function.
void check_same(nn::Module& m, const std::function<Tensor(const Tensor&)>& function, const Shape& shape = {20}) {
  const Tensor a = probe().view(shape), b = probe().view(shape);
  a.requires_grad_();
  b.requires_grad_();
  const Tensor x = m(a), y = function(b);
  const auto bits = [](const Tensor& t) {
    std::vector<double> v = t.to_vector<double>();
    for (double& e : v)
      if (std::isnan(e)) e = 12345.678;
    return v;
  };
  BOOST_TEST(bits(x) == bits(y), m.to_string() << " differs from its function");
  x.sum().backward();
  y.sum().backward();
  BOOST_TEST(bits(a.grad()) == bits(b.grad()), "the gradient of " << m.to_string() << " differs from its function");
}

template <class M>
void check_same(M&& m, const std::function<Tensor(const Tensor&)>& function, const std::string& printed,
                const Shape& shape = {20}) {
  BOOST_TEST(m.to_string() == printed);
  check_same(static_cast<nn::Module&>(m), function, shape);
}

#define F_OF(call) [](const Tensor& x) { return call; }

}  // namespace

BOOST_AUTO_TEST_SUITE(activations)

BOOST_AUTO_TEST_CASE(plain_activations_are_their_functions) {
  check_same(nn::ReLU(), F_OF(F::relu(x)), "ReLU()");
  check_same(nn::ReLU6(), F_OF(F::relu6(x)), "ReLU6()");
  check_same(nn::SELU(), F_OF(F::selu(x)), "SELU()");
  check_same(nn::SiLU(), F_OF(F::silu(x)), "SiLU()");
  check_same(nn::Mish(), F_OF(F::mish(x)), "Mish()");
  check_same(nn::Sigmoid(), F_OF(F::sigmoid(x)), "Sigmoid()");
  check_same(nn::LogSigmoid(), F_OF(F::logsigmoid(x)), "LogSigmoid()");
  check_same(nn::Tanh(), F_OF(F::tanh(x)), "Tanh()");
  check_same(nn::Hardsigmoid(), F_OF(F::hardsigmoid(x)), "Hardsigmoid()");
  check_same(nn::Hardswish(), F_OF(F::hardswish(x)), "Hardswish()");
  check_same(nn::Softsign(), F_OF(F::softsign(x)), "Softsign()");
  check_same(nn::Tanhshrink(), F_OF(F::tanhshrink(x)), "Tanhshrink()");
}

BOOST_AUTO_TEST_CASE(options_reach_the_function_by_name_and_by_position) {
  check_same(nn::LeakyReLU(), F_OF(F::leaky_relu(x)), "LeakyReLU(negative_slope=0.01)");
  check_same(nn::LeakyReLU(0.2), F_OF(F::leaky_relu(x, 0.2)), "LeakyReLU(negative_slope=0.2)");
  check_same(nn::LeakyReLU({.negative_slope = 0.2}), F_OF(F::leaky_relu(x, 0.2)), "LeakyReLU(negative_slope=0.2)");
  check_same(nn::ELU(), F_OF(F::elu(x)), "ELU(alpha=1.0)");
  check_same(nn::ELU({.alpha = 0.5}), F_OF(F::elu(x, 0.5)), "ELU(alpha=0.5)");
  check_same(nn::CELU(2), F_OF(F::celu(x, 2)), "CELU(alpha=2.0)");
  check_same(nn::Hardtanh(), F_OF(F::hardtanh(x)), "Hardtanh(min_val=-1.0, max_val=1.0)");
  check_same(nn::Hardtanh(-0.5, 3), F_OF(F::hardtanh(x, -0.5, 3)), "Hardtanh(min_val=-0.5, max_val=3.0)");
  check_same(nn::Hardtanh({.max_val = 3}), F_OF(F::hardtanh(x, -1, 3)), "Hardtanh(min_val=-1.0, max_val=3.0)");
  check_same(nn::GELU(), F_OF(F::gelu(x)), "GELU(approximate='none')");
  check_same(nn::GELU("tanh"), F_OF(F::gelu(x, GeluApproximation::tanh)), "GELU(approximate='tanh')");
  check_same(nn::GELU({.approximate = GeluApproximation::tanh}), F_OF(F::gelu(x, GeluApproximation::tanh)),
             "GELU(approximate='tanh')");
  check_same(nn::Softplus(), F_OF(F::softplus(x)), "Softplus(beta=1.0, threshold=20.0)");
  check_same(nn::Softplus(2, 12), F_OF(F::softplus(x, 2, 12)), "Softplus(beta=2.0, threshold=12.0)");
  check_same(nn::Softplus({.threshold = 5}), F_OF(F::softplus(x, 1, 5)), "Softplus(beta=1.0, threshold=5.0)");
  check_same(nn::Softshrink(), F_OF(F::softshrink(x)), "Softshrink(0.5)");
  check_same(nn::Softshrink(1), F_OF(F::softshrink(x, 1)), "Softshrink(1.0)");
  check_same(nn::Hardshrink({.lambda = 3}), F_OF(F::hardshrink(x, 3)), "Hardshrink(3.0)");
  check_same(nn::Threshold(0.1, 20), F_OF(F::threshold(x, 0.1, 20)), "Threshold(threshold=0.1, value=20.0)");
}

BOOST_AUTO_TEST_CASE(activations_along_a_dimension_are_their_functions) {
  check_same(nn::Softmax(1), F_OF(F::softmax(x, 1)), "Softmax(dim=1)", {5, 4});
  check_same(nn::Softmax({.dim = 0}), F_OF(F::softmax(x, 0)), "Softmax(dim=0)", {5, 4});
  check_same(nn::LogSoftmax(-1), F_OF(F::log_softmax(x, -1)), "LogSoftmax(dim=-1)", {5, 4});
  check_same(nn::Softmin(1), F_OF(F::softmin(x, 1)), "Softmin(dim=1)", {5, 4});
  check_same(nn::GLU(), F_OF(F::glu(x)), "GLU(dim=-1)", {5, 4});
  check_same(nn::GLU(0), F_OF(F::glu(x, 0)), "GLU(dim=0)", {4, 5});
  nn::GLU glu;
  check_error<ShapeError>([&] { glu(ones({2, 3})); },
                          "a dimension is halved, so its size must be even; dimension 1 has size 3");
}

BOOST_AUTO_TEST_CASE(options_outside_their_domain_throw_at_construction) {
  check_error<ValueError>([] { nn::Softshrink(-1); },
                          "Softshrink: lambda must be greater or equal to 0, but found to be -1");
  check_error<ValueError>([] { nn::CELU(0.0); }, "CELU: alpha cannot be 0");
  check_error<ValueError>([] { nn::Softplus(0.0); }, "Softplus: beta cannot be 0");
  check_error<ValueError>([] { nn::Hardtanh(2, 1); }, "Hardtanh: min_val 2 cannot be greater than max_val 1");
  check_error<ValueError>([] { nn::RReLU(2, 1); },
                          "Lower bound should be less than or equal to the upper bound, got 2 and 1");
  check_error<ValueError>([] { nn::PReLU(0); }, "PReLU: num_parameters must be positive, got 0");
  check_error<ValueError>([] { nn::GELU("erf"); }, "GELU: approximate argument must be either none or tanh, got erf");
}

BOOST_AUTO_TEST_CASE(prelu_learns_its_slope) {
  nn::PReLU one;
  BOOST_TEST(one.to_string() == "PReLU(num_parameters=1)");
  check_values(one.weight, {0.25});
  check_values(one(tensor({-4.0, 0.0, 2.0})), {-1, 0, 2});
  one(tensor({-4.0, 0.0, 2.0, -1.0})).sum().backward();
  check_values(one.weight.grad(), {-5});

  nn::PReLU three({.num_parameters = 3, .init = 0.5});
  const Tensor x = full({2, 3, 2}, -1.0, {.requires_grad = true});
  {
    NoGradGuard no_grad;
    three.weight.copy_(tensor({1.0, 2.0, 3.0}));
  }
  const Tensor y = three(x);
  check_values(y, {-1, -1, -2, -2, -3, -3, -1, -1, -2, -2, -3, -3});
  y.sum().backward();
  check_values(three.weight.grad(), {-4, -4, -4});
  check_values(x.grad(), {1, 1, 2, 2, 3, 3, 1, 1, 2, 2, 3, 3});
  check_error<ShapeError>([&] { three(ones({2, 4})); }, "prelu: weight has 3 elements");
  BOOST_TEST(three.state_dict().keys().front() == "weight");
}

BOOST_AUTO_TEST_CASE(rrelu_draws_slopes_while_training_and_takes_the_middle_otherwise) {
  nn::RReLU layer;
  BOOST_TEST(layer.to_string() == "RReLU(lower=0.125, upper=0.3333333333333333)");
  manual_seed(1);
  const Tensor x = full({20000}, -1.0, {.dtype = float64, .requires_grad = true});
  const Tensor y = layer(x);
  double sum = 0;
  for (double v : y.to_vector<double>()) {
    BOOST_REQUIRE(v <= -0.125);
    BOOST_REQUIRE(v >= -1.0 / 3);
    sum += v;
  }
  BOOST_TEST(std::abs(sum / 20000 + (0.125 + 1.0 / 3) / 2) < 5 * 0.0602 / std::sqrt(20000.0));
  y.sum().backward();
  BOOST_TEST((-x.grad()).to_vector<double>() ==
             y.to_vector<double>());  // the slope is the gradient, and -1 times it the value
  check_values(layer(tensor({0.0, 3.0})), {0, 3});
  layer.eval();
  check_close(layer(tensor({-6.0, 6.0}, {.dtype = float64})), {-6 * (0.125 + 1.0 / 3) / 2, 6}, 1e-15);
}

BOOST_AUTO_TEST_SUITE_END()
