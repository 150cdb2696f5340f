// expect: passing 'const slope::Tensor' as 'this' argument|discards qualifiers|no match for 'operator='|use of deleted
// function|cannot bind
#include "slope/autograd.h"
void writes(const slope::Tensor& x, const slope::Tensor& y) {
#ifdef SLOPE_MAKE_VALID
  x[0].copy_(y);
#else
  x[0] = y;
#endif
}
