// expect: this_is_no_reduction_use_none_mean_or_sum
#include "slope/nn.h"
using namespace slope;
Tensor calls(const Tensor& p, const Tensor& t) {
#ifdef SLOPE_MAKE_VALID
  return nn::functional::mse_loss(p, t, {.reduction = "sum"});
#else
  return nn::functional::mse_loss(p, t, {.reduction = "summ"});
#endif
}
