#pragma once

#include <initializer_list>

#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/pointwise/inplace.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/autograd/ops/pointwise/pointwise.h"

/// In-place operations that are one formula.
namespace slope::detail {

template <class F, class General, int N>
TensorAlias run_in_place(const Tensor& self, SourceLoc loc, const char* op, const F& f, const General& general,
                         const Operands<N>& operands) {
  bool record = false;
  bool plain = true;
  for (int i = 0; i < N; ++i) {
    const Tensor* t = operands[i].tensor;
    if (!t) continue;
    require_defined(op, {*t, loc});
    record |= grad_enabled() && t->requires_grad();
    plain &= t == &self || (t->dtype() == self.dtype() && !t->shares_storage(self));
  }
  if (record || !plain || !is_floating(self.dtype())) return in_place(self, loc, op, general);
  CallerScope scope(loc);
  check_in_place(self, op, loc);
  Shape shape = self.shape();
  for (int i = 0; i < N; ++i)
    if (const Tensor* t = operands[i].tensor; t && t->shape() != shape)
      shape = broadcast_shapes(shape, t->shape(), op, loc);
  check_result_fits(self, shape, self.dtype(), op, loc);
  run_pointwise_into<N>(formula_info<F, N>(), &f, operands, self);
  self.impl().storage->bump_version();
  return self;
}

/// Formula `f` of `self` and `args`, written into `self`. When nothing is recorded, and no other window on the same
/// memory is read, the kernel writes straight there; else the operation out of place, `general(old)`, goes through
/// in_place().
template <class F, class General, class... Args>
TensorAlias pointwise_in_place(const Tensor& self, SourceLoc loc, const char* op, const F& f, const General& general,
                               const Args&... args) {
  constexpr int N = 1 + sizeof...(Args);
  return run_in_place<F, General, N>(self, loc, op, f, general, {{&operand({self, loc}), &operand(args)...}});
}

}  // namespace slope::detail
