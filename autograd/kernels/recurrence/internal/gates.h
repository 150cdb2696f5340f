#pragma once

#include <cstdint>

namespace slope {

/// What a recurrent layer computes in a step.
enum class RecurrentCell { rnn_tanh, rnn_relu, lstm, gru };

/// Blocks of `hidden` rows that its weights are made of: i, f, g, o of an LSTM, r, z, n of a GRU.
constexpr std::int64_t gate_count(RecurrentCell cell) {
  return cell == RecurrentCell::lstm ? 4 : cell == RecurrentCell::gru ? 3 : 1;
}

/// Rows of numbers, `step` apart; a step of 0 repeats one row.
template <class U>
struct GateRows {
  U* data = nullptr;
  std::int64_t step = 0;
  U* row(std::int64_t i) const { return data ? data + i * step : nullptr; }
};

/// One step of some rows, forward.
template <class T>
struct GatesForward {
  GateRows<T> gates;            ///< the input's part of the sums; becomes what the gates let through
  GateRows<const T> recurrent;  ///< the state's part
  GateRows<const T> h_before;   ///< GRU
  GateRows<const T> c_before;   ///< LSTM
  GateRows<T> c;                ///< LSTM
  GateRows<T> h;
  GateRows<T> kept;  ///< GRU: the state's part of n, for backward
};
template <class T>
void gates_forward(RecurrentCell cell, std::int64_t rows, std::int64_t hidden, const GatesForward<T>& x);

/// One step of some rows, backward.
template <class T>
struct GatesBackward {
  GateRows<const T> gates;     ///< as forward left them; of an RNN none
  GateRows<const T> h_before;  ///< GRU
  GateRows<const T> c_before;  ///< LSTM
  GateRows<const T> c;         ///< LSTM
  GateRows<const T> h;         ///< RNN
  GateRows<const T> kept;      ///< GRU
  GateRows<const T> dout;      ///< the gradient that reaches h from outside; may be null
  GateRows<T> dh;          ///< the one from the next step; GRU: becomes the part that does not go through the weights
  GateRows<T> dc;          ///< LSTM: the same of c; becomes that of c_before
  GateRows<T> dgates;      ///< of the input's sums
  GateRows<T> drecurrent;  ///< GRU: of the state's, which differ
  GateRows<T> m;           ///< LSTM: h before its projection, which is computed again; may be null
};
template <class T>
void gates_backward(RecurrentCell cell, std::int64_t rows, std::int64_t hidden, const GatesBackward<T>& x);

}  // namespace slope
