#include "slope/nn/losses/pairs/triplet_margin.h"

#include "slope/nn/losses/pairs/internal/row_distance.h"
#include "slope/nn/losses/pairs/internal/triplet_hinge.h"
#include "slope/nn/losses/pairs/pairwise_distance.h"

namespace slope::nn {

namespace {

template <class Order, bool Swap>
struct TripletFormula : Order {
  static constexpr std::string_view name = "TripletMarginLoss";
  static constexpr int operands = 3, terms = Swap ? 3 : 2, coefficients = 2 * terms;
  double margin, eps;
  TripletFormula(const Order& order, double m, double e) : Order(order), margin(m), eps(e) {}

  template <class V>
  V difference(const V& a, const V& b) const {
    return detail::RowDifference<typename V::value_type>::of(a, b, eps);
  }
  template <class Sum, class V, class Within>
  void add(Sum* sum, const V* x, const Within& within) const {
    Order::add(sum[0], within(difference(x[0], x[1]), Order::outside));
    Order::add(sum[1], within(difference(x[0], x[2]), Order::outside));
    if constexpr (Swap) Order::add(sum[2], within(difference(x[1], x[2]), Order::outside));
  }
  template <class Isa, class Row>
  double finish(Row& row, const double* sum, double* c) const {
    using T = typename Row::T;
    const detail::RowDifference<T> u[] = {
        {row.x[0], row.x[1], eps}, {row.x[0], row.x[2], eps}, {row.x[1], row.x[2], eps}};
    double d[3] = {}, weight[3] = {1, -1, 0};
    for (int i = 0; i < terms; ++i) d[i] = Order::template distance<T>(sum[i], row.n, u[i]);
    double nearest = d[1];
    if constexpr (Swap) {
      nearest = std::min(d[1], d[2]);  // where either is NaN, d[0] is NaN or infinite, and the loss NaN
      weight[1] = d[1] < d[2] ? -1 : d[1] == d[2] ? -0.5 : 0;
      weight[2] = d[2] < d[1] ? -1 : d[1] == d[2] ? -0.5 : 0;
    }
    const double l = margin + d[0] - nearest;
    if (!(l >= 0)) row.factor = 0;
    if (row.factor != 0 && row.differentiated())
      for (int i = 0; i < terms; ++i)
        Order::template slope<Isa, T>(d[i], row.factor * weight[i], row.n, u[i], c + 2 * i);
    return l < 0 ? 0 : l;
  }
  template <class V>
  V along(const V& u, const V* c) const {
    return where(c[0] == 0, V(0), Order::along(u, c));
  }
  template <class V>
  void gradient(const V* x, const V* c, V* d) const {
    const V ap = along(difference(x[0], x[1]), c), an = along(difference(x[0], x[2]), c + 2);
    d[0] = ap + an;
    d[1] = -ap;
    d[2] = -an;
    if constexpr (Swap) {
      const V pn = along(difference(x[1], x[2]), c + 4);
      d[1] += pn;
      d[2] -= pn;
    }
  }
  Tensor compose(const Tensor* x, const Tensor&, int dim) const {
    const auto distance = [&](int a, int b) { return norm(x[a] - x[b] + eps, Order::p, dim); };
    return detail::triplet_hinge(distance(0, 1), distance(0, 2), Swap ? distance(1, 2) : Tensor(), margin,
                                 Reduction::none);
  }
};

}  // namespace

Tensor functional::triplet_margin_loss(In anchor, const Tensor& positive, const Tensor& negative,
                                       const TripletMarginLossOptions& options) {
  constexpr const char* op = "triplet_margin_loss";
  const SourceLoc loc = anchor.loc;
  CallerScope scope(loc);
  detail::require_triplet(op, anchor, positive, negative, options.margin, options.reduction);
  const Shape pair = broadcast_shapes(anchor->shape(), positive.shape(), op, loc);
  const Shape shape = broadcast_shapes(pair, negative.shape(), op, loc);
  detail::require_order(op, options.p, shape, loc);
  // A distance of vectors that are shorter than the others, and orders nobody measures by: not worth kernels of their
  // own.
  const auto components = [](const Tensor& t) { return t.dim() == 0 ? 1 : t.shape().back(); };
  const bool plain = components(anchor) == components(positive) && components(anchor) == components(negative);
  if (!plain || options.p <= 0) {
    const auto distance = [&](const Tensor& a, const Tensor& b) {
      return functional::pairwise_distance({a, loc}, b, {.p = options.p, .eps = options.eps});
    };
    return detail::triplet_hinge(distance(anchor, positive), distance(anchor, negative),
                                 options.swap ? distance(positive, negative) : Tensor(), options.margin,
                                 options.reduction);
  }
  const detail::RowLayout layout{.reduction = options.reduction, .dim = std::max(0, shape.size() - 1)};
  const auto [a, p, n] = detail::alike<3>({anchor.tensor, positive, negative}, shape, loc);
  return detail::with_order(options.p, [&](const auto& order) -> Tensor {
    using Order = std::remove_cvref_t<decltype(order)>;
    if constexpr (std::is_same_v<Order, detail::Hamming> || std::is_same_v<Order, detail::Extreme<false>>) {
      return {};
    } else {
      if (options.swap)
        return detail::row_loss(loc, TripletFormula<Order, true>(order, options.margin, options.eps), layout, Tensor(),
                                a, p, n);
      return detail::row_loss(loc, TripletFormula<Order, false>(order, options.margin, options.eps), layout, Tensor(),
                              a, p, n);
    }
  });
}

}  // namespace slope::nn
