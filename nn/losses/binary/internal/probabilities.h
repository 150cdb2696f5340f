#pragma once

#include "slope/autograd/tensor/tensor.h"

namespace slope::nn::detail {

/// Throws ValueError "all elements of input should be between 0 and 1" unless they are; NaN is not.
void require_probabilities(const char* op, In x);

}  // namespace slope::nn::detail
