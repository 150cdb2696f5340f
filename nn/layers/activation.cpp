#include "slope/nn/layers/activation.h"

#include "slope/autograd/core/random.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/autograd/ops/reduce/softmax.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/nn/layers/internal/describe.h"

namespace slope::nn {

using detail::number;

namespace {

void require(bool ok, const std::string& message, SourceLoc loc) {
  if (!ok) throw ValueError(message, loc);
}

void check_slopes(double lower, double upper, SourceLoc loc) {
  require(lower <= upper,
          concat("rrelu: Lower bound should be less than or equal to the upper bound, got ", lower, " and ", upper),
          loc);
}

}  // namespace

Tensor LeakyReLU::forward(const Tensor& x) { return leaky_relu(x, options_.negative_slope); }
std::string LeakyReLU::extra_repr() const { return "negative_slope=" + number(options_.negative_slope); }

Tensor ELU::forward(const Tensor& x) { return elu(x, options_.alpha); }
std::string ELU::extra_repr() const { return "alpha=" + number(options_.alpha); }

CELU::CELU(CELUOptions options, SourceLoc loc) : options_(options) {
  require(options.alpha != 0, "CELU: alpha cannot be 0", loc);
}
Tensor CELU::forward(const Tensor& x) { return celu(x, options_.alpha); }
std::string CELU::extra_repr() const { return "alpha=" + number(options_.alpha); }

Hardtanh::Hardtanh(HardtanhOptions options, SourceLoc loc) : options_(options) {
  require(options.min_val <= options.max_val,
          concat("Hardtanh: min_val ", options.min_val, " cannot be greater than max_val ", options.max_val), loc);
}
Tensor Hardtanh::forward(const Tensor& x) { return hardtanh(x, options_.min_val, options_.max_val); }
std::string Hardtanh::extra_repr() const {
  return "min_val=" + number(options_.min_val) + ", max_val=" + number(options_.max_val);
}

GELU::GELU(std::string_view approximate, SourceLoc loc)
    : options_{approximate == "tanh" ? GeluApproximation::tanh : GeluApproximation::none} {
  require(approximate == "tanh" || approximate == "none",
          concat("GELU: approximate argument must be either none or tanh, got ", approximate), loc);
}
Tensor GELU::forward(const Tensor& x) { return gelu(x, options_.approximate); }
std::string GELU::extra_repr() const {
  return options_.approximate == GeluApproximation::tanh ? "approximate='tanh'" : "approximate='none'";
}

Softplus::Softplus(SoftplusOptions options, SourceLoc loc) : options_(options) {
  require(options.beta != 0, "Softplus: beta cannot be 0", loc);
}
Tensor Softplus::forward(const Tensor& x) { return softplus(x, options_.beta, options_.threshold); }
std::string Softplus::extra_repr() const {
  return "beta=" + number(options_.beta) + ", threshold=" + number(options_.threshold);
}

Softshrink::Softshrink(SoftshrinkOptions options, SourceLoc loc) : options_(options) {
  require(options.lambda >= 0,
          concat("Softshrink: lambda must be greater or equal to 0, but found to be ", options.lambda), loc);
}
Tensor Softshrink::forward(const Tensor& x) { return softshrink(x, options_.lambda); }
std::string Softshrink::extra_repr() const { return number(options_.lambda); }

Tensor Hardshrink::forward(const Tensor& x) { return hardshrink(x, options_.lambda); }
std::string Hardshrink::extra_repr() const { return number(options_.lambda); }

Tensor Threshold::forward(const Tensor& x) { return threshold(x, options_.threshold, options_.value); }
std::string Threshold::extra_repr() const {
  return "threshold=" + number(options_.threshold) + ", value=" + number(options_.value);
}

Tensor Softmax::forward(const Tensor& x) { return softmax(x, dim_); }
Tensor LogSoftmax::forward(const Tensor& x) { return log_softmax(x, dim_); }
Tensor Softmin::forward(const Tensor& x) { return softmin(x, dim_); }
Tensor Softmax2d::forward(const Tensor& x) {
  slope::detail::require_defined("Softmax2d", x);
  if (x.dim() != 3 && x.dim() != 4)
    throw ShapeError(
        concat("Softmax2d: expected input to be 3D or 4D (got ", x.dim(), "D), a tensor of shape ", x.shape()),
        SourceLoc::here());
  return softmax(x, -3);
}
Tensor GLU::forward(const Tensor& x) { return glu(x, dim_); }

PReLU::PReLU(PReLUOptions options, SourceLoc loc) {
  const CallerScope caller(loc);
  require(options.num_parameters > 0, concat("PReLU: num_parameters must be positive, got ", options.num_parameters),
          loc);
  weight = parameter("weight", full({options.num_parameters}, options.init, {.dtype = default_dtype()}), loc);
}
Tensor PReLU::forward(const Tensor& x) { return prelu(x, weight); }
std::string PReLU::extra_repr() const { return concat("num_parameters=", weight.numel()); }

RReLU::RReLU(RReLUOptions options, SourceLoc loc) : options_(options) {
  check_slopes(options.lower, options.upper, loc);
}
Tensor RReLU::forward(const Tensor& x) { return functional::rrelu(x, options_.lower, options_.upper, is_training()); }
std::string RReLU::extra_repr() const {
  return "lower=" + number(options_.lower) + ", upper=" + number(options_.upper);
}

namespace functional {

Tensor rrelu(In x, double lower, double upper, bool training) {
  const CallerScope caller(x.loc);
  slope::detail::require_defined("rrelu", x);
  check_slopes(lower, upper, x.loc);
  if (!training) return leaky_relu(x, (lower + upper) / 2);
  Tensor slopes = make_empty(x->shape(), x->is_floating_point() ? x->dtype() : default_dtype());
  visit_floating(slopes.dtype(), [&](auto tag) {
    fill_uniform(slopes.impl().ptr<typename decltype(tag)::type>(), slopes.numel(), lower, upper);
  });
  return where({gt(x, 0), x.loc}, x, mul({slopes, x.loc}, x));
}

}  // namespace functional

}  // namespace slope::nn
