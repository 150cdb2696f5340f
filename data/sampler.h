#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "slope/autograd/core/source_loc.h"

namespace slope::data {

/// The order in which samples are visited, from a seed and the number of the epoch alone.
///
///     struct EvenOnly : data::Sampler {
///       std::vector<std::int64_t> order(std::uint64_t, std::uint64_t) const override { return {0, 2, 4}; }
///       std::int64_t size() const override { return 3; }
///     };
class Sampler {
 public:
  virtual ~Sampler() = default;
  /// The indices in the order in which an epoch visits them.
  /// Positions in the dataset. A loader throws IndexError for one outside it.
  virtual std::vector<std::int64_t> order(std::uint64_t seed, std::uint64_t epoch) const = 0;
  /// Length of every order.
  virtual std::int64_t size() const = 0;
};

/// 0, 1, ..., n-1. Throws ValueError for a negative n.
class SequentialSampler : public Sampler {
 public:
  explicit SequentialSampler(std::int64_t n, SourceLoc loc = SourceLoc::here());
  std::vector<std::int64_t> order(std::uint64_t, std::uint64_t) const override;
  std::int64_t size() const override { return n_; }

 private:
  std::int64_t n_;
};

/// A permutation, another one every epoch; with replacement, `num_samples` independent draws. Throws ValueError for a
/// negative n, and when there is nothing to draw from.
class RandomSampler : public Sampler {
 public:
  explicit RandomSampler(std::int64_t n, SourceLoc loc = SourceLoc::here());
  RandomSampler(std::int64_t n, bool replacement, std::int64_t num_samples, SourceLoc loc = SourceLoc::here());
  std::vector<std::int64_t> order(std::uint64_t seed, std::uint64_t epoch) const override;
  std::int64_t size() const override { return count_; }

 private:
  std::int64_t n_, count_;
  bool replacement_ = false;
};

/// The given indices in random order.
class SubsetRandomSampler : public Sampler {
 public:
  explicit SubsetRandomSampler(std::vector<std::int64_t> indices) : indices_(std::move(indices)) {}
  std::vector<std::int64_t> order(std::uint64_t seed, std::uint64_t epoch) const override;
  std::int64_t size() const override { return static_cast<std::int64_t>(indices_.size()); }

 private:
  std::vector<std::int64_t> indices_;
};

/// Draws index i with probability weights[i]/Σ. Throws ValueError for negative or all-zero weights, or for more draws
/// without replacement than there are positive weights.
class WeightedRandomSampler : public Sampler {
 public:
  WeightedRandomSampler(std::vector<double> weights, std::int64_t num_samples, bool replacement = true,
                        SourceLoc loc = SourceLoc::here());
  std::vector<std::int64_t> order(std::uint64_t seed, std::uint64_t epoch) const override;
  std::int64_t size() const override { return count_; }

 private:
  std::vector<double> weights_;
  std::int64_t count_;
  bool replacement_;
};

}  // namespace slope::data
