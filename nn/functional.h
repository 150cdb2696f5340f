#pragma once

// The functional forms: everything a module does, as functions of tensors. `F` is the customary short name.
#include "slope/autograd/ops/activation.h"
#include "slope/autograd/ops/matmul.h"
#include "slope/autograd/ops/softmax.h"
#include "slope/nn/layers/dropout.h"

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

}  // namespace slope::nn::functional

namespace slope {
namespace F = nn::functional;
}
