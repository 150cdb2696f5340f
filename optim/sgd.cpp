#include "slope/optim/sgd.h"

#include "slope/optim/internal/grouped_update.h"

namespace slope::optim::detail {

struct SGDRule {
  static constexpr int slots = 1;
  double lr, weight_decay, momentum, keep, take;
  bool nesterov, maximize;

  template <class V>
  void operator()(V& p, V g, V* s) const {
    if (maximize) g = -g;
    if (weight_decay != 0) g = g + weight_decay * p;
    if (momentum != 0) {
      s[0] = keep * s[0] + take * g;
      g = nesterov ? g + momentum * s[0] : s[0];
    }
    p = p - lr * g;
  }
};

Tensor SGDTraits::initial_slot(const Options&, int, const Tensor& p) { return zeros(p.shape(), {.dtype = p.dtype()}); }

SGDOptions SGDTraits::complete(const Group& g, Options o) {
  o.lr = g.lr.value_or(o.lr);
  o.momentum = g.momentum.value_or(o.momentum);
  o.dampening = g.dampening.value_or(o.dampening);
  o.weight_decay = g.weight_decay.value_or(o.weight_decay);
  o.nesterov = g.nesterov.value_or(o.nesterov);
  o.maximize = g.maximize.value_or(o.maximize);
  return o;
}

void SGDTraits::validate(const Options& o, SourceLoc loc) {
  require_option(o.lr >= 0, name, "Invalid learning rate", o.lr, loc);
  require_option(o.momentum >= 0, name, "Invalid momentum value", o.momentum, loc);
  require_option(o.weight_decay >= 0, name, "Invalid weight_decay value", o.weight_decay, loc);
  if (o.nesterov && (o.momentum <= 0 || o.dampening != 0))
    throw ValueError(concat("SGD: Nesterov momentum requires a momentum and zero dampening, got momentum ", o.momentum,
                            " and dampening ", o.dampening),
                     loc);
}

SGDRule SGDTraits::rule(const Options& o, const ParamState& state) {
  const bool first =
      state.fresh;  // the buffer starts as the gradient, without dampening, also when momentum is set later
  return {o.lr,       o.weight_decay, o.momentum, first ? 0 : o.momentum, first ? 1 : 1 - o.dampening,
          o.nesterov, o.maximize};
}

}  // namespace slope::optim::detail

template class slope::optim::GroupedOptimizer<slope::optim::detail::SGDTraits>;
