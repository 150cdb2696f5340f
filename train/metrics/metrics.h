#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "slope/autograd/core/function.h"
#include "slope/autograd/tensor/tensor.h"

namespace slope::train {

// Predictions are probabilities with as many elements as the target (binary; positive above the threshold, so NaN is
// negative), or one score per class, (N, C) with C > 1 against int64 targets (N), where the largest score counts. What would
// count silently as something else throws: ValueError for a prediction outside [0, 1] (a logit: see MetricOptions), for
// (N, C) against (N, C) (one-hot or independent labels? see MetricOptions) and for a target outside [-1, 1]; IndexError for a
// class outside the C.

/// Share of predictions that equal their target, as a 0-d float32 tensor; of equal scores the first class counts. NaN
/// for an empty batch. Throws ShapeError when the shapes do not fit together.
Tensor accuracy(In y_pred, const Tensor& y_true);
/// tp / (tp + fp); 0 when nothing was predicted positive. Binary.
Tensor precision(In y_pred, const Tensor& y_true);
/// tp / (tp + fn); 0 when there is nothing positive. Binary.
Tensor recall(In y_pred, const Tensor& y_true);
/// Harmonic mean of precision and recall; 0 when both are. Binary.
Tensor f1(In y_pred, const Tensor& y_true);
/// Area under the ROC curve: the chance that a positive scores above a negative, ties counting half (Mann-Whitney); scores
/// of any range. NaN when one class is missing or a score is NaN. O(n log n).
Tensor auc(In y_pred, const Tensor& y_true);

/// What the metric objects take besides predictions and targets.
///
///     model.compile(nn::BCEWithLogitsLoss(), optimizer, {{"accuracy", train::Accuracy({.from_logits = true})}});
struct MetricOptions {
  /// The probability above which a prediction is positive.
  double threshold = 0.5;
  /// Predictions are logits: sigmoid(y_pred) is the probability.
  bool from_logits = false;
  /// Accuracy of (N, C) against (N, C): each row of the target marks one class by its largest element.
  bool one_hot = false;
  /// Accuracy of (N, C) against (N, C): each element is a label of its own.
  bool multilabel = false;
  /// Accuracy of classes: targets of this class do not count.
  std::optional<std::int64_t> ignore_index{};
};

/// A quantity gathered over many batches. Use it by itself, or give it to a trainer; own ones derive from this. `In` is a
/// tensor together with the caller's line: `y_pred.tensor` is the tensor.
///
///     train::Recall recall;
///     for (auto& [x, y] : loader) recall.update(net(x), y);
///     recall.compute();
class Metric {
 public:
  virtual ~Metric() = default;
  /// A batch more. Throws, having changed nothing, when the two do not fit.
  virtual void update(In y_pred, const Tensor& y_true) = 0;
  /// The value over all batches since the last reset.
  virtual double compute() const = 0;
  /// Forgets all batches.
  virtual void reset() = 0;
};

/// Counts of a binary decision.
struct Confusion {
  /// The four counts.
  std::int64_t true_positive = 0, false_positive = 0, true_negative = 0, false_negative = 0;
  /// tp / (tp + fp), tp / (tp + fn), and their harmonic mean; 0 where they would be 0/0.
  double precision() const;
  double recall() const;
  double f1() const;
};
/// Counts `y_pred > threshold` against `y_true > 0.5`. Throws ShapeError when the numbers of elements differ, ValueError for
/// values that are no probabilities or labels.
Confusion confusion(In y_pred, const Tensor& y_true, double threshold = 0.5);

/// accuracy over all samples seen. Throws ValueError for options outside their domain.
class Accuracy : public Metric {
 public:
  explicit Accuracy(const MetricOptions& options = {}, SourceLoc loc = SourceLoc::here());
  explicit Accuracy(double threshold, SourceLoc loc = SourceLoc::here())
      : Accuracy(MetricOptions{.threshold = threshold}, loc) {}
  void update(In y_pred, const Tensor& y_true) override;
  double compute() const override;
  void reset() override { correct_ = total_ = 0; }

 private:
  MetricOptions options_;
  std::int64_t correct_ = 0, total_ = 0;
};

/// Precision, recall and F1 share their counts and differ in what they make of them. Throw ValueError for options outside
/// their domain, and for those of classes.
class ConfusionMetric : public Metric {
 public:
  void update(In y_pred, const Tensor& y_true) override;
  double compute() const override { return (counts_.*value_)(); }
  void reset() override { counts_ = {}; }
  /// What was counted so far.
  const Confusion& counts() const { return counts_; }

 protected:
  ConfusionMetric(double (Confusion::*value)() const, const MetricOptions& options, SourceLoc loc);

 private:
  double (Confusion::*value_)() const;
  MetricOptions options_;
  Confusion counts_;
};
/// precision over all samples seen.
class Precision : public ConfusionMetric {
 public:
  explicit Precision(const MetricOptions& options = {}, SourceLoc loc = SourceLoc::here())
      : ConfusionMetric(&Confusion::precision, options, loc) {}
  explicit Precision(double threshold, SourceLoc loc = SourceLoc::here())
      : Precision(MetricOptions{.threshold = threshold}, loc) {}
};
/// recall over all samples seen.
class Recall : public ConfusionMetric {
 public:
  explicit Recall(const MetricOptions& options = {}, SourceLoc loc = SourceLoc::here())
      : ConfusionMetric(&Confusion::recall, options, loc) {}
  explicit Recall(double threshold, SourceLoc loc = SourceLoc::here())
      : Recall(MetricOptions{.threshold = threshold}, loc) {}
};
/// f1 over all samples seen.
class F1 : public ConfusionMetric {
 public:
  explicit F1(const MetricOptions& options = {}, SourceLoc loc = SourceLoc::here())
      : ConfusionMetric(&Confusion::f1, options, loc) {}
  explicit F1(double threshold, SourceLoc loc = SourceLoc::here()) : F1(MetricOptions{.threshold = threshold}, loc) {}
};

/// auc over all samples seen; keeps every score.
class AUC : public Metric {
 public:
  void update(In y_pred, const Tensor& y_true) override;
  double compute() const override;
  void reset() override { scores_.clear(); }

 private:
  std::vector<std::pair<double, bool>> scores_;
};

/// A plain function of one batch, averaged over batches, or a metric object that sees them all.
using MetricFunction = Function<Tensor(const Tensor&, const Tensor&)>;

/// A metric under the name it has in logs: `{"accuracy", train::accuracy}` or `{"auc", train::AUC()}`.
class NamedMetric {
 public:
  /// Throws ValueError for an empty name or a null metric.
  NamedMetric(std::string name, MetricFunction function, SourceLoc loc = SourceLoc::here());
  template <class F>
    requires std::is_invocable_r_v<Tensor, F&, const Tensor&, const Tensor&>
  NamedMetric(std::string name, F function, SourceLoc loc = SourceLoc::here())
      : NamedMetric(std::move(name), MetricFunction(std::move(function)), loc) {}
  template <std::derived_from<Metric> M>
  NamedMetric(std::string name, M metric, SourceLoc loc = SourceLoc::here())
      : NamedMetric(std::move(name), std::shared_ptr<Metric>(std::make_shared<M>(std::move(metric))), loc) {}
  NamedMetric(std::string name, std::shared_ptr<Metric> metric, SourceLoc loc = SourceLoc::here());

  /// The name in logs.
  const std::string& name() const { return name_; }
  /// Forgets what was seen; takes in a batch; the value so far.
  void reset();
  void update(In y_pred, const Tensor& y_true);
  double value() const;

 private:
  std::string name_;
  std::shared_ptr<Metric> metric_;
};

}  // namespace slope::train
