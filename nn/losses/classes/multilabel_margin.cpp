#include "slope/nn/losses/classes/multilabel_margin.h"

#include <algorithm>
#include <limits>

#include "slope/autograd/kernels/loops/rows.h"
#include "slope/nn/losses/shared/internal/labels.h"
#include "slope/nn/losses/shared/internal/row_loss.h"

namespace slope::nn {

namespace {

constexpr const char* op = "multilabel_margin_loss";

struct MultiLabelMarginFormula {
  static constexpr std::string_view name = "MultiLabelMarginLoss";
  static constexpr int operands = 1;
  static constexpr std::int64_t grain = grain_math;
  static constexpr bool constant_by_pieces = true;

  // Labels are checked when their row is at hand: reading them all beforehand would cost as much as the loss.
  struct Refusal {};
  [[noreturn]] void refuse(const Tensor& target, SourceLoc loc) const {
    detail::require_labels_within(op, "argument 'target' is out of range", target, -1,
                                  target.numel() == 0 ? -1 : target.shape().back() - 1, loc);
    throw IndexError(concat(op, ": argument 'target' is out of range; it was changed by another thread"), loc);
  }

  /// The scores of a row, -∞ for labels.
  template <class T>
  struct Workspace {
    Workspace(const MultiLabelMarginFormula&, std::int64_t classes)
        : memory(static_cast<std::size_t>(classes) * sizeof(T)), others(reinterpret_cast<T*>(memory.data())) {}
    slope::detail::RowBuffer memory;
    T* others;
  };

  template <class Isa, class Row, class T>
  double row(Row& row, Workspace<T>& work) const {
    using V = typename Isa::template Lanes<T>;
    const std::int64_t n = row.n;
    const std::int64_t* const labels = row.template constant_as<std::int64_t>();
    if (!detail::labels_within(labels, n, -1, n - 1)) throw Refusal();
    std::int64_t count = 0;
    while (count < n && labels[count] >= 0) ++count;
    const double share = 1 / static_cast<double>(n);
    const V slope(share * row.factor);
    typename Isa::template WideSum<T> value;
    const bool ordered = n <= V::size ? pair_narrow<Isa>(row.x[0], labels, count, n, slope, value, row.d[0])
                                      : pair_wide<Isa>(row.x[0], labels, count, n, slope, value, row.d[0], work.others);
    return ordered || !has_pairs(labels, count, n) ? share * value.total() : std::numeric_limits<double>::quiet_NaN();
  }

  // All pairs of a row: adds up their values and writes the gradient. Both return whether the row is free of NaN, which
  // is part of no pair here.

  // A row that fits into one vector stays in registers.
  template <class Isa, class T, class V, class Sum>
  static bool pair_narrow(const T* x, const std::int64_t* labels, std::int64_t count, std::int64_t n, const V& slope,
                          Sum& value, T* d) {
    constexpr double never = -std::numeric_limits<double>::infinity();
    const V row = V::load_n(x, static_cast<int>(n));
    V others = simd::first_lanes(row, static_cast<int>(n), never), pairs(0);
    for (std::int64_t a = 0; a < count; ++a) others = where(simd::single_lane<V>(labels[a]), V(never), others);
    for (std::int64_t a = 0; a < count; ++a) {
      const V z = V(T(1) - x[labels[a]]) + others, active = where(z > 0, V(1), V(0));
      value.add(where(z > 0, z, V(0)));
      pairs += active - where(simd::single_lane<V>(labels[a]), V(reduce_add(active)), V(0));
    }
    if (d) (slope * pairs).store_n(d, static_cast<int>(n));
    return (row == row).all();
  }

  template <class Isa, class T, class V, class Sum>
  static bool pair_wide(const T* x, const std::int64_t* labels, std::int64_t count, std::int64_t n, const V& slope,
                        Sum& value, T* d, T* others) {
    V unordered(0);
    simd::each_vector<V>(n, [&](const auto& load, const auto& store, int) {
      const V v = load(x);
      unordered += where(v == v, V(0), V(1));
      store(others, v);
      if (d) store(d, V(0));
    });
    for (std::int64_t a = 0; a < count; ++a) others[labels[a]] = -std::numeric_limits<T>::infinity();
    std::int64_t a = 0;
    for (; a + 4 <= count; a += 4) pair_up<Isa, 4>(x, others, labels + a, n, value, d);
    for (; a < count; ++a) pair_up<Isa, 1>(x, others, labels + a, n, value, d);
    if (d && count > 0)
      simd::each_vector<V>(n, [&](const auto& load, const auto& store, int) { store(d, slope * load(d)); });
    return reduce_add(unordered) == 0;
  }

  // The pairs of K labels with all other classes: adds their values, and to d, which counts, their number.
  template <class Isa, int K, class T, class Sum>
  static void pair_up(const T* x, const T* others, const std::int64_t* labels, std::int64_t n, Sum& value, T* d) {
    using V = typename Isa::template Lanes<T>;
    V shift[K], pairs[K];
#pragma GCC unroll 4
    for (int k = 0; k < K; ++k) {
      shift[k] = V(T(1) - x[labels[k]]);
      pairs[k] = V(0);
    }
    simd::each_vector<V>(n, [&](const auto& load, const auto& store, int lanes) {
      const V b = simd::first_lanes(load(others), lanes, -std::numeric_limits<double>::infinity());
      V above[K], all(0);
#pragma GCC unroll 4
      for (int k = 0; k < K; ++k) {
        const V z = shift[k] + b;
        above[k] = where(z > 0, z, V(0));
        const V active = where(z > 0, V(1), V(0));
        pairs[k] += active;
        all += active;
      }
      if constexpr (K == 1)
        value.add(above[0]);
      else
        for (int k = 0; k < K; k += 2) value.add(above[k] + above[k + 1]);
      if (d) store(d, load(d) + all);
    });
    if (d)
      for (int k = 0; k < K; ++k) d[labels[k]] -= static_cast<T>(reduce_add_wide(pairs[k]));
  }

  static bool has_pairs(const std::int64_t* labels, std::int64_t count, std::int64_t n) {
    const std::int64_t* const end = labels + count;
    for (std::int64_t b = 0; count > 0 && b < n; ++b)
      if (std::find(labels, end, b) == end) return true;
    return false;
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
