#include "slope/nn/init.h"

#include <cmath>
#include <vector>

#include "slope/autograd/core/random.h"
#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/kernels/iterate.h"
#include "slope/autograd/ops/elementwise.h"
#include "slope/autograd/ops/inplace.h"
#include "slope/autograd/tensor/factory.h"

namespace slope::nn::init {

namespace {

/// Values computed in double in row-major order, written into any layout.
const Tensor& write(const Tensor& t, const std::vector<double>& values) {
  NoGradGuard no_grad;
  return t.copy_(tensor(values, {.dtype = DType::float64}).view(t.shape()));
}

std::vector<double> normals(std::int64_t n, double mean, double std) {
  std::vector<double> v(static_cast<std::size_t>(n));
  fill_normal(v.data(), n, mean, std);
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

void require_matrix(const char* op, const Tensor& t, SourceLoc loc) {
  if (t.dim() != 2) throw ShapeError(concat(op, ": Only tensors with 2 dimensions are supported, got ", to_text(t.shape())), loc);
}

}  // namespace

Fans fans(const Tensor& t, SourceLoc loc) {
  if (t.dim() < 2)
    throw ShapeError(concat("init: Fan in and fan out can not be computed for tensor with fewer than 2 dimensions, got ",
                            to_text(t.shape())),
                     loc);
  std::int64_t kernel = 1;
  for (int d = 2; d < t.dim(); ++d) kernel *= t.size(d);
  return {t.size(1) * kernel, t.size(0) * kernel};
}

double calculate_gain(std::string_view nonlinearity, double param, SourceLoc loc) {
  if (nonlinearity == "linear" || nonlinearity == "sigmoid" || nonlinearity.starts_with("conv")) return 1;
  if (nonlinearity == "tanh") return 5.0 / 3;
  if (nonlinearity == "relu") return std::sqrt(2.0);
  if (nonlinearity == "leaky_relu") return std::sqrt(2.0 / (1 + param * param));
  if (nonlinearity == "selu") return 0.75;
  throw ValueError(concat("init: Unsupported nonlinearity ", nonlinearity), loc);
}

const Tensor& uniform_(const Tensor& t, double a, double b) {
  NoGradGuard no_grad;
  return t.uniform_(a, b);
}
const Tensor& normal_(const Tensor& t, double mean, double std) {
  NoGradGuard no_grad;
  return t.normal_(mean, std);
}
const Tensor& constant_(const Tensor& t, double value) {
  NoGradGuard no_grad;
  return t.fill_(value);
}
const Tensor& zeros_(const Tensor& t) { return constant_(t, 0); }
const Tensor& ones_(const Tensor& t) { return constant_(t, 1); }

const Tensor& trunc_normal_(const Tensor& t, double mean, double std, double a, double b) {
  // By the inverse of the distribution function, bisected: bounded work for bounds of any tail.
  auto cdf = [&](double x) { return 0.5 * std::erfc(-(x - mean) / (std * std::sqrt(2.0))); };
  const double low = cdf(a), high = cdf(b);
  std::vector<double> v(static_cast<std::size_t>(t.numel()));
  fill_uniform(v.data(), t.numel(), 0.0, 1.0);
  for (double& u : v) {
    const double p = low + u * (high - low);
    double left = a, right = b;
    for (int i = 0; i < 60; ++i) {
      const double mid = 0.5 * (left + right);
      (cdf(mid) < p ? left : right) = mid;
    }
    u = 0.5 * (left + right);
  }
  return write(t, v);
}

const Tensor& eye_(const Tensor& t, SourceLoc loc) {
  require_matrix("eye_", t, loc);
  std::vector<double> v(static_cast<std::size_t>(t.numel()));
  const std::int64_t columns = t.size(1);
  for (std::int64_t i = 0; i < std::min(t.size(0), columns); ++i) v[static_cast<std::size_t>(i * columns + i)] = 1;
  return write(t, v);
}

const Tensor& xavier_uniform_(const Tensor& t, double gain, SourceLoc loc) {
  const double bound = std::sqrt(3.0) * xavier_scale(t, gain, loc);
  return uniform_(t, -bound, bound);
}
const Tensor& xavier_normal_(const Tensor& t, double gain, SourceLoc loc) { return normal_(t, 0, xavier_scale(t, gain, loc)); }
const Tensor& kaiming_uniform_(const Tensor& t, const KaimingOptions& options, SourceLoc loc) {
  const double bound = std::sqrt(3.0) * kaiming_scale(t, options, loc);
  return uniform_(t, -bound, bound);
}
const Tensor& kaiming_normal_(const Tensor& t, const KaimingOptions& options, SourceLoc loc) {
  return normal_(t, 0, kaiming_scale(t, options, loc));
}

const Tensor& orthogonal_(const Tensor& t, double gain, SourceLoc loc) {
  if (t.dim() < 2)
    throw ShapeError(concat("orthogonal_: Only tensors with 2 or more dimensions are supported, got ", to_text(t.shape())), loc);
  if (t.numel() == 0) return t;
  const std::int64_t rows = t.size(0), columns = t.numel() / rows;
  const bool wide = rows < columns;
  const auto m = static_cast<std::size_t>(wide ? columns : rows), n = static_cast<std::size_t>(wide ? rows : columns);
  // Gram-Schmidt with a second pass, which is as orthogonal as Householder; R's diagonal is positive, so no sign is left open.
  std::vector<double> a = normals(rows * columns, 0, 1);  // n vectors of m numbers
  for (std::size_t j = 0; j < n; ++j) {
    double* v = a.data() + j * m;
    for (int pass = 0; pass < 2; ++pass)
      for (std::size_t k = 0; k < j; ++k) {
        const double* u = a.data() + k * m;
        double dot = 0;
        for (std::size_t i = 0; i < m; ++i) dot += u[i] * v[i];
        for (std::size_t i = 0; i < m; ++i) v[i] -= dot * u[i];
      }
    double norm = 0;
    for (std::size_t i = 0; i < m; ++i) norm += v[i] * v[i];
    norm = std::sqrt(norm);
    for (std::size_t i = 0; i < m; ++i) v[i] /= norm;
  }
  std::vector<double> out(a.size());
  for (std::size_t j = 0; j < n; ++j)
    for (std::size_t i = 0; i < m; ++i) out[wide ? j * m + i : i * n + j] = gain * a[j * m + i];
  return write(t, out);
}

const Tensor& sparse_(const Tensor& t, double sparsity, double std, SourceLoc loc) {
  require_matrix("sparse_", t, loc);
  const std::int64_t rows = t.size(0), columns = t.size(1);
  const auto zeros_per_column = static_cast<std::int64_t>(std::ceil(sparsity * static_cast<double>(rows)));
  std::vector<double> v = normals(t.numel(), 0, std);
  std::vector<std::int64_t> order(static_cast<std::size_t>(rows));
  for (std::int64_t c = 0; c < columns; ++c) {
    fill_randperm(order.data(), rows);
    for (std::int64_t k = 0; k < std::min(zeros_per_column, rows); ++k)
      v[static_cast<std::size_t>(order[static_cast<std::size_t>(k)] * columns + c)] = 0;
  }
  return write(t, v);
}

}  // namespace slope::nn::init
