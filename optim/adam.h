#pragma once

#include "slope/optim/grouped.h"

namespace slope::optim {

// clang-format off
#define SLOPE_OPTIMIZER(part) Adam##part
#define SLOPE_OPTIONS(row) \
  row(lr, double, at_least_0, 1e-3) \
  row(betas, detail::Pair, from_0_below_1, {0.9, 0.999}) \
  row(eps, double, at_least_0, 1e-8) \
  row(weight_decay, double, at_least_0, 0) \
  row(amsgrad, bool, flag, false) \
  row(maximize, bool, flag, false)
#include "slope/optim/grouped-options.h"

#define SLOPE_OPTIMIZER(part) AdamW##part
#define SLOPE_OPTIONS(row) \
  row(lr, double, at_least_0, 1e-3) \
  row(betas, detail::Pair, from_0_below_1, {0.9, 0.999}) \
  row(eps, double, at_least_0, 1e-8) \
  row(weight_decay, double, at_least_0, 1e-2) \
  row(amsgrad, bool, flag, false) \
  row(maximize, bool, flag, false)
#include "slope/optim/grouped-options.h"
// clang-format on

/// Adam (Kingma & Ba 2015; AMSGrad: Reddi et al. 2018), with L2 weight decay.
///
///     m ← β1·m + (1-β1)·g;   v ← β2·v + (1-β2)·g²;   v' = amsgrad ? max over all v : v
///     θ ← θ - lr/(1-β1ᵗ) · m / (√v'/√(1-β2ᵗ) + eps)
///
/// Throws ValueError for options outside their domain.
///
///     optim::Adam opt(net.parameters(), {.lr = 1e-2});
class Adam : public GroupedOptimizer<AdamOptions, AdamGroup, detail::AdamRule> {
  using GroupedOptimizer::GroupedOptimizer;
};

/// Adam with decoupled weight decay (Loshchilov & Hutter 2019): θ ← (1 - lr·weight_decay)·θ before the update, instead of
/// weight_decay·θ in the gradient.
class AdamW : public GroupedOptimizer<AdamWOptions, AdamWGroup, detail::AdamWRule> {
  using GroupedOptimizer::GroupedOptimizer;
};

}  // namespace slope::optim
