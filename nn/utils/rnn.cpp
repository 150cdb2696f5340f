#include "slope/nn/utils/rnn.h"

#include <algorithm>
#include <numeric>

#include "slope/autograd/ops/index/index.h"
#include "slope/autograd/ops/view/join.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/nn/utils/internal/batch_sizes.h"

namespace slope::nn {

namespace {

using std::int64_t;
using Numbers = std::vector<int64_t>;

/// Sizes and layout of a padded batch.
struct Padded {
  int64_t steps, batch;
  bool batch_first;
  int64_t position(int64_t step, int64_t sequence) const {
    return batch_first ? sequence * steps + step : step * batch + sequence;
  }
  Shape shape(const Shape& item) const {
    Shape s = item;
    s.insert(0, batch_first ? steps : batch);
    s.insert(0, batch_first ? batch : steps);
    return s;
  }
};

Shape behind(const Shape& shape, int dims) {
  Shape item;
  for (int d = dims; d < shape.size(); ++d) item.push_back(shape[d]);
  return item;
}

/// Of an input with steps and sequences as its first two dimensions.
Padded checked_padded(const char* op, In input, bool batch_first) {
  if (!input.tensor.defined()) throw ValueError(concat(op, ": the input is an undefined tensor"), input.loc);
  if (input->dim() < 2)
    throw ShapeError(concat(op, ": the input must be ", batch_first ? "[N, T, ...]" : "[T, N, ...]", ", but has shape ",
                            to_text(input->shape())),
                     input.loc);
  return {input->size(batch_first ? 1 : 0), input->size(batch_first ? 0 : 1), batch_first};
}

Numbers checked_lengths(const char* op, const Lengths& given, const Padded& padded, bool may_be_empty, SourceLoc loc) {
  Numbers lengths = given.values(op, "lengths", loc);
  const auto count = static_cast<int64_t>(lengths.size());
  if (count != padded.batch)
    throw ShapeError(concat(op, ": Expected `len(lengths)` to be equal to batch_size, but got ", count,
                            " (batch_size=", padded.batch, ")"),
                     loc);
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    if (lengths[i] < 0 || (lengths[i] == 0 && !may_be_empty))
      throw ValueError(concat(op, ": Length of all samples has to be ", may_be_empty ? "at least" : "greater than",
                              " 0, but found an element in 'lengths' that is ", may_be_empty ? "< 0" : "<= 0", ": ",
                              lengths[i], " at position ", i),
                       loc);
    if (lengths[i] > padded.steps)
      throw ValueError(concat(op, ": Expected lengths of at most ", padded.steps,
                              ", the time steps of the input, but got ", lengths[i], " at position ", i),
                       loc);
  }
  return lengths;
}

Tensor flat(In padded) {
  Shape shape = behind(padded->shape(), 2);
  shape.insert(0, padded->size(0) * padded->size(1));
  return reshape(padded, shape);
}

/// Of tensors, whose memory is refused by an Error, not of vectors: sequences without elements may have any number of steps.
class Counted {
 public:
  explicit Counted(int64_t n) : all_(make_empty({n}, DType::int64)), at_(all_.data_ptr<int64_t>()) {}
  void add(int64_t number) { *at_++ = number; }
  int64_t& operator[](int64_t i) const { return all_.data_ptr<int64_t>()[i]; }
  const Tensor& tensor() const { return all_; }

 private:
  Tensor all_;
  int64_t* at_;
};

/// Puts the rows of `data` at these positions of a padded batch.
Tensor scatter_rows(const Tensor& data, const Tensor& positions, const Padded& to, double padding, SourceLoc loc) {
  const Shape item = behind(data.shape(), 1), shape = to.shape(item);
  Shape rows = item;
  rows.insert(0, checked_mul(to.steps, to.batch, "pad", loc));
  const Tensor filled = full(rows, padding, {.dtype = data.dtype()}, loc);
  return reshape({index_copy({filled, loc}, 0, positions, data), loc}, shape);
}

}  // namespace

std::vector<int64_t> detail::checked_batch_sizes(const char* op, const utils::rnn::PackedSequence& packed,
                                                 SourceLoc loc) {
  const auto fail = [&](const auto&... text) { throw ValueError(concat(op, ": ", text...), loc); };
  if (!packed.data.defined() || !packed.batch_sizes.defined())
    fail("data or batch_sizes of the PackedSequence are undefined; make it with pack_padded_sequence or pack_sequence");
  if (packed.batch_sizes.dtype() != int64 || packed.batch_sizes.dim() != 1)
    fail("batch_sizes of a PackedSequence must be int64 [T], but are ", dtype_name(packed.batch_sizes.dtype()), " ",
         to_text(packed.batch_sizes.shape()));
  const Numbers sizes = packed.batch_sizes.to_vector<int64_t>();
  if (packed.data.dim() == 0) fail("data of a PackedSequence must have a dimension of rows, but is a single number");
  if (sizes.empty()) fail("batch_sizes of a PackedSequence must not be empty: sequences have at least one step");
  const int64_t rows = packed.data.size(0);
  int64_t sum = 0;
  for (std::size_t t = 0; t < sizes.size(); ++t) {
    if (sizes[t] <= 0 || (t > 0 && sizes[t] > sizes[t - 1]))
      fail("batch_sizes of a PackedSequence must be positive and not increase, but got ", sizes[t], " at position ", t);
    if (sizes[t] > rows - sum)
      fail("batch_sizes of a PackedSequence must add up to the rows of its data, ", rows, ", but exceed them");
    sum += sizes[t];
  }
  if (sum != rows)
    fail("batch_sizes of a PackedSequence must add up to the rows of its data, ", rows, ", but give ", sum);
  const auto check_order = [&](const Tensor& order, const char* name) {
    if (!order.defined()) return;
    if (order.dtype() != int64 || order.dim() != 1 || order.shape()[0] != sizes.front())
      fail(name, " of the PackedSequence must be int64 [", sizes.front(), "], but are ", dtype_name(order.dtype()), " ",
           to_text(order.shape()));
    std::vector<bool> met(static_cast<std::size_t>(sizes.front()));
    for (const int64_t i : order.to_vector<int64_t>()) {
      if (i < 0 || i >= sizes.front() || met[static_cast<std::size_t>(i)])
        fail(name, " of the PackedSequence must name each of ", sizes.front(), " sequences once, but there is ", i);
      met[static_cast<std::size_t>(i)] = true;
    }
  };
  check_order(packed.sorted_indices, "sorted_indices");
  check_order(packed.unsorted_indices, "unsorted_indices");
  if (packed.sorted_indices.defined() != packed.unsorted_indices.defined())
    fail("a PackedSequence has both sorted_indices and unsorted_indices, or neither");
  if (packed.sorted_indices.defined()) {
    const Numbers order = packed.sorted_indices.to_vector<int64_t>(),
                  back = packed.unsorted_indices.to_vector<int64_t>();
    for (std::size_t i = 0; i < order.size(); ++i)
      if (back[static_cast<std::size_t>(order[i])] != static_cast<int64_t>(i))
        fail("unsorted_indices of the PackedSequence must undo sorted_indices");
  }
  return sizes;
}

namespace utils::rnn {

PackedSequence pack_padded_sequence(In input, const Lengths& given, const PackOptions& options) {
  constexpr const char* op = "pack_padded_sequence";
  const CallerScope scope(input.loc);
  const Padded padded = checked_padded(op, input, options.batch_first);
  const Numbers lengths = checked_lengths(op, given, padded, false, input.loc);
  if (lengths.empty()) throw ValueError(concat(op, ": Cannot pack empty tensors: there is no sequence"), input.loc);
  const auto length = [&](int64_t i) { return lengths[static_cast<std::size_t>(i)]; };
  Numbers order(lengths.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  PackedSequence out;
  if (options.enforce_sorted) {
    if (!std::ranges::is_sorted(lengths, std::greater()))
      throw ValueError(concat(op,
                              ": `lengths` array must be sorted in decreasing order when `enforce_sorted` is True; "
                              "pass {.enforce_sorted = false} to have it sorted"),
                       input.loc);
  } else {
    std::ranges::stable_sort(order, std::greater(), length);
    Numbers back(order.size());
    for (std::size_t i = 0; i < order.size(); ++i) back[static_cast<std::size_t>(order[i])] = static_cast<int64_t>(i);
    out.sorted_indices = tensor(order);
    out.unsorted_indices = tensor(back);
  }
  int64_t rows = 0;
  for (const int64_t n : lengths) rows = checked_add(rows, n, op, input.loc);
  Counted sizes(length(order.front())), positions(rows);
  auto running = static_cast<int64_t>(order.size());
  for (int64_t t = 0; t < length(order.front()); ++t) {
    while (length(order[static_cast<std::size_t>(running - 1)]) <= t) --running;
    sizes.add(running);
    for (int64_t i = 0; i < running; ++i) positions.add(padded.position(t, order[static_cast<std::size_t>(i)]));
  }
  out.batch_sizes = sizes.tensor();
  out.data = index_select({flat(input), input.loc}, 0, positions.tensor());
  return out;
}

std::pair<Tensor, Tensor> pad_packed_sequence(const PackedSequence& packed, const PadOptions& options, SourceLoc loc) {
  constexpr const char* op = "pad_packed_sequence";
  const CallerScope scope(loc);
  const Numbers sizes = nn::detail::checked_batch_sizes(op, packed, loc);
  const auto longest = static_cast<int64_t>(sizes.size());
  if (options.total_length && *options.total_length < longest)
    throw ValueError(concat(op,
                            ": Expected total_length to be at least the length of the longest sequence in input, but "
                            "got total_length=",
                            *options.total_length, " and max sequence length being ", longest),
                     loc);
  const Padded to{options.total_length.value_or(longest), sizes.front(), options.batch_first};
  const Counted lengths(sizes.front());
  Counted positions(packed.data.size(0));
  const Tensor given = packed.sorted_indices.defined() ? packed.sorted_indices.contiguous() : Tensor();
  const int64_t* const order = given.defined() ? given.data_ptr<int64_t>() : nullptr;
  for (int64_t i = 0; i < sizes.front(); ++i) lengths[i] = 0;
  (void)checked_mul(to.steps, to.batch, op, loc);
  for (int64_t t = 0; t < longest; ++t)
    for (int64_t i = 0; i < sizes[static_cast<std::size_t>(t)]; ++i) {
      const int64_t sequence = order ? order[i] : i;
      positions.add(to.position(t, sequence));
      ++lengths[sequence];
    }
  return {scatter_rows(packed.data, positions.tensor(), to, options.padding_value, loc), lengths.tensor()};
}

Tensor pad_sequence(const std::vector<Tensor>& sequences, const PadSequenceOptions& options, SourceLoc loc) {
  constexpr const char* op = "pad_sequence";
  const CallerScope scope(loc);
  if (sequences.empty())
    throw ValueError(concat(op, ": received an empty list of sequences; there is nothing to pad"), loc);
  if (options.padding_side != "right" && options.padding_side != "left")
    throw ValueError(
        concat(op, ": Expected padding_side to be one of 'left' or 'right', but got '", options.padding_side, "'"),
        loc);
  int64_t longest = 0;
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const Tensor& s = sequences[i];
    if (!s.defined()) throw ValueError(concat(op, ": sequence ", i, " is an undefined tensor"), loc);
    if (s.dim() == 0)
      throw ShapeError(concat(op, ": sequence ", i, " must have a dimension of steps, but is a single number"), loc);
    if (behind(s.shape(), 1) != behind(sequences[0].shape(), 1))
      throw ShapeError(concat(op, ": sequences must have the same sizes behind the first, but number 0 has shape ",
                              to_text(sequences[0].shape()), " and number ", i, " ", to_text(s.shape())),
                       loc);
    if (s.dtype() != sequences[0].dtype())
      throw DTypeError(concat(op, ": sequences must have the same dtype, but number 0 is ",
                              dtype_name(sequences[0].dtype()), " and number ", i, " ", dtype_name(s.dtype())),
                       loc);
    longest = std::max(longest, s.size(0));
  }
  const Padded to{longest, static_cast<int64_t>(sequences.size()), options.batch_first};
  (void)checked_mul(to.steps, to.batch, op, loc);
  const Tensor data = cat(sequences, 0, loc);
  Counted positions(data.size(0));
  for (int64_t i = 0; i < to.batch; ++i) {
    const int64_t length = sequences[static_cast<std::size_t>(i)].size(0);
    const int64_t first = options.padding_side == "left" ? longest - length : 0;
    for (int64_t t = 0; t < length; ++t) positions.add(to.position(first + t, i));
  }
  return scatter_rows(data, positions.tensor(), to, options.padding_value, loc);
}

std::vector<Tensor> unpad_sequence(In padded, const Lengths& given, bool batch_first) {
  constexpr const char* op = "unpad_sequence";
  const CallerScope scope(padded.loc);
  const Padded from = checked_padded(op, padded, batch_first);
  const Numbers lengths = checked_lengths(op, given, from, true, padded.loc);
  std::vector<Tensor> out;
  for (int64_t i = 0; i < from.batch; ++i)
    out.push_back(padded->select(batch_first ? 0 : 1, i).narrow(0, 0, lengths[static_cast<std::size_t>(i)]));
  return out;
}

PackedSequence pack_sequence(const std::vector<Tensor>& sequences, bool enforce_sorted, SourceLoc loc) {
  const CallerScope scope(loc);
  const Tensor padded = pad_sequence(sequences, {}, loc);
  Numbers lengths;
  for (const Tensor& s : sequences) lengths.push_back(s.size(0));
  return pack_padded_sequence({padded, loc}, lengths, {.enforce_sorted = enforce_sorted});
}

std::vector<Tensor> unpack_sequence(const PackedSequence& packed, SourceLoc loc) {
  const CallerScope scope(loc);
  const auto [padded, lengths] = pad_packed_sequence(packed, {}, loc);
  return unpad_sequence({padded, loc}, lengths);
}

}  // namespace utils::rnn

}  // namespace slope::nn
