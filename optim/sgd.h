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

/// Parameters with options of their own; what is absent inherits the optimizer's.
struct SGDGroup {
  std::vector<Tensor> params{};
  std::optional<double> lr{}, momentum{}, dampening{}, weight_decay{};
  std::optional<bool> nesterov{}, maximize{};
};

namespace detail {

struct SGDRule;

struct SGDTraits {
  using Options = SGDOptions;
  using Group = SGDGroup;
  using Rule = SGDRule;
  static constexpr const char* name = "SGD";
  static constexpr const char* slot_names[] = {"momentum_buffer"};
  static bool uses_slot(const Options& o, int) { return o.momentum != 0; }
  static Tensor initial_slot(const Options&, int, const Tensor& p);
  static Options complete(const Group& g, Options o);
  static void validate(const Options& o, SourceLoc loc);
  static Rule rule(const Options& o, const ParamState& state);
  template <class F>
  static void for_each_option(Options& o, const F& f) {
    f("lr", o.lr);
    f("momentum", o.momentum);
    f("dampening", o.dampening);
    f("weight_decay", o.weight_decay);
    f("nesterov", o.nesterov);
    f("maximize", o.maximize);
  }
};

}  // namespace detail

extern template class GroupedOptimizer<detail::SGDTraits>;

/// Stochastic gradient descent, with momentum (Polyak 1964) or Nesterov momentum (Sutskever et al. 2013).
///
///     g ← g + weight_decay·θ;   b ← momentum·b + (1 - dampening)·g   (first step: b ← g)
///     θ ← θ - lr·b              (Nesterov: θ - lr·(g + momentum·b))
///
/// Throws ValueError for negative options, and for nesterov without momentum or with dampening.
///
///     optim::SGD opt({{.params = weights, .weight_decay = 1e-5}, {.params = biases}}, {.lr = 1e-2, .momentum = 0.9});
class SGD : public GroupedOptimizer<detail::SGDTraits> {
  using GroupedOptimizer::GroupedOptimizer;
};

}  // namespace slope::optim
