#pragma once

#include <array>

#include "slope/optim/grouped.h"

namespace slope::optim {

struct AdamOptions {
  double lr = 1e-3;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0;
  bool amsgrad = false;
  bool maximize = false;
};

struct AdamWOptions {
  double lr = 1e-3;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 1e-2;
  bool amsgrad = false;
  bool maximize = false;
};

/// Parameters with options of their own; what is absent is the optimizer's.
struct AdamGroup {
  ParamList params{};
  std::optional<double> lr{};
  std::optional<std::array<double, 2>> betas{};
  std::optional<double> eps{}, weight_decay{};
  std::optional<bool> amsgrad{}, maximize{};
};

namespace detail {
template <class Options>
struct AdamRule;  // of Adam and AdamW, which differ in how weights decay
}
extern template class GroupedOptimizer<AdamOptions, AdamGroup, detail::AdamRule<AdamOptions>>;
extern template class GroupedOptimizer<AdamWOptions, AdamGroup, detail::AdamRule<AdamWOptions>>;

/// Adam (Kingma & Ba 2015; AMSGrad: Reddi et al. 2018), with L2 weight decay.
///
///     m ← β1·m + (1-β1)·g;   v ← β2·v + (1-β2)·g²;   v' = amsgrad ? max over all v : v
///     θ ← θ - lr/(1-β1ᵗ) · m / (√v'/√(1-β2ᵗ) + eps)
///
/// Throws ValueError for options outside their domain.
///
///     optim::Adam opt(net.parameters(), {.lr = 1e-2});
class Adam : public GroupedOptimizer<AdamOptions, AdamGroup, detail::AdamRule<AdamOptions>> {
  using GroupedOptimizer::GroupedOptimizer;
};

/// Adam with decoupled weight decay (Loshchilov & Hutter 2019): θ ← (1 - lr·weight_decay)·θ before the update, instead of
/// weight_decay·θ in the gradient.
class AdamW : public GroupedOptimizer<AdamWOptions, AdamGroup, detail::AdamRule<AdamWOptions>> {
  using GroupedOptimizer::GroupedOptimizer;
};

}  // namespace slope::optim
