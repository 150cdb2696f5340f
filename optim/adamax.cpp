#include "slope/optim/adamax.h"

#include <cmath>

#include "slope/optim/internal/grouped_update.h"

namespace slope::optim {

struct detail::AdamaxRule {
  using O = AdamaxOptions;
  static constexpr const char* name = "Adamax";
  static constexpr Slot<O> slots[] = {{"exp_avg"}, {"exp_inf"}};

  double beta1, beta2, eps, weight_decay, step_size;
  bool maximize;

  AdamaxRule(const O& o, Moment now)
      : beta1(o.betas[0]),
        beta2(o.betas[1]),
        eps(o.eps),
        weight_decay(o.weight_decay),
        step_size(o.lr / (1 - std::pow(beta1, now.step))),
        maximize(o.maximize) {}

  template <class V>
  void operator()(V& p, V g, V* s) const {
    if (maximize) g = -g;
    if (weight_decay != 0) g = g + weight_decay * p;
    s[0] = beta1 * s[0] + (1 - beta1) * g;
    s[1] = maximum(beta2 * s[1], abs(g) + eps);
    p = p - step_size * s[0] / s[1];
  }
};

template class GroupedOptimizer<AdamaxOptions, AdamaxGroup, detail::AdamaxRule>;

}  // namespace slope::optim
