#pragma once

#include <vector>

// The functional forms: what modules do, as functions of tensors. `F` is the customary short name. Losses are declared with
// their classes, in slope/nn/losses/.
#include "slope/autograd/ops/linalg/matmul.h"
#include "slope/autograd/ops/pointwise/activation.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/reduce/softmax.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/nn/layers/activation.h"
#include "slope/nn/layers/dropout.h"
#include "slope/nn/layers/embedding.h"
#include "slope/nn/layers/linear.h"

namespace slope::nn::functional {

using slope::celu;
using slope::elu;
using slope::gelu;
using slope::glu;
using slope::hardshrink;
using slope::hardsigmoid;
using slope::hardswish;
using slope::hardtanh;
using slope::leaky_relu;
using slope::linear;
using slope::log_softmax;
using slope::logsigmoid;
using slope::mish;
using slope::prelu;
using slope::relu;
using slope::relu6;
using slope::selu;
using slope::sigmoid;
using slope::silu;
using slope::softmax;
using slope::softmin;
using slope::softplus;
using slope::softshrink;
using slope::softsign;
using slope::tanh;
using slope::tanhshrink;
using slope::threshold;
using slope::unfold;

struct NormalizeOptions {
  double p = 2;
  std::int64_t dim = 1;
  double eps = 1e-12;
};
/// x / max(‖x‖_p, eps), with norms along `dim`. A zero vector stays zero and has gradient g/eps. Throws IndexError for a
/// dimension out of range, DTypeError unless x is floating.
///
///     Tensor directions = F::normalize(x, {.dim = -1});
Tensor normalize(In x, const NormalizeOptions& options = {});

enum class PadMode {
  /// A value of the caller's choice.
  constant,
  /// Mirrored at the edge element, which is not repeated: c b | a b c | b a.
  reflect,
  /// The edge element: a a | a b c | c c.
  replicate,
  /// From the other end: b c | a b c | a b.
  circular
};
struct PadOptions {
  /// What the new elements hold.
  PadMode mode = PadMode::constant;
  /// For PadMode::constant.
  Scalar value = 0;
};
/// Enlarges `x` at its edges, or with negative numbers cuts them off. `pads` = {before, after} of the last dimension, then of the one
/// before it, and so on.
///
/// The gradient of a padded element goes to the element it was copied from. Throws ValueError for an odd number of pads,
/// ShapeError for more pads than x has edges, for a negative result, and where a mode cannot reach: reflect needs pads below
/// the size of the dimension, circular pads up to it.
///
///     F::pad(x, {1, 2})                                         // [.., n] -> [.., n + 3]
///     F::pad(image, {1, 1, 1, 1}, {.mode = F::PadMode::reflect})
Tensor pad(In x, const std::vector<std::int64_t>& pads, const PadOptions& options = {});

}  // namespace slope::nn::functional

namespace slope {
namespace F = nn::functional;
}
