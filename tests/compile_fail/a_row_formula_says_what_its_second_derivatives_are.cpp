// expect: a row formula has either compose
#include "slope/nn/losses/shared/internal/row_loss.h"
using namespace slope;
struct SquareSum {
  static constexpr std::string_view name = "SquareSum";
  static constexpr int operands = 1, terms = 1, coefficients = 1;
  template <class Sum, class V, class Within>
  void add(Sum* sum, const V* x, const Within& within) const {
    sum[0].add(within(x[0] * x[0]));
  }
  template <class Isa, class Row>
  double finish(Row& row, const double* sum, double* c) const {
    c[0] = 2 * row.factor;
    return sum[0];
  }
  template <class V>
  void gradient(const V* x, const V* c, V* d) const {
    d[0] = c[0] * x[0];
  }
#ifdef SLOPE_MAKE_VALID
  Tensor compose(const Tensor* x, const Tensor&, int dim) const { return square(x[0]).sum(dim); }
#else
  Tensor composed(const Tensor* x, const Tensor&, int dim) const { return square(x[0]).sum(dim); }
#endif
};
Tensor square_sum(const Tensor& x) { return nn::detail::row_loss({}, SquareSum{}, {}, Tensor(), x); }
