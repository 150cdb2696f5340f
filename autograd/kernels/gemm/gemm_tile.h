#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "slope/autograd/kernels/simd/lanes.h"

/// What products that keep a tile of their result in registers have in common: the tile, and the order in which they lay
/// out what they read.
namespace slope::gemm_tile {

using std::int64_t;

/// Products that are summed in registers before they are added to the result, at most. Measured with AVX-512 and AVX2: what
/// a tile needs then fits the first-level cache.
constexpr int64_t inner_block = 256;

/// The tile of C that is kept in registers: `rows` by `vectors` lanes.
template <class Target>
struct Tile {
  static constexpr int rows = 8, vectors = 2;
};
template <>
struct Tile<simd::baseline::Target> {
  static constexpr int rows = 4, vectors = 2;
};
#if defined(__x86_64__)
template <>
struct Tile<simd::avx2::Target> {
  static constexpr int rows = 4, vectors = 3;
};
#endif

template <class Target, class T>
constexpr int64_t tile_columns = Tile<Target>::vectors * int64_t{Target::template Lanes<T>::size};
inline int64_t pieces_of(int64_t n, int64_t size) { return (n + size - 1) / size; }

/// `n` cut evenly into pieces of at most `size`, each a multiple of `unit` but the last.
inline int64_t even_piece(int64_t n, int64_t size, int64_t unit) {
  return pieces_of(pieces_of(n, pieces_of(n, size)), unit) * unit;
}

/// `across` neighbouring rows times `along` columns, transposed within every 16 bytes of vectors of `Bytes`: vector p
/// becomes column p when the vectors are loaded with rows p, p + along, p + 2 along, ... behind each other.
template <class T, int Bytes>
struct Strip;

template <>
struct Strip<float, 16> {
  using Type = float __attribute__((vector_size(16)));
  static constexpr int64_t across = 4, along = 4;
  static void load(const float* x, int64_t, Type& v) { std::memcpy(&v, x, sizeof(v)); }
  static void transpose(Type (&q)[4]) {
    const Type a = __builtin_shufflevector(q[0], q[1], 0, 4, 1, 5), b = __builtin_shufflevector(q[0], q[1], 2, 6, 3, 7);
    const Type c = __builtin_shufflevector(q[2], q[3], 0, 4, 1, 5), d = __builtin_shufflevector(q[2], q[3], 2, 6, 3, 7);
    q[0] = __builtin_shufflevector(a, c, 0, 1, 4, 5);
    q[1] = __builtin_shufflevector(a, c, 2, 3, 6, 7);
    q[2] = __builtin_shufflevector(b, d, 0, 1, 4, 5);
    q[3] = __builtin_shufflevector(b, d, 2, 3, 6, 7);
  }
};

template <>
struct Strip<float, 32> {
  using Half = float __attribute__((vector_size(16)));
  using Type = float __attribute__((vector_size(32)));
  static constexpr int64_t across = 8, along = 4;
  static void load(const float* x, int64_t row, Type& v) {
    Half low, high;
    std::memcpy(&low, x, sizeof(low));
    std::memcpy(&high, x + 4 * row, sizeof(high));
    v = __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7);
  }
  static void transpose(Type (&q)[4]) {
    const Type a = __builtin_shufflevector(q[0], q[1], 0, 8, 1, 9, 4, 12, 5, 13);
    const Type b = __builtin_shufflevector(q[0], q[1], 2, 10, 3, 11, 6, 14, 7, 15);
    const Type c = __builtin_shufflevector(q[2], q[3], 0, 8, 1, 9, 4, 12, 5, 13);
    const Type d = __builtin_shufflevector(q[2], q[3], 2, 10, 3, 11, 6, 14, 7, 15);
    q[0] = __builtin_shufflevector(a, c, 0, 1, 8, 9, 4, 5, 12, 13);
    q[1] = __builtin_shufflevector(a, c, 2, 3, 10, 11, 6, 7, 14, 15);
    q[2] = __builtin_shufflevector(b, d, 0, 1, 8, 9, 4, 5, 12, 13);
    q[3] = __builtin_shufflevector(b, d, 2, 3, 10, 11, 6, 7, 14, 15);
  }
};

template <>
struct Strip<double, 16> {
  using Type = double __attribute__((vector_size(16)));
  static constexpr int64_t across = 2, along = 2;
  static void load(const double* x, int64_t, Type& v) { std::memcpy(&v, x, sizeof(v)); }
  static void transpose(Type (&q)[2]) {
    const Type a = __builtin_shufflevector(q[0], q[1], 0, 2);
    q[1] = __builtin_shufflevector(q[0], q[1], 1, 3);
    q[0] = a;
  }
};

template <>
struct Strip<double, 32> {
  using Half = double __attribute__((vector_size(16)));
  using Type = double __attribute__((vector_size(32)));
  static constexpr int64_t across = 4, along = 2;
  static void load(const double* x, int64_t row, Type& v) {
    Half low, high;
    std::memcpy(&low, x, sizeof(low));
    std::memcpy(&high, x + 2 * row, sizeof(high));
    v = __builtin_shufflevector(low, high, 0, 1, 2, 3);
  }
  static void transpose(Type (&q)[2]) {
    const Type a = __builtin_shufflevector(q[0], q[1], 0, 4, 2, 6);
    q[1] = __builtin_shufflevector(q[0], q[1], 1, 5, 3, 7);
    q[0] = a;
  }
};

/// to[p * Width + i] = x[i * across + p * along] for the first `count` of Width numbers i, 0 for the others.
template <int64_t Width, class T>
inline void pack_sliver(int64_t count, int64_t inner, const T* x, int64_t across, int64_t along, T* to) {
  if (count < Width) std::memset(to, 0, static_cast<std::size_t>(Width * inner) * sizeof(T));
  if (across == 1 && count == Width) {
    for (int64_t p = 0; p < inner; ++p) std::memcpy(to + p * Width, x + p * along, Width * sizeof(T));
    return;
  }
  int64_t i = 0;
  if (along == 1) {
    using S = Strip<T, Width * sizeof(T) % 32 == 0 ? 32 : 16>;
    for (; i + S::across <= count; i += S::across) {
      const T* from = x + i * across;
      int64_t p = 0;
      for (; p + S::along <= inner; p += S::along) {
        typename S::Type q[S::along];
        for (int64_t r = 0; r < S::along; ++r) S::load(from + r * across + p, across, q[r]);
        S::transpose(q);
        for (int64_t r = 0; r < S::along; ++r) std::memcpy(to + (p + r) * Width + i, &q[r], sizeof(q[r]));
      }
      for (; p < inner; ++p)
        for (int64_t r = 0; r < S::across; ++r) to[p * Width + i + r] = from[r * across + p];
    }
  }
  for (int64_t p = 0; p < inner; ++p)
    for (int64_t r = i; r < count; ++r) to[p * Width + r] = x[r * across + p * along];
}

/// `count` numbers across, cut into slivers of Width.
template <int64_t Width, class T>
inline void pack(int64_t count, int64_t inner, const T* x, int64_t across, int64_t along, T* to) {
  for (int64_t i = 0; i < count; i += Width, x += Width * across, to += Width * inner)
    pack_sliver<Width>(std::min(Width, count - i), inner, x, across, along, to);
}

}  // namespace slope::gemm_tile
