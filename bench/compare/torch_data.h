#pragma once

#include <torch/torch.h>
#include <torch/version.h>

#include <cstring>

#include "data.h"
#include "harness.h"

namespace compare {

template <class T>
torch::Tensor torch_tensor(const std::vector<T>& values, const std::vector<std::int64_t>& shape) {
  const torch::Tensor t = torch::empty(shape, sizeof(T) == 8 ? torch::kLong : torch::kFloat);
  std::memcpy(t.data_ptr<T>(), values.data(), values.size() * sizeof(T));
  return t;
}

inline double magnitude(const torch::Tensor& t) {
  const torch::Tensor c = t.detach().contiguous();
  return magnitude(c.data_ptr<float>(), c.numel());
}

/// Drops the gradient, as zero_grad() of newer versions does by default.
inline void drop_gradient(const torch::Tensor& t) { t.mutable_grad() = torch::Tensor(); }

/// A loss forward alone, or forward and backward with the gradients of `leaves`, which each call drops again.
template <class Loss>
Work torch_loss(const Loss& loss, const std::vector<torch::Tensor>& leaves, bool backward) {
  Work work;
  if (backward)
    work.run = [=] {
      loss().backward();
      for (const torch::Tensor& t : leaves) drop_gradient(t);
    };
  else
    work.run = [=] {
      torch::NoGradGuard no_grad;
      (void)loss();
    };
  work.check = [=] {
    const torch::Tensor value = loss();
    double sum = value.item().toDouble();
    if (!backward) return sum;
    value.backward();
    for (const torch::Tensor& t : leaves) {
      if (t.grad().defined()) sum += magnitude(t.grad());
      drop_gradient(t);
    }
    return sum;
  };
  return work;
}

}  // namespace compare
