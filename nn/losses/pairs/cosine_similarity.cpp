#include "slope/nn/losses/pairs/cosine_similarity.h"

#include "slope/autograd/ops/reduce/reduce.h"
#include "slope/nn/losses/pairs/internal/cosine_rows.h"

namespace slope::nn {

namespace {

struct CosineSimilarityFormula : detail::CosineRows {
  static constexpr std::string_view name = "CosineSimilarity";
  double eps;

  template <class Isa, class Row, class V>
  V finish_rows(const Row* rows, int count, const V* sum, V& factor, V* c) const {
    const Sums<V> sums(rows, count, sum);
    const V a = sqrt(sums.aa), b = sqrt(sums.bb);
    const V n1 = maximum(a, sums.for_a(eps)), n2 = maximum(b, sums.for_b(eps));
    const V s = sums.ab / (n1 * n2);
    sums.slopes(rows, s, n1, n2, a, b, factor, c);
    return s;
  }

  Tensor compose(const Tensor* x, const Tensor&, int dim) const {
    const auto bounded = [&](const Tensor& v) { return clamp_min(norm(v, 2, dim, true), eps); };
    return (x[0] / bounded(x[0]) * (x[1] / bounded(x[1]))).sum(dim);
  }
};

}  // namespace

Tensor functional::cosine_similarity(In x1, const Tensor& x2, const CosineSimilarityOptions& options) {
  constexpr const char* op = "cosine_similarity";
  CallerScope scope(x1.loc);
  detail::require_floating(op, x1, "x1");
  detail::require_floating(op, {x2, x1.loc}, "x2");
  const Shape shape = broadcast_shapes(x1->shape(), x2.shape(), op, x1.loc);
  const int dim = wrap_dim(options.dim, shape.size(), op, x1.loc);
  const auto [a, b] = detail::alike<2>({x1.tensor, x2}, shape, x1.loc);
  return detail::row_loss(x1.loc, CosineSimilarityFormula{{}, options.eps}, {.reduction = Reduction::none, .dim = dim},
                          Tensor(), a, b);
}

}  // namespace slope::nn
