#pragma once

#include <cstdint>
#include <vector>

#include "slope/autograd/core/shape.h"
#include "slope/autograd/kernels/loops/iterate.h"
#include "slope/autograd/tensor/tensor_impl.h"

/// Reading from and writing to places named by index tensors. Indices have been checked by the caller.
///
/// Results are the same bits for every thread count: elements that may meet in one place are always handled by one
/// thread, in the order of the indices. Sums of float32 are carried in double.
namespace slope {

/// out[i] = base[i] + index[i]·step, read as an element: `base` and `index` are laid out over the shape of `out`,
/// `step` is the distance in bytes that one index stands for.
void gather_kernel(const TensorImpl& out, const StridedArg& base, const StridedArg& index, std::int64_t step);

/// Whole rows: out[o, i, :] = x[o, index[i], :] for dense x [outer, size, inner] and out [outer, count, inner], in
/// bytes.
void gather_rows_kernel(char* out, const char* x, const std::int64_t* index, std::int64_t outer, std::int64_t size,
                        std::int64_t count, std::int64_t inner_bytes);

/// A tensor that is walked along one dimension (`step` bytes apart) from every position of the others (`lanes`).
struct LaneArg {
  StridedArg lanes;
  std::int64_t step;
};

/// For every lane and k = 0..count-1 in this order: to[index[k]] = src[k], or += when `add`. `to.step` is the distance
/// that one index stands for and `to_size` the number of places. Lanes are the positions of `lane_shape`; no two share
/// a place in `to`.
void scatter_kernel(const Shape& lane_shape, std::int64_t count, DType dtype, const LaneArg& to, std::int64_t to_size,
                    const LaneArg& index, const LaneArg& src, bool add);

/// to[o, index[k], :] += alpha · src[o, k, :] for dense `to` [outer, size, inner] and `src` [outer, count, inner].
void add_rows_kernel(DType dtype, void* to, const void* src, const std::int64_t* index, std::int64_t outer,
                     std::int64_t size, std::int64_t count, std::int64_t inner, Scalar alpha);

/// out[i] = condition[i] ? a[i] : b[i], without a branch: whether it is true cannot be foreseen. `condition` is bool,
/// the others have one dtype, and all broadcast to the shape of `out`, which may be `a` or `b` itself.
void select_kernel(const TensorImpl& out, const TensorImpl& condition, const TensorImpl& a, const TensorImpl& b);

/// How many elements of `mask` (bool, dense) are true before each piece of it, and in all as the last entry.
std::vector<std::int64_t> true_starts(const TensorImpl& mask);
/// Their positions, in order; `out` has room for all.
void true_positions(const TensorImpl& mask, const std::vector<std::int64_t>& starts, std::int64_t* out);

/// The positions 0..count-1 of an index grouped by what stands there, in their order within a group: entries [start[g], start[g+1]) of
/// `order` hold the value `place[g]`, which is below `size`. Groups stand in the order of their values.
struct IndexGroups {
  IndexGroups(const std::int64_t* index, std::int64_t count, std::int64_t size);
  std::vector<std::int64_t> order, place, start;

 private:
  void by_counting(const std::int64_t* index, std::int64_t count, std::int64_t size);
  void by_sorting(const std::int64_t* index, std::int64_t count);
};

/// Whether 0 <= index[i] < size for all i.
bool all_below(const std::int64_t* index, std::int64_t count, std::int64_t size);

/// The first index outside [low, high) in row-major order, or false.
bool find_out_of_range(const TensorImpl& index, std::int64_t low, std::int64_t high, std::int64_t* bad);

}  // namespace slope
