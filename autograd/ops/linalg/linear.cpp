// The fully connected layer's operation.
#include "slope/autograd/engine/op.h"
#include "slope/autograd/kernels/gemm/gemm.h"
#include "slope/autograd/kernels/loops/iterate.h"
#include "slope/autograd/ops/linalg/matmul.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"

namespace slope {

namespace {

using std::int64_t;

/// All dimensions but the last, as one.
int64_t row_count(const Shape& s) {
  int64_t rows = 1;
  for (int d = 0; d + 1 < s.size(); ++d) rows *= s[d];
  return rows;
}

/// `t` as a matrix of its last dimension's rows.
Tensor as_matrix(const Tensor& t, SourceLoc loc) {
  return t.dim() == 2 ? t : reshape({t, loc}, {row_count(t.shape()), t.shape().back()});
}

Tensor multiply(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const int64_t rows = row_count(x.shape()), in = x.shape().back(), n = weight.shape()[0];
  Shape shape = x.shape();
  shape[shape.size() - 1] = n;
  Tensor out = make_empty(shape, x.dtype());
  if (out.numel() == 0) return out;
  Tensor copy;
  int64_t strides[] = {in, 1};
  if (x.dim() == 2) {
    strides[0] = x.strides()[0];
    strides[1] = x.strides()[1];
  } else if (in > 0) {
    if (const auto flat = detail::view_strides(x.shape(), x.strides(), {rows, in})) {
      strides[0] = (*flat)[0];
      strides[1] = (*flat)[1];
    } else {
      copy = dense_copy(x);
    }
  }
  const Tensor& from = copy.defined() ? copy : x;
  const Tensor dense_bias = bias.defined() && !bias.is_contiguous() ? dense_copy(bias) : bias;
  const auto run = [&](auto tag) {
    using T = typename decltype(tag)::type;
    const Shape& w = weight.strides();
    gemm_bias<T>(rows, n, in, {from.impl().ptr<T>(), strides[0], strides[1]}, {weight.impl().ptr<T>(), w[1], w[0]},
                 dense_bias.defined() ? dense_bias.impl().ptr<T>() : nullptr, out.impl().ptr<T>(), n);
  };
  if (x.dtype() == DType::int64)
    run(TypeTag<int64_t>{});
  else
    visit_floating(x.dtype(), run);
  return out;
}

/// The gradient of the bias.
Tensor sum_of_rows(const Tensor& g, SourceLoc loc) {
  constexpr int64_t small = 16384;
  if (grad_enabled() || g.numel() > small || !g.is_contiguous()) return g.sum(Shape{0}, false, loc);
  const int64_t columns = g.shape()[1];
  const Tensor out = make_empty({columns}, g.dtype());
  visit_floating(g.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    sum_columns<T>(g.shape()[0], columns, g.impl().ptr<T>(), columns, out.impl().ptr<T>());
  });
  return out;
}

struct Linear {
  static constexpr std::string_view name = "Linear";
  Shape x_shape{};
  struct Saved {
    SavedTensor x, weight;
  };
  Tensor forward(Saved& s, const Tensor& x, const Tensor& weight, const Tensor& bias) {
    if (weight.requires_grad()) s.x = save(x);
    if (x.requires_grad()) s.weight = save(weight);
    x_shape = x.shape();
    return multiply(x, weight, bias);
  }
  Grads<3> backward(const Saved& s, const Tensor& g) const {
    Grads<3> grads;
    const SourceLoc loc = detail::current_node->where();
    const Tensor rows = as_matrix(g, loc);
    if (needs_grad(0)) {
      const Tensor gx = detail::product(loc, rows, false, s.weight.get(), false);
      grads[0] = x_shape.size() == 2 ? gx : reshape({gx, loc}, x_shape);
    }
    if (needs_grad(1)) grads[1] = detail::product(loc, rows, true, as_matrix(s.x.get(), loc), false);
    if (needs_grad(2)) grads[2] = sum_of_rows(rows, loc);
    return grads;
  }
};

}  // namespace

Tensor linear(In x, const Tensor& weight, const Tensor& bias) {
  detail::require_defined("linear", {weight, x.loc});
  if (weight.dim() != 2)
    throw ShapeError(concat("linear: the weight must be a matrix [out, in], but has shape ", to_text(weight.shape())),
                     x.loc);
  if (x->dim() == 0)
    throw ShapeError("linear: the input must have at least one dimension, the features, but is a single number", x.loc);
  detail::check_product_dtypes("linear", x, weight, x.loc);
  if (x->shape().back() != weight.shape()[1])
    throw ShapeError(
        concat("linear: the input of shape ", to_text(x->shape()), " must have ", weight.shape()[1],
               " features in its last dimension, as the weight of shape ", to_text(weight.shape()), " takes"),
        x.loc);
  if (bias.defined() && (bias.dim() != 1 || bias.shape()[0] != weight.shape()[0]))
    throw ShapeError(concat("linear: the bias must have shape [", weight.shape()[0],
                            "], one number an output, but has shape ", to_text(bias.shape())),
                     x.loc);
  if (bias.defined() && bias.dtype() != x->dtype())
    throw DTypeError(
        concat("linear: the bias is ", dtype_name(bias.dtype()), " but the input is ", dtype_name(x->dtype())), x.loc);
  return apply(x.loc, Linear{}, x.tensor, weight, bias);
}

}  // namespace slope
