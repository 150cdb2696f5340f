#pragma once

#include "slope/optim/grouped.h"

namespace slope::optim {

// clang-format off
#define SLOPE_OPTIMIZER(part) RAdam##part
#define SLOPE_OPTIONS(row) \
  row(lr, double, at_least_0, 1e-3) \
  row(betas, detail::Pair, from_0_below_1, {0.9, 0.999}) \
  row(eps, double, at_least_0, 1e-8) \
  row(weight_decay, double, at_least_0, 0) \
  row(decoupled_weight_decay, bool, flag, false) \
  row(maximize, bool, flag, false)
#include "slope/optim/grouped-options.h"
// clang-format on

/// Rectified Adam (Liu et al. 2020): as long as v has seen too few gradients to be trusted, a step along m alone.
///
///     m, v as Adam;   ρ∞ = 2/(1-β2) - 1;   ρ = ρ∞ - 2t·β2ᵗ/(1-β2ᵗ)
///     ρ > 5: θ ← θ - lr·r·m/(1-β1ᵗ) · √(1-β2ᵗ)/(√v + eps), r = √((ρ-4)(ρ-2)ρ∞ / ((ρ∞-4)(ρ∞-2)ρ));   else θ ← θ - lr·m/(1-β1ᵗ)
///
/// Weights decay by L2, or decoupled as in AdamW. Throws ValueError for options outside their domain.
///
///     optim::RAdam opt(net.parameters(), {.lr = 1e-3});
class RAdam : public GroupedOptimizer<RAdamOptions, RAdamGroup, detail::RAdamRule> {
  using GroupedOptimizer::GroupedOptimizer;
};

}  // namespace slope::optim
