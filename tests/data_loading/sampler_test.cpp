#include <algorithm>
#include <limits>
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
  check_error<ValueError>([] { data::SequentialSampler(-1); },
                          "SequentialSampler: the number of samples must not be negative, got -1");
  check_error<ValueError>([] { data::RandomSampler(-1); }, "RandomSampler: the number of samples must not be negative");
  check_error<ValueError>([] { data::RandomSampler(-1, true, 0); }, "must not be negative, got -1");
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  BOOST_CHECK_THROW((void)data::SequentialSampler(most).order(0, 0), ValueError);
  BOOST_CHECK_THROW((void)data::RandomSampler(most).order(0, 0), ValueError);
  BOOST_CHECK_THROW((void)data::RandomSampler(1, true, most).order(0, 0), ValueError);
  BOOST_CHECK_THROW((void)data::WeightedRandomSampler({1.0}, most).order(0, 0), ValueError);
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

BOOST_AUTO_TEST_CASE(an_index_outside_the_dataset_never_reaches_it) {
  struct Given : data::Sampler {
    Order indices;
    std::int64_t says;
    explicit Given(Order i) : indices(std::move(i)), says(static_cast<std::int64_t>(indices.size())) {}
    Order order(std::uint64_t, std::uint64_t) const override { return indices; }
    std::int64_t size() const override { return says; }
  };
  constexpr auto most = std::numeric_limits<std::int64_t>::max(), least = std::numeric_limits<std::int64_t>::min();
  int asked = 0;
  const data::FunctionDataset ds(4, [&](std::int64_t i) {
    ++asked;
    return data::Sample{tensor(i)};
  });
  for (const int workers : {0, 2})
    for (const std::int64_t bad : {std::int64_t{4}, std::int64_t{-1}, most, least}) {
      data::DataLoader loader(
          ds, {.batch_size = 2, .num_workers = workers, .sampler = std::make_shared<Given>(Order{0, 1, bad})});
      check_error<IndexError>(
          [&] {
            for (auto& batch : loader) (void)batch;
          },
          "DataLoader: the sampler gave index " + std::to_string(bad) + " at position 2; the dataset has 4 samples");
    }
  BOOST_TEST(asked == 0);
  Given liar(Order{0, 1});
  liar.says = 3;
  data::DataLoader loader(ds, {.sampler = std::make_shared<Given>(liar)});
  check_error<ValueError>([&] { (void)loader.begin(); }, "an order of 2 samples, its size() is 3");
}

BOOST_AUTO_TEST_SUITE_END()
