// expect: deleted function
#include "slope/autograd/engine/grad_mode.h"
#include "slope/nn/layers/linear.h"
void replaces(slope::nn::Linear& layer, const slope::Tensor& t) {
#ifdef SLOPE_MAKE_VALID
  slope::NoGradGuard no_grad;
  layer.weight.copy_(t);
#else
  layer.weight = t;
#endif
}
