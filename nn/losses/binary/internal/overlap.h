#pragma once

#include "slope/nn/losses/shared/common.h"

namespace slope::nn::detail {

/// What Dice and Tversky share: (1 - (TP + s) / (TP + α·FP + β·FN + s))^γ of each sample, with TP = Σpt, FP = Σp(1-t),
/// FN = Σ(1-p)t over all dimensions after the first.
struct Overlap {
  double alpha = 0.5, beta = 0.5, smooth = 1, gamma = 1;
};

Tensor overlap_loss(const char* op, In y_pred, const Tensor& y_true, const Overlap& overlap,
                    const ReductionOption& reduction);

}  // namespace slope::nn::detail
