// expect: a partial takes the arguments of the formula and, last, its value
#include "slope/pointwise.h"
using namespace slope;
struct Scaled {
  template <class T>
  T operator()(const T& a, const T& b) const {
    return a * b;
  }
#ifdef SLOPE_MAKE_VALID
  template <class T>
  T d0(const T&, const T& b, const T&) const {
    return b;
  }
#else
  template <class T>
  T d0(const T&, const T& b) const {
    return b;
  }
#endif
  template <class T>
  T d1(const T& a, const T&, const T&) const {
    return a;
  }
};
Tensor product(const Tensor& a, const Tensor& b) { return pointwise(Scaled{})(a, b); }
