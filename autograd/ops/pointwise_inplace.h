#pragma once

#include <initializer_list>

#include "slope/autograd/ops/elementwise.h"
#include "slope/autograd/ops/inplace.h"
#include "slope/autograd/ops/pointwise.h"
#include "slope/autograd/ops/promote.h"

/// In-place operations that are one formula.
namespace slope::detail {

/// Formula `f` of `self` and `args`, written into `self`. When nothing is recorded, and no other window on the same
/// memory is read, the kernel writes straight there; else the operation out of place, `general(old)`, goes through
/// in_place().
template <class F, class General, class... Args>
const Tensor& pointwise_in_place(const Tensor& self, SourceLoc loc, const char* op, const F& f, const General& general,
                                 const Args&... args) {
  const Operand operands[] = {Operand(self, loc), Operand(args)...};
  for (const Operand& o : operands)
    if (o.tensor) require_defined(op, {*o.tensor, loc});
  bool record = false;
  bool plain = is_floating(self.dtype());
  for (const Operand& o : operands) {
    if (!o.tensor) continue;
    record |= grad_enabled() && o.tensor->requires_grad();
    plain &= o.tensor == &self || (o.tensor->dtype() == self.dtype() && !o.tensor->shares_storage(self));
  }
  if (record || !plain) return in_place(self, loc, op, general);
  CallerScope scope(loc);
  check_in_place(self, op, loc);
  Shape shape = self.shape();
  for (const Operand& o : operands)
    if (o.tensor && o.tensor->shape() != shape) shape = broadcast_shapes(shape, o.tensor->shape(), op, loc);
  check_result_fits(self, shape, self.dtype(), op, loc);
  run_pointwise_into<1 + sizeof...(Args)>(formula_info<F, 1 + sizeof...(Args)>(), &f, operands, self);
  self.impl().storage->bump_version();
  return self;
}

}  // namespace slope::detail

/// Defines the method `name_` that writes function(x) into x, for a function that is one formula.
#define SLOPE_UNARY_IN_PLACE(function, formula)                                                          \
  const Tensor& Tensor::function##_(SourceLoc loc) const {                                               \
    return detail::pointwise_in_place(*this, loc, #function "_", formula,                                \
                                      [&](const Tensor& old) { return slope::function(In(old, loc)); }); \
  }
