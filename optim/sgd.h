#pragma once

#include "slope/optim/grouped.h"

namespace slope::optim {

// clang-format off
#define SLOPE_OPTIMIZER(part) SGD##part
#define SLOPE_OPTIONS(row) \
  row(lr, double, at_least_0, 1e-3) \
  row(momentum, double, at_least_0, 0) \
  row(dampening, double, any, 0) \
  row(weight_decay, double, at_least_0, 0) \
  row(nesterov, bool, flag, false) \
  row(maximize, bool, flag, false)
#include "slope/optim/grouped-options.h"
// clang-format on

/// Stochastic gradient descent, with momentum (Polyak 1964) or Nesterov momentum (Sutskever et al. 2013).
///
///     g ← g + weight_decay·θ;   b ← momentum·b + (1 - dampening)·g   (first step: b ← g)
///     θ ← θ - lr·b              (Nesterov: θ - lr·(g + momentum·b))
///
/// Throws ValueError for negative options, and for nesterov without momentum or with dampening.
///
///     optim::SGD opt({{.params = weights, .weight_decay = 1e-5}, {.params = biases}}, {.lr = 1e-2, .momentum = 0.9});
class SGD : public GroupedOptimizer<SGDOptions, SGDGroup, detail::SGDRule> {
  using GroupedOptimizer::GroupedOptimizer;
};

}  // namespace slope::optim
