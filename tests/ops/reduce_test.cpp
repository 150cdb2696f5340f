#include <boost/test/unit_test.hpp>
#include <cmath>
#include <functional>
#include <limits>

#include "slope/autograd/core/parallel.h"
#include "slope/autograd/engine/backward.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/random.h"
#include "support/checks.h"

using namespace slope;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

Tensor f64(std::initializer_list<double> values) { return tensor(std::vector<double>(values), {.dtype = float64}); }

using Reduction1 = std::function<Tensor(const Tensor&)>;

void check_reduction(const Reduction1& f, std::initializer_list<double> at, double value,
                     std::initializer_list<double> slopes) {
  for (DType dtype : {float64, float32}) {
    const Tensor x = f64(at).to(dtype).requires_grad_();
    const Tensor y = f(x);
    BOOST_TEST((y.dtype() == dtype));
    check_close(y.detach(), {value}, 1e-6);
    check_close(autograd::grad({y}, {x})[0], slopes, 1e-6);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(reductions)

BOOST_AUTO_TEST_CASE(dimensions_are_lists_count_from_both_ends_and_may_be_kept) {
  const Tensor x = arange(24).to(float64).view({2, 3, 4});
  BOOST_TEST(x.sum().item() == 276.0);
  BOOST_TEST((x.sum().shape() == Shape{}));
  BOOST_TEST((x.sum({}, true).shape() == Shape{1, 1, 1}));
  check_values(x.sum({0, -1}), {60, 92, 124});
  BOOST_TEST((x.sum({-1, 0}, true).shape() == Shape{1, 3, 1}));
  check_values(x.mean(1).select(0, 0), {4, 5, 6, 7});
  check_values(tensor(3.0).sum(0), {3});
  check_values(tensor(3.0).amax(-1), {3});
  check_error<IndexError>([&] { x.sum(3); },
                          "sum: Dimension out of range (expected to be in range of [-3, 2], but got 3)");
  check_error<IndexError>([&] { tensor(1.0).mean(1); }, "expected to be in range of [-1, 0], but got 1");
  check_error<ShapeError>([&] { x.sum({0, -3}); }, "sum: dim 0 appears multiple times in the list of dims [0, -3]");
}

BOOST_AUTO_TEST_CASE(dtypes_follow_the_operation) {
  const Tensor i = tensor({{1, 2}, {3, 4}}), b = tensor({true, true, false});
  BOOST_TEST((i.sum().dtype() == int64));
  BOOST_TEST((b.sum().dtype() == int64));
  BOOST_TEST(b.sum().item<std::int64_t>() == 2);
  BOOST_TEST((prod(b).dtype() == int64));
  BOOST_TEST(prod(i).item<std::int64_t>() == 24);
  check_values(i.cumsum(0), {1, 2, 4, 6});
  BOOST_TEST((b.cumsum(0).dtype() == int64));
  check_values(b.cumsum(0), {1, 2, 2});
  check_values(cumprod(i, 1), {1, 2, 3, 12});
  BOOST_TEST((max(i).dtype() == int64));
  BOOST_TEST((amax(b).dtype() == boolean));
  BOOST_TEST((logsumexp(i).dtype() == float32));
  BOOST_TEST((softmax(i, 0).dtype() == float32));
  BOOST_TEST((sum(i, {}, false, float64).dtype() == float64));
  BOOST_TEST((mean(i, {}, false, float64).item() == 2.5));
  BOOST_TEST((sum(tensor({1.7, 1.7}), {}, false, int64).item<std::int64_t>() == 2));
  BOOST_TEST((count_nonzero(tensor({0.0, not_a_number, 2.0})).item<std::int64_t>() == 2));
  check_error<DTypeError>([&] { i.mean(); },
                          "mean: the result must be floating point, this would be int64; convert it with .to(float32)");
  check_error<DTypeError>([&] { i.var(); }, "var: the input must be a floating point tensor, got int64");
  check_error<DTypeError>([&] { i.std(); }, "std: the input must be a floating point tensor");
  check_error<DTypeError>([&] { i.norm(); }, "norm: the input must be a floating point tensor, got int64");
  check_error<DTypeError>([&] { softmax(i, 0, int64); },
                          "softmax: probabilities are floating point numbers, not int64");
}

BOOST_AUTO_TEST_CASE(of_nothing_have_their_neutral_element_or_throw) {
  const Tensor x = zeros({0, 3});
  BOOST_TEST(x.sum().item() == 0.0);
  BOOST_TEST(prod(x).item() == 1.0);
  BOOST_TEST(std::isnan(x.mean().item()));
  BOOST_TEST(std::isnan(x.var().item()));
  BOOST_TEST(x.logsumexp().item() == -inf);
  BOOST_TEST(x.norm().item() == 0.0);
  BOOST_TEST(!any(x).item<bool>());
  BOOST_TEST(all(x).item<bool>());
  BOOST_TEST(std::isnan(median(x).item()));
  check_values(x.sum(0), {0, 0, 0});
  check_values(prod(x, 0), {1, 1, 1});
  check_values(x.mean(0), {not_a_number, not_a_number, not_a_number});
  check_values(x.logsumexp(0), {-inf, -inf, -inf});
  BOOST_TEST((x.sum(1).shape() == Shape{0}));
  BOOST_TEST((x.amax(1).shape() == Shape{0}));
  BOOST_TEST((x.max(1).second.shape() == Shape{0}));
  BOOST_TEST((x.argmax(1).shape() == Shape{0}));
  const char* whole = ": a tensor of shape [0, 3] has no elements to choose from";
  check_error<ShapeError>([&] { x.max(); }, std::string("max") + whole);
  check_error<ShapeError>([&] { x.min(); }, std::string("min") + whole);
  check_error<ShapeError>([&] { x.amax(); }, std::string("amax") + whole);
  check_error<ShapeError>([&] { x.argmax(); }, std::string("argmax") + whole);
  check_error<ShapeError>([&] { x.max(0); }, "max: dimension 0 has no elements to choose from");
  check_error<ShapeError>([&] { x.amin(0); }, "amin: dimension 0 has no elements to choose from");
  check_error<ShapeError>([&] { x.argmin(0); }, "argmin: dimension 0 has no elements to choose from");
  check_error<ShapeError>([&] { median(x, 0); }, "median: dimension 0 has no elements to choose from");
  check_error<ShapeError>([&] { norm(x, inf, {0}); }, "cannot compute the inf norm of nothing");
  check_error<ShapeError>([&] { median(zeros({0}, {.dtype = int64})); },
                          "median: there is no middle element of nothing");
}

BOOST_AUTO_TEST_CASE(gradients_of_empty_reductions_have_the_shape_of_the_input) {
  const Reduction1 all_of_them[] = {
      [](const Tensor& x) { return x.sum(); },          [](const Tensor& x) { return x.mean(); },
      [](const Tensor& x) { return prod(x); },          [](const Tensor& x) { return x.logsumexp(); },
      [](const Tensor& x) { return x.var(); },          [](const Tensor& x) { return x.norm(); },
      [](const Tensor& x) { return x.norm(1); },        [](const Tensor& x) { return x.norm(3); },
      [](const Tensor& x) { return x.std({0}).sum(); }, [](const Tensor& x) { return x.cumsum(0).sum(); }};
  for (const auto& f : all_of_them) {
    const Tensor x = zeros({0, 3}, {.requires_grad = true});
    f(x).backward();
    BOOST_TEST((x.grad().shape() == Shape{0, 3}));
  }
}

BOOST_AUTO_TEST_CASE(ties_share_the_gradient_of_extremes_over_everything) {
  check_reduction([](const Tensor& x) { return max(x); }, {1, 3, 3, 2}, 3, {0, 0.5, 0.5, 0});
  check_reduction([](const Tensor& x) { return min(x); }, {1, 3, 1, 1}, 1, {1 / 3.0, 0, 1 / 3.0, 1 / 3.0});
  check_reduction([](const Tensor& x) { return amax(x, {0}); }, {2, 2}, 2, {0.5, 0.5});
  check_reduction([](const Tensor& x) { return amin(x, {0}); }, {2, 2, 3}, 2, {0.5, 0.5, 0});
  check_reduction([](const Tensor& x) { return median(x); }, {2, 5, 2, 1}, 2, {0.5, 0, 0.5, 0});
  check_reduction([](const Tensor& x) { return max(x, 0).first; }, {1, 3, 3, 2}, 3, {0, 1, 0, 0});
  check_reduction([](const Tensor& x) { return min(x, 0).first; }, {1, 3, 1, 1}, 1, {1, 0, 0, 0});
  check_reduction([](const Tensor& x) { return median(x, 0).first; }, {2, 5, 2, 1}, 2, {1, 0, 0, 0});
}

BOOST_AUTO_TEST_CASE(nan_is_the_greatest_and_the_smallest) {
  const Tensor x = f64({1, not_a_number, 3, not_a_number});
  for (const Tensor& t :
       {max(x), min(x), amax(x), amin(x), median(x), max(x, 0).first, min(x, 0).first, median(x, 0).first})
    check_values(t, {not_a_number});
  check_values(argmax(x), {1});
  check_values(argmin(x), {1});
  check_values(max(x, 0).second, {1});
  check_values(argmax(f64({2, 5, 5})), {1});
  check_values(argmin(f64({2, 2, 5})), {0});
  check_values(argmax(tensor({{1, 5}, {7, 2}}), {}, true), {2});
  BOOST_TEST((argmax(tensor({{1, 5}, {7, 2}}), {}, true).shape() == Shape{1, 1}));
  check_values(argmax(tensor({{1, 5}, {7, 2}}), 1), {1, 0});
  check_values(nansum(x), {4});
  const Tensor with_gradient = x.clone().requires_grad_();
  check_values(autograd::grad({nansum(with_gradient) * 3.0}, {with_gradient})[0], {3, 0, 3, 0});
  check_values(any(f64({0, not_a_number})), {1});
}

BOOST_AUTO_TEST_CASE(products_are_differentiated_without_dividing_by_zero) {
  check_reduction([](const Tensor& x) { return prod(x); }, {0, 2, 3}, 0, {6, 0, 0});
  check_reduction([](const Tensor& x) { return prod(x); }, {0, 0, 3}, 0, {0, 0, 0});
  check_reduction([](const Tensor& x) { return prod(x); }, {2, 3, 4}, 24, {12, 8, 6});
  check_reduction([](const Tensor& x) { return cumprod(x, 0).sum(); }, {2, 0, 3}, 2, {1, 8, 0});
  check_reduction([](const Tensor& x) { return cumprod(x, 0).sum(); }, {0, 0, 3}, 0, {1, 0, 0});
  // Nothing comes through the products that are not used.
  check_reduction([](const Tensor& x) { return cumprod(x, 0).select(0, 0); }, {2, inf, 3}, 2, {1, 0, 0});
  check_reduction([](const Tensor& x) { return cumprod(x, 0).select(0, 0); }, {2, not_a_number}, 2, {1, 0});
  const Tensor x = f64({0, 2, 0}).requires_grad_();
  const Tensor first = autograd::grad({prod(x)}, {x}, {.create_graph = true})[0];
  check_values(first.detach(), {0, 0, 0});
  check_values(autograd::grad({first.select(0, 0)}, {x})[0], {0, 0, 2});
}

BOOST_AUTO_TEST_CASE(variances_are_measured_around_the_mean_whatever_its_size) {
  check_reduction([](const Tensor& x) { return var(x); }, {1, 2, 3, 4}, 5.0 / 3, {-1, -1 / 3.0, 1 / 3.0, 1});
  check_reduction([](const Tensor& x) { return var(x, {}, {.correction = 0}); }, {1, 3}, 1, {-1, 1});
  check_reduction([](const Tensor& x) { return slope::std(x); }, {3, 3, 3}, 0, {0, 0, 0});
  check_reduction([](const Tensor& x) { return slope::std(x); }, {1, 3}, std::sqrt(2.0),
                  {-std::sqrt(0.5), std::sqrt(0.5)});
  check_reduction([](const Tensor& x) { return var(x); }, {5}, not_a_number, {not_a_number});
  check_reduction([](const Tensor& x) { return var(x, {}, {.correction = 0}); }, {5}, 0, {0});
  BOOST_TEST(var(f64({1, 2}), {}, {.correction = 5}).item() == inf);
  const Tensor far = f64({1e5 + 4, 1e5 + 7, 1e5 + 13, 1e5 + 16});
  BOOST_TEST(far.var().item() == 30.0);
  BOOST_TEST(far.to(float32).var().item() == 30.0);
  const auto [v, m] = var_mean(f64({1, 3}));
  const auto [s, n] = std_mean(f64({1, 3}), {}, {.correction = 0});
  BOOST_TEST(v.item() == 2.0);
  BOOST_TEST(m.item() == 2.0);
  BOOST_TEST(s.item() == 1.0);
  BOOST_TEST(n.item() == 2.0);
}

BOOST_AUTO_TEST_CASE(norms_are_scaled_and_have_zero_slope_at_zero) {
  const auto p_norm = [](double p) { return [p](const Tensor& x) { return norm(x, p); }; };
  check_reduction(p_norm(2), {3, -4}, 5, {0.6, -0.8});
  check_reduction(p_norm(1), {3, -4, 0}, 7, {1, -1, 0});
  check_reduction(p_norm(0), {3, 0, -4}, 2, {0, 0, 0});
  check_reduction(p_norm(inf), {3, -4, 4}, 4, {0, -0.5, 0.5});
  check_reduction(p_norm(-inf), {-2, 3, 2}, 2, {-0.5, 0, 0.5});
  check_reduction(p_norm(3), {1, 2}, std::cbrt(9.0), {1 / std::pow(9.0, 2 / 3.0), 4 / std::pow(9.0, 2 / 3.0)});
  for (double p : {0.5, 1.0, 2.0, 3.0}) check_reduction(p_norm(p), {0, 0}, 0, {0, 0});
  BOOST_TEST(norm(tensor({3e30, 4e30})).item<float>() == 5e30F);
  BOOST_TEST(norm(tensor({3e-30, 4e-30})).item<float>() == 5e-30F, boost::test_tools::tolerance(1e-6F));
  BOOST_TEST(norm(f64({3e200, 4e200})).item() == 5e200, boost::test_tools::tolerance(1e-14));
  BOOST_TEST(norm(f64({inf, 1})).item() == inf);
  BOOST_TEST(std::isnan(norm(f64({not_a_number, inf})).item()));
  check_error<ValueError>([] { norm(tensor({1.0}), std::nan("")); }, "norm: the order p is nan");
}

BOOST_AUTO_TEST_CASE(norms_of_matrices_look_at_rows_or_columns) {
  const Tensor x = f64({1, -2, 3, 4, 5, -6}).view({2, 3}).requires_grad_();
  BOOST_TEST(matrix_norm(x).item() == std::sqrt(91.0));
  BOOST_TEST(matrix_norm(x, MatrixNorm::one).item() == 9.0);
  BOOST_TEST(matrix_norm(x, MatrixNorm::minus_one).item() == 5.0);
  BOOST_TEST(matrix_norm(x, MatrixNorm::inf).item() == 15.0);
  BOOST_TEST(matrix_norm(x, MatrixNorm::minus_inf).item() == 6.0);
  BOOST_TEST(matrix_norm(x, MatrixNorm::inf, {1, 0}).item() == 9.0);
  check_values(autograd::grad({matrix_norm(x, MatrixNorm::inf)}, {x})[0], {0, 0, 0, 1, 1, -1});
  const Tensor batch = stack({x.detach(), x.detach() * 2.0});
  check_values(matrix_norm(batch, MatrixNorm::one), {9, 18});
  BOOST_TEST((matrix_norm(batch, MatrixNorm::one, {-1, -2}, true).shape() == Shape{2, 1, 1}));
  check_values(matrix_norm(zeros({2, 0, 3}), MatrixNorm::one), {0, 0});
  check_error<ShapeError>([] { matrix_norm(zeros({2, 0}), MatrixNorm::one); },
                          "matrix_norm: there is no largest column of a matrix");
  check_error<ShapeError>([] { matrix_norm(zeros({3})); },
                          "matrix_norm: takes two dimensions of a tensor of at least two");
  check_error<ShapeError>([&] { matrix_norm(x, MatrixNorm::fro, {1, 1}); }, "appears multiple times");
  check_error<IndexError>([&] { matrix_norm(x, MatrixNorm::fro, {0, 2}); }, "matrix_norm: Dimension out of range");
  check_error<DTypeError>([] { matrix_norm(tensor({{1}})); }, "matrix_norm: the input must be a floating point tensor");
}

BOOST_AUTO_TEST_CASE(logsumexp_and_softmax_do_not_overflow) {
  check_reduction([](const Tensor& x) { return logsumexp(x); }, {0, 0}, std::log(2.0), {0.5, 0.5});
  check_reduction([](const Tensor& x) { return logsumexp(x); }, {1000, -inf}, 1000, {1, 0});
  check_reduction([](const Tensor& x) { return logsumexp(x); }, {-inf, -inf}, -inf, {0, 0});
  check_reduction([](const Tensor& x) { return logsumexp(x); }, {inf, 0}, inf, {not_a_number, 0});
  check_reduction([](const Tensor& x) { return logsumexp(x); }, {not_a_number, 0}, not_a_number,
                  {not_a_number, not_a_number});
  check_values(softmax(f64({1000, 1000}), 0), {0.5, 0.5});
  check_values(softmax(f64({-inf, 0}), 0), {0, 1});
  check_values(softmax(f64({-inf, -inf}), 0), {not_a_number, not_a_number});
  check_values(log_softmax(f64({-inf, -inf}), 0), {not_a_number, not_a_number});
  check_close(log_softmax(f64({0, -1e4}), 0), {0, -1e4}, 1e-12);
  check_values(softmin(f64({0, 1000}), 0), {1, 0});
  check_values(softmax(tensor(3.0), 0), {1});
  BOOST_TEST((softmax(zeros({0, 3}), 0).shape() == Shape{0, 3}));
  check_error<IndexError>([] { softmax(zeros({2}), 1); },
                          "softmax: Dimension out of range (expected to be in range of [-1, 0]");
}

BOOST_AUTO_TEST_CASE(long_float32_sums_stay_within_their_bound_for_every_thread_count) {
  const std::int64_t n = 3'000'001;
  Generator g(1);
  const Tensor x = rand({n}, {}, g);
  const double exact = x.to(float64).sum().item();
  const int before = get_num_threads();
  set_num_threads(1);
  const float one = x.sum().item<float>();
  for (int threads : {2, 3}) {
    set_num_threads(threads);
    BOOST_TEST(x.sum().item<float>() == one);
  }
  set_num_threads(before);
  BOOST_TEST(std::abs(static_cast<double>(one) - exact) <= 1e-7 * exact);
  BOOST_TEST(full({n}, 0.1F, {.dtype = float32}).mean().item<float>() == 0.1F);
}

BOOST_AUTO_TEST_CASE(columns_are_reduced_alike_below_at_and_above_whole_panels_and_blocks) {
  Generator g(3);
  for (const std::int64_t inner : {1, 63, 64, 65, 128, 130})
    for (const std::int64_t outer : {1, 3})
      for (const std::int64_t length : {1, 127, 128, 129, 256, 1024}) {
        // The means of neighbouring columns are far apart: what is measured from another's shows.
        const Tensor x = randn({outer, length, inner}, {.dtype = float64}, g) +
                         100 * randn({outer, 1, inner}, {.dtype = float64}, g);
        const Tensor rows = x.transpose(1, 2).contiguous();
        const auto same = [&](const char* name, const Tensor& of_columns, const Tensor& of_rows) {
          BOOST_TEST(equal(of_columns, of_rows), name << " of " << x.shape());
        };
        same("sum", x.sum(1), rows.sum(2));
        same("var", x.var(1, 0), rows.var(2, 0));
        same("norm", x.norm(2, 1), rows.norm(2, 2));
        same("amax", x.amax(1), rows.amax(2));
        same("logsumexp", x.logsumexp(1), rows.logsumexp(2));
        BOOST_TEST(allclose(x.var(1, 0), square(x - x.mean(1, true)).mean(1), 1e-9, 1e-12), "var of " << x.shape());
      }
}

BOOST_AUTO_TEST_CASE(layouts_and_threads_do_not_change_a_bit) {
  Generator g(2);
  const Tensor x = randn({61, 53, 47}, {.requires_grad = true}, g);
  const Tensor other = x.detach().permute({2, 0, 1}).contiguous().permute({1, 2, 0}).requires_grad_();
  const Tensor gaps = other.detach().slice(1, 0, 53, 2).requires_grad_();
  const Reduction1 all_of_them[] = {
      [](const Tensor& t) { return t.sum(); },           [](const Tensor& t) { return t.sum(1); },
      [](const Tensor& t) { return t.sum({0, 2}); },     [](const Tensor& t) { return t.mean({0, 1}); },
      [](const Tensor& t) { return t.var(2); },          [](const Tensor& t) { return t.std({1, 2}); },
      [](const Tensor& t) { return t.norm(); },          [](const Tensor& t) { return t.norm(1, 0); },
      [](const Tensor& t) { return t.norm(3, 1); },      [](const Tensor& t) { return t.norm(inf, 1); },
      [](const Tensor& t) { return t.logsumexp(0); },    [](const Tensor& t) { return t.amax(1); },
      [](const Tensor& t) { return t.max(1).first; },    [](const Tensor& t) { return max(t); },
      [](const Tensor& t) { return prod(t, 0); },        [](const Tensor& t) { return prod(t, 2); },
      [](const Tensor& t) { return t.cumsum(0); },       [](const Tensor& t) { return cumprod(t, 2); },
      [](const Tensor& t) { return t.softmax(1); },      [](const Tensor& t) { return t.log_softmax(0); },
      [](const Tensor& t) { return t.sort(1).first; },   [](const Tensor& t) { return t.topk(5, 2).first; },
      [](const Tensor& t) { return median(t, 0).first; }};
  const auto run = [](const Reduction1& f, const Tensor& t, int threads) {
    set_num_threads(threads);
    const Tensor y = f(t);
    Generator fixed(7);
    const Tensor cotangent = rand(y.shape(), {}, fixed);
    return std::pair(y.detach(), autograd::grad({y}, {t}, {.grad_outputs = {cotangent}})[0]);
  };
  const int before = get_num_threads();
  for (std::size_t i = 0; i < std::size(all_of_them); ++i) {
    const auto& f = all_of_them[i];
    const auto whole = run(f, x, 1), part = run(f, gaps, 1);
    for (int threads : {1, 2, 3}) {
      const auto same_whole = run(f, other, threads), same_part = run(f, gaps, threads);
      BOOST_TEST(equal(whole.first, same_whole.first), "value of reduction " << i << " with " << threads << " threads");
      BOOST_TEST(equal(whole.second, same_whole.second),
                 "gradient of reduction " << i << " with " << threads << " threads");
      BOOST_TEST(equal(part.first, same_part.first),
                 "strided value of reduction " << i << " with " << threads << " threads");
      BOOST_TEST(equal(part.second, same_part.second),
                 "strided gradient of reduction " << i << " with " << threads << " threads");
    }
  }
  set_num_threads(before);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(ordering)

BOOST_AUTO_TEST_CASE(sorts_are_stable_and_put_nan_last) {
  const Tensor x = f64({3, not_a_number, 1, 3, -0.0, 0.0, -inf});
  const auto [up, from] = sort(x);
  check_values(up, {-inf, 0, 0, 1, 3, 3, not_a_number});
  check_values(from, {6, 4, 5, 2, 0, 3, 1});
  const auto [down, where_from] = sort(x, 0, true);
  check_values(down, {not_a_number, 3, 3, 1, 0, 0, -inf});
  check_values(where_from, {1, 0, 3, 2, 4, 5, 6});
  check_values(argsort(x), {6, 4, 5, 2, 0, 3, 1});
  check_values(sort(tensor({{3, 1}, {2, 5}}), 0).first, {2, 1, 3, 5});
  check_values(sort(tensor({true, false, true})).second, {1, 0, 2});
  check_values(sort(tensor(3.0)).second, {0});
  BOOST_TEST((sort(zeros({2, 0})).first.shape() == Shape{2, 0}));
  check_error<IndexError>([&] { sort(x, 1); }, "sort: Dimension out of range");
}

BOOST_AUTO_TEST_CASE(long_rows_are_sorted_like_short_ones) {
  Generator g(4);
  for (DType dtype : {float32, float64, int64}) {
    const Tensor x = randint(-300, 300, {2, 5000}, {.dtype = dtype}, g);
    const auto [values, index] = sort(x, 1);
    BOOST_TEST(equal(gather(x, 1, index), values));
    const Tensor left = values.narrow(1, 0, 4999), right = values.narrow(1, 1, 4999);
    BOOST_TEST((left <= right).all().item<bool>());
    const Tensor ties = (left == right) & (index.narrow(1, 0, 4999) > index.narrow(1, 1, 4999));
    BOOST_TEST(!ties.any().item<bool>());  // equal elements stay in order
  }
}

BOOST_AUTO_TEST_CASE(topk_and_kthvalue_pick_in_order) {
  const Tensor x = tensor({{5, 1, 4}, {2, 9, 2}});
  check_values(topk(x, 2).first, {5, 4, 9, 2});
  check_values(topk(x, 2).second, {0, 2, 1, 0});
  check_values(topk(x, 2, 1, false).first, {1, 4, 2, 2});
  check_values(topk(x, 1, 0).first, {5, 9, 4});
  BOOST_TEST((topk(x, 0).first.shape() == Shape{2, 0}));
  check_values(kthvalue(x, 2).first, {4, 2});
  check_values(kthvalue(x, 2).second, {2, 0});  // of equals the first
  BOOST_TEST((kthvalue(x, 1, 0, true).first.shape() == Shape{1, 3}));
  check_values(mode(tensor({{1, 2, 2}, {3, 3, 1}})).first, {2, 3});
  check_values(mode(tensor({{1, 2, 2}, {3, 3, 1}})).second, {2, 1});
  check_error<IndexError>([&] { topk(x, 4); },
                          "topk: selected index k out of range; k is 4, the size of dimension 1 is 3");
  check_error<IndexError>([&] { topk(x, -1); }, "topk: selected index k out of range");
  check_error<IndexError>([&] { kthvalue(x, 0); }, "kthvalue: selected number k out of range for dimension 1; k is 0");
}

BOOST_AUTO_TEST_CASE(medians_are_the_lower_of_two_middle_elements) {
  check_values(median(tensor({4, 1, 3, 2})), {2});
  check_values(median(tensor({{4, 1, 3}, {2, 6, 2}}), 1).first, {3, 2});
  check_values(median(tensor({{4, 1, 3}, {2, 6, 2}}), 1).second, {2, 0});
  check_values(median(tensor(7.0), 0).first, {7});
}

BOOST_AUTO_TEST_CASE(unique_gives_values_places_and_counts) {
  const Tensor x = tensor({{3, 1}, {3, 2}});
  const UniqueResult u = unique(x);
  check_values(u.values, {1, 2, 3});
  check_values(u.counts, {1, 1, 2});
  BOOST_TEST((u.inverse.shape() == Shape{2, 2}));
  BOOST_TEST(equal(u.values.index_select(0, u.inverse.flatten()).view({2, 2}), x));
  BOOST_TEST(unique(f64({not_a_number, not_a_number, 1})).values.numel() == 3);
  BOOST_TEST(unique(zeros({0})).values.numel() == 0);
}

BOOST_AUTO_TEST_SUITE_END()
