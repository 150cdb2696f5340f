#include "slope/optim/rmsprop.h"

#include "slope/optim/internal/grouped_update.h"

namespace slope::optim {

struct detail::RMSpropRule {
  using O = RMSpropOptions;
  static constexpr const char* name = "RMSprop";
  static constexpr Slot<O> slots[] = {{"square_avg"},
                                      {"momentum_buffer", [](const O& o) { return o.momentum > 0; }},
                                      {"grad_avg", [](const O& o) { return o.centered; }}};

  double lr, alpha, eps, weight_decay, momentum;
  bool centered, maximize;

  RMSpropRule(const O& o, Moment)
      : lr(o.lr),
        alpha(o.alpha),
        eps(o.eps),
        weight_decay(o.weight_decay),
        momentum(o.momentum),
        centered(o.centered),
        maximize(o.maximize) {}

  template <class V>
  void operator()(V& p, V g, V* s) const {
    if (maximize) g = -g;
    if (weight_decay != 0) g = g + weight_decay * p;
    s[0] = alpha * s[0] + (1 - alpha) * (g * g);
    V square = s[0];
    if (centered) {
      s[2] = alpha * s[2] + (1 - alpha) * g;
      square = square - s[2] * s[2];
    }
    V step = g / (sqrt(square) + eps);
    if (momentum > 0) step = s[1] = momentum * s[1] + step;
    p = p - lr * step;
  }
};

template class GroupedOptimizer<RMSpropOptions, RMSpropGroup, detail::RMSpropRule>;

}  // namespace slope::optim
