// expect: a formula captures numbers only
#include "slope/pointwise.h"
slope::Tensor computes(const slope::Tensor& x, const slope::Tensor& w) {
#ifdef SLOPE_MAKE_VALID
  const auto f = slope::pointwise([](auto a, auto b) { return a * b; });
  return f(x, w);
#else
  const auto f = slope::pointwise([w](auto a) { return a * w; });
  return f(x);
#endif
}
