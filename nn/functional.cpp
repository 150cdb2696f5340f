#include "slope/nn/functional.h"

#include "slope/autograd/ops/reduce/reduce.h"

namespace slope::nn::functional {

Tensor normalize(In x, const NormalizeOptions& options) {
  if (!x.tensor.defined()) throw ValueError("normalize: the tensor is undefined", x.loc);
  CallerScope scope(x.loc);
  const int dim = wrap_dim(options.dim, x->dim(), "normalize", x.loc);
  const Tensor norms = norm(x, options.p, dim, true);
  return div(x, {clamp_min({norms, x.loc}, options.eps), x.loc});
}

}  // namespace slope::nn::functional
