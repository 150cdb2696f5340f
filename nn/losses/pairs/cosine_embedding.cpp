#include "slope/nn/losses/pairs/cosine_embedding.h"

#include "slope/autograd/ops/reduce/reduce.h"
#include "slope/nn/losses/pairs/internal/cosine_rows.h"
#include "slope/nn/losses/shared/internal/hinge.h"

namespace slope::nn {

namespace {

constexpr double smallest = 9.999999960041972e-13;  // 1e-12 in single precision

struct CosineEmbeddingFormula : detail::CosineRows {
  static constexpr std::string_view name = "CosineEmbeddingLoss";
  double margin;

  template <class Isa, class Row, class V>
  V finish_rows(const Row* rows, int count, const V* sum, V& factor, V* c) const {
    const Sums<V> sums(rows, count, sum);
    const V a = sqrt(sums.aa + sums.for_a(sums.for_a(smallest)));
    const V b = sqrt(sums.bb + sums.for_b(sums.for_b(smallest)));
    const V cosine = sums.ab / (a * b), excess = cosine - margin;
    double targets[V::size] = {};
    for (int r = 0; r < count; ++r) targets[r] = static_cast<double>(*rows[r].template constant_as<typename Row::T>());
    const auto alike = V::load(targets) == 1, unlike = V::load(targets) == -1;
    factor = factor * where(alike, V(-1), where(unlike & (excess >= 0), V(1), V(0)));
    sums.slopes(rows, cosine, a, b, a, b, factor, c);
    return where(alike, 1 - cosine, where(unlike, where(excess < 0, V(0), excess), V(0)));
  }

  Tensor compose(const Tensor* x, const Tensor& target, int dim) const {
    const Tensor a = square(x[0]).sum(dim) + smallest, b = square(x[1]).sum(dim) + smallest;
    const Tensor cosine = (x[0] * x[1]).sum(dim) / sqrt(a * b);
    return where(target == 1.0, 1.0 - cosine, where(target == -1.0, hinge(cosine - margin), 0.0));
  }
};

}  // namespace

Tensor functional::cosine_embedding_loss(In input1, const Tensor& input2, const Tensor& target,
                                         const CosineEmbeddingLossOptions& options) {
  constexpr const char* op = "cosine_embedding_loss";
  const SourceLoc loc = input1.loc;
  CallerScope scope(loc);
  detail::require_floating(op, input1, "input1");
  detail::require_floating(op, {input2, loc}, "input2");
  if (!target.defined()) throw ValueError(concat(op, ": the target is an undefined tensor"), loc);
  detail::require_plain_reduction(op, options.reduction, loc);
  detail::require_constant(op, "target", target, loc);
  const auto sizes = [&] { return concat(to_text(input1->shape()), " and ", to_text(input2.shape())); };
  if (target.dim() > 1)
    throw ShapeError(concat(op, ": 0D or 1D target tensor expected, multi-target not supported; the target is ",
                            to_text(target.shape()), ", the inputs are ", sizes()),
                     loc);
  if (input1->dim() != target.dim() + 1 || input2.dim() != target.dim() + 1)
    throw ShapeError(
        concat(op, ": ", target.dim(), "D target tensor expects ", target.dim() + 1,
               "D input tensors, but found inputs with sizes ", sizes(), "; the target is ", to_text(target.shape())),
        loc);
  if (input1->shape().back() != input2.shape().back())
    throw ShapeError(concat(op, ": the vectors must have the same number of components, but the inputs are ", sizes()),
                     loc);
  Shape shape = broadcast_shapes(input1->shape(), input2.shape(), op, loc);
  if (target.dim() == 1 && target.size(0) != shape[0])
    shape[0] = broadcast_shapes({shape[0]}, target.shape(), op, loc)[0];

  const auto [a, b] = detail::alike<2>({input1.tensor, input2}, shape, loc);
  const detail::RowLayout layout{.reduction = options.reduction, .dim = shape.size() - 1};
  const Tensor constant =
      target.dtype() == a.dtype() && !target.requires_grad() ? target : target.detach().to(a.dtype(), loc);
  const auto [t] = detail::alike<1>({constant}, layout.values_shape(shape), loc);
  return detail::row_loss(loc, CosineEmbeddingFormula{{}, options.margin}, layout, t, a, b);
}

}  // namespace slope::nn
