#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "slope/nn/module.h"
#include "slope/nn/utils/rnn.h"

namespace slope::nn {

/// Options of LSTM and GRU.
struct RecurrentOptions {
  /// Layers, each of which takes the output of the one before.
  std::int64_t num_layers = 1;
  /// Whether there are bias_ih and bias_hh.
  bool bias = true;
  /// Inputs and outputs are (N, T, ...), not (T, N, ...). States are not.
  bool batch_first = false;
  /// While training, the probability with which outputs of all layers but the last are dropped.
  double dropout = 0;
  /// Every layer also reads the sequence from its end; outputs of both directions stand beside each other.
  bool bidirectional = false;
  /// Of an LSTM: the size of h where a projection follows, 0 for none.
  std::int64_t proj_size = 0;
};
/// Options of LSTM.
using LSTMOptions = RecurrentOptions;
/// Options of GRU.
using GRUOptions = RecurrentOptions;

/// Options of RNN: those of RecurrentOptions and the nonlinearity.
struct RNNOptions {
  /// One on top of the other.
  std::int64_t num_layers = 1;
  /// "tanh" or "relu".
  std::string nonlinearity = "tanh";
  bool bias = true;
  bool batch_first = false;
  double dropout = 0;
  bool bidirectional = false;
  /// Only an LSTM has a projection: must be 0.
  std::int64_t proj_size = 0;
};

/// The state of an LSTM: h is also its output, c its memory. Both undefined stand for zeros.
struct LSTMState {
  /// The output of the last step.
  Tensor h{};
  /// The memory after the last step.
  Tensor c{};
};
/// Hooks of modules see and may replace h.
inline Tensor& first_tensor(LSTMState& state) { return state.h; }

/// The weights of one direction of one layer, of G blocks of H rows: G is 1, or 4 (gates i, f, g, o of an LSTM) or 3 (r, z, n
/// of a GRU).
struct RecurrentWeights {
  Tensor weight_ih{};  ///< (G·H, in)
  Tensor weight_hh{};  ///< (G·H, H), or (G·H, P) with a projection
  Tensor bias_ih{};    ///< (G·H), or undefined
  Tensor bias_hh{};    ///< (G·H), or undefined
  Tensor weight_hr{};  ///< (P, H) of an LSTM with a projection
};

namespace functional {

/// Output and last state of a recurrent net, whose formulas stand at nn::RNN, nn::LSTM and nn::GRU. `weights` holds those of
/// layer 0, of its backward direction if there are two, of layer 1, and so on. Errors as the modules.
///
///     auto [output, h_n] = F::gru(x, h0, {{w_ih, w_hh, b_ih, b_hh}});
std::pair<Tensor, Tensor> rnn(In x, const Tensor& h0, const std::vector<RecurrentWeights>& weights,
                              const RNNOptions& options = {}, bool training = false);
std::pair<Tensor, LSTMState> lstm(In x, const LSTMState& state, const std::vector<RecurrentWeights>& weights,
                                  const LSTMOptions& options = {}, bool training = false);
std::pair<Tensor, Tensor> gru(In x, const Tensor& h0, const std::vector<RecurrentWeights>& weights,
                              const GRUOptions& options = {}, bool training = false);
/// The same of packed sequences.
std::pair<utils::rnn::PackedSequence, Tensor> rnn(const utils::rnn::PackedSequence& x, const Tensor& h0,
                                                  const std::vector<RecurrentWeights>& weights,
                                                  const RNNOptions& options = {}, bool training = false,
                                                  SourceLoc loc = SourceLoc::here());
std::pair<utils::rnn::PackedSequence, LSTMState> lstm(const utils::rnn::PackedSequence& x, const LSTMState& state,
                                                      const std::vector<RecurrentWeights>& weights,
                                                      const LSTMOptions& options = {}, bool training = false,
                                                      SourceLoc loc = SourceLoc::here());
std::pair<utils::rnn::PackedSequence, Tensor> gru(const utils::rnn::PackedSequence& x, const Tensor& h0,
                                                  const std::vector<RecurrentWeights>& weights,
                                                  const GRUOptions& options = {}, bool training = false,
                                                  SourceLoc loc = SourceLoc::here());

/// The state one step later: x (N, in) or (in), states alike, or undefined for zeros. Errors as the modules.
Tensor rnn_cell(In x, const Tensor& h, const RecurrentWeights& weights, const std::string& nonlinearity = "tanh");
LSTMState lstm_cell(In x, const LSTMState& state, const RecurrentWeights& weights);
Tensor gru_cell(In x, const Tensor& h, const RecurrentWeights& weights);

}  // namespace functional

/// RecurrentWeights as parameters of a module.
struct RecurrentParameters {
  Parameter weight_ih, weight_hh, bias_ih, bias_hh, weight_hr;
  /// As functions take them.
  RecurrentWeights tensors() const { return {weight_ih, weight_hh, bias_ih, bias_hh, weight_hr}; }
};

/// What RNN, LSTM and GRU share: sizes, options, and parameters named `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`,
/// `bias_hh_l0`, `weight_hr_l0`, `weight_ih_l0_reverse`, ..., `weight_ih_l1`, ..., which start as U(-1/√H, 1/√H).
class RecurrentModule : public Module {
 public:
  std::string extra_repr() const override;
  std::int64_t macs(const Shape& output_shape) const override;

  /// Those of layer 0, of its backward direction if there are two, of layer 1, and so on.
  std::vector<RecurrentParameters> all_weights;

 protected:
  RecurrentModule(const char* name, std::int64_t gates, std::int64_t input_size, std::int64_t hidden_size,
                  const RNNOptions& options, SourceLoc loc);
  /// Of all layers and directions, as functions take them.
  std::vector<RecurrentWeights> weights() const;

  /// Features of a step.
  std::int64_t input_size_;
  /// Of the state.
  std::int64_t hidden_size_;
  /// As given; the nonlinearity only counts for RNN.
  RNNOptions options_;
};

/// h' = tanh(W_ih·x + b_ih + W_hh·h + b_hh) over the steps of sequences, or with relu (Elman 1990).
///
/// Shapes: x (T, N, in), with `batch_first` (N, T, in), or (T, in); h0 (D·layers, N, H) or (D·layers, H), undefined for zeros,
/// D being 2 if bidirectional. Output (T, N, D·H) of the last layer, or as the input is laid out; h_n as h0, index
/// layer·D + direction. In a Sequential, where it takes a tensor and gives one, its output.
///
/// Throws ValueError for sizes and numbers of layers that are not positive, a dropout outside [0, 1], an unknown nonlinearity
/// and T = 0; ShapeError when shapes do not fit; DTypeError when dtypes do not.
///
///     nn::RNN rnn(8, 16, {.num_layers = 2, .nonlinearity = "relu"});
///     auto [output, h_n] = rnn(x);
class RNN : public RecurrentModule {
 public:
  RNN() = delete;  // name it where it is declared: nn::RNN layer = add("layer", nn::RNN(8, 16));
  RNN(std::int64_t input_size, std::int64_t hidden_size, RNNOptions options = {}, SourceLoc loc = SourceLoc::here());
  /// The output alone.
  Tensor forward(const Tensor& x) override;
  std::pair<Tensor, Tensor> forward(const Tensor& x, const Tensor& h0);
  std::pair<utils::rnn::PackedSequence, Tensor> forward(const utils::rnn::PackedSequence& x, const Tensor& h0);
  std::pair<Tensor, Tensor> operator()(In x, const Tensor& h0 = {}) {
    return run(x, [&](const Tensor& t) { return forward(t, h0); });
  }
  std::pair<utils::rnn::PackedSequence, Tensor> operator()(const utils::rnn::PackedSequence& x, const Tensor& h0 = {},
                                                           SourceLoc loc = SourceLoc::here()) {
    return run({x.data, loc}, [&](const Tensor& t) {
      return forward(utils::rnn::PackedSequence{t, x.batch_sizes, x.sorted_indices, x.unsorted_indices}, h0);
    });
  }
};

/// i, f, o = σ(...) and g = tanh(...) of W_ih·x + b_ih + W_hh·h + b_hh, cut into i, f, g, o; c' = f·c + i·g, h' = o·tanh(c'), or
/// with `proj_size` W_hr times that (Hochreiter and Schmidhuber 1997; Sak et al. 2014).
///
/// Shapes and errors as nn::RNN; c as h, but of size H where h is projected. Throws ValueError unless 0 <= proj_size < H, too.
///
///     nn::LSTM lstm(8, 16, {.batch_first = true});
///     auto [output, state] = lstm(x);                  // state.h, state.c
///     auto [later, last] = lstm(next_x, state);
class LSTM : public RecurrentModule {
 public:
  LSTM() = delete;  // name it where it is declared: nn::LSTM layer = add("layer", nn::LSTM(8, 16));
  LSTM(std::int64_t input_size, std::int64_t hidden_size, LSTMOptions options = {}, SourceLoc loc = SourceLoc::here());
  /// The output alone.
  Tensor forward(const Tensor& x) override;
  std::pair<Tensor, LSTMState> forward(const Tensor& x, const LSTMState& state);
  std::pair<utils::rnn::PackedSequence, LSTMState> forward(const utils::rnn::PackedSequence& x, const LSTMState& state);
  std::pair<Tensor, LSTMState> operator()(In x, const LSTMState& state = {}) {
    return run(x, [&](const Tensor& t) { return forward(t, state); });
  }
  std::pair<utils::rnn::PackedSequence, LSTMState> operator()(const utils::rnn::PackedSequence& x,
                                                              const LSTMState& state = {},
                                                              SourceLoc loc = SourceLoc::here()) {
    return run({x.data, loc}, [&](const Tensor& t) {
      return forward(utils::rnn::PackedSequence{t, x.batch_sizes, x.sorted_indices, x.unsorted_indices}, state);
    });
  }
};

/// r, z = σ(...) of W_ih·x + b_ih + W_hh·h + b_hh; n = tanh(W_in·x + b_in + r·(W_hn·h + b_hn)); h' = (1 - z)·n + z·h (Cho et al. 2014).
///
/// Shapes and errors as nn::RNN.
///
///     nn::GRU gru(8, 16, {.bidirectional = true});
///     auto [output, h_n] = gru(x);                     // (T, N, 32), (2, N, 16)
class GRU : public RecurrentModule {
 public:
  GRU() = delete;  // name it where it is declared: nn::GRU layer = add("layer", nn::GRU(8, 16));
  GRU(std::int64_t input_size, std::int64_t hidden_size, GRUOptions options = {}, SourceLoc loc = SourceLoc::here());
  /// The output alone.
  Tensor forward(const Tensor& x) override;
  std::pair<Tensor, Tensor> forward(const Tensor& x, const Tensor& h0);
  std::pair<utils::rnn::PackedSequence, Tensor> forward(const utils::rnn::PackedSequence& x, const Tensor& h0);
  std::pair<Tensor, Tensor> operator()(In x, const Tensor& h0 = {}) {
    return run(x, [&](const Tensor& t) { return forward(t, h0); });
  }
  std::pair<utils::rnn::PackedSequence, Tensor> operator()(const utils::rnn::PackedSequence& x, const Tensor& h0 = {},
                                                           SourceLoc loc = SourceLoc::here()) {
    return run({x.data, loc}, [&](const Tensor& t) {
      return forward(utils::rnn::PackedSequence{t, x.batch_sizes, x.sorted_indices, x.unsorted_indices}, h0);
    });
  }
};

struct RecurrentCellOptions {
  bool bias = true;
};
struct RNNCellOptions {
  bool bias = true;
  /// "tanh" or "relu".
  std::string nonlinearity = "tanh";
};

/// What RNNCell, LSTMCell and GRUCell share: parameters weight_ih, weight_hh, bias_ih and bias_hh, which start as U(-1/√H, 1/√H).
class RecurrentCellModule : public Module {
 public:
  std::string extra_repr() const override;
  std::int64_t macs(const Shape& output_shape) const override;

  Parameter weight_ih, weight_hh;
  /// Undefined without bias.
  Parameter bias_ih, bias_hh;

 protected:
  RecurrentCellModule(const char* name, std::int64_t gates, std::int64_t input_size, std::int64_t hidden_size,
                      bool bias, SourceLoc loc);
  /// As functions take them.
  RecurrentWeights weights() const { return {weight_ih, weight_hh, bias_ih, bias_hh, {}}; }

 private:
  std::int64_t input_size_, hidden_size_;
};

/// One step of nn::RNN. Shapes: x (N, in) or (in), h (N, H) or (H), undefined for zeros. Errors as nn::RNN.
///
///     nn::RNNCell cell(8, 16);
///     h = cell(x, h);
class RNNCell : public RecurrentCellModule {
 public:
  RNNCell() = delete;  // name it where it is declared: nn::RNNCell cell = add("cell", nn::RNNCell(8, 16));
  RNNCell(std::int64_t input_size, std::int64_t hidden_size, RNNCellOptions options = {},
          SourceLoc loc = SourceLoc::here());
  /// From a state of zeros.
  Tensor forward(const Tensor& x) override { return forward(x, Tensor()); }
  Tensor forward(const Tensor& x, const Tensor& h);
  Tensor operator()(In x, const Tensor& h = {}) {
    return run(x, [&](const Tensor& t) { return forward(t, h); });
  }
  std::string extra_repr() const override;

 private:
  std::string nonlinearity_;
};

/// One step of nn::LSTM. Shapes and errors as nn::RNNCell.
///
///     nn::LSTMCell cell(8, 16);
///     state = cell(x, state);                          // state.h, state.c
class LSTMCell : public RecurrentCellModule {
 public:
  LSTMCell() = delete;  // name it where it is declared: nn::LSTMCell cell = add("cell", nn::LSTMCell(8, 16));
  LSTMCell(std::int64_t input_size, std::int64_t hidden_size, RecurrentCellOptions options = {},
           SourceLoc loc = SourceLoc::here());
  /// h, from a state of zeros.
  Tensor forward(const Tensor& x) override { return forward(x, LSTMState()).h; }
  LSTMState forward(const Tensor& x, const LSTMState& state);
  LSTMState operator()(In x, const LSTMState& state = {}) {
    return run(x, [&](const Tensor& t) { return forward(t, state); });
  }
};

/// One step of nn::GRU. Shapes and errors as nn::RNNCell.
///
///     nn::GRUCell cell(8, 16);
///     h = cell(x, h);
class GRUCell : public RecurrentCellModule {
 public:
  GRUCell() = delete;  // name it where it is declared: nn::GRUCell cell = add("cell", nn::GRUCell(8, 16));
  GRUCell(std::int64_t input_size, std::int64_t hidden_size, RecurrentCellOptions options = {},
          SourceLoc loc = SourceLoc::here());
  /// From a state of zeros.
  Tensor forward(const Tensor& x) override { return forward(x, Tensor()); }
  Tensor forward(const Tensor& x, const Tensor& h);
  Tensor operator()(In x, const Tensor& h = {}) {
    return run(x, [&](const Tensor& t) { return forward(t, h); });
  }
};

}  // namespace slope::nn
