#pragma once

#include <array>
#include <cstdint>

/// Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1,
/// 2, 3" (SC 2011): a keyed bijection of 128-bit counters. Random number i is a pure function of (seed, position, i),
/// so any thread can compute any of them and nothing depends on the order in which they are asked for.
namespace slope {

/// The 128 random bits that belong to `counter` under `key`.
constexpr std::array<std::uint32_t, 4> philox4x32_10(std::array<std::uint32_t, 4> counter,
                                                     std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * counter[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

/// A stretch of a generator's stream that belongs to one operation. Block b (128 bits) is Philox of the counter
/// {low(offset + b), high(offset + b), attempt, 0} under the key {low(seed), high(seed)}; element i of a fill reads
/// word i % 4 of block i / 4, or, when it needs 64 bits, half i % 2 of block i / 2. `attempt` counts redraws of the
/// same element (rejection).
struct PhiloxSpan {
  std::uint64_t seed = 0;
  std::uint64_t offset = 0;

  constexpr std::array<std::uint32_t, 4> block(std::uint64_t b, std::uint32_t attempt = 0) const {
    const std::uint64_t at = offset + b;
    return philox4x32_10({static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(at >> 32), attempt, 0},
                         {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
  }
  constexpr std::uint32_t word(std::uint64_t i, std::uint32_t attempt = 0) const {
    return block(i / 4, attempt)[i % 4];
  }
  constexpr std::uint64_t word64(std::uint64_t i, std::uint32_t attempt = 0) const {
    const auto words = block(i / 2, attempt);
    return words[i % 2 * 2] | std::uint64_t{words[i % 2 * 2 + 1]} << 32;
  }
};

/// Uniform in [0, 1), never 1: a multiple of 2^-24, exact in float.
constexpr float unit_float(std::uint32_t bits) { return static_cast<float>(bits >> 8) * 0x1p-24f; }
/// Uniform in [0, 1), never 1: a multiple of 2^-53, exact in double.
constexpr double unit_double(std::uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1p-53; }
/// Uniform in (0, 1), neither 0 nor 1: the middle of one of 2^32 cells, exact in double.
constexpr double open_unit(std::uint32_t bits) { return (static_cast<double>(bits) + 0.5) * 0x1p-32; }
/// Uniform in (0, 1), neither 0 nor 1: the middle of one of 2^52 cells, exact in double.
constexpr double open_unit(std::uint64_t bits) { return (static_cast<double>(bits >> 12) + 0.5) * 0x1p-52; }

}  // namespace slope
