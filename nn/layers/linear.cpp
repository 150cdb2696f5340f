#include "slope/nn/layers/linear.h"

#include "slope/autograd/ops/linalg/matmul.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/nn/layers/internal/describe.h"
#include "slope/nn/layers/internal/fresh_parameter.h"

namespace slope::nn {

using detail::saturated_product;
using detail::uniform_parameter;

Linear::Linear(std::int64_t in_features, std::int64_t out_features, LinearOptions options, SourceLoc loc)
    : in_features_(in_features), out_features_(out_features) {
  const CallerScope caller(loc);
  if (in_features < 0 || out_features < 0)
    throw ValueError(
        concat("Linear: in_features and out_features must not be negative, got ", in_features, " and ", out_features),
        loc);
  weight = parameter("weight", uniform_parameter({out_features, in_features}, in_features), loc);
  if (options.bias) bias = parameter("bias", uniform_parameter({out_features}, in_features), loc);
}

Tensor Linear::forward(const Tensor& x) { return linear(x, weight, bias); }

std::string Linear::extra_repr() const {
  return concat("in_features=", in_features_, ", out_features=", out_features_,
                ", bias=", detail::truth(bias.defined()));
}

std::int64_t Linear::macs(const Shape& output_shape) const { return saturated_product(output_shape, in_features_); }

Bilinear::Bilinear(std::int64_t in1_features, std::int64_t in2_features, std::int64_t out_features,
                   LinearOptions options, SourceLoc loc) {
  const CallerScope caller(loc);
  if (in1_features <= 0) throw ValueError(concat("Bilinear: in1_features must be > 0, but got ", in1_features), loc);
  if (in2_features < 0 || out_features < 0)
    throw ValueError(concat("Bilinear: in2_features and out_features must not be negative, got ", in2_features, " and ",
                            out_features),
                     loc);
  weight = parameter("weight", uniform_parameter({out_features, in1_features, in2_features}, in1_features), loc);
  if (options.bias) bias = parameter("bias", uniform_parameter({out_features}, in1_features), loc);
}

Tensor Bilinear::forward(const Tensor& x1, const Tensor& x2) { return functional::bilinear(x1, x2, weight, bias); }

std::string Bilinear::extra_repr() const {
  const Shape& s = weight.shape();
  return concat("in1_features=", s[1], ", in2_features=", s[2], ", out_features=", s[0],
                ", bias=", detail::truth(bias.defined()));
}

std::int64_t Bilinear::macs(const Shape& output_shape) const {
  const Shape& s = weight.shape();
  return saturated_product(output_shape, saturated_product({s[1], s[2]}, 1));
}

Tensor Flatten::forward(const Tensor& x) { return flatten(x, options_.start_dim, options_.end_dim); }
std::string Flatten::extra_repr() const {
  return concat("start_dim=", options_.start_dim, ", end_dim=", options_.end_dim);
}

Tensor Unflatten::forward(const Tensor& x) { return unflatten(x, dim_, sizes_); }
std::string Unflatten::extra_repr() const { return concat("dim=", dim_, ", unflattened_size=", detail::tuple(sizes_)); }

namespace functional {

Tensor bilinear(In x1, const Tensor& x2, const Tensor& weight, const Tensor& bias) {
  if (!x1.tensor.defined() || !x2.defined() || !weight.defined())
    throw ValueError("bilinear: an argument is an undefined tensor", x1.loc);
  const auto fail = [&](const std::string& what) {
    throw ShapeError(concat("bilinear: ", what, "; got inputs of shapes ", x1->shape(), " and ", x2.shape(),
                            " and a weight of ", weight.shape()),
                     x1.loc);
  };
  if (weight.dim() != 3) fail("the weight has three dimensions (out, in1, in2)");
  if (x1->dim() == 0 || x1->dim() != x2.dim()) fail("input dimensions do not match");
  Shape out_shape = x1->shape();
  for (int d = 0; d + 1 < x1->dim(); ++d)
    if (x1->shape()[d] != x2.shape()[d]) fail("input batch dimensions do not match");
  if (x1->shape().back() != weight.shape()[1]) fail("input1 size does not match weight size");
  if (x2.shape().back() != weight.shape()[2]) fail("input2 size does not match weight size");
  out_shape[out_shape.size() - 1] = weight.shape()[0];
  if (bias.defined() && (bias.dim() != 1 || bias.shape()[0] != weight.shape()[0]))
    fail("bias size does not match weight size");

  std::int64_t rows = 1;
  for (int d = 0; d + 1 < x1->dim(); ++d) rows *= x1->shape()[d];
  const Tensor a = reshape(x1, {rows, weight.shape()[1]}), b = reshape({x2, x1.loc}, {rows, weight.shape()[2]});
  const Tensor y = reshape({einsum("bi,oij,bj->bo", {a, weight, b}, x1.loc), x1.loc}, out_shape);
  return bias.defined() ? Operand(y, x1.loc) + bias : y;
}

}  // namespace functional

}  // namespace slope::nn
