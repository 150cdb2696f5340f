// Every function of the vocabulary of lanes: special values, accuracy against wider arithmetic, and tails equal to bodies.
#include <algorithm>
#include <bit>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernels/isa_support.h"
#include "ulp.h"

namespace {

using slope::tests::for_each_isa;
using slope::ulp::binary_table;
using slope::ulp::distance;
using slope::ulp::unary_table;

/// Where functions change their ways: zeros, denormals, the ends of the range, kinks, NaN.
template <class T>
std::vector<T> special_values() {
  using L = std::numeric_limits<T>;
  std::vector<T> values = {0,
                           L::denorm_min(),
                           3 * L::denorm_min(),
                           L::min() / 2,
                           L::min() - L::denorm_min(),
                           L::min(),
                           2 * L::min(),
                           L::epsilon() / 4,
                           L::epsilon(),
                           T(0.1),
                           T(0.25),
                           T(0.5),
                           T(0.75),
                           T(1) - L::epsilon() / 2,
                           1,
                           1 + L::epsilon(),
                           T(1.25),
                           T(1.5),
                           2,
                           T(2.5),
                           3,
                           4,
                           10,
                           T(87.3),
                           T(88.72284),
                           T(89),
                           T(100),
                           T(103.97),
                           T(104),
                           T(150),
                           T(500.5),
                           T(709.78),
                           T(710.4),
                           T(746),
                           T(1e7),
                           T(8388609),
                           T(1e18),
                           T(1e19),
                           T(1e30),
                           std::sqrt(L::max()),
                           L::max() / 2,
                           L::max(),
                           L::infinity(),
                           L::quiet_NaN()};
  // The last arguments of exp, sinh and exp2 with a finite result, the last with one that is not zero or not denormal.
  for (const T edge :
       {std::log(L::max()), std::log(L::max()) + T(0.6931471805599453), std::log(L::min()), std::log(L::denorm_min()),
        T(L::max_exponent), T(L::min_exponent), T(0.34657359027997264), std::sqrt(T(2)), std::sqrt(T(0.5)), T(1e-20)}) {
    values.insert(values.end(), {edge, std::nextafter(edge, T(0)), std::nextafter(edge, 2 * edge)});
  }
  const std::size_t n = values.size();
  for (std::size_t i = 0; i < n; ++i) values.push_back(-values[i]);
  return values;
}

/// Where sweeps over every float found the largest errors: of expm1 (also of versions since mended), exp, log, log1p,
/// log_pair, sigmoid, tanh, erf, log_cosh and its slope, in this order.
std::vector<float> worst_values() {
  return {-0x1.287cb4p-1F, -0x1.2fdb5ap-1F, 0x1.2c513ep-1F, 0x1.93ad98p-2F,  15.646101F,     80.7936707F,
          16.9829254F,     17.6998863F,     18.4023151F,    0.403680652F,    0.374459416F,   0x1.da8876p+5F,
          0x1.4e22fap+2F,  -0x1.f0b424p-2F, 0x1.ab8dfp+4F,  -0x1.765026p+2F, -0x1.8c289p+5F, 0x1.7ff30cp-2F,
          0x1.3cf65p-1F,   -0x1.40067ap-1F, 0x1.37be1ap-1F, 0x1.37c5bcp-1F,  0x1.907488p-2F, 0x1.049f94p+4F,
          -0x1.05076ep+4F, 0x1.fd93b6p-8F,  0x1.205d66p+2F, 0x1.e97c24p+1F,  0x1.1098a2p+0F, -0x1.d4a9ccp-1F,
          0x1.6a70b8p-3F,  0x1.7547bcp-1F,  0x1.c644p-1F};
}

/// Values across the whole range and, more densely, where functions are neither zero nor infinite.
template <class T>
std::vector<T> random_values(std::size_t n, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<T> values(n);
  for (T& value : values) {
    const std::uint64_t bits = random();
    if (bits & 1) {
      if constexpr (sizeof(T) == 4) {
        value = std::bit_cast<float>(static_cast<std::uint32_t>(bits >> 32));
      } else {
        value = std::bit_cast<double>(random());
      }
    } else {
      static constexpr double range[] = {1e-3, 0.1, 1, 2, 4, 10, 90, 750};
      value =
          static_cast<T>(static_cast<double>(static_cast<std::int64_t>(random())) * 0x1p-63 * range[(bits >> 1) & 7]);
    }
  }
  return values;
}

template <class T>
bool same_bits(T a, T b) {
  return std::memcmp(&a, &b, sizeof(T)) == 0;
}

/// The largest error over x must stay below the function's bar.
template <class T>
void check_unary(const std::vector<T>& x) {
  std::vector<T> y(x.size());
  for (const auto& f : unary_table<T>()) {
    f.lanes(x.data(), y.data(), static_cast<std::int64_t>(x.size()));
    double worst = 0;
    std::size_t at = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double error = distance<T>(y[i], f.exact(x[i]));
      if (error > worst) worst = error, at = i;
    }
    BOOST_TEST(worst <= f.bar, f.name << '(' << x[at] << ") is " << y[at] << ", " << worst << " ULP from "
                                      << f.exact(x[at]) << "; the bar is " << f.bar);
  }
}

template <class T>
void check_binary(const std::vector<T>& x, const std::vector<T>& z) {
  std::vector<T> y(x.size());
  for (const auto& f : binary_table<T>()) {
    f.lanes(x.data(), z.data(), y.data(), static_cast<std::int64_t>(x.size()));
    double worst = 0;
    std::size_t at = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double error = distance<T>(y[i], f.exact(x[i], z[i]));
      if (error > worst) worst = error, at = i;
    }
    BOOST_TEST(worst <= f.bar, f.name << '(' << x[at] << ", " << z[at] << ") is " << y[at] << ", " << worst
                                      << " ULP from " << f.exact(x[at], z[at]) << "; the bar is " << f.bar);
  }
}

/// Runs n elements at every alignment and compares with the same elements inside full vectors.
template <class T, class Run, class Reference>
bool tails_match(const Run& run, const Reference& whole) {
  constexpr T untouched = T(-12345);
  alignas(64) T y[160];
  for (int n = 0; n <= 67; ++n) {
    const int offset = n % static_cast<int>(64 / sizeof(T));
    std::fill(std::begin(y), std::end(y), untouched);
    run(offset, y + offset, n);
    for (int i = 0; i < 160; ++i) {
      const bool inside = i >= offset && i < offset + n;
      if (!same_bits(y[i], inside ? whole[static_cast<std::size_t>(i)] : untouched)) return false;
    }
  }
  return true;
}

/// Each element computed alone, with padding for neighbours, against the same element in company.
template <class T, class Run>
bool neighbours_do_not_matter(const Run& run, const std::vector<T>& whole) {
  for (std::size_t i = 0; i < whole.size(); ++i) {
    T alone = 0;
    run(static_cast<int>(i), &alone, 1);
    if (!same_bits(alone, whole[i])) return false;
  }
  return true;
}

template <class T>
void check_tails() {
  // 192 values: a multiple of every vector size, so `whole` has no tail.
  std::vector<T> x = random_values<T>(192, 7), z = random_values<T>(192, 8), whole(192);
  const auto specials = special_values<T>();
  for (std::size_t i = 0; i < 40; ++i) x[3 * i] = specials[(i * 7) % specials.size()];
  for (const auto& f : unary_table<T>()) {
    f.lanes(x.data(), whole.data(), 192);
    const auto run = [&](int at, T* y, int n) { f.lanes(x.data() + at, y, n); };
    BOOST_TEST(tails_match<T>(run, whole), f.name << " differs in a tail");
    BOOST_TEST(neighbours_do_not_matter<T>(run, whole), f.name << " differs with its neighbours");
  }
  for (const auto& f : binary_table<T>()) {
    f.lanes(x.data(), z.data(), whole.data(), 192);
    const auto run = [&](int at, T* y, int n) { f.lanes(x.data() + at, z.data() + at, y, n); };
    BOOST_TEST(tails_match<T>(run, whole), f.name << " differs in a tail");
    BOOST_TEST(neighbours_do_not_matter<T>(run, whole), f.name << " differs with its neighbours");
  }
}

template <class T>
void check_pairs_of_specials() {
  const auto specials = special_values<T>();
  std::vector<T> x, z;
  for (const T a : specials) {
    for (const T b : specials) x.push_back(a), z.push_back(b);
  }
  check_binary(x, z);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(lanes_math)

BOOST_AUTO_TEST_CASE(the_error_measure_tells_right_from_wrong) {
  constexpr float inf = std::numeric_limits<float>::infinity();
  constexpr float largest = std::numeric_limits<float>::max();
  const double wrong = std::numeric_limits<double>::infinity();
  BOOST_TEST(distance<float>(1.0F, 1.0) == 0);
  BOOST_TEST(distance<float>(std::nextafter(1.0F, 2.0F), 1.0) == 1);
  BOOST_TEST(distance<float>(1.0F, 1.0 + 0x1p-24) == 0.5);
  BOOST_TEST(distance<float>(0x1p-149F, 0x1p-150) == 0.5);
  BOOST_TEST(distance<float>(0.0F, -0.0) == wrong);
  BOOST_TEST(distance<float>(0.0F, -1e-60) == wrong);
  BOOST_TEST(distance<float>(std::nanf(""), 1.0) == wrong);
  BOOST_TEST(distance<float>(1.0F, std::nan("")) == wrong);
  BOOST_TEST(distance<float>(std::nanf(""), std::nan("")) == 0);
  BOOST_TEST(distance<float>(inf, 1e60) == 0);
  BOOST_TEST(distance<float>(inf, -1e60) > 1e6);
  BOOST_TEST(distance<float>(inf, double(largest)) == 1);
  BOOST_TEST(distance<float>(largest, 1e60) > 1e6);
  BOOST_TEST(distance<float>(largest, double(inf)) == wrong);
  BOOST_TEST(distance<float>(inf, 3.0) > 1e6);
  BOOST_TEST(distance<double>(1.0, 1.0L + 0x1p-53L) == 0.5);
}

BOOST_AUTO_TEST_CASE(float_functions_are_right_at_special_values) {
  for_each_isa([] { check_unary(special_values<float>()); });
}

BOOST_AUTO_TEST_CASE(double_functions_are_right_at_special_values) {
  for_each_isa([] { check_unary(special_values<double>()); });
}

BOOST_AUTO_TEST_CASE(functions_of_two_floats_are_right_at_every_pair_of_special_values) {
  for_each_isa([] { check_pairs_of_specials<float>(); });
}

BOOST_AUTO_TEST_CASE(functions_of_two_doubles_are_right_at_every_pair_of_special_values) {
  for_each_isa([] { check_pairs_of_specials<double>(); });
}

BOOST_AUTO_TEST_CASE(float_functions_keep_their_bar_over_the_whole_range) {
  // Every 20011th of all 2^32 bit patterns; a prime, so that all low bits occur. tools/ulp_sweep takes them all.
  std::vector<float> x;
  for (std::uint64_t bits = 0; bits < (std::uint64_t{1} << 32); bits += 20011) {
    x.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
  }
  // Errors are largest where results are near 1: there, every 2003rd.
  const std::uint32_t from = std::bit_cast<std::uint32_t>(0x1p-5F), to = std::bit_cast<std::uint32_t>(0x1p7F);
  for (std::uint32_t bits = from; bits < to; bits += 2003) {
    x.push_back(std::bit_cast<float>(bits));
    x.push_back(-x.back());
  }
  for_each_isa([&] { check_unary(x); });
}

BOOST_AUTO_TEST_CASE(float_functions_keep_their_bar_where_sweeps_found_the_largest_errors) {
  for_each_isa([] { check_unary(worst_values()); });
}

BOOST_AUTO_TEST_CASE(double_functions_keep_their_bar_at_random_values) {
  const auto x = random_values<double>(100'000, 3);
  for_each_isa([&] { check_unary(x); });
}

BOOST_AUTO_TEST_CASE(functions_of_two_arguments_keep_their_bar_at_random_values) {
  const auto x = random_values<float>(100'000, 4), z = random_values<float>(100'000, 5);
  const auto u = random_values<double>(100'000, 4), v = random_values<double>(100'000, 5);
  for_each_isa([&] {
    check_binary(x, z);
    check_binary(u, v);
  });
}

BOOST_AUTO_TEST_CASE(a_tail_is_bit_equal_to_the_same_elements_in_a_body) {
  for_each_isa([] {
    check_tails<float>();
    check_tails<double>();
  });
}

BOOST_AUTO_TEST_SUITE_END()
