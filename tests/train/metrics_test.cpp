#include <boost/test/unit_test.hpp>
#include <cmath>

#include "slope/slope.h"
#include "support/checks.h"

using namespace slope;

BOOST_AUTO_TEST_SUITE(metrics)

namespace {
const std::vector<double> scores = {0.9, 0.8, 0.7, 0.4, 0.4, 0.1}, labels = {1, 0, 1, 1, 0, 0};
}

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

BOOST_AUTO_TEST_CASE(sizes_that_differ_are_refused) {
  BOOST_CHECK_THROW(train::accuracy(zeros({3}), zeros({4})), ShapeError);
  BOOST_CHECK_THROW(train::auc(zeros({3}), zeros({4})), ShapeError);
}

BOOST_AUTO_TEST_SUITE_END()
