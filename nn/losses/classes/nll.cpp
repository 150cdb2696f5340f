#include "slope/nn/losses/classes/nll.h"

#include "slope/autograd/engine/op.h"
#include "slope/autograd/kernels/loops/iterate.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/nn/losses/classes/internal/class_targets.h"

namespace slope::nn {

namespace {

struct NegativeLogLikelihood {
  static constexpr std::string_view name = "NllLoss";
  detail::ClassAxis axis;
  Reduction reduction;
  double divisor;  // of the sum: 1, or the total weight for the mean
  SourceLoc loc;
  Shape shape{};

  struct Saved {
    SavedTensor x, target, weight;
  };

  Tensor forward(Saved& s, const Tensor& x, NoGrad target, NoGrad weight) {
    s = {save(x), save(target), save(weight)};
    const detail::ClassTargets targets{axis, target, weight};
    shape = x.shape();
    const Shape& positions = targets.target.shape();
    const bool reduced = reduction != Reduction::none;
    const Tensor values = make_empty(positions, reduced ? DType::float64 : x.dtype());
    Shape strides = x.strides();
    strides.erase(targets.dim);
    const auto item = static_cast<std::int64_t>(itemsize(x.dtype()));
    const std::int64_t step = x.strides()[targets.dim] * item;
    for (std::int64_t& d : strides) d *= item;
    const StridedArg args[] = {{values.raw_data(), broadcast_byte_strides(values.impl(), positions)},
                               {x.raw_data(), strides},
                               {targets.target.raw_data(), broadcast_byte_strides(targets.target.impl(), positions)}};
    const StridedLoop<3> loop(positions, args);
    // A score of a long row is a cache miss of its own.
    const std::int64_t grain = targets.classes * item >= 512 ? 2048 : grain_cheap;
    visit_floating(x.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const T* w = targets.weight.defined() ? targets.weight.impl().ptr<const T>() : nullptr;
      const auto run = [&]<class Out>(Out) {
        loop.run(grain, [&](char* const* p, const std::int64_t* d, std::int64_t n) {
          for (std::int64_t i = 0; i < n; ++i) {
            const std::int64_t c = *reinterpret_cast<const std::int64_t*>(p[2] + i * d[2]);
            Out& out = *reinterpret_cast<Out*>(p[0] + i * d[0]);
            if (c == targets.ignore_index || (w && w[c] == 0))
              out = 0;
            else
              out = -(w ? static_cast<Out>(w[c]) : Out(1)) *
                    static_cast<Out>(*reinterpret_cast<const T*>(p[1] + i * d[1] + c * step));
          }
        });
      };
      reduced ? run(double()) : run(T());
    });
    return reduced ? detail::total(values, divisor, x.dtype()) : values;
  }

  Grads<1> backward(const Saved& s, const Tensor& g) const {
    const bool again = grad_enabled();
    if (again) (void)s.x.get();
    const detail::ClassTargets now{axis, s.target.get(), s.weight ? s.weight.get() : Tensor()};
    (void)now.total_weight("nll_loss", loc);  // the indices may have been overwritten behind the version counter
    const Tensor dx = zeros(shape, {.dtype = g.dtype()});
    if (!again) {
      now.scatter_weights(dx, g, -1, divisor);
      return {dx};
    }
    now.scatter_weights(dx, ones({}, {.dtype = g.dtype()}), -1, divisor);
    return {scale_cotangent(g.dim() == 0 ? g : g.unsqueeze(axis.dim), dx)};
  }
};

}  // namespace

Tensor functional::nll_loss(In y_pred, const Tensor& y_true, const NLLLossOptions& options) {
  constexpr const char* op = "nll_loss";
  CallerScope scope(y_pred.loc);
  const Reduction reduction = options.reduction.of(op, y_pred.loc);
  detail::require_floating(op, y_pred);
  detail::require_plain_reduction(op, reduction, y_pred.loc);
  detail::require_constant(op, "weight", options.weight, y_pred.loc);
  const detail::ClassTargets targets = detail::class_targets(op, y_pred, y_true, options.weight, options.ignore_index);
  NegativeLogLikelihood loss{static_cast<const detail::ClassAxis&>(targets), reduction, 1, y_pred.loc};
  const double total = targets.total_weight(op, y_pred.loc);
  if (reduction == Reduction::mean) loss.divisor = detail::mean_divisor(total);
  return apply(y_pred.loc, std::move(loss), y_pred.tensor, targets.target, targets.weight);
}

}  // namespace slope::nn
