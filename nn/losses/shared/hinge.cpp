#include "slope/nn/losses/shared/internal/hinge.h"

#include "slope/autograd/ops/pointwise/pointwise.h"

namespace slope {

Tensor hinge(In u) { return detail::pointwise_op(formula::Hinge{}, u); }

}  // namespace slope
