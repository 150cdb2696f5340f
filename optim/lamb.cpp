#include "slope/optim/lamb.h"

#include <cmath>

#include "slope/optim/internal/grouped_update.h"

namespace slope::optim {

struct detail::LAMBRule {
  using O = LAMBOptions;
  static constexpr const char* name = "LAMB";
  static constexpr Slot<O> slots[] = {{"exp_avg"}, {"exp_avg_sq"}};
  static constexpr int sums = 2;  // of the squares of θ and of u

  double lr, beta1, beta2, eps, weight_decay, m_factor, v_factor;
  bool maximize;

  LAMBRule(const O& o, Moment now)
      : lr(o.lr),
        beta1(o.betas[0]),
        beta2(o.betas[1]),
        eps(o.eps),
        weight_decay(o.weight_decay),
        m_factor(1 / (1 - std::pow(beta1, now.step))),
        v_factor(1 / (1 - std::pow(beta2, now.step))),
        maximize(o.maximize) {}

  template <class V>
  V direction(const V& p, const V* s) const {
    return m_factor * s[0] / (sqrt(v_factor * s[1]) + eps) + weight_decay * p;
  }
  template <class V>
  void measure(const V& p, V g, V* s, V* of) const {
    if (maximize) g = -g;
    s[0] = beta1 * s[0] + (1 - beta1) * g;
    s[1] = beta2 * s[1] + (1 - beta2) * (g * g);
    const V u = direction(p, s);
    of[0] = p * p;
    of[1] = u * u;
  }
  void scale(const double* sum) {
    if (sum[0] > 0 && sum[1] > 0) lr *= std::sqrt(sum[0] / sum[1]);
  }
  template <class V>
  void operator()(V& p, V, V* s) const {
    p = p - lr * direction(p, s);
  }
};

template class GroupedOptimizer<LAMBOptions, LAMBGroup, detail::LAMBRule>;

}  // namespace slope::optim
