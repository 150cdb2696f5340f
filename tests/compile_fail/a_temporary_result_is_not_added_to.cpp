// expect: use of deleted function|overload resolution selected deleted operator
// expect: give the result a name first
#include "slope/autograd.h"
void adds(const slope::Tensor& w) {
#ifdef SLOPE_MAKE_VALID
  const slope::Tensor twice = w * 2.0;
  twice += 5.0;
  w[0] -= 1.0;
  w.index({slope::Slice(1)}) *= 2.0;
#else
  (w * 2.0) += 5.0;
#endif
}
