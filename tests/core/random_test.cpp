#include "slope/autograd/core/random.h"

#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "core/random_support.h"
#include "slope/autograd/core/error.h"
#include "slope/autograd/core/internal/random_tiles.h"
#include "slope/autograd/core/parallel.h"

namespace {

using namespace slope;
using random_support::chi_square_sigmas, random_support::filled, random_support::ks;
using std::int64_t;
using std::uint32_t;
using std::uint64_t;

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

struct RestoreSettings {
  int threads = get_num_threads();
  ~RestoreSettings() {
    set_num_threads(threads);
    detail::set_random_isa(2);
  }
};

uint64_t fnv1a(const void* data, std::size_t size, uint64_t hash = 0xcbf29ce484222325) {
  for (std::size_t i = 0; i < size; ++i) hash = (hash ^ static_cast<const unsigned char*>(data)[i]) * 0x100000001b3;
  return hash;
}

// Every fill with every element type, hashed element by element: equal hashes mean equal bits.
constexpr int64_t many = 30'011;
std::vector<uint64_t> hashes_of_all_fills() {
  std::vector<uint64_t> hashes;
  Generator gen(20240229);
  const auto add = [&]<class T>(T, const auto& fill) {
    const std::unique_ptr<T[]> out(new T[many]);
    fill(out.get());
    hashes.push_back(fnv1a(out.get(), sizeof(T) * many));
  };
  add(0.0f, [&](float* out) { fill_uniform(out, many, -2.0, 5.0, gen); });
  add(0.0, [&](double* out) { fill_uniform(out, many, -2.0, 5.0, gen); });
  add(0.0f, [&](float* out) { fill_normal(out, many, 1.0, 3.0, gen); });
  add(0.0, [&](double* out) { fill_normal(out, many, 1.0, 3.0, gen); });
  add(0.0f, [&](float* out) { fill_exponential(out, many, 0.7, gen); });
  add(0.0, [&](double* out) { fill_exponential(out, many, 0.7, gen); });
  add(false, [&](bool* out) { fill_bernoulli(out, many, 0.3, gen); });
  add(0.0f, [&](float* out) { fill_bernoulli(out, many, 0.3, gen); });
  add(0.0, [&](double* out) { fill_bernoulli(out, many, 0.3, gen); });
  add(int64_t{0}, [&](int64_t* out) { fill_bernoulli(out, many, 0.3, gen); });
  std::vector<float> p(many);
  std::vector<double> q(many);
  for (int64_t i = 0; i < many; ++i)
    q[static_cast<std::size_t>(i)] = p[static_cast<std::size_t>(i)] = static_cast<float>(i % 101) / 100;
  add(false, [&](bool* out) { fill_bernoulli(out, many, p.data(), gen); });
  add(0.0, [&](double* out) { fill_bernoulli(out, many, q.data(), gen); });
  add(int64_t{0}, [&](int64_t* out) { fill_randint(out, many, -5, 1'000'003, gen); });
  add(int64_t{0}, [&](int64_t* out) { fill_randint(out, many, -5, int64_t{3} << 60, gen); });
  add(int64_t{0}, [&](int64_t* out) { fill_randperm(out, many, gen); });
  std::vector<double> weights(700);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<double>(i % 13);
  add(int64_t{0}, [&](int64_t* out) { fill_multinomial(out, weights.data(), 1, 700, many, true, gen); });
  std::vector<int64_t> drawn(100 * 5);
  fill_multinomial(drawn.data(), weights.data(), 100, 7, 5, false, gen);
  hashes.push_back(fnv1a(drawn.data(), sizeof(int64_t) * drawn.size()));
  return hashes;
}

template <class Call>
void throws_and_changes_nothing(const std::string& text, const Call& call) {
  Generator gen(5);
  gen.reserve(3);
  const Generator before = gen;
  BOOST_CHECK_EXCEPTION(call(gen), ValueError, [&](const ValueError& e) {
    BOOST_TEST_MESSAGE(e.what());
    return std::string(e.what()).find(text) != std::string::npos;
  });
  BOOST_TEST((gen == before));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(random_numbers)

BOOST_AUTO_TEST_CASE(philox_gives_the_published_answers) {
  // The philox4x32 10 lines of kat_vectors in the Random123 distribution.
  using Block = std::array<uint32_t, 4>;
  constexpr uint32_t ones = 0xffffffff;
  BOOST_TEST((philox4x32_10({0, 0, 0, 0}, {0, 0}) == Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  BOOST_TEST(
      (philox4x32_10({ones, ones, ones, ones}, {ones, ones}) == Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  BOOST_TEST((philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
              Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

BOOST_AUTO_TEST_CASE(a_tile_is_its_blocks_in_order_also_across_the_carry_of_the_counter) {
  const RestoreSettings restore;
  for (const int isa : {0, 1, 2}) {
    detail::set_random_isa(isa);
    for (const uint64_t offset : {uint64_t{0}, uint64_t{0xffffffe0}, ~uint64_t{0} - 40, uint64_t{0x123456789abcdef0}}) {
      const PhiloxSpan span{0xfedcba9876543210, offset};
      std::array<uint32_t, detail::tile_words> words;
      for (const uint64_t first : {0u, 17u, 64u}) {
        detail::philox_tile(span, first, words.data());
        for (uint64_t b = 0; b < detail::tile_blocks; ++b) {
          const auto block = span.block(first + b);
          BOOST_TEST(std::equal(block.begin(), block.end(), words.begin() + static_cast<std::ptrdiff_t>(4 * b)));
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(conversions_never_reach_the_open_ends) {
  static_assert(unit_float(0) == 0.0f && unit_float(0xffffffff) == 1.0f - 0x1p-24f);
  static_assert(unit_double(0) == 0.0 && unit_double(~uint64_t{0}) == 1.0 - 0x1p-53);
  static_assert(open_unit(uint32_t{0}) == 0x1p-33 && open_unit(uint32_t{0xffffffff}) == 1.0 - 0x1p-33);
  static_assert(open_unit(uint64_t{0}) == 0x1p-53 && open_unit(~uint64_t{0}) == 1.0 - 0x1p-53);
  BOOST_TEST(unit_float(0xffffffff) < 1.0f);
  BOOST_TEST(unit_double(~uint64_t{0}) < 1.0);
}

BOOST_AUTO_TEST_CASE(element_i_is_a_function_of_seed_position_and_i) {
  const int64_t n = 1000;
  Generator gen(99);
  gen.reserve(7);
  const auto f = filled<float>(n, [&](float* out, int64_t m) { fill_uniform(out, m, 0.0, 1.0, gen); });
  BOOST_TEST(gen.offset() == 7u + 250u);
  const auto d = filled<double>(n, [&](double* out, int64_t m) { fill_uniform(out, m, 0.0, 1.0, gen); });
  BOOST_TEST(gen.offset() == 7u + 250u + 500u);
  const auto k = filled<int64_t>(n, [&](int64_t* out, int64_t m) { fill_randint(out, m, 0, int64_t{1} << 32, gen); });
  for (int64_t i = 0; i < n; ++i) {
    const auto u = static_cast<uint64_t>(i);
    BOOST_TEST(f[u] == unit_float(PhiloxSpan({99, 7}).word(u)));
    BOOST_TEST(d[u] == unit_double(PhiloxSpan({99, 257}).word64(u)));
    BOOST_TEST(k[u] == static_cast<int64_t>(PhiloxSpan({99, 757}).word(u)));
  }
  // Seed 0 begins with the published block.
  Generator zero(0);
  const auto first = filled<float>(4, [&](float* out, int64_t m) { fill_uniform(out, m, 0.0, 1.0, zero); });
  BOOST_TEST(first == std::vector<float>({0x6627e8p-24f, 0xe169c5p-24f, 0xbc57acp-24f, 0x9b00dbp-24f}));
}

BOOST_AUTO_TEST_CASE(a_longer_fill_begins_with_the_shorter_one) {
  for (const int64_t n : {1, 2, 3, 5, 63, 64, 65, 127, 128, 129, 255, 256, 257, 511, 513}) {
    const auto prefix = [&]<class T>(T, const auto& fill) {
      Generator a(3), b(3);
      const auto small = filled<T>(n, [&](T* out, int64_t m) { fill(out, m, a); });
      const auto large = filled<T>(600, [&](T* out, int64_t m) { fill(out, m, b); });
      BOOST_TEST(std::equal(small.begin(), small.end(), large.begin()), "n = " << n);
    };
    prefix(0.0f, [](float* out, int64_t m, Generator& g) { fill_uniform(out, m, 0.0, 1.0, g); });
    prefix(0.0, [](double* out, int64_t m, Generator& g) { fill_uniform(out, m, 0.0, 1.0, g); });
    prefix(0.0f, [](float* out, int64_t m, Generator& g) { fill_normal(out, m, 0.0, 1.0, g); });
    prefix(0.0, [](double* out, int64_t m, Generator& g) { fill_normal(out, m, 0.0, 1.0, g); });
    prefix(0.0, [](double* out, int64_t m, Generator& g) { fill_exponential(out, m, 1.0, g); });
    prefix(false, [](bool* out, int64_t m, Generator& g) { fill_bernoulli(out, m, 0.4, g); });
    prefix(int64_t{0}, [](int64_t* out, int64_t m, Generator& g) { fill_randint(out, m, 0, 77, g); });
  }
}

BOOST_AUTO_TEST_CASE(fills_stay_inside_their_array) {
  for (int64_t n = 0; n < 300; ++n) {
    std::vector<float> out(static_cast<std::size_t>(n) + 2, -7.0f);
    Generator gen(1);
    fill_normal(out.data() + 1, n, 0.0, 1.0, gen);
    BOOST_TEST(out.front() == -7.0f);
    BOOST_TEST(out.back() == -7.0f);
    BOOST_TEST(std::count(out.begin(), out.end(), -7.0f) == 2);
    BOOST_TEST(gen.offset() == static_cast<uint64_t>((n + 3) / 4));
  }
}

BOOST_AUTO_TEST_CASE(every_fill_has_the_same_bits_for_every_thread_count_and_instruction_set) {
  const RestoreSettings restore;
  set_num_threads(1);
  detail::set_random_isa(0);
  const std::vector<uint64_t> expected = hashes_of_all_fills();
  BOOST_TEST(std::set<uint64_t>(expected.begin(), expected.end()).size() == expected.size());
  for (const int isa : {0, 1, 2}) {
    detail::set_random_isa(isa);
    for (const int threads : {1, 2, 3, 5, 8}) {
      set_num_threads(threads);
      BOOST_TEST(hashes_of_all_fills() == expected, boost::test_tools::per_element());
    }
  }
}

BOOST_AUTO_TEST_CASE(every_fill_keeps_its_bits_on_every_platform_and_in_every_release) {
  // A change here changes the results of every seeded program: it needs a reason and a line in the release notes.
  const std::vector<uint64_t> pinned = {0xfb2b448ec6c1975d, 0xbc3e226b9fa69967, 0xe433986e47f5250c, 0xf0d419153c6071c7,
                                        0x0568635083ed9914, 0x57319fc305c68c54, 0x3861c0084b0a1d5b, 0x2ece9885a54566e5,
                                        0xc523eda89f0ee7b8, 0x26c73879591ab1c4, 0x26c4cfd9edcd5e00, 0x4d2c5b33c6c256e5,
                                        0x77b11fe3a586924d, 0x545d64ee5ec889e5, 0x845f68c99ca12a31, 0x5867e44504084ace,
                                        0x207a7591ff12ffa6};
  BOOST_TEST(hashes_of_all_fills() == pinned, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(normal_and_exponential_follow_their_formulas_to_rounding) {
  const int64_t n = 200'000;
  Generator gen(31);
  const auto z = filled<double>(n, [&](double* out, int64_t m) { fill_normal(out, m, 0.0, 1.0, gen); });
  const auto e = filled<double>(n, [&](double* out, int64_t m) { fill_exponential(out, m, 1.0, gen); });
  const PhiloxSpan at_z{31, 0}, at_e{31, static_cast<uint64_t>(n / 2)};
  constexpr long double tau = 6.283185307179586476925286766559L;
  long double worst_z = 0, worst_e = 0;
  for (uint64_t i = 0; i < static_cast<uint64_t>(n); i += 2) {
    const long double r = std::sqrt(-2 * std::log(static_cast<long double>(open_unit(at_z.word64(i)))));
    const long double angle = tau * static_cast<long double>(at_z.word64(i + 1) >> 12) * 0x1p-52L;
    worst_z =
        std::max({worst_z, std::fabs(r * std::cos(angle) - z[i]) / r, std::fabs(r * std::sin(angle) - z[i + 1]) / r});
    const long double t = -std::log(static_cast<long double>(open_unit(at_e.word64(i))));
    worst_e = std::max(worst_e, std::fabs(t - e[i]) / t);
  }
  BOOST_TEST(worst_z < 4e-16L);
  BOOST_TEST(worst_e < 4e-16L);
}

BOOST_AUTO_TEST_CASE(uniform_never_returns_hi_even_where_rounding_would) {
  Generator gen(8);
  const float lo = 1.0f, hi = 1.0f + 4 * 0x1p-23f;  // Four floats: an eighth of all sums round up to hi.
  const auto f = filled<float>(100'003, [&](float* out, int64_t m) { fill_uniform(out, m, lo, hi, gen); });
  BOOST_TEST(*std::max_element(f.begin(), f.end()) == std::nextafter(hi, lo));
  BOOST_TEST(*std::min_element(f.begin(), f.end()) == lo);
  const double big = 0x1p53, top = 0x1p53 + 6;
  const auto d = filled<double>(100'003, [&](double* out, int64_t m) { fill_uniform(out, m, big, top, gen); });
  BOOST_TEST(*std::max_element(d.begin(), d.end()) == top - 2);
  BOOST_TEST(*std::min_element(d.begin(), d.end()) == big);
  const auto same = filled<float>(1000, [&](float* out, int64_t m) { fill_uniform(out, m, 2.5, 2.5, gen); });
  BOOST_TEST(std::count(same.begin(), same.end(), 2.5f) == 1000);
  const auto wide = filled<float>(1000, [&](float* out, int64_t m) { fill_uniform(out, m, -1.5e38, 1.5e38, gen); });
  BOOST_TEST(std::all_of(wide.begin(), wide.end(), [](float x) { return x >= -1.5e38f && x < 1.5e38f; }));
}

BOOST_AUTO_TEST_CASE(bernoulli_decides_a_tie_of_the_upper_bits_by_more_bits) {
  // A threshold whose upper 32 bits are exactly word i: element i is decided by the next 32 bits of its stream alone.
  for (const uint64_t i : {5u, 300u, 700u}) {
    const PhiloxSpan span{4, 0};
    const double word = span.word(i), more = span.word(i, 1);
    for (const double step : {-1.0, 1.0}) {
      const double p = (word + (more + step * 0x1p16) * 0x1p-32) * 0x1p-32;
      Generator gen(4);
      const auto x = filled<bool>(1000, [&](bool* out, int64_t m) { fill_bernoulli(out, m, p, gen); });
      BOOST_TEST(x[i] == (step > 0));
      Generator same(4);
      const std::vector<double> all(1000, p);
      const auto y = filled<bool>(1000, [&](bool* out, int64_t m) { fill_bernoulli(out, m, all.data(), same); });
      BOOST_TEST((x == y));
    }
  }
}

BOOST_AUTO_TEST_CASE(bad_arguments_throw_and_change_nothing) {
  float f = -1;
  double d = -1;
  int64_t k = -1;
  bool b = false;
  throws_and_changes_nothing("uniform: the number of elements must not be negative, but is -1",
                             [&](Generator& g) { fill_uniform(&f, -1, 0, 1, g); });
  throws_and_changes_nothing("needs lo <= hi, but lo = 2, hi = 1", [&](Generator& g) { fill_uniform(&f, 1, 2, 1, g); });
  throws_and_changes_nothing("uniform", [&](Generator& g) { fill_uniform(&f, 1, not_a_number, 1, g); });
  throws_and_changes_nothing("uniform", [&](Generator& g) { fill_uniform(&d, 1, 0, not_a_number, g); });
  throws_and_changes_nothing("must be finite", [&](Generator& g) { fill_uniform(&d, 1, -1e308, 1e308, g); });
  throws_and_changes_nothing("must be finite", [&](Generator& g) { fill_uniform(&f, 1, -3e38, 3e38, g); });
  throws_and_changes_nothing("must be finite", [&](Generator& g) { fill_uniform(&f, 1, 0, 1e300, g); });
  throws_and_changes_nothing("must be finite", [&](Generator& g) { fill_uniform(&d, 1, inf, inf, g); });
  throws_and_changes_nothing("standard deviation must be >= 0, but is -0.5",
                             [&](Generator& g) { fill_normal(&f, 1, 0, -0.5, g); });
  throws_and_changes_nothing("but is nan", [&](Generator& g) { fill_normal(&d, 1, 0, not_a_number, g); });
  throws_and_changes_nothing("lambda must be positive and finite, but is 0",
                             [&](Generator& g) { fill_exponential(&d, 1, 0, g); });
  throws_and_changes_nothing("lambda", [&](Generator& g) { fill_exponential(&f, 1, inf, g); });
  throws_and_changes_nothing("lambda", [&](Generator& g) { fill_exponential(&f, 1, not_a_number, g); });
  for (const double p : {-0.1, 1.0000001, not_a_number, inf}) {
    throws_and_changes_nothing("the probability must be between 0 and 1, but is",
                               [&](Generator& g) { fill_bernoulli(&b, 1, p, g); });
    const std::array<double, 3> ps{0.5, 0.5, p};
    std::array<double, 3> out{-1, -1, -1};
    throws_and_changes_nothing("the probability must be between 0 and 1, but is",
                               [&](Generator& g) { fill_bernoulli(out.data(), 3, ps.data(), g); });
    BOOST_TEST(std::count(out.begin(), out.end(), -1.0) == 3);
  }
  throws_and_changes_nothing("is empty: lo = 4, hi = 4", [&](Generator& g) { fill_randint(&k, 1, 4, 4, g); });
  throws_and_changes_nothing("is empty: lo = 5, hi = 4", [&](Generator& g) { fill_randint(&k, 1, 5, 4, g); });
  throws_and_changes_nothing("randperm: the number of elements must not be negative, but is -2",
                             [&](Generator& g) { fill_randperm(&k, -2, g); });
  throws_and_changes_nothing("cannot draw 3 samples from 2 categories without replacement", [&](Generator& g) {
    const std::array<double, 2> w{1, 1};
    fill_multinomial(&k, w.data(), 1, 2, 3, false, g);
  });
  throws_and_changes_nothing("no category", [&](Generator& g) { fill_multinomial(&k, &d, 1, 0, 1, true, g); });
  throws_and_changes_nothing("negative size", [&](Generator& g) { fill_multinomial(&k, &d, -1, 2, 1, true, g); });
  throws_and_changes_nothing("next_below", [&](Generator& g) { g.next_below(0); });
  BOOST_TEST(f == -1);
  BOOST_TEST(d == -1);
  BOOST_TEST(k == -1);
}

BOOST_AUTO_TEST_CASE(nothing_is_drawn_for_no_elements) {
  Generator gen(5);
  fill_uniform(static_cast<float*>(nullptr), 0, 0.0, 1.0, gen);
  fill_normal(static_cast<double*>(nullptr), 0, 0.0, 1.0, gen);
  fill_bernoulli(static_cast<bool*>(nullptr), 0, 0.5, gen);
  fill_randint(nullptr, 0, 0, 1, gen);
  fill_randperm(nullptr, 0, gen);
  fill_multinomial(nullptr, nullptr, 0, 3, 2, true, gen);
  BOOST_TEST(gen.offset() == 0u);
}

BOOST_AUTO_TEST_CASE(a_saved_state_continues_the_stream) {
  Generator gen(0x0123456789abcdef);
  gen.reserve(1000);
  const std::vector<std::uint8_t> state = gen.get_state();
  BOOST_TEST(state == std::vector<std::uint8_t>({'S',  'R',  'N',  'G',  1,    0,    0, 0, 0xef, 0xcd, 0xab, 0x89,
                                                 0x67, 0x45, 0x23, 0x01, 0xe8, 0x03, 0, 0, 0,    0,    0,    0}));
  const std::array<uint64_t, 3> expected{gen.next_u64(), gen.next_u64(), gen.next_u64()};
  Generator other(1);
  other.set_state(state);
  BOOST_TEST(other.initial_seed() == 0x0123456789abcdefu);
  BOOST_TEST((std::array<uint64_t, 3>{other.next_u64(), other.next_u64(), other.next_u64()} == expected));
  const Generator copy = other;
  BOOST_TEST(Generator(copy).next_u64() == gen.next_u64());

  const Generator before = other;
  for (std::size_t size = 0; size < 30; ++size) {
    std::vector<std::uint8_t> wrong = state;
    wrong.resize(size);
    if (size != state.size()) BOOST_CHECK_THROW(other.set_state(wrong), ValueError);
  }
  for (std::size_t byte = 0; byte < 8; ++byte) {
    std::vector<std::uint8_t> wrong = state;
    wrong[byte] ^= 1;
    BOOST_CHECK_THROW(other.set_state(wrong), ValueError);
  }
  BOOST_TEST((other == before));
}

BOOST_AUTO_TEST_CASE(seeding_restarts_the_stream_and_different_seeds_differ) {
  manual_seed(17);
  BOOST_TEST(initial_seed() == 17u);
  const auto first = filled<float>(10, [](float* out, int64_t m) { fill_normal(out, m, 0.0, 1.0); });
  const auto second = filled<float>(10, [](float* out, int64_t m) { fill_normal(out, m, 0.0, 1.0); });
  BOOST_TEST(first != second);
  manual_seed(17);
  BOOST_TEST(first == filled<float>(10, [](float* out, int64_t m) { fill_normal(out, m, 0.0, 1.0); }));
  manual_seed(18);
  BOOST_TEST(first != filled<float>(10, [](float* out, int64_t m) { fill_normal(out, m, 0.0, 1.0); }));
  manual_seed(uint64_t{17} | uint64_t{1} << 40);  // The upper half of the seed counts.
  BOOST_TEST(first != filled<float>(10, [](float* out, int64_t m) { fill_normal(out, m, 0.0, 1.0); }));
  Generator gen(1);
  gen.next_u64();
  const uint64_t fresh = gen.seed();
  BOOST_TEST(gen.initial_seed() == fresh);
  BOOST_TEST(gen.offset() == 0u);
  BOOST_TEST(Generator(2).seed() != fresh);
  manual_seed(default_seed);
}

BOOST_AUTO_TEST_CASE(next_double_is_uniform_below_one) {
  Generator gen(9);
  std::vector<double> x(100'000);
  for (double& v : x) v = gen.next_double();
  BOOST_TEST(ks(x, [](double v) { return v; }) < 1.95);
  BOOST_TEST(*std::max_element(x.begin(), x.end()) < 1.0);
}

BOOST_AUTO_TEST_CASE(threads_that_share_a_generator_never_get_the_same_numbers) {
  Generator gen(10);
  std::vector<std::vector<uint64_t>> drawn(4);
  std::vector<std::thread> threads;
  for (auto& mine : drawn) {
    threads.emplace_back([&gen, &mine] {
      for (int i = 0; i < 2000; ++i) mine.push_back(gen.next_u64());
    });
  }
  for (std::thread& t : threads) t.join();
  std::set<uint64_t> together, serial;
  for (const auto& mine : drawn) together.insert(mine.begin(), mine.end());
  Generator again(10);
  for (int i = 0; i < 8000; ++i) serial.insert(again.next_u64());
  BOOST_TEST((together == serial));
}

BOOST_AUTO_TEST_CASE(derived_streams_differ_and_do_not_depend_on_the_position) {
  std::set<uint64_t> seeds{1};
  for (uint64_t a = 0; a < 200; ++a) {
    for (uint64_t b = 0; b < 200; ++b) seeds.insert(derive_seed(1, a, b));
  }
  seeds.insert(derive_seed(1, uint64_t{1} << 32, 0));
  seeds.insert(derive_seed(1, 0, uint64_t{1} << 32));
  seeds.insert(derive_seed(2, 0, 0));
  BOOST_TEST(seeds.size() == 40'004u);

  Generator gen(11);
  const Generator early = gen.fork(3);
  gen.reserve(100);
  BOOST_TEST((gen.fork(3) == early));
  BOOST_TEST((gen.offset() == 100u));
  BOOST_TEST(!(gen.fork(4) == early));
  BOOST_TEST(!(Generator(12).fork(3) == early));
  BOOST_TEST(!(gen.fork(3).fork(0) == early));

  // Numbers at the same position of neighbouring streams are independent.
  std::vector<double> across;
  for (uint64_t s = 0; s < 100'000; ++s) across.push_back(gen.fork(s).next_double());
  BOOST_TEST(ks(across, [](double v) { return v; }) < 1.95);
  std::vector<int64_t> grid(256);
  for (std::size_t i = 0; i + 1 < across.size(); i += 2) {
    ++grid[static_cast<std::size_t>(across[i] * 16) * 16 + static_cast<std::size_t>(across[i + 1] * 16)];
  }
  BOOST_TEST(std::fabs(chi_square_sigmas(grid)) < 4);
}

BOOST_AUTO_TEST_SUITE_END()
