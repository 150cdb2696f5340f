#include "slope/data/dataset.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

#include "slope/autograd/tensor/factory.h"

namespace slope::data {

const Tensor& Batch::operator[](std::size_t i) const {
  if (i >= tensors_.size())
    throw IndexError(concat("Batch: there is no tensor ", i, "; this batch holds ", tensors_.size()));
  return tensors_[i];
}

Tensor& Batch::operator[](std::size_t i) { return const_cast<Tensor&>(std::as_const(*this)[i]); }

TensorDataset::TensorDataset(std::vector<Tensor> tensors, SourceLoc loc) {
  if (tensors.empty()) throw ValueError("TensorDataset: needs at least one tensor", loc);
  for (const Tensor& t : tensors) {
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
  Sample s;
  for (const Tensor& t : tensors_) s.push_back(t[i]);
  return s;
}

namespace {

/// rows[i] of `from`, `bytes` each, packed into `to`. Common small rows are copied by value.
template <class Word>
void gather_words(char* to, const char* from, std::span<const std::int64_t> rows) {
  auto* out = reinterpret_cast<Word*>(to);
  const auto* in = reinterpret_cast<const Word*>(from);
  for (std::size_t i = 0; i < rows.size(); ++i) out[i] = in[rows[i]];
}

void gather_rows(char* to, const char* from, std::span<const std::int64_t> rows, std::size_t bytes) {
  if (bytes == 8) return gather_words<std::uint64_t>(to, from, rows);
  if (bytes == 4) return gather_words<std::uint32_t>(to, from, rows);
  for (std::size_t i = 0; i < rows.size(); ++i)
    std::memcpy(to + i * bytes, from + static_cast<std::size_t>(rows[i]) * bytes, bytes);
}

void check_index(std::int64_t i, std::int64_t size) {
  if (i < 0 || i >= size) throw IndexError(concat("dataset: index ", i, " is out of range for ", size, " samples"));
}

}  // namespace

std::optional<Batch> TensorDataset::gather(std::span<const std::int64_t> indices) const {
  std::uint64_t largest = 0;  // one comparison for all, as no negative number is small without its sign
  for (std::int64_t i : indices) largest = std::max(largest, static_cast<std::uint64_t>(i));
  if (largest >= static_cast<std::uint64_t>(size_))
    for (std::int64_t i : indices) check_index(i, size_);
  std::vector<Tensor> out;
  out.reserve(tensors_.size());
  for (const Tensor& t : tensors_) {
    Shape shape = t.shape();
    shape[0] = static_cast<std::int64_t>(indices.size());
    Tensor batch = make_empty(shape, t.dtype());
    const std::size_t row = size_ == 0 ? 0 : static_cast<std::size_t>(t.numel() / size_) * itemsize(t.dtype());
    if (row) gather_rows(static_cast<char*>(batch.raw_data()), static_cast<const char*>(t.raw_data()), indices, row);
    out.push_back(std::move(batch));
  }
  return Batch(std::move(out));
}

Subset::Subset(std::shared_ptr<const Dataset> dataset, std::vector<std::int64_t> indices, SourceLoc loc)
    : dataset_(std::move(dataset)), indices_(std::move(indices)) {
  for (std::int64_t i : indices_)
    if (i < 0 || i >= dataset_->size())
      throw IndexError(concat("Subset: index ", i, " is out of range for ", dataset_->size(), " samples"), loc);
}

Sample Subset::get(std::int64_t i) const {
  check_index(i, size());
  return dataset_->get(indices_[static_cast<std::size_t>(i)]);
}

std::optional<Batch> Subset::gather(std::span<const std::int64_t> indices) const {
  std::vector<std::int64_t> mapped;
  mapped.reserve(indices.size());
  for (std::int64_t i : indices) {
    check_index(i, size());
    mapped.push_back(indices_[static_cast<std::size_t>(i)]);
  }
  return dataset_->gather(mapped);
}

ConcatDataset::ConcatDataset(std::vector<std::shared_ptr<const Dataset>> parts) : parts_(std::move(parts)) {
  std::int64_t end = 0;
  for (const auto& p : parts_) ends_.push_back(end += p->size());
}

Sample ConcatDataset::get(std::int64_t i) const {
  check_index(i, size());
  std::size_t part = 0;
  while (i >= ends_[part]) ++part;
  return parts_[part]->get(part ? i - ends_[part - 1] : i);
}

std::vector<Subset> random_split(std::shared_ptr<const Dataset> dataset, const std::vector<std::int64_t>& lengths,
                                 Generator& generator, SourceLoc loc) {
  std::int64_t total = 0;
  for (std::int64_t l : lengths) {
    if (l < 0) throw ValueError(concat("random_split: negative length ", l), loc);
    total += l;
  }
  if (total != dataset->size())
    throw ValueError(concat("random_split: the lengths ", std::span<const std::int64_t>(lengths), " add up to ", total,
                            ", not to the ", dataset->size(), " samples of the dataset"),
                     loc);
  std::vector<std::int64_t> order(static_cast<std::size_t>(total));
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

Rings two_rings(std::int64_t positive, std::int64_t negative, Generator& generator) {
  if (positive < 0 || negative < 0)
    throw ValueError(concat("two_rings: negative number of points: ", positive, " and ", negative));
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
