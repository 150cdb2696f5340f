// expect: a tensor must not be an attribute
#include "slope/op.h"
using namespace slope;
struct Twice {
  static constexpr std::string_view name = "Twice";
#ifdef SLOPE_MAKE_VALID
  double factor;
#else
  double factor;
  Tensor mask;
#endif
  struct Saved {};
  Tensor forward(Saved&, const Tensor& x) { return x * 2.0; }
  Grads<1> backward(const Saved&, const Tensor& g) const { return {g * 2.0}; }
};
Tensor twice(const Tensor& x) { return apply(SourceLoc::here(), Twice{.factor = 2.0}, x); }
