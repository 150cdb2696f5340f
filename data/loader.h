#pragma once

#include <atomic>
#include <iterator>
#include <memory>
#include <optional>

#include "slope/data/dataset.h"
#include "slope/data/sampler.h"

namespace slope::data {

struct DataLoaderOptions {
  /// Samples in a batch.
  std::int64_t batch_size = 1;
  /// Visit the samples in random order, another one every epoch.
  bool shuffle = false;
  /// Threads that load ahead; 0 loads in the consumer's thread. The batches are the same for any number.
  int num_workers = 0;
  /// Leave out the last batch when it is not full.
  bool drop_last = false;
  /// Makes a batch of samples; empty stacks them.
  Function<Batch(std::vector<Sample>)> collate{};
  /// Order of samples; excludes `shuffle`.
  std::shared_ptr<const Sampler> sampler{};
  /// Decides order and sample streams; drawn from the default generator when absent.
  std::optional<std::uint64_t> seed{};
  /// Batches each worker may be ahead.
  int prefetch = 2;
  /// Seconds the consumer waits for a batch before it throws; 0 waits for ever.
  double timeout = 0;
};

namespace detail {
class Pass;
}

/// Batches of a dataset, in order, one epoch per loop.
///
///     data::DataLoader loader(dataset, {.batch_size = 100, .shuffle = true, .num_workers = 2});
///     for (auto& [x, y] : loader) train_step(x, y);
///
/// Workers are threads that live as long as one loop over the loader; leaving the loop early ends them. An exception in the
/// dataset or in `collate` reaches the consumer with its own type when its batch is due. Several loops may run at once.
/// After fork() the child may start loops of its own; to continue one whose workers are threads of the parent throws Error.
///
/// A loader can be moved, also while loops over it run. Throws ValueError for options outside their domain, and when a loader
/// that was moved from is used; a loop throws IndexError when the sampler names a sample that the dataset does not have, and
/// ValueError when an order is not as long as the sampler said. Batches of more or fewer than two tensors unpack as a Batch
/// does:
///
///     for (auto& batch : loader) {
///       auto [image, mask, weight] = batch.unpack<3>();
///     }
class DataLoader {
 public:
  DataLoader(std::shared_ptr<const Dataset> dataset, DataLoaderOptions options = {}, SourceLoc loc = SourceLoc::here());
  template <DatasetType D>
  DataLoader(D&& dataset, DataLoaderOptions options = {}, SourceLoc loc = SourceLoc::here())
      : DataLoader(share(std::forward<D>(dataset)), std::move(options), loc) {}

  DataLoader(DataLoader&& other) noexcept;
  DataLoader& operator=(DataLoader&& other) noexcept;

  /// Goes over the batches once; ends its workers when it is destroyed.
  class Iterator {
   public:
    using value_type = Batch;
    using reference = Batch&;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;

    Iterator() = default;
    /// The batch at hand; the next one.
    Batch& operator*() { return *current_; }
    Batch* operator->() { return &*current_; }
    Iterator& operator++();
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& it, std::default_sentinel_t) { return !it.current_; }

   private:
    friend class DataLoader;
    std::shared_ptr<detail::Pass> pass_;
    std::optional<Batch> current_;
  };

  /// Starts the next epoch. Errors while it lasts name this line, the one of the loop.
  Iterator begin(SourceLoc loc = SourceLoc::here());
  std::default_sentinel_t end() const { return {}; }

  /// Number of batches of an epoch.
  std::int64_t size(SourceLoc loc = SourceLoc::here()) const;
  const Dataset& dataset(SourceLoc loc = SourceLoc::here()) const;
  /// The number the next epoch gets (0 for the first); its order and sample streams follow from it.
  void set_epoch(std::uint64_t epoch) { epoch_.store(epoch); }

 private:
  void check_not_moved_from(SourceLoc loc) const;

  std::shared_ptr<const Dataset> dataset_;
  DataLoaderOptions options_;
  std::uint64_t seed_;
  std::atomic<std::uint64_t> epoch_{0};
};

/// Stacks samples: tensor k of the batch holds tensor k of every sample along a new first dimension. Throws ShapeError when
/// the samples differ in shape, dtype or number of tensors, ValueError for an undefined tensor.
Batch default_collate(const std::vector<Sample>& samples, SourceLoc loc = SourceLoc::here());

}  // namespace slope::data
