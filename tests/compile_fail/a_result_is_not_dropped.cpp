// expect: a_result_is_not_dropped.cpp:17.*(ignoring|ignored)|a_result_is_not_dropped.cpp:17:.*unused
// expect: a_result_is_not_dropped.cpp:18:
// expect: a_result_is_not_dropped.cpp:19:
// expect: a_result_is_not_dropped.cpp:20:
// expect: a_result_is_not_dropped.cpp:21:
// expect: a_result_is_not_dropped.cpp:22:
#include "slope/autograd.h"
using namespace slope;
void drops(const Tensor& x) {
  x.add_(1.0);  // what changes in place may stand alone
  x.view({-1}).clamp_(0.0);
  x[0] += 1.0;
  const Tensor y = relu(x);
  const NoGradGuard no_grad;
  (void)y;
#ifndef SLOPE_MAKE_VALID
  relu(x);
  x.clamp(0.0);
  NoGradGuard();
  x.sort();
  x[0];
  zeros({3});
#endif
}
