#include "misuse/row.h"

// Recurrent layers and packed sequences.

namespace misuse {

using namespace slope;

namespace {

using Size = std::int64_t;
using Loc = SourceLoc;
namespace packing = nn::utils::rnn;
using packing::PackedSequence;

using Weights = std::vector<nn::RecurrentWeights>;
nn::RecurrentWeights weights(Size blocks) {
  return {full({blocks * 3, 3}, 0.25), full({blocks * 3, 3}, 0.5), zeros({blocks * 3}), zeros({blocks * 3})};
}
Tensor joined(const std::pair<Tensor, nn::LSTMState>& result) {
  return cat({result.first.reshape({-1}), result.second.h.reshape({-1}), result.second.c.reshape({-1})});
}
Tensor joined(const nn::LSTMState& state) { return cat({state.h, state.c}); }

/// A row of numbers as the state of one sequence, a matrix as that of three.
Tensor state_of(const Tensor& h) {
  return h.defined() && (h.shape() == Shape{3} || h.shape() == Shape{3, 3}) ? h.unsqueeze(0) : h;
}
nn::LSTMState state_of(const nn::LSTMState& s) { return {state_of(s.h), state_of(s.c)}; }
/// Three sequences, in which some parts are replaced.
PackedSequence filled(const PackedSequence& x) {
  using Sizes = std::vector<std::int64_t>;
  PackedSequence p{ones({6, 3}), tensor(Sizes{3, 2, 1}), x.sorted_indices, x.unsorted_indices};
  if (x.data.defined()) p.data = x.data;
  if (x.batch_sizes.defined()) p.batch_sizes = x.batch_sizes;
  return p;
}
template <class State>
Tensor data_of(const std::pair<PackedSequence, State>& result) {
  return result.first.data;
}

}  // namespace

std::vector<Row> recurrence_rows() {
  return {
      row("rnn", [](In x, const Tensor& h0, const nn::RNNOptions& o,
                    bool training) { return F::rnn(x, state_of(h0), {weights(1)}, o, training); }),
      row("gru", [](In x, const Tensor& h0, const nn::GRUOptions& o,
                    bool training) { return F::gru(x, state_of(h0), {weights(3)}, o, training); }),
      row("lstm",
          [](In x, const nn::LSTMState& state, const nn::LSTMOptions& o, bool training, const nn::RecurrentWeights& w) {
            Weights all = {weights(4)};
            for (auto member :
                 {&nn::RecurrentWeights::weight_ih, &nn::RecurrentWeights::weight_hh, &nn::RecurrentWeights::bias_ih,
                  &nn::RecurrentWeights::bias_hh, &nn::RecurrentWeights::weight_hr})
              if ((w.*member).defined()) all[0].*member = w.*member;
            return joined(F::lstm(x, state_of(state), all, o, training));
          }),
      row("rnn", [](const PackedSequence& x, const Tensor& h0,
                    Loc loc) { return data_of(F::rnn(filled(x), state_of(h0), {weights(1)}, {}, false, loc)); }),
      row("gru", [](const PackedSequence& x, const Tensor& h0,
                    Loc loc) { return data_of(F::gru(filled(x), state_of(h0), {weights(3)}, {}, false, loc)); }),
      row("lstm", [](const PackedSequence& x, const nn::LSTMState& state,
                     Loc loc) { return data_of(F::lstm(filled(x), state_of(state), {weights(4)}, {}, false, loc)); }),
      row("rnn_cell", [](In x, const Tensor& h,
                         const std::string& nonlinearity) { return F::rnn_cell(x, h, weights(1), nonlinearity); }),
      row("lstm_cell", [](In x, const nn::LSTMState& state) { return joined(F::lstm_cell(x, state, weights(4))); }),
      row("gru_cell", [](In x, const Tensor& h) { return F::gru_cell(x, h, weights(3)); }),
      row("RecurrentParameters::tensors", [] { return nn::RecurrentParameters().tensors().weight_ih; }),
      made<nn::RNN(Size, Size, nn::RNNOptions)>("RNN::RNN"),
      made<nn::LSTM(Size, Size, nn::LSTMOptions)>("LSTM::LSTM"),
      made<nn::GRU(Size, Size, nn::GRUOptions)>("GRU::GRU"),
      made<nn::RNNCell(Size, Size, nn::RNNCellOptions)>("RNNCell::RNNCell"),
      made<nn::LSTMCell(Size, Size, nn::RecurrentCellOptions)>("LSTMCell::LSTMCell"),
      made<nn::GRUCell(Size, Size, nn::RecurrentCellOptions)>("GRUCell::GRUCell"),
      row("RNN::forward", [](In x) { return nn::Sequential(nn::RNN(3, 3))(x); }),
      row("RNN::forward", [](const PackedSequence& x, const Tensor& h0,
                             Loc loc) { return data_of(nn::RNN(3, 3)(filled(x), state_of(h0), loc)); }),
      row("RNN::forward", [](In x, const Tensor& h0) { return nn::RNN(3, 3)(x, state_of(h0)); }),
      row("RNN::operator()", [](In x, const Tensor& h0) { return nn::RNN(3, 3)(x, state_of(h0)); }),
      row("RNN::operator()", [](const PackedSequence& x, const Tensor& h0,
                                Loc loc) { return data_of(nn::RNN(3, 3)(filled(x), state_of(h0), loc)); }),
      row("LSTM::forward", [](In x) { return nn::Sequential(nn::LSTM(3, 3))(x); }),
      row("LSTM::forward", [](const PackedSequence& x, const nn::LSTMState& state,
                              Loc loc) { return data_of(nn::LSTM(3, 3)(filled(x), state_of(state), loc)); }),
      row("LSTM::forward", [](In x, const nn::LSTMState& state) { return joined(nn::LSTM(3, 3)(x, state_of(state))); }),
      row("LSTM::operator()",
          [](In x, const nn::LSTMState& state) { return joined(nn::LSTM(3, 3)(x, state_of(state))); }),
      row("LSTM::operator()", [](const PackedSequence& x, const nn::LSTMState& state,
                                 Loc loc) { return data_of(nn::LSTM(3, 3)(filled(x), state_of(state), loc)); }),
      row("GRU::forward", [](In x) { return nn::Sequential(nn::GRU(3, 3))(x); }),
      row("GRU::forward", [](const PackedSequence& x, const Tensor& h0,
                             Loc loc) { return data_of(nn::GRU(3, 3)(filled(x), state_of(h0), loc)); }),
      row("GRU::forward", [](In x, const Tensor& h0) { return nn::GRU(3, 3)(x, state_of(h0)); }),
      row("GRU::operator()", [](In x, const Tensor& h0) { return nn::GRU(3, 3)(x, state_of(h0)); }),
      row("GRU::operator()", [](const PackedSequence& x, const Tensor& h0,
                                Loc loc) { return data_of(nn::GRU(3, 3)(filled(x), state_of(h0), loc)); }),
      row("RNNCell::forward", [](In x) { return nn::Sequential(nn::RNNCell(3, 3))(x); }),
      row("RNNCell::forward", [](In x, const Tensor& h) { return nn::RNNCell(3, 3)(x, h); }),
      row("RNNCell::operator()", [](In x, const Tensor& h) { return nn::RNNCell(3, 3)(x, h); }),
      row("LSTMCell::forward", [](In x) { return nn::Sequential(nn::LSTMCell(3, 3))(x); }),
      row("LSTMCell::forward", [](In x, const nn::LSTMState& state) { return joined(nn::LSTMCell(3, 3)(x, state)); }),
      row("LSTMCell::operator()",
          [](In x, const nn::LSTMState& state) { return joined(nn::LSTMCell(3, 3)(x, state)); }),
      row("GRUCell::forward", [](In x) { return nn::Sequential(nn::GRUCell(3, 3))(x); }),
      row("GRUCell::forward", [](In x, const Tensor& h) { return nn::GRUCell(3, 3)(x, h); }),
      row("GRUCell::operator()", [](In x, const Tensor& h) { return nn::GRUCell(3, 3)(x, h); }),
      row("RecurrentModule::extra_repr", [] { return nn::LSTM(3, 3).extra_repr(); }),
      row("RecurrentModule::macs", [](const Shape& output) { return nn::LSTM(3, 3).macs(output); }),
      row("RecurrentCellModule::extra_repr", [] { return nn::LSTMCell(3, 3).extra_repr(); }),
      row("RecurrentCellModule::macs", [](const Shape& output) { return nn::LSTMCell(3, 3).macs(output); }),
      row("RNNCell::extra_repr", [] { return nn::RNNCell(3, 3).extra_repr(); }),
      // ---- packed sequences
      row("pack_padded_sequence",
          [](In x, const nn::Lengths& lengths, const packing::PackOptions& o) {
            return packing::pack_padded_sequence(x, lengths, o).data;
          }),
      row("pad_packed_sequence", [](const PackedSequence& x, const packing::PadOptions& o,
                                    Loc loc) { return packing::pad_packed_sequence(filled(x), o, loc); }),
      row("pad_sequence", packing::pad_sequence),
      row("unpad_sequence", packing::unpad_sequence),
      row("pack_sequence", [](const std::vector<Tensor>& all, bool sorted,
                              Loc loc) { return packing::pack_sequence(all, sorted, loc).data; }),
      row("unpack_sequence", [](const PackedSequence& x, Loc loc) { return packing::unpack_sequence(filled(x), loc); }),
      row("first_tensor", [](PackedSequence x) { return Tensor(packing::first_tensor(x)); }),
      row("first_tensor", [](nn::LSTMState s) { return Tensor(nn::first_tensor(s)); }),
  };
}

}  // namespace misuse
