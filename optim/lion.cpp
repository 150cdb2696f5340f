#include "slope/optim/lion.h"

#include "slope/optim/internal/grouped_update.h"

namespace slope::optim {

struct detail::LionRule {
  using O = LionOptions;
  static constexpr const char* name = "Lion";
  static constexpr Slot<O> slots[] = {{"exp_avg"}};

  double lr, beta1, beta2, shrink;
  bool maximize;

  LionRule(const O& o, Moment)
      : lr(o.lr), beta1(o.betas[0]), beta2(o.betas[1]), shrink(1 - o.lr * o.weight_decay), maximize(o.maximize) {}

  template <class V>
  void operator()(V& p, V g, V* s) const {
    if (maximize) g = -g;
    p = shrink * p - lr * sign(beta1 * s[0] + (1 - beta1) * g);
    s[0] = beta2 * s[0] + (1 - beta2) * g;
  }
};

template class GroupedOptimizer<LionOptions, LionGroup, detail::LionRule>;

}  // namespace slope::optim
