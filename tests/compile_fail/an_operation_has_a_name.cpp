// expect: needs .static constexpr std::string_view name
#include "slope/op.h"
using namespace slope;
struct Twice {
#ifdef SLOPE_MAKE_VALID
  static constexpr std::string_view name = "Twice";
#else
  static constexpr int number = 1;
#endif
  struct Saved {};
  Tensor forward(Saved&, const Tensor& x) { return x * 2.0; }
  Grads<1> backward(const Saved&, const Tensor& g) const { return {g * 2.0}; }
};
Tensor twice(const Tensor& x) { return apply(SourceLoc::here(), Twice{}, x); }
