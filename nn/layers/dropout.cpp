#include "slope/nn/layers/dropout.h"

#include <cmath>

#include "slope/autograd/core/random.h"
#include "slope/autograd/engine/op.h"
#include "slope/autograd/kernels/loops/dropout.h"
#include "slope/autograd/kernels/loops/iterate.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/autograd/tensor/factory.h"

namespace slope::nn::functional {

namespace {

/// kept ? scale·x + shift : dropped. The derivative is the same operation without shift.
struct DropoutOp {
  static constexpr std::string_view name = "Dropout";
  DropoutMask mask;
  double scale = 1, shift = 0, dropped = 0;
  struct Saved {};

  Tensor forward(Saved&, const Tensor& x) {
    Tensor out = make_empty(x.shape(), x.dtype());
    const Tensor* from = &x;
    if (!x.is_contiguous()) {
      copy_kernel(out.impl(), x.impl());
      from = &out;
    }
    dropout_kernel(out.impl(), from->impl(), mask, scale, shift, dropped);
    return out;
  }
  Grads<1> backward(const Saved&, const Tensor& g) const {
    return {apply(slope::detail::current_node->where(), DropoutOp{mask, scale, 0, 0}, g)};
  }
};

/// Whether anything is dropped at all.
bool check(const char* op, In x, double p, bool training) {
  if (!(p >= 0 && p <= 1))
    throw ValueError(concat(op, ": dropout probability has to be between 0 and 1, but got ", p), x.loc);
  slope::detail::require_floating(op, x);
  return training && p > 0 && x->numel() > 0;
}

DropoutMask draw_mask(const Tensor& x, double p, std::int64_t together) {
  const auto decisions = static_cast<std::uint64_t>(x.numel() / together);
  return {default_generator().reserve((decisions + 3) / 4), p, together};
}

Tensor drop_channels(const char* op, int spatial, In x, double p, bool training) {
  const bool active = check(op, x, p, training);
  const int dims = x->dim();
  if (dims != spatial + 1 && dims != spatial + 2)
    throw ShapeError(concat(op, ": expected ", spatial + 1, "D or ", spatial + 2, "D input, but received a ", dims,
                            "D input of shape ", to_text(x->shape())),
                     x.loc);
  if (!active) return x.tensor;
  std::int64_t channel = 1;
  for (int d = dims - spatial; d < dims; ++d) channel *= x->shape()[d];
  return apply(x.loc, DropoutOp{draw_mask(x, p, channel), p < 1 ? 1 / (1 - p) : 0, 0, 0}, x.tensor);
}

/// Sets what is dropped to the limit of SELU at -∞.
Tensor drop_to_limit(In x, double p, std::int64_t together) {
  if (p == 1) return apply(x.loc, DropoutOp{draw_mask(x, p, together), 0, 0, 0}, x.tensor);
  constexpr double limit = -1.7580993408473766;  // -λα
  // Chosen so that a·(x or limit) + b has mean 0 and variance 1 when x has.
  const double a = 1 / std::sqrt((1 - p) * (1 + p * limit * limit)), b = -a * limit * p;
  return apply(x.loc, DropoutOp{draw_mask(x, p, together), a, b, a * limit + b}, x.tensor);
}

}  // namespace

Tensor dropout(In x, double p, bool training) {
  if (!check("dropout", x, p, training)) return x.tensor;
  return apply(x.loc, DropoutOp{draw_mask(x, p, 1), p < 1 ? 1 / (1 - p) : 0, 0, 0}, x.tensor);
}

Tensor dropout1d(In x, double p, bool training) { return drop_channels("dropout1d", 1, x, p, training); }
Tensor dropout2d(In x, double p, bool training) { return drop_channels("dropout2d", 2, x, p, training); }
Tensor dropout3d(In x, double p, bool training) { return drop_channels("dropout3d", 3, x, p, training); }

Tensor alpha_dropout(In x, double p, bool training) {
  if (!check("alpha_dropout", x, p, training)) return x.tensor;
  return drop_to_limit(x, p, 1);
}

Tensor feature_alpha_dropout(In x, double p, bool training) {
  const bool active = check("feature_alpha_dropout", x, p, training);
  if (x->dim() < 2)
    throw ShapeError(concat("feature_alpha_dropout: Feature dropout requires at least 2 dimensions in the input, got ",
                            x->dim(), ", a tensor of shape ", to_text(x->shape())),
                     x.loc);
  if (!active) return x.tensor;
  return drop_to_limit(x, p, x->numel() / (x->shape()[0] * x->shape()[1]));
}

}  // namespace slope::nn::functional
