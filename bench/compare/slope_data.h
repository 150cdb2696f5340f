#pragma once

#include <cstring>

#include "data.h"
#include "harness.h"
#include "losses/slope.h"
#include "slope/slope.h"

namespace compare {

template <class T>
slope::Tensor slope_tensor(const std::vector<T>& values, const slope::Shape& shape) {
  const slope::Tensor t = slope::empty(shape, {.dtype = sizeof(T) == 8 ? slope::int64 : slope::float32});
  std::memcpy(t.data_ptr<T>(), values.data(), values.size() * sizeof(T));
  return t;
}

using bench::slope_loss;
inline double magnitude(const slope::Tensor& t) { return magnitude(t.data_ptr<float>(), t.numel()); }

}  // namespace compare
