#pragma once

#include "slope/nn/losses/shared/common.h"

namespace slope::nn::detail {

/// What both triplet losses check before anything else.
void require_triplet(const char* op, In anchor, const Tensor& positive, const Tensor& negative, double margin,
                     const ReductionOption& reduction);
/// max(0, margin + ap - an) of distances, reduced; pn, where defined, is taken in place of an where it is smaller.
Tensor triplet_hinge(const Tensor& ap, const Tensor& an, const Tensor& pn, double margin, Reduction reduction);

}  // namespace slope::nn::detail
