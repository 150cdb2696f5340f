#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "slope/autograd/core/function.h"
#include "slope/autograd/tensor/tensor.h"

namespace slope::train {

// Predictions are probabilities with as many elements as the target (binary; positive above `threshold`, so NaN is
// negative), or one score per class, (N, C) with C > 1 against int64 targets (N), where the largest score counts.

/// Share of predictions that equal their target, as a 0-d float32 tensor; of equal scores the first class counts. NaN
/// for an empty batch. Throws ShapeError when the shapes do not fit together.
Tensor accuracy(const Tensor& y_pred, const Tensor& y_true);
/// tp / (tp + fp); 0 when nothing was predicted positive. Binary.
Tensor precision(const Tensor& y_pred, const Tensor& y_true);
/// tp / (tp + fn); 0 when there is nothing positive. Binary.
Tensor recall(const Tensor& y_pred, const Tensor& y_true);
/// Harmonic mean of precision and recall; 0 when both are. Binary.
Tensor f1(const Tensor& y_pred, const Tensor& y_true);
/// Area under the ROC curve: the chance that a positive scores above a negative, ties counting half (Mann-Whitney). NaN
/// when one class is missing or a score is NaN. O(n log n).
Tensor auc(const Tensor& y_pred, const Tensor& y_true);

/// A quantity gathered over many batches.
///
///     train::Recall recall;
///     for (auto& [x, y] : loader) recall.update(net(x), y);
///     recall.compute();
class Metric {
 public:
  virtual ~Metric() = default;
  virtual void update(const Tensor& y_pred, const Tensor& y_true) = 0;
  virtual double compute() const = 0;
  virtual void reset() = 0;
};

/// Counts of a binary decision.
struct Confusion {
  std::int64_t true_positive = 0, false_positive = 0, true_negative = 0, false_negative = 0;
  double precision() const;
  double recall() const;
  double f1() const;
};
/// Counts `y_pred > threshold` against `y_true > 0.5`. Throws ShapeError when the numbers of elements differ.
Confusion confusion(const Tensor& y_pred, const Tensor& y_true, double threshold = 0.5);

/// accuracy over all samples seen.
class Accuracy : public Metric {
 public:
  explicit Accuracy(double threshold = 0.5) : threshold_(threshold) {}
  void update(const Tensor& y_pred, const Tensor& y_true) override;
  double compute() const override;
  void reset() override { correct_ = total_ = 0; }

 private:
  double threshold_;
  std::int64_t correct_ = 0, total_ = 0;
};

/// Precision, recall and F1 share their counts and differ in what they make of them.
class ConfusionMetric : public Metric {
 public:
  void update(const Tensor& y_pred, const Tensor& y_true) override;
  double compute() const override { return (counts_.*value_)(); }
  void reset() override { counts_ = {}; }
  const Confusion& counts() const { return counts_; }

 protected:
  ConfusionMetric(double (Confusion::*value)() const, double threshold) : value_(value), threshold_(threshold) {}

 private:
  double (Confusion::*value_)() const;
  double threshold_;
  Confusion counts_;
};
class Precision : public ConfusionMetric {
 public:
  explicit Precision(double threshold = 0.5) : ConfusionMetric(&Confusion::precision, threshold) {}
};
class Recall : public ConfusionMetric {
 public:
  explicit Recall(double threshold = 0.5) : ConfusionMetric(&Confusion::recall, threshold) {}
};
class F1 : public ConfusionMetric {
 public:
  explicit F1(double threshold = 0.5) : ConfusionMetric(&Confusion::f1, threshold) {}
};

/// auc over all samples seen; keeps every score.
class AUC : public Metric {
 public:
  void update(const Tensor& y_pred, const Tensor& y_true) override;
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
  NamedMetric(std::string name, MetricFunction function);
  template <class F>
    requires std::is_invocable_r_v<Tensor, F&, const Tensor&, const Tensor&>
  NamedMetric(std::string name, F function) : NamedMetric(std::move(name), MetricFunction(std::move(function))) {}
  template <std::derived_from<Metric> M>
  NamedMetric(std::string name, M metric)
      : NamedMetric(std::move(name), std::shared_ptr<Metric>(std::make_shared<M>(std::move(metric)))) {}
  NamedMetric(std::string name, std::shared_ptr<Metric> metric);

  const std::string& name() const { return name_; }
  void reset();
  void update(const Tensor& y_pred, const Tensor& y_true);
  double value() const;

 private:
  std::string name_;
  std::shared_ptr<Metric> metric_;
};

}  // namespace slope::train
