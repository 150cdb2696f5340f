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

/// Parameters with options of their own; what is absent inherits the optimizer's.
struct AdamGroup {
  std::vector<Tensor> params{};
  std::optional<double> lr{};
  std::optional<std::array<double, 2>> betas{};
  std::optional<double> eps{}, weight_decay{};
  std::optional<bool> amsgrad{}, maximize{};
};

namespace detail {

struct AdamRule;

/// What Adam and AdamW share; they differ in how weights decay.
template <bool Decoupled>
struct AdamTraits {
  using Group = AdamGroup;
  using Options = std::conditional_t<Decoupled, AdamWOptions, AdamOptions>;
  using Rule = AdamRule;
  static constexpr const char* name = Decoupled ? "AdamW" : "Adam";
  static constexpr const char* slot_names[] = {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"};
  static bool uses_slot(const Options& o, int k) { return k < 2 || o.amsgrad; }
  static Tensor initial_slot(const Options&, int, const Tensor& p);
  static Options complete(const Group& g, Options o);
  static void validate(const Options& o, SourceLoc loc);
  static Rule rule(const Options& o, const ParamState& state);
  template <class F>
  static void for_each_option(Options& o, const F& f) {
    f("lr", o.lr);
    f("beta1", o.betas[0]);
    f("beta2", o.betas[1]);
    f("eps", o.eps);
    f("weight_decay", o.weight_decay);
    f("amsgrad", o.amsgrad);
    f("maximize", o.maximize);
  }
};
extern template struct AdamTraits<false>;
extern template struct AdamTraits<true>;

}  // namespace detail

extern template class GroupedOptimizer<detail::AdamTraits<false>>;
extern template class GroupedOptimizer<detail::AdamTraits<true>>;

/// Adam (Kingma & Ba 2015; AMSGrad: Reddi et al. 2018), with L2 weight decay.
///
///     m ← β1·m + (1-β1)·g;   v ← β2·v + (1-β2)·g²;   v' = amsgrad ? max over all v : v
///     θ ← θ - lr/(1-β1ᵗ) · m / (√v'/√(1-β2ᵗ) + eps)
///
/// Throws ValueError for options outside their domain.
///
///     optim::Adam opt(net.parameters(), {.lr = 1e-2});
class Adam : public GroupedOptimizer<detail::AdamTraits<false>> {
  using GroupedOptimizer::GroupedOptimizer;
};

/// Adam with decoupled weight decay (Loshchilov & Hutter 2019): θ ← (1 - lr·weight_decay)·θ before the update, instead of
/// weight_decay·θ in the gradient.
class AdamW : public GroupedOptimizer<detail::AdamTraits<true>> {
  using GroupedOptimizer::GroupedOptimizer;
};

}  // namespace slope::optim
