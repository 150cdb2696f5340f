#include "slope/nn/losses/pairs/info_nce.h"

#include "slope/autograd/ops/linalg/matmul.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/nn/functional.h"
#include "slope/nn/losses/classes/cross_entropy.h"
#include "slope/nn/losses/pairs/internal/view_pairs.h"

namespace slope::nn::functional {

Tensor info_nce_loss(In query, const Tensor& key, const InfoNCELossOptions& options) {
  CallerScope scope(query.loc);
  const DType dtype =
      detail::require_view_pairs("info_nce_loss", "query and key", query, key, options.temperature, options.reduction);
  const Tensor q = normalize(query->to(dtype)) / options.temperature, k = normalize(key.to(dtype));
  return cross_entropy(linear(q, k), arange(q.shape()[0]), {.reduction = options.reduction});
}

}  // namespace slope::nn::functional
