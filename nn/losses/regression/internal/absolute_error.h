#pragma once

#include "slope/autograd/kernels/pointwise/grain.h"

namespace slope::nn::detail {

/// |x - t|, with derivative 0 where they agree.
struct AbsoluteError {
  static constexpr const char* name = "L1Loss";
  static constexpr std::int64_t grain = grain_cheap;
  template <class T>
  T operator()(const T& x, const T& t) const {
    return abs(x - t);
  }
  template <class T>
  T d0(const T& x, const T& t, const T&) const {
    return sign(x - t);
  }
  template <class T>
  T d1(const T& x, const T& t, const T&) const {
    return -sign(x - t);
  }
};

}  // namespace slope::nn::detail
