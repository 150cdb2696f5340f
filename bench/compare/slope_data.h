#pragma once

#include <cstring>

#include "data.h"
#include "harness.h"
#include "slope/slope.h"

namespace compare {

template <class T>
slope::Tensor slope_tensor(const std::vector<T>& values, const slope::Shape& shape) {
  const slope::Tensor t = slope::empty(shape, {.dtype = sizeof(T) == 8 ? slope::int64 : slope::float32});
  std::memcpy(t.data_ptr<T>(), values.data(), values.size() * sizeof(T));
  return t;
}

inline double magnitude(const slope::Tensor& t) { return magnitude(t.data_ptr<float>(), t.numel()); }

/// A loss forward alone, or forward and backward with the gradients of `leaves`, which each call drops again.
template <class Loss>
Work slope_loss(const Loss& loss, const std::vector<slope::Tensor>& leaves, bool backward, double count = 1,
                const char* unit = "") {
  Work work;
  work.count = count;
  work.unit = unit;
  if (backward)
    work.run = [=] {
      loss().backward();
      for (const slope::Tensor& t : leaves) t.zero_grad();
    };
  else
    work.run = [=] {
      slope::NoGradGuard no_grad;
      (void)loss();
    };
  work.check = [=] {
    const slope::Tensor value = loss();
    double sum = value.item<double>();
    if (!backward) return sum;
    value.backward();
    for (const slope::Tensor& t : leaves) {
      sum += magnitude(t.grad().contiguous());
      t.zero_grad();
    }
    return sum;
  };
  return work;
}

}  // namespace compare
