#include "slope/nn/layers/linear.h"

#include <cmath>

#include "slope/autograd/ops/matmul.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/nn/init.h"

namespace slope::nn {

namespace {
// kaiming_uniform_ with a = √5 is this bound; biases use it, too.
Tensor uniform_parameter(const Shape& shape, std::int64_t fan_in) {
  Tensor t = make_empty(shape, default_dtype());
  const double bound = fan_in > 0 ? 1 / std::sqrt(static_cast<double>(fan_in)) : 0;
  init::uniform_(t, -bound, bound);
  return t;
}
}  // namespace

Linear::Linear(std::int64_t in_features, std::int64_t out_features, LinearOptions options, SourceLoc loc)
    : in_features_(in_features), out_features_(out_features) {
  if (in_features < 0 || out_features < 0)
    throw ValueError(concat("Linear: in_features and out_features must not be negative, got ", in_features, " and ",
                            out_features),
                     loc);
  weight = parameter("weight", uniform_parameter({out_features, in_features}, in_features), loc);
  if (options.bias) bias = parameter("bias", uniform_parameter({out_features}, in_features), loc);
}

Tensor Linear::forward(const Tensor& x) { return linear(x, weight, bias); }

std::string Linear::extra_repr() const {
  return concat("in_features=", in_features_, ", out_features=", out_features_, ", bias=", bias.defined() ? "True" : "False");
}

std::int64_t Linear::macs(const Shape& output_shape) const {
  std::int64_t n = in_features_;
  for (std::int64_t s : output_shape) n *= s;
  return n;
}

std::string Flatten::extra_repr() const {
  return concat("start_dim=", options_.start_dim, ", end_dim=", options_.end_dim);
}

}  // namespace slope::nn
