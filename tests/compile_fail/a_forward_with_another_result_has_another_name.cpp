// expect: conflicting return type|invalid covariant return type|not covariant|different return type
// expect: with another result, name it otherwise and call it by run\(\)
#include <utility>
#include "slope/nn.h"
using namespace slope;
struct Net : nn::Module {
#ifdef SLOPE_MAKE_VALID
  std::pair<Tensor, Tensor> operator()(In x) {
    return run(x, [&](const Tensor& t) { return std::pair(t, t * 2); });
  }
#else
  std::pair<Tensor, Tensor> forward(const Tensor& t) { return {t, t * 2}; }
#endif
};
Net net;
