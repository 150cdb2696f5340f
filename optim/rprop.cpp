#include "slope/optim/rprop.h"

#include "slope/optim/internal/grouped_update.h"

namespace slope::optim {

struct detail::RpropRule {
  using O = RpropOptions;
  static constexpr const char* name = "Rprop";
  static constexpr Slot<O> slots[] = {{"prev"}, {"step_size", nullptr, [](const O& o) { return o.lr; }}};
  static void check(const O& o, SourceLoc loc) {
    if (o.etas[0] <= 0 || o.etas[0] >= 1 || o.etas[1] <= 1)
      throw ValueError(concat("Rprop: Invalid eta values: ", o.etas[0], ", ", o.etas[1],
                              "; the first must lie between 0 and 1, the second above 1"),
                       loc);
    if (o.step_sizes[0] > o.step_sizes[1])
      throw ValueError(concat("Rprop: Invalid step sizes: ", o.step_sizes[0], " is above ", o.step_sizes[1]), loc);
  }

  double shorter, longer, least, most;
  bool maximize;

  RpropRule(const O& o, Moment)
      : shorter(o.etas[0]), longer(o.etas[1]), least(o.step_sizes[0]), most(o.step_sizes[1]), maximize(o.maximize) {}

  template <class V>
  void operator()(V& p, V g, V* s) const {
    if (maximize) g = -g;
    const V turn = g * s[0];
    s[1] = minimum(maximum(s[1] * where(turn > 0, longer, where(turn < 0, shorter, 1)), least), most);
    g = where(turn < 0, 0, g);
    p = p - sign(g) * s[1];
    s[0] = g;
  }
};

template class GroupedOptimizer<RpropOptions, RpropGroup, detail::RpropRule>;

}  // namespace slope::optim
