#include <algorithm>
#include <numeric>
#include <set>

#include "data_loading/support.h"
#include "support/checks.h"

using namespace slope;

BOOST_AUTO_TEST_SUITE(samplers)

using Order = std::vector<std::int64_t>;

namespace {
Order identity(std::int64_t n) {
  Order out(static_cast<std::size_t>(n));
  std::iota(out.begin(), out.end(), 0);
  return out;
}
Order sorted(Order order) {
  std::sort(order.begin(), order.end());
  return order;
}
}  // namespace

BOOST_AUTO_TEST_CASE(the_sequential_order_is_the_natural_one) {
  BOOST_TEST(data::SequentialSampler(4).order(1, 2) == identity(4));
}

BOOST_AUTO_TEST_CASE(a_random_order_is_a_permutation_that_follows_seed_and_epoch) {
  const data::RandomSampler sampler(50);
  const Order first = sampler.order(1, 0);
  BOOST_TEST(sorted(first) == identity(50));
  BOOST_TEST((first != identity(50)));
  BOOST_TEST(sampler.order(1, 0) == first);
  BOOST_TEST((sampler.order(1, 1) != first));
  BOOST_TEST((sampler.order(2, 0) != first));
}

BOOST_AUTO_TEST_CASE(draws_with_replacement_repeat_and_cover_their_range_evenly) {
  const data::RandomSampler sampler(10, true, 10000);
  BOOST_TEST(sampler.size() == 10000);
  std::vector<int> counts(10);
  for (std::int64_t i : sampler.order(5, 0)) ++counts.at(static_cast<std::size_t>(i));
  for (int c : counts) BOOST_TEST(std::abs(c - 1000) < 150);
}

BOOST_AUTO_TEST_CASE(fewer_draws_than_samples_without_replacement_differ_from_each_other) {
  const Order order = data::RandomSampler(20, false, 5).order(1, 0);
  BOOST_TEST(order.size() == 5u);
  BOOST_TEST(std::set<std::int64_t>(order.begin(), order.end()).size() == 5u);
}

BOOST_AUTO_TEST_CASE(a_random_order_of_chosen_indices_holds_just_these) {
  const data::SubsetRandomSampler sampler({9, 3, 5, 7, 1});
  BOOST_TEST(sorted(sampler.order(1, 0)) == Order({1, 3, 5, 7, 9}));
  std::set<Order> orders;
  for (std::uint64_t epoch = 0; epoch < 20; ++epoch) orders.insert(sampler.order(1, epoch));
  BOOST_TEST(orders.size() > 10u);
}

BOOST_AUTO_TEST_CASE(weighted_draws_follow_the_weights) {
  const data::WeightedRandomSampler sampler({1, 0, 3}, 8000);
  std::vector<int> counts(3);
  for (std::int64_t i : sampler.order(2, 0)) ++counts.at(static_cast<std::size_t>(i));
  BOOST_TEST(counts[1] == 0);
  BOOST_TEST(std::abs(counts[0] - 2000) < 200);
  const Order all = data::WeightedRandomSampler({1, 0, 3}, 2, false).order(2, 0);
  BOOST_TEST(sorted(all) == Order({0, 2}));
}

BOOST_AUTO_TEST_CASE(impossible_draws_are_refused) {
  check_error<ValueError>([] { data::RandomSampler(3, false, 4); }, "cannot draw 4 of 3 samples without replacement");
  check_error<ValueError>([] { data::RandomSampler(0, true, 1); }, "cannot draw 1 of 0 samples");
  check_error<ValueError>([] { data::RandomSampler(3, true, -1); }, "cannot draw -1 of 3 samples");
  check_error<ValueError>([] { data::WeightedRandomSampler({1, -1}, 1); },
                          "weights must be finite and not negative, got -1");
  check_error<ValueError>([] { data::WeightedRandomSampler({0, 0}, 1); },
                          "cannot draw 1 samples from 0 positive weights");
  check_error<ValueError>([] { data::WeightedRandomSampler({1, 0}, 2, false); },
                          "from 1 positive weights without replacement");
}

BOOST_AUTO_TEST_CASE(a_loader_visits_what_its_sampler_says) {
  data::DataLoader loader(numbered(10),
                          {.batch_size = 2, .sampler = std::make_shared<data::SubsetRandomSampler>(Order{1, 4, 8})});
  BOOST_TEST(loader.size() == 2);
  auto seen = flat(epoch_of(loader));
  std::sort(seen.begin(), seen.end());
  BOOST_TEST(seen == std::vector<int>({1, 4, 8}));
  check_error<ValueError>(
      [] { data::DataLoader(numbered(3), {.shuffle = true, .sampler = std::make_shared<data::SequentialSampler>(3)}); },
      "sampler option is mutually exclusive with shuffle");
}

BOOST_AUTO_TEST_SUITE_END()
