#pragma once

#include "slope/autograd/core/dtype.h"
#include "slope/autograd/core/source_loc.h"

namespace slope::detail {

/// The one rule for numbers that become elements: ValueError for NaN, infinities and what is too large in int64, and for
/// a finite number beyond the range of float32. What to write instead is said in `hint`.
void check_number(const char* op, const Scalar& value, DType dtype, SourceLoc loc, const char* hint = nullptr);

}  // namespace slope::detail
