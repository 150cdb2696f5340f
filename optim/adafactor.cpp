#include "slope/optim/adafactor.h"

#include <cmath>
#include <limits>

#include "slope/optim/internal/grouped_update.h"

namespace slope::optim {

struct detail::AdafactorRule {
  using O = AdafactorOptions;
  static constexpr const char* name = "Adafactor";
  static constexpr Slot<O> slots[] = {{"row_var"}, {"col_var"}, {"variance"}};
  static bool has_slot(std::size_t slot, const Tensor& p) { return (slot == 2) == (p.dim() < 2); }
  static Shape slot_shape(std::size_t slot, const Tensor& p) {
    Shape shape = p.shape();
    if (slot < 2) shape[shape.size() - 1 - slot] = 1;
    return shape;
  }

  static double rms(const Tensor& x) {
    return x.numel() == 0 ? 0 : x.norm().item() / std::sqrt(static_cast<double>(x.numel()));
  }
  static Tensor next(const O& o, Moment now, const Tensor& p, const Tensor& g, std::span<Tensor> s, std::span<double>) {
    const auto t = static_cast<double>(now.step);
    const double eps1 = o.eps[0] > 0                  ? o.eps[0]
                        : p.dtype() == DType::float64 ? std::numeric_limits<double>::epsilon()
                                                      : std::numeric_limits<float>::epsilon();
    const double share = std::pow(t, o.beta2_decay), rate = std::fmin(o.lr, 1 / std::sqrt(t));
    const double step = std::fmax(o.eps[1], rms(p)) * rate;
    const Tensor square = g.square();
    const auto moved = [share](const Tensor& from, const Tensor& to) { return from + share * (to - from); };
    Tensor v;
    if (p.dim() < 2) {
      v = s[2] = moved(s[2], square);
    } else {
      s[0] = moved(s[0], square.mean(-1, true));
      s[1] = moved(s[1], square.mean(-2, true));
      v = s[0] * s[1] / s[0].mean(-2, true).clamp_min(eps1);
    }
    const Tensor u = g * v.clamp_min(eps1 * eps1).rsqrt();
    const double length = step / std::fmax(1, rms(u) / o.d);
    return (1 - o.lr * o.weight_decay) * p + (o.maximize ? length : -length) * u;
  }
};

template class GroupedOptimizer<AdafactorOptions, AdafactorGroup, detail::AdafactorRule>;

}  // namespace slope::optim
