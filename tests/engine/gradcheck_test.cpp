#include "slope/gradcheck.h"

#include <boost/test/unit_test.hpp>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "slope/autograd/engine/backward.h"
#include "slope/autograd/engine/custom.h"
#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/op.h"
#include "support/checks.h"
#include "support/numeric_gradient.h"

using namespace slope;
using autograd::gradcheck;
using autograd::GradcheckOptions;
using autograd::GradcheckResult;
using autograd::gradgradcheck;

namespace {

using Inputs = std::vector<Tensor>;

constexpr GradcheckOptions fast = {.fast_mode = true};

/// exp(x)·y with the derivative that `backward` makes of (g, exp(x), y).
template <class F>
autograd::CheckedFunction product_with(F backward) {
  return [backward](const Inputs& in) {
    const Tensor x = in[0], y = in[1];
    const Tensor value = [&] {
      NoGradGuard no_grad;
      return exp(x) * y;
    }();
    return custom("Planted", {x, y}, value, [x, y, backward](const Tensor& g) { return backward(g, exp(x), y); });
  };
}

Inputs two_inputs() { return {sample({2, 3}, 1), sample({2, 3}, 2)}; }

/// Both modes reject `f`, and the message of the full one contains `text`.
void check_caught(const autograd::CheckedFunction& f, const Inputs& inputs, const std::string& text) {
  const GradcheckResult full = gradcheck(f, inputs);
  BOOST_TEST(!full.ok);
  BOOST_TEST(full.message.find(text) != std::string::npos,
             "\"" << full.message << "\" does not contain \"" << text << "\"");
  BOOST_TEST(!gradcheck(f, inputs, fast).ok);
}

void check_accepted(const autograd::CheckedFunction& f, const Inputs& inputs) {
  for (bool fast_mode : {false, true}) {
    const GradcheckResult first = gradcheck(f, inputs, {.fast_mode = fast_mode});
    BOOST_TEST(first.ok, first.message);
    const GradcheckResult second = gradgradcheck(f, inputs, {}, {.fast_mode = fast_mode});
    BOOST_TEST(second.ok, second.message);
  }
}

/// x³ as a struct, with a second derivative that is wrong when `Wrong`.
template <bool Wrong>
struct Cube {
  static constexpr std::string_view name = "Cube";
  struct Saved {
    SavedTensor x;
  };
  Tensor forward(Saved& s, const Tensor& x) {
    s.x = save(x);
    return x * x * x;
  }
  Grads<1> backward(const Saved& s, const Tensor& g) const {
    const Tensor x = s.x.get();
    // Cut from the graph, the factor 3x counts as a constant: right to first order only.
    return {g * (3 * (Wrong ? x.detach() : x) * x)};
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(gradcheck_suite)

// ---- what is right passes

BOOST_AUTO_TEST_CASE(right_derivatives_pass_in_both_modes_and_orders) {
  check_accepted([](const Inputs& in) { return in[0] * in[1]; }, two_inputs());
  check_accepted([](const Inputs& in) { return exp(in[0]) / (2.0 + in[1] * in[1]); },
                 {sample({2, 3}, 1), sample({3}, 2)});
  check_accepted([](const Inputs& in) { return matmul(in[0], in[1].t()); }, two_inputs());
  check_accepted([](const Inputs& in) { return in[0].sum() + in[1]; }, {sample({2}, 1), sample({}, 2)});
  check_accepted([](const Inputs& in) { return in[0] * in[1]; }, {sample({0, 3}, 1), sample({3}, 2)});
  check_accepted([](const Inputs& in) { return apply(SourceLoc{}, Cube<false>{}, in[0]); }, {sample({3}, 1)});
  check_accepted(
      product_with([](const Tensor& g, const Tensor& e, const Tensor& y) { return Inputs{g * e * y, g * e}; }),
      two_inputs());
}

BOOST_AUTO_TEST_CASE(functions_with_several_outputs_are_checked_output_by_output) {
  const auto two = [](const Inputs& in) { return Inputs{in[0] * in[1], sin(in[0]), in[0] > 0.0}; };
  check_accepted(two, two_inputs());
  const auto second_wrong = [](const Inputs& in) {
    const Tensor y = in[0].detach() * in[0];  // half of the derivative of x²
    return Inputs{in[0] + in[1], y};
  };
  check_caught(second_wrong, two_inputs(), "the derivative of output 1 [0, 0] by input 0 [0, 0] is wrong");
}

BOOST_AUTO_TEST_CASE(inputs_that_do_not_matter_and_inputs_without_gradient_are_fine) {
  check_accepted([](const Inputs& in) { return in[0] * 2.0; }, two_inputs());
  const Tensor index = tensor({1, 0});
  check_accepted([](const Inputs& in) { return in[0].index_select(0, in[1]) * in[2].to(float64); },
                 {sample({2, 3}, 1), index, ones({3})});
}

BOOST_AUTO_TEST_CASE(constant_functions_pass_and_cut_graphs_do_not) {
  BOOST_TEST(gradcheck([](const Inputs& in) { return floor(in[0]).detach(); }, {sample({3}, 1)}).ok);
  check_caught([](const Inputs& in) { return in[0].detach() * 2.0; }, {sample({3}, 1)},
               "no output requires grad, but floating output 0 depends on input 0");
}

BOOST_AUTO_TEST_CASE(inputs_and_their_gradients_are_left_alone) {
  const Inputs in = two_inputs();
  const auto before = in[0].to_vector<double>();
  const auto version = in[0].version();
  BOOST_TEST(gradcheck([](const Inputs& x) { return x[0] * x[1]; }, in).ok);
  BOOST_TEST((in[0].to_vector<double>() == before));
  BOOST_TEST(in[0].version() == version);
  BOOST_TEST(!in[0].grad().defined());
}

BOOST_AUTO_TEST_CASE(non_contiguous_inputs_and_grad_mode_off_are_no_obstacle) {
  Tensor x = sample({3, 2}, 1).detach().t().requires_grad_();
  NoGradGuard no_grad;
  BOOST_TEST(gradcheck([](const Inputs& in) { return in[0] * in[0]; }, {x}).ok);
}

// ---- what is wrong is caught

BOOST_AUTO_TEST_CASE(a_flipped_sign_is_caught) {
  check_caught(
      product_with([](const Tensor& g, const Tensor& e, const Tensor& y) { return Inputs{-(g * e * y), g * e}; }),
      two_inputs(), "the derivative of output 0 [0, 0] by input 0 [0, 0] is wrong: analytic ");
}

BOOST_AUTO_TEST_CASE(a_wrong_factor_is_caught) {
  check_caught(
      product_with([](const Tensor& g, const Tensor& e, const Tensor& y) { return Inputs{g * e * y, g * e * 1.01}; }),
      two_inputs(), "by input 1 [0, 0] is wrong: analytic ");
}

BOOST_AUTO_TEST_CASE(a_missing_term_is_caught) {
  const auto square_plus = [](const Inputs& in) {  // x² + x, with the derivative of x²
    const Tensor x = in[0];
    const Tensor value = [&] {
      NoGradGuard no_grad;
      return x * x + x;
    }();
    return custom("Planted", {x}, value, [x](const Tensor& g) { return Inputs{g * 2.0 * x}; });
  };
  check_caught(square_plus, {sample({4}, 1)}, "the derivative of output 0 [0] by input 0 [0] is wrong");
}

BOOST_AUTO_TEST_CASE(a_wrong_reduction_of_a_broadcast_is_caught) {
  const auto mean_instead_of_sum = [](const Inputs& in) {
    const Tensor x = in[0], y = in[1];
    const Tensor value = [&] {
      NoGradGuard no_grad;
      return x * y;
    }();
    return custom("Planted", {x, y}, value, [x, y](const Tensor& g) {
      return Inputs{g * y, (g * x).sum(Shape{0}) / static_cast<double>(x.size(0))};
    });
  };
  check_caught(mean_instead_of_sum, {sample({2, 3}, 1), sample({3}, 2)}, "by input 1 [0] is wrong");
}

BOOST_AUTO_TEST_CASE(a_backward_that_changes_from_call_to_call_is_caught) {
  const auto drifting = [](const Inputs& in) {
    const Tensor x = in[0];
    auto calls = std::make_shared<int>(0);
    const Tensor value = x.detach() * 2.0;
    return custom("Planted", {x}, value, [calls](const Tensor& g) { return Inputs{g * (2.0 + 1e-12 * (*calls)++)}; });
  };
  check_caught(drifting, {sample({4}, 1)},
               "a second backward through the same graph gives another gradient of input 0");
}

BOOST_AUTO_TEST_CASE(a_function_that_changes_from_call_to_call_is_caught) {
  auto calls = std::make_shared<int>(0);
  const auto drifting = [calls](const Inputs& in) { return in[0] * (1.0 + 1e-9 * (*calls)++); };
  check_caught(drifting, {sample({4}, 1)}, "the function is not repeatable");
}

BOOST_AUTO_TEST_CASE(a_backward_that_ignores_or_bends_its_cotangent_is_caught) {
  const auto planted = [](auto backward) {
    return [backward](const Inputs& in) {
      return custom("Planted", {in[0]}, in[0].detach() * 3.0,
                    [backward](const Tensor& g) { return Inputs{backward(g)}; });
    };
  };
  check_caught(planted([](const Tensor& g) { return zeros_like(g) + 3.0; }), {sample({}, 1)},
               "a zero cotangent gives a gradient of input 0 that is 3");
  // Right for unit vectors, wrong for any other cotangent.
  check_caught(planted([](const Tensor& g) { return g * g * 3.0; }), {sample({3}, 1)},
               "the backward is not linear in its cotangent");
}

BOOST_AUTO_TEST_CASE(an_operation_that_reads_memory_as_if_it_were_dense_is_caught) {
  const auto careless = [](const Inputs& in) {
    const Tensor x = in[0];
    Tensor value = make_empty(x.shape(), float64);
    for (std::int64_t i = 0; i < x.numel(); ++i) value.data_ptr<double>()[i] = 2 * x.data_ptr<double>()[i];
    return custom("Planted", {x}, value, [](const Tensor& g) { return Inputs{g * 2.0}; });
  };
  check_caught(careless, {sample({2, 3}, 1)}, "with inputs with reversed strides output 0 [0, 1] is ");
  check_caught(careless, {sample({3}, 1)}, "with inputs of every second element in memory output 0 [1] is nan");
  BOOST_TEST(gradcheck(careless, {sample({2, 3}, 1)}, {.check_layouts = false}).ok);
}

BOOST_AUTO_TEST_CASE(a_nan_gradient_is_caught) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  check_caught(product_with([nan](const Tensor& g, const Tensor& e, const Tensor&) { return Inputs{g * nan, g * e}; }),
               two_inputs(), "a zero cotangent gives a gradient of input 0 that is nan");
}

BOOST_AUTO_TEST_CASE(a_second_derivative_that_lacks_a_term_is_caught_by_gradgradcheck_alone) {
  const auto f = [](const Inputs& in) { return apply(SourceLoc{}, Cube<true>{}, in[0]); };
  BOOST_TEST(gradcheck(f, {sample({3}, 1)}).ok);
  const GradcheckResult second = gradgradcheck(f, {sample({3}, 1)});
  BOOST_TEST(!second.ok);
  BOOST_TEST(
      second.message.find("gradgradcheck: the derivative of output 0 [0] by input 0 [0] is wrong") != std::string::npos,
      second.message);
  BOOST_TEST(!gradgradcheck(f, {sample({3}, 1)}, {}, fast).ok);
}

BOOST_AUTO_TEST_CASE(gradgradcheck_takes_cotangents_of_the_user) {
  const auto f = [](const Inputs& in) { return in[0] * in[0]; };
  BOOST_TEST(gradgradcheck(f, {sample({3}, 1)}, {sample({3}, 5)}).ok);
  check_error<ValueError>([&] { gradgradcheck(f, {sample({3}, 1)}, {sample({3}, 5), sample({3}, 6)}); },
                          "gradgradcheck: got 2 cotangents for 1 outputs");
}

// ---- misuse

BOOST_AUTO_TEST_CASE(single_precision_overlap_and_missing_inputs_are_refused) {
  const auto f = [](const Inputs& in) { return in[0] * 2.0; };
  check_error<DTypeError>([&] { gradcheck(f, {ones({2}, {.requires_grad = true})}); },
                          "gradcheck: input 0 is float32; differences need double precision");
  check_error<DTypeError>([&] { gradcheck([](const Inputs& in) { return in[0].to(float32); }, {sample({2}, 1)}); },
                          "gradcheck: output 0 is float32");
  check_error<ValueError>([&] { gradcheck(f, {ones({2}, {.dtype = float64})}); }, "gradcheck: no input requires grad");
  check_error<ValueError>([&] { gradcheck(f, {}); }, "gradcheck: no input requires grad");
  check_error<ValueError>([&] { gradcheck(f, {Tensor()}); }, "gradcheck: input 0 is undefined");
  check_error<ValueError>([&] { gradcheck(f, {sample({1}, 1).detach().expand({3}).requires_grad_()}); },
                          "gradcheck: inputs overlap in memory");
  const Tensor x = sample({3}, 1);
  check_error<ValueError>([&] { gradcheck([](const Inputs& in) { return in[0] * in[1]; }, {x, x}); },
                          "gradcheck: inputs overlap in memory");
}

BOOST_AUTO_TEST_CASE(the_throwing_forms_throw_the_message_and_name_the_line) {
  const auto wrong = [](const Inputs& in) { return in[0].detach() * in[0]; };
  check_error<AutogradError>([&] { autograd::require_gradcheck(wrong, {sample({2}, 1)}); },
                             "gradcheck: the derivative of output 0 [0] by input 0 [0] is wrong: analytic ");
  check_error<AutogradError>([&] { autograd::require_gradgradcheck(wrong, {sample({2}, 1)}); }, "gradgradcheck: ");
  autograd::require_gradcheck([](const Inputs& in) { return in[0] * in[0]; }, {sample({2}, 1)});
  autograd::require_gradgradcheck([](const Inputs& in) { return in[0] * in[0]; }, {sample({2}, 1)});
}

BOOST_AUTO_TEST_CASE(errors_of_the_function_pass_through) {
  check_error<ShapeError>(
      [&] { gradcheck([](const Inputs& in) { return matmul(in[0], in[0]); }, {sample({2, 3}, 1)}); },
      "matmul: [2, 3] and [2, 3] do not fit: 3 columns against 2 rows");
}

BOOST_AUTO_TEST_SUITE_END()
