#pragma once

#include <cstdint>
#include <optional>

#include "slope/autograd/tensor/tensor.h"

/// Probabilities from scores. The largest score of a row is subtracted first, so that no exponential overflows; rows of nothing
/// but -∞ give NaN. All take a tensor of any shape and a dimension along which the results belong together, and throw IndexError
/// for one out of range. Integers become the default float type; `dtype` converts first.
///
///     Tensor p = softmax(logits, -1);          // rows sum to 1
namespace slope {

/// e^(x[i]) / Σ e^(x[j]). ∂x = y·(g - Σ g·y).
Tensor softmax(In x, std::int64_t dim, std::optional<DType> dtype = {});
/// x[i] - log Σ e^(x[j]), exact to the last bits also where the probability is tiny. ∂x = g - e^y·Σ g.
Tensor log_softmax(In x, std::int64_t dim, std::optional<DType> dtype = {});
/// softmax(-x).
Tensor softmin(In x, std::int64_t dim, std::optional<DType> dtype = {});

}  // namespace slope
