#pragma once

#include "slope/optim/grouped.h"

namespace slope::optim {

// clang-format off
#define SLOPE_OPTIMIZER(part) ASGD##part
#define SLOPE_OPTIONS(row) \
  row(lr, double, at_least_0, 1e-2) \
  row(lambd, double, at_least_0, 1e-4) \
  row(alpha, double, at_least_0, 0.75) \
  row(t0, double, at_least_0, 1e6) \
  row(weight_decay, double, at_least_0, 0) \
  row(maximize, bool, flag, false)
#include "slope/optim/grouped-options.h"
// clang-format on

/// Averaged stochastic gradient descent (Polyak & Juditsky 1992; Bottou 2010), with L2 weight decay. The state `ax` is the average of
/// the parameter over the steps after t0.
///
///     θ ← θ·(1 - lambd·η) - η·g;   ax ← μ = 1 ? θ : ax + μ·(θ - ax);   then η = lr/(1 + lambd·lr·t)^alpha, μ = 1/max(1, t - t0)
///
/// Throws ValueError for negative options.
///
///     optim::ASGD opt(net.parameters(), {.lr = 0.1, .t0 = 1000});
class ASGD : public GroupedOptimizer<ASGDOptions, ASGDGroup, detail::ASGDRule> {
  using GroupedOptimizer::GroupedOptimizer;
};

}  // namespace slope::optim
