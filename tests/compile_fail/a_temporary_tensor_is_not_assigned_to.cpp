// expect: use of deleted function|overload resolution selected deleted operator
// expect: to write into x\[0\], call x\[0\]\.copy_\(y\)
// expect: to write into x\[0\], call x\[0\]\.fill_\(value\)
#include "slope/autograd.h"
void writes(const slope::Tensor& x, const slope::Tensor& y) {
#ifdef SLOPE_MAKE_VALID
  x[0].copy_(y);
  x.view({-1}).copy_(y);
  x[0].fill_(1.0);
  slope::Tensor z = x[0];
  z = y;
  auto w = x.add_(1.0);
  w = y;
#else
  x[0] = y;
  x[0] = y[0];
  x.view({-1}) = y;
  x[0] = 1.0;
#endif
}
