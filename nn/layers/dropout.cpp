#include "slope/nn/layers/dropout.h"

#include <cmath>

#include "slope/autograd/ops/elementwise.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/random.h"

namespace slope::nn::functional {

namespace {

void check_probability(const char* op, In x, double p) {
  if (!(p >= 0 && p <= 1))
    throw ValueError(concat(op, ": dropout probability has to be between 0 and 1, but got ", p), x.loc);
  if (!x->is_floating_point())
    throw DTypeError(concat(op, ": takes a floating point tensor, got ", dtype_name(x->dtype())), x.loc);
}

/// True with probability 1 - p, of the given shape.
Tensor keep_mask(const Shape& shape, double p) {
  Tensor mask = make_empty(shape, DType::boolean);
  fill_bernoulli(static_cast<bool*>(mask.raw_data()), mask.numel(), 1 - p);
  return mask;
}

}  // namespace

Tensor dropout(In x, double p, bool training) {
  check_probability("dropout", x, p);
  if (!training || p == 0) return x.tensor;
  if (p == 1) return where(zeros(x->shape(), {.dtype = DType::boolean}), x, 0);
  return where(keep_mask(x->shape(), p), mul(x, 1 / (1 - p)), 0);
}

Tensor feature_dropout(In x, double p, bool training) {
  check_probability("feature_dropout", x, p);
  if (x->dim() < 2)
    throw ShapeError(concat("feature_dropout: needs at least 2 dimensions (N, C, ...), got ", to_text(x->shape())), x.loc);
  if (!training || p == 0) return x.tensor;
  Shape shape = x->shape();
  for (int d = 2; d < shape.size(); ++d) shape[d] = 1;
  if (p == 1) return where(zeros(shape, {.dtype = DType::boolean}), x, 0);
  return where(keep_mask(shape, p), mul(x, 1 / (1 - p)), 0);
}

Tensor alpha_dropout(In x, double p, bool training) {
  check_probability("alpha_dropout", x, p);
  if (!training || p == 0) return x.tensor;
  constexpr double negative_limit = -1.7580993408473766;  // -λα of SELU
  if (p == 1) return where(zeros(x->shape(), {.dtype = DType::boolean}), x, 0);
  const double a = 1 / std::sqrt((1 - p) * (1 + p * negative_limit * negative_limit)), b = -a * negative_limit * p;
  return where(keep_mask(x->shape(), p), mul(x, a), a * negative_limit) + b;
}

}  // namespace slope::nn::functional
