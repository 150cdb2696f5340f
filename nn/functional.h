#pragma once

// The functional forms: what modules do, as functions of tensors. `F` is the customary short name. Losses are declared with
// their classes, in slope/nn/losses/.
#include "slope/autograd/ops/linalg/matmul.h"
#include "slope/autograd/ops/pointwise/activation.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/reduce/softmax.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/nn/layers/activation.h"
#include "slope/nn/layers/attention.h"
#include "slope/nn/layers/conv.h"
#include "slope/nn/layers/distance.h"
#include "slope/nn/layers/dropout.h"
#include "slope/nn/layers/embedding.h"
#include "slope/nn/layers/fold.h"
#include "slope/nn/layers/grid.h"
#include "slope/nn/layers/linear.h"
#include "slope/nn/layers/multihead_attention.h"
#include "slope/nn/layers/normalization.h"
#include "slope/nn/layers/padding.h"
#include "slope/nn/layers/pooling.h"
#include "slope/nn/layers/position.h"
#include "slope/nn/layers/recurrence.h"
#include "slope/nn/layers/resampling.h"
#include "slope/nn/layers/shuffle.h"
#include "slope/nn/layers/transformer.h"

namespace slope::nn::functional {

using slope::celu;
using slope::elu;
using slope::flatten;
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
using slope::unflatten;
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

}  // namespace slope::nn::functional

namespace slope {
namespace F = nn::functional;
}
