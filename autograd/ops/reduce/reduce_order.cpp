// Reductions and running results made of others, and those that keep the largest so far.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "slope/autograd/kernels/loops/rows.h"
#include "slope/autograd/ops/index/sort.h"
#include "slope/autograd/ops/linalg/matmul.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/reduce/internal/reduce_common.h"
#include "slope/autograd/ops/reduce/reduce.h"
#include "slope/autograd/ops/view/join.h"

namespace slope {

using namespace detail;

Tensor nanmean(In x, const Dims& dims, bool keepdim) {
  require_floating("nanmean", x);
  const CallerScope scope(x.loc);
  return nansum(x, dims, keepdim) / sum(logical_not(isnan(x)), dims, keepdim);
}

std::pair<Tensor, Tensor> aminmax(In x, const Dims& dims, bool keepdim) {
  Tensor least = amin(x, dims, keepdim);
  return {std::move(least), amax(x, dims, keepdim)};
}

namespace {

std::pair<Tensor, Tensor> cumulative_extreme(const char* op, In x, std::int64_t dim, bool largest) {
  require_defined(op, x);
  const int d = wrap_dim(dim, x->dim(), op, x.loc);
  const CallerScope scope(x.loc);
  const Tensor values = make_empty(x->shape(), x->dtype()), index = make_empty(x->shape(), DType::int64);
  const std::int64_t n = x->dim() == 0 ? 1 : x->shape()[d];
  if (x->numel() > 0)
    visit_dtype(x->dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      for_rows<3>(d, {{x->impl()}, {values.impl(), true}, {index.impl(), true}}, grain_cheap,
                  [&](char* const* p, const std::int64_t* s, std::int64_t rows) {
                    for (std::int64_t r = 0; r < rows; ++r) {
                      const T* from = row<const T>(p, s, 0, r);
                      T* to = row<T>(p, s, 1, r);
                      auto* at = row<std::int64_t>(p, s, 2, r);
                      std::int64_t best = 0;
                      for (std::int64_t i = 0; i < n; ++i) {
                        const T v = from[i], so_far = from[best];
                        // NaN stays; what compares false with it is no reason to move on.
                        if (v != v || (so_far == so_far && (largest ? v >= so_far : v <= so_far))) best = i;
                        to[i] = from[best];
                        at[i] = best;
                      }
                    }
                  });
    });
  return largest ? picked<"Cummax">(x, values, index, d) : picked<"Cummin">(x, values, index, d);
}

}  // namespace

std::pair<Tensor, Tensor> cummax(In x, std::int64_t dim) { return cumulative_extreme("cummax", x, dim, true); }
std::pair<Tensor, Tensor> cummin(In x, std::int64_t dim) { return cumulative_extreme("cummin", x, dim, false); }

Tensor diff(In x, std::int64_t n, std::int64_t dim) {
  require_defined("diff", x);
  if (x->dim() == 0) throw ShapeError("diff: needs at least one dimension, got a 0-d tensor", x.loc);
  if (n < 0) throw ValueError(concat("diff: the order must not be negative, got ", n), x.loc);
  const int d = wrap_dim(dim, x->dim(), "diff", x.loc);
  const CallerScope scope(x.loc);
  if (n == 0) return clone(x);
  if (n >= x->shape()[d]) return clone(narrow(x, d, 0, 0));
  Tensor y = x.tensor;
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t rest = y.shape()[d] - 1;
    const Tensor high = narrow(y, d, 1, rest), low = narrow(y, d, 0, rest);
    y = y.dtype() == DType::boolean ? logical_xor(high, low) : high - low;
  }
  return y;
}

namespace {

/// Neighbours along `dim`, added, times half of what lies between them.
Tensor trapezoids(In y, int d, const Operand& width) {
  const std::int64_t n = y->shape()[d];
  if (n < 2) return sum(narrow(y, d, 0, 0) * 0.5, d);
  return sum((narrow(y, d, 1, n - 1) + narrow(y, d, 0, n - 1)) * width * 0.5, d);
}

int dim_of_integral(In y, std::int64_t dim) {
  require_defined("trapezoid", y);
  if (y->dim() == 0) throw ShapeError("trapezoid: needs at least one dimension, got a 0-d tensor", y.loc);
  return wrap_dim(dim, y->dim(), "trapezoid", y.loc);
}

}  // namespace

Tensor trapezoid(In y, double dx, std::int64_t dim) {
  const int d = dim_of_integral(y, dim);
  const CallerScope scope(y.loc);
  return trapezoids(y, d, {dx, y.loc});
}

Tensor trapezoid(In y, const Tensor& x, std::int64_t dim) {
  const int d = dim_of_integral(y, dim);
  require_defined("trapezoid", {x, y.loc});
  const CallerScope scope(y.loc);
  const bool vector = x.dim() == 1;
  if (vector ? x.numel() != y->shape()[d] : x.shape() != y->shape())
    throw ShapeError(concat("trapezoid: the places have shape ", x.shape(), ", the values ", y->shape(),
                            "; give one place for each value along dimension ", d),
                     y.loc);
  if (y->shape()[d] < 2) return trapezoids(y, d, {1.0, y.loc});
  Tensor width = diff(x, 1, vector ? 0 : d);
  if (vector) {
    Shape along = Shape::filled(y->dim(), 1);
    along[d] = width.numel();
    width = reshape(width, along);
  }
  return trapezoids(y, d, {width, y.loc});
}

namespace {

Tensor quantile_of(const char* op, In x, const Operand& q, std::optional<std::int64_t> dim, bool keepdim,
                   bool skip_nan) {
  require_floating(op, x);
  if (q.tensor) require_floating(op, {*q.tensor, x.loc}, "the share");
  const CallerScope scope(x.loc);
  const Tensor share = q.tensor ? q.tensor->to(DType::float64) : make_number(q.scalar, DType::float64);
  if (share.dim() > 1)
    throw ShapeError(concat(op, ": the shares must be a number or a vector, but have shape ", share.shape()), x.loc);
  if (logical_not(logical_and(share >= 0, share <= 1)).any().item<bool>())
    throw ValueError(concat(op, ": shares must lie in [0, 1]"), x.loc);
  const int d = dim ? wrap_dim(*dim, x->dim(), op, x.loc) : 0;
  const Tensor whole = dim && x->dim() > 0 ? x.tensor : reshape(x, {x->numel()});
  if (whole.shape()[d] == 0)
    throw ShapeError(concat(op, ": there is no quantile of nothing; the shape is ", x->shape()), x.loc);
  const Tensor ordered = sort(movedim(whole, {d}, {-1})).first;
  const std::int64_t n = ordered.size(-1);
  // The ranks [..., shares], and the elements on both sides.
  const Tensor known = sum(logical_not(isnan(ordered.detach())), -1, true);
  const Tensor last =
      skip_nan ? clamp_min(known.to(DType::float64) - 1.0, 0) : full(known.shape(), n - 1, {.dtype = DType::float64});
  const Tensor rank = reshape(share, {share.numel()}) * last;
  const Tensor below = floor(rank.detach()), above = minimum(below + 1.0, last);
  const Tensor low = gather(ordered, -1, below.to(DType::int64)), high = gather(ordered, -1, above.to(DType::int64));
  Tensor y = lerp(low, high, (rank - below).to(x->dtype()));
  if (!skip_nan) y = where(known < n, std::numeric_limits<double>::quiet_NaN(), y);
  y = share.dim() == 0 ? y.select(-1, 0) : movedim(y, {-1}, {0});
  if (!keepdim || x->dim() == 0) return y;
  if (dim) return unsqueeze(y, share.dim() + d);
  Shape kept = Shape::filled(x->dim(), 1);
  if (share.dim() == 1) kept.insert(0, share.numel());
  return reshape(y, kept);
}

}  // namespace

Tensor quantile(In x, const Operand& q, std::optional<std::int64_t> dim, bool keepdim) {
  return quantile_of("quantile", x, q, dim, keepdim, false);
}
Tensor nanquantile(In x, const Operand& q, std::optional<std::int64_t> dim, bool keepdim) {
  return quantile_of("nanquantile", x, q, dim, keepdim, true);
}
Tensor Tensor::quantile(const Operand& q, std::optional<std::int64_t> dim, bool keepdim) const {
  return slope::quantile({*this, q.loc}, q, dim, keepdim);
}
Tensor Tensor::nanquantile(const Operand& q, std::optional<std::int64_t> dim, bool keepdim) const {
  return slope::nanquantile({*this, q.loc}, q, dim, keepdim);
}

namespace {

Tensor covariance(const char* op, In x, std::int64_t correction) {
  require_defined(op, x);
  if (x->dim() > 2)
    throw ShapeError(
        concat(op, ": takes a vector, or a matrix of variables by observations; the shape is ", x->shape()), x.loc);
  const Tensor rows =
      to(x->dim() == 2 ? x.tensor : reshape(x, {1, x->numel()}), x->is_floating_point() ? x->dtype() : default_dtype());
  const Tensor away = rows - mean(rows, 1, true);
  const auto freedom = std::max(static_cast<double>(rows.size(1)) - static_cast<double>(correction), 0.0);
  return mm(away, away.t()) / freedom;
}

}  // namespace

Tensor cov(In x, std::int64_t correction) {
  const CallerScope scope(x.loc);
  const Tensor c = covariance("cov", x, correction);
  return x->dim() == 2 ? c : reshape(c, {});
}

Tensor corrcoef(In x) {
  const CallerScope scope(x.loc);
  const Tensor c = covariance("corrcoef", x, 1);
  const Tensor deviation = sqrt(diagonal(c));
  const Tensor r = clamp(c / unsqueeze(deviation, 1) / deviation, -1, 1);
  return x->dim() == 2 ? r : reshape(r, {});
}

Tensor dist(In x, const Tensor& y, double p) {
  const CallerScope scope(x.loc);
  require_floating("dist", x);
  require_floating("dist", {y, x.loc}, "the second tensor");
  return norm(x - y, p);
}

Tensor renorm(In x, double p, std::int64_t dim, double maxnorm) {
  const CallerScope scope(x.loc);
  require_floating("renorm", x);
  if (x->dim() < 2) throw ShapeError(concat("renorm: needs two dimensions or more, got shape ", x->shape()), x.loc);
  const int d = wrap_dim(dim, x->dim(), "renorm", x.loc);
  if (!(p > 0) || !(maxnorm >= 0))
    throw ValueError(concat("renorm: p must be positive and maxnorm not negative, got ", p, " and ", maxnorm), x.loc);
  Shape others;
  for (int i = 0; i < x->dim(); ++i)
    if (i != d) others.push_back(i);
  const Tensor size = norm(x, p, others, true);
  return x * where(size > maxnorm, maxnorm / (size + 1e-7), 1.0);
}

}  // namespace slope
