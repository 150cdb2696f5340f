#pragma once

#include "slope/optim/grouped.h"

namespace slope::optim {

// clang-format off
#define SLOPE_OPTIMIZER(part) Adagrad##part
#define SLOPE_OPTIONS(row) \
  row(lr, double, at_least_0, 1e-2) \
  row(lr_decay, double, at_least_0, 0) \
  row(weight_decay, double, at_least_0, 0) \
  row(initial_accumulator_value, double, at_least_0, 0) \
  row(eps, double, at_least_0, 1e-10) \
  row(maximize, bool, flag, false)
#include "slope/optim/grouped-options.h"
// clang-format on

/// Steps that shrink where gradients were large (Duchi, Hazan & Singer 2011), with L2 weight decay.
///
///     s ← s + g², from initial_accumulator_value;   θ ← θ - lr/(1 + (t-1)·lr_decay)·g/(√s + eps)
///
/// Throws ValueError for negative options.
///
///     optim::Adagrad opt(embedding.parameters(), {.lr = 0.1});
class Adagrad : public GroupedOptimizer<AdagradOptions, AdagradGroup, detail::AdagradRule> {
  using GroupedOptimizer::GroupedOptimizer;
};

}  // namespace slope::optim
