#include "slope/nn/losses/binary/internal/overlap.h"

#include <cmath>

#include "slope/autograd/ops/reduce/reduce.h"
#include "slope/nn/losses/shared/internal/row_loss.h"

namespace slope::nn::detail {

namespace {

struct OverlapFormula : Overlap {
  static constexpr std::string_view name = "OverlapLoss";
  static constexpr int operands = 2, terms = 3, coefficients = 4;

  template <class Sum, class V, class Within>
  void add(Sum* sum, const V* x, const Within& within) const {
    const V p = within(x[0]), t = within(x[1]);
    sum[0].add_product(p, t);
    sum[1].add(p);
    sum[2].add(t);
  }
  // The value as misses/D, which is exactly 0 for a perfect sample. With q = 1 - misses/D = (TP + s)/D:
  // ∂p = k·(t - q·(α + (1-α-β)·t)), k = -γ·(1-q)^(γ-1)/D, and the same for t with β in place of α.
  template <class Isa, class Row>
  double finish(Row& row, const double* sum, double* c) const {
    const double misses = alpha * (sum[1] - sum[0]) + beta * (sum[2] - sum[0]), d = sum[0] + misses + smooth;
    const double l = misses / d, q = (sum[0] + smooth) / d, both = 1 - alpha - beta;
    const double k = row.factor * (gamma == 1 ? -1 : -gamma * std::pow(l, gamma - 1)) / d;
    c[0] = -k * q * alpha;
    c[1] = c[3] = k * (1 - q * both);
    c[2] = -k * q * beta;
    return gamma == 1 ? l : std::pow(l, gamma);
  }
  template <class V>
  void gradient(const V* x, const V* c, V* d) const {
    d[0] = c[0] + c[1] * x[1];
    d[1] = c[2] + c[3] * x[0];
  }
  Tensor compose(const Tensor* x, const Tensor&, int) const {
    const Shape rows = {x[0].size(0), x[0].size(0) == 0 ? 0 : x[0].numel() / x[0].size(0)};
    const Tensor p = x[0].reshape(rows), t = x[1].reshape(rows), pt = (p * t).sum(1);
    const Tensor misses = (p.sum(1) - pt) * alpha + (t.sum(1) - pt) * beta, l = misses / (pt + misses + smooth);
    return gamma == 1 ? l : pow(l, gamma);
  }
};

}  // namespace

Tensor overlap_loss(const char* op, In y_pred, const Tensor& y_true, const Overlap& overlap,
                    const ReductionOption& reduction) {
  CallerScope scope(y_pred.loc);
  require_alike(op, y_pred, y_true, reduction);
  if (y_pred->dim() == 0)
    throw ShapeError(concat(op, ": the prediction must have at least one dimension, that of the samples, but is 0-d"),
                     y_pred.loc);
  const Tensor target = y_true.is_floating_point() ? y_true : y_true.to(y_pred->dtype(), y_pred.loc);
  const auto [p, t] = alike<2>({y_pred.tensor, target}, y_pred->shape(), y_pred.loc);
  return row_loss(y_pred.loc, OverlapFormula{overlap}, {.reduction = reduction, .flatten = true}, Tensor(), p, t);
}

}  // namespace slope::nn::detail
