// expect: needs .struct Saved
#include "slope/op.h"
using namespace slope;
struct Twice {
  static constexpr std::string_view name = "Twice";
#ifdef SLOPE_MAKE_VALID
  struct Saved {};
#else
  struct saved {};
#endif
#ifdef SLOPE_MAKE_VALID
  Tensor forward(Saved&, const Tensor& x) { return x * 2.0; }
#else
  Tensor forward(saved&, const Tensor& x) { return x * 2.0; }
#endif
#ifdef SLOPE_MAKE_VALID
  Grads<1> backward(const Saved&, const Tensor& g) const { return {g * 2.0}; }
#else
  Grads<1> backward(const saved&, const Tensor& g) const { return {g * 2.0}; }
#endif
};
Tensor twice(const Tensor& x) { return apply(SourceLoc::here(), Twice{}, x); }
