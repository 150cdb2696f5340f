#pragma once

#include "slope/nn/losses/sequence/lengths.h"
#include "slope/nn/losses/shared/common.h"
#include "slope/nn/losses/shared/loss_module.h"

namespace slope::nn {

struct CTCLossOptions {
  /// The class that stands for "no label".
  std::int64_t blank = 0;
  ReductionOption reduction = Reduction::mean;
  /// Losses of +inf (no alignment fits) and their gradients become 0.
  bool zero_infinity = false;
};

namespace functional {

/// Connectionist temporal classification (Graves et al. 2006): -ln of the probability that a sequence of class
/// probabilities spells the labels, summed over all alignments. An alignment names one class a step; dropping repeats,
/// then blanks, must leave the labels.
///
/// Shapes: log_probs [T, N, C], or [T, C] for a single sequence; int64 targets [N, S], padded, or [Σ target_lengths],
/// one behind the other; a length for each of the N sequences. Result 0-d, or [N] ([] unbatched) without reduction. The
/// mean divides each loss by max(target length, 1), then by N.
///  - Steps from an input length on and labels from a target length on are never read; their gradient is 0.
///  - -inf is a legal logarithm. Labels that do not fit into the input length cost +inf, with gradient NaN, or 0 and 0
///    with `zero_infinity`. An input of length 0 costs 0 without labels, else +inf.
///
/// The gradient is the mathematical derivative: minus the expected number of times an alignment is in class c at step
/// t. (PyTorch returns e^log_probs more, which a log_softmax before it takes out again: behind one the two agree.) It
/// cannot be differentiated again.
///
/// Everything is computed in double and without underflow. Throws DTypeError for log_probs that are not floating or
/// targets and lengths that are not int64, ShapeError for shapes and numbers of lengths that do not fit, ValueError for
/// lengths and a blank out of range and for a label that is the blank, IndexError for a label outside [0, C).
///
///     Tensor loss = F::ctc_loss(log_softmax(logits, -1), targets, {50, 42}, {12, 9});
Tensor ctc_loss(In log_probs, const Tensor& targets, const Lengths& input_lengths, const Lengths& target_lengths,
                const CTCLossOptions& options = {});

}  // namespace functional

/// ctc_loss as a module.
///
///     nn::CTCLoss loss({.blank = 28, .zero_infinity = true});
///     loss(log_probs, targets, input_lengths, target_lengths).backward();
class CTCLoss : public LossModule<CTCLossOptions, functional::ctc_loss, Tensor, Lengths, Lengths> {
  using LossModule::LossModule;
};

}  // namespace slope::nn
