#pragma once

#include "slope/optim/grouped.h"

namespace slope::optim {

/// How Muon's learning rate depends on a matrix's shape: lr·√max(1, rows/columns), or lr·0.2·√max(rows, columns), with which
/// the learning rates of AdamW fit.
enum class AdjustLr { original, match_rms_adamw };

// clang-format off
#define SLOPE_OPTIMIZER(part) Muon##part
#define SLOPE_OPTIONS(row) \
  row(lr, double, at_least_0, 1e-3) \
  row(weight_decay, double, at_least_0, 0.1) \
  row(momentum, double, at_least_0, 0.95) \
  row(nesterov, bool, flag, true) \
  row(ns_coefficients, detail::Triple, any, {3.4445, -4.7750, 2.0315}) \
  row(eps, double, at_least_0, 1e-7) \
  row(ns_steps, std::int64_t, counted_from_0, 5) \
  row(adjust_lr_fn, AdjustLr, flag, AdjustLr::original)
#include "slope/optim/grouped-options.h"
// clang-format on

/// Momentum made orthogonal (Jordan et al. 2024), for the matrices inside a network; give the rest to AdamW. Decoupled weight decay.
///
///     B ← momentum·B + (1 - momentum)·g;   U = B   (Nesterov: (1 - momentum)·g + momentum·B)
///     X = U/max(‖U‖, eps), then ns_steps times A = XXᵀ, X ← a·X + (b·A + c·AA)X   (of Uᵀ, where that has fewer rows)
///     θ ← θ·(1 - lr·weight_decay) - lr'·X,   lr' by `adjust_lr_fn`
///
/// Throws ValueError for parameters that are not matrices and for options outside their domain.
///
///     optim::Muon opt(matrices, {.lr = 0.02});
class Muon : public GroupedOptimizer<MuonOptions, MuonGroup, detail::MuonRule> {
  using GroupedOptimizer::GroupedOptimizer;
};

}  // namespace slope::optim
