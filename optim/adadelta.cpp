#include "slope/optim/adadelta.h"

#include "slope/optim/internal/grouped_update.h"

namespace slope::optim {

struct detail::AdadeltaRule {
  using O = AdadeltaOptions;
  static constexpr const char* name = "Adadelta";
  static constexpr Slot<O> slots[] = {{"square_avg"}, {"acc_delta"}};

  double lr, rho, eps, weight_decay;
  bool maximize;

  AdadeltaRule(const O& o, Moment)
      : lr(o.lr), rho(o.rho), eps(o.eps), weight_decay(o.weight_decay), maximize(o.maximize) {}

  template <class V>
  void operator()(V& p, V g, V* s) const {
    if (maximize) g = -g;
    if (weight_decay != 0) g = g + weight_decay * p;
    s[0] = rho * s[0] + (1 - rho) * (g * g);
    const V delta = sqrt(s[1] + eps) / sqrt(s[0] + eps) * g;
    s[1] = rho * s[1] + (1 - rho) * (delta * delta);
    p = p - lr * delta;
  }
};

template class GroupedOptimizer<AdadeltaOptions, AdadeltaGroup, detail::AdadeltaRule>;

}  // namespace slope::optim
