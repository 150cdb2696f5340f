#pragma once

#include <cstring>

#include "data.h"
#include "harness.h"
#include "losses/torch.h"

namespace compare {

template <class T>
torch::Tensor torch_tensor(const std::vector<T>& values, const std::vector<std::int64_t>& shape) {
  const torch::Tensor t = torch::empty(shape, sizeof(T) == 8 ? torch::kLong : torch::kFloat);
  std::memcpy(t.data_ptr<T>(), values.data(), values.size() * sizeof(T));
  return t;
}

using bench::drop_gradient, bench::torch_loss;

inline double magnitude(const torch::Tensor& t) {
  const torch::Tensor c = t.detach().contiguous();
  return magnitude(c.data_ptr<float>(), c.numel());
}

}  // namespace compare
