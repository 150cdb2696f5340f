#pragma once

#include "slope/nn/losses/shared/common.h"
#include "slope/nn/losses/shared/loss_module.h"

namespace slope::nn {

struct CosineSimilarityOptions {
  std::int64_t dim = 1;
  double eps = 1e-8;
};

namespace functional {

/// s = Σ x1·x2 / (n1·n2) along `dim`, with n = max(‖x‖, eps) for each of the two.
///
/// Shapes: x1 and x2 broadcast; the result has their common shape without `dim`. ∂x1 = x2/(n1·n2) - s·x1/(n1·‖x1‖); where
/// ‖x1‖ < eps, n1 is a constant and the second term 0. Throws DTypeError for integral inputs, ShapeError for shapes that do not broadcast,
/// IndexError for a dim out of range.
///
///     Tensor s = F::cosine_similarity(a, b, {.dim = -1});
Tensor cosine_similarity(In x1, const Tensor& x2, const CosineSimilarityOptions& options = {});

}  // namespace functional

/// cosine_similarity as a module.
class CosineSimilarity : public LossModule<CosineSimilarityOptions, functional::cosine_similarity> {
  using LossModule::LossModule;
};

}  // namespace slope::nn
