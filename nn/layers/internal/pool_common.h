#pragma once

#include <string>
#include <vector>

#include "slope/autograd/kernels/window/window.h"
#include "slope/autograd/tensor/tensor.h"
#include "slope/nn/layers/pooling.h"

namespace slope::nn::detail {

/// Throws unless x is a floating tensor of shape (N, C, sizes) or (C, sizes), of which only N may be 0.
void check_pooled(const char* op, In x, int dims);

/// The windows that pool x. Throws as sliding_window does, in the words of pooling, and ValueError for padding of more than half a kernel.
Window pool_window(const char* op, In x, int dims, const WindowOptions& options);

/// The sizes that adaptive pooling gives to x. Throws ValueError for another number of them than dimensions, and for negative ones.
Shape adaptive_sizes(const char* op, In x, int dims, const AdaptiveSize& size);

/// A result without elements, which depends on nothing: x reduced to none of its elements, in another shape.
Tensor nothing(In x, const Shape& shape);

/// Throws MemoryError unless there is memory for tables of some numbers per window: before they are made, so that an absurd size is told
/// like that of a tensor.
void reserve_tables(std::int64_t windows);

/// "3", or "(3, 5)".
std::string numbers(const IntArray& values);

}  // namespace slope::nn::detail
