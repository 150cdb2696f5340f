#include <algorithm>
#include <numeric>

#include "data_loading/support.h"
#include "slope/autograd/core/random.h"
#include "support/checks.h"

using namespace slope;

BOOST_AUTO_TEST_SUITE(loader)

BOOST_AUTO_TEST_CASE(every_sample_comes_exactly_once_for_any_workers_batch_size_and_drop_last) {
  for (int workers = 0; workers <= 8; ++workers)
    for (std::int64_t n : {0, 1, 7, 24})
      for (std::int64_t batch : {1, 5, 8, 100})
        for (bool drop : {false, true})
          for (bool stacked : {false, true}) {
            const data::DataLoaderOptions options{
                .batch_size = batch, .shuffle = true, .num_workers = workers, .drop_last = drop, .seed = 3};
            data::DataLoader loader =
                stacked ? data::DataLoader(numbered_one_by_one(n), options) : data::DataLoader(numbered(n), options);
            const auto batches = epoch_of(loader);
            const std::int64_t expected = drop ? n / batch : (n + batch - 1) / batch;
            BOOST_TEST(static_cast<std::int64_t>(batches.size()) == expected);
            BOOST_TEST(loader.size() == expected);
            for (std::size_t b = 0; b < batches.size(); ++b)
              if (drop || b + 1 < batches.size()) BOOST_TEST(static_cast<std::int64_t>(batches[b].size()) == batch);
            auto seen = flat(batches);
            std::sort(seen.begin(), seen.end());
            BOOST_TEST((std::adjacent_find(seen.begin(), seen.end()) == seen.end()));
            BOOST_TEST(static_cast<std::int64_t>(seen.size()) == (drop ? n / batch * batch : n));
            if (!seen.empty()) BOOST_TEST((seen.front() >= 0 && seen.back() < n));
          }
}

BOOST_AUTO_TEST_CASE(batches_are_the_same_for_any_workers_and_another_order_every_epoch) {
  auto epochs = [](int workers, bool stacked) {
    const data::DataLoaderOptions options{.batch_size = 7, .shuffle = true, .num_workers = workers, .seed = 11};
    data::DataLoader loader =
        stacked ? data::DataLoader(numbered_one_by_one(50), options) : data::DataLoader(numbered(50), options);
    return std::vector{epoch_of(loader), epoch_of(loader), epoch_of(loader)};
  };
  const auto reference = epochs(0, false);
  BOOST_TEST((reference[0] != reference[1]));
  BOOST_TEST((reference[1] != reference[2]));
  for (int workers = 0; workers <= 8; ++workers) {
    BOOST_TEST((epochs(workers, false) == reference));
    BOOST_TEST((epochs(workers, true) == reference));
  }
}

BOOST_AUTO_TEST_CASE(batches_keep_the_pairs_together_and_shapes_of_samples) {
  data::DataLoader loader(numbered(10), {.batch_size = 4, .shuffle = true, .num_workers = 2, .seed = 1});
  std::int64_t rows = 0;
  for (auto& [x, y] : loader) {
    BOOST_TEST((x.shape() == Shape{x.size(0), 2}));
    BOOST_TEST((y.shape() == Shape{x.size(0), 1}));
    const auto xs = x.to_vector<double>(), ys = y.to_vector<double>();
    for (std::size_t i = 0; i < ys.size(); ++i) {
      BOOST_TEST(xs[2 * i + 1] == -xs[2 * i]);
      BOOST_TEST(ys[i] == 10 * xs[2 * i]);
    }
    rows += x.size(0);
  }
  BOOST_TEST(rows == 10);
}

BOOST_AUTO_TEST_CASE(without_shuffle_the_order_is_the_datasets) {
  data::DataLoader loader(numbered(5), {.batch_size = 2, .num_workers = 3});
  BOOST_TEST((epoch_of(loader) == std::vector<std::vector<int>>{{0, 1}, {2, 3}, {4}}));
  BOOST_TEST((epoch_of(loader) == std::vector<std::vector<int>>{{0, 1}, {2, 3}, {4}}));
}

BOOST_AUTO_TEST_CASE(the_number_of_the_epoch_decides_the_order) {
  const data::DataLoaderOptions options{.batch_size = 10, .shuffle = true, .seed = 5};
  data::DataLoader a(numbered(30), options), b(numbered(30), options);
  (void)epoch_of(a);
  (void)epoch_of(a);
  const auto third = epoch_of(a);
  b.set_epoch(2);
  BOOST_TEST((epoch_of(b) == third));
}

BOOST_AUTO_TEST_CASE(a_loader_without_a_seed_follows_manual_seed) {
  auto first_epoch = [] {
    manual_seed(77);
    data::DataLoader loader(numbered(30), {.batch_size = 30, .shuffle = true});
    return epoch_of(loader);
  };
  const auto a = first_epoch();
  BOOST_TEST((first_epoch() == a));
  manual_seed(78);
  data::DataLoader other(numbered(30), {.batch_size = 30, .shuffle = true});
  BOOST_TEST((epoch_of(other) != a));
}

BOOST_AUTO_TEST_CASE(random_samples_are_the_same_for_any_workers_and_differ_by_epoch_and_index) {
  auto draws = [](int workers) {
    data::DataLoader loader(
        data::FunctionDataset(
            20, [](std::int64_t) { return data::Sample{tensor(data::sample_generator().next_double())}; }),
        {.batch_size = 3, .num_workers = workers, .seed = 9});
    std::vector<double> out;
    for (int epoch = 0; epoch < 2; ++epoch)
      for (auto& batch : loader)
        for (double v : batch.x().to_vector<double>()) out.push_back(v);
    return out;
  };
  auto reference = draws(0);
  for (int workers : {1, 2, 5, 8}) BOOST_TEST(draws(workers) == reference);
  std::sort(reference.begin(), reference.end());
  BOOST_TEST((std::adjacent_find(reference.begin(), reference.end()) == reference.end()));
  BOOST_TEST(&data::sample_generator() == &default_generator());
}

BOOST_AUTO_TEST_CASE(two_loops_over_one_loader_do_not_disturb_each_other) {
  data::DataLoader loader(numbered(12), {.batch_size = 3, .shuffle = true, .num_workers = 2, .seed = 4});
  data::DataLoader twin(numbered(12), {.batch_size = 3, .shuffle = true, .seed = 4});
  const auto first = epoch_of(twin), second = epoch_of(twin);
  auto a = loader.begin(), b = loader.begin();
  std::vector<std::vector<int>> got_a, got_b;
  auto take = [](auto& it, auto& to) {
    to.emplace_back();
    for (double v : it->x().select(1, 0).template to_vector<double>()) to.back().push_back(static_cast<int>(v));
    ++it;
  };
  while (a != loader.end() || b != loader.end()) {
    if (a != loader.end()) take(a, got_a);
    if (b != loader.end()) take(b, got_b);
  }
  BOOST_TEST((got_a == first));
  BOOST_TEST((got_b == second));
}

BOOST_AUTO_TEST_CASE(a_custom_collate_makes_the_batch) {
  for (int workers : {0, 2}) {
    data::DataLoader loader(numbered(5),
                            {.batch_size = 2, .num_workers = workers, .collate = [](std::vector<data::Sample> samples) {
                               double sum = 0;
                               for (const auto& s : samples) sum += s[1].item();
                               return data::Batch(std::vector<Tensor>{tensor({sum})});
                             }});
    std::vector<double> sums;
    for (auto& batch : loader) sums.push_back(batch.x().item());
    BOOST_TEST(sums == std::vector<double>({10, 50, 40}));
  }
}

BOOST_AUTO_TEST_CASE(samples_that_do_not_stack_are_refused_with_a_hint) {
  auto run = [](data::FunctionDataset ds) {
    data::DataLoader loader(std::move(ds), {.batch_size = 2});
    for (auto& batch : loader) (void)batch;
  };
  auto says = [](const std::string& text) {
    return [text](const ShapeError& e) { return std::string(e.what()).find(text) != std::string::npos; };
  };
  BOOST_CHECK_EXCEPTION(run({2, [](std::int64_t i) { return data::Sample{zeros({i + 1})}; }}), ShapeError,
                        says("but got [1] float32 and [2] float32 as tensor 0"));
  BOOST_CHECK_EXCEPTION(run({2, [](std::int64_t i) { return data::Sample{i ? zeros({1}) : arange(1)}; }}), ShapeError,
                        says("[1] int64 and [1] float32"));
  BOOST_CHECK_EXCEPTION(
      run({2, [](std::int64_t i) { return data::Sample(static_cast<std::size_t>(i + 1), zeros({1})); }}), ShapeError,
      says("samples hold 1 and 2 tensors; pass a collate function"));
  BOOST_CHECK_EXCEPTION(
      run({2, [](std::int64_t i) { return data::Sample(static_cast<std::size_t>(2 - i), zeros({1})); }}), ShapeError,
      says("samples hold 2 and 1 tensors"));
}

BOOST_AUTO_TEST_CASE(a_user_dataset_is_stacked) {
  struct Squares : data::Dataset {
    std::int64_t size() const override { return 4; }
    data::Sample get(std::int64_t i) const override {
      const auto v = static_cast<double>(i);
      return {tensor(v), tensor({{v * v, 1.0}}).t()};
    }
  };
  data::DataLoader loader(Squares(), {.batch_size = 4});
  for (auto& [x, y] : loader) {
    check_values(x, {0, 1, 2, 3});
    BOOST_TEST((y.shape() == Shape{4, 2, 1}));
    check_values(y, {0, 1, 1, 1, 4, 1, 9, 1});
  }
}

BOOST_AUTO_TEST_CASE(options_outside_their_domain_are_refused) {
  auto make = [](data::DataLoaderOptions options, SourceLoc loc = SourceLoc::here()) {
    data::DataLoader(numbered(3), std::move(options), loc);
  };
  check_error<ValueError>([&] { make({.batch_size = 0}); }, "DataLoader: batch_size must be positive, got 0");
  check_error<ValueError>([&] { make({.num_workers = -1}); }, "num_workers must not be negative, got -1");
  check_error<ValueError>([&] { make({.prefetch = 0}); }, "prefetch must be positive, got 0");
  check_error<ValueError>([&] { make({.timeout = -1}); }, "timeout must not be negative, got -1");
  check_error<ValueError>([] { data::DataLoader(std::shared_ptr<const data::Dataset>()); }, "the dataset is null");
}

namespace {
struct Loaders {
  data::DataLoader train, validation;
};
Loaders two_loaders() {
  data::DataLoader train(numbered(6), {.batch_size = 4, .shuffle = true, .seed = 3});
  return {std::move(train), data::DataLoader(numbered(3), {.batch_size = 2})};
}
}  // namespace

BOOST_AUTO_TEST_CASE(a_function_can_return_two_loaders) {
  auto [train, validation] = two_loaders();
  BOOST_TEST(train.size() == 2);
  BOOST_TEST(flat(epoch_of(validation)) == std::vector<int>({0, 1, 2}));
  static_assert(!std::is_copy_constructible_v<data::DataLoader>);
}

BOOST_AUTO_TEST_CASE(a_loader_that_moves_continues_its_epochs_and_loops_over_it_go_on) {
  const data::DataLoaderOptions options{.batch_size = 2, .shuffle = true, .num_workers = 2, .seed = 5};
  data::DataLoader whole(numbered(20), options), start(numbered(20), options);
  const auto first = epoch_of(whole), second = epoch_of(whole);
  BOOST_TEST((first != second));
  BOOST_TEST((epoch_of(start) == first));
  auto running = start.begin();
  data::DataLoader moved = std::move(start);
  std::vector<int> rest;
  for (; running != moved.end(); ++running)
    for (double v : running->x().select(1, 0).to_vector<double>()) rest.push_back(static_cast<int>(v));
  BOOST_TEST(rest == flat(second));
  data::DataLoader assigned(numbered(1), {});
  assigned = std::move(moved);
  BOOST_TEST((epoch_of(assigned) == epoch_of(whole)));
  for (auto* gone : {&start, &moved}) {
    BOOST_CHECK_EXCEPTION(gone->begin(), ValueError, [](const ValueError& e) {
      return std::string(e.what()).find("moved from") != std::string::npos;
    });
    BOOST_CHECK_THROW((void)gone->size(), ValueError);
    BOOST_CHECK_THROW((void)gone->dataset(), ValueError);
  }
}

BOOST_AUTO_TEST_SUITE_END()
