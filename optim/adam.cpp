#include "slope/optim/adam.h"

#include <cmath>

#include "slope/optim/internal/grouped_update.h"

namespace slope::optim {

template <class O>
struct detail::AdamRule {
  using G = AdamGroup;
  static constexpr bool decoupled = std::is_same_v<O, AdamWOptions>;
  static constexpr const char* name = decoupled ? "AdamW" : "Adam";
  static constexpr std::tuple options = {
      option("lr", &O::lr, &G::lr, at_least_0),
      option("betas", &O::betas, &G::betas, from_0_below_1),
      option("eps", &O::eps, &G::eps, at_least_0),
      option("weight_decay", &O::weight_decay, &G::weight_decay, at_least_0),
      option("amsgrad", &O::amsgrad, &G::amsgrad, flag),
      option("maximize", &O::maximize, &G::maximize, flag),
  };
  static constexpr Slot<O> slots[] = {
      {"exp_avg"}, {"exp_avg_sq"}, {"max_exp_avg_sq", [](const O& o) { return o.amsgrad; }}};

  double beta1, one_minus_beta1, beta2, one_minus_beta2, eps, weight_decay, shrink, step_size, root_correction;
  bool amsgrad, maximize;

  AdamRule(const O& o, Moment now)
      : beta1(o.betas[0]),
        one_minus_beta1(1 - beta1),
        beta2(o.betas[1]),
        one_minus_beta2(1 - beta2),
        eps(o.eps),
        weight_decay(decoupled ? 0 : o.weight_decay),
        shrink(decoupled ? 1 - o.lr * o.weight_decay : 1),
        step_size(o.lr / (1 - std::pow(beta1, now.step))),
        root_correction(std::sqrt(1 - std::pow(beta2, now.step))),
        amsgrad(o.amsgrad),
        maximize(o.maximize) {}

  template <class V>
  void operator()(V& p, V g, V* s) const {
    if (maximize) g = -g;
    if (shrink != 1) p = shrink * p;
    if (weight_decay != 0) g = g + weight_decay * p;
    s[0] = beta1 * s[0] + one_minus_beta1 * g;
    s[1] = beta2 * s[1] + one_minus_beta2 * (g * g);
    V v = s[1];
    if (amsgrad) v = s[2] = maximum(s[2], s[1]);
    p = p - step_size * s[0] / (sqrt(v) / root_correction + eps);
  }
};

template class GroupedOptimizer<AdamOptions, AdamGroup, detail::AdamRule<AdamOptions>>;
template class GroupedOptimizer<AdamWOptions, AdamGroup, detail::AdamRule<AdamWOptions>>;

}  // namespace slope::optim
