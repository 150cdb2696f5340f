#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "slope/autograd/core/philox.h"
#include "slope/autograd/core/source_loc.h"

/// Random numbers that are the same on every platform, from run to run and for every thread count.
///
/// A `Generator` is a seed and a position. An operation reserves as many 128-bit blocks of the stream as it needs (one
/// atomic addition), then any thread computes element i's numbers from (seed, position, i) alone.
///
///     manual_seed(42);
///     std::vector<float> x(1'000'000);
///     fill_normal(x.data(), 1'000'000, 0.0, 1.0);                    // from the default generator
///
///     Generator gen(7);
///     fill_uniform(x.data(), 1'000'000, -1.0, 1.0, gen);             // from an own one
///     Generator worker = gen.fork(3);                                // independent stream 3; gen stays where it is
///     Generator sample(derive_seed(base, epoch, index));             // the stream of one sample of one epoch
///
/// The streams are slope's own; they do not reproduce the numbers of other frameworks.
namespace slope {

/// The seed of a generator nobody seeded: programs repeat themselves unless they ask not to (`Generator::seed`).
inline constexpr std::uint64_t default_seed = 0;

/// A position in the random stream of one seed.
///
/// A value: copies continue independently from the same position. Drawing from one generator in several threads is safe
/// (each draw gets its own part of the stream; who gets which depends on timing); seeding it while others draw is safe
/// but leaves open which draws come before. The period is 2^64 blocks of 128 bits.
class Generator {
 public:
  explicit Generator(std::uint64_t seed = default_seed) : seed_(seed) {}
  Generator(const Generator& other) : seed_(other.initial_seed()), offset_(other.offset()) {}
  Generator& operator=(const Generator& other);

  /// Starts the stream of `seed` from its beginning.
  void manual_seed(std::uint64_t seed);
  /// Starts the stream of a seed taken from the operating system and returns that seed, for the log.
  std::uint64_t seed();
  /// The seed the current stream was started with.
  std::uint64_t initial_seed() const { return seed_.load(std::memory_order_relaxed); }
  /// Blocks of 128 bits drawn since.
  std::uint64_t offset() const { return offset_.load(std::memory_order_relaxed); }

  /// Takes the next `blocks` blocks of the stream.
  PhiloxSpan reserve(std::uint64_t blocks) {
    const std::uint64_t key = initial_seed();
    return {key, offset_.fetch_add(blocks, std::memory_order_relaxed)};
  }

  /// One block each: 64 random bits; uniform in [0, 1); uniform in {0, ..., n - 1} without bias.
  std::uint64_t next_u64() { return reserve(1).word64(0); }
  double next_double() { return unit_double(next_u64()); }
  /// Throws ValueError when n is 0.
  std::uint64_t next_below(std::uint64_t n, SourceLoc loc = SourceLoc::here());

  /// The generator of stream number `stream`: depends on this generator's seed and the number alone, not on its
  /// position, and does not advance it.
  Generator fork(std::uint64_t stream) const;

  /// 24 bytes, the same on every platform: "SRNG", format version, seed, position (little-endian).
  std::vector<std::uint8_t> get_state() const;
  /// Throws ValueError, and changes nothing, when `state` is not what `get_state` returns.
  void set_state(std::span<const std::uint8_t> state, SourceLoc loc = SourceLoc::here());

  friend bool operator==(const Generator& a, const Generator& b) {
    return a.initial_seed() == b.initial_seed() && a.offset() == b.offset();
  }

 private:
  std::atomic<std::uint64_t> seed_;
  std::atomic<std::uint64_t> offset_{0};
};

/// The generator of every operation that is not given another one; shared by all threads.
Generator& default_generator();
/// Seeds the default generator.
void manual_seed(std::uint64_t seed);
/// The seed of the default generator.
std::uint64_t initial_seed();

/// A seed for stream (a, b) of a family, for instance (epoch, index) of a data set's base seed. Streams of different
/// (seed, a, b) are independent of each other and of the stream of `seed` itself; distinct triples meet by chance only
/// (2^-64).
std::uint64_t derive_seed(std::uint64_t seed, std::uint64_t a, std::uint64_t b = 0);

// The fills below write out[0, n). They run on several threads when n is large, and every result is bit-identical for
// every thread count and instruction set: logarithm, sine and cosine are slope's own, made of IEEE additions,
// multiplications, divisions and square roots. A bad argument throws ValueError; then neither `out` nor the generator
// has changed. 32-bit kinds (float, bool, int64 ranges up to 2^32) draw n / 4 blocks, 64-bit kinds n / 2, rounded up.

/// Uniform in [lo, hi), never hi; all lo when lo == hi. Throws unless lo <= hi and hi - lo is finite in the
/// element type.
void fill_uniform(float* out, std::int64_t n, double lo, double hi, Generator& gen = default_generator(),
                  SourceLoc loc = SourceLoc::here());
void fill_uniform(double* out, std::int64_t n, double lo, double hi, Generator& gen = default_generator(),
                  SourceLoc loc = SourceLoc::here());

/// Normal with the given mean and standard deviation (Box and Muller, 1958, evaluated in double). |z| <= 6.8 for
/// float, 8.6 for double. Throws unless std >= 0.
void fill_normal(float* out, std::int64_t n, double mean, double std, Generator& gen = default_generator(),
                 SourceLoc loc = SourceLoc::here());
void fill_normal(double* out, std::int64_t n, double mean, double std, Generator& gen = default_generator(),
                 SourceLoc loc = SourceLoc::here());

/// Exponential with density lambda * exp(-lambda * x); positive, never 0 while 1 / lambda is far from underflow. Throws
/// unless lambda is positive and finite.
void fill_exponential(float* out, std::int64_t n, double lambda, Generator& gen = default_generator(),
                      SourceLoc loc = SourceLoc::here());
void fill_exponential(double* out, std::int64_t n, double lambda, Generator& gen = default_generator(),
                      SourceLoc loc = SourceLoc::here());

/// 1 (true) with probability p, else 0; p is honoured to 2^-64. T is bool, float, double or int64. Throws unless 0 <= p
/// <= 1.
template <class T>
void fill_bernoulli(T* out, std::int64_t n, double p, Generator& gen = default_generator(),
                    SourceLoc loc = SourceLoc::here());
/// The same with a probability per element, P being float or double.
template <class T, class P>
void fill_bernoulli(T* out, std::int64_t n, const P* p, Generator& gen = default_generator(),
                    SourceLoc loc = SourceLoc::here());

/// Uniform in {lo, ..., hi - 1} without bias (Lemire, 2019, with redraws by counter). Throws unless lo < hi.
void fill_randint(std::int64_t* out, std::int64_t n, std::int64_t lo, std::int64_t hi,
                  Generator& gen = default_generator(), SourceLoc loc = SourceLoc::here());

/// A uniformly random order of 0, ..., n - 1 (Fisher and Yates, Durstenfeld's form).
void fill_randperm(std::int64_t* out, std::int64_t n, Generator& gen = default_generator(),
                   SourceLoc loc = SourceLoc::here());

/// `n` category numbers per row of weights (rows x cols, row-major) into out (rows x n), category c with probability
/// weights[r][c] / sum(weights[r]). Without replacement the n numbers of a row differ and come in the order of
/// successive draws. A category of weight 0 is never drawn. The caller checks: every weight finite and >= 0, every row
/// with a positive sum, and, without replacement, at least n positive weights in every row. Throws ValueError on
/// negative sizes.
void fill_multinomial(std::int64_t* out, const double* weights, std::int64_t rows, std::int64_t cols, std::int64_t n,
                      bool replacement, Generator& gen = default_generator(), SourceLoc loc = SourceLoc::here());

}  // namespace slope
