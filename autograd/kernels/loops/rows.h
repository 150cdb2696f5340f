#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "slope/autograd/core/parallel.h"
#include "slope/autograd/core/pool.h"
#include "slope/autograd/kernels/loops/iterate.h"
#include "slope/autograd/kernels/pointwise/grain.h"
#include "slope/autograd/tensor/tensor_impl.h"

/// Work on rows: the elements along one dimension, for all positions in the others.
namespace slope {

/// One operand of `for_rows`. All operands have the same sizes but along the dimension of the rows.
struct RowArg {
  const TensorImpl& tensor;
  bool written = false;
};

namespace detail {
/// Copies `rows` strided rows into dense ones `dense_step` bytes apart, and back; steps in bytes.
void gather_rows(char* to, std::int64_t dense_step, const char* from, std::int64_t row_step, std::int64_t step,
                 std::int64_t length, std::int64_t rows, std::size_t item);
void scatter_rows(char* to, const char* from, std::int64_t dense_step, std::int64_t row_step, std::int64_t step,
                  std::int64_t length, std::int64_t rows, std::size_t item);

/// Memory for the duration of a call.
class RowBuffer {
 public:
  explicit RowBuffer(std::size_t bytes) : bytes_(bytes), data_(static_cast<char*>(memory::allocate(bytes))) {}
  ~RowBuffer() { memory::deallocate(data_, bytes_); }
  RowBuffer(const RowBuffer&) = delete;
  RowBuffer& operator=(const RowBuffer&) = delete;
  char* data() const { return data_; }

 private:
  std::size_t bytes_;
  char* data_;
};

/// Row i of operand k in a body of `for_rows`.
template <class T>
T* row(char* const* rows, const std::int64_t* steps, int k, std::int64_t i) {
  return reinterpret_cast<T*>(rows[k] + i * steps[k]);
}

/// A double as the sum of two numbers of T: near the first the difference to it is exact.
template <class T>
std::pair<T, T> in_two_parts(double v) {
  const T high = static_cast<T>(v);
  return {high, static_cast<T>(v - static_cast<double>(high))};
}
}  // namespace detail

/// How many rows of `length` elements make up a grain, which is in elements.
constexpr std::int64_t rows_per_grain(std::int64_t length, std::int64_t grain) {
  return std::max<std::int64_t>(1, grain / std::max<std::int64_t>(1, length));
}

/// Calls `body(chunk, rows, steps, count)` for batches of rows: rows[k] is the first row of operand k, dense, the next one steps[k]
/// bytes further. Rows that are not dense in memory are copied, some at a time, so that a kernel sees dense rows only; written
/// operands must be written completely. The rows are the outer positions in row-major order, cut into chunks of
/// `rows_per_grain(length of the longest, grain)`, which run on several threads; the batches of a chunk follow one another.
template <int N, class Body>
void for_row_chunks(int dim, const RowArg (&args)[N], std::int64_t grain, const Body& body) {
  StridedArg strided[N];
  std::int64_t length[N], step[N], item[N], copied[N], bytes_per_row = 0, work = 1;
  bool dense[N], all_dense = true;
  Shape outer = args[0].tensor.sizes;
  if (!outer.empty()) outer.erase(dim);
  for (int k = 0; k < N; ++k) {
    const TensorImpl& t = args[k].tensor;
    item[k] = static_cast<std::int64_t>(itemsize(t.dtype));
    strided[k] = {t.data, broadcast_byte_strides(t, t.sizes)};
    length[k] = t.sizes.empty() ? 1 : t.sizes[dim];
    step[k] = t.sizes.empty() ? item[k] : strided[k].byte_strides[dim];
    if (!t.sizes.empty()) strided[k].byte_strides.erase(dim);
    dense[k] = step[k] == item[k] || length[k] <= 1;
    all_dense &= dense[k];
    // Neighbouring rows that start a multiple of 4096 bytes apart would share few places in the cache.
    copied[k] = ((length[k] * item[k] + 63) / 64 | 1) * 64;
    if (!dense[k]) bytes_per_row += copied[k];
    work = std::max(work, length[k]);
  }
  const StridedLoop<N> loop(outer, strided);
  // Neighbouring rows are copied together: with a cache line across 16 of them each line is read once.
  const std::int64_t together =
      all_dense ? 0
                : std::clamp<std::int64_t>((std::int64_t{1} << 20) / std::max<std::int64_t>(1, bytes_per_row), 4, 16);
  const auto run_batch = [&](std::int64_t chunk, char* const* p, const std::int64_t* s, std::int64_t n) {
    if (all_dense) return body(chunk, p, s, n);
    const detail::RowBuffer buffer(static_cast<std::size_t>(bytes_per_row * std::min(together, n)));
    for (std::int64_t i = 0; i < n; i += together) {
      const std::int64_t m = std::min(together, n - i);
      char* rows[N];
      std::int64_t steps[N];
      char* free = buffer.data();
      for (int k = 0; k < N; ++k) {
        rows[k] = p[k] + i * s[k];
        steps[k] = s[k];
        if (dense[k]) continue;
        if (!args[k].written)
          detail::gather_rows(free, copied[k], rows[k], s[k], step[k], length[k], m, static_cast<std::size_t>(item[k]));
        rows[k] = free;
        steps[k] = copied[k];
        free += m * steps[k];
      }
      body(chunk, static_cast<char* const*>(rows), static_cast<const std::int64_t*>(steps), m);
      for (int k = 0; k < N; ++k)
        if (!dense[k] && args[k].written)
          detail::scatter_rows(p[k] + i * s[k], rows[k], copied[k], s[k], step[k], length[k], m,
                               static_cast<std::size_t>(item[k]));
    }
  };
  parallel_chunks(
      loop.numel(), rows_per_grain(work, grain), [&](std::int64_t chunk, std::int64_t begin, std::int64_t end) {
        loop.run_range(begin, end,
                       [&](char* const* p, const std::int64_t* s, std::int64_t n) { run_batch(chunk, p, s, n); });
      });
}

/// The same for a body that does not care about chunks: `body(rows, steps, count)`.
template <int N, class Body>
void for_rows(int dim, const RowArg (&args)[N], std::int64_t grain, const Body& body) {
  for_row_chunks(dim, args, grain, [&](std::int64_t, char* const* rows, const std::int64_t* steps, std::int64_t count) {
    body(rows, steps, count);
  });
}

// ---- rows in segments

/// A row is worked on in segments that stay in the first-level cache from one pass to the next. What is found about each is combined in
/// order, so that the result is the same whoever computed it.
inline constexpr std::int64_t row_segment = 4096;
/// Whether a single row is worth several threads.
constexpr bool is_wide_row(std::int64_t n) { return n >= 8 * row_segment; }
/// The grain to give `for_rows`: few wide rows come one after the other, each on all threads.
constexpr std::int64_t rows_grain(std::int64_t rows, std::int64_t n, std::int64_t grain) {
  return rows < 16 && is_wide_row(n) ? INT64_MAX : grain;
}

/// Calls `body(begin, end)` on pieces of a row that are whole segments, those of a wide row on several threads unless this is
/// one of several already.
template <class Body>
void for_segments(std::int64_t n, const Body& body) {
  if (is_wide_row(n)) return parallel_for(n, row_segment, body);
  if (n > 0) body(std::int64_t{0}, n);
}

/// `value(begin, end)` of each piece, combined from the first to the last by `combine(total, value)`.
template <class Result, class Value, class Combine>
Result over_segments(std::int64_t n, Result empty, const Value& value, const Combine& combine) {
  if (n <= row_segment) return n > 0 ? value(std::int64_t{0}, n) : empty;
  Result partial[max_chunks];
  const std::int64_t size = chunk_size(n, row_segment), pieces = chunk_count(n, row_segment);
  const auto piece = [&](std::int64_t i, std::int64_t begin, std::int64_t end) { partial[i] = value(begin, end); };
  if (is_wide_row(n))
    parallel_chunks(n, row_segment, piece);
  else
    for (std::int64_t i = 0; i < pieces; ++i) piece(i, i * size, std::min(n, (i + 1) * size));
  Result total = partial[0];
  for (std::int64_t i = 1; i < pieces; ++i) combine(total, partial[i]);
  return total;
}

// ---- softmax and what is built on it

/// What turns a row into probabilities: its largest element m and Σ e^(x - m), in double.
struct RowNorm {
  double largest;
  double sum;
  double log_sum_exp() const { return largest + std::log(sum); }
};

/// One pass over n dense elements, over wide rows on all threads. NaN when there is one; {-∞, 0} when all are -∞ or n is 0. T is
/// float or double.
template <class T>
RowNorm row_norm(const T* x, std::int64_t n);
/// y[i] = scale · e^(x[i] - m) / Σ: with scale 1 the softmax, with g/N minus g/N at the label the gradient of cross entropy.
template <class T>
void softmax_row(const T* x, T* y, std::int64_t n, const RowNorm& norm, double scale = 1);

/// y = softmax (or its logarithm) of x along `dim`; y has the shape of x. Rows of only -∞ give NaN.
void softmax_kernel(const TensorImpl& y, const TensorImpl& x, int dim, bool log);
/// dx = y·(g - Σ g·y), or g - e^y·Σ g for the logarithm.
void softmax_backward_kernel(const TensorImpl& dx, const TensorImpl& y, const TensorImpl& g, int dim, bool log);

/// dx = factor·(x - mean), factor and mean being float64 tensors that broadcast to x; a zero factor gives 0.
void scaled_deviation_kernel(const TensorImpl& dx, const TensorImpl& x, const TensorImpl& mean,
                             const TensorImpl& factor);

// ---- running results along a dimension

enum class Cumulate { sum, product };
/// y[i] = x[0] ∘ ... ∘ x[i], or from the end when `reverse`.
void cumulate_kernel(const TensorImpl& y, const TensorImpl& x, int dim, Cumulate op, bool reverse);
/// The gradient of running products, without division: dx[k] = Σ_{i>=k} g[i] · Π_{j<=i, j≠k} x[j].
void cumprod_backward_kernel(const TensorImpl& dx, const TensorImpl& x, const TensorImpl& g, int dim);
/// dx[k] = g · Π_{j≠k} x[j], without division; g has size 1 along `dim`.
void prod_backward_kernel(const TensorImpl& dx, const TensorImpl& x, const TensorImpl& g, int dim);

// ---- places

/// The largest (smallest) element along `dim` and where the first such element is; NaN counts as both. `index` (int64) and
/// `value` (null: not wanted) have size 1 along `dim`. No row is empty.
void arg_kernel(const TensorImpl* value, const TensorImpl& index, const TensorImpl& x, int dim, bool largest);

/// How many of n labels are not `ignore_index`, or -1 when one of those is outside of [0, classes).
std::int64_t count_labels(const std::int64_t* labels, std::int64_t n, std::int64_t classes, std::int64_t ignore_index);

}  // namespace slope
