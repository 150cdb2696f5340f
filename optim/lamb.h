#pragma once

#include "slope/optim/grouped.h"

namespace slope::optim {

// clang-format off
#define SLOPE_OPTIMIZER(part) LAMB##part
#define SLOPE_OPTIONS(row) \
  row(lr, double, at_least_0, 1e-3) \
  row(betas, detail::Pair, from_0_below_1, {0.9, 0.999}) \
  row(eps, double, at_least_0, 1e-6) \
  row(weight_decay, double, at_least_0, 1e-2) \
  row(maximize, bool, flag, false)
#include "slope/optim/grouped-options.h"
// clang-format on

/// Adam whose step is as long as the parameter, layer by layer (You et al. 2020), for large batches.
///
///     m, v as Adam;   u = m/(1-β1ᵗ) / (√(v/(1-β2ᵗ)) + eps) + weight_decay·θ
///     θ ← θ - lr·φ·u,   φ = ‖θ‖/‖u‖, or 1 where either is 0
///
/// Throws ValueError for options outside their domain.
///
///     optim::LAMB opt(net.named_parameters(), {.lr = 2e-3});
class LAMB : public GroupedOptimizer<LAMBOptions, LAMBGroup, detail::LAMBRule> {
  using GroupedOptimizer::GroupedOptimizer;
};

}  // namespace slope::optim
