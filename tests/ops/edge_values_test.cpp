// Values and derivatives at the edges of the number types.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <functional>
#include <limits>

#include "slope/autograd.h"
#include "slope/gradcheck.h"
#include "slope/nn.h"
#include "slope/pointwise.h"

using namespace slope;
namespace F = slope::nn::functional;

BOOST_AUTO_TEST_SUITE(values_at_the_edges)

namespace {

constexpr double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();

bool same(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) return false;
  const auto x = a.to_vector<double>(), y = b.to_vector<double>();
  for (std::size_t i = 0; i < x.size(); ++i)
    if (!(x[i] == y[i] || (std::isnan(x[i]) && std::isnan(y[i])))) return false;
  return true;
}

template <class F>
std::string error_of(const F& f) {
  try {
    (void)f();
  } catch (const Error& e) {
    return e.what();
  }
  return "nothing thrown";
}

/// The derivative of f at x in this dtype.
template <class F>
double slope_at(const F& f, double x, DType dtype = float32) {
  const Tensor t = full({}, x, {.dtype = dtype, .requires_grad = true});
  f(t).backward();
  return t.grad().item();
}

}  // namespace

BOOST_AUTO_TEST_CASE(integers_and_numbers_are_added_with_a_factor) {
  BOOST_TEST(same(add(tensor({1, 2}), 2, 3), tensor({7, 8})));
  BOOST_TEST(same(sub(tensor({1, 2}), 2, 3), tensor({-5, -4})));
  BOOST_TEST(same(add(tensor({true, false}), 2, 3), tensor({7, 6})));
  BOOST_TEST(same(sub(tensor({true, false}), 2, 3), tensor({-5, -6})));
  BOOST_TEST(same(add(5, tensor({1, 2}), 3), tensor({8, 11})));
  BOOST_TEST(same(sub(5, tensor({1, 2}), 3), tensor({2, -1})));
  BOOST_TEST(same(add(tensor({1, 2}), tensor({true, false}), 3), tensor({4, 2})));
  BOOST_TEST(same(add(tensor({1, 2}), 2.5, 2), tensor({6.0, 7.0})));
  BOOST_TEST(same(tensor({1, 2}).add(2, 3), tensor({7, 8})));
  const Tensor x = tensor({1, 2});
  x.add_(2, 3);
  BOOST_TEST(same(x, tensor({7, 8})));
  x.sub_(2, 3);
  BOOST_TEST(same(x, tensor({1, 2})));
  BOOST_TEST(same(add(tensor({1}), std::int64_t{1} << 62, 4), tensor({1})));  // wraps around
  BOOST_TEST(same(sub(tensor({0}), tensor({1}), INT64_MIN), tensor({INT64_MIN})));
  BOOST_TEST(same(add(tensor({true, false}), true, 0), tensor({true, false})));
  BOOST_TEST(same(add(tensor({true, false}), tensor({true, true}), 0), tensor({true, false})));
  BOOST_TEST(same(fma(2, 3, tensor({1, 2})), tensor({7, 8})));
  BOOST_TEST(same(fma(2, 0.5, tensor({1.0, 2.0})), tensor({2.0, 3.0})));
  for (const Tensor& t : {tensor({1, 2}), tensor({true, false})})
    BOOST_TEST(error_of([&] {
                 return add(t, true, 0.5);
               }).starts_with("add: for integral tensors, alpha must not be a floating point number (tests/"));
  BOOST_TEST(error_of([&] {
               return sub(tensor({1}), 2, 0.5);
             }).starts_with("sub: for integral tensors, alpha must not be a floating point number (tests/"));
}

BOOST_AUTO_TEST_CASE(lerp_reaches_both_of_its_ends) {
  for (DType dtype : {float32, float64}) {
    const auto t = [&](double v) { return full({2}, v, {.dtype = dtype}); };
    for (const auto& [start, end] : std::vector<std::pair<double, double>>{
             {1e8, 1.0}, {1.0, 1e8}, {inf, 1.0}, {1.0, inf}, {-inf, inf}, {1e20, -3.0}, {0.1, 0.7}}) {
      BOOST_TEST(same(lerp(t(start), t(end), 1), t(end)), start << " to " << end);
      BOOST_TEST(same(lerp(t(start), t(end), 0), t(start)), start << " to " << end);
      const Tensor x = t(start);
      x.lerp_(t(end), 1);
      BOOST_TEST(same(x, t(end)), start << " to " << end << ", in place");
    }
  }
  BOOST_TEST(same(lerp(tensor({1.0, 2.0}), tensor({3.0, 6.0}), 0.25), tensor({1.5, 3.0})));
  BOOST_TEST(same(lerp(tensor({1.0, 2.0}), tensor({3.0, 6.0}), 2), tensor({5.0, 10.0})));
}

BOOST_AUTO_TEST_CASE(numbers_that_no_integer_can_hold_are_refused_everywhere) {
  const Tensor x = tensor({{1, 2}, {3, 4}}), at = tensor({0});
  for (double v : {1e30, -1e30, nan, inf, -inf, 0x1p63}) {
    const std::string value = to_text(v), refused = ": the value " + value + " cannot be converted to int64";
    BOOST_TEST(error_of([&] { return full({2}, v, {.dtype = int64}); }).starts_with("full" + refused));
    BOOST_TEST(error_of([&] { return full_like(x, v); }).starts_with("full_like" + refused));
    BOOST_TEST(error_of([&] { return scalar_tensor(v, {.dtype = int64}); }).starts_with("scalar_tensor" + refused));
    BOOST_TEST(error_of([&] { return tensor({v}, {.dtype = int64}); }).starts_with("tensor" + refused));
    BOOST_TEST(error_of([&] { return arange(v, v, 1, {.dtype = int64}); }).starts_with("arange" + refused));
    BOOST_TEST(error_of([&] { return linspace(v, 1, 2, {.dtype = int64}); }).starts_with("linspace" + refused));
    BOOST_TEST(error_of([&] { return x.fill_(v); }).starts_with("fill_" + refused + " (tests/"),
               error_of([&] { return x.fill_(v); }));
    BOOST_TEST(error_of([&] { return F::pad(x, {1, 1}, {.value = v}); }).starts_with("pad" + refused + " (tests/"));
    const Tensor real = tensor({v}, {.dtype = float64});
    const std::string too_large = "item: the value " + value + " does not fit into an integer from ";
    BOOST_TEST(error_of([&] { (void)real.item<std::int64_t>(); }).starts_with(too_large + "-9223372036854775808"));
    BOOST_TEST(error_of([&] { (void)real.item<int>(); }).starts_with(too_large + "-2147483648 to 2147483647 (tests/"));
  }
  // A floating number is of a higher kind than int64, whatever its value.
  BOOST_CHECK_THROW(x.masked_fill_(x > 1, 1e30), DTypeError);
  BOOST_CHECK_THROW(x.index_fill_(0, at, 1e30), DTypeError);
  BOOST_CHECK_THROW(x.index_put_({at}, 1e30), DTypeError);
  BOOST_CHECK_THROW(x.scatter_(0, tensor({{0}}), 1e30), DTypeError);
  BOOST_TEST(same(x, tensor({{1, 2}, {3, 4}})));
  BOOST_TEST(x.version() == 0u);
  x.fill_(-2.75);
  BOOST_TEST(same(x, tensor({{-2, -2}, {-2, -2}})));
  BOOST_TEST(error_of([] {
               return (void)tensor({std::int64_t{1} << 40}).item<int>();
             }).starts_with("item: the value 1099511627776 does not fit into an integer from -2147483648"));
  BOOST_TEST(tensor({std::int64_t{1} << 40}).item<std::int64_t>() == std::int64_t{1} << 40);
  BOOST_TEST(tensor({200}).item<unsigned char>() == 200);
  BOOST_CHECK_THROW((void)tensor({-1}).item<unsigned>(), ValueError);
  BOOST_TEST(error_of([] {
               return full({1}, ~std::uint64_t{0});
             }).starts_with("the number 18446744073709551615 is beyond int64; write it as a floating-point number"));
  // In bool tensors every number but 0 is true.
  const Tensor b = tensor({true, false});
  b.fill_(nan);
  BOOST_TEST(same(b, tensor({true, true})));
}

BOOST_AUTO_TEST_CASE(numbers_beyond_float32_are_refused_everywhere) {
  const Tensor x = tensor({{1.F, 2.F}, {3.F, 4.F}}), at = tensor({0});
  const std::string refused = ": the value 1e+300 is beyond the range of float32";
  BOOST_TEST(error_of([&] { return full({2}, 1e300); }).starts_with("full" + refused));
  BOOST_TEST(error_of([&] { return x.fill_(1e300); }).starts_with("fill_" + refused));
  BOOST_TEST(error_of([&] { return x.masked_fill_(x > 1, 1e300); }).starts_with("masked_fill_" + refused));
  BOOST_TEST(error_of([&] { return x.masked_fill(x > 1, 1e300); }).starts_with("masked_fill" + refused));
  BOOST_TEST(error_of([&] { return x.index_fill_(0, at, 1e300); }).starts_with("index_fill_" + refused));
  BOOST_TEST(error_of([&] { return x.index_put_({at}, 1e300); }).starts_with("index_put_" + refused));
  BOOST_TEST(error_of([&] { return x.scatter_(0, tensor({{0}}), 1e300); }).starts_with("scatter_" + refused));
  BOOST_TEST(error_of([&] { return F::pad(x, {1, 1}, {.value = 1e300}); }).starts_with("pad" + refused));
  BOOST_TEST(same(x, tensor({{1.F, 2.F}, {3.F, 4.F}})));
  x.fill_(inf);
  BOOST_TEST(same(x, full({2, 2}, inf)));
}

BOOST_AUTO_TEST_CASE(clamp_at_nan_has_no_derivative) {
  for (int who : {0, 1, 2}) {  // x, the lower and the upper bound
    std::vector<Tensor> in = {tensor({0.5, 2.0, -3.0}), tensor({-1.0, -1.0, -1.0}), tensor({1.0, 1.0, 1.0})};
    in[static_cast<std::size_t>(who)].fill_(nan);
    for (Tensor& t : in) t.requires_grad_();
    const Tensor y = clamp(in[0], in[1], in[2]);
    BOOST_TEST(same(y.detach(), full({3}, nan, {.dtype = float64}).to(y.dtype())), who);
    y.sum().backward();
    for (const Tensor& t : in) BOOST_TEST(same(t.grad(), zeros_like(t.detach())), who << ": " << t.grad());
  }
  const Tensor x = tensor({0.5, 2.0, -3.0, 1.0}, {.requires_grad = true}),
               lo = full({4}, -1.0, {.requires_grad = true}), hi = full({4}, 1.0, {.requires_grad = true});
  const Tensor y = clamp(x, lo, hi);
  y.sum().backward();
  BOOST_TEST(same(y.detach(), tensor({0.5, 1.0, -1.0, 1.0})));
  BOOST_TEST(same(x.grad(), tensor({1.0, 0.0, 0.0, 1.0})));
  BOOST_TEST(same(lo.grad(), tensor({0.0, 0.0, 1.0, 0.0})));
  BOOST_TEST(same(hi.grad(), tensor({0.0, 1.0, 0.0, 0.0})));
  BOOST_TEST(same(clamp(tensor({1, 5, 9}), tensor({2, 2, 2}), tensor({7, 7, 7})), tensor({2, 5, 7})));
  const Tensor t = tensor({nan, 1.0}, {.requires_grad = true});
  clamp(t, -1.0, 2.0).sum().backward();
  BOOST_TEST(same(t.grad(), tensor({0.0, 1.0})));
}

BOOST_AUTO_TEST_CASE(derivatives_are_right_where_squares_overflow_and_underflow) {
  struct Row {
    const char* name;
    std::function<Tensor(const Tensor&)> f;
    double x, expected;
    DType dtype = float32;
  };
  const auto atan2_of = [](const Tensor& t) { return atan2(t, t.detach()); };
  const auto atan2_by = [](const Tensor& t) { return atan2(t.detach(), t); };
  const auto log10_of = [](const Tensor& t) { return log10(t); };
  const auto log2_of = [](const Tensor& t) { return log2(t); };
  const Row rows[] = {
      {"atan2", atan2_of, 1e25, 0.5e-25},
      {"atan2", atan2_of, 1e-30, 0.5e30},
      {"atan2", atan2_of, -1e25, -0.5e-25},
      {"atan2 by its second", atan2_by, 1e25, -0.5e-25},
      {"atan2 by its second", atan2_by, 1e-30, -0.5e30},
      {"atan2", atan2_of, 1e200, 0.5e-200, float64},
      {"atan2", atan2_of, 1e-200, 0.5e200, float64},
      {"atan2", [](const Tensor& t) { return atan2(t, 1e30); }, 1e-30, 1e-30},
      {"atan2", [](const Tensor& t) { return atan2(t, -1e30); }, 1e30, -0.5e-30},
      {"atan2", [](const Tensor& t) { return atan2(t, 1.0); }, inf, 0},
      {"atan2", [](const Tensor& t) { return atan2(2.0, t); }, 3, -2.0 / 13},
      {"asinh", [](const Tensor& t) { return asinh(t); }, 1e30, 1e-30},
      {"asinh", [](const Tensor& t) { return asinh(t); }, -1e30, 1e-30},
      {"asinh", [](const Tensor& t) { return asinh(t); }, 1e200, 1e-200, float64},
      {"acosh", [](const Tensor& t) { return acosh(t); }, 1e30, 1e-30},
      {"acosh", [](const Tensor& t) { return acosh(t); }, 1e200, 1e-200, float64},
      {"acosh", [](const Tensor& t) { return acosh(t); }, 1.0009765625, 22.6218951},
      {"asin", [](const Tensor& t) { return asin(t); }, 0.9999999403953552, 2896.3095},
      {"acos", [](const Tensor& t) { return acos(t); }, 0.9999999403953552, -2896.3095},
      {"atanh", [](const Tensor& t) { return atanh(t); }, 0.9999999403953552, 8388608.25},
      {"atan", [](const Tensor& t) { return atan(t); }, 1e19, 1e-38},
      {"atan", [](const Tensor& t) { return atan(t); }, 1e154, 1e-308, float64},
      {"atan", [](const Tensor& t) { return atan(t); }, 1e155, 1e-310, float64},
      {"log10", log10_of, 3e38, 1 / (3e38 * std::log(10))},
      {"log10", log10_of, 2e-39, 1 / (2e-39 * std::log(10))},
      {"log2", log2_of, 3e38, 1 / (3e38 * std::log(2))},
  };
  for (const Row& r : rows)
    BOOST_TEST(slope_at(r.f, r.x, r.dtype) == r.expected,
               boost::test_tools::tolerance(std::abs(r.expected) < 1e-37 && r.dtype == float32 ? 1e-5 : 3e-7));
}

BOOST_AUTO_TEST_CASE(tanh_and_sigmoid_keep_their_tails_where_value_and_derivative_are_computed_together) {
  const auto fused_sigmoid = pointwise([](auto x) { return sigmoid(x); });
  const auto fused_tanh = pointwise([](auto x) { return tanh(x); });
  for (DType dtype : {float32, float64})
    for (double x : {-60.0, -20.0, -9.5, -1.0, -1e-3, 0.0, 1e-3, 0.5, 1.0, 5.0, 9.5, 20.0, 40.0}) {
      const double e = std::exp(-std::abs(x)), s = e / ((1 + e) * (1 + e));
      const double d = std::exp(-2 * std::abs(x)), t = 4 * d / ((1 + d) * (1 + d));
      const auto tolerance = boost::test_tools::tolerance(dtype == float32 ? 1e-6 : 1e-14);
      BOOST_TEST(slope_at([&](const Tensor& v) { return fused_sigmoid.sum(v); }, x, dtype) == s, tolerance);
      BOOST_TEST(slope_at([&](const Tensor& v) { return fused_tanh.sum(v); }, x, dtype) == t, tolerance);
    }
  // Of the value alone nothing is left to tell.
  BOOST_TEST(slope_at([](const Tensor& v) { return sigmoid(v); }, 20.0) == 0);
  BOOST_TEST(slope_at([](const Tensor& v) { return tanh(v); }, 9.5) == 0);
}

BOOST_AUTO_TEST_CASE(logsumexp_of_equal_numbers_shares_its_gradient_however_large_they_are) {
  for (DType dtype : {float32, float64})
    for (double a : {0.0, 1e3, 1e4, 1e6, 1e8, -1e8, 1e30}) {
      for (bool record : {false, true}) {
        const Tensor x = full({2, 3}, a, {.dtype = dtype, .requires_grad = true});
        const auto g = autograd::grad({logsumexp(x, 1).sum()}, {x}, {.create_graph = record})[0].detach();
        BOOST_TEST(allclose(g, full_like(x.detach(), 1.0 / 3), 1e-7, 0), a << ": " << g.to_string());
      }
    }
  const Tensor x = tensor({{-inf, -inf}, {-inf, 2.0}}, {.dtype = float64, .requires_grad = true});
  logsumexp(x, 1).sum().backward();
  BOOST_TEST(same(x.grad(), tensor({{0.0, 0.0}, {0.0, 1.0}}, {.dtype = float64})));
}

BOOST_AUTO_TEST_CASE(norms_of_nothing_are_zero) {
  for (DType dtype : {float32, float64})
    for (double p : {0.0, 0.5, 1.0, 1.5, 2.0, 3.0}) {
      BOOST_TEST(norm(zeros({0}, {.dtype = dtype}), p).item() == 0, p << " " << dtype);
      BOOST_TEST(same(norm(zeros({2, 0}, {.dtype = dtype}), p, {1}), zeros({2}, {.dtype = dtype})));
      BOOST_TEST(vector_norm(zeros({0}, {.dtype = dtype}), p).item() == 0);
      const Tensor x = zeros({0}, {.dtype = dtype, .requires_grad = true});
      norm(x, p).backward();
      BOOST_TEST((x.grad().shape() == Shape{0}));
    }
  BOOST_TEST(matrix_norm(zeros({0, 0}, {.dtype = float64})).item() == 0);
}

BOOST_AUTO_TEST_CASE(values_that_were_overwritten_get_no_gradient) {
  const auto g = tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}});
  const Tensor x = zeros({2, 3}, {.dtype = g.dtype()}), at = tensor({1, 1});
  const auto gradient = [&](const auto& f, const Tensor& values) {
    const Tensor v = values.detach().clone().requires_grad_();
    (f(v) * g).sum().backward();
    return v.grad();
  };
  const Tensor rows = ones({2, 3}, {.dtype = g.dtype()});
  BOOST_TEST(same(gradient([&](const Tensor& v) { return index_put(x, {at}, v); }, rows),
                  tensor({{0.0, 0.0, 0.0}, {4.0, 5.0, 6.0}})));
  BOOST_TEST(same(gradient([&](const Tensor& v) { return index_copy(x, 0, at, v); }, rows),
                  tensor({{0.0, 0.0, 0.0}, {4.0, 5.0, 6.0}})));
  BOOST_TEST(same(gradient([&](const Tensor& v) { return scatter(x, 0, tensor({{0, 1, 1}, {0, 1, 0}}), v); }, rows),
                  tensor({{0.0, 0.0, 6.0}, {1.0, 5.0, 3.0}})));
  BOOST_TEST(same(gradient(
                      [&](const Tensor& v) {
                        const Tensor y = x.clone();
                        y.index_put_({at, tensor({2, 2})}, v);
                        return y;
                      },
                      ones({2}, {.dtype = g.dtype()})),
                  tensor({0.0, 6.0})));
  // One value for all positions is the sum of those that stayed.
  BOOST_TEST(same(gradient([&](const Tensor& v) { return index_put(x, {at}, v); }, ones({}, {.dtype = g.dtype()})),
                  tensor(15.0)));
  const Tensor wide = ones({2, 3}, {.dtype = float64, .requires_grad = true});
  const auto r = autograd::gradcheck(
      [&](const std::vector<Tensor>& in) { return index_put(zeros({2, 3}, {.dtype = float64}), {at}, in[0]); }, {wide});
  BOOST_TEST(r.ok, r.message);
}

BOOST_AUTO_TEST_CASE(pad_gives_memory_of_its_own) {
  for (F::PadMode mode : {F::PadMode::constant, F::PadMode::reflect, F::PadMode::replicate, F::PadMode::circular})
    for (const std::vector<std::int64_t>& pads : {std::vector<std::int64_t>{0, 0}, {}, {0, 0, 0, 0}}) {
      if (pads.empty() && mode != F::PadMode::constant) continue;  // which would say no dimension
      const Tensor x = tensor({{{1.0, 2.0}, {3.0, 4.0}}}, {.requires_grad = true});
      const Tensor y = F::pad(x, pads, {.mode = mode});
      BOOST_TEST(same(y.detach(), x.detach()));
      BOOST_TEST(!y.shares_storage(x));
      y.sum().backward();
      BOOST_TEST(same(x.grad(), ones_like(x.detach())));
    }
}

BOOST_AUTO_TEST_CASE(a_product_that_counts_nothing_is_not_read) {
  for (DType dtype : {float32, float64}) {
    const Tensor c = tensor({{1.0, 2.0}, {3.0, 4.0}}, {.dtype = dtype, .requires_grad = true});
    const Tensor a = full({2, 3}, nan, {.dtype = dtype, .requires_grad = true});
    const Tensor b = full({3, 2}, inf, {.dtype = dtype, .requires_grad = true});
    const Tensor y = addmm(c, a, b, {.beta = 2, .alpha = 0});
    BOOST_TEST(same(y.detach(), c.detach() * 2));
    y.sum().backward();
    BOOST_TEST(same(c.grad(), full_like(c.detach(), 2)));
    BOOST_TEST(same(a.grad(), zeros_like(a.detach())));
    BOOST_TEST(same(b.grad(), zeros_like(b.detach())));
    const Tensor row = c.detach()[0];
    BOOST_TEST(same(addmm(row, a.detach(), b.detach(), {.beta = 1, .alpha = 0}), row.expand({2, 2})));
    BOOST_TEST(same(addmm(c, a, b, {.beta = 0, .alpha = 0}).detach(), zeros_like(c.detach())));
    BOOST_TEST(same(addmv(row, full({2, 3}, nan, {.dtype = dtype}), zeros({3}, {.dtype = dtype}), {.alpha = 0}), row));
    const Tensor batch = a.detach().unsqueeze(0), right = b.detach().unsqueeze(0);
    BOOST_TEST(same(baddbmm(c.detach().unsqueeze(0), batch, right, {.alpha = 0}), c.detach().unsqueeze(0)));
  }
}

BOOST_AUTO_TEST_CASE(products_have_the_same_bits_in_every_layout) {
  Generator gen(7);
  for (DType dtype : {float32, float64}) {
    const auto spread = [&](const Tensor& t) {  // every third element of memory three times as long
      return stack({t, zeros_like(t), zeros_like(t)}, -1).select(-1, 0);
    };
    const auto layouts = [&](const Tensor& t) {
      std::vector<Tensor> all = {t, spread(t)};
      if (t.dim() == 2) {
        all.push_back(t.t().contiguous().t());
        all.push_back(spread(t.t()).t());
        all.push_back(cat({t, zeros_like(t)}, 1).narrow(1, 0, t.size(1)));
        all.push_back(cat({t.t(), zeros_like(t.t())}, 1).narrow(1, 0, t.size(0)).t());
      }
      return all;
    };
    for (std::int64_t n : {1, 7, 100, 513, 5'000, 70'001}) {
      const Tensor a = randn({n}, {.dtype = dtype}, gen), b = randn({n}, {.dtype = dtype}, gen);
      const Tensor expected = dot(a, b);
      for (const Tensor& x : layouts(a))
        for (const Tensor& y : layouts(b)) BOOST_TEST(same(dot(x, y), expected), "dot of " << n << " " << dtype);
    }
    struct Sizes {
      std::int64_t m, k, n;
    };
    for (const Sizes s :
         {Sizes{1, 300, 300}, Sizes{300, 300, 1}, Sizes{33, 1, 47}, Sizes{300, 70, 1}, Sizes{1, 1000, 257},
          Sizes{1, 5, 4000}, Sizes{12, 20, 9}, Sizes{50, 500, 30}, Sizes{100, 100, 20}}) {
      const Tensor a = randn({s.m, s.k}, {.dtype = dtype}, gen), b = randn({s.k, s.n}, {.dtype = dtype}, gen),
                   g = randn({s.m, s.n}, {.dtype = dtype}, gen);
      Tensor value, grad_a, grad_b;
      for (const Tensor& x : layouts(a))
        for (const Tensor& y : layouts(b))
          for (const Tensor& up : layouts(g)) {
            const Tensor left = x.detach().requires_grad_(), right = y.detach().requires_grad_();
            const Tensor product = mm(left, right);
            product.backward(up);
            if (!value.defined()) {
              value = product.detach();
              grad_a = left.grad();
              grad_b = right.grad();
              continue;
            }
            const auto title = concat("[", s.m, ", ", s.k, "] by [", s.k, ", ", s.n, "] ", dtype_name(dtype),
                                      " strides ", x.strides(), " ", y.strides(), " ", up.strides());
            BOOST_TEST(same(product.detach(), value), title);
            BOOST_TEST(same(left.grad(), grad_a), title << ": gradient of the first");
            BOOST_TEST(same(right.grad(), grad_b), title << ": gradient of the second");
          }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
