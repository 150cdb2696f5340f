// expect: use of deleted function|call to deleted constructor
// expect: name it where it is declared: nn::Linear layer = add\("layer", nn::Linear\(2, 4\)\);
#include "slope/nn.h"
using namespace slope;
struct Net : nn::Module {
#ifdef SLOPE_MAKE_VALID
  nn::Linear fc = add("fc", nn::Linear(2, 1));
#else
  nn::Linear fc;
  Net() { fc = add("fc", nn::Linear(2, 1)); }
#endif
};
Net net;
