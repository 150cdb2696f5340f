#include "slope/train/metrics/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "slope/autograd/tensor/factory.h"

namespace slope::train {

namespace {

void require_defined(const char* op, In y_pred, const Tensor& y_true) {
  if (!y_pred.tensor.defined()) throw ValueError(concat(op, ": the prediction is an undefined tensor"), y_pred.loc);
  if (!y_true.defined()) throw ValueError(concat(op, ": the target is an undefined tensor"), y_pred.loc);
}

void require_same_count(const char* op, In y_pred, const Tensor& y_true) {
  if (y_pred->numel() != y_true.numel())
    throw ShapeError(concat(op, ": prediction ", to_text(y_pred->shape()), " and target ", to_text(y_true.shape()),
                            " differ in number of elements"),
                     y_pred.loc);
}

double ratio(double part, double whole) { return whole == 0 ? 0 : part / whole; }
/// part / (part + other); counts that users fill in may add up to more than int64 holds.
double share(double part, double other) { return ratio(part, part + other); }

/// Labels are 0 and 1, or -1 and 1.
std::vector<double> binary_labels(const char* op, In y_pred, const Tensor& y_true) {
  auto labels = y_true.to_vector<double>();
  for (double t : labels)
    if (t < -1 || t > 1)
      throw ValueError(
          concat(op, ": a label of a binary target is 0 or 1, got ", t,
                 y_true.dim() == 1 && y_true.dtype() == DType::int64 ? "; for classes pass one score per class, (N, C)"
                                                                     : ""),
          y_pred.loc);
  return labels;
}

Confusion count_binary(const char* op, In y_pred, const Tensor& y_true, const MetricOptions& options) {
  require_defined(op, y_pred, y_true);
  require_same_count(op, y_pred, y_true);
  const auto p = y_pred->to_vector<double>(), t = binary_labels(op, y_pred, y_true);
  double threshold = options.threshold;
  if (options.from_logits) {
    threshold = std::log(threshold) - std::log1p(-threshold);  // sigmoid rises
  } else {
    for (double v : p)
      if (v < 0 || v > 1)
        throw ValueError(concat(op, ": a prediction is a probability, got ", v,
                                "; apply sigmoid to logits, or use a metric object with {.from_logits = true}"),
                         y_pred.loc);
  }
  Confusion c;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const bool said = p[i] > threshold, is = t[i] > 0.5;
    ++(said ? (is ? c.true_positive : c.false_positive) : (is ? c.false_negative : c.true_negative));
  }
  return c;
}

struct Hits {
  std::int64_t correct = 0, total = 0;
};

/// The position of the first largest element of each row.
std::vector<std::int64_t> largest_of_rows(const Tensor& scores) {
  const auto values = scores.to_vector<double>();
  const auto columns = static_cast<std::ptrdiff_t>(scores.size(1));
  std::vector<std::int64_t> out;
  for (auto row = values.begin(); row != values.end(); row += columns)
    out.push_back(std::max_element(row, row + columns) - row);
  return out;
}

Hits count_hits(In y_pred, const Tensor& y_true, const MetricOptions& options) {
  require_defined("accuracy", y_pred, y_true);
  const bool columns = y_pred->dim() == 2 && y_pred->size(1) != 1;
  const bool classes = columns && y_true.dtype() == DType::int64 && y_true.dim() == 1;
  const bool alike = columns && y_pred->shape() == y_true.shape();
  if (alike && !options.one_hot && !options.multilabel)
    throw ValueError(
        concat("accuracy: prediction and target ", to_text(y_true.shape()),
               " may stand for one class per row or for independent labels; pass classes, y_true.argmax(1), "
               "or use train::Accuracy with {.one_hot = true} or {.multilabel = true}"),
        y_pred.loc);
  if (classes || (alike && options.one_hot)) {
    const std::int64_t count = y_pred->size(1);
    if (count == 0)
      throw ShapeError(concat("accuracy: prediction ", to_text(y_pred->shape()), " has no scores to choose from"),
                       y_pred.loc);
    if (y_pred->size(0) != y_true.size(0))
      throw ShapeError(concat("accuracy: prediction ", to_text(y_pred->shape()), " and target ",
                              to_text(y_true.shape()), " differ in batch size"),
                       y_pred.loc);
    const auto chosen = largest_of_rows(y_pred);
    const auto labels = classes ? y_true.to_vector<std::int64_t>() : largest_of_rows(y_true);
    Hits h;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (options.ignore_index && labels[i] == *options.ignore_index) continue;
      if (labels[i] < 0 || labels[i] >= count)
        throw IndexError(
            concat("accuracy: label ", labels[i], " of sample ", i, " is out of range for ", count,
                   " classes; to leave some out use train::Accuracy with {.ignore_index = ", labels[i], "}"),
            y_pred.loc);
      h.correct += chosen[i] == labels[i];
      ++h.total;
    }
    return h;
  }
  const Confusion c = count_binary("accuracy", y_pred, y_true, options);
  return {c.true_positive + c.true_negative, y_pred->numel()};
}

void require_threshold(const char* op, const MetricOptions& options, SourceLoc loc) {
  if (!(options.threshold >= 0 && options.threshold <= 1))
    throw ValueError(concat(op, ": the threshold is a probability, got ", options.threshold), loc);
}

using Scores = std::vector<std::pair<double, bool>>;

void append_scores(Scores& scores, In y_pred, const Tensor& y_true) {
  require_defined("auc", y_pred, y_true);
  require_same_count("auc", y_pred, y_true);
  const auto p = y_pred->to_vector<double>(), t = binary_labels("auc", y_pred, y_true);
  for (std::size_t i = 0; i < p.size(); ++i) scores.emplace_back(p[i], t[i] > 0.5);
}

double area(Scores scores) {
  // Sorting needs an order, and NaN has none.
  if (std::any_of(scores.begin(), scores.end(), [](const auto& s) { return std::isnan(s.first); }))
    return std::numeric_limits<double>::quiet_NaN();
  std::sort(scores.begin(), scores.end());
  double rank_sum = 0;
  std::int64_t positives = 0;
  for (std::size_t i = 0; i < scores.size();) {
    std::size_t end = i;
    std::int64_t tied = 0;
    for (; end < scores.size() && scores[end].first == scores[i].first; ++end) tied += scores[end].second;
    rank_sum += static_cast<double>(tied) * (static_cast<double>(i + end) + 1) / 2;  // ranks i+1..end share their mean
    positives += tied;
    i = end;
  }
  const auto p = static_cast<double>(positives), n = static_cast<double>(scores.size()) - p;
  return p == 0 || n == 0 ? std::numeric_limits<double>::quiet_NaN() : (rank_sum - p * (p + 1) / 2) / (p * n);
}

Tensor number(double v) { return full({}, v, {.dtype = DType::float32}); }

/// The mean over batches of a function of one batch.
class BatchMean : public Metric {
 public:
  explicit BatchMean(MetricFunction f) : function_(std::move(f)) {}
  void update(In y_pred, const Tensor& y_true) override {
    const CallerScope scope(y_pred.loc);
    sum_ += function_(y_pred, y_true).item();
    ++batches_;
  }
  double compute() const override {
    return batches_ ? sum_ / static_cast<double>(batches_) : std::numeric_limits<double>::quiet_NaN();
  }
  void reset() override {
    sum_ = 0;
    batches_ = 0;
  }

 private:
  MetricFunction function_;
  double sum_ = 0;
  std::int64_t batches_ = 0;
};

}  // namespace

double Confusion::precision() const {
  return share(static_cast<double>(true_positive), static_cast<double>(false_positive));
}
double Confusion::recall() const {
  return share(static_cast<double>(true_positive), static_cast<double>(false_negative));
}
double Confusion::f1() const {
  return share(2 * static_cast<double>(true_positive),
               static_cast<double>(false_positive) + static_cast<double>(false_negative));
}

Confusion confusion(In y_pred, const Tensor& y_true, double threshold) {
  const MetricOptions options{.threshold = threshold};
  require_threshold("confusion", options, y_pred.loc);
  return count_binary("confusion", y_pred, y_true, options);
}

Tensor accuracy(In y_pred, const Tensor& y_true) {
  const Hits h = count_hits(y_pred, y_true, {});
  return number(h.total ? ratio(static_cast<double>(h.correct), static_cast<double>(h.total))
                        : std::numeric_limits<double>::quiet_NaN());
}
Tensor precision(In y_pred, const Tensor& y_true) {
  return number(count_binary("precision", y_pred, y_true, {}).precision());
}
Tensor recall(In y_pred, const Tensor& y_true) { return number(count_binary("recall", y_pred, y_true, {}).recall()); }
Tensor f1(In y_pred, const Tensor& y_true) { return number(count_binary("f1", y_pred, y_true, {}).f1()); }
Tensor auc(In y_pred, const Tensor& y_true) {
  Scores scores;
  append_scores(scores, y_pred, y_true);
  return number(area(std::move(scores)));
}

Accuracy::Accuracy(const MetricOptions& options, SourceLoc loc) : options_(options) {
  require_threshold("Accuracy", options, loc);
  if (options.one_hot && options.multilabel)
    throw ValueError(
        "Accuracy: a row marks one class or holds labels of its own, not both; choose one_hot or multilabel", loc);
}
void Accuracy::update(In y_pred, const Tensor& y_true) {
  const Hits h = count_hits(y_pred, y_true, options_);
  correct_ += h.correct;
  total_ += h.total;
}
double Accuracy::compute() const {
  return total_ ? ratio(static_cast<double>(correct_), static_cast<double>(total_))
                : std::numeric_limits<double>::quiet_NaN();
}

ConfusionMetric::ConfusionMetric(double (Confusion::*value)() const, const MetricOptions& options, SourceLoc loc)
    : value_(value), options_(options) {
  require_threshold("metrics", options, loc);
  if (options.one_hot || options.ignore_index)
    throw ValueError("metrics: precision, recall and F1 are binary; one_hot and ignore_index belong to Accuracy", loc);
}
void ConfusionMetric::update(In y_pred, const Tensor& y_true) {
  const Confusion c = count_binary("confusion", y_pred, y_true, options_);
  counts_.true_positive += c.true_positive;
  counts_.false_positive += c.false_positive;
  counts_.true_negative += c.true_negative;
  counts_.false_negative += c.false_negative;
}

void AUC::update(In y_pred, const Tensor& y_true) { append_scores(scores_, y_pred, y_true); }
double AUC::compute() const { return area(scores_); }

NamedMetric::NamedMetric(std::string name, MetricFunction function, SourceLoc loc)
    : NamedMetric(std::move(name), std::shared_ptr<Metric>(std::make_shared<BatchMean>(std::move(function))), loc) {}

NamedMetric::NamedMetric(std::string name, std::shared_ptr<Metric> metric, SourceLoc loc)
    : name_(std::move(name)), metric_(std::move(metric)) {
  if (name_.empty()) throw ValueError("metrics: a metric needs a name", loc);
  if (!metric_) throw ValueError(concat("metrics: the metric '", name_, "' is null"), loc);
}

void NamedMetric::reset() { metric_->reset(); }
void NamedMetric::update(In y_pred, const Tensor& y_true) { metric_->update(y_pred, y_true); }
double NamedMetric::value() const { return metric_->compute(); }

}  // namespace slope::train
