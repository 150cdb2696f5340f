// expect: by all arguments that it is differentiable by, or by none
#include "slope/pointwise.h"
using namespace slope;
struct Scaled {
#ifdef SLOPE_MAKE_VALID
  static constexpr unsigned differentiable = 0b01;
#endif
  template <class T>
  T operator()(const T& a, const T& b) const {
    return a * b;
  }
  template <class T>
  T d0(const T&, const T& b, const T&) const {
    return b;
  }
};
Tensor product(const Tensor& a, const Tensor& b) { return pointwise(Scaled{})(a, b); }
