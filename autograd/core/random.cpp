#include "slope/autograd/core/random.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <random>

#include "slope/autograd/core/error.h"
#include "slope/autograd/core/internal/random_tiles.h"

namespace slope {
namespace {

constexpr std::uint8_t state_header[8] = {'S', 'R', 'N', 'G', 1, 0, 0, 0};
constexpr std::size_t state_size = 24;

__extension__ using uint128 = unsigned __int128;

// The high word of word * range is uniform in {0, ..., range - 1} once the 2^32 mod range lowest products are left out
// (D. Lemire, "Fast random integer generation in an interval", 2019). 1 <= range <= 2^32. What is seldom needed is a
// function of its own, so that the rest is inlined into the loops.
[[gnu::noinline]] std::uint64_t product_to_keep(std::uint64_t product, std::uint64_t range, const PhiloxSpan& span,
                                                std::uint64_t element) {
  const std::uint64_t left_out = (std::uint64_t{1} << 32) % range;
  for (std::uint32_t attempt = 1; static_cast<std::uint32_t>(product) < left_out; ++attempt)
    product = span.word(element, attempt) * range;
  return product;
}

inline std::uint64_t below(std::uint64_t range, std::uint32_t word, const PhiloxSpan& span, std::uint64_t element) {
  std::uint64_t product = word * range;
  if (static_cast<std::uint32_t>(product) < range) [[unlikely]]
    product = product_to_keep(product, range, span, element);
  return product >> 32;
}

// The same with 64-bit words, for every range >= 1.
[[gnu::noinline]] uint128 product_to_keep(uint128 product, std::uint64_t range, const PhiloxSpan& span,
                                          std::uint64_t element) {
  const std::uint64_t left_out = (0 - range) % range;
  for (std::uint32_t attempt = 1; static_cast<std::uint64_t>(product) < left_out; ++attempt)
    product = uint128{span.word64(element, attempt)} * range;
  return product;
}

inline std::uint64_t below(std::uint64_t range, std::uint64_t word, const PhiloxSpan& span, std::uint64_t element) {
  uint128 product = uint128{word} * range;
  if (static_cast<std::uint64_t>(product) < range) [[unlikely]]
    product = product_to_keep(product, range, span, element);
  return static_cast<std::uint64_t>(product >> 64);
}

std::uint64_t pair(const std::uint32_t* words, std::int64_t i) {
  return words[2 * i] | std::uint64_t{words[2 * i + 1]} << 32;
}

constexpr bool needs_64_bits(std::uint64_t range) { return range > std::uint64_t{1} << 32; }

}  // namespace

// ---------------------------------------------------------------------------------------------------------------------
// Generator

Generator& Generator::operator=(const Generator& other) {
  seed_.store(other.initial_seed(), std::memory_order_relaxed);
  offset_.store(other.offset(), std::memory_order_relaxed);
  return *this;
}

void Generator::manual_seed(std::uint64_t seed) { *this = Generator(seed); }

std::uint64_t Generator::seed() {
  std::random_device device;
  const std::uint64_t high = device();
  const std::uint64_t fresh = high << 32 | device();
  manual_seed(fresh);
  return fresh;
}

std::uint64_t Generator::next_below(std::uint64_t n, SourceLoc loc) {
  if (n == 0) throw ValueError("next_below: there is no number below 0; n must be positive", loc);
  const PhiloxSpan span = reserve(1);
  return below(n, span.word64(0), span, 0);
}

Generator Generator::fork(std::uint64_t stream) const {
  // "fork" as a second number keeps these streams apart from what callers derive from the same seed.
  return Generator(derive_seed(initial_seed(), stream, 0x666F726B));
}

std::vector<std::uint8_t> Generator::get_state() const {
  std::vector<std::uint8_t> state(std::begin(state_header), std::end(state_header));
  for (const std::uint64_t value : {initial_seed(), offset()}) {
    for (int shift = 0; shift < 64; shift += 8) state.push_back(static_cast<std::uint8_t>(value >> shift));
  }
  return state;
}

void Generator::set_state(std::span<const std::uint8_t> state, SourceLoc loc) {
  if (state.size() != state_size) {
    throw ValueError(concat("set_state: a generator's state has ", state_size, " bytes, but got ", state.size()), loc);
  }
  if (!std::equal(std::begin(state_header), std::end(state_header), state.begin())) {
    throw ValueError("set_state: these bytes are not the state of a slope generator; pass what get_state returned",
                     loc);
  }
  const auto read = [&](std::size_t at) {
    std::uint64_t value = 0;
    for (std::size_t i = 8; i-- > 0;) value = value << 8 | state[at + i];
    return value;
  };
  seed_.store(read(8), std::memory_order_relaxed);
  offset_.store(read(16), std::memory_order_relaxed);
}

Generator& default_generator() {
  static Generator generator;
  return generator;
}

void manual_seed(std::uint64_t seed) { default_generator().manual_seed(seed); }

std::uint64_t initial_seed() { return default_generator().initial_seed(); }

std::uint64_t derive_seed(std::uint64_t seed, std::uint64_t a, std::uint64_t b) {
  // Under another key than `seed`, so that no derived seed is itself a number of the stream of `seed`.
  constexpr std::uint64_t domain = 0x9E3779B97F4A7C15;
  const auto words =
      philox4x32_10({static_cast<std::uint32_t>(a), static_cast<std::uint32_t>(a >> 32), static_cast<std::uint32_t>(b),
                     static_cast<std::uint32_t>(b >> 32)},
                    {static_cast<std::uint32_t>(seed ^ domain), static_cast<std::uint32_t>((seed ^ domain) >> 32)});
  return words[0] | std::uint64_t{words[1]} << 32;
}

// ---------------------------------------------------------------------------------------------------------------------
// Integers

void fill_randint(std::int64_t* out, std::int64_t n, std::int64_t lo, std::int64_t hi, Generator& gen, SourceLoc loc) {
  const CallerScope caller(loc);
  detail::check_fill_count("randint", n);
  if (lo >= hi) throw ValueError(concat("randint: the range [lo, hi) is empty: lo = ", lo, ", hi = ", hi));
  // Unsigned arithmetic: hi - lo may exceed the largest int64.
  const std::uint64_t base = static_cast<std::uint64_t>(lo), range = static_cast<std::uint64_t>(hi) - base;
  const auto value = [&](std::uint64_t drawn) { return static_cast<std::int64_t>(base + drawn); };
  const int words_each = needs_64_bits(range) ? 2 : 1;
  const PhiloxSpan span = gen.reserve(detail::blocks_for(n, words_each));
  detail::for_each_tile(span, n, words_each, 32, [&](const std::uint32_t* words, std::int64_t i, std::int64_t count) {
    for (std::int64_t j = 0; j < count; ++j) {
      const auto element = static_cast<std::uint64_t>(i + j);
      out[i + j] =
          value(words_each == 1 ? below(range, words[j], span, element) : below(range, pair(words, j), span, element));
    }
  });
}

void fill_randperm(std::int64_t* out, std::int64_t n, Generator& gen, SourceLoc loc) {
  const CallerScope caller(loc);
  detail::check_fill_count("randperm", n);
  const int words_each = needs_64_bits(static_cast<std::uint64_t>(n)) ? 2 : 1;
  const PhiloxSpan span = gen.reserve(detail::blocks_for(n, words_each));
  const SerialGuard in_order;  // Each element is swapped into the result of all before it.
  detail::for_each_tile(span, n, words_each, 1, [&](const std::uint32_t* words, std::int64_t i, std::int64_t count) {
    const auto place = [&](std::int64_t j, auto word) {
      const auto last = static_cast<std::uint64_t>(i + j);
      const std::uint64_t at = below(last + 1, word, span, last);
      out[last] = out[at];
      out[at] = static_cast<std::int64_t>(last);
    };
    if (words_each == 1)
      for (std::int64_t j = 0; j < count; ++j) place(j, words[j]);
    else
      for (std::int64_t j = 0; j < count; ++j) place(j, pair(words, j));
  });
}

// ---------------------------------------------------------------------------------------------------------------------
// Categories

namespace {

void draw_with_replacement(std::int64_t* out, const double* weights, std::int64_t rows, std::int64_t cols,
                           std::int64_t n, Generator& gen) {
  std::vector<double> cumulative(static_cast<std::size_t>(rows * cols));
  parallel_for(rows, std::max<std::int64_t>(1, 16384 / cols), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      const double* row = weights + r * cols;
      const double largest = *std::max_element(row, row + cols);  // So that the sum cannot overflow.
      double sum = 0;
      for (std::int64_t c = 0; c < cols; ++c)
        cumulative[static_cast<std::size_t>(r * cols + c)] = sum += row[c] / largest;
    }
  });
  const PhiloxSpan span = gen.reserve(detail::blocks_for(rows * n, 2));
  detail::for_each_tile(span, rows * n, 2, 16, [&](const std::uint32_t* words, std::int64_t i, std::int64_t count) {
    for (std::int64_t j = 0; j < count; ++j) {
      const double* row = cumulative.data() + (i + j) / n * cols;
      // A sum is passed only where the weight is positive, hence strictly greater.
      const double* drawn = std::upper_bound(row, row + cols, unit_double(pair(words, j)) * row[cols - 1]);
      out[i + j] = std::min<std::int64_t>(drawn - row, cols - 1);
    }
  });
}

// Exponential arrival times with the weights as rates: the order of arrival is that of successive draws without
// replacement.
void draw_without_replacement(std::int64_t* out, const double* weights, std::int64_t rows, std::int64_t cols,
                              std::int64_t n, Generator& gen) {
  std::vector<double> arrival(static_cast<std::size_t>(rows * cols));
  fill_exponential(arrival.data(), rows * cols, 1.0, gen);
  parallel_for(rows, std::max<std::int64_t>(1, 2048 / cols), [&](std::int64_t begin, std::int64_t end) {
    std::vector<std::int64_t> order(static_cast<std::size_t>(cols));
    for (std::int64_t r = begin; r < end; ++r) {
      const double* rate = weights + r * cols;
      double* time = arrival.data() + r * cols;
      for (std::int64_t c = 0; c < cols; ++c) time[c] = rate[c] > 0 ? time[c] / rate[c] : time[c];
      std::iota(order.begin(), order.end(), std::int64_t{0});
      std::partial_sort(order.begin(), order.begin() + n, order.end(), [&](std::int64_t a, std::int64_t b) {
        if ((rate[a] > 0) != (rate[b] > 0)) return rate[a] > 0;
        return time[a] != time[b] ? time[a] < time[b] : a < b;
      });
      std::copy_n(order.begin(), n, out + r * n);
    }
  });
}

}  // namespace

void fill_multinomial(std::int64_t* out, const double* weights, std::int64_t rows, std::int64_t cols, std::int64_t n,
                      bool replacement, Generator& gen, SourceLoc loc) {
  const CallerScope caller(loc);
  detail::check_fill_count("multinomial", n);
  if (rows < 0 || cols < 0)
    throw ValueError(concat("multinomial: weights of ", rows, " x ", cols, " have a negative size"));
  if (rows == 0 || n == 0) return;
  if (cols == 0) throw ValueError(concat("multinomial: cannot draw ", n, " samples from no category"));
  if (!replacement && n > cols) {
    throw ValueError(concat("multinomial: cannot draw ", n, " samples from ", cols,
                            " categories without replacement; draw fewer or pass replacement = true"));
  }
  if (replacement) {
    draw_with_replacement(out, weights, rows, cols, n, gen);
  } else {
    draw_without_replacement(out, weights, rows, cols, n, gen);
  }
}

}  // namespace slope
