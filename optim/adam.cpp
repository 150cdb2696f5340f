#include "slope/optim/adam.h"

#include "slope/optim/internal/grouped_update.h"

#include <cmath>

namespace slope::optim::detail {

struct AdamRule {
  static constexpr int slots = 3;
  double beta1, one_minus_beta1, beta2, one_minus_beta2, eps, weight_decay, shrink, step_size, root_correction;
  bool amsgrad, maximize;

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

template <bool Decoupled>
Tensor AdamTraits<Decoupled>::initial_slot(const Options&, int, const Tensor& p) {
  return zeros(p.shape(), {.dtype = p.dtype()});
}

template <bool Decoupled>
typename AdamTraits<Decoupled>::Options AdamTraits<Decoupled>::complete(const Group& g, Options o) {
  o.lr = g.lr.value_or(o.lr);
  o.betas = g.betas.value_or(o.betas);
  o.eps = g.eps.value_or(o.eps);
  o.weight_decay = g.weight_decay.value_or(o.weight_decay);
  o.amsgrad = g.amsgrad.value_or(o.amsgrad);
  o.maximize = g.maximize.value_or(o.maximize);
  return o;
}

template <bool Decoupled>
void AdamTraits<Decoupled>::validate(const Options& o, SourceLoc loc) {
  require_option(o.lr >= 0, name, "Invalid learning rate", o.lr, loc);
  require_option(o.eps >= 0, name, "Invalid epsilon value", o.eps, loc);
  require_option(o.betas[0] >= 0 && o.betas[0] < 1, name, "Invalid beta parameter at index 0", o.betas[0], loc);
  require_option(o.betas[1] >= 0 && o.betas[1] < 1, name, "Invalid beta parameter at index 1", o.betas[1], loc);
  require_option(o.weight_decay >= 0, name, "Invalid weight_decay value", o.weight_decay, loc);
}

template <bool Decoupled>
AdamRule AdamTraits<Decoupled>::rule(const Options& o, const ParamState& state) {
  const double t = static_cast<double>(state.step);
  return {.beta1 = o.betas[0],
          .one_minus_beta1 = 1 - o.betas[0],
          .beta2 = o.betas[1],
          .one_minus_beta2 = 1 - o.betas[1],
          .eps = o.eps,
          .weight_decay = Decoupled ? 0 : o.weight_decay,
          .shrink = Decoupled ? 1 - o.lr * o.weight_decay : 1,
          .step_size = o.lr / (1 - std::pow(o.betas[0], t)),
          .root_correction = std::sqrt(1 - std::pow(o.betas[1], t)),
          .amsgrad = o.amsgrad,
          .maximize = o.maximize};
}

template struct AdamTraits<false>;
template struct AdamTraits<true>;

}  // namespace slope::optim::detail

template class slope::optim::GroupedOptimizer<slope::optim::detail::AdamTraits<false>>;
template class slope::optim::GroupedOptimizer<slope::optim::detail::AdamTraits<true>>;
