// expect: deleted function
#include "slope/nn/module.h"
void copies(const slope::nn::Module& m) {
#ifndef SLOPE_MAKE_VALID
  slope::nn::Module other = m;
#else
  (void)m;
#endif
}
