#pragma once

#include "slope/optim/grouped.h"

namespace slope::optim {

// clang-format off
#define SLOPE_OPTIMIZER(part) RMSprop##part
#define SLOPE_OPTIONS(row) \
  row(lr, double, at_least_0, 1e-2) \
  row(alpha, double, at_least_0, 0.99) \
  row(eps, double, at_least_0, 1e-8) \
  row(weight_decay, double, at_least_0, 0) \
  row(momentum, double, at_least_0, 0) \
  row(centered, bool, flag, false) \
  row(maximize, bool, flag, false)
#include "slope/optim/grouped-options.h"
// clang-format on

/// The gradient by the root of its recent square (Tieleman & Hinton 2012; centered: Graves 2013), with L2 weight decay.
///
///     s ← α·s + (1-α)·g²;   d = √s + eps   (centered: a ← α·a + (1-α)·g; d = √(s - a²) + eps)
///     θ ← θ - lr·g/d                       (momentum: b ← momentum·b + g/d; θ ← θ - lr·b)
///
/// Throws ValueError for negative options.
///
///     optim::RMSprop opt(net.parameters(), {.lr = 1e-3, .momentum = 0.9});
class RMSprop : public GroupedOptimizer<RMSpropOptions, RMSpropGroup, detail::RMSpropRule> {
  using GroupedOptimizer::GroupedOptimizer;
};

}  // namespace slope::optim
