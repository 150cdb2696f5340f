#include "slope/autograd/core/real_array.h"

#include <string>

#include "slope/autograd/core/error.h"
#include "slope/autograd/core/shape.h"

namespace slope {

std::vector<double> RealArray::expanded(int dims, const char* op, const char* option, SourceLoc loc) const {
  if (dims < 0 || dims > max_dims) throw ValueError(concat(op, ": ", option, " for ", dims, " dimensions"), loc);
  const auto count = static_cast<std::size_t>(dims);
  if (values_.size() == count) return values_;
  if (everywhere_) return std::vector<double>(count, values_[0]);
  throw ValueError(concat(op, ": expected ", option, " to be a single number or a list of ", dims,
                          " numbers to match the dimensions, but got ", values_.size(), " numbers"),
                   loc);
}

}  // namespace slope
