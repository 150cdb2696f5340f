#include "op.h"
#include "slope_data.h"

using namespace slope;
using namespace compare::op;
using compare::slope_tensor;

namespace {

Tensor run_chain(const Tensor& x, const Tensor& c, std::int64_t operations) {
  Tensor y = x;
  for (std::int64_t i = 0; i < operations / 2; ++i) y = y * c + c;
  return y;
}

compare::Work chain_and_back(std::int64_t operations, const char* unit) {
  const Tensor x = full({1}, 1.0, {.requires_grad = true}), c = full({1}, 1.0);
  compare::Work work = compare::slope_loss([=] { return run_chain(x, c, operations); }, {x}, true);
  work.count = static_cast<double>(operations);
  work.unit = unit;
  return work;
}

compare::Work chain_forward(bool graph) {
  const Tensor x = full({1}, 1.0, {.requires_grad = true}), c = full({1}, 1.0);
  compare::Work work = compare::slope_loss([=] { return run_chain(x, c, chain); }, {x}, false);
  work.count = chain;
  work.unit = "op";
  if (graph) work.run = [=] { (void)run_chain(x, c, chain); };
  return work;
}

compare::Work linear(bool backward) {
  const auto layer = std::make_shared<nn::Linear>(in_features, out_features);
  const Tensor x = slope_tensor(input(), {batch, in_features}).requires_grad_();
  {
    NoGradGuard no_grad;
    layer->weight.copy_(slope_tensor(weight(), {out_features, in_features}));
    layer->bias.copy_(slope_tensor(bias(), {out_features}));
  }
  if (backward) return compare::slope_loss([=] { return (*layer)(x).sum(); }, {layer->weight, layer->bias, x}, true);
  const auto run = [=] {
    NoGradGuard no_grad;
    return (*layer)(x);
  };
  return {.run = [=] { (void)run(); }, .check = [=] { return compare::magnitude(run()); }};
}

const compare::Registered registered([] {
  compare::Contestant& slope = compare::slope_works();
  slope.add("op/chain/fwd_without_graph", [] { return chain_forward(false); });
  slope.add("op/chain/fwd_with_graph", [] { return chain_forward(true); });
  slope.add("op/chain/fwd+bwd", [] { return chain_and_back(chain, "op"); });
  for (const std::int64_t n : growing_chains())
    slope.add("scale/chain/" + std::to_string(n), [=] { return chain_and_back(n, "node"); });
  slope.add("op/linear_4_8_batch_100/fwd", [] { return linear(false); });
  slope.add("op/linear_4_8_batch_100/fwd+bwd", [] { return linear(true); });
});

}  // namespace
