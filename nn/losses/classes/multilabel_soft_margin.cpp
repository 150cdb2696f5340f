#include "slope/nn/losses/classes/multilabel_soft_margin.h"

#include "slope/autograd/ops/pointwise/pointwise.h"
#include "slope/nn/losses/binary/internal/bce_with_logits_formula.h"
#include "slope/nn/losses/shared/internal/weighted.h"

namespace slope::nn::functional {

namespace {

struct MultiLabelSoftMargin {
  static constexpr const char* name = "MultilabelSoftMarginLoss";
  double share = 1;  // of a class in its row
  template <class T>
  T operator()(const T& x, const T& t) const {
    return share * detail::BceWithLogits{}(x, t);
  }
  template <class T>
  T d0(const T& x, const T& t, const T& y) const {
    return share * detail::BceWithLogits{}.d0(x, t, y);
  }
  template <class T>
  T d1(const T& x, const T&, const T&) const {
    return -share * x;
  }
};

}  // namespace

Tensor multilabel_soft_margin_loss(In y_pred, const Tensor& y_true, const MultiLabelSoftMarginLossOptions& options) {
  constexpr const char* op = "multilabel_soft_margin_loss";
  CallerScope scope(y_pred.loc);
  detail::require_alike(op, y_pred, y_true, options.reduction);
  if (y_pred->dim() == 0)
    throw ShapeError(concat(op, ": the prediction must have at least one dimension, that of the classes, but is 0-d"),
                     y_pred.loc);
  Tensor w = options.weight;
  if (w.defined()) {
    detail::require_broadcasts_to(op, "weight", w, y_pred->shape(), y_pred.loc);
    w = w.to(detail::result_dtype(y_pred, y_true), y_pred.loc);
  }
  const auto elements = [&](double share, Reduction r) {
    const MultiLabelSoftMargin f{share};
    return w.defined() ? slope::detail::pointwise_loss(detail::Weighted<MultiLabelSoftMargin>{f}, r, y_pred,
                                                       Operand(y_true), Operand(w))
                       : slope::detail::pointwise_loss(f, r, y_pred, Operand(y_true));
  };
  const Reduction reduction = options.reduction;
  const std::int64_t classes = y_pred->shape().back();
  // Rows without classes are means of nothing, which a sum over all elements would not see.
  if (classes == 0) return detail::reduce(elements(1, Reduction::none).mean(-1), reduction);
  if (reduction == Reduction::mean) return elements(1, Reduction::mean);
  const double share = 1 / static_cast<double>(classes);
  if (reduction == Reduction::sum) return elements(share, Reduction::sum);
  return elements(share, Reduction::none).sum(-1);
}

}  // namespace slope::nn::functional
