#include "slope/nn/losses/classes/multi_margin.h"

#include "slope/autograd/ops/index/index.h"
#include "slope/autograd/ops/reduce/reduce.h"
#include "slope/nn/losses/shared/internal/labels.h"
#include "slope/nn/losses/shared/internal/row_loss.h"

namespace slope::nn {

namespace {

constexpr const char* op = "multi_margin_loss";

struct MultiMarginFormula {
  static constexpr std::string_view name = "MultiMarginLoss";
  static constexpr int operands = 1;
  std::int64_t p, classes;
  double margin;
  Tensor weight;  // dense, of the dtype of the input
  double share = 1 / static_cast<double>(classes);

  /// Of a row's sum; a division a row takes longer than a row of three classes.
  template <class T>
  double scale_of(std::int64_t y) const {
    return weight.defined() ? static_cast<double>(weight.impl().ptr<const T>()[y]) / static_cast<double>(classes)
                            : share;
  }

  void check(const Tensor& target, SourceLoc loc) const {
    detail::require_labels_within(op, "target out of range", target, 0, classes - 1, loc);
  }

  template <class T>
  void ahead(const T* x, const void* label) const {
    if (classes > 64) __builtin_prefetch(x + *static_cast<const std::int64_t*>(label));
  }

  template <class Isa, class Row>
  double row(Row& row, int) const {
    if (weight.defined() && scale_of<typename Row::T>(*row.template constant_as<std::int64_t>()) == 0) {
      detail::clear_gradient(row);
      return 0;
    }
    if (row.n <= 8) return p == 1 ? short_hinge<1>(row) : short_hinge<2>(row);
    return p == 1 ? hinge<Isa, 1>(row) : hinge<Isa, 2>(row);
  }
  // A few classes take less time than adding up the lanes of a vector does.
  template <int P, class Row>
  double short_hinge(Row& row) const {
    using T = typename Row::T;
    const std::int64_t y = *row.template constant_as<std::int64_t>();
    const double scale = scale_of<T>(y);
    const T shift = static_cast<T>(margin) - row.x[0][y], slope = static_cast<T>(P * scale * row.factor);
    double sum = 0, slopes = 0;
    // The label is stepped over without a branch, which would go wrong every other time.
    for (std::int64_t k = 0; k + 1 < row.n; ++k) {
      const std::int64_t j = k + (k >= y);
      const T z = shift + row.x[0][j];
      const double above = z <= 0 ? 0 : static_cast<double>(z);
      sum += P == 1 ? above : above * above;
      if (!row.d[0]) continue;
      const T power = P == 1 ? T(1) : z;
      slopes += z > 0 ? static_cast<double>(power) : 0;
      row.d[0][j] = z > 0 ? slope * power : T(0);
    }
    if (row.d[0]) row.d[0][y] = static_cast<T>(slopes == 0 ? 0 : -P * scale * row.factor * slopes);
    return sum == 0 ? 0 : scale * sum;
  }

  struct Sums {
    double value = 0,
           slopes = 0;  // of z^p, and of what the gradient by the label is made of: how many z > 0, or their sum
  };
  template <class Isa, int P, class Row>
  double hinge(Row& row) const {
    using T = typename Row::T;
    const std::int64_t y = *row.template constant_as<std::int64_t>();
    const double scale = scale_of<T>(y);
    const T shift = static_cast<T>(margin) - row.x[0][y];
    // The label's own term is the margin or near it. Taken off afterwards it costs nothing, unless hardly anything is
    // left then, or it is not finite.
    const double own = std::max(static_cast<double>(T(shift + row.x[0][y])), 0.0), own_value = P == 1 ? own : own * own;
    Sums sums = add_up<Isa, P>(row, shift, scale, y, std::false_type());
    if (const double others = sums.value - own_value; others >= 1e-4 * own_value)
      sums = {others, sums.slopes - (P == 1 ? (own > 0 ? 1 : 0) : own)};
    else
      sums = add_up<Isa, P>(row, shift, scale, y, std::true_type());
    if (row.d[0]) row.d[0][y] = static_cast<T>(sums.slopes == 0 ? 0 : -P * scale * row.factor * sums.slopes);
    return sums.value == 0 ? 0 : scale * sums.value;
  }
  // With the term of the label, or without.
  template <class Isa, int P, class Row, class Without>
  Sums add_up(Row& row, typename Row::T shift, double scale, std::int64_t y, Without without) const {
    using T = typename Row::T;
    using V = typename Isa::template Lanes<T>;
    const V slope(P * scale * row.factor);
    typename Isa::template WideSum<T> value, slopes;
    V pairs(0);
    simd::each_vector_at<V>(row.n,
                            [&](const auto& load, const auto& store, int count, [[maybe_unused]] std::int64_t at) {
                              V z = simd::first_lanes(V(shift) + load(row.x[0]), count, -1);
                              if constexpr (without())
                                if (const std::int64_t label = y - at; label >= 0 && label < V::size)
                                  z = where(simd::single_lane<V>(label), V(-1), z);
                              const V above = clamp_min(z, 0);
                              if constexpr (P == 1)
                                value.add(above);
                              else
                                value.add_product(above, above);
                              if (!row.d[0]) return;
                              const V power = where(z > 0, P == 1 ? V(1) : z, V(0));
                              if constexpr (P == 1)
                                pairs += power;
                              else
                                slopes.add(power);
                              store(row.d[0], where(z > 0, slope * power, V(0)));  // the weight may be infinite
                            });
    return {value.total(), P == 1 ? reduce_add_wide(pairs) : slopes.total()};
  }

  Tensor compose(const Tensor* x, const Tensor& target, int dim) const {
    const Tensor rows = x[0].dim() == 2 ? x[0] : x[0].reshape({1, -1}), y = target.reshape({-1, 1});
    const Tensor z = rows - rows.gather(1, y) + margin;
    const Tensor others = arange(classes).unsqueeze(0).ne(y);
    const Tensor terms = where(logical_and(others, logical_not(z <= 0.0)), p == 1 ? z : square(z), 0.0);
    Tensor l = terms.sum(1) * (1 / static_cast<double>(classes));
    if (weight.defined()) l = scale_cotangent(weight.index_select(0, target.reshape({-1})), l);
    Shape shape = x[0].shape();
    if (!shape.empty()) shape.erase(dim);
    return l.reshape(shape);
  }
};

}  // namespace

Tensor functional::multi_margin_loss(In y_pred, const Tensor& y_true, const MultiMarginLossOptions& options) {
  const SourceLoc loc = y_pred.loc;
  CallerScope scope(loc);
  detail::require_floating(op, y_pred);
  detail::require_plain_reduction(op, options.reduction, loc);
  detail::require_int64(op, y_true, loc);
  detail::require_constant(op, "weight", options.weight, loc);
  if (options.p != 1 && options.p != 2)
    throw ValueError(concat(op, ": only p == 1 and p == 2 supported, got p = ", options.p), loc);
  const Shape& shape = y_pred->shape();
  if (shape.size() > 2)
    throw ShapeError(concat(op, ": Expected a vector [C] or a matrix [N, C] of scores, but got: ", to_text(shape)),
                     loc);
  const std::int64_t samples = shape.size() == 2 ? shape[0] : 1, classes = shape.empty() ? 1 : shape.back();
  if (y_true.dim() > 1 || y_true.numel() != samples)
    throw ShapeError(concat(op, ": inconsistent target size, got: ", to_text(y_true.shape()), "; an input of ",
                            to_text(shape), " takes ", samples, " class indices"),
                     loc);
  MultiMarginFormula formula{options.p, classes, options.margin, {}};
  if (const Tensor& w = options.weight; w.defined()) {
    if (w.dim() != 1) throw ShapeError(concat(op, ": weight must be one-dimensional, got ", to_text(w.shape())), loc);
    if (w.size(0) != classes)
      throw ShapeError(concat(op, ": inconsistent weight size, expected one entry for each of ", classes,
                              " classes, got ", to_text(w.shape())),
                       loc);
    formula.weight = w.detach().to(y_pred->dtype(), loc).contiguous(loc);
  }
  const detail::RowLayout layout{.reduction = options.reduction, .dim = std::max(0, shape.size() - 1)};
  // One sample may come with or without a dimension of samples, whatever its label does.
  const Shape values = layout.values_shape(shape);
  const bool alike = y_true.shape() == values;
  const Tensor l =
      detail::row_loss(loc, std::move(formula), layout, alike ? y_true : y_true.reshape(values, loc), y_pred.tensor);
  return layout.reduction == Reduction::none && !alike ? l.reshape(y_true.shape(), loc) : l;
}

}  // namespace slope::nn
