#include "slope/data/dataset.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "slope/autograd/kernels/loops/index.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/data/internal/indices.h"

namespace slope::data {

std::size_t Batch::checked(At i) const {
  if (i.index < 0 || static_cast<std::size_t>(i.index) >= tensors_.size())
    throw IndexError(concat("Batch: there is no tensor ", i.index, "; this batch holds ", tensors_.size()), i.loc);
  return static_cast<std::size_t>(i.index);
}

void Batch::require_size(std::size_t expected, SourceLoc loc) const {
  if (tensors_.size() != expected)
    throw ValueError(
        concat("Batch: this batch holds ", tensors_.size(), " tensors, unpack<", expected, "> asks for ", expected),
        loc);
}

TensorDataset::TensorDataset(std::vector<Tensor> tensors, SourceLoc loc) {
  if (tensors.empty()) throw ValueError("TensorDataset: needs at least one tensor", loc);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& t = tensors[i];
    if (!t.defined()) throw ValueError(concat("TensorDataset: tensor ", i, " is undefined"), loc);
    if (t.dim() == 0) throw ShapeError("TensorDataset: a tensor without dimensions has no samples", loc);
    if (t.size(0) != tensors[0].size(0))
      throw ShapeError(concat("TensorDataset: size mismatch between tensors: first sizes are ", tensors[0].size(0),
                              " and ", t.size(0)),
                       loc);
    tensors_.push_back(t.detach().contiguous());
  }
  size_ = tensors_[0].size(0);
}

Sample TensorDataset::get(std::int64_t i) const {
  detail::require_index("TensorDataset", i, size_);
  Sample s;
  for (const Tensor& t : tensors_) s.push_back(t[i]);
  return s;
}

namespace {

/// require_index for each of them.
void require_indices(const char* op, std::span<const std::int64_t> indices, std::int64_t size) {
  if (!all_below(indices.data(), static_cast<std::int64_t>(indices.size()), size))
    for (std::int64_t i : indices) detail::require_index(op, i, size);
}

}  // namespace

std::optional<Batch> TensorDataset::gather(std::span<const std::int64_t> indices) const {
  require_indices("TensorDataset", indices, size_);
  const auto count = static_cast<std::int64_t>(indices.size());
  std::vector<Tensor> out;
  out.reserve(tensors_.size());
  for (const Tensor& t : tensors_) {
    Shape shape = t.shape();
    shape[0] = count;
    Tensor batch = make_empty(shape, t.dtype());
    const std::int64_t row = size_ == 0 ? 0 : t.numel() / size_ * static_cast<std::int64_t>(itemsize(t.dtype()));
    if (row)
      gather_rows_kernel(static_cast<char*>(batch.raw_data()), static_cast<const char*>(t.raw_data()), indices.data(),
                         1, size_, count, row);
    out.push_back(std::move(batch));
  }
  return Batch(std::move(out));
}

Subset::Subset(std::shared_ptr<const Dataset> dataset, std::vector<std::int64_t> indices, SourceLoc loc)
    : dataset_(std::move(dataset)), indices_(std::move(indices)) {
  const std::int64_t size = detail::size_of("Subset", dataset_, loc);
  for (std::int64_t i : indices_) detail::require_index("Subset", i, size, loc);
}

Sample Subset::get(std::int64_t i) const {
  detail::require_index("Subset", i, size());
  return dataset_->get(indices_[static_cast<std::size_t>(i)]);
}

std::optional<Batch> Subset::gather(std::span<const std::int64_t> indices) const {
  require_indices("Subset", indices, size());
  std::vector<std::int64_t> mapped(indices.size());
  gather_rows_kernel(reinterpret_cast<char*>(mapped.data()), reinterpret_cast<const char*>(indices_.data()),
                     indices.data(), 1, size(), static_cast<std::int64_t>(mapped.size()), sizeof(std::int64_t));
  return dataset_->gather(mapped);
}

FunctionDataset::FunctionDataset(std::int64_t size, Function<Sample(std::int64_t)> get, SourceLoc loc)
    : size_(size), get_(std::move(get)) {
  detail::require_count("FunctionDataset: the size", size, loc);
  if (!get_) throw ValueError("FunctionDataset: the function is empty", loc);
}

ConcatDataset::ConcatDataset(std::vector<std::shared_ptr<const Dataset>> parts, SourceLoc loc)
    : parts_(std::move(parts)) {
  std::int64_t end = 0;
  for (const auto& p : parts_) {
    const std::int64_t size = detail::size_of("ConcatDataset", p, loc);
    if (size > std::numeric_limits<std::int64_t>::max() - end)
      throw ValueError(concat("ConcatDataset: ", end, " and ", size, " samples are too many to count"), loc);
    ends_.push_back(end += size);
  }
}

Sample ConcatDataset::get(std::int64_t i) const {
  detail::require_index("ConcatDataset", i, size());
  std::size_t part = 0;
  while (i >= ends_[part]) ++part;
  return parts_[part]->get(part ? i - ends_[part - 1] : i);
}

namespace detail {

std::int64_t size_of(const char* op, const std::shared_ptr<const Dataset>& dataset, SourceLoc loc) {
  if (!dataset) throw ValueError(concat(op, ": the dataset is null"), loc);
  const std::int64_t size = dataset->size();
  if (size < 0) throw ValueError(concat(op, ": the dataset says that it holds ", size, " samples"), loc);
  return size;
}

std::int64_t split_length(std::int64_t size, double fraction, SourceLoc loc) {
  if (!(fraction >= 0 && fraction <= 1))
    throw ValueError(concat("random_split: a fraction must be between 0 and 1, got ", fraction), loc);
  if (fraction == 1) return size;  // also where a double does not hold the size
  // A decimal and its nearest double differ by up to half a unit in the last place, and so does the product.
  const double product = static_cast<double>(size) * fraction, nearest = std::round(product);
  const bool meant = std::abs(product - nearest) <= product * std::numeric_limits<double>::epsilon();
  return std::min(size, static_cast<std::int64_t>(meant ? nearest : std::floor(product)));
}

std::vector<std::int64_t> split_lengths(std::int64_t size, std::span<const double> fractions, SourceLoc loc) {
  double sum = 0;
  for (double f : fractions) sum += f;
  std::vector<std::int64_t> lengths;
  std::int64_t rest = size;
  for (double f : fractions) {
    const std::int64_t length = std::min(rest, split_length(size, f, loc));
    lengths.push_back(length);
    rest -= length;
  }
  if (!(std::abs(sum - 1) <= 1e-6))
    throw ValueError(concat("random_split: the fractions must add up to 1, got ", sum), loc);
  for (std::size_t i = 0; rest > 0; i = (i + 1) % lengths.size(), --rest) ++lengths[i];
  return lengths;
}

}  // namespace detail

std::vector<Subset> random_split(std::shared_ptr<const Dataset> dataset, const std::vector<std::int64_t>& lengths,
                                 Generator& generator, SourceLoc loc) {
  const std::int64_t size = detail::size_of("random_split", dataset, loc);
  std::int64_t total = 0;
  bool too_many = false;
  for (std::int64_t l : lengths) {
    if (l < 0) throw ValueError(concat("random_split: negative length ", l), loc);
    too_many |= l > std::numeric_limits<std::int64_t>::max() - total;
    if (!too_many) total += l;
  }
  const std::span<const std::int64_t> all(lengths);
  if (too_many)
    throw ValueError(concat("random_split: the lengths ", all, " add up to more than an int64 holds, not to the ", size,
                            " samples of the dataset"),
                     loc);
  if (total != size)
    throw ValueError(concat("random_split: the lengths ", all, " add up to ", total, ", not to the ", size,
                            " samples of the dataset"),
                     loc);
  auto order = detail::indices("random_split", total, loc);
  fill_randperm(order.data(), total, generator);
  std::vector<Subset> parts;
  auto at = order.begin();
  for (std::int64_t l : lengths) {
    parts.emplace_back(dataset, std::vector<std::int64_t>(at, at + l), loc);
    at += l;
  }
  return parts;
}

namespace {
thread_local constinit Generator* t_sample_generator = nullptr;
}

Generator& sample_generator() { return t_sample_generator ? *t_sample_generator : default_generator(); }

namespace detail {
SampleStream::SampleStream(Generator* g) : previous(std::exchange(t_sample_generator, g)) {}
SampleStream::~SampleStream() { t_sample_generator = previous; }
}  // namespace detail

Rings two_rings(std::int64_t positive, std::int64_t negative, Generator& generator, SourceLoc loc) {
  if (positive < 0 || negative < 0)
    throw ValueError(concat("two_rings: negative number of points: ", positive, " and ", negative), loc);
  if (positive > std::numeric_limits<std::int64_t>::max() - negative)
    throw ValueError(concat("two_rings: too many points: ", positive, " and ", negative), loc);
  const CallerScope scope(loc);
  const std::int64_t n = positive + negative;
  Rings rings{make_empty({n, 2}, DType::float32), make_empty({n, 1}, DType::float32)};
  auto* x = rings.x.data_ptr<float>();
  auto* y = rings.y.data_ptr<float>();
  auto ring = [&](std::int64_t begin, std::int64_t count, double radius, float label) {
    std::vector<float> r(static_cast<std::size_t>(count)), turn(static_cast<std::size_t>(count));
    fill_normal(r.data(), count, 0.0, 1.0, generator);
    fill_uniform(turn.data(), count, 0.0, 1.0, generator);
    for (std::int64_t i = 0; i < count; ++i) {
      const auto k = static_cast<std::size_t>(i);
      const double rho = radius + r[k], theta = 2 * std::numbers::pi * turn[k];
      x[2 * (begin + i)] = static_cast<float>(rho * std::cos(theta));
      x[2 * (begin + i) + 1] = static_cast<float>(rho * std::sin(theta));
      y[begin + i] = label;
    }
  };
  ring(0, positive, 5, 1);
  ring(positive, negative, 8, 0);
  return rings;
}

}  // namespace slope::data
