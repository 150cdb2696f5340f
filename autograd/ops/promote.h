#pragma once

#include "slope/autograd/tensor/tensor.h"

namespace slope {

/// The dtype an operation on these operands computes in: the highest category among tensors with dimensions, and within
/// floats the widest; 0-d tensors, then numbers, only matter when their category is higher.
DType promote(const Operand* args, int count);
DType promote(DType a, DType b);

}  // namespace slope
