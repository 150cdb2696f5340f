#pragma once

#include <vector>

#include "list.h"
#include "slope/autograd.h"
#include "slope/nn.h"

namespace bench {

/// The inputs of a loss as tensors; those that are differentiated require grad.
struct Inputs {
  std::vector<slope::Tensor> in;
  std::vector<slope::Tensor> leaves;
};
Inputs slope_inputs(const LossCase& c);

/// A loss forward alone, or forward and backward with the gradients of `leaves`, which each call drops again.
template <class Loss>
Work slope_loss(const Loss& loss, const std::vector<slope::Tensor>& leaves, bool backward) {
  Work work;
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
    double sum = value.item();
    if (!backward) return sum;
    value.backward();
    for (const slope::Tensor& t : leaves) {
      if (t.grad().defined()) sum += abs(t.grad().detach().to(slope::float64)).sum().item();
      t.zero_grad();
    }
    return sum;
  };
  return work;
}

}  // namespace bench
