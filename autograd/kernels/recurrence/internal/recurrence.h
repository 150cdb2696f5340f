#pragma once

#include <cstdint>
#include <vector>

#include "slope/autograd/kernels/gemm/gemm.h"
#include "slope/autograd/kernels/recurrence/internal/gates.h"

/// One direction of one recurrent layer, over all steps of all sequences of a batch.
namespace slope {

/// Where the steps of sequences lie that are sorted by decreasing length: row `offset(t) + i` is step t of sequence i, and
/// step t has rows for the first `batch_sizes[t]` sequences.
struct SequenceSteps {
  std::vector<std::int64_t> batch_sizes;
  std::vector<std::int64_t> offsets;  ///< one more than steps: the last is the number of rows

  explicit SequenceSteps(std::vector<std::int64_t> sizes);
  std::int64_t steps() const { return static_cast<std::int64_t>(batch_sizes.size()); }
  std::int64_t batch() const { return batch_sizes.front(); }
  std::int64_t rows() const { return offsets.back(); }
  std::int64_t size(std::int64_t t) const { return batch_sizes[static_cast<std::size_t>(t)]; }
  std::int64_t offset(std::int64_t t) const { return offsets[static_cast<std::size_t>(t)]; }
  /// The steps of sequence i.
  std::int64_t length(std::int64_t i) const;
  bool all_alike() const { return batch_sizes.back() == batch_sizes.front(); }
};

/// The steps, in which order they are taken, and the sizes and weights of the layer. All matrices are dense.
template <class T>
struct RecurrentLayer {
  RecurrentCell cell;
  const SequenceSteps& steps;
  bool reverse;         ///< each sequence begins with its last step
  std::int64_t hidden;  ///< H
  std::int64_t state;   ///< size of h: H, or less where it is projected
  const T* weight_hh;   ///< [G H, state]
  const T* weight_hr;   ///< [state, H], or null
  const T* bias_hh;     ///< [G H], or null
  const T *h0, *c0;     ///< [N, state] and [N, H]; null for zeros
};

template <class T>
struct RecurrentForward {
  T* gates;      ///< [rows, G H]: the input's part of the sums; becomes what the gates let through
  T* cells;      ///< [rows, H] of an LSTM
  T* kept;       ///< [rows, H] of a GRU, for backward
  T* out;        ///< [rows, state]
  T *h_n, *c_n;  ///< [N, state], [N, H]: the state behind the last step of each sequence
};
/// Runs the steps. Sequences are shared out among threads, each of which takes its own through all steps.
template <class T>
void recurrence_forward(const RecurrentLayer<T>& layer, const RecurrentForward<T>& to);

template <class T>
struct RecurrentBackward {
  const T *gates, *cells, *kept, *out;  ///< as forward left them
  const T* dout;                        ///< [rows, state], or null
  T* dh;                                ///< [N, state]: the gradient of h_n, becomes that of h0
  T* dc;                                ///< [N, H] of an LSTM: of c_n, becomes that of c0
  bool wants_dh0;
  T* dgates;      ///< [rows, G H]: of the input's part of the sums
  T* drecurrent;  ///< [rows, G H] of a GRU: of the state's part
  T* dprojected;  ///< [rows, state] with a projection: of what it gave
  T* m;           ///< [rows, H] with a projection: what it was given
};
/// The steps from the last one taken to the first. What follows for inputs and weights is left to products.
template <class T>
void recurrence_backward(const RecurrentLayer<T>& layer, const RecurrentBackward<T>& to);

/// to [rows, state]: the state that each row began with.
template <class T>
void gather_states(const RecurrentLayer<T>& layer, const T* out, T* to);

}  // namespace slope
