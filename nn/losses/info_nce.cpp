#include "slope/nn/losses/info_nce.h"

#include <limits>

#include "slope/autograd/ops/elementwise.h"
#include "slope/autograd/ops/index.h"
#include "slope/autograd/ops/join.h"
#include "slope/autograd/ops/matmul.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/nn/functional.h"
#include "slope/nn/losses/cross_entropy.h"
#include "slope/nn/losses/nt_xent.h"

namespace slope::nn::functional {

namespace {

/// What both check; returns the dtype to compute in.
DType check_pairs(const char* op, const char* names, In a, const Tensor& b, double temperature, Reduction reduction) {
  if (!a.tensor.defined() || !b.defined()) throw ValueError(concat(op, ": one of ", names, " is an undefined tensor"), a.loc);
  detail::require_floating(op, a);
  detail::require_floating(op, {b, a.loc});
  if (a->dim() != 2 || a->shape() != b.shape())
    throw ShapeError(concat(op, ": ", names, " must both be [N, D] and of one shape, but are ", to_text(a->shape()),
                            " and ", to_text(b.shape())),
                     a.loc);
  if (!(temperature > 0)) throw ValueError(concat(op, ": the temperature must be positive, got ", temperature), a.loc);
  detail::require_plain_reduction(op, reduction, a.loc);
  return a->dtype() == b.dtype() ? b.dtype() : DType::float64;
}

}  // namespace

Tensor info_nce_loss(In query, const Tensor& key, const InfoNCELossOptions& options) {
  CallerScope scope(query.loc);
  const DType dtype = check_pairs("info_nce_loss", "query and key", query, key, options.temperature, options.reduction);
  const Tensor q = normalize(query->to(dtype)) / options.temperature, k = normalize(key.to(dtype));
  return cross_entropy(linear(q, k), arange(q.shape()[0]), {.reduction = options.reduction});
}

Tensor nt_xent_loss(In z1, const Tensor& z2, const NTXentLossOptions& options) {
  CallerScope scope(z1.loc);
  const DType dtype = check_pairs("nt_xent_loss", "z1 and z2", z1, z2, options.temperature, options.reduction);
  const std::int64_t n = z2.shape()[0];
  const Tensor z = normalize(cat({z1->to(dtype), z2.to(dtype)}));
  const Tensor logits = masked_fill(linear(z / options.temperature, z), eye(2 * n, {.dtype = DType::boolean}),
                                    -std::numeric_limits<double>::infinity());
  return cross_entropy(logits, cat({arange(n, 2 * n), arange(n)}), {.reduction = options.reduction});
}

}  // namespace slope::nn::functional
