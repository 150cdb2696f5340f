#include "slope/nn/losses/pairs/internal/row_distance.h"

namespace slope::nn::detail {

void require_order(const char* op, double p, const Shape& shape, SourceLoc loc) {
  if (std::isnan(p)) throw ValueError(concat(op, ": the order p is nan; give a number, or infinity"), loc);
  if ((p < 0 || std::isinf(p)) && !shape.empty() && shape.back() == 0)
    throw ShapeError(concat(op, ": vectors without components have no distance of order p = ", p,
                            "; the common shape is ", to_text(shape)),
                     loc);
}

}  // namespace slope::nn::detail
