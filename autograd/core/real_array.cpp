#include "slope/autograd/core/real_array.h"

#include <string>

#include "slope/autograd/core/error.h"

namespace slope {

std::vector<double> RealArray::expanded(int dims, const char* op, const char* option, SourceLoc loc) const {
  const auto count = static_cast<std::size_t>(dims);
  if (values_.size() == count) return values_;
  if (everywhere_) return std::vector<double>(count, values_[0]);
  throw ValueError(concat(op, ": expected ", option, " to be a single number or a list of ", dims,
                          " numbers to match the dimensions, but got ", values_.size(), " numbers"),
                   loc);
}

}  // namespace slope
