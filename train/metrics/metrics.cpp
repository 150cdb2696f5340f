#include "slope/train/metrics/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "slope/autograd/tensor/factory.h"

namespace slope::train {

namespace {

void require_same_count(const char* op, const Tensor& y_pred, const Tensor& y_true) {
  if (y_pred.numel() != y_true.numel())
    throw ShapeError(concat(op, ": prediction ", to_text(y_pred.shape()), " and target ", to_text(y_true.shape()),
                            " differ in number of elements"));
}

double ratio(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

struct Hits {
  std::int64_t correct = 0, total = 0;
};

Hits count_hits(const Tensor& y_pred, const Tensor& y_true, double threshold) {
  const bool classes = y_pred.dim() == 2 && y_pred.size(1) != 1 && y_true.dtype() == DType::int64 && y_true.dim() == 1;
  if (classes) {
    if (y_pred.size(1) == 0)
      throw ShapeError(concat("accuracy: prediction ", to_text(y_pred.shape()), " has no scores to choose from"));
    if (y_pred.size(0) != y_true.size(0))
      throw ShapeError(concat("accuracy: prediction ", to_text(y_pred.shape()), " and target ", to_text(y_true.shape()),
                              " differ in batch size"));
    const auto scores = y_pred.to_vector<double>();
    const auto labels = y_true.to_vector<std::int64_t>();
    const auto columns = static_cast<std::size_t>(y_pred.size(1));
    Hits h{0, y_pred.size(0)};
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const auto row = scores.begin() + static_cast<std::ptrdiff_t>(i * columns);
      h.correct += std::max_element(row, row + static_cast<std::ptrdiff_t>(columns)) - row == labels[i];
    }
    return h;
  }
  require_same_count("accuracy", y_pred, y_true);
  const Confusion c = confusion(y_pred, y_true, threshold);
  return {c.true_positive + c.true_negative, y_pred.numel()};
}

using Scores = std::vector<std::pair<double, bool>>;

void append_scores(Scores& scores, const Tensor& y_pred, const Tensor& y_true) {
  require_same_count("auc", y_pred, y_true);
  const auto p = y_pred.to_vector<double>(), t = y_true.to_vector<double>();
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
  void update(const Tensor& y_pred, const Tensor& y_true) override {
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

double Confusion::precision() const { return ratio(true_positive, true_positive + false_positive); }
double Confusion::recall() const { return ratio(true_positive, true_positive + false_negative); }
double Confusion::f1() const { return ratio(2 * true_positive, 2 * true_positive + false_positive + false_negative); }

Confusion confusion(const Tensor& y_pred, const Tensor& y_true, double threshold) {
  require_same_count("confusion", y_pred, y_true);
  const auto p = y_pred.to_vector<double>(), t = y_true.to_vector<double>();
  Confusion c;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const bool said = p[i] > threshold, is = t[i] > 0.5;
    ++(said ? (is ? c.true_positive : c.false_positive) : (is ? c.false_negative : c.true_negative));
  }
  return c;
}

Tensor accuracy(const Tensor& y_pred, const Tensor& y_true) {
  const Hits h = count_hits(y_pred, y_true, 0.5);
  return number(h.total ? ratio(h.correct, h.total) : std::numeric_limits<double>::quiet_NaN());
}
Tensor precision(const Tensor& y_pred, const Tensor& y_true) { return number(confusion(y_pred, y_true).precision()); }
Tensor recall(const Tensor& y_pred, const Tensor& y_true) { return number(confusion(y_pred, y_true).recall()); }
Tensor f1(const Tensor& y_pred, const Tensor& y_true) { return number(confusion(y_pred, y_true).f1()); }
Tensor auc(const Tensor& y_pred, const Tensor& y_true) {
  Scores scores;
  append_scores(scores, y_pred, y_true);
  return number(area(std::move(scores)));
}

void Accuracy::update(const Tensor& y_pred, const Tensor& y_true) {
  const Hits h = count_hits(y_pred, y_true, threshold_);
  correct_ += h.correct;
  total_ += h.total;
}
double Accuracy::compute() const { return total_ ? ratio(correct_, total_) : std::numeric_limits<double>::quiet_NaN(); }

void ConfusionMetric::update(const Tensor& y_pred, const Tensor& y_true) {
  const Confusion c = confusion(y_pred, y_true, threshold_);
  counts_.true_positive += c.true_positive;
  counts_.false_positive += c.false_positive;
  counts_.true_negative += c.true_negative;
  counts_.false_negative += c.false_negative;
}

void AUC::update(const Tensor& y_pred, const Tensor& y_true) { append_scores(scores_, y_pred, y_true); }
double AUC::compute() const { return area(scores_); }

NamedMetric::NamedMetric(std::string name, MetricFunction function)
    : NamedMetric(std::move(name), std::shared_ptr<Metric>(std::make_shared<BatchMean>(std::move(function)))) {}

NamedMetric::NamedMetric(std::string name, std::shared_ptr<Metric> metric)
    : name_(std::move(name)), metric_(std::move(metric)) {
  if (name_.empty()) throw ValueError("metrics: a metric needs a name");
  if (!metric_) throw ValueError(concat("metrics: the metric '", name_, "' is null"));
}

void NamedMetric::reset() { metric_->reset(); }
void NamedMetric::update(const Tensor& y_pred, const Tensor& y_true) { metric_->update(y_pred, y_true); }
double NamedMetric::value() const { return metric_->compute(); }

}  // namespace slope::train
