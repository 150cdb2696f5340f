#include "slope/optim/adagrad.h"

#include "slope/optim/internal/grouped_update.h"

namespace slope::optim {

struct detail::AdagradRule {
  using O = AdagradOptions;
  static constexpr const char* name = "Adagrad";
  static constexpr Slot<O> slots[] = {{"sum", nullptr, [](const O& o) { return o.initial_accumulator_value; }}};

  double rate, weight_decay, eps;
  bool maximize;

  AdagradRule(const O& o, Moment now)
      : rate(o.lr / (1 + static_cast<double>(now.step - 1) * o.lr_decay)),
        weight_decay(o.weight_decay),
        eps(o.eps),
        maximize(o.maximize) {}

  template <class V>
  void operator()(V& p, V g, V* s) const {
    if (maximize) g = -g;
    if (weight_decay != 0) g = g + weight_decay * p;
    s[0] = s[0] + g * g;
    p = p - rate * g / (sqrt(s[0]) + eps);
  }
};

template class GroupedOptimizer<AdagradOptions, AdagradGroup, detail::AdagradRule>;

}  // namespace slope::optim
