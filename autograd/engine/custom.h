#pragma once

#include <string>
#include <vector>

#include "slope/autograd/core/function.h"
#include "slope/autograd/tensor/tensor.h"

namespace slope {

struct CustomOptions {
  /// The backward works on raw values and cannot be differentiated again: create_graph through it throws instead of
  /// silently losing terms.
  bool once_differentiable = false;
};

/// Makes `output` the result of a user-defined operation on `inputs`: `backward` maps the gradient of the output to one
/// gradient per input (an undefined tensor means zero). Compute `output` under a NoGradGuard.
///
///     Tensor y = [&] { NoGradGuard no_grad; return exp(x); }();
///     Tensor out = custom("MyExp", {x}, y, [y = y.detach()](const Tensor& g) { return std::vector{g * y}; });
///
/// Written with tensor operations on captured inputs, the backward can be differentiated again. Do not capture the returned
/// tensor itself: it owns the closure. Gradients of wrong count, shape or dtype throw during backward. Longer operations read better as a
/// struct: see engine/op.h.
Tensor custom(std::string name, const std::vector<Tensor>& inputs, const Tensor& output,
              Function<std::vector<Tensor>(const Tensor&)> backward, CustomOptions options = {},
              SourceLoc loc = SourceLoc::here());

/// The same with several outputs; `backward` receives one gradient per output, undefined where none arrived.
std::vector<Tensor> custom(std::string name, const std::vector<Tensor>& inputs, const std::vector<Tensor>& outputs,
                           Function<std::vector<Tensor>(const std::vector<Tensor>&)> backward,
                           CustomOptions options = {}, SourceLoc loc = SourceLoc::here());

}  // namespace slope
