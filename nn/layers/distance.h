#pragma once

#include "slope/autograd/tensor/tensor.h"

namespace slope::nn::functional {

/// ‖x_i - x_j‖_p of all pairs i < j of the rows of x (N, D), those of row 0 first: (N·(N-1)/2). Derivatives as those of
/// F::pairwise_distance, 0 between equal rows. Throws ShapeError unless x is a matrix, ValueError for a negative p or NaN, DTypeError unless x is floating.
///
///     Tensor d = F::pdist(points);
Tensor pdist(In x, double p = 2);

}  // namespace slope::nn::functional
