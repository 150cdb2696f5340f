#include <algorithm>
#include <cmath>
#include <numeric>

#include "data_loading/support.h"
#include "support/checks.h"

using namespace slope;

BOOST_AUTO_TEST_SUITE(datasets)

BOOST_AUTO_TEST_CASE(a_tensor_dataset_holds_the_rows_of_its_tensors) {
  const auto ds = numbered(5);
  BOOST_TEST(ds.size() == 5);
  const data::Sample s = ds.get(3);
  BOOST_TEST(s.size() == 2u);
  check_values(s[0], {3, -3});
  check_values(s[1], {30});
  const auto batch = ds.gather(std::vector<std::int64_t>{4, 0, 4});
  BOOST_REQUIRE(batch.has_value());
  BOOST_TEST((batch->x().shape() == Shape{3, 2}));
  check_values(batch->x(), {4, -4, 0, 0, 4, -4});
  check_values(batch->y(), {40, 0, 40});
}

BOOST_AUTO_TEST_CASE(rows_of_every_width_and_dtype_are_gathered) {
  const std::vector<std::int64_t> rows = {2, 0};
  for (DType dtype : {DType::float32, DType::float64, DType::int64, DType::boolean})
    for (std::int64_t width : {0, 1, 2, 3, 5}) {
      const Tensor t = arange(3 * width).view({3, width}).to(dtype);
      const auto batch = data::TensorDataset(std::vector<Tensor>{t}).gather(rows);
      const Tensor expected = t.index_select(0, tensor({2, 0}));
      BOOST_TEST((batch->x().shape() == expected.shape()));
      BOOST_TEST((batch->x().dtype() == dtype));
      BOOST_TEST(batch->x().to_vector<double>() == expected.to_vector<double>());
    }
}

BOOST_AUTO_TEST_CASE(a_tensor_dataset_takes_tensors_that_are_not_contiguous_or_require_grad) {
  const Tensor t = tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, {.requires_grad = true});
  const data::TensorDataset ds(t.t(), arange(3));
  const auto batch = ds.gather(std::vector<std::int64_t>{1});
  check_values(batch->x(), {2, 5});
  BOOST_TEST(!batch->x().requires_grad());
  BOOST_TEST(!ds.get(0)[0].requires_grad());
}

BOOST_AUTO_TEST_CASE(tensors_of_unequal_length_are_refused) {
  check_error<ShapeError>([] { data::TensorDataset(zeros({3, 2}), zeros({2})); },
                          "size mismatch between tensors: first sizes are 3 and 2");
  check_error<ShapeError>([] { data::TensorDataset(tensor(1.0), tensor(1.0)); },
                          "a tensor without dimensions has no samples");
  check_error<ValueError>([] { data::TensorDataset(std::vector<Tensor>{}); }, "needs at least one tensor");
}

BOOST_AUTO_TEST_CASE(a_batch_names_the_tensor_it_lacks) {
  const data::Batch batch(std::vector<Tensor>{tensor({1.0})});
  check_values(batch.x(), {1});
  BOOST_CHECK_EXCEPTION((void)batch.y(), IndexError, [](const IndexError& e) {
    return std::string(e.what()) == "Batch: there is no tensor 1; this batch holds 1";
  });
}

BOOST_AUTO_TEST_CASE(a_subset_shows_the_chosen_samples_and_refuses_others) {
  const data::Subset part(numbered(10), {7, 2, 2});
  BOOST_TEST(part.size() == 3);
  check_values(part.get(0)[1], {70});
  check_values(part.gather(std::vector<std::int64_t>{1, 0})->y(), {20, 70});
  const data::Subset inner(part, {0});
  check_values(inner.get(0)[1], {70});
  BOOST_CHECK_THROW((void)part.get(3), IndexError);
  BOOST_CHECK_THROW((void)part.gather(std::vector<std::int64_t>{-1}), IndexError);
  check_error<IndexError>([] { data::Subset(numbered(3), {0, 3}); }, "Subset: index 3 is out of range for 3 samples");
}

BOOST_AUTO_TEST_CASE(a_concatenation_shows_its_parts_one_after_the_other) {
  const data::ConcatDataset all({data::share(numbered(3)), data::share(numbered(0)), data::share(numbered(2))});
  BOOST_TEST(all.size() == 5);
  std::vector<double> seen;
  for (std::int64_t i = 0; i < all.size(); ++i) seen.push_back(all.get(i)[1].item());
  BOOST_TEST(seen == std::vector<double>({0, 10, 20, 0, 10}));
  BOOST_CHECK_THROW((void)all.get(5), IndexError);
  BOOST_CHECK_THROW((void)data::ConcatDataset({}).get(0), IndexError);
}

BOOST_AUTO_TEST_CASE(a_random_split_is_disjoint_complete_and_follows_its_generator) {
  Generator a(3), b(3), c(4);
  const auto parts = data::random_split(numbered(100), {60, 30, 10}, a);
  BOOST_REQUIRE_EQUAL(parts.size(), 3u);
  std::vector<std::int64_t> all;
  for (const auto& p : parts) all.insert(all.end(), p.indices().begin(), p.indices().end());
  BOOST_TEST(parts[1].size() == 30);
  BOOST_TEST(data::random_split(numbered(100), {60, 30, 10}, b)[0].indices() == parts[0].indices());
  BOOST_TEST((data::random_split(numbered(100), {60, 30, 10}, c)[0].indices() != parts[0].indices()));
  std::vector<std::int64_t> identity(100);
  std::iota(identity.begin(), identity.end(), 0);
  BOOST_TEST((all != identity));
  std::sort(all.begin(), all.end());
  BOOST_TEST(all == identity);
}

BOOST_AUTO_TEST_CASE(a_split_by_fraction_rounds_the_first_part_down) {
  const auto [train, valid] = data::random_split(numbered(6200), 0.7);
  BOOST_TEST(train.size() == 4340);
  BOOST_TEST(valid.size() == 1860);
  const auto [some, rest] = data::random_split(numbered(5), 0.5);
  BOOST_TEST(some.size() == 2);
  BOOST_TEST(rest.size() == 3);
}

BOOST_AUTO_TEST_CASE(impossible_splits_are_refused) {
  check_error<ValueError>([] { (void)data::random_split(numbered(10), {4, 4}); },
                          "the lengths [4, 4] add up to 8, not to the 10 samples");
  const std::vector<std::int64_t> many(9, 1);  // more than a shape has dimensions
  check_error<ValueError>([&] { (void)data::random_split(numbered(10), many); },
                          "the lengths [1, 1, 1, 1, 1, 1, 1, 1, 1] add up to 9, not to the 10 samples");
  check_error<ValueError>([] { (void)data::random_split(numbered(10), {11, -1}); }, "negative length -1");
  check_error<ValueError>([] { (void)data::random_split(numbered(10), 1.5); }, "must be between 0 and 1, got 1.5");
  check_error<ValueError>([] { (void)data::random_split(numbered(10), std::nan("")); }, "must be between 0 and 1");
}

BOOST_AUTO_TEST_CASE(the_two_rings_have_the_radii_noise_and_labels_of_the_tutorial) {
  Generator g(1);
  const auto [x, y] = data::two_rings(4000, 6000, g);
  BOOST_TEST((x.shape() == Shape{10000, 2}));
  BOOST_TEST((y.shape() == Shape{10000, 1}));
  const auto points = x.to_vector<double>(), labels = y.to_vector<double>();
  auto moments = [&](std::size_t begin, std::size_t end) {
    double sum = 0, squares = 0, cosines = 0;
    for (std::size_t i = begin; i < end; ++i) {
      const double r = std::hypot(points[2 * i], points[2 * i + 1]);
      sum += r;
      squares += r * r;
      cosines += points[2 * i] / r;
    }
    const double n = static_cast<double>(end - begin), mean = sum / n;
    return std::array{mean, std::sqrt(squares / n - mean * mean), cosines / n};
  };
  const auto inner = moments(0, 4000), outer = moments(4000, 10000);
  BOOST_TEST(std::abs(inner[0] - 5) < 0.08);
  BOOST_TEST(std::abs(inner[1] - 1) < 0.06);
  BOOST_TEST(std::abs(inner[2]) < 0.06);
  BOOST_TEST(std::abs(outer[0] - 8) < 0.06);
  BOOST_TEST(std::abs(outer[1] - 1) < 0.05);
  BOOST_TEST(std::abs(outer[2]) < 0.05);
  BOOST_TEST(std::count(labels.begin(), labels.begin() + 4000, 1.0) == 4000);
  BOOST_TEST(std::count(labels.begin() + 4000, labels.end(), 0.0) == 6000);
  Generator again(1);
  BOOST_TEST(data::two_rings(4000, 6000, again).x.to_vector<double>() == points);
  BOOST_CHECK_THROW((void)data::two_rings(-1, 2), ValueError);
}

BOOST_AUTO_TEST_SUITE_END()
