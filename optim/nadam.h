#pragma once

#include "slope/optim/grouped.h"

namespace slope::optim {

// clang-format off
#define SLOPE_OPTIMIZER(part) NAdam##part
#define SLOPE_OPTIONS(row) \
  row(lr, double, at_least_0, 2e-3) \
  row(betas, detail::Pair, from_0_below_1, {0.9, 0.999}) \
  row(eps, double, at_least_0, 1e-8) \
  row(weight_decay, double, at_least_0, 0) \
  row(momentum_decay, double, at_least_0, 4e-3) \
  row(decoupled_weight_decay, bool, flag, false) \
  row(maximize, bool, flag, false)
#include "slope/optim/grouped-options.h"
// clang-format on

/// Adam with Nesterov momentum (Dozat 2016): the moment is looked at one step ahead, and its decay grows towards β1.
///
///     m, v as Adam;   μₜ = β1·(1 - 0.96^(t·momentum_decay)/2);   P ← P·μₜ, from 1
///     θ ← θ - lr·((1-μₜ)/(1-P)·g + μₜ₊₁/(1-P·μₜ₊₁)·m) / (√(v/(1-β2ᵗ)) + eps)
///
/// Weights decay by L2, or decoupled as in AdamW. Throws ValueError for options outside their domain.
///
///     optim::NAdam opt(net.parameters(), {.lr = 2e-3});
class NAdam : public GroupedOptimizer<NAdamOptions, NAdamGroup, detail::NAdamRule> {
  using GroupedOptimizer::GroupedOptimizer;
};

}  // namespace slope::optim
