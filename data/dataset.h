#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <initializer_list>
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

/// The tensors of a batch, each with the batch as its first dimension. Unpacks as a pair; with another number of tensors
/// than two, say how many:
///
///     auto& [x, y] = batch;
///     auto [image, mask, weight] = batch.unpack<3>();
class Batch {
 public:
  Batch() = default;
  Batch(std::vector<Tensor> tensors) : tensors_(std::move(tensors)) {}
  std::size_t size() const { return tensors_.size(); }
  /// Throws IndexError when there is no tensor `i`.
  const Tensor& operator[](At i) const { return tensors_[checked(i)]; }
  Tensor& operator[](At i) { return tensors_[checked(i)]; }
  const Tensor& x(SourceLoc loc = SourceLoc::here()) const { return (*this)[{0, loc}]; }
  const Tensor& y(SourceLoc loc = SourceLoc::here()) const { return (*this)[{1, loc}]; }
  const std::vector<Tensor>& tensors() const { return tensors_; }

  /// The tensors, to be bound to `N` names. Throws ValueError when the batch does not hold exactly `N`.
  template <std::size_t N>
  std::array<Tensor, N> unpack(SourceLoc loc = SourceLoc::here()) const {
    require_size(N, loc);
    std::array<Tensor, N> out;
    for (std::size_t i = 0; i < N; ++i) out[i] = tensors_[i];
    return out;
  }

  /// What `auto [x, y] = batch;` calls.
  template <std::size_t I>
  Tensor& get(SourceLoc loc = SourceLoc::here()) {
    return (*this)[{I, loc}];
  }
  /// Tensor I.
  template <std::size_t I>
  const Tensor& get(SourceLoc loc = SourceLoc::here()) const {
    return (*this)[{I, loc}];
  }

 private:
  std::size_t checked(At i) const;
  void require_size(std::size_t expected, SourceLoc loc) const;

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

/// Rows of tensors: sample i is {a[i], b[i], ...}. Copies share the data. Throws ShapeError unless all tensors have the
/// same first size, ValueError for an undefined tensor or none at all, IndexError for a sample out of range.
///
///     data::TensorDataset pairs(x, y), triples(image, mask, weight), inputs({x});
class TensorDataset : public Dataset {
 public:
  explicit TensorDataset(std::vector<Tensor> tensors, SourceLoc loc = SourceLoc::here());
  TensorDataset(std::initializer_list<Tensor> tensors, SourceLoc loc = SourceLoc::here())
      : TensorDataset(std::vector<Tensor>(tensors), loc) {}
  template <std::derived_from<Tensor>... More>
  TensorDataset(In x, const Tensor& y, const More&... more)
      : TensorDataset(std::vector<Tensor>{x.tensor, y, more...}, x.loc) {}
  std::int64_t size() const override { return size_; }
  Sample get(std::int64_t i) const override;
  std::optional<Batch> gather(std::span<const std::int64_t> indices) const override;
  /// The tensors it was made of.
  const std::vector<Tensor>& tensors() const { return tensors_; }

 private:
  std::vector<Tensor> tensors_;
  std::int64_t size_ = 0;
};

/// Part of another dataset. Throws IndexError for an index out of range, ValueError for a null dataset.
class Subset : public Dataset {
 public:
  Subset(std::shared_ptr<const Dataset> dataset, std::vector<std::int64_t> indices, SourceLoc loc = SourceLoc::here());
  template <DatasetType D>
  Subset(D&& dataset, std::vector<std::int64_t> indices, SourceLoc loc = SourceLoc::here())
      : Subset(share(std::forward<D>(dataset)), std::move(indices), loc) {}
  std::int64_t size() const override { return static_cast<std::int64_t>(indices_.size()); }
  Sample get(std::int64_t i) const override;
  std::optional<Batch> gather(std::span<const std::int64_t> indices) const override;
  /// The indices into the other dataset.
  const std::vector<std::int64_t>& indices() const { return indices_; }

 private:
  std::shared_ptr<const Dataset> dataset_;
  std::vector<std::int64_t> indices_;
};

/// Datasets one after the other. Throws ValueError for a null one, and when their sizes add up to more than int64 holds.
class ConcatDataset : public Dataset {
 public:
  explicit ConcatDataset(std::vector<std::shared_ptr<const Dataset>> parts, SourceLoc loc = SourceLoc::here());
  std::int64_t size() const override { return ends_.empty() ? 0 : ends_.back(); }
  Sample get(std::int64_t i) const override;

 private:
  std::vector<std::shared_ptr<const Dataset>> parts_;
  std::vector<std::int64_t> ends_;
};

/// A dataset from a function of the index. Throws ValueError for a negative size and an empty function.
///
///     data::FunctionDataset squares(100, [](std::int64_t i) -> data::Sample { return {tensor(i), tensor(i * i)}; });
class FunctionDataset : public Dataset {
 public:
  FunctionDataset(std::int64_t size, Function<Sample(std::int64_t)> get, SourceLoc loc = SourceLoc::here());
  std::int64_t size() const override { return size_; }
  Sample get(std::int64_t i) const override { return get_(i); }

 private:
  std::int64_t size_;
  Function<Sample(std::int64_t)> get_;
};

/// Random, disjoint parts of the given lengths, which must add up to the size of the dataset; throws ValueError otherwise.
///
///     auto [train, valid] = data::random_split(ds, 0.7);                 // by one fraction: that part, and the rest
///     auto parts = data::random_split(ds, {0.7, 0.2, 0.1});              // by fractions that add up to 1
///     auto exact = data::random_split(ds, {6000, 200});                  // by lengths
std::vector<Subset> random_split(std::shared_ptr<const Dataset> dataset, const std::vector<std::int64_t>& lengths,
                                 Generator& generator = default_generator(), SourceLoc loc = SourceLoc::here());
template <DatasetType D>
std::vector<Subset> random_split(D&& dataset, const std::vector<std::int64_t>& lengths,
                                 Generator& generator = default_generator(), SourceLoc loc = SourceLoc::here()) {
  return random_split(share(std::forward<D>(dataset)), lengths, generator, loc);
}
namespace detail {
/// Lengths of the parts for fractions of `size`; throws as random_split does.
std::vector<std::int64_t> split_lengths(std::int64_t size, std::span<const double> fractions, SourceLoc loc);
/// ⌊fraction·size⌋ for the fraction as it was written: 0.29 of 100 is 29, though the product of the nearest double is less.
std::int64_t split_length(std::int64_t size, double fraction, SourceLoc loc);
/// The dataset's size. Throws ValueError for a null dataset and a negative size.
std::int64_t size_of(const char* op, const std::shared_ptr<const Dataset>& dataset, SourceLoc loc);
}  // namespace detail

/// Two parts: ⌊fraction·size⌋ samples and the rest. A fraction counts as the decimal it was written as: 0.29 of 100 is 29.
/// Throws ValueError unless 0 <= fraction <= 1.
template <class D, class T>
  requires std::is_arithmetic_v<T>  // a template, so that braces are a list
std::pair<Subset, Subset> random_split(D&& dataset, T fraction, Generator& generator = default_generator(),
                                       SourceLoc loc = SourceLoc::here()) {
  auto shared = share(std::forward<D>(dataset));
  const std::int64_t size = detail::size_of("random_split", shared, loc);
  const std::int64_t first = detail::split_length(size, static_cast<double>(fraction), loc);
  auto parts = random_split(shared, {first, size - first}, generator, loc);
  return {std::move(parts[0]), std::move(parts[1])};
}
/// One part per fraction, ⌊fraction·size⌋ samples each; what remains goes one by one to the first parts. Throws ValueError
/// unless the fractions lie in [0, 1] and add up to 1.
template <class D, std::floating_point T>
std::vector<Subset> random_split(D&& dataset, std::initializer_list<T> fractions,
                                 Generator& generator = default_generator(), SourceLoc loc = SourceLoc::here()) {
  auto shared = share(std::forward<D>(dataset));
  const std::vector<double> list(fractions.begin(), fractions.end());
  const auto lengths = detail::split_lengths(detail::size_of("random_split", shared, loc), list, loc);
  return random_split(shared, lengths, generator, loc);
}

/// The random stream of the sample being loaded: the same for a sample of an epoch whatever the number of workers. Outside
/// a loader it is the default generator.
Generator& sample_generator();

/// The tutorial's data: `positive` points around radius 5 and `negative` around radius 8, both with normal noise of deviation
/// 1, labelled 1 and 0. X is (n, 2), Y is (n, 1), float32. Throws ValueError for a negative number of points, ShapeError
/// for more than fit into a tensor.
struct Rings {
  /// The points and their labels.
  Tensor x, y;
};
Rings two_rings(std::int64_t positive, std::int64_t negative, Generator& generator = default_generator(),
                SourceLoc loc = SourceLoc::here());

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
