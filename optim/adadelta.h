#pragma once

#include "slope/optim/grouped.h"

namespace slope::optim {

// clang-format off
#define SLOPE_OPTIMIZER(part) Adadelta##part
#define SLOPE_OPTIONS(row) \
  row(lr, double, at_least_0, 1.0) \
  row(rho, double, from_0_to_1, 0.9) \
  row(eps, double, at_least_0, 1e-6) \
  row(weight_decay, double, at_least_0, 0) \
  row(maximize, bool, flag, false)
#include "slope/optim/grouped-options.h"
// clang-format on

/// Steps in the units of the parameter (Zeiler 2012), with L2 weight decay.
///
///     s ← ρ·s + (1-ρ)·g²;   Δ = √(a + eps)/√(s + eps)·g;   a ← ρ·a + (1-ρ)·Δ²;   θ ← θ - lr·Δ
///
/// Throws ValueError for options outside their domain.
///
///     optim::Adadelta opt(net.parameters());
class Adadelta : public GroupedOptimizer<AdadeltaOptions, AdadeltaGroup, detail::AdadeltaRule> {
  using GroupedOptimizer::GroupedOptimizer;
};

}  // namespace slope::optim
