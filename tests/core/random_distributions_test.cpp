#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "core/random_support.h"
#include "slope/autograd/core/random.h"

// Statistics with fixed seeds: the bounds are about four standard deviations, so a change that fails them changed the
// distribution.

namespace {

using namespace slope;
using random_support::chi_square_sigmas, random_support::filled, random_support::ks;
using std::int64_t;
using std::uint32_t;
using std::uint64_t;

struct Moments {
  double mean = 0, variance = 0, skewness = 0, kurtosis = 0;
};
template <class T>
Moments moments(const std::vector<T>& x) {
  const double n = static_cast<double>(x.size());
  Moments m;
  for (const T v : x) m.mean += static_cast<double>(v) / n;
  for (const T v : x) {
    const double d = static_cast<double>(v) - m.mean;
    m.variance += d * d / n;
    m.skewness += d * d * d / n;
    m.kurtosis += d * d * d * d / n;
  }
  m.skewness /= std::pow(m.variance, 1.5);
  m.kurtosis /= m.variance * m.variance;
  return m;
}

double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

}  // namespace

BOOST_AUTO_TEST_SUITE(random_distributions)

BOOST_AUTO_TEST_CASE(uniform_is_uniform) {
  Generator gen(1234);
  const int64_t n = 1'000'000;
  const auto f = filled<float>(n, [&](float* out, int64_t m) { fill_uniform(out, m, 0.0, 1.0, gen); });
  const auto d = filled<double>(n, [&](double* out, int64_t m) { fill_uniform(out, m, -3.0, 7.0, gen); });
  BOOST_TEST(ks(f, [](double x) { return x; }) < 1.95);
  BOOST_TEST(ks(d, [](double x) { return (x + 3) / 10; }) < 1.95);
  const Moments m = moments(f);
  BOOST_TEST(std::fabs(m.mean - 0.5) < 4 * std::sqrt(1.0 / 12 / n));
  BOOST_TEST(std::fabs(m.variance - 1.0 / 12) < 4 * std::sqrt(1.0 / 180 / n));
  // Neighbours are independent: a 32 x 32 grid of successive pairs.
  std::vector<int64_t> grid(1024);
  for (std::size_t i = 0; i + 1 < f.size(); i += 2) {
    ++grid[static_cast<std::size_t>(f[i] * 32) * 32 + static_cast<std::size_t>(f[i + 1] * 32)];
  }
  BOOST_TEST(std::fabs(chi_square_sigmas(grid)) < 4);
}

BOOST_AUTO_TEST_CASE(every_bit_of_the_stream_is_balanced_and_uncorrelated_with_its_neighbour) {
  const PhiloxSpan span{7, 0};
  std::vector<uint32_t> words;
  for (uint64_t b = 0; b < 50'000; ++b) {
    const auto block = span.block(b);
    words.insert(words.end(), block.begin(), block.end());
  }
  const double n = static_cast<double>(words.size()), limit = 4.5 * std::sqrt(n) / 2;
  for (int bit = 0; bit < 32; ++bit) {
    double set = 0, next = 0, lag = 0;
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
      set += words[i] >> bit & 1;
      next += (words[i] >> bit ^ words[i] >> ((bit + 1) % 32)) & 1;
      lag += (words[i] >> bit ^ words[i + 1] >> bit) & 1;
    }
    BOOST_TEST(std::fabs(set - n / 2) < limit);
    BOOST_TEST(std::fabs(next - n / 2) < limit);
    BOOST_TEST(std::fabs(lag - n / 2) < limit);
  }
}

BOOST_AUTO_TEST_CASE(normal_is_normal) {
  const auto check = [](const auto& z) {
    const double n = static_cast<double>(z.size());
    const Moments m = moments(z);
    BOOST_TEST(std::fabs(m.mean) < 4 / std::sqrt(n));
    BOOST_TEST(std::fabs(m.variance - 1) < 4 * std::sqrt(2 / n));
    BOOST_TEST(std::fabs(m.skewness) < 4 * std::sqrt(6 / n));
    BOOST_TEST(std::fabs(m.kurtosis - 3) < 4 * std::sqrt(24 / n));
    BOOST_TEST(ks(z, normal_cdf) < 1.95);
    double product = 0;  // The two numbers of one pair, and numbers of neighbouring pairs, are uncorrelated.
    for (std::size_t i = 0; i + 1 < z.size(); ++i) product += static_cast<double>(z[i]) * static_cast<double>(z[i + 1]);
    BOOST_TEST(std::fabs(product / n) < 4 / std::sqrt(n));
    double tail = 0;
    for (const auto v : z) tail += std::fabs(v) > 3;
    BOOST_TEST(std::fabs(tail - n * 0.0026998) < 4 * std::sqrt(n * 0.0026998));
  };
  Generator gen(77);
  check(filled<float>(1'000'000, [&](float* out, int64_t m) { fill_normal(out, m, 0.0, 1.0, gen); }));
  check(filled<double>(1'000'000, [&](double* out, int64_t m) { fill_normal(out, m, 0.0, 1.0, gen); }));
  const auto flat = filled<double>(100, [&](double* out, int64_t m) { fill_normal(out, m, 3.0, 0.0, gen); });
  BOOST_TEST(std::count(flat.begin(), flat.end(), 3.0) == 100);
  Generator a(6), b(6);
  const auto standard = filled<double>(100, [&](double* out, int64_t m) { fill_normal(out, m, 0.0, 1.0, a); });
  const auto scaled = filled<double>(100, [&](double* out, int64_t m) { fill_normal(out, m, 10.0, 2.0, b); });
  for (std::size_t i = 0; i < 100; ++i) BOOST_TEST(std::fabs(scaled[i] - (10 + 2 * standard[i])) < 1e-14);
}

BOOST_AUTO_TEST_CASE(exponential_is_exponential_and_positive) {
  Generator gen(78);
  const auto d = filled<double>(500'000, [&](double* out, int64_t m) { fill_exponential(out, m, 2.5, gen); });
  const auto f = filled<float>(500'000, [&](float* out, int64_t m) { fill_exponential(out, m, 2.5, gen); });
  BOOST_TEST(ks(d, [](double x) { return 1 - std::exp(-2.5 * x); }) < 1.95);
  BOOST_TEST(ks(f, [](double x) { return 1 - std::exp(-2.5 * x); }) < 1.95);
  BOOST_TEST(*std::min_element(d.begin(), d.end()) > 0);
  BOOST_TEST(*std::min_element(f.begin(), f.end()) > 0);
  BOOST_TEST(std::fabs(moments(d).mean - 0.4) < 4 * 0.4 / std::sqrt(500'000.0));
}

BOOST_AUTO_TEST_CASE(bernoulli_has_its_probability) {
  Generator gen(79);
  const int64_t n = 400'000;
  for (const double p : {0.5, 0.1, 0.9, 1.0 / 3, 0.001}) {
    const auto x = filled<bool>(n, [&](bool* out, int64_t m) { fill_bernoulli(out, m, p, gen); });
    const double count = static_cast<double>(std::count(x.begin(), x.end(), true));
    BOOST_TEST(std::fabs(count - n * p) < 4 * std::sqrt(n * p * (1 - p)), "p = " << p);
  }
  const auto never = filled<float>(n, [&](float* out, int64_t m) { fill_bernoulli(out, m, 0.0, gen); });
  const auto always = filled<int64_t>(n, [&](int64_t* out, int64_t m) { fill_bernoulli(out, m, 1.0, gen); });
  BOOST_TEST(std::count(never.begin(), never.end(), 0.0f) == n);
  BOOST_TEST(std::count(always.begin(), always.end(), 1) == n);
  std::vector<double> p(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < p.size(); ++i) p[i] = static_cast<double>(i % 5) / 4;
  const auto mixed = filled<double>(n, [&](double* out, int64_t m) { fill_bernoulli(out, m, p.data(), gen); });
  std::array<double, 5> ones{};
  for (std::size_t i = 0; i < p.size(); ++i) ones[i % 5] += mixed[i];
  BOOST_TEST(ones[0] == 0);
  BOOST_TEST(ones[4] == n / 5);
  for (const std::size_t k : {1u, 2u, 3u}) {
    const double q = static_cast<double>(k) / 4;
    BOOST_TEST(std::fabs(ones[k] - n / 5.0 * q) < 4 * std::sqrt(n / 5.0 * q * (1 - q)));
  }
}

BOOST_AUTO_TEST_CASE(randint_covers_its_range_evenly_and_nothing_else) {
  Generator gen(80);
  for (const int64_t size : {1, 2, 7, 10, 1000}) {
    const int64_t lo = -3;
    const auto x = filled<int64_t>(300'000, [&](int64_t* out, int64_t m) { fill_randint(out, m, lo, lo + size, gen); });
    std::vector<int64_t> count(static_cast<std::size_t>(size));
    for (const int64_t v : x) {
      BOOST_REQUIRE((v >= lo && v < lo + size));
      ++count[static_cast<std::size_t>(v - lo)];
    }
    if (size > 1) BOOST_TEST(chi_square_sigmas(count) < 5, "size " << size);
  }
}

BOOST_AUTO_TEST_CASE(randint_is_unbiased_where_scaling_alone_would_not_be) {
  // 3/4 of 2^32 or 2^64: without redraws every third value would come twice as often as the others.
  Generator gen(81);
  const auto thirds = [&](int64_t lo, int64_t hi) {
    const auto x = filled<int64_t>(90'000, [&](int64_t* out, int64_t m) { fill_randint(out, m, lo, hi, gen); });
    std::vector<int64_t> count(3);
    for (const int64_t v : x) {
      BOOST_REQUIRE((v >= lo && v < hi));
      ++count[(static_cast<uint64_t>(v) - static_cast<uint64_t>(lo)) % 3];
    }
    return chi_square_sigmas(count);
  };
  const int64_t lowest = std::numeric_limits<int64_t>::min(), highest = std::numeric_limits<int64_t>::max();
  BOOST_TEST(thirds(0, int64_t{3} << 30) < 5);
  BOOST_TEST(thirds(lowest, int64_t{1} << 62) < 5);
  BOOST_TEST(thirds(-(int64_t{1} << 31), int64_t{1} << 31) < 5);
  BOOST_TEST(thirds(lowest, highest) < 5);
  std::vector<int64_t> count(3);
  for (int i = 0; i < 90'000; ++i) ++count[gen.next_below(uint64_t{3} << 62) % 3];
  BOOST_TEST(chi_square_sigmas(count) < 5);
}

BOOST_AUTO_TEST_CASE(randperm_is_a_permutation_and_every_order_is_as_likely) {
  for (const int64_t n : {0, 1, 2, 255, 256, 257, 10'000}) {
    Generator gen(82);
    auto x = filled<int64_t>(n, [&](int64_t* out, int64_t m) { fill_randperm(out, m, gen); });
    if (n > 200) BOOST_TEST(!std::is_sorted(x.begin(), x.end()));
    std::sort(x.begin(), x.end());
    for (int64_t i = 0; i < n; ++i) BOOST_REQUIRE(x[static_cast<std::size_t>(i)] == i);
  }
  Generator gen(83);
  std::vector<int64_t> count(24);
  for (int repeat = 0; repeat < 48'000; ++repeat) {
    std::array<int64_t, 4> x;
    fill_randperm(x.data(), 4, gen);
    std::size_t rank = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const auto smaller =
          std::count_if(x.begin() + static_cast<std::ptrdiff_t>(i), x.end(), [&](int64_t v) { return v < x[i]; });
      rank = rank * (4 - i) + static_cast<std::size_t>(smaller);
    }
    ++count[rank];
  }
  BOOST_TEST(chi_square_sigmas(count) < 5);
}

BOOST_AUTO_TEST_CASE(multinomial_with_replacement_follows_its_weights_row_by_row) {
  Generator gen(84);
  const std::vector<double> weights = {0, 1, 2, 0, 5, 0, /* second row */ 1e300, 0, 1e300, 1e300, 0, 5e300};
  const int64_t n = 100'000;
  const auto x =
      filled<int64_t>(2 * n, [&](int64_t* out, int64_t) { fill_multinomial(out, weights.data(), 2, 6, n, true, gen); });
  for (const int row : {0, 1}) {
    std::vector<int64_t> count(6), positive;
    for (int64_t i = 0; i < n; ++i) ++count.at(static_cast<std::size_t>(x[static_cast<std::size_t>(row * n + i)]));
    std::vector<double> probability;
    for (std::size_t c = 0; c < 6; ++c) {
      const double w = weights[static_cast<std::size_t>(row) * 6 + c];
      if (w == 0) {
        BOOST_TEST(count[c] == 0);
      } else {
        positive.push_back(count[c]);
        probability.push_back(w / (row == 0 ? 8 : 8e300));
      }
    }
    BOOST_TEST(chi_square_sigmas(positive, probability) < 5);
  }
}

BOOST_AUTO_TEST_CASE(multinomial_without_replacement_equals_successive_draws) {
  Generator gen(85);
  const int64_t rows = 60'000;
  std::vector<double> weights;
  for (int64_t r = 0; r < rows; ++r) weights.insert(weights.end(), {1, 0, 2, 5});
  std::vector<int64_t> x(static_cast<std::size_t>(rows * 2));
  fill_multinomial(x.data(), weights.data(), rows, 4, 2, false, gen);
  const std::array<double, 4> w{1, 0, 2, 5};
  std::vector<int64_t> count(16), seen;
  for (int64_t r = 0; r < rows; ++r)
    ++count[static_cast<std::size_t>(x[static_cast<std::size_t>(2 * r)] * 4 + x[static_cast<std::size_t>(2 * r + 1)])];
  std::vector<double> probability;
  for (std::size_t a = 0; a < 4; ++a) {
    for (std::size_t b = 0; b < 4; ++b) {
      if (a == b || w[a] == 0 || w[b] == 0) {
        BOOST_TEST(count[a * 4 + b] == 0);
      } else {
        seen.push_back(count[a * 4 + b]);
        probability.push_back(w[a] / 8 * w[b] / (8 - w[a]));
      }
    }
  }
  BOOST_TEST(chi_square_sigmas(seen, probability) < 5);
  std::vector<int64_t> all(3);
  const std::array<double, 5> tiny{5e-324, 0, 1e308, 0, 1};
  fill_multinomial(all.data(), tiny.data(), 1, 5, 3, false, gen);
  BOOST_TEST(all == std::vector<int64_t>({2, 4, 0}));
}

BOOST_AUTO_TEST_SUITE_END()
