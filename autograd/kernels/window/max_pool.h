#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "slope/autograd/kernels/window/window.h"
#include "slope/autograd/tensor/tensor_impl.h"

/// The largest element of each window, and the way back: all windows are products of ranges along depth, height and width, whether they
/// slide or divide the elements among themselves.
namespace slope {

/// The elements of every window along one dimension: `count` of them from `begin` on, `step` apart.
struct WindowRanges {
  std::int64_t input = 1, output = 1, step = 1;
  std::vector<std::int64_t> begin{0}, count{1};
  /// Windows that slide, where they do: begin and count follow from it.
  std::optional<WindowAxis> axis = WindowAxis();
  /// Whether every plane has windows of its own, `output` of them after those of the plane before.
  bool per_plane = false;

  WindowRanges() = default;
  explicit WindowRanges(const WindowAxis& sliding);
};

using PoolRanges = std::array<WindowRanges, 3>;

/// The elements of `adaptive` windows: number i of o has those from ⌊i·n/o⌋ up to ⌈(i + 1)·n/o⌉.
TapRange adaptive_range(std::int64_t window, std::int64_t windows, std::int64_t elements);

/// Per window the largest element and its position in the plane: the first of equal ones, the last NaN where there is one, and
/// -∞ and -1 where a window has no element. All dense; `index` (int64) may be null. Planes are the indices before depth, height and width.
void max_pool_kernel(const TensorImpl& out, const TensorImpl* index, const TensorImpl& x, const PoolRanges& ranges);

/// out[p, index[p, i]] = x[p, i] (the last writer stays), or, with `add`, += with sums in double; other elements are 0, and an index of -1
/// goes nowhere. `planes` is the number of p. All dense.
void plane_scatter_kernel(const TensorImpl& out, const TensorImpl& x, const TensorImpl& index, std::int64_t planes,
                          bool add);
/// out[p, i] = x[p, index[p, i]], 0 for -1: its adjoint.
void plane_gather_kernel(const TensorImpl& out, const TensorImpl& x, const TensorImpl& index, std::int64_t planes);

}  // namespace slope
