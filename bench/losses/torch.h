#pragma once

#include <torch/torch.h>
#include <torch/version.h>

#include <vector>

#include "work.h"

namespace bench {

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
      if (t.grad().defined()) sum += t.grad().to(torch::kDouble).abs().sum().item().toDouble();
      drop_gradient(t);
    }
    return sum;
  };
  return work;
}

}  // namespace bench
