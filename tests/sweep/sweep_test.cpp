#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "op_table.h"
#include "slope/autograd.h"
#include "slope/gradcheck.h"
#include "support/test_data.h"

using namespace slope;

BOOST_AUTO_TEST_SUITE(every_operation_of_the_table)

namespace {

bool bit_equal(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) return false;
  const auto x = a.to_vector<double>(), y = b.to_vector<double>();
  return std::equal(x.begin(), x.end(), y.begin(),
                    [](double p, double q) { return p == q || (std::isnan(p) && std::isnan(q)); });
}

/// Whether the values are drawn, and then depend on the dtype.
bool draws(const OpSample& s) {
  return s.operation() == "uniform_" || s.operation() == "normal_" || s.operation() == "exponential_";
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
    BOOST_TEST(r.ok, s.title() << ": " << r.message);
  }
}

BOOST_AUTO_TEST_CASE(has_the_second_derivative_of_its_differences) {
  for (const OpSample& s : op_table()) {
    if (!s.twice) continue;
    const auto r = autograd::gradgradcheck(s.function, sample_inputs(s));
    BOOST_TEST(r.ok, s.title() << ": " << r.message);
  }
}

BOOST_AUTO_TEST_CASE(has_the_second_derivative_also_where_the_cotangent_is_zero) {
  // What keeps a zero cotangent zero must not cut the derivative by the cotangent itself.
  for (const OpSample& s : op_table()) {
    if (!s.twice) continue;
    const Inputs inputs = sample_inputs(s);
    const Tensor cotangent = zeros(s.function(inputs).shape(), {.dtype = float64, .requires_grad = true});
    const auto r = autograd::gradgradcheck(s.function, inputs, {cotangent});
    BOOST_TEST(r.ok, s.title() << ": " << r.message);
  }
}

BOOST_AUTO_TEST_CASE(has_the_same_gradient_when_backward_is_recorded) {
  // The fused first-order kernels against the composed formulas.
  for (const OpSample& s : op_table()) {
    const auto inputs = sample_inputs(s);
    const Tensor y = s.function(inputs);
    Generator g(5);
    const Tensor cotangent = rand(y.shape(), {.dtype = float64}, g);
    const auto fused =
        autograd::grad({y}, inputs, {.grad_outputs = {cotangent}, .retain_graph = true, .allow_unused = true});
    const auto composed =
        autograd::grad({y}, inputs, {.grad_outputs = {cotangent}, .create_graph = true, .allow_unused = true});
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      BOOST_REQUIRE_EQUAL(fused[i].defined(), composed[i].defined());
      if (fused[i].defined())
        BOOST_TEST(allclose(fused[i], composed[i].detach(), 1e-10, 1e-12), s.title()
                                                                               << ": gradient " << i << " differs");
    }
  }
}

BOOST_AUTO_TEST_CASE(gives_the_same_bits_for_every_thread_count) {
  const int before = get_num_threads();
  for (const OpSample& given : op_table()) {
    OpSample s = given;
    if (s.any_shape) s.shapes = {{3, 30'001}};  // more than one thread's share
    const auto inputs = sample_inputs(s);
    set_num_threads(1);
    const auto serial = run(s, inputs);
    for (int threads : {2, 3, 8}) {
      set_num_threads(threads);
      const auto parallel = run(s, inputs);
      for (std::size_t i = 0; i < serial.size(); ++i)
        BOOST_TEST(bit_equal(serial[i], parallel[i]), s.title()
                                                          << ": result " << i << " with " << threads << " threads");
    }
  }
  set_num_threads(before);
}

BOOST_AUTO_TEST_CASE(computes_in_float32_what_it_computes_in_float64) {
  for (const OpSample& s : op_table()) {
    if (s.name == "to/float64" || draws(s)) continue;  // its point is another dtype; numbers depend on it
    std::vector<Tensor> single, wide;
    for (const Tensor& t : sample_inputs(s)) {
      single.push_back(t.detach().to(float32).requires_grad_());
      wide.push_back(single.back().detach().to(float64).requires_grad_());
    }
    const auto a = run(s, single), b = run(s, wide);
    for (std::size_t i = 0; i < a.size(); ++i) {
      BOOST_TEST((a[i].dtype() == float32), s.title() << ": result " << i << " is not float32");
      const auto x = a[i].to_vector<double>(), y = b[i].to_vector<double>();
      double error = 0, scale = 0;
      for (std::size_t k = 0; k < x.size(); ++k) {
        if (x[k] == y[k]) continue;  // also infinities
        error += (x[k] - y[k]) * (x[k] - y[k]);
        scale += y[k] * y[k];
      }
      BOOST_TEST(std::sqrt(error) <= 1e-5 * std::max(std::sqrt(scale), 1e-3),
                 s.title() << ": result " << i << " is off by " << std::sqrt(error));
    }
  }
}

BOOST_AUTO_TEST_CASE(takes_empty_and_0_d_inputs_where_shapes_are_free) {
  for (const OpSample& s : op_table()) {
    if (!s.any_shape) continue;
    for (const Shape& shape : {Shape{0}, Shape{2, 0, 3}, Shape{}}) {
      Generator g(3);
      const Tensor x = (rand(shape, {.dtype = float64}, g) * (s.high - s.low) * 0.5 + (s.low + s.high) * 0.5)
                           .detach()
                           .requires_grad_();
      const Tensor y = s.function({x});
      BOOST_TEST((y.shape() == shape), s.title() << " of " << to_text(shape));
      y.sum().backward();
      BOOST_TEST((x.grad().shape() == shape), s.title() << ": gradient of " << to_text(shape));
    }
  }
}

BOOST_AUTO_TEST_CASE(leaves_its_inputs_alone) {
  for (const OpSample& s : op_table()) {
    const auto inputs = sample_inputs(s), kept = sample_inputs(s);
    run(s, inputs);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      BOOST_TEST(bit_equal(inputs[i].detach(), kept[i].detach()), s.title() << " changed input " << i);
      BOOST_TEST(inputs[i].version() == 0u, s.title() << " bumped the version of input " << i);
      BOOST_TEST(!inputs[i].grad().defined(), s.title() << " left a gradient in input " << i);
    }
  }
}

BOOST_AUTO_TEST_CASE(keeps_a_zero_cotangent_zero) {
  // Also at points where the derivative is infinite or undefined: one input at a time, and all of them.
  for (const OpSample& s : op_table()) {
    if (!s.zero_stays) continue;
    for (std::size_t k = 0; k <= s.shapes.size(); ++k)
      for (double at : {0.0, -1.0, 1.0, HUGE_VAL, -HUGE_VAL, std::nan("")}) {
        Inputs inputs = sample_inputs(s);
        for (std::size_t i = 0; i < inputs.size(); ++i)
          if (i == k || k == s.shapes.size())
            inputs[i] = full(s.shapes[i], at, {.dtype = float64, .requires_grad = true});
        const Tensor y = s.function(inputs);
        const auto grads = autograd::grad(
            {y}, inputs,
            {.grad_outputs = {zeros(y.shape(), {.dtype = float64})}, .retain_graph = true, .allow_unused = true});
        const auto recorded = autograd::grad(
            {y}, inputs,
            {.grad_outputs = {zeros(y.shape(), {.dtype = float64})}, .create_graph = true, .allow_unused = true});
        for (std::size_t i = 0; i < inputs.size(); ++i)
          for (const Tensor& g : {grads[i], recorded[i]})
            if (g.defined())
              BOOST_TEST(bit_equal(g.detach(), zeros(s.shapes[i], {.dtype = float64})),
                         s.title() << " with input " << k << " at " << at << (g.is(grads[i]) ? "" : ", recorded,")
                                   << " gives input " << i << " the gradient " << g.detach().to_string());
        // What is zero everywhere has no slope, to any order.
        std::vector<Tensor> last = recorded;
        for (int order = 2; s.twice && order <= 3; ++order) {
          std::vector<Tensor> outputs, ones;
          for (const Tensor& g : last)
            if (g.defined() && g.requires_grad()) {
              outputs.push_back(g);
              ones.push_back(ones_like(g.detach()));
            }
          if (outputs.empty()) break;
          last = autograd::grad(outputs, inputs, {.grad_outputs = ones, .create_graph = true, .allow_unused = true});
          for (std::size_t i = 0; i < inputs.size(); ++i)
            if (last[i].defined())
              BOOST_TEST(bit_equal(last[i].detach().abs(), zeros(s.shapes[i], {.dtype = float64})),
                         s.title() << " with input " << k << " at " << at << " gives input " << i
                                   << " the derivative of order " << order << " " << last[i].detach().to_string());
        }
      }
  }
}

namespace {

/// Calls the sample; true when it returned, false when it threw an error of slope that names a line of the samples.
bool returns_or_names_the_line(const OpSample& s, const Inputs& inputs, const std::string& what,
                               Tensor* result = nullptr) {
  try {
    const Tensor y = s.function(inputs);
    if (result) *result = y;
    return true;
  } catch (const Error& e) {
    const std::string text = e.what();
    BOOST_TEST(text.find("_samples.cpp:") != std::string::npos,
               s.title() << " with " << what << ": \"" << text << "\" names no line");
  } catch (const std::exception& e) {
    BOOST_ERROR(s.title() + " with " + what + " throws another type: " + e.what());
  }
  return false;
}

}  // namespace

BOOST_AUTO_TEST_CASE(refuses_undefined_inputs_and_names_the_line) {
  for (const OpSample& s : op_table())
    for (std::size_t k = 0; k < s.shapes.size(); ++k) {
      if (s.operation() == "linear" && k == 2) continue;           // no bias
      if (s.operation().ends_with("_norm") && k > 0) continue;     // no weight, no bias
      if (s.name == "embedding_bag/weighted" && k == 1) continue;  // no weights
      Inputs inputs = sample_inputs(s);
      inputs[k] = Tensor();
      BOOST_TEST(!returns_or_names_the_line(s, inputs, "an undefined input"), s.title()
                                                                                  << " takes an undefined input " << k);
    }
}

BOOST_AUTO_TEST_CASE(computes_of_integers_what_it_computes_of_equal_floats_or_refuses_them) {
  for (const OpSample& s : op_table()) {
    if (draws(s)) continue;
    Inputs whole, real;
    for (const Tensor& t : sample_inputs(s)) {
      whole.push_back(round(t.detach() * 2.0).to(int64));
      real.push_back(whole.back().to(float64));
    }
    Tensor y;
    if (!returns_or_names_the_line(s, whole, "integers", &y)) continue;
    Tensor expected;
    if (!returns_or_names_the_line(s, real, "whole numbers", &expected)) continue;
    BOOST_TEST(allclose(y, expected, 1e-5, 1e-6, true),
               s.title() << " of integers gives " << y.to_string() << ", of floats " << expected.to_string());
  }
}

BOOST_AUTO_TEST_CASE(takes_bools_or_refuses_them) {
  for (const OpSample& s : op_table()) {
    Inputs inputs;
    for (const Tensor& t : sample_inputs(s)) inputs.push_back(t.detach() > 0.5);
    (void)returns_or_names_the_line(s, inputs, "bools");
  }
}

namespace {

std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

/// The first groups of all matches.
std::set<std::string> matches(const std::string& text, const char* pattern) {
  std::set<std::string> found;
  const std::regex expression(pattern);
  for (std::sregex_iterator it(text.begin(), text.end(), expression), end; it != end; ++it) found.insert((*it)[1]);
  return found;
}

}  // namespace

BOOST_AUTO_TEST_CASE(is_every_differentiable_function_of_the_headers) {
  const std::filesystem::path autograd = source_root() / "autograd";
  const std::set<std::string> without_derivative = {
      "eq",       "ne",      "lt",          "le",          "gt",         "ge",          "isnan",         "isinf",
      "isfinite", "isclose", "logical_not", "logical_and", "logical_or", "logical_xor", "count_nonzero", "any",
      "all",      "argmax",  "argmin",      "argsort",     "nonzero",    "unique"};
  std::set<std::string> sampled;
  for (const OpSample& s : op_table()) sampled.insert(s.operation());
  std::set<std::string> functions;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(autograd / "ops")) {
    if (entry.path().extension() != ".h" || entry.path().parent_path().filename() == "internal") continue;
    std::string text = text_of(entry.path());
    text = text.substr(0, text.find("namespace detail"));
    functions.merge(matches(
        text,
        R"(\n(?:\[\[nodiscard\]\] )?(?:Tensor|std::pair<Tensor, Tensor>|std::vector<Tensor>|UniqueResult) (\w+)\()"));
  }
  const std::string tensor = text_of(autograd / "tensor/tensor.h");
  functions.merge(matches(tensor, R"(TensorAlias (\w+_)\()"));
  for (const std::string& f : matches(text_of(autograd / "tensor/tensor-unary.h"), R"(\nSLOPE_UNARY\((\w+),)")) {
    functions.insert(f);
    functions.insert(f + "_");
  }
  BOOST_TEST(functions.size() > 150u);
  functions.erase("requires_grad_");
  for (const std::string& f : functions)
    BOOST_TEST((sampled.contains(f) || without_derivative.contains(f)), f << " has no sample in the op table");
}

BOOST_AUTO_TEST_SUITE_END()
