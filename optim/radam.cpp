#include "slope/optim/radam.h"

#include <cmath>

#include "slope/optim/internal/grouped_update.h"

namespace slope::optim {

struct detail::RAdamRule {
  using O = RAdamOptions;
  static constexpr const char* name = "RAdam";
  static constexpr Slot<O> slots[] = {{"exp_avg"}, {"exp_avg_sq"}};

  double beta1, beta2, eps, weight_decay, shrink, step_size;
  bool rectified, maximize;

  RAdamRule(const O& o, Moment now)
      : beta1(o.betas[0]),
        beta2(o.betas[1]),
        eps(o.eps),
        weight_decay(o.decoupled_weight_decay ? 0 : o.weight_decay),
        shrink(o.decoupled_weight_decay ? 1 - o.lr * o.weight_decay : 1),
        step_size(o.lr / (1 - std::pow(beta1, now.step))),
        maximize(o.maximize) {
    const double power = std::pow(beta2, now.step), longest = 2 / (1 - beta2) - 1;
    const double length = longest - 2 * static_cast<double>(now.step) * power / (1 - power);
    rectified = length > 5;
    if (rectified)
      step_size *= std::sqrt((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)) *
                   std::sqrt(1 - power);
  }

  template <class V>
  void operator()(V& p, V g, V* s) const {
    if (maximize) g = -g;
    if (shrink != 1) p = shrink * p;
    if (weight_decay != 0) g = g + weight_decay * p;
    s[0] = beta1 * s[0] + (1 - beta1) * g;
    s[1] = beta2 * s[1] + (1 - beta2) * (g * g);
    const V step = step_size * s[0];
    p = p - (rectified ? step / (sqrt(s[1]) + eps) : step);
  }
};

template class GroupedOptimizer<RAdamOptions, RAdamGroup, detail::RAdamRule>;

}  // namespace slope::optim
