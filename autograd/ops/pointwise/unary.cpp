// The functions of one argument, out of place and in place: each is a row of the table in tensor/tensor-unary.h.
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/pointwise/internal/pointwise_inplace.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"

namespace slope {

namespace {

template <class F>
Tensor unary(const char* op, const F& f, In x) {
  // -bool, sign(bool) and the like mean nothing; functions of real numbers take false and true for 0 and 1.
  if constexpr (requires { F::integral; }) {
    detail::require_defined(op, x);
    if (x->dtype() == DType::boolean)
      throw DTypeError(concat(op, ": bool tensors are not supported; convert with .to(int64) or .to(float32)"), x.loc);
  }
  return detail::pointwise_op(f, x);
}

}  // namespace

#define SLOPE_UNARY(name, Name, ...)                                                                 \
  Tensor name(In x) { return unary(#name, formula::Name{}, x); }                                     \
  Tensor Tensor::name(SourceLoc loc) const { return slope::name(In(*this, loc)); }                   \
  TensorAlias Tensor::name##_(SourceLoc loc) const {                                                 \
    return detail::pointwise_in_place(*this, loc, #name "_", formula::Name{},                        \
                                      [&](const Tensor& old) { return slope::name(In(old, loc)); }); \
  }
#include "slope/autograd/tensor/tensor-unary.h"

}  // namespace slope
