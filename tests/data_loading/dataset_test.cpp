#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

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
    return std::string(e.what()).starts_with("Batch: there is no tensor 1; this batch holds 1 (tests/data_loading/");
  });
}

BOOST_AUTO_TEST_CASE(a_batch_unpacks_into_as_many_names_as_it_has_tensors) {
  const data::Batch three({tensor({1.0}), tensor({2.0}), tensor({3.0})});
  const auto [a, b, c] = three.unpack<3>();
  check_values(a, {1});
  check_values(b, {2});
  check_values(c, {3});
  const auto [only] = data::Batch({tensor({4.0})}).unpack<1>();
  check_values(only, {4});
  check_error<ValueError>([&] { (void)three.unpack<2>(); }, "this batch holds 3 tensors, unpack<2> asks for 2");
  check_error<IndexError>(
      [&] {
        const data::Batch one({tensor({1.0})});
        const auto& [x, y] = one;
        (void)x, (void)y;
      },
      "Batch: there is no tensor 1; this batch holds 1");
  check_error<IndexError>([&] { (void)three[-1]; }, "Batch: there is no tensor -1");
}

BOOST_AUTO_TEST_CASE(a_tensor_dataset_takes_its_tensors_in_braces_or_one_by_one) {
  const Tensor x = arange(4), y = arange(4) * 10, z = arange(4) * 100;
  for (const auto& ds : {data::TensorDataset({x, y}), data::TensorDataset{x, y}, data::TensorDataset(x, y),
                         data::TensorDataset(std::vector<Tensor>{x, y})}) {
    BOOST_TEST(ds.tensors().size() == 2u);
    check_values(ds.get(3)[1], {30});
  }
  BOOST_TEST(data::TensorDataset({x}).tensors().size() == 1u);
  check_values(data::TensorDataset(x, y, z).get(2)[2], {200});
  check_values(data::TensorDataset({x, y, z}).get(2)[2], {200});
  const auto same = data::TensorDataset(data::TensorDataset({x, y}));
  BOOST_TEST(same.size() == 4);
  check_error<ValueError>([&] { data::TensorDataset({x, Tensor()}); }, "TensorDataset: tensor 1 is undefined");
  check_error<ShapeError>([&] { data::TensorDataset(x, y, arange(3)); }, "first sizes are 4 and 3");
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

BOOST_AUTO_TEST_CASE(a_fraction_counts_as_the_decimal_it_was_written_as) {
  BOOST_TEST(data::random_split(numbered(100), 0.29).first.size() == 29);
  BOOST_TEST(data::random_split(numbered(100), 0.57).first.size() == 57);
  BOOST_TEST(data::random_split(numbered(100), 0.58).first.size() == 58);
  // Every decimal of up to six digits, of sizes it divides and of sizes beside them.
  for (const std::int64_t denominator : {10, 100, 1000, 10000, 1000000})
    for (std::int64_t k = 0; k <= denominator; k += denominator > 10000 ? 7919 : 1) {
      const double fraction = std::stod("0." + std::to_string(denominator + k).substr(1)) + (k == denominator ? 1 : 0);
      for (const std::int64_t size : {denominator, 7 * denominator, 100 * denominator + 1, denominator - 1}) {
        const std::int64_t exact = size * k / denominator;
        const std::int64_t got = data::detail::split_length(size, fraction, {});
        if (got != exact) BOOST_ERROR(size << " * " << k << "/" << denominator << " is " << exact << ", not " << got);
      }
    }
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  BOOST_TEST(data::detail::split_length(most, 1.0, {}) == most);
  BOOST_TEST(data::detail::split_length(most, 0.0, {}) == 0);
  BOOST_TEST(data::detail::split_length(most, 0.5, {}) > most / 2 - 1024);
  BOOST_TEST(data::detail::split_length(most, std::nextafter(1.0, 0.0), {}) <= most);
  BOOST_TEST(data::detail::split_length(0, 0.3, {}) == 0);
}

BOOST_AUTO_TEST_CASE(a_split_by_several_fractions_leaves_no_sample_out) {
  const auto sizes = [](std::int64_t n, auto... fractions) {
    std::vector<std::int64_t> out;
    for (const auto& part : data::random_split(numbered(n), {fractions...})) out.push_back(part.size());
    return out;
  };
  BOOST_TEST(sizes(100, 0.7, 0.2, 0.1) == std::vector<std::int64_t>({70, 20, 10}));
  BOOST_TEST(sizes(10, 0.25, 0.25, 0.25, 0.25) == std::vector<std::int64_t>({3, 3, 2, 2}));
  BOOST_TEST(sizes(10, 0.0, 1.0) == std::vector<std::int64_t>({0, 10}));
  BOOST_TEST(sizes(0, 0.5, 0.5) == std::vector<std::int64_t>({0, 0}));
  BOOST_TEST(sizes(7, 0.1f, 0.9f) == std::vector<std::int64_t>({1, 6}));
  check_error<ValueError>([] { (void)data::random_split(numbered(10), {0.5, 0.4}); }, "must add up to 1, got 0.9");
  check_error<ValueError>([] { (void)data::random_split(numbered(10), {1.5, -0.5}); }, "between 0 and 1, got 1.5");
  check_error<ValueError>([] { (void)data::random_split(numbered(10), {0.5, std::nan("")}); }, "between 0 and 1");
}

BOOST_AUTO_TEST_CASE(sizes_that_cannot_be_are_refused) {
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  const auto sample = [](std::int64_t) { return data::Sample{tensor(1.0)}; };
  check_error<ValueError>([&] { (void)data::random_split(numbered(5), {most, most, 7}); },
                          "add up to more than an int64 holds, not to the 5 samples");
  check_error<ValueError>([&] { data::FunctionDataset(-2, sample); }, "FunctionDataset: the size must not be negative");
  check_error<ValueError>([] { data::FunctionDataset(2, nullptr); }, "FunctionDataset: the function is empty");
  const data::FunctionDataset endless(most, sample);
  check_error<ValueError>([&] { (void)data::random_split(endless, {most}); }, "no memory for an order of");
  check_error<ValueError>([&] { (void)data::random_split(endless, 0.5); }, "no memory for an order of");
  check_error<ValueError>([&] { data::ConcatDataset({data::share(endless), data::share(endless)}); },
                          "samples are too many to count");
  check_error<ValueError>([&] { data::ConcatDataset({nullptr}); }, "ConcatDataset: the dataset is null");
  check_error<ValueError>([&] { data::Subset(std::shared_ptr<const data::Dataset>(), {}); },
                          "Subset: the dataset is null");
  check_error<ValueError>([&] { (void)data::random_split(std::shared_ptr<const data::Dataset>(), {0}); },
                          "random_split: the dataset is null");
  check_error<ValueError>([&] { (void)data::two_rings(most, 1); }, "two_rings: too many points");
  struct Negative : data::Dataset {
    std::int64_t size() const override { return -4; }
    data::Sample get(std::int64_t) const override { return {}; }
  };
  check_error<ValueError>([] { (void)data::random_split(Negative(), 0.5); }, "says that it holds -4 samples");
  check_error<ValueError>([] { data::DataLoader loader(Negative{}); }, "says that it holds -4 samples");
  BOOST_CHECK_THROW((void)numbered(3).get(3), IndexError);
  BOOST_CHECK_THROW((void)numbered(3).get(-1), IndexError);
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
