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

Tensor f64(std::initializer_list<double> values) { return tensor(std::vector<double>(values), {.dtype = float64}); }

/// Values and derivatives (under a cotangent of ones) of a function of one tensor.
void check_function(const std::function<Tensor(const Tensor&)>& f, std::initializer_list<double> at,
                    std::initializer_list<double> values, std::initializer_list<double> slopes) {
  for (DType dtype : {float64, float32}) {
    const Tensor x = f64(at).to(dtype).requires_grad_();
    const Tensor y = f(x);
    BOOST_TEST((y.dtype() == dtype));
    check_close(y.detach(), values, 1e-6);
    check_close(autograd::grad({y.sum()}, {x})[0], slopes, 1e-6);
  }
}

/// The same for a function of two, elementwise.
void check_function(Tensor (*f)(const Operand&, const Operand&), std::initializer_list<double> a,
                    std::initializer_list<double> b, std::initializer_list<double> values,
                    std::initializer_list<double> slopes_a, std::initializer_list<double> slopes_b) {
  const Tensor x = f64(a).requires_grad_(), y = f64(b).requires_grad_();
  const Tensor z = f(x, y);
  check_close(z.detach(), values, 1e-12);
  const auto grads = autograd::grad({z.sum()}, {x, y});
  check_close(grads[0], slopes_a, 1e-12);
  check_close(grads[1], slopes_b, 1e-12);
}

/// One operand of an operation: a tensor with dimensions, one without, or a number.
struct Kind {
  DType dtype;
  enum Form { dimensioned, zero_dim, number } form;
  Tensor tensor() const { return ones(form == dimensioned ? Shape{2} : Shape{}, {.dtype = dtype}); }
  Scalar scalar() const { return is_floating(dtype) ? Scalar(1.0) : dtype == int64 ? Scalar(1) : Scalar(true); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(promotion)

BOOST_AUTO_TEST_CASE(the_highest_category_wins_and_dimensions_come_first) {
  struct Row {
    Kind a, b;
    DType expected;
  };
  const auto dim = Kind::dimensioned, zero = Kind::zero_dim, number = Kind::number;
  const Row rows[] = {
      {{float32, dim}, {float64, dim}, float64},    {{int64, dim}, {float32, dim}, float32},
      {{boolean, dim}, {int64, dim}, int64},        {{boolean, dim}, {float64, dim}, float64},
      {{int64, dim}, {int64, dim}, int64},          {{float32, dim}, {float64, zero}, float32},
      {{float64, dim}, {float32, zero}, float64},   {{int64, dim}, {float64, zero}, float64},
      {{int64, dim}, {float32, zero}, float32},     {{boolean, dim}, {int64, zero}, int64},
      {{float32, dim}, {int64, zero}, float32},     {{int64, dim}, {boolean, zero}, int64},
      {{float32, zero}, {float64, zero}, float64},  {{int64, zero}, {float32, zero}, float32},
      {{float32, dim}, {float64, number}, float32}, {{float64, dim}, {float64, number}, float64},
      {{int64, dim}, {float64, number}, float32},   {{boolean, dim}, {int64, number}, int64},
      {{boolean, dim}, {float64, number}, float32}, {{float32, zero}, {float64, number}, float32},
      {{int64, zero}, {float64, number}, float32},  {{int64, dim}, {boolean, number}, int64},
  };
  const auto check = [](const Row& r, const Tensor& sum, const Tensor& swapped) {
    BOOST_TEST((sum.dtype() == r.expected), dtype_name(r.a.dtype)
                                                << " (form " << r.a.form << ") and " << dtype_name(r.b.dtype)
                                                << " (form " << r.b.form << ") give " << dtype_name(sum.dtype()));
    BOOST_TEST((swapped.dtype() == r.expected));
    BOOST_TEST(sum.flatten().select(0, 0).item() == 2.0);
  };
  for (const Row& r : rows) {
    const Tensor a = r.a.tensor();
    if (r.b.form == number)
      check(r, a + r.b.scalar(), r.b.scalar() + a);
    else
      check(r, a + r.b.tensor(), r.b.tensor() + a);
  }
}

BOOST_AUTO_TEST_CASE(numbers_beyond_integers_take_the_default_dtype) {
  set_default_dtype(float64);
  BOOST_TEST(((tensor({1, 2}) * 1.5).dtype() == float64));
  BOOST_TEST((exp(tensor({1, 2})).dtype() == float64));
  BOOST_TEST(((tensor({1, 2}) / 2).dtype() == float64));
  set_default_dtype(float32);
  BOOST_TEST(((tensor({1, 2}) * 1.5).dtype() == float32));
  BOOST_TEST((exp(tensor({1, 2})).dtype() == float32));
  BOOST_TEST((sqrt(tensor({true, false})).dtype() == float32));
}

BOOST_AUTO_TEST_CASE(division_is_true_and_comparison_is_bool) {
  check_values(tensor({1, 3}) / tensor({2, 2}), {0.5, 1.5});
  check_values(tensor({1.0, -1.0, 0.0}) / 0, {inf, -inf, not_a_number});
  for (const Tensor& t : {tensor({1, 2}), tensor({1.0, 2.0}), tensor({true, false})}) {
    BOOST_TEST(((t == t).dtype() == boolean));
    BOOST_TEST(((t < 1).dtype() == boolean));
  }
}

BOOST_AUTO_TEST_CASE(functions_that_are_exact_on_integers_stay_there) {
  const Tensor x = tensor({-3, 0, 5});
  const Tensor results[] = {neg(x), abs(x), sign(x), floor(x), ceil(x), trunc(x), round(x), square(x), relu(x)};
  for (const Tensor& t : results) BOOST_TEST((t.dtype() == int64));
  check_values(sign(x), {-1, 0, 1});
  check_values(square(x), {9, 0, 25});
  check_values(relu(x), {0, 0, 5});
  check_values(clamp(x, -1, 2), {-1, 0, 2});
  BOOST_TEST((clamp(x, -1, 2).dtype() == int64));
  BOOST_TEST((clamp(x, -1.5, 2).dtype() == float32));
  BOOST_TEST((maximum(x, 1).dtype() == int64));
  BOOST_TEST((to(x, int64).is(x)));
}

BOOST_AUTO_TEST_CASE(bools_add_as_or_multiply_as_and_and_do_not_subtract) {
  const Tensor a = tensor({true, true, false}), b = tensor({true, false, false});
  BOOST_TEST(((a + b).dtype() == boolean));
  check_values(a + b, {1, 1, 0});
  check_values(a * b, {1, 0, 0});
  check_values(maximum(a, b), {1, 1, 0});
  check_values(minimum(a, b), {1, 0, 0});
  check_error<DTypeError>([&] { a - b; }, "sub: subtraction, the `-` operator, with two bool tensors is not supported");
  check_error<DTypeError>([&] { -a; }, "neg: bool tensors are not supported");
  check_error<DTypeError>([&] { clamp(a, 0, 1); }, "clamp: bool tensors are not supported");
  check_error<DTypeError>([&] { add(tensor({1}), tensor({2}), 0.5); }, "alpha must not be a floating point number");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(integers)

BOOST_AUTO_TEST_CASE(quotients_round_down_and_remainders_have_the_divisors_sign) {
  const Tensor a = tensor({7, -7, 7, -7}), b = tensor({2, 2, -2, -2});
  check_values(floor_divide(a, b), {3, -4, -4, 3});
  check_values(floor_divide(tensor({-6, 6, 6, -6}), tensor({3, -3, 3, -3})), {-2, -2, 2, 2});  // without rest
  check_values(a % b, {1, 1, -1, -1});
  check_values(fmod(a, b), {1, -1, 1, -1});
  BOOST_TEST((floor_divide(a, b).dtype() == int64));
  const Tensor least = tensor({std::numeric_limits<std::int64_t>::min()});
  BOOST_TEST(floor_divide(least, -1).item<std::int64_t>() == std::numeric_limits<std::int64_t>::min());
  BOOST_TEST((least % -1).item<std::int64_t>() == 0);
  BOOST_TEST(fmod(least, -1).item<std::int64_t>() == 0);
}

BOOST_AUTO_TEST_CASE(division_by_zero_throws_before_anything_is_computed) {
  const Tensor a = tensor({7, 8});
  check_error<ValueError>([&] { floor_divide(a, 0); }, "floor_divide: integer division by zero");
  check_error<ValueError>([&] { a % tensor({1, 0}); }, "remainder: integer division by zero");
  check_error<ValueError>([&] { fmod(a, 0); }, "fmod: integer division by zero");
  check_error<ValueError>([&] { a.remainder_(0); }, "remainder: integer division by zero");
  check_values(a, {7, 8});
  check_values(floor_divide(tensor({1.0, -1.0, 0.0}), 0.0), {inf, -inf, not_a_number});
  check_values(remainder(tensor({1.0}), 0.0), {not_a_number});
}

BOOST_AUTO_TEST_CASE(powers_are_exact_and_wrap_around) {
  check_values(pow(tensor({2, -3, 0}), 3), {8, -27, 0});
  check_values(pow(tensor({2, 0}), tensor({0, 0})), {1, 1});
  BOOST_TEST(pow(tensor({3}), 39).item<std::int64_t>() == 4052555153018976267);
  BOOST_TEST(pow(tensor({2}), 64).item<std::int64_t>() == 0);
  check_error<ValueError>([&] { pow(tensor({2}), -1); }, "pow: integers to negative integer powers are not allowed");
  check_error<ValueError>([&] { pow(tensor({2}), tensor({1, -1})); }, "pow: integers to negative");
  check_values(pow(tensor({2, 4}), 0.5).to(float64), {std::sqrt(2.0F), 2});
}

BOOST_AUTO_TEST_CASE(comparison_tells_large_integers_apart) {
  const std::int64_t large = (std::int64_t{1} << 53) + 1;
  check_values(tensor({large}) == tensor({large - 1}), {0});
  check_values(tensor({large}) > tensor({large - 1}), {1});
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(special_points)

BOOST_AUTO_TEST_CASE(of_functions_of_one_argument) {
  check_function(slope::abs, {-2, 0, 3}, {2, 0, 3}, {-1, 0, 1});
  check_function(slope::sign, {-2, 0, 3}, {-1, 0, 1}, {0, 0, 0});
  check_function(slope::round, {0.5, 1.5, 2.5, -0.5, -1.5}, {0, 2, 2, 0, -2}, {0, 0, 0, 0, 0});
  check_function(slope::floor, {-0.5, 2.0}, {-1, 2}, {0, 0});
  check_function(slope::sqrt, {0, 4, -1}, {0, 2, not_a_number}, {inf, 0.25, not_a_number});
  check_function(slope::log, {0, 1}, {-inf, 0}, {inf, 1});
  check_function(slope::reciprocal, {0, 2}, {inf, 0.5}, {-inf, -0.25});
  check_function([](const Tensor& x) { return 1.0 / x; }, {0, 2}, {inf, 0.5}, {-inf, -0.25});
  check_function([](const Tensor& x) { return x / 0.0; }, {1, -1}, {inf, -inf}, {inf, inf});
  check_function(slope::rsqrt, {0, 4}, {inf, 0.5}, {-inf, -0.0625});
  check_function(slope::expm1, {-inf, 0}, {-1, 0}, {0, 1});
  check_function(slope::log1p, {-1, 0}, {-inf, 0}, {inf, 1});
  check_function(slope::tanh, {-inf, 0, inf}, {-1, 0, 1}, {0, 1, 0});
  check_function(slope::asin, {-1, 0}, {-std::acos(-1.0) / 2, 0}, {inf, 1});
}

BOOST_AUTO_TEST_CASE(of_clamps) {
  check_function([](const Tensor& x) { return clamp(x, -1, 1); }, {-2, -1, 0, 1, 2, not_a_number},
                 {-1, -1, 0, 1, 1, not_a_number}, {0, 1, 1, 1, 0, 0});
  check_function([](const Tensor& x) { return clamp_min(x, 0.0); }, {-1, 0, 1}, {0, 0, 1}, {0, 1, 1});
  check_function([](const Tensor& x) { return clamp_max(x, 0.0); }, {-1, 0, 1}, {-1, 0, 0}, {1, 1, 0});
  check_values(clamp(tensor({5.0}), 3, 1), {1});  // where the bounds cross, the upper one wins
  check_error<ValueError>([] { clamp(tensor({1.0}), std::nullopt, std::nullopt); },
                          "clamp: give a least value, a largest one, or both");
}

BOOST_AUTO_TEST_CASE(of_clamps_between_tensors) {
  const Tensor x = f64({-2, -1, 0, 1, 2}).requires_grad_();
  const Tensor low = f64({-1, -1, -1, -1, 3}).requires_grad_(), high = f64({1, 1, 1, 1, 1}).requires_grad_();
  const Tensor y = clamp(x, low, high);
  check_values(y.detach(), {-1, -1, 0, 1, 1});
  y.sum().backward();
  check_values(x.grad(), {0, 1, 1, 1, 0});
  check_values(low.grad(), {1, 0, 0, 0, 0});
  check_values(high.grad(), {0, 0, 0, 0, 1});
  check_values(clamp(f64({1, 2}), f64({not_a_number, 0}), f64({2, not_a_number})), {not_a_number, not_a_number});
  check_values(clamp(f64({1, 5}), Tensor(), f64({2})), {1, 2});
  check_error<ValueError>([] { clamp(tensor({1.0}), Tensor(), Tensor()); },
                          "clamp: give a least value, a largest one, or both");
}

BOOST_AUTO_TEST_CASE(of_powers) {
  const auto power = [](double p) { return [p](const Tensor& x) { return pow(x, p); }; };
  check_function(power(0), {0, 2, not_a_number}, {1, 1, 1}, {0, 0, 0});
  check_function(power(1), {0, 2}, {0, 2}, {1, 1});
  check_function(power(2), {0, -3}, {0, 9}, {0, -6});
  check_function(power(0.5), {0, 4, -1}, {0, 2, not_a_number}, {inf, 0.25, not_a_number});
  check_function(power(-1), {0, 2}, {inf, 0.5}, {-inf, -0.25});
  check_function(power(3), {-2}, {-8}, {12});
  check_function(slope::pow, {0, 0, 2, -2, -2, 0}, {0, 2, 0, 2, 0.5, 1}, {1, 0, 1, 4, not_a_number, 0},
                 {0, 0, 0, -4, not_a_number, 1}, {0, 0, std::log(2.0), not_a_number, not_a_number, 0});
}

BOOST_AUTO_TEST_CASE(of_functions_of_two_arguments) {
  check_function(slope::maximum, {1, 2, 3}, {2, 2, 2}, {2, 2, 3}, {0, 0.5, 1}, {1, 0.5, 0});
  check_function(slope::minimum, {1, 2, 3}, {2, 2, 2}, {1, 2, 2}, {1, 0.5, 0}, {0, 0.5, 1});
  check_values(maximum(f64({not_a_number, 1}), f64({1, not_a_number})), {not_a_number, not_a_number});
  check_function(slope::xlogy, {0, 0, 0, 2, 1}, {0, 2, -1, 0, 1}, {0, 0, 0, -inf, 0}, {0, std::log(2.0), 0, -inf, 0},
                 {0, 0, 0, inf, 1});
  check_values(xlogy(f64({0}), f64({not_a_number})), {not_a_number});
  check_function(slope::atan2, {0, 1}, {0, 1}, {0, std::atan2(1.0, 1.0)}, {not_a_number, 0.5}, {not_a_number, -0.5});
  check_function(slope::div, {0, 1}, {0, 0}, {not_a_number, inf}, {inf, inf}, {not_a_number, -inf});
  check_function(slope::copysign, {3, 0, -2}, {-0.0, -1, 1}, {-3, -0.0, 2}, {-1, 0, -1}, {0, 0, 0});
  check_function(slope::floor_divide, {1, -1, 1, 7}, {0.1, 0.1, -0.3, inf}, {9, -10, -4, 0}, {0, 0, 0, 0},
                 {0, 0, 0, 0});
  check_function(slope::fmod, {7.5, -7.5}, {2, 2}, {1.5, -1.5}, {1, 1}, {-3, 3});
  check_function(slope::remainder, {7.5, -7.5}, {2, 2}, {1.5, 0.5}, {1, 1}, {-3, 4});
}

BOOST_AUTO_TEST_CASE(a_quotient_and_its_remainder_make_up_the_dividend) {
  const Tensor a = f64({1, -1, 7.25, -7.25, 1e10, 0.3}), b = f64({0.1, 0.1, -2, -2, 3, 0.1});
  BOOST_TEST(allclose(floor_divide(a, b) * b + a % b, a, 1e-14, 0));
}

BOOST_AUTO_TEST_CASE(the_side_not_selected_receives_zero_also_from_singular_derivatives) {
  const Tensor x = f64({0, -1, 4}).requires_grad_();
  where(x > 0, sqrt(x), x).sum().backward();
  check_values(x.grad(), {1, 1, 0.25});
  x.zero_grad();
  where(x > 0, log(x), 0).sum().backward();
  check_values(x.grad(), {0, 0, 0.25});
  x.zero_grad();
  where(x > 0, x, 1.0 / x).sum().backward();
  check_values(x.grad(), {-inf, -1, 1});
}

BOOST_AUTO_TEST_CASE(an_infinite_gradient_ends_where_a_value_is_not_selected) {
  // As in PyTorch, where these derivatives are a choice and not a product with 0.
  const std::function<Tensor(const Tensor&)> cuts[] = {
      [](const Tensor& x) { return relu(x); },
      [](const Tensor& x) { return relu6(x); },
      [](const Tensor& x) { return hardtanh(x, 0, 1); },
      [](const Tensor& x) { return clamp(x, 0, 1); },
      [](const Tensor& x) { return clamp_min(x, 0); },
      [](const Tensor& x) { return threshold(x, 0, 0); },
      [](const Tensor& x) { return softshrink(x, 2); },
      [](const Tensor& x) { return hardshrink(x, 2); },
      [](const Tensor& x) { return hardsigmoid(x * 4.0); },
      [](const Tensor& x) { return hardswish(x * 4.0); },
      [](const Tensor& x) { return maximum(x, 0); },
      [](const Tensor& x) { return floor(x) + 1.0; },
      [](const Tensor& x) { return sign(x) + 1.0; },
      [](const Tensor& x) { return round(x * 0.1); },
      [](const Tensor& x) { return where(x > 0, x, 0); },
  };
  for (const auto& cut : cuts) {
    const Tensor x = f64({-1}).requires_grad_();
    const Tensor y = 1.0 / cut(x);
    check_values(y.detach().abs(), {inf});
    check_values(autograd::grad({y}, {x}, {.retain_graph = true})[0], {0});
    check_values(autograd::grad({y}, {x}, {.create_graph = true})[0].detach(), {0});
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(comparison_and_logic)

BOOST_AUTO_TEST_CASE(nan_is_unequal_to_everything) {
  const Tensor x = f64({not_a_number, 1});
  check_values(x == x, {0, 1});
  check_values(x != x, {1, 0});
  check_values(x < x, {0, 0});
  check_values(x >= x, {0, 1});
  BOOST_TEST(!equal(x, x));
  BOOST_TEST(equal(f64({1, 2}), f64({1, 2})));
  BOOST_TEST(!equal(f64({1, 2}), f64({1})));
  BOOST_TEST(!equal(f64({1, 2}), f64({1, 3})));
}

BOOST_AUTO_TEST_CASE(numbers_beyond_the_range_of_the_dtype_compare_and_select_as_infinite) {
  const Tensor x = tensor({1.0, inf});
  check_values(x < 1e300, {1, 0});
  check_values(x == 1e300, {0, 1});
  check_values(where(tensor({true, false}), x, 1e300), {1, inf});
  const Tensor y = tensor({0.0, 2.0}, {.requires_grad = true});
  check_values(autograd::grad({minimum(y, 1e300).sum()}, {y}, {.create_graph = true})[0].detach(), {1, 1});
}

BOOST_AUTO_TEST_CASE(closeness_has_both_tolerances_and_counts_equal_infinities) {
  check_values(isclose(f64({1, 1, inf, not_a_number, 0}), f64({1.00001, 1.001, inf, not_a_number, 1e-9})),
               {1, 0, 1, 0, 1});
  check_values(isclose(f64({not_a_number}), f64({not_a_number}), 1e-5, 1e-8, true), {1});
  check_values(isclose(f64({inf}), f64({-inf})), {0});
  check_values(isclose(f64({inf, 1}), f64({1, inf}), inf), {0, 0});
  BOOST_TEST(allclose(zeros({0}), zeros({0})));
  BOOST_TEST(!allclose(f64({1, 2}), f64({1, 3})));
}

BOOST_AUTO_TEST_CASE(classification_covers_every_dtype) {
  const Tensor x = f64({not_a_number, inf, -inf, 1});
  check_values(isnan(x), {1, 0, 0, 0});
  check_values(isinf(x), {0, 1, 1, 0});
  check_values(isfinite(x), {0, 0, 0, 1});
  check_values(isfinite(tensor({1, 2})), {1, 1});
  check_values(isnan(tensor({true})), {0});
  BOOST_TEST((isnan(zeros({2, 0})).shape() == Shape{2, 0}));
}

BOOST_AUTO_TEST_CASE(logic_takes_numbers_for_truth_and_bits_take_integers) {
  const Tensor x = tensor({0.0, 2.0, not_a_number});
  check_values(logical_not(x), {1, 0, 0});
  check_values(logical_and(x, 1), {0, 1, 1});
  check_values(logical_or(x, tensor({0})), {0, 1, 1});
  check_values(logical_xor(x, 1), {1, 0, 0});
  check_values(tensor({6}) & 3, {2});
  check_values(tensor({6}) | 3, {7});
  check_values(tensor({6}) ^ 3, {5});
  check_values(!tensor({6}), {-7});
  check_values(!tensor({true, false}), {0, 1});
  check_values(tensor({true, true}) & tensor({true, false}), {1, 0});
  BOOST_TEST(((tensor({true}) & 3).dtype() == int64));
  check_error<DTypeError>([&] { x & 1; }, "&: bitwise operations take bool or int64 tensors, got float32");
  check_error<DTypeError>([&] { !x; }, "!: takes a bool or int64 tensor, got float32; compare first");
  check_error<DTypeError>([&] { where(x, 1, 0); }, "where: the condition must be a bool tensor, got float32");
  check_error<ValueError>([&] { eq(1, 2); }, "eq: at least one argument must be a tensor");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(broadcasting)

BOOST_AUTO_TEST_CASE(aligns_from_the_last_dimension_and_one_gives_way_to_zero) {
  BOOST_TEST(((ones({3, 1}) + ones({4})).shape() == Shape{3, 4}));
  BOOST_TEST(((ones({2, 1}) + ones({2, 0})).shape() == Shape{2, 0}));
  BOOST_TEST(((ones({1}) * ones({0, 1})).shape() == Shape{0, 1}));
  BOOST_TEST(((ones({}) + ones({})).shape() == Shape{}));
  const Tensor a = ones({2, 1}, {.requires_grad = true}), b = ones({0}, {.requires_grad = true});
  (a * b).sum().backward();
  check_values(a.grad(), {0, 0});
  BOOST_TEST((b.grad().shape() == Shape{0}));
}

BOOST_AUTO_TEST_CASE(names_sizes_dimension_and_operation_when_shapes_do_not_fit) {
  const std::string text = "The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1";
  const Tensor a = ones({2, 3}), b = ones({2, 4});
  check_error<ShapeError>([&] { a + b; }, "add: " + text);
  check_error<ShapeError>([&] { atan2(a, b); }, "atan2: " + text);
  check_error<ShapeError>([&] { (void)(a == b); }, "eq: " + text);
  check_error<ShapeError>([&] { where(a > 0, a, b); }, "where: " + text);
  check_error<ShapeError>([&] { lerp(a, b, 0.5); }, text);
  check_error<ShapeError>([&] { logical_and(a, b); }, "logical_and: " + text);
  check_error<ShapeError>([&] { isclose(a, b); }, "isclose: " + text);
  check_error<ShapeError>([&] { ones({2, 3}, {.dtype = int64}) % ones({2, 4}, {.dtype = int64}); },
                          "remainder: " + text);
}

BOOST_AUTO_TEST_SUITE_END()
