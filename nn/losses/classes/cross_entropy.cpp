#include "slope/nn/losses/classes/cross_entropy.h"

#include "slope/autograd/engine/op.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/nn/losses/classes/internal/class_targets.h"
#include "slope/nn/losses/classes/internal/cross_entropy_rows.h"

namespace slope::nn {

namespace {

// Rows need a dimension to lie in; a single row has all others missing.
Shape with_class_dim(Shape positions, int dim) {
  positions.insert(positions.empty() ? 0 : dim, 1);
  return positions;
}

/// What both kinds of target share: one pass over the rows gives values and, when wanted, scaled gradients, which
/// backward multiplies by what comes in.
struct CrossEntropyRows {
  Reduction reduction = Reduction::mean;
  int dim = 1;
  double smoothing = 0;
  double divisor = 1;  // of the sum: 1, the total weight, or the number of positions
  bool wants_dx = false, wants_dt = false;
  SourceLoc loc{};

  template <class T>
  detail::RowTarget<T> row_target(std::int64_t classes, const Tensor& weight) const {
    detail::RowTarget<T> r;
    r.share = 1 - smoothing;
    r.spread = classes > 0 ? smoothing / static_cast<double>(classes) : 0;
    r.weight_sum = static_cast<double>(classes);
    if (weight.defined()) {
      r.weight = weight.impl().ptr<const T>();
      r.weight_sum = 0;
      r.all_zero = true;
      for (std::int64_t j = 0; j < classes; ++j) {
        r.weight_sum += static_cast<double>(r.weight[j]);
        r.all_zero &= r.weight[j] == 0;
      }
    }
    return r;
  }
  // Without reduction values keep the dtype of the logits; to be summed they are float64.
  Tensor make_values(const Tensor& x) const {
    Shape positions = x.shape();
    positions.erase(dim);
    return make_empty(with_class_dim(positions, dim), reduction == Reduction::none ? x.dtype() : DType::float64);
  }
  Tensor result(const Tensor& values, const Tensor& x) const {
    if (reduction != Reduction::none) return detail::total(values, divisor, x.dtype());
    return values.squeeze(x.dim() == 1 ? 0 : dim);
  }
  Tensor spread(const Tensor& g) const { return g.dim() == 0 ? g : g.unsqueeze(dim); }
  Tensor unrecorded(const Tensor& local, const Tensor& g) const {
    NoGradGuard no_grad;
    return detail::scaled_gradient(local, spread(g));
  }
};

struct CrossEntropyOfIndices : CrossEntropyRows {
  static constexpr std::string_view name = "CrossEntropy";
  detail::ClassAxis axis;
  struct Saved {
    SavedTensor x, target, weight;
    Tensor dx;
  };

  Tensor forward(Saved& s, const Tensor& x, NoGrad target, NoGrad weight) {
    const detail::ClassTargets targets{axis, target, weight};
    const Tensor values = make_values(x), labels = targets.rows();
    const Tensor dx = wants_dx ? make_empty(x.shape(), x.dtype()) : values;
    const bool narrow = values.dtype() == DType::float32;
    visit_floating(x.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const std::int64_t n = axis.classes;
      const auto shared = row_target<T>(n, weight);
      const RowArg args[] = {{x.impl()}, {labels.impl()}, {values.impl(), true}, {dx.impl(), true}};
      const std::int64_t grain = rows_grain(labels.numel(), n, grain_math);
      for_rows(dim, args, grain, [&](char* const* p, const std::int64_t* step, std::int64_t rows) {
        detail::cross_entropy_rows<T>(detail::LabelRows<T>{.target = shared,
                                                           .n = n,
                                                           .ignore_index = axis.ignore_index,
                                                           .x = p[0],
                                                           .labels = p[1],
                                                           .values = p[2],
                                                           .dx = wants_dx ? p[3] : nullptr,
                                                           .x_step = step[0],
                                                           .label_step = step[1],
                                                           .value_step = step[2],
                                                           .dx_step = step[3],
                                                           .narrow = narrow,
                                                           .divisor = divisor},
                                      rows);
      });
    });
    s = {save(x), save(target), save(weight), wants_dx ? dx : Tensor()};
    return result(values, x);
  }

  Grads<1> backward(const Saved& s, const Tensor& g) const {
    const Tensor x = s.x.get();
    const detail::ClassTargets now{axis, s.target.get(), s.weight ? s.weight.get() : Tensor()};
    (void)now.total_weight("cross_entropy", loc);  // the indices may have been overwritten behind the version counter
    if (!grad_enabled()) return {detail::scaled_gradient(s.dx, spread(g))};
    // softmax·Σq - q with the constant q laid out in full.
    const Tensor q = zeros(x.shape(), {.dtype = x.dtype()}), one = ones({}, {.dtype = x.dtype()});
    now.scatter_weights(q, one, 1 - smoothing, divisor);
    Tensor counts = now.rows().ne(now.ignore_index), all = q;
    if (now.weight.defined())  // a row of weight 0 counts as little as one that is ignored
      counts = counts & (smoothing > 0 ? now.weight.ne(0.0).any() : q.ne(0.0).any(dim, true));
    if (smoothing > 0) {
      Tensor even = full(x.shape(), smoothing / static_cast<double>(now.classes), {.dtype = x.dtype()});
      if (now.weight.defined()) even = even * now.weight.view(x.dim() == 1 ? Shape{-1} : weight_shape(x.dim()));
      all = q + where(counts, even / divisor, 0.0);
    }
    const Tensor d = x.softmax(dim) * all.sum(dim, true) - all;
    return {detail::recorded_gradient(unrecorded(s.dx, g), where(counts, scale_cotangent(spread(g), d), 0.0), loc)};
  }

  Shape weight_shape(int dims) const {
    Shape s = Shape::filled(dims, 1);
    s[dim] = -1;
    return s;
  }
};

struct CrossEntropyOfProbabilities : CrossEntropyRows {
  static constexpr std::string_view name = "CrossEntropy";
  struct Saved {
    SavedTensor x, target, weight;
    Tensor dx, dt;
  };

  Tensor forward(Saved& s, const Tensor& x, const Tensor& t, NoGrad weight) {
    const Tensor values = make_values(x);
    const Tensor dx = wants_dx ? make_empty(x.shape(), x.dtype()) : values;
    const Tensor dt = wants_dt ? make_empty(x.shape(), x.dtype()) : values;
    const bool narrow = values.dtype() == DType::float32;
    visit_floating(x.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const std::int64_t n = x.shape()[dim];
      const auto shared = row_target<T>(n, weight);
      const RowArg args[] = {{x.impl()}, {t.impl()}, {values.impl(), true}, {dx.impl(), true}, {dt.impl(), true}};
      for_rows(dim, args, rows_grain(values.numel(), n, grain_math),
               [&](char* const* p, const std::int64_t* step, std::int64_t rows) {
                 detail::cross_entropy_rows<T>(detail::ProbabilityRows<T>{.target = shared,
                                                                          .n = n,
                                                                          .x = p[0],
                                                                          .t = p[1],
                                                                          .values = p[2],
                                                                          .dx = wants_dx ? p[3] : nullptr,
                                                                          .dt = wants_dt ? p[4] : nullptr,
                                                                          .x_step = step[0],
                                                                          .t_step = step[1],
                                                                          .value_step = step[2],
                                                                          .dx_step = step[3],
                                                                          .dt_step = step[4],
                                                                          .narrow = narrow,
                                                                          .scale = 1 / divisor},
                                               rows);
               });
    });
    s = {save(x), save(t), save(weight), wants_dx ? dx : Tensor(), wants_dt ? dt : Tensor()};
    return result(values, x);
  }

  Grads<2> backward(const Saved& s, const Tensor& g) const {
    const Tensor x = s.x.get(), t = s.target.get();
    Grads<2> grads;
    if (!grad_enabled()) {
      if (needs_grad(0)) grads[0] = detail::scaled_gradient(s.dx, spread(g));
      if (needs_grad(1)) grads[1] = detail::scaled_gradient(s.dt, spread(g));
      return grads;
    }
    const Tensor up = spread(g) * (1 / divisor);
    Tensor w = ones({}, {.dtype = x.dtype()});
    if (s.weight) {
      Shape shape = Shape::filled(x.dim(), 1);
      shape[dim] = -1;
      w = s.weight.get().view(shape);
    }
    if (needs_grad(0)) {
      const Tensor q = scale_cotangent(w, t * (1 - smoothing) + smoothing / static_cast<double>(x.size(dim)));
      Tensor d = scale_cotangent(up, x.softmax(dim) * q.sum(dim, true) - q);
      if (s.weight) d = where((q != 0.0).any(dim, true), d, 0.0);
      grads[0] = detail::recorded_gradient(unrecorded(s.dx, g), d, loc);
    }
    if (needs_grad(1)) {
      const Tensor d = scale_cotangent(up, scale_cotangent(w, x.log_softmax(dim)) * (smoothing - 1));
      grads[1] = detail::recorded_gradient(unrecorded(s.dt, g), d, loc);
    }
    return grads;
  }
};

}  // namespace

Tensor functional::cross_entropy(In y_pred, const Tensor& y_true, const CrossEntropyLossOptions& options) {
  constexpr const char* op = "cross_entropy";
  CallerScope scope(y_pred.loc);
  const SourceLoc loc = y_pred.loc;
  detail::require_floating(op, y_pred);
  detail::require_plain_reduction(op, options.reduction, loc);
  detail::require_constant(op, "weight", options.weight, loc);
  if (!(options.label_smoothing >= 0 && options.label_smoothing <= 1))
    throw ValueError(concat(op, ": label_smoothing must be between 0.0 and 1.0. Got: ", options.label_smoothing), loc);
  if (y_pred->dim() == 0)
    throw ShapeError(concat(op, ": the input must have at least one dimension, that of the classes, but is 0-d"), loc);
  if (!y_true.defined()) throw ValueError(concat(op, ": the target is an undefined tensor"), loc);

  CrossEntropyRows rows;
  rows.reduction = options.reduction;
  rows.dim = y_pred->dim() == 1 ? 0 : 1;
  rows.smoothing = options.label_smoothing;
  rows.wants_dx = grad_enabled() && y_pred->requires_grad();
  rows.loc = loc;
  const std::int64_t classes = y_pred->shape()[rows.dim];

  if (y_true.shape() != y_pred->shape()) {
    if (y_true.is_floating_point())
      throw ShapeError(
          concat(op, ": a floating point target holds class probabilities and must have the shape of the input, ",
                 to_text(y_pred->shape()), ", but has ", to_text(y_true.shape()), "; class indices must be int64"),
          loc);
    const detail::ClassTargets targets =
        detail::class_targets(op, y_pred, y_true, options.weight, options.ignore_index);
    CrossEntropyOfIndices loss{rows, static_cast<const detail::ClassAxis&>(targets)};
    const double total = targets.total_weight(op, loc);
    if (rows.reduction == Reduction::mean) loss.divisor = detail::mean_divisor(total);
    return apply(loc, std::move(loss), y_pred.tensor, targets.target, targets.weight);
  }

  if (!y_true.is_floating_point())
    throw DTypeError(
        concat(op, ": Expected floating point type for target with class probabilities, got ",
               dtype_name(y_true.dtype()), "; the target has the shape of the input, ", to_text(y_pred->shape())),
        loc);
  if (options.ignore_index >= 0)
    throw ValueError(
        concat(op, ": ignore_index is not supported for floating point target, got ", options.ignore_index), loc);
  const DType dtype = y_pred->dtype() == y_true.dtype() ? y_pred->dtype() : DType::float64;
  const Tensor x = y_pred->to(dtype, loc), t = y_true.to(dtype, loc);
  CrossEntropyOfProbabilities loss{rows};
  const Tensor weight = detail::class_weight(op, x, options.weight, classes);
  loss.wants_dt = grad_enabled() && t.requires_grad();
  if (loss.reduction == Reduction::mean) {
    loss.divisor = 1;
    for (int d = 0; d < x.dim(); ++d)
      if (d != loss.dim) loss.divisor *= static_cast<double>(x.shape()[d]);
  }
  return apply(loc, std::move(loss), x, t, weight);
}

}  // namespace slope::nn
