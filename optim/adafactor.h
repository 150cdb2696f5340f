#pragma once

#include "slope/optim/grouped.h"

namespace slope::optim {

// clang-format off
#define SLOPE_OPTIMIZER(part) Adafactor##part
#define SLOPE_OPTIONS(row) \
  row(lr, double, at_least_0, 1e-2) \
  row(beta2_decay, double, at_most_0, -0.8) \
  row(eps, detail::Pair, at_least_0, {0, 1e-3}) \
  row(d, double, at_least_1, 1) \
  row(weight_decay, double, at_least_0, 0) \
  row(maximize, bool, flag, false)
#include "slope/optim/grouped-options.h"
// clang-format on

/// Adaptive steps at the memory of a row and a column per matrix (Shazeer & Stern 2018), with decoupled weight decay.
///
///     τ = t^beta2_decay;   α = max(eps₂, rms(θ))·min(lr, 1/√t), of θ before its decay
///     matrices: R ← R + τ·(mean of g² along rows - R), C alike along columns, V = R·C / max(mean of R, eps₁);   else V ← V + τ·(g² - V)
///     u = g/√max(V, eps₁²);   θ ← θ·(1 - lr·weight_decay) - α/max(1, rms(u)/d)·u
///
/// eps₁ = 0 means the machine epsilon of the dtype. More than two dimensions are matrices of the last two.
/// Throws ValueError for options outside their domain.
///
///     optim::Adafactor opt(net.parameters(), {.lr = 1e-2});
class Adafactor : public GroupedOptimizer<AdafactorOptions, AdafactorGroup, detail::AdafactorRule> {
  using GroupedOptimizer::GroupedOptimizer;
};

}  // namespace slope::optim
