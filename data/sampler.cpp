#include "slope/data/sampler.h"

#include <cmath>
#include <numeric>

#include "slope/autograd/core/error.h"
#include "slope/autograd/core/random.h"
#include "slope/data/internal/indices.h"

namespace slope::data {

namespace {
// A stream for orders, apart from those of the samples.
Generator order_stream(std::uint64_t seed, std::uint64_t epoch) {
  return Generator(derive_seed(seed, epoch, ~std::uint64_t{0}));
}
}  // namespace

SequentialSampler::SequentialSampler(std::int64_t n, SourceLoc loc) : n_(n) {
  detail::require_count("SequentialSampler: the number of samples", n, loc);
}

std::vector<std::int64_t> SequentialSampler::order(std::uint64_t, std::uint64_t) const {
  auto out = detail::indices("SequentialSampler", n_);
  std::iota(out.begin(), out.end(), std::int64_t{0});
  return out;
}

RandomSampler::RandomSampler(std::int64_t n, SourceLoc loc) : RandomSampler(n, false, n, loc) {}

RandomSampler::RandomSampler(std::int64_t n, bool replacement, std::int64_t num_samples, SourceLoc loc)
    : n_(n), count_(num_samples), replacement_(replacement) {
  detail::require_count("RandomSampler: the number of samples", n, loc);
  if (num_samples < 0 || (n == 0 && num_samples > 0) || (!replacement && num_samples > n))
    throw ValueError(concat("RandomSampler: cannot draw ", num_samples, " of ", n, " samples",
                            replacement ? "" : " without replacement"),
                     loc);
}

std::vector<std::int64_t> RandomSampler::order(std::uint64_t seed, std::uint64_t epoch) const {
  Generator g = order_stream(seed, epoch);
  auto out = detail::indices("RandomSampler", replacement_ ? count_ : n_);
  if (replacement_) {
    if (count_ > 0) fill_randint(out.data(), count_, 0, n_, g);
  } else {
    fill_randperm(out.data(), n_, g);
    out.resize(static_cast<std::size_t>(count_));
  }
  return out;
}

std::vector<std::int64_t> SubsetRandomSampler::order(std::uint64_t seed, std::uint64_t epoch) const {
  Generator g = order_stream(seed, epoch);
  std::vector<std::int64_t> permutation(indices_.size()), out;
  fill_randperm(permutation.data(), size(), g);
  for (std::int64_t i : permutation) out.push_back(indices_[static_cast<std::size_t>(i)]);
  return out;
}

WeightedRandomSampler::WeightedRandomSampler(std::vector<double> weights, std::int64_t num_samples, bool replacement,
                                             SourceLoc loc)
    : weights_(std::move(weights)), count_(num_samples), replacement_(replacement) {
  std::int64_t positive = 0;
  for (double w : weights_) {
    if (!(w >= 0) || !std::isfinite(w))
      throw ValueError(concat("WeightedRandomSampler: weights must be finite and not negative, got ", w), loc);
    positive += w > 0;
  }
  if (count_ < 0 || (count_ > 0 && positive == 0) || (!replacement_ && count_ > positive))
    throw ValueError(concat("WeightedRandomSampler: cannot draw ", count_, " samples from ", positive,
                            " positive weights", replacement_ ? "" : " without replacement"),
                     loc);
}

std::vector<std::int64_t> WeightedRandomSampler::order(std::uint64_t seed, std::uint64_t epoch) const {
  Generator g = order_stream(seed, epoch);
  auto out = detail::indices("WeightedRandomSampler", count_);
  if (count_ > 0)
    fill_multinomial(out.data(), weights_.data(), 1, static_cast<std::int64_t>(weights_.size()), count_, replacement_,
                     g);
  return out;
}

}  // namespace slope::data
