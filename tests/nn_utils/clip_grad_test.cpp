#include "slope/nn/utils/clip_grad.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "slope/autograd/core/parallel.h"
#include "slope/slope.h"
#include "support/checks.h"

using namespace slope;
using namespace slope::nn::utils;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

Tensor with_gradient(const Tensor& g) {
  Tensor p = zeros(g.shape(), {.dtype = g.dtype(), .requires_grad = true});
  p.set_grad(g);
  return p;
}
double norm_of(const std::vector<Tensor>& tensors, double p) {
  return get_total_norm(tensors, {.norm_type = p}).item<double>();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(clip_grad)

BOOST_AUTO_TEST_CASE(large_and_small_gradients_keep_their_norm) {
  BOOST_TEST(norm_of({tensor({3e19F}), tensor({4e19F})}, 2) == 5e19, boost::test_tools::tolerance(1e-6));
  BOOST_TEST(norm_of({tensor({3e-30F}), tensor({4e-30F})}, 2) == 5e-30, boost::test_tools::tolerance(1e-6));
  const auto wide = [](double v) { return full({1}, v, {.dtype = float64}); };
  BOOST_TEST(norm_of({wide(3e200), wide(4e200)}, 2) == 5e200, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(norm_of({wide(3e-200), wide(4e-200)}, 2) == 5e-200, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(norm_of({wide(1e100), wide(1e100)}, 7) == 1e100 * std::pow(2.0, 1.0 / 7),
             boost::test_tools::tolerance(1e-12));
  BOOST_TEST(norm_of({wide(4), wide(9)}, 0.5) == 25, boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(the_dtype_is_the_widest) {
  BOOST_TEST((get_total_norm({tensor({3.0F}), full({1}, 4.0, {.dtype = float64})}).dtype() == float64));
  BOOST_TEST((get_total_norm({tensor({3.0F})}).dtype() == float32));
  BOOST_TEST((get_total_norm({}).dtype() == default_dtype()));
  BOOST_TEST(get_total_norm({}).item() == 0);
}

BOOST_AUTO_TEST_CASE(gradients_are_scaled_in_place_and_those_missing_skipped) {
  const Tensor a = with_gradient(tensor({3.0F})), b = with_gradient(full({1}, 4.0, {.dtype = float64})),
               none = zeros({2}, {.requires_grad = true});
  const Tensor held = a.grad();
  BOOST_TEST(clip_grad_norm_({a, none, b}, 1.0).item() == 5);
  check_close(held, {0.6}, 1e-6);
  check_close(b.grad(), {0.8}, 1e-6);
  BOOST_TEST(!none.grad().defined());
  BOOST_TEST(clip_grad_norm_({none}, 1.0).item() == 0);
  BOOST_TEST(clip_grad_norm_(std::vector<Tensor>(), 1.0).item() == 0);
}

BOOST_AUTO_TEST_CASE(a_module_is_a_list_of_its_parameters) {
  nn::Sequential net(nn::Linear(3, 4), nn::Linear(4, 2));
  net(randn({5, 3})).square().sum().backward();
  std::vector<Tensor> grads;
  for (const Tensor& p : net.parameters()) grads.push_back(p.grad().clone());
  const double total = get_total_norm(grads).item();
  BOOST_TEST(clip_grad_norm_(net, total / 2).item() == total);
  for (std::size_t i = 0; i < grads.size(); ++i)
    BOOST_TEST(allclose(net.parameters()[i].grad(), grads[i] * 0.5, 1e-4, 1e-6));
}

BOOST_AUTO_TEST_CASE(strided_and_transposed_gradients_are_clipped) {
  const Tensor p = zeros({3, 2}, {.requires_grad = true});
  p.set_grad(arange(6).to(float32).reshape({2, 3}).t());
  const double total = std::sqrt(55.0);
  BOOST_TEST(clip_grad_norm_({p}, 1).item() == total, boost::test_tools::tolerance(1e-6));
  BOOST_TEST(norm(p.grad()).item() == 1, boost::test_tools::tolerance(1e-5));
}

BOOST_AUTO_TEST_CASE(every_number_of_threads_gives_the_same_bits) {
  const int before = get_num_threads();
  std::vector<Tensor> grads;
  for (std::int64_t n : {1, 70, 5000, 200000, 0, 33, 40000}) grads.push_back(randn({n}));
  for (int k = 0; k < 300; ++k) grads.push_back(randn({17 + k}));
  for (double p : {1.0, 2.0, 3.0, infinity}) {
    std::vector<Tensor> first;
    for (int threads : {1, 2, 5}) {
      set_num_threads(threads);
      std::vector<Tensor> params, results;
      for (const Tensor& g : grads) params.push_back(with_gradient(g.clone()));
      results.push_back(clip_grad_norm_(params, 1.0, {.norm_type = p}));
      for (const Tensor& q : params) results.push_back(q.grad());
      if (first.empty()) first = results;
      for (std::size_t i = 0; i < results.size(); ++i) BOOST_REQUIRE(equal(first[i], results[i]));
    }
  }
  set_num_threads(before);
}

BOOST_AUTO_TEST_CASE(totals_that_are_not_finite) {
  const Tensor a = with_gradient(tensor({infinity, 1.0}));
  BOOST_TEST(clip_grad_norm_({a}, 1).item() == infinity);
  check_values(a.grad(), {std::nan(""), 0});
  const Tensor b = with_gradient(tensor({infinity, 1.0})), c = with_gradient(tensor({std::nan("")}));
  BOOST_TEST(std::isnan(clip_grad_norm_({b, c}, 1, {.norm_type = infinity}).item()));
  const Tensor d = with_gradient(tensor({2.0, infinity}));
  check_error<ValueError>([&] { clip_grad_norm_({d}, 1, {.error_if_nonfinite = true}); },
                          "The total norm of order 2.0 for gradients from `parameters` is non-finite, so it cannot be "
                          "clipped.");
  check_values(d.grad(), {2, infinity});
}

BOOST_AUTO_TEST_CASE(what_cannot_be_clipped_changes_nothing) {
  const Tensor a = with_gradient(tensor({3.0, 4.0}));
  check_error<ValueError>([&] { clip_grad_norm_({a}, -1); }, "max_norm must not be negative or NaN, got -1");
  check_error<ValueError>([&] { clip_grad_norm_({a}, 1, {.norm_type = 0}); }, "norm_type must be positive");
  check_error<ValueError>([&] { clip_grad_norm_({a, Tensor()}, 1); }, "one of the parameters is undefined");
  check_error<ValueError>([&] { clip_grad_value_({a}, std::nan("")); }, "clip_value must not be negative or NaN");
  check_error<DTypeError>([&] { (void)get_total_norm({arange(3)}); }, "needs floating tensors, got one of int64");
  const Tensor expanded = zeros({3}, {.requires_grad = true});
  expanded.set_grad(ones({1}).expand({3}));
  check_error<ShapeError>([&] { clip_grad_norm_({a, expanded}, 1); }, "share memory");
  check_values(a.grad(), {3, 4});
}

BOOST_AUTO_TEST_CASE(values_are_limited) {
  const Tensor a = with_gradient(tensor({-3.0, 0.25, 4.0, std::nan("")}));
  clip_grad_value_({a}, 0.5);
  check_values(a.grad(), {-0.5, 0.25, 0.5, std::nan("")});
}

BOOST_AUTO_TEST_CASE(parameters_become_a_vector_and_come_back) {
  nn::Linear fc(3, 2);
  const Tensor v = parameters_to_vector(fc);
  BOOST_TEST(v.shape() == Shape{8});
  v.sum().backward();
  check_values(fc.bias.grad(), {1, 1});
  const Tensor weight = fc.weight;
  vector_to_parameters(arange(8).to(float32), fc);
  check_values(weight.detach(), {0, 1, 2, 3, 4, 5});
  check_values(fc.bias.detach(), {6, 7});
  vector_to_parameters(parameters_to_vector(fc).detach() * 2, fc);
  check_values(fc.bias.detach(), {12, 14});
  check_error<ShapeError>([&] { vector_to_parameters(zeros({9}), fc); }, "the parameters have 8 elements");
  check_error<ShapeError>([&] { vector_to_parameters(zeros({7}), fc); }, "got [7]");
  check_error<ShapeError>([&] { vector_to_parameters(zeros({2, 4}), fc); }, "got [2, 4]");
  check_values(fc.bias.detach(), {12, 14});
}

BOOST_AUTO_TEST_SUITE_END()
