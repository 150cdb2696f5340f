// expect: this module has no call operator for several inputs; declare one in it: Tensor operator\(\)\(In a, const Tensor& b\)
#include "slope/nn.h"
using namespace slope;
struct Net : nn::Module {
  using Module::forward;
  Tensor forward(const Tensor& a, const Tensor& b) { return a + b; }
#ifdef SLOPE_MAKE_VALID
  Tensor operator()(In a, const Tensor& b) {
    return run(a, [&](const Tensor& x) { return forward(x, b); });
  }
#endif
};
Tensor calls(Net& net, const Tensor& x) { return net(x, x); }
