#pragma once

#include <cstdint>

#include "slope/autograd/ops/pointwise/elementwise.h"

/// Activation functions, elementwise unless a dimension is named. f(x); f'(x) with its value at kinks. PyTorch's names.
/// (relu, sigmoid, logsigmoid and tanh are in elementwise.h.)
namespace slope {

/// clamp(x, 0, 6); 1 strictly inside.
Tensor relu6(In x);
/// clamp(x, min, max); 1 strictly inside, 0 at both ends.
Tensor hardtanh(In x, double min_val = -1, double max_val = 1);
/// x > 0 ? x : a·x; a at 0.
Tensor leaky_relu(In x, double negative_slope = 0.01);
/// x > 0 ? x : w·x with a learned w of one element or one per channel (dimension 1). ∂w sums g·min(x, 0). Throws ShapeError.
Tensor prelu(In x, const Tensor& weight);
/// x > 0 ? x : α(eˣ - 1); α at 0.
Tensor elu(In x, double alpha = 1);
/// λ·elu(x, α), λ = 1.0507009873554805, α = 1.6732632423543772.
Tensor selu(In x);
/// x > 0 ? x : α(e^{x/α} - 1); 1 at 0. Throws ValueError for α = 0.
Tensor celu(In x, double alpha = 1);
/// How gelu is computed: exactly, or by a hyperbolic tangent.
enum class GeluApproximation { none, tanh };
/// x·Φ(x), or its tanh approximation.
Tensor gelu(In x, GeluApproximation approximate = GeluApproximation::none);
/// x·σ(x).
Tensor silu(In x);
/// x·tanh(ln(1 + eˣ)).
Tensor mish(In x);
/// clamp(x/6 + 1/2, 0, 1); 1/6 for -3 < x < 3, 0 at ±3.
Tensor hardsigmoid(In x);
/// x·clamp(x + 3, 0, 6)/6.
Tensor hardswish(In x);
/// ln(1 + e^{βx})/β, and x itself where βx > threshold. Throws ValueError for β = 0.
Tensor softplus(In x, double beta = 1, double threshold = 20);
/// x/(1 + |x|).
Tensor softsign(In x);
/// x - λ above λ, x + λ below -λ, else 0. Throws ValueError for λ < 0.
Tensor softshrink(In x, double lambda = 0.5);
/// x where |x| > λ, else 0.
Tensor hardshrink(In x, double lambda = 0.5);
/// x - tanh x.
Tensor tanhshrink(In x);
/// x > threshold ? x : value.
Tensor threshold(In x, double threshold, double value);
/// Halves of `dim`: a·σ(b). Throws ShapeError for an odd size.
Tensor glu(In x, std::int64_t dim = -1);

}  // namespace slope
