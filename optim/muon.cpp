#include "slope/optim/muon.h"

#include <cmath>

#include "slope/optim/internal/grouped_update.h"

namespace slope::optim {

struct detail::MuonRule {
  using O = MuonOptions;
  static constexpr const char* name = "Muon";
  static constexpr Slot<O> slots[] = {{"momentum_buffer"}};
  static void check_param(const Tensor& p, SourceLoc loc) {
    if (p.dim() != 2)
      throw ValueError(concat("Muon: Muon only supports 2D parameters whereas we found a parameter with size: ",
                              slope::to_text(p.shape()), "; give it to another optimizer, such as AdamW"),
                       loc);
  }

  static Tensor next(const O& o, Moment, const Tensor& p, const Tensor& g, std::span<Tensor> s, std::span<double>) {
    s[0] = o.momentum * s[0] + (1 - o.momentum) * g;
    Tensor x = o.nesterov ? o.momentum * s[0] + (1 - o.momentum) * g : s[0];
    const auto rows = static_cast<double>(p.size(0)), columns = static_cast<double>(p.size(1));
    if (rows > columns) x = x.t();
    x = x / std::fmax(x.norm().item(), o.eps);
    const auto [a, b, c] = o.ns_coefficients;
    for (std::int64_t i = 0; i < o.ns_steps; ++i) {
      const Tensor square = matmul(x, x.t());
      x = addmm(x, addmm(square, square, square, {.beta = b, .alpha = c}), x, {.beta = a});
    }
    if (rows > columns) x = x.t();
    const double rate =
        o.lr * (o.adjust_lr_fn == AdjustLr::original ? std::sqrt(std::fmax(1, columns > 0 ? rows / columns : 1))
                                                     : 0.2 * std::sqrt(std::fmax(rows, columns)));
    return (1 - o.lr * o.weight_decay) * p - rate * x;
  }
};

template class GroupedOptimizer<MuonOptions, MuonGroup, detail::MuonRule>;

}  // namespace slope::optim
