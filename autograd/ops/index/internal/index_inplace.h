#pragma once

#include <initializer_list>

#include "slope/autograd/ops/pointwise/inplace.h"

namespace slope::detail {

/// Whether a kernel may write straight into `self`: nothing is recorded, and no other operand would change under the
/// writing.
inline bool may_write_directly(const Tensor& self, std::initializer_list<const Tensor*> operands) {
  if (any_requires_grad({&self})) return false;
  for (const Tensor* t : operands)
    if (any_requires_grad({t}) || t->shares_storage(self)) return false;
  return true;
}

/// In place by a kernel that touches only what changes: `direct()` has nothing left to check.
template <class Direct>
TensorAlias write_directly(const Tensor& self, SourceLoc loc, const char* op, const Direct& direct) {
  check_in_place(self, op, loc);
  direct();
  self.impl().storage->bump_version();
  return self;
}

}  // namespace slope::detail
