#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "slope/autograd/tensor/tensor.h"

/// Reductions. Where nothing else is said, `dims` names the dimensions that are combined (negative ones count from the end,
/// an empty list means all) and disappear, or with `keepdim` become 1. They throw IndexError for a dimension out of range and
/// ShapeError for one named twice.
///
/// A result depends on its elements and their order alone: layout and number of threads never change a bit. float32 is
/// accumulated in double: the error of a sum stays below 1e-7·Σ|x| at any length.
///
///     Tensor x = tensor({{1., 2.}, {3., 4.}});
///     x.sum();                 // tensor(10.)
///     mean(x, 0);              // tensor([2., 3.])
///     auto [value, index] = max(x, 1);
namespace slope {

// ---- sums and products
/// Σ x. int64 and bool give int64; `dtype` converts first. Empty: 0. ∂x = g, as an expanded view.
Tensor sum(In x, const Dims& dims = {}, bool keepdim = false, std::optional<DType> dtype = {});
/// Σ x over the elements that are not NaN, which receive no gradient.
Tensor nansum(In x, const Dims& dims = {}, bool keepdim = false, std::optional<DType> dtype = {});
/// Σ x / n. Empty: NaN. Throws DTypeError for integers unless `dtype` names a floating type.
Tensor mean(In x, const Dims& dims = {}, bool keepdim = false, std::optional<DType> dtype = {});
/// Π x. int64 and bool give int64; empty: 1. The derivative is right with any number of zeros, to any order.
Tensor prod(In x, const Dims& dims = {}, bool keepdim = false, std::optional<DType> dtype = {});
/// The mean of the elements that are not NaN; NaN where there is none.
Tensor nanmean(In x, const Dims& dims = {}, bool keepdim = false);
/// Number of elements that are not 0, as int64.
Tensor count_nonzero(In x, const Dims& dims = {}, bool keepdim = false);
/// Whether any (all) elements are not 0, as bool. Empty: false (true). NaN counts as not 0.
Tensor any(In x, const Dims& dims = {}, bool keepdim = false);
Tensor all(In x, const Dims& dims = {}, bool keepdim = false);

// ---- extremes: NaN counts as both the largest and the smallest
/// The largest (smallest) element. All that are equal to it share the gradient equally. Throws ShapeError for an empty tensor.
Tensor max(In x);
Tensor min(In x);
/// The same over `dims`.
Tensor amax(In x, const Dims& dims = {}, bool keepdim = false);
Tensor amin(In x, const Dims& dims = {}, bool keepdim = false);
/// Values along one dimension and where they are (int64): the first of several, which receives the whole gradient.
/// Throws ShapeError when the dimension is empty.
[[nodiscard]] std::pair<Tensor, Tensor> max(In x, std::int64_t dim, bool keepdim = false);
[[nodiscard]] std::pair<Tensor, Tensor> min(In x, std::int64_t dim, bool keepdim = false);
/// Where the largest (smallest) element is; without `dim`, in the flattened tensor. The first of several.
Tensor argmax(In x, std::optional<std::int64_t> dim = {}, bool keepdim = false);
Tensor argmin(In x, std::optional<std::int64_t> dim = {}, bool keepdim = false);

/// `amin` and `amax` in this order.
[[nodiscard]] std::pair<Tensor, Tensor> aminmax(In x, const Dims& dims = {}, bool keepdim = false);
/// Where a share q of the ordered elements lies below, between two of them linearly: q is a number or a vector in [0, 1], whose
/// results come first. Along `dim`, or of the flattened tensor; `nanquantile` leaves NaN out, else there is NaN where one is.
Tensor quantile(In x, const Operand& q, std::optional<std::int64_t> dim = {}, bool keepdim = false);
Tensor nanquantile(In x, const Operand& q, std::optional<std::int64_t> dim = {}, bool keepdim = false);

// ---- spread
struct VarOptions {
  /// Squares are divided by n - correction: 1 is the unbiased estimate, 0 the biased one.
  double correction = 1;
  bool keepdim = false;
};
/// Σ (x - mean)² / (n - correction), in double for float32 and by two passes: 1e5 + {4, 7, 13, 16} gives 30. n = 1: NaN.
/// Throws DTypeError for integers.
Tensor var(In x, const Dims& dims = {}, const VarOptions& options = {});
/// √var; of constants 0 with gradient 0.
Tensor std(In x, const Dims& dims = {}, const VarOptions& options = {});
/// `var` or `std` together with the mean, in that order.
[[nodiscard]] std::pair<Tensor, Tensor> var_mean(In x, const Dims& dims = {}, const VarOptions& options = {});
[[nodiscard]] std::pair<Tensor, Tensor> std_mean(In x, const Dims& dims = {}, const VarOptions& options = {});

/// Covariances of the rows of a matrix [n, observations] (of a vector, its variance): [n, n]; and divided by both deviations.
Tensor cov(In x, std::int64_t correction = 1);
Tensor corrcoef(In x);

// ---- norms
/// (Σ |x|^p)^(1/p) of the elements as one vector: p = ∞ is max |x|, -∞ min |x|, 0 the number of elements that are not 0.
/// Scaled, so that squares neither overflow nor vanish: {3e30, 4e30} in float32 gives 5e30. A zero vector has gradient 0,
/// equal largest magnitudes share it. Throws DTypeError for integers, ShapeError for p = ±∞ or p < 0 of nothing.
///
///     norm(w)                  // √Σw²
///     norm(w, 1, {0})          // Σ|w| per column
Tensor norm(In x, double p = 2, const Dims& dims = {}, bool keepdim = false);
/// The same under the name of torch.linalg.
Tensor vector_norm(In x, double p = 2, const Dims& dims = {}, bool keepdim = false);
/// norm(x - y, p).
Tensor dist(In x, const Tensor& y, double p = 2);
/// `x` with the slices along `dim` whose p-norm is above maxnorm scaled down to it.
Tensor renorm(In x, double p, std::int64_t dim, double maxnorm);
/// Which norm of a matrix: Frobenius, or the sum of singular values.
enum class MatrixNorm {
  /// √Σx²: of Frobenius.
  fro,
  /// The largest sum of magnitudes of a column.
  one,
  /// The smallest sum of magnitudes of a column.
  minus_one,
  /// The largest sum of magnitudes of a row.
  inf,
  /// The smallest sum of magnitudes of a row.
  minus_inf,
  /// The largest singular value, the smallest one, and their sum.
  two,
  minus_two,
  nuc
};
/// A norm of the matrices in two dimensions, by default the last two: the rows are dims[0]. Throws DTypeError for integers,
/// ShapeError unless `dims` are two different dimensions, and for matrices without what the norm is the largest or smallest of.
///
///     matrix_norm(w, MatrixNorm::inf)      // [..., n, m] -> [...]
Tensor matrix_norm(In x, MatrixNorm order = MatrixNorm::fro, const Dims& dims = {-2, -1}, bool keepdim = false);
/// log Σ eˣ without overflow. Elements of -∞ count nothing; nothing at all gives -∞; +∞ gives +∞. ∂x = g·e^(x - y).
Tensor logsumexp(In x, const Dims& dims = {}, bool keepdim = false);

// ---- running
/// y[i] = x[0] + ... + x[i] along `dim`. int64 and bool give int64.
Tensor cumsum(In x, std::int64_t dim, std::optional<DType> dtype = {});
/// log(e^x[0] + ... + e^x[i]) along `dim`, without overflow.
Tensor logcumsumexp(In x, std::int64_t dim);
/// The largest (smallest) element so far and where it is, the last of several; NaN stays from where it is on.
[[nodiscard]] std::pair<Tensor, Tensor> cummax(In x, std::int64_t dim);
[[nodiscard]] std::pair<Tensor, Tensor> cummin(In x, std::int64_t dim);
/// Differences of neighbours, x[i + 1] - x[i], n times; of bools whether they differ.
Tensor diff(In x, std::int64_t n = 1, std::int64_t dim = -1);
/// The integral along `dim` by the trapezoidal rule, between points that are dx apart, or at `x` (a vector or of the shape of y).
Tensor trapezoid(In y, double dx = 1, std::int64_t dim = -1);
Tensor trapezoid(In y, const Tensor& x, std::int64_t dim = -1);
/// y[i] = x[0] · ... · x[i] along `dim`. The derivative is right with any number of zeros, to any order.
Tensor cumprod(In x, std::int64_t dim, std::optional<DType> dtype = {});

}  // namespace slope
