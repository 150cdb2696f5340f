#pragma once

#include "slope/autograd/kernels/window/window.h"
#include "slope/autograd/tensor/tensor.h"

/// Convolution as the functions of nn call it, who have checked that everything fits. Differentiable to any order: the derivatives
/// of convolution, transposed convolution and the gradient of the weight are each other.
namespace slope::detail {

/// x (N, groups·in, sizes) or without N; weight (groups·out, in, kernel); bias (groups·out) or undefined.
Tensor convolution(SourceLoc loc, const Window& w, std::int64_t groups, const Tensor& x, const Tensor& weight,
                   const Tensor& bias);
/// x (N, groups·in, sizes) or without N, which are the outputs of `w`; weight (groups·in, out, kernel); bias (groups·out) or
/// undefined. The result has the inputs of `w`.
Tensor transposed_convolution(SourceLoc loc, const Window& w, std::int64_t groups, const Tensor& x,
                              const Tensor& weight, const Tensor& bias);

}  // namespace slope::detail
