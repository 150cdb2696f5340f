#include "slope/optim/nadam.h"

#include <cmath>

#include "slope/optim/internal/grouped_update.h"

namespace slope::optim {

struct detail::NAdamRule {
  using O = NAdamOptions;
  static constexpr const char* name = "NAdam";
  static constexpr Slot<O> slots[] = {{"exp_avg"}, {"exp_avg_sq"}};
  static constexpr Number numbers[] = {{"mu_product", 1}};

  double beta1, beta2, eps, weight_decay, shrink, correction, g_step, m_step;
  bool maximize;

  NAdamRule(const O& o, Moment now, std::span<double> own)
      : beta1(o.betas[0]),
        beta2(o.betas[1]),
        eps(o.eps),
        weight_decay(o.decoupled_weight_decay ? 0 : o.weight_decay),
        shrink(o.decoupled_weight_decay ? 1 - o.lr * o.weight_decay : 1),
        correction(1 / (1 - std::pow(beta2, now.step))),
        maximize(o.maximize) {
    const auto mu = [&](std::int64_t t) {
      return beta1 * (1 - 0.5 * std::pow(0.96, static_cast<double>(t) * o.momentum_decay));
    };
    const double here = mu(now.step), next = mu(now.step + 1);
    own[0] *= here;
    g_step = o.lr * (1 - here) / (1 - own[0]);
    m_step = o.lr * next / (1 - own[0] * next);
  }

  template <class V>
  void operator()(V& p, V g, V* s) const {
    if (maximize) g = -g;
    if (shrink != 1) p = shrink * p;
    if (weight_decay != 0) g = g + weight_decay * p;
    s[0] = beta1 * s[0] + (1 - beta1) * g;
    s[1] = beta2 * s[1] + (1 - beta2) * (g * g);
    p = p - (g_step * g + m_step * s[0]) / (sqrt(s[1] * correction) + eps);
  }
};

template class GroupedOptimizer<NAdamOptions, NAdamGroup, detail::NAdamRule>;

}  // namespace slope::optim
