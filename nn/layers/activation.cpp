#include "slope/nn/layers/activation.h"

#include "slope/autograd/ops/elementwise.h"
#include "slope/autograd/ops/softmax.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/random.h"

namespace slope::nn {

Tensor ReLU::forward(const Tensor& x) { return relu(x); }
Tensor ReLU6::forward(const Tensor& x) { return relu6(x); }
Tensor SELU::forward(const Tensor& x) { return selu(x); }
Tensor SiLU::forward(const Tensor& x) { return silu(x); }
Tensor Mish::forward(const Tensor& x) { return mish(x); }
Tensor Sigmoid::forward(const Tensor& x) { return sigmoid(x); }
Tensor LogSigmoid::forward(const Tensor& x) { return logsigmoid(x); }
Tensor Tanh::forward(const Tensor& x) { return tanh(x); }
Tensor Hardsigmoid::forward(const Tensor& x) { return hardsigmoid(x); }
Tensor Hardswish::forward(const Tensor& x) { return hardswish(x); }
Tensor Softsign::forward(const Tensor& x) { return softsign(x); }
Tensor Tanhshrink::forward(const Tensor& x) { return tanhshrink(x); }

Tensor LeakyReLU::forward(const Tensor& x) { return leaky_relu(x, value_); }
std::string LeakyReLU::extra_repr() const { return concat("negative_slope=", value_); }
Tensor ELU::forward(const Tensor& x) { return elu(x, value_); }
std::string ELU::extra_repr() const { return concat("alpha=", value_); }
Tensor CELU::forward(const Tensor& x) { return celu(x, value_); }
std::string CELU::extra_repr() const { return concat("alpha=", value_); }
Tensor Softshrink::forward(const Tensor& x) { return softshrink(x, value_); }
std::string Softshrink::extra_repr() const { return slope::to_text(value_); }
Tensor Hardshrink::forward(const Tensor& x) { return hardshrink(x, value_); }
std::string Hardshrink::extra_repr() const { return slope::to_text(value_); }

Tensor Softmax::forward(const Tensor& x) { return softmax(x, dim_); }
std::string Softmax::extra_repr() const { return concat("dim=", dim_); }
Tensor LogSoftmax::forward(const Tensor& x) { return log_softmax(x, dim_); }
std::string LogSoftmax::extra_repr() const { return concat("dim=", dim_); }
Tensor Softmin::forward(const Tensor& x) { return softmin(x, dim_); }
std::string Softmin::extra_repr() const { return concat("dim=", dim_); }

Tensor GLU::forward(const Tensor& x) { return glu(x, dim_); }
Tensor Hardtanh::forward(const Tensor& x) { return hardtanh(x, options_.min_val, options_.max_val); }
Tensor GELU::forward(const Tensor& x) { return gelu(x, options_.approximate); }
Tensor Softplus::forward(const Tensor& x) { return softplus(x, options_.beta, options_.threshold); }
Tensor Threshold::forward(const Tensor& x) { return threshold(x, threshold_, value_); }

PReLU::PReLU(PReLUOptions options, SourceLoc loc)
    : weight(parameter("weight", full({options.num_parameters}, options.init, {.dtype = default_dtype()}), loc)) {}
Tensor PReLU::forward(const Tensor& x) { return prelu(x, weight); }

RReLU::RReLU(RReLUOptions options, SourceLoc loc) : options_(options) {
  if (!(options.lower <= options.upper))
    throw ValueError(concat("RReLU: lower ", options.lower, " must not exceed upper ", options.upper), loc);
}

Tensor RReLU::forward(const Tensor& x) {
  if (!is_training()) return leaky_relu(x, (options_.lower + options_.upper) / 2);
  const Tensor slopes = lerp(options_.lower, options_.upper, rand_like(x.detach()));
  return where(x > 0.0, x, slopes * x);
}

}  // namespace slope::nn
