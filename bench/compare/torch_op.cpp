#include "op.h"
#include "torch_data.h"

using namespace compare::op;
using compare::torch_tensor;
using torch::Tensor;

namespace {

Tensor run_chain(const Tensor& x, const Tensor& c, std::int64_t operations) {
  Tensor y = x;
  for (std::int64_t i = 0; i < operations / 2; ++i) y = y * c + c;
  return y;
}

compare::Work chain_and_back(std::int64_t operations) {
  const Tensor x = torch::ones({1}, torch::requires_grad()), c = torch::ones({1});
  return compare::torch_loss([=] { return run_chain(x, c, operations); }, {x}, true);
}

compare::Work chain_forward(bool graph) {
  const Tensor x = torch::ones({1}, torch::requires_grad()), c = torch::ones({1});
  compare::Work work = compare::torch_loss([=] { return run_chain(x, c, chain); }, {x}, false);
  if (graph) work.run = [=] { (void)run_chain(x, c, chain); };
  return work;
}

compare::Work linear(bool backward) {
  torch::nn::Linear layer(in_features, out_features);
  const Tensor x = torch_tensor(input(), {batch, in_features}).requires_grad_();
  {
    torch::NoGradGuard no_grad;
    layer->weight.copy_(torch_tensor(weight(), {out_features, in_features}));
    layer->bias.copy_(torch_tensor(bias(), {out_features}));
  }
  const auto forward = [x, module = layer.ptr()] { return module->forward(x); };
  if (backward) return compare::torch_loss([=] { return forward().sum(); }, {layer->weight, layer->bias, x}, true);
  const auto run = [=] {
    torch::NoGradGuard no_grad;
    return forward();
  };
  return {.run = [=] { (void)run(); }, .check = [=] { return compare::magnitude(run()); }};
}

const compare::Registered registered([] {
  compare::Contestant& libtorch = compare::torch_works();
  libtorch.add("op/chain/fwd_without_graph", [] { return chain_forward(false); });
  libtorch.add("op/chain/fwd_with_graph", [] { return chain_forward(true); });
  libtorch.add("op/chain/fwd+bwd", [] { return chain_and_back(chain); });
  for (const std::int64_t n : growing_chains())
    if (n <= longest_for_torch) libtorch.add("scale/chain/" + std::to_string(n), [=] { return chain_and_back(n); });
  libtorch.add("op/linear_4_8_batch_100/fwd", [] { return linear(false); });
  libtorch.add("op/linear_4_8_batch_100/fwd+bwd", [] { return linear(true); });
});

}  // namespace
