#include "slope/optim/asgd.h"

#include <cmath>

#include "slope/optim/internal/grouped_update.h"

namespace slope::optim {

struct detail::ASGDRule {
  using O = ASGDOptions;
  static constexpr const char* name = "ASGD";
  static constexpr Slot<O> slots[] = {{"ax"}};
  static constexpr Number numbers[] = {{"eta"}, {"mu"}};

  double weight_decay, shrink, eta, mu;
  bool maximize;

  ASGDRule(const O& o, Moment now, std::span<double> own)
      : weight_decay(o.weight_decay),
        eta(now.step == 1 ? o.lr : own[0]),
        mu(now.step == 1 ? 1 : own[1]),
        maximize(o.maximize) {
    shrink = 1 - o.lambd * eta;
    const auto t = static_cast<double>(now.step);
    own[0] = o.lr / std::pow(1 + o.lambd * o.lr * t, o.alpha);
    own[1] = 1 / (t - o.t0 > 1 ? t - o.t0 : 1);
  }

  template <class V>
  void operator()(V& p, V g, V* s) const {
    if (maximize) g = -g;
    if (weight_decay != 0) g = g + weight_decay * p;
    p = shrink * p - eta * g;
    s[0] = mu != 1 ? s[0] + mu * (p - s[0]) : p;
  }
};

template class GroupedOptimizer<ASGDOptions, ASGDGroup, detail::ASGDRule>;

}  // namespace slope::optim
