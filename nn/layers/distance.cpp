#include "slope/nn/layers/distance.h"

#include "slope/autograd/ops/view/join.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/nn/losses/pairs/internal/row_distance.h"
#include "slope/nn/losses/pairs/pairwise_distance.h"

namespace slope::nn {

Tensor functional::pdist(In x, double p) {
  const CallerScope caller(x.loc);
  detail::require_floating("pdist", x, "the input");
  if (x->dim() != 2)
    throw ShapeError(
        concat("pdist: pdist only supports 2D tensors, got: ", x->dim(), "D, a tensor of shape ", x->shape()), x.loc);
  if (!(p >= 0)) throw ValueError(concat("pdist: pdist only supports non-negative p values, got ", p), x.loc);
  const std::int64_t n = x->shape()[0];
  if (n < 2) return reshape({narrow(x, 0, 0, 0), x.loc}, {0});
  detail::require_order("pdist", p, x->shape(), x.loc);
  checked_mul(n, n - 1, "pdist", x.loc);
  // Row i against all later ones, which are not copied.
  std::vector<Tensor> all;
  all.reserve(static_cast<std::size_t>(n - 1));
  for (std::int64_t i = 0; i + 1 < n; ++i)
    all.push_back(pairwise_distance({narrow(x, 0, i, 1), x.loc}, narrow(x, 0, i + 1, n - i - 1), {.p = p, .eps = 0}));
  return cat(all, 0, x.loc);
}

}  // namespace slope::nn
