#pragma once

#include "slope/nn/losses/shared/common.h"
#include "slope/nn/losses/shared/loss_module.h"

namespace slope::nn {

struct SCELossOptions {
  /// Weight of the cross entropy.
  double alpha = 0.1;
  /// Weight of the reverse cross entropy.
  double beta = 1.0;
  /// What stands for the logarithm of 0 in the label's distribution; negative.
  double log_zero = -4.0;
  /// Positions with this target do not count; any integer.
  std::int64_t ignore_index = -100;
  ReductionOption reduction = Reduction::mean;
};

namespace functional {

/// Symmetric cross entropy, which tolerates wrong labels (Wang et al., Symmetric Cross Entropy for Robust Learning with
/// Noisy Labels, 2019): l = α·ce + β·rce of logits x, with ce = -ln p_c at the class c = target, p = softmax(x), and
/// the reverse cross entropy rce = -Σ_j p_j·ln q_j, where q is 1 at c and ln 0 is taken to be A = `log_zero`.
///
/// Σ_{j≠c} p_j being 1 - p_c, rce is -A·(1 - p_c), and it is computed from ce as A·(e^-ce - 1), which keeps the tail of
/// a confident row. The paper's code first raises every p_j to at least 1e-7; here it is not, which makes a difference
/// below 1e-7·|A|·C. Shapes, ignored targets and errors as cross_entropy with class indices; the mean is over the
/// positions that are not ignored. ∂x_j = (α - β·A·p_c)·(p_j - [j = c]). Throws ValueError for a log_zero that is not
/// negative.
///
///     Tensor loss = F::sce_loss(logits, labels, {.alpha = 6.0, .beta = 0.1});
Tensor sce_loss(In y_pred, const Tensor& y_true, const SCELossOptions& options = {});

}  // namespace functional

/// sce_loss as a module.
class SCELoss : public LossModule<SCELossOptions, functional::sce_loss> {
  using LossModule::LossModule;
};

}  // namespace slope::nn
