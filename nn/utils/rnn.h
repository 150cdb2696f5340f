#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "slope/autograd/tensor/tensor.h"
#include "slope/nn/losses/sequence/lengths.h"

/// Batches of sequences of different lengths: padded to one length, or packed without padding.
namespace slope::nn::utils::rnn {

/// Sequences without padding, sorted by decreasing length, step by step: `data` holds the first step of all of them, then
/// the second step of those that have one, and so on. RNN, LSTM and GRU take it and give their output in this form.
struct PackedSequence {
  /// (sum of lengths, ...).
  Tensor data{};
  /// int64 [T]: how many sequences have each step.
  Tensor batch_sizes{};
  /// int64 [N]: the original position of each sequence; undefined when they were given in this order.
  Tensor sorted_indices{};
  /// int64 [N]: where each of the original sequences is now; undefined likewise.
  Tensor unsorted_indices{};
};
/// Hooks of modules see and may replace the data.
inline Tensor& first_tensor(PackedSequence& packed) { return packed.data; }

struct PackOptions {
  /// The input is (N, T, ...), not (T, N, ...).
  bool batch_first = false;
  /// Demands lengths that decrease, instead of sorting.
  bool enforce_sorted = true;
};
struct PadOptions {
  /// The result is (N, T, ...), not (T, N, ...).
  bool batch_first = false;
  /// What stands behind the end of a sequence.
  double padding_value = 0;
  /// The number of steps of the result, instead of the largest length.
  std::optional<std::int64_t> total_length{};
};
struct PadSequenceOptions {
  /// (N, T, ...) instead of (T, N, ...).
  bool batch_first = false;
  /// Where a sequence has ended.
  double padding_value = 0;
  /// "right" or "left".
  std::string padding_side = "right";
};

/// Packs padded sequences (T, N, ...): row i of step t is kept where t < lengths[i]. Sequences of equal length keep their
/// order. Differentiable; what is padding has gradient 0.
///
/// Throws ValueError for a length <= 0 or above T and for lengths that increase although `enforce_sorted`, ShapeError for
/// another number of lengths than N and for fewer than two dimensions.
///
///     auto packed = pack_padded_sequence(x, {3, 5}, {.batch_first = true, .enforce_sorted = false});
///     auto [output, h_n] = gru(packed);
///     auto [y, lengths] = pad_packed_sequence(output, {.batch_first = true});
PackedSequence pack_padded_sequence(In input, const Lengths& lengths, const PackOptions& options = {});

/// The inverse: sequences (T, N, ...) in their original order, and their lengths (int64 [N]). Throws ValueError for a
/// `total_length` below the largest length and for a PackedSequence that contradicts itself.
std::pair<Tensor, Tensor> pad_packed_sequence(const PackedSequence& packed, const PadOptions& options = {},
                                              SourceLoc loc = SourceLoc::here());

/// Sequences (L, ...) of different lengths L beside each other: (T, N, ...) with the largest L as T. Throws ValueError for
/// no sequences and an unknown side, ShapeError when what follows L differs, DTypeError when dtypes do.
///
///     pad_sequence({ones({2}), ones({3})}, {.batch_first = true})        // [[1, 1, 0], [1, 1, 1]]
Tensor pad_sequence(const std::vector<Tensor>& sequences, const PadSequenceOptions& options = {},
                    SourceLoc loc = SourceLoc::here());
/// The inverse: the first lengths[i] steps of each sequence. Errors as pack_padded_sequence, but lengths may be 0 and in any order.
std::vector<Tensor> unpad_sequence(In padded, const Lengths& lengths, bool batch_first = false);

/// Packs sequences (L, ...). Errors as pad_sequence and pack_padded_sequence.
PackedSequence pack_sequence(const std::vector<Tensor>& sequences, bool enforce_sorted = true,
                             SourceLoc loc = SourceLoc::here());
/// The inverse, in the original order.
std::vector<Tensor> unpack_sequence(const PackedSequence& packed, SourceLoc loc = SourceLoc::here());

}  // namespace slope::nn::utils::rnn
