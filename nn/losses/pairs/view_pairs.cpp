#include "slope/nn/losses/pairs/internal/view_pairs.h"

namespace slope::nn::detail {

DType require_view_pairs(const char* op, const char* names, In a, const Tensor& b, double temperature,
                         const ReductionOption& reduction) {
  if (!a.tensor.defined() || !b.defined())
    throw ValueError(concat(op, ": one of ", names, " is an undefined tensor"), a.loc);
  require_floating(op, a);
  require_floating(op, {b, a.loc});
  if (a->dim() != 2 || a->shape() != b.shape())
    throw ShapeError(concat(op, ": ", names, " must both be [N, D] and of one shape, but are ", to_text(a->shape()),
                            " and ", to_text(b.shape())),
                     a.loc);
  if (!(temperature > 0)) throw ValueError(concat(op, ": the temperature must be positive, got ", temperature), a.loc);
  require_plain_reduction(op, reduction, a.loc);
  return a->dtype() == b.dtype() ? b.dtype() : DType::float64;
}

}  // namespace slope::nn::detail
