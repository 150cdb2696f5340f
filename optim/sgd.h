#pragma once

#include "slope/optim/grouped.h"

namespace slope::optim {

struct SGDOptions {
  double lr = 1e-3;
  double momentum = 0;
  double dampening = 0;
  double weight_decay = 0;
  bool nesterov = false;
  bool maximize = false;
};

/// Parameters with options of their own; what is absent is the optimizer's.
struct SGDGroup {
  ParamList params{};
  std::optional<double> lr{}, momentum{}, dampening{}, weight_decay{};
  std::optional<bool> nesterov{}, maximize{};
};

namespace detail {
struct SGDRule;
}
extern template class GroupedOptimizer<SGDOptions, SGDGroup, detail::SGDRule>;

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
