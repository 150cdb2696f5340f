#include <algorithm>
#include <atomic>
#include <cstdint>

#include "slope/autograd/core/internal/random_tiles.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define SLOPE_RANDOM_X86 1
#endif

namespace slope::detail {
namespace {

#define SLOPE_NAME tile_baseline
#define SLOPE_TARGET
#define SLOPE_LANES 2
#define SLOPE_GROUPS 2
#if defined(SLOPE_RANDOM_X86)
#define SLOPE_MULTIPLY(a, b) \
  reinterpret_cast<V>(_mm_mul_epu32(reinterpret_cast<__m128i>(a), reinterpret_cast<__m128i>(b)))
#else
#define SLOPE_MULTIPLY(a, b) (((a) & std::uint64_t{0xffffffff}) * (b))
#endif
#define SLOPE_LOW 0, 2
#define SLOPE_HIGH 1, 3
#include "slope/autograd/core/philox_tile.inc"

#if defined(SLOPE_RANDOM_X86)

#define SLOPE_NAME tile_avx2
#define SLOPE_TARGET __attribute__((target("avx2")))
#define SLOPE_LANES 4
#define SLOPE_GROUPS 2
#define SLOPE_MULTIPLY(a, b) \
  reinterpret_cast<V>(_mm256_mul_epu32(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)))
#define SLOPE_LOW 0, 4, 1, 5
#define SLOPE_HIGH 2, 6, 3, 7
#include "slope/autograd/core/philox_tile.inc"

// The masked form: that without a mask makes GCC 12 warn of an uninitialized operand it does not read.
#define SLOPE_NAME tile_avx512
#define SLOPE_TARGET __attribute__((target("avx512f")))
#define SLOPE_LANES 8
#define SLOPE_GROUPS 4
#define SLOPE_MULTIPLY(a, b) \
  reinterpret_cast<V>(_mm512_maskz_mul_epu32(0xff, reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)))
#define SLOPE_LOW 0, 8, 1, 9, 2, 10, 3, 11
#define SLOPE_HIGH 4, 12, 5, 13, 6, 14, 7, 15
#include "slope/autograd/core/philox_tile.inc"

#endif

int supported_isa() {
#if defined(SLOPE_RANDOM_X86)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl")) {
    return 2;
  }
  if (__builtin_cpu_supports("avx2")) return 1;
#endif
  return 0;
}

constinit std::atomic<int> isa{-1};

}  // namespace

int set_random_isa(int level) {
  static const int best = supported_isa();
  const int use = std::clamp(level, 0, best);
  isa.store(use, std::memory_order_relaxed);
  return use;
}

int random_isa() {
  const int level = isa.load(std::memory_order_relaxed);
  return level >= 0 ? level : set_random_isa(2);
}

void philox_tile(const PhiloxSpan& span, std::uint64_t first, std::uint32_t* out) {
#if defined(SLOPE_RANDOM_X86)
  const int level = random_isa();
  if (level == 2) return tile_avx512(span, first, out);
  if (level == 1) return tile_avx2(span, first, out);
#endif
  tile_baseline(span, first, out);
}

}  // namespace slope::detail
