#include "slope/nn/losses/hinge.h"

#include "slope/autograd/ops/pointwise.h"

namespace slope {

Tensor hinge(In u) { return detail::pointwise_op(formula::Hinge{}, u); }

}  // namespace slope
