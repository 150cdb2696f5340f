#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "slope/autograd/tensor/tensor.h"

/// Reading and writing by index. Indices are int64 and count from 0; each is checked in forward and again in backward,
/// and one out of range throws IndexError: "index 3 is out of bounds for dimension 1 with size 3". Values written must
/// have the dtype of the tensor (DTypeError); numbers take part by category. The forms ending in `_` are methods of
/// Tensor.
namespace slope {

// ---- what stands in the braces of x.index({...})
/// "Nothing given": a new dimension of size 1 as an index, an open end in a Slice.
#if !defined(None)  // which X11 defines; std::nullopt serves as well
inline constexpr std::nullopt_t None = std::nullopt;
#endif
struct EllipsisIndex {};
/// All dimensions that the other indices leave.
inline constexpr EllipsisIndex Ellipsis{};
/// start:stop:step of Python; negative bounds count from the end, bounds beyond the ends clamp, step >= 1.
///
///     x.index({Slice{1, None, 2}, Ellipsis, 0})          // x[1::2, ..., 0]
struct Slice {
  /// The first element, and the one behind the last; absent: the ends.
  std::optional<std::int64_t> start{}, stop{};
  /// How far elements are apart.
  std::int64_t step = 1;
};

/// One index: an integer, a Slice, None, Ellipsis, a bool, an int64 tensor or a bool mask.
class Index {
 public:
  /// What kinds of index there are.
  enum class Kind : std::uint8_t { integer, slice, none, ellipsis, truth, tensor };

  template <class T>
    requires(std::is_integral_v<T> && !std::is_same_v<T, bool>)
  Index(T i) : kind_(Kind::integer), integer_(static_cast<std::int64_t>(i)) {}
  template <std::same_as<bool> T>
  Index(T on) : kind_(Kind::truth), integer_(on) {}
  Index(Slice s) : kind_(Kind::slice), slice_(s) {}
  Index(std::nullopt_t) : kind_(Kind::none) {}
  Index(EllipsisIndex) : kind_(Kind::ellipsis) {}
  Index(Tensor t) : kind_(Kind::tensor), tensor_(std::move(t)) {}

  /// Which kind it is, and its value as that kind.
  Kind kind() const { return kind_; }
  std::int64_t integer() const { return integer_; }
  const Slice& slice() const { return slice_; }
  const Tensor& tensor() const { return tensor_; }

 private:
  Kind kind_;
  std::int64_t integer_ = 0;
  Slice slice_;
  Tensor tensor_;
};

/// x[i, j, ...] as in PyTorch. Integers, slices, None and Ellipsis alone give a view. With tensors the result is a
/// copy: they are broadcast against each other and their common shape takes the place of the dimensions they index, or
/// the front when these are not adjacent. Negative indices count from the end. A bool mask stands for as many
/// dimensions as it has, whose sizes it must match, and picks the positions where it is true, in order. Repeated
/// positions add up in the gradient. Throws IndexError for too many indices and for positions out of range, ShapeError
/// for tensors that do not broadcast, DTypeError for tensors that are neither int64 nor bool.
///
///     x.index({Slice{0, 2}, -1});              // view
///     x.index({rows, columns});                // x[rows[i], columns[i]]
///     x.index({x > 0});                        // 1-d
Tensor index(In x, const std::vector<Index>& indices);
/// A copy of `x` with `value`, broadcast to the shape of x[indices], written there; added to it when `accumulate`,
/// repeats adding up. Without `accumulate` the last of repeated positions wins, and alone gets a gradient.
Tensor index_put(In x, const std::vector<Index>& indices, const Operand& value, bool accumulate = false);

// ---- along one dimension
/// The slices of `x` named by the 1-d `index`: out[..., i, ...] = x[..., index[i], ...].
Tensor index_select(In x, std::int64_t dim, const Tensor& index);
/// out[i, j] = x[index[i, j], j] for dim 0 and so on. `index` has as many dimensions as `x` and, but for `dim`, at most
/// its sizes; the result has the shape of `index`. The gradient is a scatter_add.
Tensor gather(In x, std::int64_t dim, const Tensor& index);
/// A copy of `x` with out[index[i, j], j] = src[i, j] for dim 0 and so on; `src` is a number or a tensor at least as
/// large as `index`. Of repeated places the last wins; what it overwrote gets no gradient.
Tensor scatter(In x, std::int64_t dim, const Tensor& index, const Operand& src);
/// A copy of `x` with out[index[i, j], j] += src[i, j]; repeats add up, in order.
Tensor scatter_add(In x, std::int64_t dim, const Tensor& index, const Tensor& src);
/// A copy of `x` with alpha · source[..., i, ...] added to slice index[i]; repeats add up, in order.
Tensor index_add(In x, std::int64_t dim, const Tensor& index, const Tensor& source, Scalar alpha = 1);
/// A copy of `x` with slice index[i] replaced by source[..., i, ...]; of repeats the last wins, and alone gets a
/// gradient.
Tensor index_copy(In x, std::int64_t dim, const Tensor& index, const Tensor& source);
/// A copy of `x` with the slices named by `index` filled with `value`.
Tensor index_fill(In x, std::int64_t dim, const Tensor& index, Scalar value);
/// `gather` with `x` and `index` broadcast against each other but for `dim`; of the flattened tensors without `dim`.
Tensor take_along_dim(In x, const Tensor& index, std::optional<std::int64_t> dim = {});
/// Elements of the flattened `x`, in the shape of `index`.
Tensor take(In x, const Tensor& index);

// ---- by mask (bool, broadcast against x)
/// `value` (a number or a 0-d tensor) where the mask is true, else `x`.
Tensor masked_fill(In x, const Tensor& mask, const Operand& value);
/// The elements where the mask is true, 1-d, in row-major order.
Tensor masked_select(In x, const Tensor& mask);
/// The elements of `source`, in row-major order, at the places where the mask is true, else `x`. Throws ShapeError when
/// `source` has fewer elements than the mask has places.
Tensor masked_scatter(In x, const Tensor& mask, const Tensor& source);

// ---- where values are not zero
/// Coordinates of the elements that are not zero (NaN is not zero), in row-major order: int64 [count, ndim].
Tensor nonzero(In x);
/// The same as one int64 vector per dimension: what `x.index` takes.
[[nodiscard]] std::vector<Tensor> where(In condition);

namespace detail {
/// Throws unless `index` is a defined int64 tensor.
void check_index(const Tensor& index, const char* op, SourceLoc loc);
/// Throws IndexError unless every element of `index` lies in [low, size).
void check_range(const Tensor& index, std::int64_t low, std::int64_t size, int dim, const char* op, SourceLoc loc);
/// The positions of the true elements of a bool tensor in row-major order, as an int64 vector.
Tensor positions(const Tensor& mask);
/// How many elements of a bool tensor are true.
std::int64_t count_true(const Tensor& mask);
/// Dimensions dim..dim+span-1 of `x` as one, indexed by the int64 vector `index`, which counts their elements.
Tensor select_positions(SourceLoc loc, const Tensor& x, int dim, int span, const Tensor& index);
}  // namespace detail

}  // namespace slope
