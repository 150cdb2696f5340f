#include "slope/autograd/tensor/random.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "slope/autograd/core/parallel.h"

namespace {

using namespace slope;
using std::int64_t;
using Doubles = std::vector<double>;

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

/// Runs `f(gen)`, which must throw E with `part` in its text, name this file, and leave the generator where it was.
template <class E, class F>
void check_throws(const std::string& part, const F& f) {
  Generator gen(3);
  try {
    f(gen);
    BOOST_ERROR("nothing was thrown where \"" << part << "\" was expected");
  } catch (const E& e) {
    const std::string text = e.what();
    BOOST_TEST_CONTEXT(text) {
      BOOST_CHECK(text.find(part) != std::string::npos);
      BOOST_CHECK(text.find("random_test.cpp:") != std::string::npos);
    }
  }
  BOOST_CHECK(gen == Generator(3));
}

struct Moments {
  double mean = 0, variance = 0;
  explicit Moments(const Tensor& t) {
    const Doubles v = t.to_vector<double>();
    for (double x : v) mean += x / static_cast<double>(v.size());
    for (double x : v) variance += (x - mean) * (x - mean) / static_cast<double>(v.size());
  }
};

void check_near(double got, double want, double tolerance) { BOOST_TEST(std::fabs(got - want) <= tolerance); }

}  // namespace

BOOST_AUTO_TEST_SUITE(random_tensors)

BOOST_AUTO_TEST_CASE(rand_is_uniform_below_one) {
  for (DType dtype : {float32, float64}) {
    Generator gen(1);
    const Tensor t = rand({100, 1000}, {.dtype = dtype}, gen);
    BOOST_CHECK(t.dtype() == dtype);
    BOOST_CHECK(t.shape() == (Shape{100, 1000}));
    const Doubles v = t.to_vector<double>();
    BOOST_TEST(*std::min_element(v.begin(), v.end()) >= 0.0);
    BOOST_TEST(*std::max_element(v.begin(), v.end()) < 1.0);
    const Moments m(t);
    check_near(m.mean, 0.5, 0.005);
    check_near(m.variance, 1.0 / 12, 0.002);
  }
}

BOOST_AUTO_TEST_CASE(randn_is_standard_normal) {
  for (DType dtype : {float32, float64}) {
    Generator gen(2);
    const Tensor t = randn({100000}, {.dtype = dtype}, gen);
    const Moments m(t);
    check_near(m.mean, 0, 0.02);
    check_near(m.variance, 1, 0.03);
    const Doubles v = t.to_vector<double>();
    const auto inside = std::count_if(v.begin(), v.end(), [](double x) { return std::fabs(x) < 1; });
    check_near(static_cast<double>(inside) / 100000, 0.6827, 0.01);
  }
}

BOOST_AUTO_TEST_CASE(the_same_seed_gives_the_same_tensors) {
  const auto draw = [] {
    manual_seed(123);
    Doubles all;
    for (const Tensor& t : {rand({7}), randn({3, 5}), randint(100, {9}), randperm(13), bernoulli(full({11}, 0.5)),
                            multinomial(ones({4, 6}), 3), normal(arange(5.0), 2.0), normal(1, 2, {4})}) {
      const Doubles v = t.to_vector<double>();
      all.insert(all.end(), v.begin(), v.end());
    }
    return all;
  };
  const Doubles first = draw();
  BOOST_TEST(first == draw(), boost::test_tools::per_element());
  manual_seed(124);
  BOOST_TEST(rand({7}).to_vector<double>() != Doubles(first.begin(), first.begin() + 7));
}

BOOST_AUTO_TEST_CASE(sizes_may_stand_without_braces) {
  const auto same = [](const Tensor& a, const Tensor& b) {
    BOOST_CHECK(a.dtype() == b.dtype() && a.shape() == b.shape());
    BOOST_TEST(a.to_vector<double>() == b.to_vector<double>());
  };
  const auto fresh = []() -> Generator& {
    static Generator gen(0);
    gen = Generator(11);
    return gen;
  };
  const TensorOptions wide{.dtype = float64};
  same(randn(5, wide, fresh()), randn({5}, wide, fresh()));
  same(randn(2, 3, wide, fresh()), randn({2, 3}, wide, fresh()));
  same(randn(2, 3, 1, wide, fresh()), randn({2, 3, 1}, wide, fresh()));
  same(randn(2, 3, 1, 2, wide, fresh()), randn({2, 3, 1, 2}, wide, fresh()));
  same(rand(5, {}, fresh()), rand({5}, {}, fresh()));
  same(rand(2, 3, {}, fresh()), rand({2, 3}, {}, fresh()));
  same(rand(2, 3, 1, {}, fresh()), rand({2, 3, 1}, {}, fresh()));
  same(rand(2, 3, 1, 2, {}, fresh()), rand({2, 3, 1, 2}, {}, fresh()));
  BOOST_CHECK(randn(32).shape() == Shape{32} && rand(4, 2, {.requires_grad = true}).requires_grad());
  check_throws<ShapeError>("negative dimension -1: [2, -1]", [](Generator& gen) { (void)randn(2, -1, {}, gen); });
  check_throws<ShapeError>("negative dimension -1: [-1]", [](Generator& gen) { (void)rand(-1, {}, gen); });
}

BOOST_AUTO_TEST_CASE(an_own_generator_leaves_the_default_one_alone) {
  manual_seed(5);
  const Generator before = default_generator();
  Generator own(9), again(9);
  const Doubles a = randn({10}, {}, own).to_vector<double>(), b = randn({10}, {}, own).to_vector<double>();
  BOOST_TEST(a != b);
  BOOST_TEST(randn({10}, {}, again).to_vector<double>() == a);
  BOOST_CHECK(default_generator() == before);
}

BOOST_AUTO_TEST_CASE(results_do_not_depend_on_the_thread_count) {
  const int before = get_num_threads();
  std::vector<Doubles> all;
  for (int threads : {1, 2, 5}) {
    set_num_threads(threads);
    Generator gen(11);
    Doubles v = randn({300'001}, {}, gen).to_vector<double>();
    const Doubles w = normal(rand({200'003}, {.dtype = float64}, gen), 0.5, gen).to_vector<double>();
    v.insert(v.end(), w.begin(), w.end());
    all.push_back(v);
  }
  set_num_threads(before);
  BOOST_CHECK(all[0] == all[1]);
  BOOST_CHECK(all[0] == all[2]);
}

BOOST_AUTO_TEST_CASE(like_forms_take_shape_and_dtype) {
  const Tensor t = zeros({3, 4}, {.dtype = float64});
  BOOST_CHECK(rand_like(t).dtype() == float64);
  BOOST_CHECK(randn_like(t).shape() == t.shape());
  BOOST_CHECK(randn_like(t, {.dtype = float32}).dtype() == float32);
  BOOST_CHECK(rand_like(tensor({1, 2}), {.dtype = float32}).dtype() == float32);
  BOOST_CHECK(randint_like(t, 2, 4).dtype() == float64);
  BOOST_CHECK(randint_like(tensor({true}), 0, 2).dtype() == boolean);
  BOOST_TEST(randn_like(t, {.requires_grad = true}).requires_grad());
  check_throws<DTypeError>("rand_like: the result must have a floating dtype, got int64",
                           [](Generator& gen) { rand_like(tensor({1, 2}), {}, gen); });
}

BOOST_AUTO_TEST_CASE(randint_covers_its_range_evenly) {
  Generator gen(4);
  const Tensor t = randint(-2, 3, {50000}, {}, gen);
  BOOST_CHECK(t.dtype() == slope::int64);
  std::vector<int> counts(5);
  for (int64_t v : t.to_vector<int64_t>()) {
    BOOST_REQUIRE(v >= -2);
    BOOST_REQUIRE(v < 3);
    ++counts[static_cast<std::size_t>(v + 2)];
  }
  for (int c : counts) check_near(c, 10000, 400);
  BOOST_CHECK(randint(7, {2, 3}).shape() == (Shape{2, 3}));
  BOOST_CHECK(randint(7, {2}, {.dtype = float32, .requires_grad = true}).requires_grad());
  const std::vector<bool> flags = randint(2, {1000}, {.dtype = boolean}, gen).to_vector<bool>();
  check_near(static_cast<double>(std::count(flags.begin(), flags.end(), true)), 500, 80);
  BOOST_TEST(randint(5, 6, {3}).to_vector<int64_t>() == (std::vector<int64_t>{5, 5, 5}));
}

BOOST_AUTO_TEST_CASE(randperm_is_a_permutation) {
  Generator gen(6);
  const std::vector<int64_t> v = randperm(1000, {}, gen).to_vector<int64_t>();
  BOOST_TEST(std::set<int64_t>(v.begin(), v.end()).size() == 1000u);
  BOOST_TEST(*std::min_element(v.begin(), v.end()) == 0);
  BOOST_TEST(*std::max_element(v.begin(), v.end()) == 999);
  BOOST_TEST(!std::is_sorted(v.begin(), v.end()));
  BOOST_TEST(randperm(0).numel() == 0);
  BOOST_CHECK(randperm(3, {.dtype = float64}).dtype() == float64);
}

BOOST_AUTO_TEST_CASE(bernoulli_honours_each_probability) {
  Generator gen(8);
  const Tensor certain = bernoulli(tensor({0.0, 1.0, 0.0, 1.0}), gen);
  BOOST_TEST(certain.to_vector<float>() == (std::vector<float>{0, 1, 0, 1}));
  const Tensor t = bernoulli(full({20000}, 0.3, {.dtype = float64}), gen);
  BOOST_CHECK(t.dtype() == float64);
  check_near(Moments(t).mean, 0.3, 0.015);
  float grid[6] = {0, 0, 0, 1, 1, 1};
  BOOST_TEST(bernoulli(from_blob(grid, {3, 2}, {1, 3}), gen).to_vector<float>() ==
             (std::vector<float>{0, 1, 0, 1, 0, 1}));
  BOOST_TEST(!bernoulli(full({2}, 0.5, {.requires_grad = true}), gen).requires_grad());
}

BOOST_AUTO_TEST_CASE(normal_broadcasts_its_moments) {
  Generator gen(10);
  BOOST_CHECK(normal(zeros({0, 3}), 1.0, gen).shape() == (Shape{0, 3}));
  const Tensor exact = normal(tensor({{1.0}, {2.0}}), tensor({0.0, 0.0, 0.0}), gen);
  BOOST_CHECK(exact.shape() == (Shape{2, 3}));
  BOOST_TEST(exact.to_vector<float>() == (std::vector<float>{1, 1, 1, 2, 2, 2}));
  const Tensor spread = normal(3.0, full({20000}, 2.0, {.dtype = float64}), gen);
  BOOST_CHECK(spread.dtype() == float64);
  check_near(Moments(spread).mean, 3, 0.06);
  check_near(Moments(spread).variance, 4, 0.16);
  const Tensor plain = normal(-1, 0.5, {20000}, {}, gen);
  BOOST_CHECK(plain.dtype() == float32);
  check_near(Moments(plain).mean, -1, 0.02);
  check_near(Moments(plain).variance, 0.25, 0.01);
}

BOOST_AUTO_TEST_CASE(multinomial_draws_in_proportion_to_the_weights) {
  Generator gen(12);
  const Tensor t = multinomial(tensor({0.0, 1.0, 3.0}), 20000, true, gen);
  BOOST_CHECK(t.dtype() == slope::int64);
  std::vector<int> counts(3);
  for (int64_t c : t.to_vector<int64_t>()) ++counts[static_cast<std::size_t>(c)];
  BOOST_TEST(counts[0] == 0);
  check_near(counts[1], 5000, 250);
  const Tensor rows = multinomial(tensor({{1.0, 1.0, 0.0}, {0.0, 1.0, 1.0}}), 2, false, gen);
  BOOST_CHECK(rows.shape() == (Shape{2, 2}));
  const auto v = rows.to_vector<int64_t>();
  BOOST_CHECK((std::set<int64_t>{v[0], v[1]} == std::set<int64_t>{0, 1}));
  BOOST_CHECK((std::set<int64_t>{v[2], v[3]} == std::set<int64_t>{1, 2}));
  double grid[4] = {1, 0, 0, 1};
  BOOST_TEST(multinomial(from_blob(grid, {2, 2}, {1, 2}), 1, false, gen).to_vector<int64_t>() ==
             (std::vector<int64_t>{0, 1}));
  BOOST_CHECK(multinomial(zeros({0, 3}), 2, true, gen).shape() == (Shape{0, 2}));
}

BOOST_AUTO_TEST_CASE(bad_arguments_throw_before_anything_is_drawn) {
  const auto grad = TensorOptions{.requires_grad = true};
  check_throws<DTypeError>("rand: the result must have a floating dtype, got int64",
                           [](Generator& g) { rand({2}, {.dtype = slope::int64}, g); });
  check_throws<ShapeError>("randn: trying to create a tensor with negative dimension",
                           [](Generator& g) { randn({-1}, {}, g); });
  check_throws<AutogradError>("only floating point tensors can require grad",
                              [&](Generator& g) { randint(3, {2}, grad, g); });
  check_throws<AutogradError>("only floating point tensors can require grad",
                              [&](Generator& g) { randperm(3, grad, g); });
  check_throws<ValueError>("randint: the range [lo, hi) is empty", [](Generator& g) { randint(3, 3, {2}, {}, g); });
  check_throws<ValueError>("float32 cannot hold every integer from 0 to 16777217",
                           [](Generator& g) { randint(16777218, {2}, {.dtype = float32}, g); });
  check_throws<ValueError>("bool cannot hold every integer from 0 to 2",
                           [](Generator& g) { randint(3, {2}, {.dtype = boolean}, g); });
  check_throws<ValueError>("randperm: n must not be negative", [](Generator& g) { randperm(-1, {}, g); });
  check_throws<ValueError>("bernoulli: ", [](Generator& g) { bernoulli(tensor({0.5, 1.5}), g); });
  check_throws<ValueError>("bernoulli: ", [](Generator& g) { bernoulli(tensor({0.5, nan_value}), g); });
  check_throws<DTypeError>("bernoulli: the probabilities must have a floating dtype",
                           [](Generator& g) { bernoulli(tensor({0, 1}), g); });
  check_throws<ValueError>("standard deviation must be >= 0, but one is -1",
                           [](Generator& g) { normal(0.0, tensor({1.0, -1.0}), g); });
  check_throws<ValueError>("standard deviation must be >= 0", [](Generator& g) { normal(0, nan_value, {2}, {}, g); });
  check_throws<ShapeError>("must match the size of tensor b", [](Generator& g) { normal(zeros({2}), ones({3}), g); });
  check_throws<DTypeError>("mean must have a floating dtype", [](Generator& g) { normal(tensor({1, 2}), 1.0, g); });
  check_throws<ShapeError>("weights must be 1-d or 2-d, got shape []",
                           [](Generator& g) { multinomial(tensor(1.0), 1, true, g); });
  check_throws<ValueError>("row 1 has -1 for category 0",
                           [](Generator& g) { multinomial(tensor({{1.0, 1.0}, {-1.0, 1.0}}), 1, true, g); });
  check_throws<ValueError>("row 0 sums to 0", [](Generator& g) { multinomial(tensor({0.0, 0.0}), 1, true, g); });
  check_throws<ValueError>("cannot draw 2 different categories from row 0, which has 1 positive weight",
                           [](Generator& g) { multinomial(tensor({0.0, 1.0}), 2, false, g); });
  check_throws<ValueError>("the number of samples must be positive, got 0",
                           [](Generator& g) { multinomial(tensor({1.0}), 0, true, g); });
}

BOOST_AUTO_TEST_SUITE_END()
