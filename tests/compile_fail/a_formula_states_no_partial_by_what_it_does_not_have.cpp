// expect: for an argument that it does not have
#include "slope/pointwise.h"
using namespace slope;
struct Twice {
  template <class T>
  T operator()(const T& a) const {
    return 2.0 * a;
  }
  template <class T>
  T d0(const T&, const T&) const {
    return T(2);
  }
#ifndef SLOPE_MAKE_VALID
  template <class T>
  T d1(const T&, const T&) const {
    return T(2);
  }
#endif
};
Tensor twice(const Tensor& a) { return pointwise(Twice{}).sum(a); }
