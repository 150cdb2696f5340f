#include "slope/optim/sgd.h"

#include "slope/optim/internal/grouped_update.h"

namespace slope::optim {

struct detail::SGDRule {
  using O = SGDOptions;
  using G = SGDGroup;
  static constexpr const char* name = "SGD";
  static constexpr std::tuple options = {
      option("lr", &O::lr, &G::lr, at_least_0),
      option("momentum", &O::momentum, &G::momentum, at_least_0),
      option("dampening", &O::dampening, &G::dampening, any),
      option("weight_decay", &O::weight_decay, &G::weight_decay, at_least_0),
      option("nesterov", &O::nesterov, &G::nesterov, flag),
      option("maximize", &O::maximize, &G::maximize, flag),
  };
  static constexpr Slot<O> slots[] = {{"momentum_buffer", [](const O& o) { return o.momentum != 0; }}};
  static void check(const O& o, SourceLoc loc) {
    if (o.nesterov && (o.momentum <= 0 || o.dampening != 0))
      throw ValueError(concat("SGD: Nesterov momentum requires a momentum and zero dampening, got momentum ",
                              o.momentum, " and dampening ", o.dampening),
                       loc);
  }

  double lr, weight_decay, momentum, buffer_factor, grad_factor;
  bool nesterov, maximize;

  SGDRule(const O& o, Moment now)
      : lr(o.lr),
        weight_decay(o.weight_decay),
        momentum(o.momentum),
        // The buffer starts as the gradient, without dampening, also when momentum is set later.
        buffer_factor(now.fresh ? 0 : o.momentum),
        grad_factor(now.fresh ? 1 : 1 - o.dampening),
        nesterov(o.nesterov),
        maximize(o.maximize) {}

  template <class V>
  void operator()(V& p, V g, V* s) const {
    if (maximize) g = -g;
    if (weight_decay != 0) g = g + weight_decay * p;
    if (momentum != 0) {
      s[0] = buffer_factor * s[0] + grad_factor * g;
      g = nesterov ? g + momentum * s[0] : s[0];
    }
    p = p - lr * g;
  }
};

template class GroupedOptimizer<SGDOptions, SGDGroup, detail::SGDRule>;

}  // namespace slope::optim
