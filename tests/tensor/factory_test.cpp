#include "slope/autograd/tensor/factory.h"

#include <array>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <list>
#include <numeric>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "slope/autograd/core/parallel.h"
#include "slope/autograd/core/pool.h"

namespace {

using namespace slope;
using std::int64_t;
using Doubles = std::vector<double>;
using Integers = std::vector<int64_t>;

// A literal refers to numbers that die with its expression; text is not a range of numbers.
static_assert(!std::is_copy_constructible_v<Literal> && !std::is_copy_assignable_v<Literal>);
static_assert(detail::NumberRange<std::vector<float>> && detail::NumberRange<int[3]>);
static_assert(!detail::NumberRange<std::string> && !detail::NumberRange<std::vector<std::vector<float>>>);
static_assert(detail::NestedRange<std::vector<std::vector<float>>> && detail::NestedRange<int[2][3]>);
static_assert(!detail::NestedRange<std::vector<float>> && !detail::NestedRange<std::vector<std::string>>);
// A truth value or a fraction is no size.
template <class... Sizes>
concept MakesZeros = requires(Sizes... sizes) { zeros(sizes...); };
static_assert(MakesZeros<int, int64_t, unsigned, short> && !MakesZeros<int, bool> && !MakesZeros<double, int>);

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t int64_max = std::numeric_limits<int64_t>::max(), int64_min = std::numeric_limits<int64_t>::min();

struct RestoreDefaultDtype {
  DType before = default_dtype();
  ~RestoreDefaultDtype() { set_default_dtype(before); }
};

/// Runs `f`, which must throw E with `part` in its text and this file in it as the caller's.
template <class E, class F>
void check_throws(const std::string& part, const F& f) {
  try {
    f();
    BOOST_ERROR("nothing was thrown where \"" << part << "\" was expected");
  } catch (const E& e) {
    const std::string text = e.what();
    BOOST_TEST_CONTEXT(text) {
      BOOST_CHECK(text.find(part) != std::string::npos);
      BOOST_CHECK(text.find("factory_test.cpp:") != std::string::npos);
    }
  }
}

void check(const Tensor& t, DType dtype, const Shape& shape, const Doubles& values) {
  BOOST_CHECK(t.dtype() == dtype);
  BOOST_CHECK_MESSAGE(t.shape() == shape, "shape " << to_text(t.shape()) << " instead of " << to_text(shape));
  BOOST_CHECK(t.is_contiguous());
  BOOST_CHECK(!t.requires_grad());
  const Doubles got = t.to_vector<double>();
  BOOST_CHECK_EQUAL_COLLECTIONS(got.begin(), got.end(), values.begin(), values.end());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(factory)

BOOST_AUTO_TEST_CASE(literals_take_their_dtype_from_the_highest_category) {
  check(tensor(3.0), float32, {}, {3});
  check(tensor(3), slope::int64, {}, {3});
  check(tensor(true), boolean, {}, {1});
  check(tensor({1, 2, 3}), slope::int64, {3}, {1, 2, 3});
  check(tensor({1.5f, 2.5f}), float32, {2}, {1.5, 2.5});
  check(tensor({true, false}), boolean, {2}, {1, 0});
  check(tensor({true, 2}), slope::int64, {2}, {1, 2});
  check(tensor({1, 2.5}), float32, {2}, {1, 2.5});
  check(tensor({true, 2.5}), float32, {2}, {1, 2.5});
  RestoreDefaultDtype restore;
  set_default_dtype(float64);
  check(tensor({1.1f}), float64, {1}, {static_cast<double>(1.1f)});
  check(tensor({0.1}), float64, {1}, {0.1});
}

BOOST_AUTO_TEST_CASE(literals_nest_to_any_depth) {
  check(tensor({5}), slope::int64, {1}, {5});
  check(tensor({{5}}), slope::int64, {1, 1}, {5});
  check(tensor({{1, 2}}), slope::int64, {1, 2}, {1, 2});
  check(tensor({{10.0, 0.0, -10.0}, {8.0, 8.0, 8.0}}), float32, {2, 3}, {10, 0, -10, 8, 8, 8});
  check(tensor({{{1, 2}, {3, 4}}, {{5, 6}, {7, 8}}, {{9, 10}, {11, 12}}}), slope::int64, {3, 2, 2},
        {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  check(tensor({{{{{{{{1.0}, {2.0}}}}}}}}), float32, {1, 1, 1, 1, 1, 1, 2, 1}, {1, 2});
}

BOOST_AUTO_TEST_CASE(empty_literals_have_size_zero_dimensions) {
  check(tensor({}), float32, {0}, {});
  check(tensor({{}}), float32, {1, 0}, {});
  check(tensor({{}, {}}), float32, {2, 0}, {});
  check(tensor({}, {.dtype = boolean}), boolean, {0}, {});
}

BOOST_AUTO_TEST_CASE(a_ragged_literal_is_an_error_that_says_where) {
  check_throws<ShapeError>("ragged at dimension 1: [1] is a list of 3 items, but [0] is a list of 2 items",
                           [] { tensor({{1, 2}, {3, 4, 5}}); });
  check_throws<ShapeError>("ragged at dimension 1: [1] is a number, but [0] is a list of 1 item",
                           [] { tensor({{1}, 2}); });
  check_throws<ShapeError>("ragged at dimension 1: [1] is a list of 1 item, but [0] is a number",
                           [] { tensor({1, {2}}); });
  check_throws<ShapeError>("[1][0] is a list of 1 item, but [0][0] is a list of 2 items",
                           [] { tensor({{{1, 2}, {3, 4}}, {{5}, {6, 7}}}); });
  check_throws<ShapeError>("[1] is a list of 1 item, but [0] is a list of 0 items", [] { tensor({{}, {1}}); });
  check_throws<ShapeError>("at most 8 dimensions", [] { tensor({{{{{{{{{1}}}}}}}}}); });
}

BOOST_AUTO_TEST_CASE(the_dtype_option_converts_a_literal) {
  check(tensor({1, 2}, {.dtype = float64}), float64, {2}, {1, 2});
  check(tensor({1.9, -1.9}, {.dtype = slope::int64}), slope::int64, {2}, {1, -1});
  check(tensor({0.5, 0.0, nan_value}, {.dtype = boolean}), boolean, {3}, {1, 0, 1});
  BOOST_TEST(tensor({int64_max, int64_min}).to_vector<int64_t>() == (Integers{int64_max, int64_min}));
  BOOST_TEST(tensor(0.1, {.dtype = float64}).item() == 0.1);
  check_throws<ValueError>("nan cannot be converted to int64",
                           [] { tensor({1.0, nan_value}, {.dtype = slope::int64}); });
  check_throws<ValueError>("inf cannot be converted to int64", [] { tensor(inf, {.dtype = slope::int64}); });
  check_throws<ValueError>("cannot be converted to int64", [] { tensor(9.3e18, {.dtype = slope::int64}); });
}

BOOST_AUTO_TEST_CASE(ranges_keep_their_element_type) {
  check(tensor(std::vector<float>{1.5f, 2}), float32, {2}, {1.5, 2});
  check(tensor(Doubles{0.1, 2}), float64, {2}, {0.1, 2});
  check(tensor(Integers{1, -2}), slope::int64, {2}, {1, -2});
  check(tensor(std::vector<int>{1, -2}), slope::int64, {2}, {1, -2});
  check(tensor(std::vector<bool>{true, false, true}), boolean, {3}, {1, 0, 1});
  check(tensor(std::vector<unsigned char>{0, 255}), slope::int64, {2}, {0, 255});
  check(tensor(std::vector<double>{}), float64, {0}, {});
  const std::array<float, 3> fixed{1, 2, 3};
  check(tensor(fixed), float32, {3}, {1, 2, 3});
  const double plain[] = {4, 5};
  check(tensor(plain), float64, {2}, {4, 5});
  check(tensor(std::span<const float>(fixed).subspan(1)), float32, {2}, {2, 3});
  check(tensor(Doubles{2.7, -2.7}, {.dtype = slope::int64}), slope::int64, {2}, {2, -2});
  check(tensor(std::vector<bool>{true, false}, {.dtype = float32}), float32, {2}, {1, 0});
  check_throws<ValueError>("nan at position 1 cannot be converted to int64",
                           [] { tensor(Doubles{1, nan_value}, {.dtype = slope::int64}); });
  check_throws<ValueError>("at position 0 cannot be converted to int64",
                           [] { tensor(std::vector<std::uint64_t>{std::uint64_t{1} << 63}); });
}

BOOST_AUTO_TEST_CASE(a_tensor_of_a_range_is_a_copy) {
  std::vector<float> v{1, 2};
  const Tensor t = tensor(v);
  v[0] = 7;
  check(t, float32, {2}, {1, 2});
}

BOOST_AUTO_TEST_CASE(ranges_of_ranges_become_dimensions) {
  check(tensor(std::vector<Doubles>{{0.1, 2}, {3, 4}, {5, 6}}), float64, {3, 2}, {0.1, 2, 3, 4, 5, 6});
  check(tensor(std::vector<std::vector<float>>{{1.5f}, {2}}), float32, {2, 1}, {1.5, 2});
  check(tensor(std::vector<std::vector<int>>{{1, -2}}), slope::int64, {1, 2}, {1, -2});
  check(tensor(std::vector<std::vector<bool>>{{true, false}, {false, true}}), boolean, {2, 2}, {1, 0, 0, 1});
  check(tensor(std::vector<std::vector<Doubles>>{{{1}, {2}}, {{3}, {4}}, {{5}, {6}}}), float64, {3, 2, 1},
        {1, 2, 3, 4, 5, 6});
  const int plain[2][3] = {{1, 2, 3}, {4, 5, 6}};
  check(tensor(plain), slope::int64, {2, 3}, {1, 2, 3, 4, 5, 6});
  check(tensor(std::array<std::array<float, 2>, 2>{{{1, 2}, {3, 4}}}), float32, {2, 2}, {1, 2, 3, 4});
  check(tensor(std::list<Doubles>{{1, 2}, {3, 4}}), float64, {2, 2}, {1, 2, 3, 4});
  check(tensor(std::vector<Doubles>{{2.7, -2.7}}, {.dtype = slope::int64}), slope::int64, {1, 2}, {2, -2});
  BOOST_TEST(tensor(std::vector<Doubles>{{1}, {2}}, {.requires_grad = true}).requires_grad());
}

BOOST_AUTO_TEST_CASE(empty_ranges_of_ranges_have_the_dimensions_they_show) {
  check(tensor(std::vector<Doubles>{}), float64, {0}, {});
  check(tensor(std::vector<Doubles>{{}, {}}), float64, {2, 0}, {});
  check(tensor(std::vector<std::vector<Doubles>>{{{}}, {{}}}), float64, {2, 1, 0}, {});
}

BOOST_AUTO_TEST_CASE(ragged_ranges_are_refused) {
  check_throws<ShapeError>("tensor: the ranges at depth 1 differ in length: 2 and 3; all rows need one length",
                           [] { (void)tensor(std::vector<Doubles>{{1, 2}, {3, 4, 5}}); });
  check_throws<ShapeError>("depth 1 differ in length: 0 and 1", [] { (void)tensor(std::vector<Doubles>{{}, {1}}); });
  check_throws<ShapeError>("depth 2 differ in length: 2 and 1",
                           [] { (void)tensor(std::vector<std::vector<Doubles>>{{{1, 2}}, {{3}}}); });
  check_throws<ValueError>("nan at position 3 cannot be converted to int64",
                           [] { (void)tensor(std::vector<Doubles>{{0, 1}, {2, nan_value}}, {.dtype = slope::int64}); });
  using Three = std::vector<std::vector<Doubles>>;
  using Nine = std::vector<std::vector<std::vector<std::vector<std::vector<std::vector<Three>>>>>>;
  const Nine nine{{{{{{{{{1}}}}}}}}};
  check_throws<ShapeError>("at most 8 dimensions", [&] { (void)tensor(nine); });
}

BOOST_AUTO_TEST_CASE(sizes_may_stand_without_braces) {
  check(zeros(3), float32, {3}, {0, 0, 0});
  check(zeros(1, 2), float32, {1, 2}, {0, 0});
  check(ones(1, 1, 3), float32, {1, 1, 3}, {1, 1, 1});
  check(ones(1, 2, 1, 1, {.dtype = float64}), float64, {1, 2, 1, 1}, {1, 1});
  check(zeros(2, 0, {.dtype = boolean}), boolean, {2, 0}, {});
  check(zeros(2, {.dtype = slope::int64}), slope::int64, {2}, {0, 0});
  check(ones(1, 1, 1, {.dtype = float64}), float64, {1, 1, 1}, {1});
  check(zeros(ones({3}).size(0), 1u), float32, {3, 1}, {0, 0, 0});
  BOOST_CHECK(empty(2, 3, 4, 5).shape() == (Shape{2, 3, 4, 5}));
  BOOST_CHECK(empty(7).shape() == Shape{7} && empty(7, 1).shape() == (Shape{7, 1}));
  BOOST_CHECK(empty(7, 1, 2).shape() == (Shape{7, 1, 2}));
  BOOST_TEST(zeros(2, 2, {.requires_grad = true}).requires_grad());
  check_throws<ShapeError>("zeros: trying to create a tensor with negative dimension -1: [-1]",
                           [] { (void)zeros(-1); });
  check_throws<ShapeError>("ones: trying to create a tensor with negative dimension -1: [2, -1]",
                           [] { (void)ones(2, -1); });
  check_throws<ShapeError>("negative dimension -1: [2, 1, -1]", [] { (void)empty(2, 1, -1); });
  check_throws<ShapeError>("negative dimension -1: [2, 1, 1, -1]", [] { (void)empty(2, 1, 1, -1); });
}

BOOST_AUTO_TEST_CASE(options_mark_leaves_that_require_grad) {
  for (const Tensor& t :
       {tensor({1.0}, {.requires_grad = true}), zeros({2}, {.requires_grad = true}),
        full({2}, 1, {.dtype = float64, .requires_grad = true}), eye(2, {.requires_grad = true}),
        arange(0.0, 3.0, {.requires_grad = true}), linspace(0, 1, 3, {.requires_grad = true}),
        tensor(Doubles{1}, {.requires_grad = true}), empty({2}, {.requires_grad = true}),
        zeros_like(zeros({2}), {.requires_grad = true}), scalar_tensor(1.0, {.requires_grad = true})}) {
    BOOST_TEST(t.requires_grad());
    BOOST_TEST(t.is_leaf());
  }
}

BOOST_AUTO_TEST_CASE(only_floating_tensors_can_require_grad) {
  const std::string rule = "only floating point tensors can require grad";
  const TensorOptions grad{.requires_grad = true};
  check_throws<AutogradError>("tensor: " + rule, [&] { tensor({1, 2}, grad); });
  check_throws<AutogradError>("tensor: " + rule, [&] { tensor(Integers{1}, grad); });
  check_throws<AutogradError>("zeros: " + rule, [&] { zeros({2}, {.dtype = boolean, .requires_grad = true}); });
  check_throws<AutogradError>("full: " + rule, [&] { full({2}, 3, grad); });
  check_throws<AutogradError>("arange: " + rule, [&] { arange(3, grad); });
  check_throws<AutogradError>("eye: " + rule, [&] { eye(3, {.dtype = slope::int64, .requires_grad = true}); });
  check_throws<AutogradError>("zeros_like: " + rule, [&] { zeros_like(tensor({1}), grad); });
}

BOOST_AUTO_TEST_CASE(fills_of_every_shape_and_dtype) {
  check(zeros({2, 3}), float32, {2, 3}, Doubles(6, 0));
  check(ones({2, 3}, {.dtype = float64}), float64, {2, 3}, Doubles(6, 1));
  check(ones({3}, {.dtype = boolean}), boolean, {3}, {1, 1, 1});
  check(zeros({}), float32, {}, {0});
  check(zeros({5}), float32, {5}, Doubles(5, 0));
  check(zeros({2, 0, 3}), float32, {2, 0, 3}, {});
  check(full({2}, 2), slope::int64, {2}, {2, 2});
  check(full({2}, 2.5), float32, {2}, {2.5, 2.5});
  check(full({2}, true), boolean, {2}, {1, 1});
  check(full({1}, 2.5, {.dtype = slope::int64}), slope::int64, {1}, {2});
  check(full({2}, -inf), float32, {2}, {-inf, -inf});
  check(scalar_tensor(2), slope::int64, {}, {2});
  BOOST_TEST(empty({2, 2}).numel() == 4);
  BOOST_CHECK(make_empty({2}, boolean).dtype() == boolean);
}

BOOST_AUTO_TEST_CASE(large_fills_are_complete_for_every_thread_count) {
  const int before = get_num_threads();
  for (int threads : {1, 2, 5}) {
    set_num_threads(threads);
    const Tensor t = full({1'000'003}, 3.0);
    const float* data = t.data_ptr<float>();
    BOOST_TEST(std::accumulate(data, data + t.numel(), 0.0) == 3.0 * 1'000'003);
  }
  set_num_threads(before);
}

BOOST_AUTO_TEST_CASE(like_factories_take_shape_and_dtype_of_the_tensor) {
  float buffer[6] = {};
  const Tensor t = from_blob(buffer, {2, 3}, {1, 2});
  check(zeros_like(t), float32, {2, 3}, Doubles(6, 0));
  check(ones_like(tensor({{1, 2}})), slope::int64, {1, 2}, {1, 1});
  check(ones_like(t, {.dtype = boolean}), boolean, {2, 3}, Doubles(6, 1));
  check(full_like(t, 7), float32, {2, 3}, Doubles(6, 7));
  BOOST_CHECK(empty_like(t, {.dtype = float64}).shape() == (Shape{2, 3}));
  BOOST_TEST(!zeros_like(tensor({1.0}, {.requires_grad = true})).requires_grad());
  check_throws<ValueError>("undefined", [] { zeros_like(Tensor()); });
}

BOOST_AUTO_TEST_CASE(bad_shapes_and_values_are_named) {
  check_throws<ShapeError>("zeros: trying to create a tensor with negative dimension -1: [2, -1]",
                           [] { zeros({2, -1}); });
  check_throws<ShapeError>("more elements than memory can address", [] { zeros({int64_max, int64_max}); });
  check_throws<ShapeError>("empty: trying to create", [] { empty({-5}); });
  check_throws<ValueError>("full: the value nan cannot be converted to int64",
                           [] { full({2}, nan_value, {.dtype = slope::int64}); });
  check_throws<ValueError>("full: the value 1e+300 is beyond the range of float32", [] { full({2}, 1e300); });
  check_throws<ShapeError>("eye: trying to create a tensor with negative dimension", [] { eye(-1); });
}

BOOST_AUTO_TEST_CASE(eye_has_ones_on_the_main_diagonal) {
  check(eye(2), float32, {2, 2}, {1, 0, 0, 1});
  check(eye(2, 3), float32, {2, 3}, {1, 0, 0, 0, 1, 0});
  check(eye(3, 2, {.dtype = slope::int64}), slope::int64, {3, 2}, {1, 0, 0, 1, 0, 0});
  check(eye(2, {.dtype = boolean}), boolean, {2, 2}, {1, 0, 0, 1});
  check(eye(0), float32, {0, 0}, {});
}

BOOST_AUTO_TEST_CASE(arange_of_integers_is_int64) {
  check(arange(3), slope::int64, {3}, {0, 1, 2});
  check(arange(2, 5), slope::int64, {3}, {2, 3, 4});
  check(arange(1, 8, 3), slope::int64, {3}, {1, 4, 7});
  check(arange(1, 7, 3), slope::int64, {2}, {1, 4});
  check(arange(5, 0, -2), slope::int64, {3}, {5, 3, 1});
  check(arange(0), slope::int64, {0}, {});
  check(arange(3, 3, -1), slope::int64, {0}, {});
  check(arange(3, {.dtype = float32}), float32, {3}, {0, 1, 2});
  check(arange(0.5, 4.9, {.dtype = slope::int64}), slope::int64, {4}, {0, 1, 2, 3});
  BOOST_TEST(arange(int64_min, int64_max, int64_max).to_vector<int64_t>() == (Integers{int64_min, -1, int64_max - 1}));
  BOOST_TEST(arange(int64_max - 1, int64_max).to_vector<int64_t>() == Integers{int64_max - 1});
  BOOST_TEST(arange(int64_max, int64_min, int64_min).to_vector<int64_t>() == (Integers{int64_max, -1}));
}

BOOST_AUTO_TEST_CASE(arange_with_a_floating_argument_is_floating) {
  check(arange(3.0), float32, {3}, {0, 1, 2});
  check(arange(1, 2, 0.25), float32, {4}, {1, 1.25, 1.5, 1.75});
  check(arange(0, 1, 0.3, {.dtype = float64}), float64, {4}, {0, 0.3, 0.6, 3 * 0.3});
  check(arange(1, 0, -0.5), float32, {2}, {1, 0.5});
  check(arange(0.5, 0.5, 1), float32, {0}, {});
  BOOST_TEST(arange(0.0, 1.0, 0.1).numel() == 10);
}

BOOST_AUTO_TEST_CASE(arange_rejects_what_does_not_end) {
  check_throws<ValueError>("arange: step must be nonzero", [] { arange(0, 3, 0); });
  check_throws<ValueError>("arange: step must be nonzero", [] { arange(0, 3, 0.0); });
  check_throws<ValueError>("arange: step must be nonzero", [] { arange(0, 3, 0.5, {.dtype = slope::int64}); });
  check_throws<ValueError>("inconsistent with step sign", [] { arange(3, 0); });
  check_throws<ValueError>("inconsistent with step sign", [] { arange(0.0, 3.0, -1); });
  check_throws<ValueError>("must be finite, got 0, inf, 1", [] { arange(0.0, inf); });
  check_throws<ValueError>("must be finite", [] { arange(nan_value); });
  check_throws<ShapeError>("more elements than memory", [] { arange(0, 1, 1e-300); });
  check_throws<ShapeError>("more elements than memory", [] { arange(int64_min, int64_max); });
  check_throws<DTypeError>("arange: not defined for bool", [] { arange(2, {.dtype = boolean}); });
}

BOOST_AUTO_TEST_CASE(linspace_has_exact_ends_and_is_symmetric) {
  check(linspace(0, 1, 5), float32, {5}, {0, 0.25, 0.5, 0.75, 1});
  check(linspace(3, 9, 1), float32, {1}, {3});
  check(linspace(3, 9, 0), float32, {0}, {});
  check(linspace(5, 5, 3), float32, {3}, {5, 5, 5});
  check(linspace(0, 10, 5, {.dtype = slope::int64}), slope::int64, {5}, {0, 2, 5, 7, 10});
  for (int64_t n : {2, 3, 7, 10, 49, 50, 1001}) {
    for (DType dtype : {float32, float64}) {
      const Doubles v = linspace(-0.7, 0.7, n, {.dtype = dtype}).to_vector<double>();
      const double end = dtype == float32 ? static_cast<double>(0.7f) : 0.7;
      BOOST_TEST(v.front() == -end);
      BOOST_TEST(v.back() == end);
      for (std::size_t i = 0; i < v.size(); ++i) {
        BOOST_TEST(v[i] == -v[v.size() - 1 - i]);
        if (i > 0) BOOST_TEST(v[i] > v[i - 1]);
      }
    }
  }
  const Doubles wide = linspace(-1.7e308, 1.7e308, 3, {.dtype = float64}).to_vector<double>();
  BOOST_TEST(wide == (Doubles{-1.7e308, 0, 1.7e308}));
  check_throws<ValueError>("linspace: number of steps must be non-negative, got -1", [] { linspace(0, 1, -1); });
  check_throws<DTypeError>("linspace: not defined for bool", [] { linspace(0, 1, 2, {.dtype = boolean}); });
}

BOOST_AUTO_TEST_CASE(a_blob_shares_its_memory) {
  float buffer[6] = {1, 2, 3, 4, 5, 6};
  const Tensor t = from_blob(buffer, {2, 3});
  check(t, float32, {2, 3}, {1, 2, 3, 4, 5, 6});
  BOOST_TEST(t.data_ptr<float>() == buffer);
  buffer[0] = 9;
  t.data_ptr<float>()[5] = 8;
  BOOST_TEST(t.to_vector<float>() == (std::vector<float>{9, 2, 3, 4, 5, 8}));
  BOOST_TEST(buffer[5] == 8.0f);
}

BOOST_AUTO_TEST_CASE(a_blob_may_have_any_strides) {
  double buffer[6] = {1, 2, 3, 4, 5, 6};
  const Tensor t = from_blob(buffer, {3, 2}, {1, 3});
  BOOST_TEST(t.to_vector<double>() == (Doubles{1, 4, 2, 5, 3, 6}));
  BOOST_TEST(!t.is_contiguous());
  BOOST_TEST(t.stride(0) == 1);
  BOOST_TEST(t.stride(-1) == 3);
  BOOST_TEST(from_blob(buffer, {2, 2}, {0, 5}).to_vector<double>() == (Doubles{1, 6, 1, 6}));
  BOOST_TEST(from_blob(buffer, {}).item() == 1);
  BOOST_TEST(from_blob(nullptr, {0, 3}, float32).numel() == 0);
}

BOOST_AUTO_TEST_CASE(a_blob_runs_its_deleter_once_when_the_last_sharer_is_gone) {
  int runs = 0;
  int64_t value = 5;
  {
    Tensor kept;
    {
      const Tensor t = from_blob(&value, {1}, slope::int64, [&](void* p) {
        BOOST_TEST(p == &value);
        ++runs;
      });
      kept = t;
    }
    BOOST_TEST(runs == 0);
    BOOST_TEST(kept.item<int64_t>() == 5);
  }
  BOOST_TEST(runs == 1);
  const Tensor owned = from_blob(std::calloc(6, 4), {3, 2}, {1, 3}, float32, std::free);
  BOOST_TEST(owned.to_vector<float>() == std::vector<float>(6, 0));
}

BOOST_AUTO_TEST_CASE(a_bad_blob_throws_and_leaves_the_memory_to_its_owner) {
  double buffer[4] = {};
  int runs = 0;
  const auto count = [&](void*) { ++runs; };
  check_throws<ValueError>("from_blob: the address is null", [&] { from_blob(nullptr, {2}, float32, count); });
  check_throws<ValueError>("the address is not aligned for float64",
                           [&] { from_blob(reinterpret_cast<char*>(buffer) + 1, {1}, float64, count); });
  check_throws<ValueError>("strides must not be negative, got [-1]",
                           [&] { from_blob(buffer, {2}, {-1}, float64, count); });
  check_throws<ShapeError>("shape [2, 2] needs 2 strides, got [1]",
                           [&] { from_blob(buffer, {2, 2}, {1}, float64, count); });
  check_throws<ShapeError>("negative dimension", [&] { from_blob(buffer, {-2}, float64, count); });
  check_throws<ShapeError>("reaches beyond",
                           [&] { from_blob(buffer, {3, 3}, {int64_max / 2, int64_max / 2}, float64, count); });
  check_throws<ShapeError>("more elements than memory", [&] { from_blob(buffer, {int64_max, 4}, float64, count); });
  BOOST_TEST(runs == 0);
}

BOOST_AUTO_TEST_CASE(item_takes_exactly_one_element) {
  BOOST_TEST(tensor(2.5).item() == 2.5);
  BOOST_TEST(tensor({{7}}).item<int64_t>() == 7);
  BOOST_TEST(tensor({int64_max}).item<int64_t>() == int64_max);
  BOOST_TEST(tensor(true).item<bool>());
  BOOST_TEST(tensor(3).item() == 3.0);
  BOOST_CHECK(tensor(true).item_scalar().category() == 0);
  check_throws<ValueError>("item: a tensor of 3 elements is not one number", [] { tensor({1, 2, 3}).item(); });
  check_throws<ValueError>("item: a tensor of 0 elements is not one number", [] { tensor({}).item(); });
}

BOOST_AUTO_TEST_CASE(data_ptr_gives_only_the_true_element_type) {
  BOOST_TEST(tensor({1, 2}).data_ptr<int64_t>()[1] == 2);
  BOOST_TEST(tensor({1.5}).data_ptr<const float>()[0] == 1.5f);
  check_throws<DTypeError>("data_ptr: the tensor holds int64 elements, not float32; convert it with .to(float32)",
                           [] { tensor({1, 2}).data_ptr<float>(); });
}

BOOST_AUTO_TEST_CASE(to_vector_converts_elements) {
  BOOST_TEST(tensor({0.0, -1.5, 2.0}).to_vector<int>() == (std::vector<int>{0, -1, 2}));
  BOOST_TEST((tensor({0, 3}).to_vector<bool>() == std::vector<bool>{false, true}));
  BOOST_TEST(tensor({true, false}).to_vector<float>() == (std::vector<float>{1, 0}));
  BOOST_TEST(zeros({2, 0}).to_vector<float>().empty());
  BOOST_CHECK_THROW(tensor({nan_value}).to_vector<int64_t>(), ValueError);
  BOOST_CHECK_THROW(tensor({3e9}).to_vector<int>(), ValueError);
  BOOST_CHECK_THROW(tensor({int64_t{1} << 31}).to_vector<int>(), ValueError);
  BOOST_TEST(tensor({int64_t{-1} << 31}).to_vector<int>() == std::vector<int>{std::numeric_limits<int>::min()});
}

BOOST_AUTO_TEST_CASE(size_and_stride_count_from_both_ends) {
  const Tensor t = zeros({2, 3, 4});
  BOOST_TEST(t.size(0) == 2);
  BOOST_TEST(t.size(-1) == 4);
  BOOST_TEST(t.stride(0) == 12);
  BOOST_TEST(t.stride(-2) == 4);
  check_throws<IndexError>("expected to be in range of [-3, 2], but got 3", [&] { t.size(3); });
  check_throws<IndexError>("expected to be in range of [-3, 2], but got -4", [&] { t.stride(-4); });
  check_throws<IndexError>("a 0-d tensor has no dimensions", [] { tensor(1.0).size(0); });
}

BOOST_AUTO_TEST_CASE(numbers_become_0d_tensors) {
  check(Tensor(2.0), float32, {}, {2});
  check(Tensor(2), slope::int64, {}, {2});
  check(Tensor(true), boolean, {}, {1});
}

BOOST_AUTO_TEST_CASE(an_undefined_tensor_says_so) {
  const auto readable = [](const ValueError& e) {
    return std::string(e.what()).find("this tensor is undefined") != std::string::npos;
  };
  const Tensor none;
  BOOST_TEST(!none.defined());
  BOOST_CHECK_EXCEPTION(none.shape(), ValueError, readable);
  BOOST_CHECK_EXCEPTION(none.to_vector<float>(), ValueError, readable);
  check_throws<ValueError>("this tensor is undefined", [&] { none.item(); });
  check_throws<ValueError>("this tensor is undefined", [&] { none.data_ptr<float>(); });
  check_throws<ValueError>("this tensor is undefined", [&] { none.size(0); });
}

BOOST_AUTO_TEST_CASE(failed_calls_keep_no_memory) {
  zeros({4});
  const auto before = memory::stats().in_use;
  for (int i = 0; i < 10; ++i) {
    BOOST_CHECK_THROW(tensor({{1, 2}, {3}}), ShapeError);
    BOOST_CHECK_THROW(tensor({1.0, nan_value}, {.dtype = slope::int64}), ValueError);
    BOOST_CHECK_THROW(arange(0.0, inf), ValueError);
    BOOST_CHECK_THROW(from_blob(nullptr, {2}, float32, [](void*) {}), ValueError);
  }
  BOOST_TEST(memory::stats().in_use == before);
}

BOOST_AUTO_TEST_SUITE_END()
