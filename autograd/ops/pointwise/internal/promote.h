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
/// Throws ValueError for an undefined tensor and DTypeError unless it is float32 or float64; messages call it `what`.
void require_floating(const char* op, In x, const char* what = "the input");
/// Throws DTypeError when values of dtype `result` would lose their category in a tensor of dtype `stored_as`.
void require_storable(const char* op, DType result, DType stored_as, SourceLoc loc);
}  // namespace detail

}  // namespace slope
