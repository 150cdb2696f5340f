#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "op_table.h"
#include "slope/autograd/autograd.h"
#include "slope/autograd/engine/gradcheck.h"

using namespace slope;

BOOST_AUTO_TEST_SUITE(every_operation_of_the_table)

namespace {

std::string title(const OpSample& s) {
  std::string t = s.name;
  for (const Shape& shape : s.shapes) t += " " + to_text(shape);
  return t;
}

bool bit_equal(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) return false;
  const auto x = a.to_vector<double>(), y = b.to_vector<double>();
  return std::equal(x.begin(), x.end(), y.begin(), [](double p, double q) { return p == q || (std::isnan(p) && std::isnan(q)); });
}

/// Value and gradients under a fixed cotangent.
std::vector<Tensor> run(const OpSample& s, const std::vector<Tensor>& inputs) {
  const Tensor y = s.function(inputs);
  Generator g(5);
  const Tensor cotangent = rand(y.shape(), {.dtype = float32}, g).to(y.dtype());
  std::vector<Tensor> out = autograd::grad({y}, inputs, {.grad_outputs = {cotangent}, .allow_unused = true});
  for (std::size_t i = 0; i < out.size(); ++i)
    if (!out[i].defined()) out[i] = zeros_like(inputs[i].detach());
  out.push_back(y.detach());
  return out;
}

}  // namespace

BOOST_AUTO_TEST_CASE(has_the_derivative_of_its_differences) {
  for (const OpSample& s : op_table()) {
    const auto r = autograd::gradcheck(s.function, sample_inputs(s));
    BOOST_TEST(r.ok, title(s) << ": " << r.message);
  }
}

BOOST_AUTO_TEST_CASE(has_the_second_derivative_of_its_differences) {
  for (const OpSample& s : op_table()) {
    if (!s.twice) continue;
    const auto r = autograd::gradgradcheck(s.function, sample_inputs(s));
    BOOST_TEST(r.ok, title(s) << ": " << r.message);
  }
}

BOOST_AUTO_TEST_CASE(has_the_same_gradient_when_backward_is_recorded) {
  // The fused first-order kernels against the composed formulas.
  for (const OpSample& s : op_table()) {
    const auto inputs = sample_inputs(s);
    const Tensor y = s.function(inputs);
    Generator g(5);
    const Tensor cotangent = rand(y.shape(), {.dtype = float64}, g);
    const auto fused = autograd::grad({y}, inputs, {.grad_outputs = {cotangent}, .retain_graph = true, .allow_unused = true});
    const auto composed =
        autograd::grad({y}, inputs, {.grad_outputs = {cotangent}, .create_graph = true, .allow_unused = true});
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      BOOST_REQUIRE_EQUAL(fused[i].defined(), composed[i].defined());
      if (fused[i].defined())
        BOOST_TEST(allclose(fused[i], composed[i].detach(), 1e-10, 1e-12), title(s) << ": gradient " << i << " differs");
    }
  }
}

BOOST_AUTO_TEST_CASE(gives_the_same_bits_for_every_thread_count) {
  const int before = get_num_threads();
  for (const OpSample& s : op_table()) {
    const auto inputs = sample_inputs(s);
    set_num_threads(1);
    const auto serial = run(s, inputs);
    for (int threads : {2, 3, 8}) {
      set_num_threads(threads);
      const auto parallel = run(s, inputs);
      for (std::size_t i = 0; i < serial.size(); ++i)
        BOOST_TEST(bit_equal(serial[i], parallel[i]), title(s) << ": result " << i << " with " << threads << " threads");
    }
  }
  set_num_threads(before);
}

BOOST_AUTO_TEST_CASE(computes_in_float32_what_it_computes_in_float64) {
  for (const OpSample& s : op_table()) {
    if (s.name == "to_float64") continue;  // its point is another dtype
    std::vector<Tensor> single, wide;
    for (const Tensor& t : sample_inputs(s)) {
      single.push_back(t.detach().to(float32).requires_grad_());
      wide.push_back(single.back().detach().to(float64).requires_grad_());
    }
    const auto a = run(s, single), b = run(s, wide);
    for (std::size_t i = 0; i < a.size(); ++i) {
      BOOST_TEST((a[i].dtype() == float32), title(s) << ": result " << i << " is not float32");
      const auto x = a[i].to_vector<double>(), y = b[i].to_vector<double>();
      double error = 0, scale = 0;
      for (std::size_t k = 0; k < x.size(); ++k) {
        error += (x[k] - y[k]) * (x[k] - y[k]);
        scale += y[k] * y[k];
      }
      BOOST_TEST(std::sqrt(error) <= 1e-5 * std::max(std::sqrt(scale), 1e-3), title(s) << ": result " << i << " is off by " << std::sqrt(error));
    }
  }
}

BOOST_AUTO_TEST_CASE(takes_empty_and_0_d_inputs_where_shapes_are_free) {
  for (const OpSample& s : op_table()) {
    if (!s.any_shape) continue;
    for (const Shape& shape : {Shape{0}, Shape{2, 0, 3}, Shape{}}) {
      Generator g(3);
      const Tensor x = (rand(shape, {.dtype = float64}, g) * (s.high - s.low) * 0.5 + (s.low + s.high) * 0.5).detach().requires_grad_();
      const Tensor y = s.function({x});
      BOOST_TEST((y.shape() == shape), title(s) << " of " << to_text(shape));
      y.sum().backward();
      BOOST_TEST((x.grad().shape() == shape), title(s) << ": gradient of " << to_text(shape));
    }
  }
}

BOOST_AUTO_TEST_CASE(leaves_its_inputs_alone) {
  for (const OpSample& s : op_table()) {
    const auto inputs = sample_inputs(s), kept = sample_inputs(s);
    run(s, inputs);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      BOOST_TEST(bit_equal(inputs[i].detach(), kept[i].detach()), title(s) << " changed input " << i);
      BOOST_TEST(inputs[i].version() == 0u, title(s) << " bumped the version of input " << i);
      BOOST_TEST(!inputs[i].grad().defined(), title(s) << " left a gradient in input " << i);
    }
  }
}

BOOST_AUTO_TEST_CASE(keeps_a_zero_cotangent_zero) {
  // Also at points where the derivative is infinite or undefined.
  for (const OpSample& s : op_table()) {
    if (!s.any_shape) continue;
    for (double at : {0.0, -1.0, 1.0, HUGE_VAL, -HUGE_VAL, std::nan("")}) {
      const Tensor x = full({3}, at, {.dtype = float64, .requires_grad = true});
      const Tensor y = s.function({x});
      const Tensor gx = autograd::grad({y}, {x}, {.grad_outputs = {zeros({3}, {.dtype = float64})}})[0];
      BOOST_TEST(bit_equal(gx, zeros({3}, {.dtype = float64})), s.name << " at " << at << " gives " << gx.to_string());
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
