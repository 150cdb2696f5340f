// expect: could not convert|value of type .* is not contextually convertible
#include "slope/autograd.h"
int decides(const slope::Tensor& x) {
#ifdef SLOPE_MAKE_VALID
  if ((!(x > 0)).any().item<bool>()) return 1;
#else
  if (x) return 1;
#endif
  return 0;
}
