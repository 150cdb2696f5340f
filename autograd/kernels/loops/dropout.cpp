#include "slope/autograd/kernels/loops/dropout.h"

#include <algorithm>
#include <cmath>

#include "slope/autograd/core/internal/random_tiles.h"

namespace slope {

namespace {

/// Words below it are dropped; 2^32 drops all.
std::uint64_t threshold(double p) { return static_cast<std::uint64_t>(std::ceil(p * 0x1p32)); }

template <class T>
void elements(T* out, const T* x, std::int64_t n, const DropoutMask& mask, T scale, T shift, T dropped) {
  const std::uint64_t limit = threshold(mask.p);
  if (limit > 0xFFFFFFFF) {
    std::fill(out, out + n, dropped);
    return;
  }
  const auto low = static_cast<std::uint32_t>(limit);
  constexpr std::int64_t tiles_per_chunk = 64;
  detail::for_each_tile(mask.span, n, 1, tiles_per_chunk,
                        [=](const std::uint32_t* words, std::int64_t begin, std::int64_t count) {
                          const T* from = x + begin;
                          T* to = out + begin;
                          for (std::int64_t i = 0; i < count; ++i) {
                            const T kept = scale * from[i] + shift;  // always computed, so that the loop has no branch
                            to[i] = words[i] >= low ? kept : dropped;
                          }
                        });
}

template <class T>
void groups(T* out, const T* x, std::int64_t n, const DropoutMask& mask, T scale, T shift, T dropped) {
  const std::uint64_t limit = threshold(mask.p);
  const std::int64_t size = mask.together;
  constexpr std::int64_t elements_per_chunk = 16384;
  parallel_for(n / size, std::max<std::int64_t>(1, elements_per_chunk / size),
               [=, &mask](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t g = begin; g < end; ++g) {
                   const T* from = x + g * size;
                   T* to = out + g * size;
                   if (mask.span.word(static_cast<std::uint64_t>(g)) < limit)
                     std::fill(to, to + size, dropped);
                   else
                     for (std::int64_t i = 0; i < size; ++i) to[i] = scale * from[i] + shift;
                 }
               });
}

}  // namespace

void dropout_kernel(const TensorImpl& out, const TensorImpl& x, const DropoutMask& mask, double scale, double shift,
                    double dropped) {
  if (out.numel == 0) return;
  visit_floating(out.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto run = mask.together == 1 ? elements<T> : groups<T>;
    run(out.ptr<T>(), x.ptr<T>(), out.numel, mask, static_cast<T>(scale), static_cast<T>(shift),
        static_cast<T>(dropped));
  });
}

}  // namespace slope
