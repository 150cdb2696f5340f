// expect: designator order for field|designated initializers|ISO C\+\+ requires field designators to be specified in declaration order
#include "slope/nn.h"
using namespace slope;
Tensor calls(const Tensor& p, const Tensor& t, const Tensor& w) {
#ifdef SLOPE_MAKE_VALID
  return nn::functional::mse_loss(p, t, {.reduction = "sum", .weight = w});
#else
  return nn::functional::mse_loss(p, t, {.weight = w, .reduction = "sum"});
#endif
}
