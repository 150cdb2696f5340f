#pragma once

#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"

namespace slope::detail {

/// One zero, seen as many. Adding to some of them or writing some of them copies it, which fills memory once.
inline Tensor one_zero(const Shape& shape, DType dtype) { return expand(zeros({}, {.dtype = dtype}), shape); }

}  // namespace slope::detail
