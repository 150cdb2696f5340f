#pragma once

#include "slope/optim/grouped.h"

namespace slope::optim {

// clang-format off
#define SLOPE_OPTIMIZER(part) Lion##part
#define SLOPE_OPTIONS(row) \
  row(lr, double, at_least_0, 1e-4) \
  row(betas, detail::Pair, from_0_below_1, {0.9, 0.99}) \
  row(weight_decay, double, at_least_0, 0) \
  row(maximize, bool, flag, false)
#include "slope/optim/grouped-options.h"
// clang-format on

/// Evolved sign momentum (Chen et al. 2023), with decoupled weight decay: a step of lr in every element.
///
///     θ ← θ·(1 - lr·weight_decay);   θ ← θ - lr·sign(β1·m + (1-β1)·g);   m ← β2·m + (1-β2)·g
///
/// Throws ValueError for options outside their domain.
///
///     optim::Lion opt(net.parameters(), {.lr = 1e-4, .weight_decay = 0.1});
class Lion : public GroupedOptimizer<LionOptions, LionGroup, detail::LionRule> {
  using GroupedOptimizer::GroupedOptimizer;
};

}  // namespace slope::optim
