#pragma once

#include <algorithm>
#include <cstdint>

#include "slope/autograd/core/parallel.h"
#include "slope/autograd/core/philox.h"

/// How the fills of random.h walk over their elements: in tiles of 256 random words, in parallel. For kernels, not for programs.
namespace slope::detail {

inline constexpr int tile_words = 256;
inline constexpr int tile_blocks = tile_words / 4;

/// Writes the words of blocks first, ..., first + tile_blocks - 1 of `span`, in order.
void philox_tile(const PhiloxSpan& span, std::uint64_t first, std::uint32_t* out);

/// Restricts the fills to an instruction set, so that tests can compare them: 0 baseline, 1 AVX2, 2 AVX-512. Returns
/// the one now in use, which is lower where the processor lacks it.
int set_random_isa(int level);
int random_isa();

/// Throws ValueError when n < 0.
void check_fill_count(const char* op, std::int64_t n);

/// Blocks that n elements of `words` words each take.
constexpr std::uint64_t blocks_for(std::int64_t n, int words) {
  const std::uint64_t per_block = words == 1 ? 4 : 2;
  return static_cast<std::uint64_t>(n) / per_block + (static_cast<std::uint64_t>(n) % per_block != 0);
}

/// Calls body(words, begin, count) for consecutive runs of elements, each of `words_per_element` (1 or 2) words;
/// `words` holds those of element begin first and always a whole tile.
template <class Body>
void for_each_tile(const PhiloxSpan& span, std::int64_t n, int words_per_element, std::int64_t tiles_per_chunk,
                   const Body& body) {
  const std::int64_t per_tile = tile_words / words_per_element;
  parallel_for(n, per_tile * tiles_per_chunk, [&](std::int64_t begin, std::int64_t end) {
    alignas(64) std::uint32_t words[tile_words];
    for (std::int64_t i = begin; i < end; i += per_tile) {
      philox_tile(span, static_cast<std::uint64_t>(i / per_tile * tile_blocks), words);
      body(static_cast<const std::uint32_t*>(words), i, std::min(end - i, per_tile));
    }
  });
}

}  // namespace slope::detail
