#pragma once

#include "slope/optim/grouped.h"

namespace slope::optim {

// clang-format off
#define SLOPE_OPTIMIZER(part) Rprop##part
#define SLOPE_OPTIONS(row) \
  row(lr, double, at_least_0, 1e-2) \
  row(etas, detail::Pair, at_least_0, {0.5, 1.2}) \
  row(step_sizes, detail::Pair, at_least_0, {1e-6, 50}) \
  row(maximize, bool, flag, false)
#include "slope/optim/grouped-options.h"
// clang-format on

/// Resilient backpropagation (Riedmiller & Braun 1993), for gradients of all the data: each element has a step of its own, longer while
/// the gradient keeps its sign, shorter when it changes, and only the sign of the gradient counts.
///
///     σ = sign(g·g'), g' of the step before;   s ← clamp(s·(σ > 0 ? η₂ : σ < 0 ? η₁ : 1), step_sizes), from lr
///     θ ← θ - sign(g)·s, but where σ < 0 g counts as 0 now and as g' in the next step
///
/// Throws ValueError unless 0 < etas[0] < 1 < etas[1], and for negative options.
///
///     optim::Rprop opt(net.parameters(), {.lr = 0.01});
class Rprop : public GroupedOptimizer<RpropOptions, RpropGroup, detail::RpropRule> {
  using GroupedOptimizer::GroupedOptimizer;
};

}  // namespace slope::optim
