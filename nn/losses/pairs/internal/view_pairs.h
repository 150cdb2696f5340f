#pragma once

#include "slope/nn/losses/shared/common.h"

namespace slope::nn::detail {

/// What losses of two views of a batch check before anything else: both [N, D], floating, alike, τ > 0. Returns the
/// dtype to compute in. `names` calls the views in messages: "query and key".
DType require_view_pairs(const char* op, const char* names, In a, const Tensor& b, double temperature,
                         const ReductionOption& reduction);

}  // namespace slope::nn::detail
