#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "slope/nn/containers.h"
#include "slope/nn/layers/linear.h"

namespace slope::nn {

struct AdaptiveLogSoftmaxWithLossOptions {
  /// Cluster i is predicted from ⌊in_features / div_value^(i+1)⌋ features.
  double div_value = 4.0;
  bool head_bias = false;
};

/// What AdaptiveLogSoftmaxWithLoss returns.
struct AdaptiveLogSoftmaxOutput {
  /// ln p of the target of each row: [N], or [] unbatched.
  Tensor output;
  /// -mean(output), 0-d; NaN for no rows.
  Tensor loss;
};

/// Softmax over many classes that costs little for rare ones (Grave et al., Efficient softmax approximation for GPUs,
/// 2017): classes are numbered by falling frequency, those below cutoffs[0] and one entry per cluster are predicted by
/// `head`, and the classes [cutoffs[i], cutoffs[i+1]) of cluster i by `tail` i, which only the rows that need it go
/// through:
///
///     ln p(c) = ln softmax(head(x))_c                                                  for c < cutoffs[0]
///     ln p(c) = ln softmax(head(x))_{cutoffs[0]+i} + ln softmax(tail_i(x))_{c-cutoffs[i]}   for c of cluster i
///
/// Shapes: input [N, in_features] with int64 targets [N], or [in_features] with []. Parameters head.weight, head.bias
/// (with `head_bias`), tail.i.0.weight and tail.i.1.weight start as those of Linear; a tail without rows in a batch
/// receives no gradient. Throws ValueError for cutoffs that are not increasing in [1, n_classes-1], ShapeError for
/// shapes that do not fit, DTypeError for targets that are not int64, IndexError for targets outside [0, n_classes).
///
///     nn::AdaptiveLogSoftmaxWithLoss softmax(256, 10000, {1000, 4000});
///     auto [output, loss] = softmax(hidden, words);
///     loss.backward();
class AdaptiveLogSoftmaxWithLoss : public Module {
 public:
  AdaptiveLogSoftmaxWithLoss(std::int64_t in_features, std::int64_t n_classes, std::vector<std::int64_t> cutoffs,
                             AdaptiveLogSoftmaxWithLossOptions options = {}, SourceLoc loc = SourceLoc::here());

  using Module::forward;
  AdaptiveLogSoftmaxOutput forward(const Tensor& input, const Tensor& target);
  AdaptiveLogSoftmaxOutput operator()(In input, const Tensor& target);
  /// ln p of every class: [N, n_classes], or [n_classes] unbatched.
  Tensor log_prob(In input);
  /// The most probable class of each row, the lowest of several: int64 [N], or [] unbatched. Only rows whose best entry
  /// of the head is a cluster go through the tails.
  Tensor predict(In input);
  std::string extra_repr() const override;

 private:
  std::int64_t in_features_, n_classes_;
  std::vector<std::int64_t> cutoffs_;  // with n_classes behind them

 public:
  /// Scores of the frequent classes and of the clusters of rare ones; a projection and scores for each cluster.
  Linear head;
  ModuleList tail;

 private:
  /// Throws ShapeError unless the last of one or two dimensions is in_features.
  void check_input(const char* op, In input) const;
  Tensor log_prob_of_rows(const Tensor& rows);
  std::size_t clusters() const { return cutoffs_.size() - 1; }
};

}  // namespace slope::nn
