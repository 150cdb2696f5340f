#include <algorithm>
#include <cmath>
#include <cstdint>

#include "slope/autograd/core/error.h"
#include "slope/autograd/core/internal/random_tiles.h"
#include "slope/autograd/core/random.h"

// The loops below are plain C++ that the compiler vectorizes once per instruction set. A fused multiply-add rounds once
// where others round twice, so contraction is off: it would make results depend on the processor.
#if defined(__clang__)
#pragma clang fp contract(off)
#elif defined(__GNUC__)
#pragma GCC optimize("O3", "fp-contract=off")
#endif

#if defined(__x86_64__) && defined(__GNUC__)
#define SLOPE_RANDOM_X86 1
#if defined(__clang__)
#define SLOPE_AVX512 "avx512f,avx512dq,avx512bw,avx512vl"
#else
#define SLOPE_AVX512 "avx512f,avx512dq,avx512bw,avx512vl,prefer-vector-width=512"
#endif
#endif

#define SLOPE_INLINE inline __attribute__((always_inline))

namespace slope {
namespace {

using detail::blocks_for, detail::check_fill_count, detail::for_each_tile, detail::tile_words;

// ---------------------------------------------------------------------------------------------------------------------
// Instruction sets

#if defined(SLOPE_RANDOM_X86)
template <class Loop>
__attribute__((target("avx2"))) void run_avx2(const Loop& loop) {
  loop();
}
template <class Loop>
__attribute__((target(SLOPE_AVX512))) void run_avx512(const Loop& loop) {
  loop();
}
#endif

// Runs `loop`, an object with an always-inline operator(), compiled for the best instruction set.
template <class Loop>
void run(const Loop& loop) {
#if defined(SLOPE_RANDOM_X86)
  const int level = detail::random_isa();
  if (level == 2) return run_avx512(loop);
  if (level == 1) return run_avx2(loop);
#endif
  loop();
}

// ---------------------------------------------------------------------------------------------------------------------
// Arithmetic that gives the same bits everywhere. Series rather than fitted polynomials: their coefficients can be
// checked by eye, and the few more terms cost little.

SLOPE_INLINE double from_bits(std::uint64_t bits) { return __builtin_bit_cast(double, bits); }
SLOPE_INLINE std::uint64_t to_bits(double value) { return __builtin_bit_cast(std::uint64_t, value); }
// An integer below 2^52 as a double: written into the mantissa of 2^52.
SLOPE_INLINE double to_double(std::uint64_t integer) { return from_bits(integer | 0x4330000000000000) - 0x1p52; }

// log(u) for u in [2^-54, 1): u = 2^k m with m in [sqrt(1/2), sqrt(2)), log m = 2 atanh(s) = 2 (s + s^3/3 + s^5/5 +
// ...).
SLOPE_INLINE double log_unit(double u) {
  constexpr std::uint64_t sqrt_half = 0x3FE6A09E667F3BCD;
  const std::uint64_t shifted = to_bits(u) - sqrt_half + (std::uint64_t{1024} << 52);
  const std::uint64_t k_biased = shifted >> 52;
  const double m = from_bits(to_bits(u) - (k_biased << 52) + (std::uint64_t{1024} << 52));
  const double k = to_double(k_biased) - 1024.0;
  const double s = (m - 1.0) / (m + 1.0);
  const double z = s * s;
  double series = 1.0 / 23;
  series = series * z + 1.0 / 21;
  series = series * z + 1.0 / 19;
  series = series * z + 1.0 / 17;
  series = series * z + 1.0 / 15;
  series = series * z + 1.0 / 13;
  series = series * z + 1.0 / 11;
  series = series * z + 1.0 / 9;
  series = series * z + 1.0 / 7;
  series = series * z + 1.0 / 5;
  series = series * z + 1.0 / 3;
  return k * 0.69314718055994530942 + (2.0 * s + 2.0 * s * z * series);
}

struct SinCos {
  double sin, cos;
};

// Sine and cosine of 2 pi t / 2^52 for an integer t below 2^52: the nearest quarter turn exactly, then Taylor on
// [-pi/4, pi/4].
SLOPE_INLINE SinCos sin_cos_turn(std::uint64_t t) {
  constexpr std::uint64_t quarter = std::uint64_t{1} << 50;
  const std::uint64_t turned = t + quarter / 2;
  const std::uint64_t quadrant = turned >> 50;  // Of 4 and above only the lower two bits count.
  const double x = (to_double(turned & (quarter - 1)) - 0x1p49) * (1.57079632679489661923 * 0x1p-50);
  const double z = x * x;
  double s = -1.0 / 1307674368000.0;
  s = s * z + 1.0 / 6227020800.0;
  s = s * z - 1.0 / 39916800.0;
  s = s * z + 1.0 / 362880.0;
  s = s * z - 1.0 / 5040.0;
  s = s * z + 1.0 / 120.0;
  s = s * z - 1.0 / 6.0;
  s = x + x * z * s;
  double c = 1.0 / 20922789888000.0;
  c = c * z - 1.0 / 87178291200.0;
  c = c * z + 1.0 / 479001600.0;
  c = c * z - 1.0 / 3628800.0;
  c = c * z + 1.0 / 40320.0;
  c = c * z - 1.0 / 720.0;
  c = c * z + 1.0 / 24.0;
  c = c * z - 0.5;
  c = 1.0 + z * c;
  const std::uint64_t sin_sign = (quadrant & 2) << 62, cos_sign = ((quadrant + 1) & 2) << 62;
  const std::uint64_t swap = 0 - (quadrant & 1);
  const std::uint64_t sb = to_bits(s), cb = to_bits(c);
  const std::uint64_t mixed = (sb ^ cb) & swap;
  return {from_bits(sb ^ mixed ^ sin_sign), from_bits(cb ^ mixed ^ cos_sign)};
}

// How an element type reads the words of a tile.
template <class T>
struct Source;
template <>
struct Source<float> {  // One word per element.
  static constexpr int per_tile = tile_words;
  static SLOPE_INLINE double unit(const std::uint32_t* w, int i) { return to_double(w[i] >> 8) * 0x1p-24; }
  static SLOPE_INLINE double open_unit(const std::uint32_t* w, int i) { return (to_double(w[i]) + 0.5) * 0x1p-32; }
  static SLOPE_INLINE std::uint64_t turn(const std::uint32_t* w, int i) { return std::uint64_t{w[i]} << 20; }
};
template <>
struct Source<double> {  // Two words per element, the lower half first.
  static constexpr int per_tile = tile_words / 2;
  static SLOPE_INLINE double unit(const std::uint32_t* w, int i) {
    return (to_double(w[2 * i + 1]) * 0x1p21 + to_double(w[2 * i] >> 11)) * 0x1p-53;
  }
  static SLOPE_INLINE std::uint64_t turn(const std::uint32_t* w, int i) {
    return std::uint64_t{w[2 * i + 1]} << 20 | w[2 * i] >> 12;
  }
  static SLOPE_INLINE double open_unit(const std::uint32_t* w, int i) {
    return (to_double(turn(w, i)) + 0.5) * 0x1p-52;
  }
};

// ---------------------------------------------------------------------------------------------------------------------
// Distributions: tile(words, out) makes Source::per_tile elements of one tile of words

template <class T>
struct Uniform {
  using Value = T;
  static constexpr int per_tile = Source<T>::per_tile;
  double lo, width;
  T largest;
  SLOPE_INLINE void tile(const std::uint32_t* w, T* out) const {
    for (int i = 0; i < per_tile; ++i) {
      const T value = static_cast<T>(lo + Source<T>::unit(w, i) * width);
      out[i] = value < largest ? value : largest;  // The sum may round up to hi.
    }
  }
};

template <class T>
struct Normal {
  using Value = T;
  static constexpr int per_tile = Source<T>::per_tile;
  double mean, std;
  SLOPE_INLINE void tile(const std::uint32_t* w, T* out) const {
    for (int pair = 0; pair < per_tile / 2; ++pair) {
      const double radius = std * __builtin_sqrt(-2.0 * log_unit(Source<T>::open_unit(w, 2 * pair)));
      const SinCos angle = sin_cos_turn(Source<T>::turn(w, 2 * pair + 1));
      out[2 * pair] = static_cast<T>(mean + radius * angle.cos);
      out[2 * pair + 1] = static_cast<T>(mean + radius * angle.sin);
    }
  }
};

template <class T>
struct Exponential {
  using Value = T;
  static constexpr int per_tile = Source<T>::per_tile;
  double lambda;
  SLOPE_INLINE void tile(const std::uint32_t* w, T* out) const {
    for (int i = 0; i < per_tile; ++i) out[i] = static_cast<T>(-log_unit(Source<T>::open_unit(w, i)) / lambda);
  }
};

// word < p * 2^32, decided by the upper 32 bits of p's 64-bit threshold; only a word equal to them needs 32 bits more.
struct Threshold {
  std::uint64_t upper;  // 2^32 when p = 1: above every word.
  std::uint32_t lower;
  explicit Threshold(double p) {
    const double scaled = p * 0x1p32;
    upper = static_cast<std::uint64_t>(scaled);
    lower = static_cast<std::uint32_t>((scaled - static_cast<double>(upper)) * 0x1p32);
  }
  bool holds(const PhiloxSpan& span, std::int64_t i, std::uint32_t word) const {
    return word < upper || (word == upper && span.word(static_cast<std::uint64_t>(i), 1) < lower);
  }
};

template <class T>
struct Bernoulli {
  using Value = T;
  static constexpr int per_tile = tile_words;
  Threshold threshold;
  SLOPE_INLINE void tile(const std::uint32_t* w, T* out) const {
    const auto upper = static_cast<std::uint32_t>(threshold.upper);
    for (int i = 0; i < tile_words; ++i) out[i] = static_cast<T>(w[i] < upper);
  }
};

struct Contains {
  const std::uint32_t* words;
  std::uint32_t wanted;
  bool& found;
  SLOPE_INLINE void operator()() const {
    std::uint32_t hits = 0;
    for (int i = 0; i < tile_words; ++i) hits |= words[i] == wanted ? 1u : 0u;
    found = hits != 0;
  }
};

// ---------------------------------------------------------------------------------------------------------------------
// Driver

template <class D>
struct Tile {
  const D& distribution;
  const std::uint32_t* words;
  typename D::Value* out;
  SLOPE_INLINE void operator()() const { distribution.tile(words, out); }
};

template <class D>
void fill(typename D::Value* out, std::int64_t n, Generator& gen, const D& distribution, std::int64_t tiles_per_chunk) {
  using T = typename D::Value;
  constexpr int words_per_element = tile_words / D::per_tile;
  const PhiloxSpan span = gen.reserve(blocks_for(n, words_per_element));
  for_each_tile(span, n, words_per_element, tiles_per_chunk,
                [&](const std::uint32_t* words, std::int64_t i, std::int64_t count) {
                  if (count == D::per_tile) return run(Tile<D>{distribution, words, out + i});
                  T rest[D::per_tile];
                  run(Tile<D>{distribution, words, rest});
                  std::copy_n(rest, count, out + i);
                });
}

template <class T>
void uniform(T* out, std::int64_t n, double lo, double hi, Generator& gen) {
  check_fill_count("uniform", n);
  const T first = static_cast<T>(lo), last = static_cast<T>(hi);
  if (!(lo <= hi)) throw ValueError(concat("uniform: the range [lo, hi) needs lo <= hi, but lo = ", lo, ", hi = ", hi));
  if (!std::isfinite(last - first)) {
    throw ValueError(concat("uniform: the range [lo, hi) must be finite, but lo = ", lo, ", hi = ", hi));
  }
  const T largest = first < last ? std::nextafter(last, first) : first;
  fill(out, n, gen, Uniform<T>{first, static_cast<double>(last) - static_cast<double>(first), largest}, 64);
}

template <class T>
void normal(T* out, std::int64_t n, double mean, double std, Generator& gen) {
  check_fill_count("normal", n);
  if (!(std >= 0)) throw ValueError(concat("normal: the standard deviation must be >= 0, but is ", std));
  fill(out, n, gen, Normal<T>{mean, std}, 16);
}

template <class T>
void exponential(T* out, std::int64_t n, double lambda, Generator& gen) {
  check_fill_count("exponential", n);
  if (!(lambda > 0) || std::isinf(lambda)) {
    throw ValueError(concat("exponential: lambda must be positive and finite, but is ", lambda));
  }
  fill(out, n, gen, Exponential<T>{lambda}, 32);
}

void check_probability(double p) {
  if (!(p >= 0 && p <= 1)) throw ValueError(concat("bernoulli: the probability must be between 0 and 1, but is ", p));
}

}  // namespace

namespace detail {

void check_fill_count(const char* op, std::int64_t n) {
  if (n < 0) throw ValueError(concat(op, ": the number of elements must not be negative, but is ", n));
}

}  // namespace detail

void fill_uniform(float* out, std::int64_t n, double lo, double hi, Generator& gen, SourceLoc loc) {
  const CallerScope caller(loc);
  uniform(out, n, lo, hi, gen);
}
void fill_uniform(double* out, std::int64_t n, double lo, double hi, Generator& gen, SourceLoc loc) {
  const CallerScope caller(loc);
  uniform(out, n, lo, hi, gen);
}
void fill_normal(float* out, std::int64_t n, double mean, double std, Generator& gen, SourceLoc loc) {
  const CallerScope caller(loc);
  normal(out, n, mean, std, gen);
}
void fill_normal(double* out, std::int64_t n, double mean, double std, Generator& gen, SourceLoc loc) {
  const CallerScope caller(loc);
  normal(out, n, mean, std, gen);
}
void fill_exponential(float* out, std::int64_t n, double lambda, Generator& gen, SourceLoc loc) {
  const CallerScope caller(loc);
  exponential(out, n, lambda, gen);
}
void fill_exponential(double* out, std::int64_t n, double lambda, Generator& gen, SourceLoc loc) {
  const CallerScope caller(loc);
  exponential(out, n, lambda, gen);
}

template <class T>
void fill_bernoulli(T* out, std::int64_t n, double p, Generator& gen, SourceLoc loc) {
  const CallerScope caller(loc);
  check_fill_count("bernoulli", n);
  check_probability(p);
  const PhiloxSpan span = gen.reserve(blocks_for(n, 1));
  const Bernoulli<T> distribution{Threshold(p)};
  const Threshold& threshold = distribution.threshold;
  for_each_tile(span, n, 1, 64, [&](const std::uint32_t* words, std::int64_t i, std::int64_t count) {
    bool undecided = true;
    if (count == tile_words && threshold.upper < 0x100000000u) {
      run(Tile<Bernoulli<T>>{distribution, words, out + i});
      run(Contains{words, static_cast<std::uint32_t>(threshold.upper), undecided});
    }
    if (!undecided) return;
    for (std::int64_t j = 0; j < count; ++j) out[i + j] = static_cast<T>(threshold.holds(span, i + j, words[j]));
  });
}

template <class T, class P>
void fill_bernoulli(T* out, std::int64_t n, const P* p, Generator& gen, SourceLoc loc) {
  const CallerScope caller(loc);
  check_fill_count("bernoulli", n);
  for (std::int64_t i = 0; i < n; ++i) check_probability(static_cast<double>(p[i]));
  const PhiloxSpan span = gen.reserve(blocks_for(n, 1));
  for_each_tile(span, n, 1, 16, [&](const std::uint32_t* words, std::int64_t i, std::int64_t count) {
    for (std::int64_t j = 0; j < count; ++j) {
      out[i + j] = static_cast<T>(Threshold(static_cast<double>(p[i + j])).holds(span, i + j, words[j]));
    }
  });
}

#define SLOPE_BERNOULLI(T)                                                                       \
  template void fill_bernoulli<T>(T*, std::int64_t, double, Generator&, SourceLoc);              \
  template void fill_bernoulli<T, float>(T*, std::int64_t, const float*, Generator&, SourceLoc); \
  template void fill_bernoulli<T, double>(T*, std::int64_t, const double*, Generator&, SourceLoc);
SLOPE_BERNOULLI(bool)
SLOPE_BERNOULLI(float)
SLOPE_BERNOULLI(double)
SLOPE_BERNOULLI(std::int64_t)
#undef SLOPE_BERNOULLI

}  // namespace slope
