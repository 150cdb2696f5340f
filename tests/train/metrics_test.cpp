#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "slope/slope.h"
#include "support/checks.h"
#include "train_text/test_support.h"

using namespace slope;

BOOST_AUTO_TEST_SUITE(metrics)

namespace {
const std::vector<double> scores = {0.9, 0.8, 0.7, 0.4, 0.4, 0.1}, labels = {1, 0, 1, 1, 0, 0};

// The share of pairs (positive, negative) in order, ties counting half: the definition, in O(n^2).
double area_by_pairs(const Tensor& y_pred, const Tensor& y_true) {
  const auto p = y_pred.to_vector<double>(), t = y_true.to_vector<double>();
  double ordered = 0, pairs = 0;
  for (std::size_t i = 0; i < p.size(); ++i)
    for (std::size_t j = 0; j < p.size(); ++j)
      if (t[i] == 1 && t[j] == 0) {
        ordered += p[i] > p[j] ? 1 : p[i] == p[j] ? 0.5 : 0;
        ++pairs;
      }
  return ordered / pairs;  // 0 / 0 without a pair
}

std::vector<std::pair<std::string, std::shared_ptr<train::Metric>>> all_metrics() {
  return {{"accuracy", std::make_shared<train::Accuracy>()},
          {"precision", std::make_shared<train::Precision>()},
          {"recall", std::make_shared<train::Recall>()},
          {"f1", std::make_shared<train::F1>()},
          {"auc", std::make_shared<train::AUC>()}};
}
}  // namespace

BOOST_AUTO_TEST_CASE(counts_give_accuracy_precision_recall_and_f1) {
  const Tensor p = tensor(scores), t = tensor(labels);
  check_close(train::accuracy(p, t), {4.0 / 6}, 1e-6);
  check_close(train::precision(p, t), {2.0 / 3}, 1e-6);
  check_close(train::recall(p, t), {2.0 / 3}, 1e-6);
  check_close(train::f1(p, t), {2.0 / 3}, 1e-6);
}

BOOST_AUTO_TEST_CASE(auc_is_the_share_of_ordered_pairs_with_ties_counting_half) {
  // Pairs (positive, negative): 0.9 beats all 3; 0.7 beats 2; 0.4 ties one and beats one.
  check_close(train::auc(tensor(scores), tensor(labels)), {(3 + 2 + 1.5) / 9}, 1e-6);
  check_values(train::auc(tensor({0.1, 0.2}), tensor({1.0, 1.0})), {std::nan("")});
}

BOOST_AUTO_TEST_CASE(class_scores_are_right_when_the_largest_is) {
  check_close(train::accuracy(tensor({{0.1, 0.9}, {0.8, 0.2}, {0.3, 0.7}}), tensor({1, 0, 0})), {2.0 / 3}, 1e-6);
}

BOOST_AUTO_TEST_CASE(objects_gather_over_batches_and_reset) {
  train::Recall recall;
  train::AUC auc;
  for (std::size_t i = 0; i < scores.size(); i += 2) {
    const Tensor p = tensor({scores[i], scores[i + 1]}), t = tensor({labels[i], labels[i + 1]});
    recall.update(p, t);
    auc.update(p, t);
  }
  BOOST_TEST(recall.compute() == 2.0 / 3, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(auc.compute() == 6.5 / 9, boost::test_tools::tolerance(1e-6));
  recall.reset();
  BOOST_TEST(recall.compute() == 0.0);
}

BOOST_AUTO_TEST_CASE(auc_equals_the_count_over_all_pairs_with_many_ties_too) {
  manual_seed(5);
  for (std::int64_t n = 1; n <= 80; ++n)
    for (const std::int64_t levels : {1, 2, 5, 1000}) {
      // Rounding to a few levels makes ties; one label in four is positive.
      const Tensor p = floor(rand({n}, {.dtype = float64}) * static_cast<double>(levels)) / static_cast<double>(levels);
      const Tensor t = (rand({n}) < 0.25).to(float32);
      const double expected = area_by_pairs(p, t);
      train::AUC object;
      object.update(p, t);
      const double got = object.compute();
      BOOST_TEST((same_number(got, expected) || std::abs(got - expected) <= 1e-14),
                 n << " samples: " << got << " != " << expected);
      check_close(train::auc(p, t), {expected}, 1e-6);
    }
}

BOOST_AUTO_TEST_CASE(auc_takes_infinite_scores_and_gives_nan_where_one_is_not_a_number) {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
  check_values(train::auc(tensor({-inf, 0.0, inf, inf}), tensor({0.0, 0.0, 1.0, 1.0})), {1});
  check_values(train::auc(tensor({-inf, inf, inf}), tensor({0.0, 0.0, 1.0})), {0.75});
  // Many of them: a sort that compares NaN would leave its range.
  for (std::int64_t n = 1; n <= 100; ++n) {
    std::vector<double> p(static_cast<std::size_t>(n), nan), t(static_cast<std::size_t>(n), 0);
    t[0] = 1;
    check_values(train::auc(tensor(p), tensor(t)), {nan});
    for (std::size_t i = 0; i < p.size(); ++i)
      p[i] = i % 3 == 1 ? nan : static_cast<double>(n) - static_cast<double>(i);
    if (n > 1) check_values(train::auc(tensor(p), tensor(t)), {nan});
  }
}

BOOST_AUTO_TEST_CASE(without_positives_or_negatives_counts_are_zero_and_auc_is_nan) {
  const Tensor low = tensor({0.1, 0.2, 0.3}), high = tensor({0.7, 0.8, 0.9}), none = zeros({3}), all = ones({3});
  const double nan = std::nan("");
  const auto check = [](const Tensor& p, const Tensor& t, const std::vector<double>& expected) {
    const Tensor got[] = {train::accuracy(p, t), train::precision(p, t), train::recall(p, t), train::f1(p, t),
                          train::auc(p, t)};
    for (std::size_t i = 0; i < 5; ++i) check_values(got[i], {expected[i]});
  };
  check(low, none, {1, 0, 0, 0, nan});
  check(high, none, {0, 0, 0, 0, nan});
  check(low, all, {0, 0, 0, 0, nan});
  check(high, all, {1, 1, 1, 1, nan});
}

BOOST_AUTO_TEST_CASE(an_object_that_saw_nothing_and_one_that_was_reset_give_what_an_empty_batch_gives) {
  const Tensor nothing = zeros({0});
  const double nan = std::nan("");
  check_values(train::accuracy(nothing, nothing), {nan});
  check_values(train::precision(nothing, nothing), {0});
  check_values(train::recall(nothing, nothing), {0});
  check_values(train::f1(nothing, nothing), {0});
  check_values(train::auc(nothing, nothing), {nan});
  for (const auto& [name, metric] : all_metrics()) {
    const double fresh = metric->compute();
    BOOST_TEST(same_number(fresh, name == "accuracy" || name == "auc" ? nan : 0), name << " of nothing is " << fresh);
    metric->update(nothing, nothing);
    BOOST_TEST(same_number(metric->compute(), fresh));
    metric->update(tensor(scores), tensor(labels));
    const double once = metric->compute();
    BOOST_TEST(once > 0.5);
    metric->update(1 - tensor(scores), tensor(labels));
    BOOST_TEST(metric->compute() != once);
    metric->reset();
    BOOST_TEST(same_number(metric->compute(), fresh));
    metric->update(tensor(scores), tensor(labels));
    BOOST_TEST(metric->compute() == once);
  }
}

BOOST_AUTO_TEST_CASE(objects_give_the_same_for_every_way_to_cut_the_data_into_batches) {
  manual_seed(6);
  const Tensor p = rand({60}), t = (rand({60}) < 0.3).to(float32);
  for (const auto& [name, metric] : all_metrics()) {
    metric->update(p, t);
    const double whole = metric->compute();
    for (const std::int64_t batch : {1, 7, 30, 59}) {
      metric->reset();
      for (std::int64_t i = 0; i < 60; i += batch) {
        const std::int64_t end = std::min<std::int64_t>(i + batch, 60);
        metric->update(p.slice(0, i, end), t.slice(0, i, end));
      }
      BOOST_TEST(metric->compute() == whole, name << " in batches of " << batch);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_threshold_itself_is_negative_and_can_be_chosen) {
  const Tensor p = tensor({0.5, 0.50001, 0.2, 0.8}), t = tensor({1.0, 1.0, 0.0, 0.0});
  const train::Confusion half = train::confusion(p, t), low = train::confusion(p, t, 0.1);
  BOOST_TEST(half.true_positive == 1);
  BOOST_TEST(half.false_positive == 1);
  BOOST_TEST(half.true_negative == 1);
  BOOST_TEST(half.false_negative == 1);
  BOOST_TEST(low.recall() == 1);
  BOOST_TEST(low.precision() == 0.5);
  BOOST_TEST(low.f1() == 2.0 / 3, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(train::confusion(p, t, 0.9).recall() == 0);
  train::Precision precision(0.1);
  train::F1 f1(0.1);
  train::Accuracy accuracy(0.9);
  precision.update(p, t);
  f1.update(p, t);
  accuracy.update(p, t);
  BOOST_TEST(precision.compute() == 0.5);
  BOOST_TEST(precision.counts().false_positive == 2);
  BOOST_TEST(f1.compute() == 2.0 / 3, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(accuracy.compute() == 0.5);
}

BOOST_AUTO_TEST_CASE(every_dtype_layout_and_rank_counts_alike) {
  const Tensor p = tensor(scores), t = tensor(labels);
  const double expected = 4.0 / 6;
  for (const DType predicted : {float32, float64})
    for (const DType truth : {float32, float64, int64, boolean}) {
      check_close(train::accuracy(p.to(predicted), t.to(truth)), {expected}, 1e-6);
      check_close(train::auc(p.to(predicted), t.to(truth)), {6.5 / 9}, 1e-6);
      // A column against a row of labels, as a net gives and a file holds them, is no choice between classes.
      check_close(train::accuracy(p.to(predicted).reshape({6, 1}), t.to(truth)), {expected}, 1e-6);
    }
  const Tensor every_other = stack({p, 1 - p}, 1).select(1, 0);
  BOOST_TEST(!every_other.is_contiguous());
  check_close(train::f1(every_other, t), {2.0 / 3}, 1e-6);
  train::Accuracy grid({.multilabel = true});
  grid.update(p.reshape({2, 3}).t(), t.reshape({2, 3}).t());
  BOOST_TEST(grid.compute() == expected);
  check_values(train::accuracy(tensor(0.7), tensor(1.0)), {1});
  BOOST_TEST((train::auc(p, t).dtype() == float32));
  BOOST_TEST(train::auc(p, t).dim() == 0);
  const double nan = std::nan("");
  check_values(train::accuracy(tensor({nan, nan}), tensor({1.0, 0.0})), {0.5});  // NaN is no positive
}

BOOST_AUTO_TEST_CASE(of_equal_class_scores_the_first_counts_and_batches_add_up) {
  const Tensor tied = tensor({{0.5, 0.5}, {0.2, 0.2}});
  check_values(train::accuracy(tied, tensor({0, 0})), {1});
  check_values(train::accuracy(tied, tensor({1, 1})), {0});
  check_values(train::accuracy(zeros({0, 3}), zeros({0}, {.dtype = int64})), {std::nan("")});
  train::Accuracy accuracy;
  accuracy.update(tensor({{0.1, 0.9}, {0.8, 0.2}, {0.3, 0.7}}), tensor({1, 0, 0}));
  accuracy.update(tensor({{0.1, 0.9}}), tensor({1}));
  BOOST_TEST(accuracy.compute() == 0.75);
}

BOOST_AUTO_TEST_CASE(logits_are_refused_or_counted_by_their_sigmoid) {
  const Tensor logits = tensor({2.0, -1.0, 0.3, -3.0}), t = tensor({1.0, 0.0, 0.0, 0.0});
  const std::string hint = "; apply sigmoid to logits, or use a metric object with {.from_logits = true}";
  check_error<ValueError>([&] { (void)train::accuracy(logits, t); },
                          "accuracy: a prediction is a probability, got 2" + hint);
  check_error<ValueError>([&] { (void)train::precision(logits, t); }, "precision: a prediction is a probability");
  check_error<ValueError>([&] { (void)train::recall(logits, t); }, "recall: a prediction is a probability");
  check_error<ValueError>([&] { (void)train::f1(logits, t); }, "f1: a prediction is a probability");
  check_error<ValueError>([&] { (void)train::confusion(-logits, t); },
                          "confusion: a prediction is a probability, got -2");
  for (const double threshold : {0.2, 0.5, 0.55, 0.9, 0.0, 1.0}) {
    const train::MetricOptions options{.threshold = threshold, .from_logits = true};
    const std::pair<std::shared_ptr<train::Metric>, std::shared_ptr<train::Metric>> both[] = {
        {std::make_shared<train::Accuracy>(options), std::make_shared<train::Accuracy>(threshold)},
        {std::make_shared<train::Precision>(options), std::make_shared<train::Precision>(threshold)},
        {std::make_shared<train::Recall>(options), std::make_shared<train::Recall>(threshold)},
        {std::make_shared<train::F1>(options), std::make_shared<train::F1>(threshold)}};
    for (const auto& [of_logits, of_probabilities] : both) {
      of_logits->update(logits, t);
      of_probabilities->update(sigmoid(logits), t);
      BOOST_TEST(of_logits->compute() == of_probabilities->compute());
    }
  }
  check_values(train::auc(logits, t), {1});  // needs no probabilities
  check_error<ValueError>([] { train::Accuracy(1.5); }, "Accuracy: the threshold is a probability, got 1.5");
  check_error<ValueError>([] { train::Recall({.threshold = std::nan("")}); }, "the threshold is a probability");
  check_error<ValueError>([&] { (void)train::confusion(sigmoid(logits), t, -0.1); }, "the threshold is a probability");
}

BOOST_AUTO_TEST_CASE(labels_outside_the_classes_are_refused_unless_they_are_to_be_ignored) {
  const Tensor scores_of_three = tensor({{0.1, 0.7, 0.2}, {0.8, 0.1, 0.1}, {0.2, 0.2, 0.6}});
  for (const std::int64_t label : {3L, -1L, -100L}) {
    const Tensor t = tensor({1L, label, 0L});
    check_error<IndexError>([&] { (void)train::accuracy(scores_of_three, t); },
                            "accuracy: label " + std::to_string(label) +
                                " of sample 1 is out of range for 3 classes; to leave some out use");
    train::Accuracy accuracy({.ignore_index = label});
    accuracy.update(scores_of_three, t);
    BOOST_TEST(accuracy.compute() == 0.5);
    BOOST_CHECK_THROW(accuracy.update(scores_of_three, tensor({7L, 0L, 0L})), IndexError);
    BOOST_TEST(accuracy.compute() == 0.5);
  }
  // Binary labels are 0 and 1, or -1 and 1.
  const Tensor p = tensor({0.9, 0.2});
  check_values(train::accuracy(p, tensor({1.0, -1.0})), {1});
  check_error<ValueError>(
      [&] { (void)train::accuracy(p, tensor({2, 0})); },
      "accuracy: a label of a binary target is 0 or 1, got 2; for classes pass one score per class");
  check_error<ValueError>([&] { (void)train::recall(p, tensor({1.0, 255.0})); }, "recall: a label of a binary target");
  check_error<ValueError>([&] { (void)train::auc(p, tensor({1.0, -3.0})); },
                          "auc: a label of a binary target is 0 or 1");
}

BOOST_AUTO_TEST_CASE(one_hot_targets_are_refused_unless_it_is_said_what_they_mean) {
  const Tensor p = tensor({{0.4, 0.3, 0.3}, {0.2, 0.45, 0.35}}), t = tensor({{1.0, 0.0, 0.0}, {0.0, 0.0, 1.0}});
  check_error<ValueError>([&] { (void)train::accuracy(p, t); },
                          "accuracy: prediction and target [2, 3] may stand for one class per row or for independent "
                          "labels; pass classes, y_true.argmax(1), or use train::Accuracy with {.one_hot = true} or");
  train::Accuracy classes({.one_hot = true}), independent({.multilabel = true});
  for (auto* metric : {&classes, &independent}) metric->update(p, t);
  BOOST_TEST(classes.compute() == 0.5);
  BOOST_TEST(independent.compute() == 4.0 / 6);
  check_values(train::accuracy(p, t.argmax(1)), {0.5});
  check_error<ValueError>([] { train::Accuracy({.one_hot = true, .multilabel = true}); }, "not both");
  check_error<ValueError>([] { train::F1({.one_hot = true}); }, "belong to Accuracy");
  check_error<ValueError>([] { train::Precision({.ignore_index = 0}); }, "belong to Accuracy");
}

BOOST_AUTO_TEST_CASE(undefined_tensors_are_refused_at_the_callers_line) {
  const Tensor nothing, t = tensor({1.0});
  for (const auto function : {train::accuracy, train::precision, train::recall, train::f1, train::auc}) {
    check_error<ValueError>([&] { (void)function({nothing, SourceLoc::here()}, t); },
                            ": the prediction is an undefined");
    check_error<ValueError>([&] { (void)function({t, SourceLoc::here()}, nothing); }, ": the target is an undefined");
  }
  for (const auto& [name, metric] : all_metrics()) {
    check_error<ValueError>([&] { metric->update(nothing, t); }, "undefined tensor");
    check_error<ShapeError>([&] { metric->update(zeros({3}), t); }, "differ in number of elements");
  }
}

BOOST_AUTO_TEST_CASE(sizes_that_differ_are_refused_and_leave_an_object_as_it_was) {
  const auto message = [](const auto& call) {
    return train_text::error_of<ShapeError>([&] { (void)call(zeros({3}), zeros({4})); });
  };
  const std::string differ = ": prediction [3] and target [4] differ in number of elements";
  BOOST_TEST(message(train::accuracy).starts_with("accuracy" + differ));
  BOOST_TEST(message(train::precision).starts_with("precision" + differ));
  BOOST_TEST(message(train::recall).starts_with("recall" + differ));
  BOOST_TEST(message(train::f1).starts_with("f1" + differ));
  BOOST_TEST(message(train::auc).starts_with("auc" + differ));
  const auto classes = [](const Shape& shape) {
    return train_text::error_of<ShapeError>([&] { (void)train::accuracy(zeros(shape), tensor({0, 1})); });
  };
  BOOST_TEST(classes({3, 4}).starts_with("accuracy: prediction [3, 4] and target [2] differ in batch size"));
  BOOST_TEST(classes({2, 0}).starts_with("accuracy: prediction [2, 0] has no scores to choose from"));
  for (const auto& [name, metric] : all_metrics()) {
    metric->update(tensor(scores), tensor(labels));
    const double before = metric->compute();
    BOOST_CHECK_THROW(metric->update(zeros({3}), zeros({4})), ShapeError);
    BOOST_TEST(metric->compute() == before, name);
  }
}

BOOST_AUTO_TEST_CASE(a_metric_has_a_name_and_something_to_compute) {
  using train_text::error_of;
  BOOST_TEST(error_of<ValueError>([] {
               train::NamedMetric("", train::accuracy);
             }).starts_with("metrics: a metric needs a name"));
  BOOST_TEST(error_of<ValueError>([] {
               train::NamedMetric("auc", std::shared_ptr<train::Metric>());
             }).starts_with("metrics: the metric 'auc' is null"));
  train::NamedMetric mean("accuracy", train::accuracy);
  BOOST_TEST(std::isnan(mean.value()));
  mean.update(tensor({0.9, 0.9}), tensor({1.0, 1.0}));
  mean.update(tensor({0.9}), tensor({0.0}));
  BOOST_TEST(mean.value() == 0.5);
  mean.reset();
  BOOST_TEST(std::isnan(mean.value()));
}

BOOST_AUTO_TEST_SUITE_END()
