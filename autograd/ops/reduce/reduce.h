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
  minus_inf
};
/// A norm of the matrices in two dimensions, by default the last two: the rows are dims[0]. Norms by singular values
/// (2, nuclear) are not provided. Throws DTypeError for integers, ShapeError unless `dims` are two different
/// dimensions, and for one, inf and their negatives of matrices without columns or rows.
///
///     matrix_norm(w, MatrixNorm::inf)      // [..., n, m] -> [...]
Tensor matrix_norm(In x, MatrixNorm order = MatrixNorm::fro, const Dims& dims = {-2, -1}, bool keepdim = false);
/// log Σ eˣ without overflow. Elements of -∞ count nothing; nothing at all gives -∞; +∞ gives +∞. ∂x = g·e^(x - y).
Tensor logsumexp(In x, const Dims& dims = {}, bool keepdim = false);

// ---- running
/// y[i] = x[0] + ... + x[i] along `dim`. int64 and bool give int64.
Tensor cumsum(In x, std::int64_t dim, std::optional<DType> dtype = {});
/// y[i] = x[0] · ... · x[i] along `dim`. The derivative is right with any number of zeros, to any order.
Tensor cumprod(In x, std::int64_t dim, std::optional<DType> dtype = {});

}  // namespace slope
