#include "slope/data/loader.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <mutex>
#include <thread>

#include "slope/autograd/core/internal/fork.h"
#include "slope/autograd/core/parallel.h"
#include "slope/autograd/kernels/loops/index.h"
#include "slope/autograd/tensor/factory.h"

namespace slope::data {

Batch default_collate(const std::vector<Sample>& samples, SourceLoc loc) {
  const CallerScope caller(loc);
  if (samples.empty()) return {};
  const Sample& first = samples[0];
  for (const Sample& s : samples)
    if (s.size() != first.size())
      throw ShapeError(
          concat("collate: samples hold ", first.size(), " and ", s.size(), " tensors; pass a collate function"), loc);
  for (const Sample& s : samples)
    for (std::size_t k = 0; k < s.size(); ++k)
      if (!s[k].defined()) throw ValueError(concat("collate: tensor ", k, " of a sample is undefined"), loc);
  std::vector<Tensor> out;
  for (std::size_t k = 0; k < first.size(); ++k) {
    Shape shape = first[k].shape();
    const std::int64_t item = first[k].numel() * static_cast<std::int64_t>(itemsize(first[k].dtype()));
    shape.insert(0, static_cast<std::int64_t>(samples.size()));
    Tensor batch = make_empty(shape, first[k].dtype());
    char* to = static_cast<char*>(batch.raw_data());
    for (const Sample& s : samples) {
      if (s[k].shape() != first[k].shape() || s[k].dtype() != first[k].dtype())
        throw ShapeError(
            concat("collate: stack expects each tensor to be equal size, but got ", to_text(first[k].shape()), " ",
                   dtype_name(first[k].dtype()), " and ", to_text(s[k].shape()), " ", dtype_name(s[k].dtype()),
                   " as tensor ", k, " of two samples; pass a collate function that pads them"),
            loc);
      const Tensor dense = s[k].is_contiguous() ? s[k] : s[k].contiguous();
      if (item) std::memcpy(to, dense.raw_data(), static_cast<std::size_t>(item));
      to += item;
    }
    out.push_back(std::move(batch));
  }
  return Batch(std::move(out));
}

namespace detail {

namespace {

constexpr double a_long_time = 1e9;  // seconds; a clock counts more of them in nanoseconds, but not without end

std::int64_t batch_count(std::int64_t samples, const DataLoaderOptions& options) {
  const std::int64_t full = samples / options.batch_size;
  return full + (samples % options.batch_size != 0 && !options.drop_last);
}

}  // namespace

/// One loop over a loader: the order of its samples, its workers, and the batches they have ready.
class Pass {
 public:
  Pass(std::shared_ptr<const Dataset> dataset, const DataLoaderOptions& options, std::uint64_t seed,
       std::uint64_t epoch, std::vector<std::int64_t> order, SourceLoc loc)
      : dataset_(std::move(dataset)),
        collate_(options.collate),
        batch_size_(options.batch_size),
        seed_(seed),
        epoch_(epoch),
        timeout_(std::min(options.timeout, a_long_time)),
        order_(std::move(order)),
        loc_(loc) {
    batches_ = batch_count(static_cast<std::int64_t>(order_.size()), options);
    const auto workers = std::min<std::int64_t>(options.num_workers, batches_);
    if (workers == 0) return;
    ready_.resize(static_cast<std::size_t>(std::min(workers * options.prefetch, batches_)));
    try {
      for (std::int64_t w = 0; w < workers; ++w) threads_.emplace_back([this] { work(); });
    } catch (...) {
      stop();
      throw;
    }
  }
  ~Pass() { stop(); }
  Pass(const Pass&) = delete;
  Pass& operator=(const Pass&) = delete;

  /// What a child has of a pass with workers can't be destroyed: they will not be joined, and may hold the lock for ever.
  static void dispose(Pass* pass) {
    if (pass->threads_.empty() || pass->in_its_process()) delete pass;
  }

  /// The next batch, or nothing at the end.
  std::optional<Batch> next() {
    const CallerScope scope(loc_);
    if (consumed_ >= batches_) return std::nullopt;
    if (threads_.empty()) {
      const std::int64_t b = consumed_;
      consumed_ = batches_;  // an exception ends the pass
      Batch batch = load(b);
      consumed_ = b + 1;
      return batch;
    }
    if (!in_its_process())
      throw Error(
          "DataLoader: the workers of this loop are threads of the parent process, which a child made by fork() does not have; "
          "start a new loop over the loader");
    std::unique_lock lock(mutex_);
    Slot& slot = ready_[static_cast<std::size_t>(consumed_) % ready_.size()];
    auto is_ready = [&] { return slot.full; };
    if (timeout_ > 0) {
      if (!arrived_.wait_for(lock, std::chrono::duration<double>(timeout_), is_ready)) {
        consumed_ = batches_;
        throw Error(concat("DataLoader: timed out after ", timeout_,
                           " seconds waiting for a batch; a worker may hang in the dataset"));
      }
    } else {
      arrived_.wait(lock, is_ready);
    }
    slot.full = false;
    if (slot.error) {
      consumed_ = batches_;
      stopping_ = true;
      room_.notify_all();
      std::exception_ptr error = std::exchange(slot.error, nullptr);
      lock.unlock();
      std::rethrow_exception(error);
    }
    Batch batch = std::move(slot.batch);
    slot.batch = Batch();
    ++consumed_;
    lock.unlock();
    room_.notify_one();
    return batch;
  }

 private:
  bool in_its_process() const { return forks_ == slope::detail::fork_generation(); }

  struct Slot {
    bool full = false;
    Batch batch;
    std::exception_ptr error;
  };

  Batch load(std::int64_t b) const {
    const auto begin = static_cast<std::size_t>(b * batch_size_);
    const auto count = std::min(static_cast<std::size_t>(batch_size_), order_.size() - begin);
    const std::span<const std::int64_t> indices(order_.data() + begin, count);
    if (!collate_)
      if (auto batch = dataset_->gather(indices)) return std::move(*batch);
    std::vector<Sample> samples;
    samples.reserve(count);
    for (std::int64_t i : indices) {
      if (stopping_.load(std::memory_order_relaxed)) return {};  // nobody waits for this batch any more
      Generator stream(derive_seed(seed_, epoch_, static_cast<std::uint64_t>(i)));
      SampleStream scope(&stream);
      samples.push_back(dataset_->get(i));
    }
    return collate_ ? collate_(std::move(samples)) : default_collate(samples);
  }

  void work() {
    const SerialGuard serial;  // the worker is one of many threads already
    const CallerScope scope(loc_);
    std::unique_lock lock(mutex_);
    for (;;) {
      room_.wait(lock, [&] {
        return stopping_ || claimed_ >= batches_ || claimed_ - consumed_ < static_cast<std::int64_t>(ready_.size());
      });
      if (stopping_ || claimed_ >= batches_) return;
      const std::int64_t b = claimed_++;
      lock.unlock();
      Batch batch;
      std::exception_ptr error;
      try {
        batch = load(b);
      } catch (...) {
        error = std::current_exception();
      }
      lock.lock();
      Slot& slot = ready_[static_cast<std::size_t>(b) % ready_.size()];
      slot.batch = std::move(batch);
      slot.error = std::move(error);
      slot.full = true;
      if (b == consumed_) arrived_.notify_one();
    }
  }

  void stop() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    room_.notify_all();
    for (auto& t : threads_) t.join();
    threads_.clear();
  }

  std::shared_ptr<const Dataset> dataset_;
  Function<Batch(std::vector<Sample>)> collate_;
  std::int64_t batch_size_;
  std::uint64_t seed_, epoch_;
  double timeout_;
  std::vector<std::int64_t> order_;
  SourceLoc loc_;  // of the loop
  std::int64_t batches_ = 0;

  std::mutex mutex_;
  std::condition_variable room_, arrived_;
  std::int64_t claimed_ = 0, consumed_ = 0;
  std::atomic<bool> stopping_{false};
  std::vector<Slot> ready_;  // a ring: batch b waits in slot b mod size
  std::vector<std::thread> threads_;
  const std::uint64_t forks_ = slope::detail::fork_generation();
};

}  // namespace detail

DataLoader::DataLoader(std::shared_ptr<const Dataset> dataset, DataLoaderOptions options, SourceLoc loc)
    : dataset_(std::move(dataset)), options_(std::move(options)) {
  const std::int64_t samples = detail::size_of("DataLoader", dataset_, loc);
  auto require = [&](bool ok, const char* what, double value) {
    if (!ok) throw ValueError(concat("DataLoader: ", what, ", got ", value), loc);
  };
  require(options_.batch_size > 0, "batch_size must be positive", static_cast<double>(options_.batch_size));
  require(options_.num_workers >= 0, "num_workers must not be negative", options_.num_workers);
  require(options_.prefetch > 0, "prefetch must be positive", options_.prefetch);
  require(options_.timeout >= 0, "timeout must not be negative", options_.timeout);
  if (options_.sampler && options_.shuffle)
    throw ValueError("DataLoader: sampler option is mutually exclusive with shuffle", loc);
  if (!options_.sampler) {
    if (options_.shuffle)
      options_.sampler = std::make_shared<RandomSampler>(samples, loc);
    else
      options_.sampler = std::make_shared<SequentialSampler>(samples, loc);
  }
  seed_ = options_.seed ? *options_.seed : default_generator().next_u64();
}

DataLoader::DataLoader(DataLoader&& other) noexcept
    : dataset_(std::move(other.dataset_)),
      options_(std::move(other.options_)),
      seed_(other.seed_),
      epoch_(other.epoch_.load()) {}

DataLoader& DataLoader::operator=(DataLoader&& other) noexcept {
  if (this == &other) return *this;
  dataset_ = std::move(other.dataset_);
  options_ = std::move(other.options_);
  seed_ = other.seed_;
  epoch_.store(other.epoch_.load());
  return *this;
}

void DataLoader::check_not_moved_from(SourceLoc loc) const {
  if (!dataset_) throw ValueError("DataLoader: this loader was moved from; use the one it was moved to", loc);
}

const Dataset& DataLoader::dataset(SourceLoc loc) const {
  check_not_moved_from(loc);
  return *dataset_;
}

std::int64_t DataLoader::size(SourceLoc loc) const {
  check_not_moved_from(loc);
  return detail::batch_count(options_.sampler->size(), options_);
}

DataLoader::Iterator DataLoader::begin(SourceLoc loc) {
  const CallerScope scope(loc);
  check_not_moved_from(loc);
  const std::uint64_t epoch = epoch_.fetch_add(1);
  std::vector<std::int64_t> order = options_.sampler->order(seed_, epoch);
  const std::int64_t samples = dataset_->size(), expected = options_.sampler->size();
  if (static_cast<std::int64_t>(order.size()) != expected)
    throw ValueError(
        concat("DataLoader: the sampler gave an order of ", order.size(), " samples, its size() is ", expected), loc);
  const bool valid = all_below(order.data(), expected, samples);
  for (std::size_t k = 0; !valid && k < order.size(); ++k)
    if (order[k] < 0 || order[k] >= samples)
      throw IndexError(concat("DataLoader: the sampler gave index ", order[k], " at position ", k, "; the dataset has ",
                              samples, " samples"),
                       loc);
  Iterator it;
  it.pass_.reset(new detail::Pass(dataset_, options_, seed_, epoch, std::move(order), user_line(loc)),
                 &detail::Pass::dispose);
  it.current_ = it.pass_->next();
  return it;
}

DataLoader::Iterator& DataLoader::Iterator::operator++() {
  current_ = pass_->next();
  return *this;
}

}  // namespace slope::data
