#include "slope/nn/init.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "slope/autograd/core/parallel.h"
#include "slope/autograd/core/random.h"
#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/kernels/loops/iterate.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/pointwise/inplace.h"
#include "slope/autograd/tensor/factory.h"

namespace slope::nn::init {

namespace {

/// Values computed in double in row-major order, written into any layout.
TensorAlias write(const Tensor& t, const std::vector<double>& values, SourceLoc loc) {
  NoGradGuard no_grad;
  return t.copy_(tensor(values, {.dtype = DType::float64}).view(t.shape()), loc);
}

std::vector<double> normals(std::int64_t n, double mean, double std, Generator& gen) {
  std::vector<double> v(static_cast<std::size_t>(n));
  fill_normal(v.data(), n, mean, std, gen);
  return v;
}

double kaiming_scale(const Tensor& t, const KaimingOptions& o, SourceLoc loc) {
  const Fans f = fans(t, loc);
  const std::int64_t fan = o.mode == FanMode::fan_in ? f.in : f.out;
  return fan == 0 ? 0 : calculate_gain(o.nonlinearity, o.a, loc) / std::sqrt(static_cast<double>(fan));
}

double xavier_scale(const Tensor& t, double gain, SourceLoc loc) {
  const Fans f = fans(t, loc);
  return f.in + f.out == 0 ? 0 : gain * std::sqrt(2.0 / static_cast<double>(f.in + f.out));
}

/// Before anything is drawn, for a call that throws leaves the generator where it was.
void require_writable(const char* op, const Tensor& t, SourceLoc loc) {
  NoGradGuard no_grad;
  slope::detail::check_in_place(t, op, loc);
}

void require_matrix(const char* op, const Tensor& t, SourceLoc loc) {
  if (t.dim() != 2)
    throw ShapeError(concat(op, ": Only tensors with 2 dimensions are supported, got ", to_text(t.shape())), loc);
}

}  // namespace

Fans fans(const Tensor& t, SourceLoc loc) {
  const CallerScope caller(loc);
  if (t.dim() < 2)
    throw ShapeError(
        concat("init: Fan in and fan out can not be computed for tensor with fewer than 2 dimensions, got ",
               to_text(t.shape())),
        loc);
  std::int64_t kernel = 1;
  for (int d = 2; d < t.dim(); ++d) kernel *= t.size(d);
  return {t.size(1) * kernel, t.size(0) * kernel};
}

double calculate_gain(std::string_view nonlinearity, double param, SourceLoc loc) {
  const CallerScope caller(loc);
  for (const char* linear :
       {"linear", "sigmoid", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"})
    if (nonlinearity == linear) return 1;
  if (nonlinearity == "tanh") return 5.0 / 3;
  if (nonlinearity == "relu") return std::sqrt(2.0);
  if (nonlinearity == "leaky_relu") return std::sqrt(2.0 / (1 + param * param));
  if (nonlinearity == "selu") return 0.75;
  throw ValueError(
      concat("init: Unsupported nonlinearity ", nonlinearity,
             "; there are linear, conv1d to conv3d, conv_transpose1d to conv_transpose3d, sigmoid, tanh, relu, "
             "leaky_relu and selu"),
      loc);
}

TensorAlias uniform_(const Tensor& t, double a, double b, Generator& gen, SourceLoc loc) {
  const CallerScope caller(loc);
  NoGradGuard no_grad;
  return t.uniform_(a, b, gen, loc);
}
TensorAlias normal_(const Tensor& t, double mean, double std, Generator& gen, SourceLoc loc) {
  const CallerScope caller(loc);
  NoGradGuard no_grad;
  return t.normal_(mean, std, gen, loc);
}
TensorAlias constant_(const Tensor& t, double value, SourceLoc loc) {
  const CallerScope caller(loc);
  NoGradGuard no_grad;
  return t.fill_(value, loc);
}
TensorAlias zeros_(const Tensor& t, SourceLoc loc) { return constant_(t, 0, loc); }
TensorAlias ones_(const Tensor& t, SourceLoc loc) { return constant_(t, 1, loc); }

namespace {

/// P(Z <= z) of a standard normal Z, also where it is tiny.
double normal_cdf(double z) { return 0.5 * std::erfc(-z * 0.70710678118654752440); }

/// The z with normal_cdf(z) = p, by Newton's method for log P, which is concave: steps that start left of the solution never
/// overshoot.
double normal_quantile(double p) {
  if (p > 0.5) return -normal_quantile(1 - p);
  double z = -std::sqrt(-2 * std::log(p));  // left, as P(Z <= z) <= e^(-z²/2) / 2
  const double target = std::log(p);
  for (int i = 0; i < 12; ++i) {
    const double cdf = normal_cdf(z), density = 0.39894228040143267794 * std::exp(-0.5 * z * z);
    const double step = (target - std::log(cdf)) * cdf / density;
    z += step;
    if (std::abs(step) <= 1e-9 * (1 + std::abs(z))) break;
  }
  return z;
}

}  // namespace

TensorAlias trunc_normal_(const Tensor& t, double mean, double std, double a, double b, Generator& gen, SourceLoc loc) {
  const CallerScope caller(loc);
  if (!(std > 0)) throw ValueError(concat("trunc_normal_: std must be positive, got ", std), loc);
  if (!(a < b)) throw ValueError(concat("trunc_normal_: the bounds must satisfy a < b, got ", a, " and ", b), loc);
  // Where both bounds are above the mean the mirror image is drawn: probabilities near 0 have digits, those near 1 have not.
  const bool mirrored = a > mean;
  const double left = (mirrored ? mean - b : a - mean) / std, right = (mirrored ? mean - a : b - mean) / std;
  const double low = normal_cdf(left), high = normal_cdf(right);
  if (!(low < high))
    throw ValueError(concat("trunc_normal_: [", a, ", ", b, "] holds no number of N(", mean, ", ", std, "²)"), loc);
  require_writable("trunc_normal_", t, loc);
  std::vector<double> v(static_cast<std::size_t>(t.numel()));
  fill_uniform(v.data(), t.numel(), 0.0, 1.0, gen);
  parallel_for(t.numel(), 1024, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      double& x = v[static_cast<std::size_t>(i)];
      const double z = std::clamp(normal_quantile(low + std::max(x, 0x1p-54) * (high - low)), left, right);
      x = std::clamp(mirrored ? mean - std * z : mean + std * z, a, b);
    }
  });
  return write(t, v, loc);
}

TensorAlias eye_(const Tensor& t, SourceLoc loc) {
  const CallerScope caller(loc);
  require_matrix("eye_", t, loc);
  std::vector<double> v(static_cast<std::size_t>(t.numel()));
  const std::int64_t columns = t.size(1);
  for (std::int64_t i = 0; i < std::min(t.size(0), columns); ++i) v[static_cast<std::size_t>(i * columns + i)] = 1;
  return write(t, v, loc);
}

TensorAlias dirac_(const Tensor& t, std::int64_t groups, SourceLoc loc) {
  const CallerScope caller(loc);
  if (t.dim() < 3 || t.dim() > 5)
    throw ShapeError(concat("dirac_: Only tensors with 3, 4, or 5 dimensions are supported, got ", t.shape()), loc);
  if (groups <= 0 || t.size(0) % groups)
    throw ValueError(concat("dirac_: dim 0 must be divisible by groups, got ", t.size(0), " and ", groups), loc);
  std::int64_t kernel = 1, middle = 0;
  for (int d = 2; d < t.dim(); ++d) {
    kernel *= t.size(d);
    middle = middle * t.size(d) + t.size(d) / 2;
  }
  const std::int64_t out = t.size(0) / groups, in = t.size(1);
  std::vector<double> v(static_cast<std::size_t>(t.numel()));
  for (std::int64_t g = 0; g < groups && kernel > 0; ++g)
    for (std::int64_t i = 0; i < std::min(out, in); ++i)
      v[static_cast<std::size_t>(((g * out + i) * in + i) * kernel + middle)] = 1;
  return write(t, v, loc);
}

TensorAlias xavier_uniform_(const Tensor& t, double gain, Generator& gen, SourceLoc loc) {
  const CallerScope caller(loc);
  const double bound = std::sqrt(3.0) * xavier_scale(t, gain, loc);
  return bound == 0 ? t : uniform_(t, -bound, bound, gen, loc);
}
TensorAlias xavier_normal_(const Tensor& t, double gain, Generator& gen, SourceLoc loc) {
  const CallerScope caller(loc);
  const double std = xavier_scale(t, gain, loc);
  return std == 0 ? t : normal_(t, 0, std, gen, loc);
}
TensorAlias kaiming_uniform_(const Tensor& t, const KaimingOptions& options, Generator& gen, SourceLoc loc) {
  const CallerScope caller(loc);
  const double bound = std::sqrt(3.0) * kaiming_scale(t, options, loc);
  return bound == 0 ? t : uniform_(t, -bound, bound, gen, loc);
}
TensorAlias kaiming_normal_(const Tensor& t, const KaimingOptions& options, Generator& gen, SourceLoc loc) {
  const CallerScope caller(loc);
  const double std = kaiming_scale(t, options, loc);
  return std == 0 ? t : normal_(t, 0, std, gen, loc);
}

namespace {
/// Four running sums, so that one addition does not wait for the one before.
double inner_product(const double* a, const double* b, std::size_t n) {
  double sums[4] = {};
  std::size_t i = 0;
  for (; i + 4 <= n; i += 4)
    for (std::size_t k = 0; k < 4; ++k) sums[k] += a[i + k] * b[i + k];
  for (; i < n; ++i) sums[0] += a[i] * b[i];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}
}  // namespace

TensorAlias orthogonal_(const Tensor& t, double gain, Generator& gen, SourceLoc loc) {
  const CallerScope caller(loc);
  if (t.dim() < 2)
    throw ShapeError(
        concat("orthogonal_: Only tensors with 2 or more dimensions are supported, got ", to_text(t.shape())), loc);
  if (t.numel() == 0) return t;
  require_writable("orthogonal_", t, loc);
  const std::int64_t rows = t.size(0), columns = t.numel() / rows;
  const bool wide = rows < columns;
  const auto m = static_cast<std::size_t>(wide ? columns : rows), n = static_cast<std::size_t>(wide ? rows : columns);
  // Gram-Schmidt with a second pass, which is as orthogonal as Householder; R's diagonal is positive, so no sign is
  // left open.
  std::vector<double> a = normals(rows * columns, 0, 1, gen);  // n vectors of m numbers
  for (std::size_t j = 0; j < n; ++j) {
    double* v = a.data() + j * m;
    for (int pass = 0; pass < 2; ++pass)
      for (std::size_t k = 0; k < j; ++k) {
        const double* u = a.data() + k * m;
        const double dot = inner_product(u, v, m);
        for (std::size_t i = 0; i < m; ++i) v[i] -= dot * u[i];
      }
    const double norm = std::sqrt(inner_product(v, v, m));
    for (std::size_t i = 0; i < m; ++i) v[i] /= norm;
  }
  std::vector<double> out(a.size());
  for (std::size_t j = 0; j < n; ++j)
    for (std::size_t i = 0; i < m; ++i) out[wide ? j * m + i : i * n + j] = gain * a[j * m + i];
  return write(t, out, loc);
}

TensorAlias sparse_(const Tensor& t, double sparsity, double std, Generator& gen, SourceLoc loc) {
  const CallerScope caller(loc);
  require_matrix("sparse_", t, loc);
  if (!(sparsity >= 0 && sparsity <= 1))
    throw ValueError(concat("sparse_: sparsity must be between 0 and 1, got ", sparsity), loc);
  if (t.numel() == 0) return t;
  require_writable("sparse_", t, loc);
  const std::int64_t rows = t.size(0), columns = t.size(1);
  const auto zeros_per_column = static_cast<std::int64_t>(std::ceil(sparsity * static_cast<double>(rows)));
  std::vector<double> v = normals(t.numel(), 0, std, gen);
  std::vector<std::int64_t> order(static_cast<std::size_t>(rows));
  for (std::int64_t c = 0; c < columns; ++c) {
    fill_randperm(order.data(), rows, gen);
    for (std::int64_t k = 0; k < std::min(zeros_per_column, rows); ++k)
      v[static_cast<std::size_t>(order[static_cast<std::size_t>(k)] * columns + c)] = 0;
  }
  return write(t, v, loc);
}

}  // namespace slope::nn::init
