#pragma once

#include "torch_data.h"

namespace compare {

/// A layer forward without a graph, or forward and backward from a given gradient of its output, with the gradients of `leaves`,
/// which each call drops again.
template <class Forward>
Work torch_layer(const Forward& forward, const std::vector<torch::Tensor>& leaves, const torch::Tensor& gradient,
                 bool backward) {
  const auto run = [=] {
    torch::NoGradGuard no_grad;
    return forward();
  };
  if (!backward) return {.run = [=] { (void)run(); }, .check = [=] { return magnitude(run()); }};
  const auto run_back = [=] { forward().backward(gradient); };
  const auto drop = [=] {
    for (const torch::Tensor& t : leaves) drop_gradient(t);
  };
  return {.run =
              [=] {
                run_back();
                drop();
              },
          .check =
              [=] {
                run_back();
                double sum = 0;
                for (const torch::Tensor& t : leaves) sum += magnitude(t.grad());
                drop();
                return sum;
              }};
}

}  // namespace compare
