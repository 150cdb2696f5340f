#pragma once

#include "slope/autograd/tensor/tensor.h"

/// What layers begin with.
namespace slope::nn::detail {

/// Of the default dtype, U(-1/√fan_in, 1/√fan_in). For weights this is kaiming_uniform_ with a = √5; biases use it, too.
Tensor uniform_parameter(const Shape& shape, std::int64_t fan_in);
/// A count of operations, sizes · times: what int64 cannot hold is as many as it can.
std::int64_t saturated_product(const Shape& sizes, std::int64_t times);

}  // namespace slope::nn::detail
