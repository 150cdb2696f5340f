#pragma once

#include "slope/optim/grouped.h"

namespace slope::optim {

// clang-format off
#define SLOPE_OPTIMIZER(part) Adamax##part
#define SLOPE_OPTIONS(row) \
  row(lr, double, at_least_0, 2e-3) \
  row(betas, detail::Pair, from_0_below_1, {0.9, 0.999}) \
  row(eps, double, at_least_0, 1e-8) \
  row(weight_decay, double, at_least_0, 0) \
  row(maximize, bool, flag, false)
#include "slope/optim/grouped-options.h"
// clang-format on

/// Adam by the largest gradient in place of the second moment (Kingma & Ba 2015, section 7), with L2 weight decay.
///
///     m ← β1·m + (1-β1)·g;   u ← max(β2·u, |g| + eps);   θ ← θ - lr/(1-β1ᵗ)·m/u
///
/// Throws ValueError for options outside their domain.
///
///     optim::Adamax opt(net.parameters(), {.lr = 2e-3});
class Adamax : public GroupedOptimizer<AdamaxOptions, AdamaxGroup, detail::AdamaxRule> {
  using GroupedOptimizer::GroupedOptimizer;
};

}  // namespace slope::optim
