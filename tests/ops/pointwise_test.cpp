#include "slope/pointwise.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <string_view>
#include <vector>

#include "slope/autograd/engine/backward.h"
#include "slope/autograd/engine/node.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/random.h"
#include "support/checks.h"

using namespace slope;

BOOST_AUTO_TEST_SUITE(pointwise_functions)

BOOST_AUTO_TEST_CASE(compute_what_the_same_expression_of_tensors_computes) {
  const auto formula = [](auto x, auto w) { return where(x > 0.5, exp(-x) * w, pow(x, 2.0) + w / 3.0); };
  const auto fused = pointwise(formula);
  Generator g(1);
  for (DType dtype : {float64, float32}) {
    const Tensor x = randn({7, 33}, {.dtype = dtype, .requires_grad = true}, g);
    const Tensor w = randn({33}, {.dtype = dtype, .requires_grad = true}, g);
    const Tensor y = fused(x, w), expected = formula(x, w);
    const double tolerance = dtype == float64 ? 1e-12 : 1e-5;
    BOOST_TEST(allclose(y, expected, tolerance, tolerance));
    const auto grads = autograd::grad({y.sum()}, {x, w}), reference = autograd::grad({expected.sum()}, {x, w});
    for (std::size_t i : {0u, 1u}) BOOST_TEST(allclose(grads[i], reference[i], tolerance, tolerance));
  }
}

namespace {
struct Growth {
  static constexpr std::string_view name = "Growth";
  template <class T>
  T operator()(const T& x) const {
    return exp(x);
  }
  template <class T>
  T d0(const T&, const T& y) const {
    return y;
  }
};
std::size_t kept_values(const Tensor& y) {
  std::vector<SavedTensor> kept;
  y.impl().producer->collect_saved(kept);
  return kept.size();
}
}  // namespace

BOOST_AUTO_TEST_CASE(a_formula_that_is_also_reduced_keeps_the_value_alone_where_that_is_all_its_derivative_needs) {
  const Tensor x = tensor({0.0, 1.0}, {.requires_grad = true});
  const Tensor each = detail::pointwise_loss(Growth{}, Reduction::none, Operand(x));
  BOOST_TEST(kept_values(each) == 1u);
  const Tensor sum = detail::pointwise_loss(Growth{}, Reduction::sum, Operand(x));
  BOOST_TEST(kept_values(sum) == 2u);  // x, to compute the value again, and the gradient
  const Tensor first = autograd::grad({sum}, {x}, {.create_graph = true})[0];
  BOOST_TEST(autograd::grad({first.sum()}, {x})[0].data_ptr<float>()[1] == std::exp(1.0f),
             boost::test_tools::tolerance(1e-6f));
}

BOOST_AUTO_TEST_CASE(reduce_in_the_same_pass) {
  const auto square_error = pointwise([](auto a, auto b) { return (a - b) * (a - b); });
  const Tensor a = tensor({1.0, 2.0, 4.0}, {.requires_grad = true}), b = tensor({1.0, 1.0, 1.0});
  BOOST_TEST(square_error.sum(a, b).item() == 10.0);
  const Tensor mean = square_error.mean(a, b);
  BOOST_TEST(mean.item() == 10.0 / 3, boost::test_tools::tolerance(1e-6));
  (mean * 3.0).backward();
  check_values(a.grad(), {0, 2, 6});
  BOOST_TEST(std::isnan(square_error.mean(zeros({0}), zeros({0})).item()));
  BOOST_TEST(square_error.sum(zeros({0}), zeros({0})).item() == 0.0);
  BOOST_TEST(square_error.sum(a, 1.0).item() == 10.0);
}

BOOST_AUTO_TEST_CASE(capture_numbers_and_take_up_to_six_arguments) {
  const double scale = 0.5;
  const auto weighted =
      pointwise([scale](auto a, auto b, auto c, auto d, auto e, auto f) { return scale * (a * b + c * d + e * f); });
  const Tensor x = tensor({1.0, 2.0}, {.requires_grad = true});
  const Tensor y = weighted(x, x, x, 1.0, 2, x);
  check_values(y.detach(), {2, 5});
  check_values(autograd::grad({y.sum()}, {x})[0], {2.5, 3.5});
}

namespace {

/// A sum of its arguments that states 100, 200, ... as its partials, so that they are told from the plain ones.
struct StatedSum {
  static constexpr const char* name = "StatedSum";
  template <class T, class... Rest>
  T operator()(const T& first, const Rest&... rest) const {
    return (first + ... + rest);
  }
#define STATED_PARTIAL(d, value)        \
  template <class T, class... Rest>     \
  T d(const T&, const Rest&...) const { \
    return T(value);                    \
  }
  STATED_PARTIAL(d0, 100)
  STATED_PARTIAL(d1, 200)
  STATED_PARTIAL(d2, 300)
  STATED_PARTIAL(d3, 400)
  STATED_PARTIAL(d4, 500)
#undef STATED_PARTIAL
};
struct StatedSumOfSix : StatedSum {
  template <class T>
  T d5(const T& a, const T&, const T&, const T&, const T&, const T&, const T& value) const {
    return 600.0 + (value - value) + (a - a);
  }
};

/// x², which says that its derivative is 10·x.
struct StatedSquare {
  template <class T>
  T operator()(const T& x) const {
    return x * x;
  }
  template <class T>
  T d0(const T& x, const T&) const {
    return 10.0 * x;
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(state_derivatives_by_five_and_six_arguments) {
  for (const DType dtype : {float32, float64}) {
    std::vector<Tensor> x;
    for (int i = 0; i < 6; ++i) x.push_back(full({17}, 1.0 + i, {.dtype = dtype, .requires_grad = true}));
    const Tensor five[] = {pointwise(StatedSum{})(x[0], x[1], x[2], x[3], x[4]).sum(),
                           pointwise(StatedSum{}).sum(x[0], x[1], x[2], x[3], x[4])};
    const Tensor six[] = {pointwise(StatedSumOfSix{})(x[0], x[1], x[2], x[3], x[4], x[5]).sum(),
                          pointwise(StatedSumOfSix{}).sum(x[0], x[1], x[2], x[3], x[4], x[5])};
    for (const bool create_graph : {false, true})
      for (const Tensor& y : five) {
        BOOST_TEST(y.item() == 17 * 15.0);
        const auto grads =
            autograd::grad({y}, {x.begin(), x.begin() + 5}, {.retain_graph = true, .create_graph = create_graph});
        for (std::size_t i = 0; i < 5; ++i)
          BOOST_TEST(grads[i].detach().equal(full({17}, 100.0 * (1 + static_cast<double>(i)), {.dtype = dtype})));
      }
    for (const bool create_graph : {false, true})
      for (const Tensor& y : six) {
        const auto grads = autograd::grad({y}, x, {.retain_graph = true, .create_graph = create_graph});
        for (std::size_t i = 0; i < 6; ++i)
          BOOST_TEST(grads[i].detach().equal(full({17}, 100.0 * (1 + static_cast<double>(i)), {.dtype = dtype})));
      }
  }
}

BOOST_AUTO_TEST_CASE(call_formulas_inside_formulas_with_the_derivatives_they_state) {
  const auto f = [](auto a, auto b) { return b * formula::call(StatedSquare{}, a) + formula::call(StatedSquare{}, b); };
  for (const DType dtype : {float32, float64}) {
    const Tensor a = tensor({1.0, 2.0, -3.0}).to(dtype).requires_grad_(),
                 b = tensor({2.0, 0.5, 1.0}).to(dtype).requires_grad_();
    for (const Tensor& y : {pointwise(f)(a, b).sum(), pointwise(f).sum(a, b), f(a, b).sum()})
      for (const bool create_graph : {false, true}) {
        BOOST_TEST(allclose(y.detach(), (b * a * a + b * b).sum().detach()));
        const auto grads = autograd::grad({y}, {a, b}, {.retain_graph = true, .create_graph = create_graph});
        BOOST_TEST(allclose(grads[0].detach(), (10.0 * a * b).detach()));
        BOOST_TEST(allclose(grads[1].detach(), (a * a + 10.0 * b).detach()));
      }
  }
  // What is not differentiated may be lanes among dual numbers.
  const Tensor a = tensor({1.0, 2.0}, {.requires_grad = true});
  const auto g = [](auto x, auto t) { return formula::call(formula::Mul{}, x, t); };
  pointwise(g)(a, tensor({3.0, 4.0})).sum().backward();
  check_values(a.grad(), {3, 4});
}

BOOST_AUTO_TEST_CASE(a_tensor_of_one_value_is_read_as_its_dense_copy_is) {
  const auto f = pointwise([](auto x, auto w) { return x * x * w + sin(w); });
  Generator g(2);
  for (const DType dtype : {float32, float64}) {
    const Tensor x = randn({5, 37}, {.dtype = dtype, .requires_grad = true}, g);
    const Tensor one = full({}, 0.3, {.dtype = dtype}), up = full({}, 1.7, {.dtype = dtype});
    for (const Tensor& value :
         {one, one.reshape({1}), one.reshape({1, 1}), one.expand({5, 37}), one.expand({1, 37}), one.expand({5, 1})}) {
      const Tensor w = value.detach(), dense = one.expand({5, 37}).contiguous();
      const Tensor y = f(x, w), expected = f(x, dense);
      BOOST_TEST(y.shape() == expected.shape());
      BOOST_TEST(equal(y, expected));
      BOOST_TEST(equal(f(w, x), f(dense, x)));
      // The gradient is one value, too, as that of a sum is.
      const Tensor gx = autograd::grad({y}, {x}, {.grad_outputs = {up.expand({5, 37})}})[0];
      BOOST_TEST(equal(gx, autograd::grad({expected}, {x}, {.grad_outputs = {up.expand({5, 37}).contiguous()}})[0]));
    }
    // Nothing is read of a window without elements.
    BOOST_TEST(f(one.expand({0, 3}), one).numel() == 0);
    BOOST_TEST(f(zeros({0}, {.dtype = dtype}), one).numel() == 0);
  }
}

BOOST_AUTO_TEST_CASE(the_gradient_of_one_value_sums_over_all_it_was_spread_to) {
  const Tensor w = full({1}, 3.0, {.requires_grad = true}), x = tensor({{1.0, 2.0}, {3.0, 4.0}});
  (x * w).sum().backward();
  check_values(w.grad(), {10});
  BOOST_TEST(w.grad().shape() == Shape({1}));
}

BOOST_AUTO_TEST_CASE(freed_or_overwritten_arguments_are_noticed) {
  const auto cube = pointwise([](auto x) { return x * x * x; });
  const Tensor x = tensor({2.0}, {.requires_grad = true});
  for (const bool reduced : {false, true}) {
    const Tensor y = reduced ? cube.sum(x) : cube(x);
    y.backward();
    check_error<AutogradError>([&] { y.backward(); }, "had saved were freed by an earlier backward");
    const Tensor z = reduced ? cube.sum(x) : cube(x);
    {
      NoGradGuard no_grad;
      x.mul_(1.0);
    }
    check_error<AutogradError>([&] { z.backward(); }, "had saved was overwritten in place");
  }
}

BOOST_AUTO_TEST_CASE(name_the_line_of_the_call) {
  const auto product = pointwise([](auto a, auto b) { return a * b; });
  check_error<ShapeError>([&] { product(zeros({2}), zeros({3})); }, "pointwise: The size of tensor a (2) must match");
  check_error<ShapeError>([&] { product.mean(zeros({2}), zeros({3})); },
                          "pointwise: The size of tensor a (2) must match");
  check_error<ValueError>([&] { product.sum(zeros({2}), Tensor()); }, "pointwise: argument 1 is an undefined tensor");
  check_error<ValueError>([&] { product(1, 2); }, "pointwise: at least one argument must be a tensor");
}

BOOST_AUTO_TEST_SUITE_END()
