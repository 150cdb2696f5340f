#include "slope/nn/losses/pairs/pairwise_distance.h"

#include "slope/autograd/ops/view/view.h"
#include "slope/nn/losses/pairs/internal/row_distance.h"

namespace slope::nn {

namespace {

template <class Order>
struct DistanceFormula : Order {
  static constexpr std::string_view name = "PairwiseDistance";
  static constexpr int operands = 2, terms = 1, coefficients = 2;
  double eps;
  DistanceFormula(const Order& order, double e) : Order(order), eps(e) {}

  template <class Sum, class V, class Within>
  void add(Sum* sum, const V* x, const Within& within) const {
    Order::add(sum[0], within(detail::RowDifference<typename V::value_type>::of(x[0], x[1], eps), Order::outside));
  }
  template <class Isa, class Row>
  double finish(Row& row, const double* sum, double* c) const {
    using T = typename Row::T;
    const detail::RowDifference<T> u{row.x[0], row.x[1], eps};
    const double d = Order::template distance<T>(sum[0], row.n, u);
    Order::template slope<Isa, T>(d, row.factor, row.n, u, c);
    if (d == 0) row.factor = 0;
    return d;
  }
  template <class V>
  void gradient(const V* x, const V* c, V* d) const {
    d[0] = Order::along(detail::RowDifference<typename V::value_type>::of(x[0], x[1], eps), c);
    d[1] = -d[0];
  }
  Tensor compose(const Tensor* x, const Tensor&, int dim) const { return norm(x[0] - x[1] + eps, Order::p, dim); }
};

}  // namespace

Tensor functional::pairwise_distance(In x1, const Tensor& x2, const PairwiseDistanceOptions& options) {
  constexpr const char* op = "pairwise_distance";
  CallerScope scope(x1.loc);
  detail::require_floating(op, x1, "x1");
  detail::require_floating(op, {x2, x1.loc}, "x2");
  const Shape shape = broadcast_shapes(x1->shape(), x2.shape(), op, x1.loc);
  detail::require_order(op, options.p, shape, x1.loc);
  const detail::RowLayout layout{
      .reduction = Reduction::none, .dim = std::max(0, shape.size() - 1), .keepdim = options.keepdim};
  const auto [a, b] = detail::alike<2>({x1.tensor, x2}, shape, x1.loc);
  return detail::with_order(options.p, [&](const auto& order) {
    return detail::row_loss(x1.loc, DistanceFormula(order, options.eps), layout, Tensor(), a, b);
  });
}

}  // namespace slope::nn
