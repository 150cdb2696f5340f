#include "slope/nn/losses/pairs/nt_xent.h"

#include <limits>

#include "slope/autograd/ops/index/index.h"
#include "slope/autograd/ops/linalg/matmul.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/view/join.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/nn/functional.h"
#include "slope/nn/losses/classes/cross_entropy.h"
#include "slope/nn/losses/pairs/internal/view_pairs.h"

namespace slope::nn::functional {

Tensor nt_xent_loss(In z1, const Tensor& z2, const NTXentLossOptions& options) {
  CallerScope scope(z1.loc);
  const DType dtype =
      detail::require_view_pairs("nt_xent_loss", "z1 and z2", z1, z2, options.temperature, options.reduction);
  const std::int64_t n = z2.shape()[0];
  const Tensor z = normalize(cat({z1->to(dtype), z2.to(dtype)}));
  const Tensor logits = masked_fill(linear(z / options.temperature, z), eye(2 * n, {.dtype = DType::boolean}),
                                    -std::numeric_limits<double>::infinity());
  return cross_entropy(logits, cat({arange(n, 2 * n), arange(n)}), {.reduction = options.reduction});
}

}  // namespace slope::nn::functional
