#include "slope/autograd/core/int_array.h"

namespace slope {

Shape IntArray::expanded(int dims, const char* op, const char* option, SourceLoc loc) const {
  if (size() == dims) return *this;
  if (size() == 1) return Shape::filled(dims, (*this)[0]);
  throw ValueError(
      concat(op, ": expected ", option, " to be a single integer value or a list of ", dims,
             " values to match the dimensions, but got ", option, "=", std::span<const std::int64_t>(*this)),
      loc);
}

}  // namespace slope
