#include "slope/autograd/kernels/loops/index.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <type_traits>

#include "slope/autograd/core/internal/scratch.h"
#include "slope/autograd/kernels/simd/lanes.h"

namespace slope {

namespace {

std::int64_t index_at(const char* p) { return *reinterpret_cast<const std::int64_t*>(p); }

/// Calls `f` with an unsigned type as wide as an element: moving elements does not depend on what they mean.
template <class F>
void with_width(DType dtype, const F& f) {
  switch (itemsize(dtype)) {
    case 1: return f(TypeTag<std::uint8_t>{});
    case 4: return f(TypeTag<std::uint32_t>{});
    default: return f(TypeTag<std::uint64_t>{});
  }
}

/// Sums that never overflow and keep their accuracy: float in double, int64 modulo 2^64, bool as "any".
template <class T>
struct Sum {
  using Wide = std::conditional_t<std::is_floating_point_v<T>, double, T>;
  static Wide add(Wide a, Wide b) {
    if constexpr (std::is_same_v<T, bool>)
      return a || b;
    else if constexpr (std::is_integral_v<T>)
      return static_cast<T>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
    else
      return a + b;
  }
  static Wide scale(Wide a, const Scalar& alpha) {
    if constexpr (std::is_same_v<T, bool>)
      return a && alpha.to<bool>();
    else if constexpr (std::is_integral_v<T>)
      return static_cast<T>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(alpha.to<std::int64_t>()));
    else
      return a * static_cast<Wide>(alpha.to<double>());
  }
};

/// Lanes walked together: one where its indices lie densely behind each other, else several, so that neighbours share
/// cache lines; fewer where each needs scratch memory.
std::int64_t lane_block(std::int64_t index_step, std::int64_t scratch) {
  if (index_step == sizeof(std::int64_t)) return 1;
  return std::clamp<std::int64_t>(32768 / std::max<std::int64_t>(scratch, 1), 1, 8);
}

std::int64_t lane_grain(std::int64_t count) {
  return std::max<std::int64_t>(grain_math / std::max<std::int64_t>(count, 1), 1);
}

/// A block of lanes: `lanes` of them, and how far apart they are in each operand.
struct Block {
  char* to;
  const char* index;
  const char* src;
  const std::int64_t* apart;  // to, index, src
  std::int64_t lanes;
};

/// What the writing kernels share: the way along one lane.
struct LaneSteps {
  std::int64_t count, to, index, src;

  /// Calls `f(place, i, b, value)` for every entry i of every lane b, in the order of the entries.
  template <class T, class F>
  void each(const Block& block, const F& f) const {
    if (block.lanes == 1) {
      for (std::int64_t k = 0; k < count; ++k) {
        const std::int64_t i = index_at(block.index + k * index);
        f(*reinterpret_cast<T*>(block.to + i * to), i, *reinterpret_cast<const T*>(block.src + k * src));
      }
      return;
    }
    for (std::int64_t k = 0; k < count; ++k)
      for (std::int64_t b = 0; b < block.lanes; ++b) {
        const std::int64_t i = index_at(block.index + b * block.apart[1] + k * index);
        f(*reinterpret_cast<T*>(block.to + b * block.apart[0] + i * to), i * block.lanes + b,
          *reinterpret_cast<const T*>(block.src + b * block.apart[2] + k * src));
      }
  }
};

template <class Body>
void for_lane_blocks(const Shape& lane_shape, const LaneArg& to, const LaneArg& index, const LaneArg& src,
                     std::int64_t count, std::int64_t scratch_per_lane, const Body& body) {
  const StridedArg args[] = {to.lanes, index.lanes, src.lanes};
  const StridedLoop<3> loop(lane_shape, args);
  const LaneSteps steps{count, to.step, index.step, src.step};
  parallel_for(loop.numel(), lane_grain(count), [&](std::int64_t begin, std::int64_t end) {
    const std::int64_t block = std::min(end - begin, lane_block(index.step, scratch_per_lane));
    const memory::Scratch<double> scratch(scratch_per_lane * block);
    loop.run_range(begin, end, [&](char* const* p, const std::int64_t* s, std::int64_t n) {
      for (std::int64_t at = 0; at < n; at += block)
        body(steps, Block{p[0] + at * s[0], p[1] + at * s[1], p[2] + at * s[2], s, std::min(block, n - at)},
             scratch.data());
    });
  });
}

/// Adds float through doubles. When most places occur all are widened and written back, else only those that do.
void add_wide(const LaneSteps& steps, const Block& block, double* sums, std::int64_t size) {
  const auto add = [sums](float&, std::int64_t at, float value) { sums[at] += static_cast<double>(value); };
  if (steps.count < size / 2) {
    steps.each<float>(block, [sums](float& place, std::int64_t at, float) { sums[at] = static_cast<double>(place); });
    steps.each<float>(block, add);
    steps.each<float>(block, [sums](float& place, std::int64_t at, float) { place = static_cast<float>(sums[at]); });
    return;
  }
  const auto all = [&](const auto& f) {
    double* sum = sums;
    for (std::int64_t i = 0; i < size; ++i)
      for (std::int64_t b = 0; b < block.lanes; ++b)
        f(*reinterpret_cast<float*>(block.to + b * block.apart[0] + i * steps.to), *sum++);
  };
  all([](float& place, double& sum) { sum = static_cast<double>(place); });
  steps.each<float>(block, add);
  all([](float& place, double& sum) { place = static_cast<float>(sum); });
}

template <class T>
void add_group(T* to, const T* src, const std::int64_t* order, std::int64_t n, std::int64_t inner, std::int64_t begin,
               std::int64_t end, const Scalar& alpha) {
  using Wide = typename Sum<T>::Wide;
  constexpr std::int64_t width = 256;
  const bool plain = alpha.to<double>() == 1;
  Wide sums[width];
  for (std::int64_t at = begin; at < end; at += width) {
    const std::int64_t m = std::min(width, end - at);
    for (std::int64_t j = 0; j < m; ++j) sums[j] = static_cast<Wide>(to[at + j]);
    for (std::int64_t k = 0; k < n; ++k) {
      const T* row = src + order[k] * inner + at;
      if (plain)
        for (std::int64_t j = 0; j < m; ++j) sums[j] = Sum<T>::add(sums[j], static_cast<Wide>(row[j]));
      else
        for (std::int64_t j = 0; j < m; ++j)
          sums[j] = Sum<T>::add(sums[j], Sum<T>::scale(static_cast<Wide>(row[j]), alpha));
    }
    for (std::int64_t j = 0; j < m; ++j) to[at + j] = static_cast<T>(sums[j]);
  }
}

}  // namespace

IndexGroups::IndexGroups(const std::int64_t* index, std::int64_t count, std::int64_t size)
    : order(static_cast<std::size_t>(count)) {
  if (size / 4 <= count)
    by_counting(index, count, size);
  else
    by_sorting(index, count);
}

void IndexGroups::by_counting(const std::int64_t* index, std::int64_t count, std::int64_t size) {
  std::vector<std::int64_t> next(static_cast<std::size_t>(size) + 1, 0);
  for (std::int64_t k = 0; k < count; ++k) ++next[static_cast<std::size_t>(index[k]) + 1];
  for (std::int64_t i = 0; i < size; ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (next[at + 1] > 0) {
      place.push_back(i);
      start.push_back(next[at]);
    }
    next[at + 1] += next[at];
  }
  start.push_back(count);
  for (std::int64_t k = 0; k < count; ++k)
    order[static_cast<std::size_t>(next[static_cast<std::size_t>(index[k])]++)] = k;
}

void IndexGroups::by_sorting(const std::int64_t* index, std::int64_t count) {
  std::iota(order.begin(), order.end(), std::int64_t{0});
  std::stable_sort(order.begin(), order.end(), [index](std::int64_t a, std::int64_t b) { return index[a] < index[b]; });
  for (std::int64_t k = 0; k < count; ++k) {
    const std::int64_t at = index[order[static_cast<std::size_t>(k)]];
    if (k == 0 || at != place.back()) {
      place.push_back(at);
      start.push_back(k);
    }
  }
  start.push_back(count);
}

void gather_kernel(const TensorImpl& out, const StridedArg& base, const StridedArg& index, std::int64_t step) {
  const StridedArg args[] = {{out.data, broadcast_byte_strides(out, out.sizes)}, base, index};
  const StridedLoop<3> loop(out.sizes, args);
  with_width(out.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    loop.run(grain_math, [step](char* const* p, const std::int64_t* s, std::int64_t n) {
      if (s[0] == sizeof(T) && s[1] == 0 && s[2] == sizeof(std::int64_t) && step == sizeof(T)) {
        auto* to = reinterpret_cast<T*>(p[0]);
        const auto* from = reinterpret_cast<const T*>(p[1]);
        const auto* at = reinterpret_cast<const std::int64_t*>(p[2]);
        for (std::int64_t i = 0; i < n; ++i) to[i] = from[at[i]];
        return;
      }
      for (std::int64_t i = 0; i < n; ++i)
        *reinterpret_cast<T*>(p[0] + i * s[0]) =
            *reinterpret_cast<const T*>(p[1] + i * s[1] + index_at(p[2] + i * s[2]) * step);
    });
  });
}

namespace {

/// Rows of `Bytes`, which the compiler copies without a call.
template <std::int64_t Bytes>
void copy_short_rows(char* out, const char* x, const std::int64_t* index, std::int64_t count) {
#pragma GCC unroll 4
  for (std::int64_t i = 0; i < count; ++i)
    std::memcpy(out + i * Bytes, x + index[i] * Bytes, static_cast<std::size_t>(Bytes));
}

void copy_rows(char* out, const char* x, const std::int64_t* index, std::int64_t count, std::int64_t bytes) {
  switch (bytes) {
    case 4: return copy_short_rows<4>(out, x, index, count);
    case 8: return copy_short_rows<8>(out, x, index, count);
    case 16: return copy_short_rows<16>(out, x, index, count);
    default:
      for (std::int64_t i = 0; i < count; ++i)
        std::memcpy(out + i * bytes, x + index[i] * bytes, static_cast<std::size_t>(bytes));
  }
}

}  // namespace

void gather_rows_kernel(char* out, const char* x, const std::int64_t* index, std::int64_t outer, std::int64_t size,
                        std::int64_t count, std::int64_t inner_bytes) {
  const std::int64_t grain =
      std::max<std::int64_t>((std::int64_t{1} << 17) / std::max<std::int64_t>(inner_bytes, 1), 1);
  parallel_for(outer * count, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end;) {
      const std::int64_t o = r / count, i = r % count, rows = std::min(end - r, count - i);
      copy_rows(out + r * inner_bytes, x + o * size * inner_bytes, index + i, rows, inner_bytes);
      r += rows;
    }
  });
}

void scatter_kernel(const Shape& lane_shape, std::int64_t count, DType dtype, const LaneArg& to, std::int64_t to_size,
                    const LaneArg& index, const LaneArg& src, bool add) {
  if (count == 0) return;
  if (!add)
    return with_width(dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      for_lane_blocks(lane_shape, to, index, src, count, 0, [](const LaneSteps& steps, const Block& block, double*) {
        steps.each<T>(block, [](T& place, std::int64_t, T value) { place = value; });
      });
    });
  if (dtype == DType::float32 && count > 1)  // a single entry cannot meet another one
    return for_lane_blocks(
        lane_shape, to, index, src, count, to_size,
        [to_size](const LaneSteps& steps, const Block& block, double* sums) { add_wide(steps, block, sums, to_size); });
  visit_dtype(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for_lane_blocks(lane_shape, to, index, src, count, 0, [](const LaneSteps& steps, const Block& block, double*) {
      steps.each<T>(block, [](T& place, std::int64_t, T value) { place = static_cast<T>(Sum<T>::add(place, value)); });
    });
  });
}

void add_rows_kernel(DType dtype, void* to, const void* src, const std::int64_t* index, std::int64_t outer,
                     std::int64_t size, std::int64_t count, std::int64_t inner, Scalar alpha) {
  if (count == 0 || inner == 0 || outer == 0) return;
  const IndexGroups groups(index, count, size);
  const auto rows = static_cast<std::int64_t>(groups.place.size());
  // Long rows are cut into columns, so that a few of them keep several threads busy too.
  constexpr std::int64_t columns = 1024;
  const std::int64_t parts = (inner - 1) / columns + 1;
  const std::int64_t work = std::max<std::int64_t>(count / rows, 1) * std::min(inner, columns);
  visit_dtype(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    parallel_for(
        outer * rows * parts, std::max<std::int64_t>(grain_math / work, 1), [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t task = begin; task < end; ++task) {
            const std::int64_t o = task / (rows * parts), from = task % parts * columns;
            const auto g = static_cast<std::size_t>(task / parts % rows);
            add_group(static_cast<T*>(to) + (o * size + groups.place[g]) * inner,
                      static_cast<const T*>(src) + o * count * inner, groups.order.data() + groups.start[g],
                      groups.start[g + 1] - groups.start[g], inner, from, std::min(from + columns, inner), alpha);
          }
        });
  });
}

void select_kernel(const TensorImpl& out, const TensorImpl& condition, const TensorImpl& a, const TensorImpl& b) {
  if (out.numel == 0) return;
  const StridedLoop<4> loop(out.sizes, {&out, &condition, &a, &b});
  with_width(out.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto select = [](std::uint8_t c, T x, T y) {
      const T mask = static_cast<T>(-static_cast<T>(c != 0));
      return static_cast<T>((x & mask) | (y & static_cast<T>(~mask)));
    };
    loop.run(grain_cheap, [select](char* const* p, const std::int64_t* s, std::int64_t n) {
      constexpr std::int64_t item = sizeof(T);
      const bool dense = s[0] == item && s[1] == 1 && (s[2] == item || s[2] == 0) && (s[3] == item || s[3] == 0);
      if (!dense) {
        for (std::int64_t i = 0; i < n; ++i)
          *reinterpret_cast<T*>(p[0] + i * s[0]) =
              select(*reinterpret_cast<const std::uint8_t*>(p[1] + i * s[1]),
                     *reinterpret_cast<const T*>(p[2] + i * s[2]), *reinterpret_cast<const T*>(p[3] + i * s[3]));
        return;
      }
      auto* to = reinterpret_cast<T*>(p[0]);
      const auto* c = reinterpret_cast<const std::uint8_t*>(p[1]);
      const auto* x = reinterpret_cast<const T*>(p[2]);
      const auto* y = reinterpret_cast<const T*>(p[3]);
      const auto row = [&](auto x_step, auto y_step) {
        for (std::int64_t i = 0; i < n; ++i) to[i] = select(c[i], x[i * x_step], y[i * y_step]);
      };
      using Zero = std::integral_constant<std::int64_t, 0>;
      using One = std::integral_constant<std::int64_t, 1>;
      if (s[2] != 0 && s[3] != 0)
        row(One(), One());
      else if (s[2] != 0)
        row(One(), Zero());
      else if (s[3] != 0)
        row(Zero(), One());
      else
        row(Zero(), Zero());
    });
  });
}

namespace {
constexpr std::int64_t mask_grain = 1 << 16;
}

std::vector<std::int64_t> true_starts(const TensorImpl& mask) {
  const auto* values = mask.ptr<const std::uint8_t>();
  std::vector<std::int64_t> start(static_cast<std::size_t>(chunk_count(mask.numel, mask_grain)) + 1, 0);
  parallel_chunks(mask.numel, mask_grain, [&](std::int64_t chunk, std::int64_t begin, std::int64_t end) {
    std::int64_t n = 0;
    for (std::int64_t i = begin; i < end; ++i) n += values[i] != 0;
    start[static_cast<std::size_t>(chunk) + 1] = n;
  });
  std::partial_sum(start.begin(), start.end(), start.begin());
  return start;
}

void true_positions(const TensorImpl& mask, const std::vector<std::int64_t>& starts, std::int64_t* out) {
  const auto* values = mask.ptr<const std::uint8_t>();
  parallel_chunks(mask.numel, mask_grain, [&](std::int64_t chunk, std::int64_t begin, std::int64_t) {
    const auto c = static_cast<std::size_t>(chunk);
    // Written always and kept when true: whether it is true cannot be foreseen.
    for (std::int64_t i = begin, at = starts[c]; at < starts[c + 1]; ++i) {
      out[at] = i;
      at += values[i] != 0;
    }
  });
}

bool all_below(const std::int64_t* index, std::int64_t count, std::int64_t size) {
  const auto last = static_cast<std::uint64_t>(size) - 1;
  bool all = true;
  simd::dispatch([index, count, last, &all](auto) {
    std::uint64_t wrong = 0;  // negative where an index is, or where one is beyond the last
    for (std::int64_t i = 0; i < count; ++i) {
      const auto at = static_cast<std::uint64_t>(index[i]);
      wrong |= at | (last - at);
    }
    all = static_cast<std::int64_t>(wrong) >= 0;
  });
  return all;
}

bool find_out_of_range(const TensorImpl& index, std::int64_t low, std::int64_t high, std::int64_t* bad) {
  const StridedLoop<1> loop(index.sizes, {&index});
  const auto range = static_cast<std::uint64_t>(high - low);
  const auto outside = [low, range](std::int64_t i) {
    return static_cast<std::uint64_t>(i) - static_cast<std::uint64_t>(low) >= range;
  };
  bool found = false;
  loop.run_range(0, loop.numel(), [&](char* const* p, const std::int64_t* s, std::int64_t n) {
    if (found) return;
    bool any = false;
    if (s[0] == sizeof(std::int64_t)) {
      const auto* values = reinterpret_cast<const std::int64_t*>(p[0]);
      for (std::int64_t i = 0; i < n; ++i) any |= outside(values[i]);
    } else {
      for (std::int64_t i = 0; i < n; ++i) any |= outside(index_at(p[0] + i * s[0]));
    }
    for (std::int64_t i = 0; any && !found && i < n; ++i)
      if (outside(index_at(p[0] + i * s[0]))) {
        *bad = index_at(p[0] + i * s[0]);
        found = true;
      }
  });
  return found;
}

}  // namespace slope
