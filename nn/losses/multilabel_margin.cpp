#include "slope/nn/losses/multilabel_margin.h"

#include "slope/autograd/kernels/rows.h"
#include "slope/nn/losses/labels.h"
#include "slope/nn/losses/row_loss.h"

namespace slope::nn {

namespace {

constexpr const char* op = "multilabel_margin_loss";

struct MultiLabelMarginFormula {
  static constexpr std::string_view name = "MultiLabelMarginLoss";
  static constexpr int operands = 1;
  static constexpr std::int64_t grain = grain_math;

  // Labels are checked when their row is at hand: reading them all beforehand would cost as much as the loss.
  struct Refusal {};
  [[noreturn]] void refuse(const Tensor& target, SourceLoc loc) const {
    detail::require_labels_within(op, "argument 'target' is out of range", target, -1,
                                  target.numel() == 0 ? -1 : target.shape().back() - 1, loc);
    throw IndexError(concat(op, ": argument 'target' is out of range; it was changed by another thread"), loc);
  }

  /// For each class 1 where it is no label of the row at hand.
  template <class T>
  struct Workspace {
    Workspace(const MultiLabelMarginFormula&, std::int64_t classes)
        : memory(static_cast<std::size_t>(classes) * sizeof(T)), others(reinterpret_cast<T*>(memory.data())) {
      std::fill_n(others, classes, T(1));
    }
    slope::detail::RowBuffer memory;
    T* others;
  };

  template <class Isa, class Row, class T>
  double row(Row& row, Workspace<T>& work) const {
    using V = typename Isa::template Lanes<T>;
    const std::int64_t n = row.n;
    const std::int64_t* const labels = row.template constant_as<std::int64_t>();
    if (!detail::labels_within(labels, n, -1, n - 1)) throw Refusal();
    const T* const x = row.x[0];
    T* const d = row.d[0];
    if (d) std::fill_n(d, n, T(0));
    std::int64_t count = 0;
    while (count < n && labels[count] >= 0) work.others[labels[count++]] = 0;
    typename Isa::template WideSum<T> value;
    // First d counts pairs, exactly.
    for (std::int64_t a = 0; a < count; ++a) {
      const V shift(T(1) - x[labels[a]]);
      V pairs(0);
      simd::each_vector<V>(n, [&](const auto& load, const auto& store, int lanes) {
        const V z = shift + load(x), other = simd::first_lanes(load(work.others), lanes);
        value.add(where((other == 0) | (z <= 0), V(0), z));
        if (!d) return;
        const V active = where(z > 0, other, V(0));
        pairs += active;
        store(d, load(d) + active);
      });
      if (d) d[labels[a]] -= static_cast<T>(reduce_add_wide(pairs));
    }
    const double share = 1 / static_cast<double>(n);
    if (d && count > 0) {
      const V slope(share * row.factor);
      simd::each_vector<V>(n, [&](const auto& load, const auto& store, int) { store(d, slope * load(d)); });
    }
    for (std::int64_t a = 0; a < count; ++a) work.others[labels[a]] = 1;
    return share * value.total();
  }
};

}  // namespace

Tensor functional::multilabel_margin_loss(In y_pred, const Tensor& y_true, const MultiLabelMarginLossOptions& options) {
  const SourceLoc loc = y_pred.loc;
  CallerScope scope(loc);
  detail::require_floating(op, y_pred);
  detail::require_plain_reduction(op, options.reduction, loc);
  detail::require_int64(op, y_true, loc);
  const Shape& shape = y_pred->shape();
  if (shape.size() > 2)
    throw ShapeError(concat(op, ": Expected a vector [C] or a matrix [N, C] of scores, but got: ", to_text(shape)),
                     loc);
  if (y_true.shape() != shape)
    throw ShapeError(concat(op, ": inconsistent size ", to_text(y_true.shape()),
                            " for argument 'target', which must have that of the "
                            "input, ",
                            to_text(shape), ": each row lists labels and ends with -1"),
                     loc);
  return detail::row_loss(loc, MultiLabelMarginFormula{},
                          {.reduction = options.reduction, .dim = std::max(0, shape.size() - 1)}, y_true,
                          y_pred.tensor);
}

}  // namespace slope::nn
