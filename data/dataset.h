#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "slope/autograd/core/function.h"
#include "slope/autograd/core/random.h"
#include "slope/autograd/tensor/tensor.h"

namespace slope::data {

/// The tensors of one sample: usually {x, y}.
using Sample = std::vector<Tensor>;

/// The tensors of a batch, each with the batch as its first dimension. Unpacks as a pair: `auto [x, y] = batch;`.
class Batch {
 public:
  Batch() = default;
  Batch(std::vector<Tensor> tensors) : tensors_(std::move(tensors)) {}
  std::size_t size() const { return tensors_.size(); }
  /// Throws IndexError when there is no tensor `i`.
  const Tensor& operator[](std::size_t i) const;
  Tensor& operator[](std::size_t i);
  const Tensor& x() const { return (*this)[0]; }
  const Tensor& y() const { return (*this)[1]; }
  const std::vector<Tensor>& tensors() const { return tensors_; }

  template <std::size_t I>
  Tensor& get() {
    return (*this)[I];
  }
  template <std::size_t I>
  const Tensor& get() const {
    return (*this)[I];
  }

 private:
  std::vector<Tensor> tensors_;
};

/// A finite, indexed collection of samples. `get` may be called by several threads at once.
///
///     struct Squares : data::Dataset {
///       std::int64_t size() const override { return 100; }
///       data::Sample get(std::int64_t i) const override { return {tensor(double(i)), tensor(double(i * i))}; }
///     };
class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual std::int64_t size() const = 0;
  /// Sample i, 0 <= i < size().
  virtual Sample get(std::int64_t i) const = 0;
  /// A whole batch at once, for datasets that can do better than stacking samples.
  virtual std::optional<Batch> gather(std::span<const std::int64_t> indices) const {
    (void)indices;
    return std::nullopt;
  }
};

/// Any dataset type by value, or a shared one.
template <class D>
concept DatasetType = std::derived_from<std::remove_cvref_t<D>, Dataset>;

template <DatasetType D>
std::shared_ptr<const Dataset> share(D&& dataset) {
  return std::make_shared<std::remove_cvref_t<D>>(std::forward<D>(dataset));
}
inline std::shared_ptr<const Dataset> share(std::shared_ptr<const Dataset> dataset) { return dataset; }

/// Rows of tensors: sample i is {a[i], b[i], ...}. Copies share the data. Throws ShapeError unless all tensors have the same
/// first size.
class TensorDataset : public Dataset {
 public:
  explicit TensorDataset(std::vector<Tensor> tensors, SourceLoc loc = SourceLoc::here());
  TensorDataset(const Tensor& x, const Tensor& y, SourceLoc loc = SourceLoc::here())
      : TensorDataset(std::vector<Tensor>{x, y}, loc) {}
  std::int64_t size() const override { return size_; }
  Sample get(std::int64_t i) const override;
  std::optional<Batch> gather(std::span<const std::int64_t> indices) const override;
  const std::vector<Tensor>& tensors() const { return tensors_; }

 private:
  std::vector<Tensor> tensors_;
  std::int64_t size_ = 0;
};

/// Part of another dataset. Throws IndexError for an index out of range.
class Subset : public Dataset {
 public:
  Subset(std::shared_ptr<const Dataset> dataset, std::vector<std::int64_t> indices, SourceLoc loc = SourceLoc::here());
  template <DatasetType D>
  Subset(D&& dataset, std::vector<std::int64_t> indices, SourceLoc loc = SourceLoc::here())
      : Subset(share(std::forward<D>(dataset)), std::move(indices), loc) {}
  std::int64_t size() const override { return static_cast<std::int64_t>(indices_.size()); }
  Sample get(std::int64_t i) const override;
  std::optional<Batch> gather(std::span<const std::int64_t> indices) const override;
  const std::vector<std::int64_t>& indices() const { return indices_; }

 private:
  std::shared_ptr<const Dataset> dataset_;
  std::vector<std::int64_t> indices_;
};

/// Datasets one after the other.
class ConcatDataset : public Dataset {
 public:
  explicit ConcatDataset(std::vector<std::shared_ptr<const Dataset>> parts);
  std::int64_t size() const override { return ends_.empty() ? 0 : ends_.back(); }
  Sample get(std::int64_t i) const override;

 private:
  std::vector<std::shared_ptr<const Dataset>> parts_;
  std::vector<std::int64_t> ends_;
};

/// A dataset from a function of the index.
class FunctionDataset : public Dataset {
 public:
  FunctionDataset(std::int64_t size, Function<Sample(std::int64_t)> get) : size_(size), get_(std::move(get)) {}
  std::int64_t size() const override { return size_; }
  Sample get(std::int64_t i) const override { return get_(i); }

 private:
  std::int64_t size_;
  Function<Sample(std::int64_t)> get_;
};

/// Random, disjoint parts of the given lengths, which must add up to the size of the dataset; throws ValueError otherwise.
///
///     auto [train, valid] = data::random_split(ds, 0.7);
std::vector<Subset> random_split(std::shared_ptr<const Dataset> dataset, const std::vector<std::int64_t>& lengths,
                                 Generator& generator = default_generator(), SourceLoc loc = SourceLoc::here());
template <DatasetType D>
std::vector<Subset> random_split(D&& dataset, const std::vector<std::int64_t>& lengths,
                                 Generator& generator = default_generator(), SourceLoc loc = SourceLoc::here()) {
  return random_split(share(std::forward<D>(dataset)), lengths, generator, loc);
}
/// Two parts: ⌊fraction·size⌋ samples and the rest.
template <class D>
std::pair<Subset, Subset> random_split(D&& dataset, double fraction, Generator& generator = default_generator(),
                                       SourceLoc loc = SourceLoc::here()) {
  if (!(fraction >= 0 && fraction <= 1))
    throw ValueError(concat("random_split: the fraction must be between 0 and 1, got ", fraction), loc);
  auto shared = share(std::forward<D>(dataset));
  const auto first = static_cast<std::int64_t>(static_cast<double>(shared->size()) * fraction);
  auto parts = random_split(shared, {first, shared->size() - first}, generator, loc);
  return {std::move(parts[0]), std::move(parts[1])};
}

/// The random stream of the sample being loaded: the same for a sample of an epoch whatever the number of workers. Outside
/// a loader it is the default generator.
Generator& sample_generator();

/// The tutorial's data: `positive` points around radius 5 and `negative` around radius 8, both with normal noise of deviation
/// 1, labelled 1 and 0. X is (n, 2), Y is (n, 1), float32.
struct Rings {
  Tensor x, y;
};
Rings two_rings(std::int64_t positive, std::int64_t negative, Generator& generator = default_generator());

namespace detail {
/// Sets the stream `sample_generator()` returns on this thread.
struct SampleStream {
  explicit SampleStream(Generator* g);
  ~SampleStream();
  SampleStream(const SampleStream&) = delete;
  SampleStream& operator=(const SampleStream&) = delete;
  Generator* previous;
};
}  // namespace detail

}  // namespace slope::data

template <>
struct std::tuple_size<slope::data::Batch> : std::integral_constant<std::size_t, 2> {};
template <std::size_t I>
struct std::tuple_element<I, slope::data::Batch> {
  using type = slope::Tensor;
};
