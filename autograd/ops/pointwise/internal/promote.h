#pragma once

#include "slope/autograd/tensor/tensor.h"

namespace slope {

/// The dtype an operation on these operands computes in: the highest category among tensors with dimensions, and within
/// floats the widest; 0-d tensors, then numbers, only matter when their category is higher.
DType promote(const Operand* const* args, int count);
DType promote(DType a, DType b);

namespace detail {
/// The operand as a tensor of this dtype; a number becomes a 0-d one.
Tensor operand_tensor(const Operand& o, DType dtype);
/// Throws ValueError for an undefined tensor.
void require_defined(const char* op, In x);
}  // namespace detail

}  // namespace slope
