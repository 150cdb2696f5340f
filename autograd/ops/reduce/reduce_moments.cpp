// Variance, norms, logsumexp: reductions that need to know something about their elements first.
#include <cmath>
#include <limits>
#include <string>

#include "slope/autograd/kernels/loops/rows.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/reduce/internal/reduce_common.h"
#include "slope/autograd/ops/reduce/reduce.h"

namespace slope {

namespace {

using namespace detail;

// ---- variance

/// The mean of each output in double, measured from its first element: exact for constants, however large.
Tensor shifted_mean(const Tensor& x, const ReducedDims& over) {
  const Tensor mean = make_empty(over.kept(), DType::float64);
  copy_kernel(mean.impl(), *TensorImpl::alias(x.impl(), x.raw_data(), over.kept(), x.strides()));
  const Tensor rest = reduce_wide(x, over, ReduceOp::deviation, mean.impl().ptr<double>());
  const auto n = static_cast<double>(over.length());
  auto* m = mean.impl().ptr<double>();
  const auto* r = rest.impl().ptr<const double>();
  for (std::int64_t i = 0; i < mean.numel(); ++i) m[i] += r[i] / n;
  return mean;
}

template <bool Root>
struct VarOp {
  static constexpr std::string_view name = Root ? "Std" : "Var";
  ReducedDims over;
  double correction;
  struct Saved {
    SavedTensor x, mean, y;
  };

  // Nothing divided by nothing is NaN, as is one element less one.
  double divisor() const { return std::max(0.0, static_cast<double>(over.length()) - correction); }

  Tensor forward(Saved& s, const Tensor& x) {
    if (over.length() == 0) return full(over.out(), std::numeric_limits<double>::quiet_NaN(), {.dtype = x.dtype()});
    const Tensor mean = shifted_mean(x, over);
    const double n = divisor();
    Tensor y = reduce_floating(x, over, ReduceOp::squared_deviation, {.c = mean.impl().ptr<double>()}, x.dtype(),
                               [n](double v, std::int64_t) { return Root ? std::sqrt(v / n) : v / n; });
    if (x.requires_grad()) {
      s.x = save(x);
      s.mean = save(mean);
      if constexpr (Root) s.y = save_output(y);
    }
    return y;
  }

  Grads<1> backward(const Saved& s, const Tensor& g) const {
    if (over.length() == 0) return {zeros(over.in, {.dtype = g.dtype()})};
    Tensor scale = reshape(g, over.kept());
    if constexpr (Root) {
      const Tensor y = reshape(s.y.get(), over.kept());
      scale = where(eq(y, 0), 0, scale_cotangent(scale, 1 / y)) / divisor();
    } else {
      scale = scale * (2 / divisor());
    }
    const Tensor x = s.x.get();
    if (!grad_enabled()) {
      Tensor dx = make_empty(x.shape(), x.dtype());
      scaled_deviation_kernel(dx.impl(), x.impl(), s.mean.get().impl(), to(scale, DType::float64).impl());
      return {dx};
    }
    // The rounding of the mean is taken out by centring twice.
    const Dims dims = over.all ? Dims() : dims_of(over);
    const Tensor once = x - mean(x, dims, true);
    return {scale_cotangent(expand(scale, over.in), once - mean(once, dims, true))};
  }
};

// ---- norms

bool is_zero_or_nan(double v) { return !(v > 0); }

Tensor norm_forward(const Tensor& x, const ReducedDims& over, double p) {
  if (over.length() == 0) return zeros(over.out(), {.dtype = x.dtype()});
  if (p == 0) return reduce_floating(x, over, ReduceOp::nonzero, {}, x.dtype());
  if (p == 1) return reduce_floating(x, over, ReduceOp::magnitude, {}, x.dtype());
  if (std::isinf(p))
    return reduce_floating(x, over, p > 0 ? ReduceOp::largest_magnitude : ReduceOp::smallest_magnitude, {}, x.dtype());
  if (p == 2) {
    // Squares of float32 fit into double; those of float64 may not, and are then scaled.
    bool safe = true;
    const double lowest = x.dtype() == DType::float64 ? 1e-280 : 0, highest = 1e300;
    const Tensor squares = reduce_wide(x, over, ReduceOp::square);
    const auto* v = squares.impl().ptr<const double>();
    for (std::int64_t i = 0; i < squares.numel(); ++i) safe &= std::isnan(v[i]) || (v[i] >= lowest && v[i] <= highest);
    if (safe) {
      Tensor y = make_empty(over.out(), x.dtype());
      visit_floating(x.dtype(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        for (std::int64_t i = 0; i < y.numel(); ++i) y.impl().ptr<T>()[i] = static_cast<T>(std::sqrt(v[i]));
      });
      return y;
    }
  }
  const Tensor scales = reduce_wide(x, over, p > 0 ? ReduceOp::largest_magnitude : ReduceOp::smallest_magnitude);
  const auto* scale = scales.impl().ptr<const double>();
  return reduce_floating(x, over, p == 2 ? ReduceOp::scaled_square : ReduceOp::scaled_power, {.p = p, .c = scale},
                         x.dtype(), [&](double v, std::int64_t i) {
                           if (is_zero_or_nan(scale[i]) || std::isinf(scale[i])) return scale[i];
                           return scale[i] * (p == 2 ? std::sqrt(v) : std::pow(v, 1 / p));
                         });
}

struct NormOp {
  static constexpr std::string_view name = "Norm";
  ReducedDims over;
  double p;
  struct Saved {
    SavedTensor x, y;
  };

  Tensor forward(Saved& s, const Tensor& x) {
    Tensor y = norm_forward(x, over, p);
    if (x.requires_grad()) {
      s.x = save(x);
      s.y = save_output(y);
    }
    return y;
  }

  Grads<1> backward(const Saved& s, const Tensor& g) const {
    const Tensor x = s.x.get();
    if (p == 0) return {zeros(over.in, {.dtype = g.dtype()})};
    if (p == 1) return {scale_cotangent(spread(g, over), sign(x))};
    const Tensor y = reshape(s.y.get(), over.kept());
    if (std::isinf(p)) return {scale_cotangent(share_among(equals_extreme(abs(x), y, over), g, over), sign(x))};
    // ∂x = sign(x)·(|x|/y)^(p-1): the ratio neither overflows nor vanishes. A zero vector gets 0.
    const Tensor zero = eq(y, 0);
    const bool some_zero = zero.any().item<bool>();
    const Tensor ratio = div(x, some_zero ? where(zero, 1, y) : y);
    Tensor slope = ratio;
    if (p != 2) slope = sign(x) * pow(abs(ratio), p - 1);
    if (p < 1) slope = where(eq(x, 0), 0, slope);
    const Tensor grad = scale_cotangent(spread(g, over), slope);
    return {some_zero ? where(expand(zero, over.in), 0, grad) : grad};
  }
};

Tensor norm_as(const char* op, In x, double p, const Dims& dims, bool keepdim) {
  require_floating(op, x);
  if (std::isnan(p)) throw ValueError(concat(op, ": the order p is nan; give a number, or ±inf"), x.loc);
  const ReducedDims over = reduced_dims(op, x, dims, keepdim);
  if (over.length() == 0 && (p < 0 || std::isinf(p)))
    for (std::int64_t n : over.out().empty() ? Shape{1} : over.out())
      if (n > 0)
        throw ShapeError(concat(op, ": cannot compute the ", to_text(p), " norm of nothing; the shape is ", over.in),
                         x.loc);
  return apply(x.loc, NormOp{over, p}, x.tensor);
}

// ---- logsumexp

struct LogsumexpOp {
  static constexpr std::string_view name = "Logsumexp";
  ReducedDims over;
  struct Saved {
    SavedTensor x, shift, total;
  };
  Tensor forward(Saved& s, const Tensor& x) {
    const Tensor largest = reduce_wide(x, over, ReduceOp::largest);
    auto* m = largest.impl().ptr<double>();
    const Tensor shift = make_empty(over.kept(), DType::float64), total = make_empty(over.kept(), DType::float64);
    auto *c = shift.impl().ptr<double>(), *sums = total.impl().ptr<double>();
    for (std::int64_t i = 0; i < shift.numel(); ++i) c[i] = std::isfinite(m[i]) ? m[i] : 0;
    Tensor y = reduce_floating(x, over, ReduceOp::exponential, {.c = c}, x.dtype(), [&](double v, std::int64_t i) {
      sums[i] = v;
      return m[i] + std::log(v);  // log(v) is +∞ for m = +∞ and -∞ for m = -∞
    });
    if (x.requires_grad()) {
      for (std::int64_t i = 0; i < shift.numel(); ++i) {
        if (std::isfinite(m[i])) continue;
        // Of nothing but -∞ no element has a share: e^(-∞ - 0) = 0.
        c[i] = m[i] < 0 ? 0 : m[i];
        sums[i] = 1;
      }
      s.x = save(x);
      s.shift = save(to(shift, x.dtype()));
      s.total = save(to(total, x.dtype()));
    }
    return y;
  }
  // ∂x = e^(x - m)/Σ e^(x - m): e^(x - y) would feel the rounding of a large y.
  Grads<1> backward(const Saved& s, const Tensor& g) const {
    const Tensor share = exp(s.x.get() - spread(s.shift.get(), over));
    Tensor total = s.total.get();
    if (grad_enabled()) {
      const Tensor sums = sum(share, over.all ? Dims() : dims_of(over), true);
      total = where(logical_or(eq(sums, 0), isnan(sums)), total, sums);
    }
    return {scale_cotangent(spread(div(reshape(g, over.kept()), total), over), share)};
  }
};

}  // namespace

Tensor var(In x, const Dims& dims, const VarOptions& options) {
  require_floating("var", x);
  return apply(x.loc, VarOp<false>{reduced_dims("var", x, dims, options.keepdim), options.correction}, x.tensor);
}

Tensor std(In x, const Dims& dims, const VarOptions& options) {
  require_floating("std", x);
  return apply(x.loc, VarOp<true>{reduced_dims("std", x, dims, options.keepdim), options.correction}, x.tensor);
}

std::pair<Tensor, Tensor> var_mean(In x, const Dims& dims, const VarOptions& options) {
  Tensor spread_of = var(x, dims, options);
  return {std::move(spread_of), mean(x, dims, options.keepdim)};
}

std::pair<Tensor, Tensor> std_mean(In x, const Dims& dims, const VarOptions& options) {
  Tensor spread_of = std(x, dims, options);
  return {std::move(spread_of), mean(x, dims, options.keepdim)};
}

Tensor norm(In x, double p, const Dims& dims, bool keepdim) { return norm_as("norm", x, p, dims, keepdim); }
Tensor vector_norm(In x, double p, const Dims& dims, bool keepdim) {
  return norm_as("vector_norm", x, p, dims, keepdim);
}

Tensor matrix_norm(In x, MatrixNorm order, const Dims& dims, bool keepdim) {
  CallerScope scope(x.loc);
  require_floating("matrix_norm", x);
  if (x->dim() < 2 || dims.size() != 2)
    throw ShapeError(concat("matrix_norm: takes two dimensions of a tensor of at least two, got dims ", dims,
                            " and shape ", x->shape()),
                     x.loc);
  const ReducedDims both = reduced_dims("matrix_norm", x, dims, true);
  if (order == MatrixNorm::fro) return norm(x, 2, dims, keepdim);
  const bool by_column = order == MatrixNorm::one || order == MatrixNorm::minus_one;
  const bool largest = order == MatrixNorm::one || order == MatrixNorm::inf;
  const int rows = wrap_dim(dims[0], x->dim()), columns = wrap_dim(dims[1], x->dim());
  const int summed = by_column ? rows : columns, searched = by_column ? columns : rows;
  if (x->shape()[searched] == 0)
    throw ShapeError(concat("matrix_norm: there is no ", largest ? "largest" : "smallest",
                            by_column ? " column" : " row", " of a matrix without any; the shape is ", x->shape()),
                     x.loc);
  const Tensor sums = norm(x, 1, summed, true);
  const Tensor found = largest ? amax({sums, x.loc}, searched, true) : amin({sums, x.loc}, searched, true);
  ReducedDims out = both;
  out.keepdim = keepdim;
  return reshape({found, x.loc}, out.out());
}

Tensor logsumexp(In x, const Dims& dims, bool keepdim) {
  require_defined("logsumexp", x);
  const ReducedDims over = reduced_dims("logsumexp", x, dims, keepdim);
  return apply(x.loc, LogsumexpOp{over}, is_floating(x->dtype()) ? x.tensor : to(x, default_dtype()));
}

Tensor Tensor::var(const Dims& dims, double correction, bool keepdim, SourceLoc loc) const {
  return slope::var({*this, loc}, dims, {correction, keepdim});
}
std::pair<Tensor, Tensor> Tensor::var_mean(const Dims& dims, double correction, bool keepdim, SourceLoc loc) const {
  return slope::var_mean({*this, loc}, dims, {.correction = correction, .keepdim = keepdim});
}
std::pair<Tensor, Tensor> Tensor::std_mean(const Dims& dims, double correction, bool keepdim, SourceLoc loc) const {
  return slope::std_mean({*this, loc}, dims, {.correction = correction, .keepdim = keepdim});
}
Tensor Tensor::std(const Dims& dims, double correction, bool keepdim, SourceLoc loc) const {
  return slope::std({*this, loc}, dims, {correction, keepdim});
}
Tensor Tensor::norm(double p, const Dims& dims, bool keepdim, SourceLoc loc) const {
  return slope::norm({*this, loc}, p, dims, keepdim);
}

}  // namespace slope
