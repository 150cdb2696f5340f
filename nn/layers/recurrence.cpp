#include "slope/nn/layers/recurrence.h"

#include <memory>
#include <optional>

#include "slope/autograd/ops/index/index.h"
#include "slope/autograd/ops/view/join.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/nn/layers/dropout.h"
#include "slope/nn/layers/internal/describe.h"
#include "slope/nn/layers/internal/fresh_parameter.h"
#include "slope/nn/layers/internal/recurrent_layer.h"
#include "slope/nn/utils/internal/batch_sizes.h"

namespace slope::nn {

namespace {

using std::int64_t;
using utils::rnn::PackedSequence;
using Steps = std::shared_ptr<const SequenceSteps>;

// Above what a machine can hold the results of; without sequences, or features, an input may claim any number of steps.
constexpr int64_t most_layers = 65536, most_steps = std::int64_t{1} << 27;

void require_probability(const char* op, double dropout, SourceLoc loc) {
  if (!(dropout >= 0 && dropout <= 1))
    throw ValueError(concat(op,
                            ": dropout should be a number in range [0, 1] representing the probability of an element "
                            "being zeroed, got ",
                            dropout),
                     loc);
}

void require_no_projection(const char* op, int64_t proj_size, SourceLoc loc) {
  if (proj_size != 0)
    throw ValueError(concat(op, ": proj_size argument is only supported for LSTM, not RNN or GRU; it is ", proj_size),
                     loc);
}

RecurrentCell rnn_kind(const char* op, const std::string& nonlinearity, SourceLoc loc) {
  if (nonlinearity == "tanh") return RecurrentCell::rnn_tanh;
  if (nonlinearity == "relu") return RecurrentCell::rnn_relu;
  throw ValueError(concat(op, ": Unknown nonlinearity '", nonlinearity, "'; there are 'tanh' and 'relu'"), loc);
}

/// One kind of options with the values of another.
template <class To, class From>
To options_from(const From& o) {
  return {.num_layers = o.num_layers,
          .bias = o.bias,
          .batch_first = o.batch_first,
          .dropout = o.dropout,
          .bidirectional = o.bidirectional,
          .proj_size = o.proj_size};
}

detail::RecurrentInputs layer_inputs(const Tensor& x, const Tensor& h, const Tensor& c, const RecurrentWeights& w) {
  return {x, h, c, w.weight_ih, w.weight_hh, w.bias_ih, w.bias_hh, w.weight_hr};
}

/// What a call computes: checked against its weights.
struct Net {
  const char* op;
  RecurrentCell cell;
  const std::vector<RecurrentWeights>& weights;
  RNNOptions options;
  bool training;
  SourceLoc loc;
  int64_t directions = 1, features = 0, hidden = 0, state = 0;

  Net(const char* name, RecurrentCell kind, const std::vector<RecurrentWeights>& given, RNNOptions o, bool train,
      SourceLoc where)
      : op(name), cell(kind), weights(given), options(std::move(o)), training(train), loc(where) {
    directions = options.bidirectional ? 2 : 1;
    require_probability(op, options.dropout, loc);
    if (!is_lstm()) require_no_projection(op, options.proj_size, loc);
    const auto sets = static_cast<int64_t>(weights.size());
    if (options.num_layers <= 0 || options.num_layers > most_layers || sets != options.num_layers * directions)
      throw ValueError(concat(op, ": num_layers=", options.num_layers, options.bidirectional ? ", bidirectional," : "",
                              " needs one set of weights for each layer", options.bidirectional ? " and direction" : "",
                              ", at least one, but got ", sets),
                       loc);
    for (int64_t i = 0; i < sets; ++i) check_weights(i);
    if (is_lstm() && options.proj_size != 0 && options.proj_size != state)
      throw ValueError(
          concat(op, ": proj_size=", options.proj_size, " does not fit weights whose states have size ", state), loc);
  }

  bool is_lstm() const { return cell == RecurrentCell::lstm; }
  DType dtype() const { return weights.front().weight_ih.dtype(); }

  void check_weights(int64_t index) {
    const RecurrentWeights& w = weights[static_cast<std::size_t>(index)];
    const int64_t layer = index / directions, blocks = gate_count(cell);
    const auto where = [&] {
      return concat(" of layer ", layer, options.bidirectional ? index % 2 ? ", reverse," : ", forward," : "");
    };
    const auto require = [&](const Tensor& t, const char* name, bool optional, const Shape& shape) {
      if (!t.defined()) {
        if (optional) return;
        throw ValueError(concat(op, ": ", name, where(), " is an undefined tensor"), loc);
      }
      if (t.shape() != shape)
        throw ShapeError(
            concat(op, ": ", name, where(), " must have shape ", to_text(shape), ", but has ", to_text(t.shape())),
            loc);
      if (!t.is_floating_point() || t.dtype() != dtype())
        throw DTypeError(concat(op, ": weights must be of one floating dtype, but ", name, where(), " is ",
                                dtype_name(t.dtype()), " and weight_ih of layer 0 ", dtype_name(dtype())),
                         loc);
    };
    if (index == 0) {
      for (const auto& [t, name] : {std::pair(w.weight_ih, "weight_ih"), std::pair(w.weight_hh, "weight_hh")}) {
        if (!t.defined()) throw ValueError(concat(op, ": ", name, where(), " is an undefined tensor"), loc);
        if (t.dim() != 2 || t.size(0) == 0 || t.size(0) % blocks != 0)
          throw ShapeError(concat(op, ": ", name, where(), " must be a matrix of ",
                                  blocks == 1   ? "H"
                                  : blocks == 3 ? "3·H"
                                                : "4·H",
                                  " rows, but has shape ", to_text(t.shape())),
                           loc);
      }
      features = w.weight_ih.size(1);
      hidden = w.weight_ih.size(0) / blocks;
      state = is_lstm() && w.weight_hr.defined() ? w.weight_hh.size(1) : hidden;
    }
    require(w.weight_ih, "weight_ih", false, {blocks * hidden, layer == 0 ? features : directions * state});
    require(w.weight_hh, "weight_hh", false, {blocks * hidden, state});
    require(w.bias_ih, "bias_ih", true, {blocks * hidden});
    require(w.bias_hh, "bias_hh", true, {blocks * hidden});
    const bool projects = weights.front().weight_hr.defined();
    if (w.weight_hr.defined() && (!is_lstm() || !projects))
      throw ValueError(concat(op, ": weight_hr", where(), " is given, but ",
                              is_lstm() ? "layer 0 has none" : "only an LSTM has a projection"),
                       loc);
    if (projects) require(w.weight_hr, "weight_hr", false, {state, hidden});
  }

  void check_input(const Tensor& x, int dims) const {
    if (x.dim() != dims)
      throw ShapeError(
          concat(op, ": input must have ", dims, " dimensions, got ", x.dim(), ", shape ", to_text(x.shape())), loc);
    check_features(x);
  }
  void check_features(const Tensor& x) const {
    if (x.shape().back() != features)
      throw ShapeError(concat(op, ": input.size(-1) must be equal to input_size. Expected ", features, ", got ",
                              x.shape().back(), ", shape ", to_text(x.shape())),
                       loc);
    require_dtype(x, "the input");
  }
  void require_dtype(const Tensor& t, const char* what) const {
    if (t.dtype() != dtype())
      throw DTypeError(
          concat(op, ": ", what, " is ", dtype_name(t.dtype()), " but the weights are ", dtype_name(dtype())), loc);
  }
  /// A state that was given fits `batch` sequences.
  void check_state(const Tensor& t, const char* name, int64_t batch, bool batched, int64_t size) const {
    if (!t.defined()) return;
    const int dims = batched ? 3 : 2;
    if (t.dim() != dims)
      throw ShapeError(concat(op, ": For ", batched ? "batched 3" : "unbatched 2", "-D input, hx should also be ", dims,
                              "-D but got ", t.dim(), "-D tensor of shape ", to_text(t.shape())),
                       loc);
    Shape expected = {options.num_layers * directions, size};
    if (batched) expected.insert(1, batch);
    if (t.shape() != expected)
      throw ShapeError(concat(op, ": Expected ", name, " size ", detail::tuple(expected), ", got ", to_text(t.shape())),
                       loc);
    require_dtype(t, name);
  }
  void check_states(const LSTMState& s, int64_t batch, bool batched) const {
    if (is_lstm() && s.h.defined() != s.c.defined())
      throw ValueError(concat(op, ": the state needs both h and c, or neither for zeros; ", s.h.defined() ? "c" : "h",
                              " is an undefined tensor"),
                       loc);
    check_state(s.h, is_lstm() ? "hidden[0]" : "hidden", batch, batched, state);
    check_state(s.c, "hidden[1]", batch, batched, hidden);
  }

  /// All layers, over rows [steps->rows(), in] and states (D·layers, N, ...).
  std::pair<Tensor, LSTMState> layers(const Steps& steps, Tensor rows, const LSTMState& initial) const {
    std::vector<Tensor> h_n, c_n;
    for (int64_t layer = 0; layer < options.num_layers; ++layer) {
      std::vector<Tensor> out;
      for (int64_t direction = 0; direction < directions; ++direction) {
        const int64_t index = layer * directions + direction;
        const auto part = [&](const Tensor& t) { return t.defined() ? t.select(0, index, loc) : Tensor(); };
        auto [y, h, c] = detail::recurrent_layer(
            cell, steps, direction == 1,
            layer_inputs(rows, part(initial.h), part(initial.c), weights[static_cast<std::size_t>(index)]), loc);
        out.push_back(std::move(y));
        h_n.push_back(std::move(h));
        c_n.push_back(std::move(c));
      }
      rows = directions == 1 ? out.front() : cat(out, 1, loc);
      if (layer + 1 < options.num_layers && options.dropout > 0)
        rows = functional::dropout({rows, loc}, options.dropout, training);
    }
    const auto together = [&](const std::vector<Tensor>& all) {
      return all.size() == 1 ? all.front().unsqueeze(0, loc) : stack(all, 0, loc);
    };
    return {rows, {together(h_n), is_lstm() ? together(c_n) : Tensor()}};
  }

  std::pair<Tensor, LSTMState> run(const Tensor& x, const LSTMState& given) const {
    if (!x.defined()) throw ValueError(concat(op, ": the input is an undefined tensor"), loc);
    if (x.dim() != 2 && x.dim() != 3)
      throw ShapeError(concat(op, ": input must have 3 dimensions, ", options.batch_first ? "(N, T, in)" : "(T, N, in)",
                              ", or 2, (T, in), got ", x.dim(), ", shape ", to_text(x.shape())),
                       loc);
    check_features(x);
    const bool batched = x.dim() == 3, swapped = batched && options.batch_first;
    const int64_t count = x.size(swapped ? 1 : 0), batch = batched ? x.size(swapped ? 0 : 1) : 1;
    check_states(given, batch, batched);
    if (count > most_steps)
      throw ValueError(concat(op, ": a sequence may have ", most_steps, " steps, but the input of shape ",
                              to_text(x.shape()), " has ", count),
                       loc);
    if (count == 0)
      throw ValueError(
          concat(op, ": Expected sequence length to be larger than 0 in RNN, got input of shape ", to_text(x.shape())),
          loc);
    const auto steps =
        std::make_shared<const SequenceSteps>(std::vector<int64_t>(static_cast<std::size_t>(count), batch));
    const Tensor by_step = swapped ? x.transpose(0, 1, loc) : x;
    const auto with_batch = [&](const Tensor& t) { return !t.defined() || batched ? t : t.unsqueeze(1, loc); };
    auto [rows, last] =
        layers(steps, reshape({by_step, loc}, {count * batch, features}), {with_batch(given.h), with_batch(given.c)});
    Tensor out = rows;
    if (batched) out = reshape({rows, loc}, {count, batch, directions * state});
    if (swapped) out = out.transpose(0, 1, loc);
    const auto as_given = [&](const Tensor& t) { return !t.defined() || batched ? t : t.squeeze(1, loc); };
    return {out, {as_given(last.h), as_given(last.c)}};
  }

  std::pair<PackedSequence, LSTMState> run(const PackedSequence& x, const LSTMState& given) const {
    std::vector<int64_t> sizes = detail::checked_batch_sizes(op, x, loc);
    check_input(x.data, 2);
    check_states(given, sizes.front(), true);
    const auto ordered = [&](const Tensor& t, const Tensor& order) {
      return t.defined() && order.defined() ? index_select({t, loc}, 1, order) : t;
    };
    auto [rows, last] = layers(std::make_shared<const SequenceSteps>(std::move(sizes)), x.data,
                               {ordered(given.h, x.sorted_indices), ordered(given.c, x.sorted_indices)});
    return {{rows, x.batch_sizes, x.sorted_indices, x.unsorted_indices},
            {ordered(last.h, x.unsorted_indices), ordered(last.c, x.unsorted_indices)}};
  }
};

Net rnn_net(const std::vector<RecurrentWeights>& weights, const RNNOptions& o, bool training, SourceLoc loc) {
  return {"rnn", rnn_kind("rnn", o.nonlinearity, loc), weights, o, training, loc};
}
Net gru_net(const std::vector<RecurrentWeights>& weights, const GRUOptions& o, bool training, SourceLoc loc) {
  return {"gru", RecurrentCell::gru, weights, options_from<RNNOptions>(o), training, loc};
}
Net lstm_net(const std::vector<RecurrentWeights>& weights, const LSTMOptions& o, bool training, SourceLoc loc) {
  return {"lstm", RecurrentCell::lstm, weights, options_from<RNNOptions>(o), training, loc};
}

template <class X>
auto without_memory(std::pair<X, LSTMState>&& result) {
  return std::pair<X, Tensor>(std::move(result.first), std::move(result.second.h));
}

/// One step of `cell`.
LSTMState one_step(const char* op, RecurrentCell cell, In x, const LSTMState& given, const RecurrentWeights& weights) {
  const CallerScope scope(x.loc);
  const std::vector<RecurrentWeights> all = {weights};
  if (weights.weight_hr.defined()) throw ValueError(concat(op, ": a cell has no projection weight_hr"), x.loc);
  const Net net(op, cell, all, {}, false, x.loc);
  if (!x.tensor.defined()) throw ValueError(concat(op, ": the input is an undefined tensor"), x.loc);
  if (x->dim() != 1 && x->dim() != 2)
    throw ShapeError(
        concat(op, ": Expected input to be 1D or 2D, got ", x->dim(), "D instead, shape ", to_text(x->shape())), x.loc);
  net.check_features(x);
  const bool batched = x->dim() == 2;
  if (net.is_lstm() && given.h.defined() != given.c.defined())
    throw ValueError(concat(op, ": the state needs both h and c, or neither for zeros; ", given.h.defined() ? "c" : "h",
                            " is an undefined tensor"),
                     x.loc);
  const Shape expected = batched ? Shape{x->size(0), net.hidden} : Shape{net.hidden};
  for (const auto& [t, name] : {std::pair(given.h, "h"), std::pair(given.c, "c")}) {
    if (!t.defined()) continue;
    if (t.shape() != expected)
      throw ShapeError(concat(op, ": Expected ", name, " of size ", detail::tuple(expected), " for an input of shape ",
                              to_text(x->shape()), ", got ", to_text(t.shape())),
                       x.loc);
    net.require_dtype(t, name);
  }
  const auto rows = [&](const Tensor& t) { return !t.defined() || batched ? t : t.unsqueeze(0, x.loc); };
  const auto steps = std::make_shared<const SequenceSteps>(std::vector<int64_t>{batched ? x->size(0) : 1});
  const auto [out, h, c] = detail::recurrent_layer(
      cell, steps, false, layer_inputs(rows(x.tensor), rows(given.h), rows(given.c), weights), x.loc);
  const auto as_given = [&](const Tensor& t) { return !t.defined() || batched ? t : t.squeeze(0, x.loc); };
  return {as_given(h), as_given(c)};
}

void require_sizes(const char* op, int64_t input_size, int64_t hidden_size, SourceLoc loc) {
  if (input_size < 0) throw ValueError(concat(op, ": input_size must not be negative, got ", input_size), loc);
  if (hidden_size <= 0) throw ValueError(concat(op, ": hidden_size must be greater than zero, got ", hidden_size), loc);
}

/// All sizes but the last.
Shape rows_of(Shape shape) {
  if (!shape.empty()) shape.erase(shape.size() - 1);
  return shape;
}

}  // namespace

// ---- functions

namespace functional {

std::pair<Tensor, Tensor> rnn(In x, const Tensor& h0, const std::vector<RecurrentWeights>& weights,
                              const RNNOptions& options, bool training) {
  const CallerScope scope(x.loc);
  return without_memory(rnn_net(weights, options, training, x.loc).run(x.tensor, {h0, {}}));
}
std::pair<Tensor, LSTMState> lstm(In x, const LSTMState& state, const std::vector<RecurrentWeights>& weights,
                                  const LSTMOptions& options, bool training) {
  const CallerScope scope(x.loc);
  return lstm_net(weights, options, training, x.loc).run(x.tensor, state);
}
std::pair<Tensor, Tensor> gru(In x, const Tensor& h0, const std::vector<RecurrentWeights>& weights,
                              const GRUOptions& options, bool training) {
  const CallerScope scope(x.loc);
  return without_memory(gru_net(weights, options, training, x.loc).run(x.tensor, {h0, {}}));
}
std::pair<PackedSequence, Tensor> rnn(const PackedSequence& x, const Tensor& h0,
                                      const std::vector<RecurrentWeights>& weights, const RNNOptions& options,
                                      bool training, SourceLoc loc) {
  const CallerScope scope(loc);
  return without_memory(rnn_net(weights, options, training, loc).run(x, {h0, {}}));
}
std::pair<PackedSequence, LSTMState> lstm(const PackedSequence& x, const LSTMState& state,
                                          const std::vector<RecurrentWeights>& weights, const LSTMOptions& options,
                                          bool training, SourceLoc loc) {
  const CallerScope scope(loc);
  return lstm_net(weights, options, training, loc).run(x, state);
}
std::pair<PackedSequence, Tensor> gru(const PackedSequence& x, const Tensor& h0,
                                      const std::vector<RecurrentWeights>& weights, const GRUOptions& options,
                                      bool training, SourceLoc loc) {
  const CallerScope scope(loc);
  return without_memory(gru_net(weights, options, training, loc).run(x, {h0, {}}));
}

Tensor rnn_cell(In x, const Tensor& h, const RecurrentWeights& weights, const std::string& nonlinearity) {
  return one_step("rnn_cell", rnn_kind("rnn_cell", nonlinearity, x.loc), x, {h, {}}, weights).h;
}
LSTMState lstm_cell(In x, const LSTMState& state, const RecurrentWeights& weights) {
  return one_step("lstm_cell", RecurrentCell::lstm, x, state, weights);
}
Tensor gru_cell(In x, const Tensor& h, const RecurrentWeights& weights) {
  return one_step("gru_cell", RecurrentCell::gru, x, {h, {}}, weights).h;
}

}  // namespace functional

// ---- layers

RecurrentModule::RecurrentModule(const char* name, int64_t gates, int64_t input_size, int64_t hidden_size,
                                 const RNNOptions& options, SourceLoc loc)
    : input_size_(input_size), hidden_size_(hidden_size), options_(options) {
  const CallerScope caller(loc);
  require_sizes(name, input_size, hidden_size, loc);
  if (options.num_layers <= 0 || options.num_layers > most_layers)
    throw ValueError(
        concat(name, ": num_layers must be greater than zero", options.num_layers > 0 ? " and at most " : "",
               options.num_layers > 0 ? std::to_string(most_layers) : "", ", got ", options.num_layers),
        loc);
  require_probability(name, options.dropout, loc);
  const int64_t projected = options.proj_size;
  if (gates != 4) require_no_projection(name, projected, loc);
  if (projected < 0)
    throw ValueError(
        concat(name, ": proj_size should be a positive integer or zero to disable projections, got ", projected), loc);
  if (projected >= hidden_size)
    throw ValueError(
        concat(name, ": proj_size has to be smaller than hidden_size, got ", projected, " and ", hidden_size), loc);

  const int64_t rows = checked_mul(gates, hidden_size, name, loc), state = projected > 0 ? projected : hidden_size;
  const int64_t directions = options.bidirectional ? 2 : 1;
  for (int64_t layer = 0; layer < options.num_layers; ++layer)
    for (int64_t direction = 0; direction < directions; ++direction) {
      const auto add_parameter = [&](const char* kind, const Shape& shape) {
        return parameter(concat(kind, "_l", layer, direction == 1 ? "_reverse" : ""),
                         detail::uniform_parameter(shape, hidden_size), loc);
      };
      RecurrentParameters& p = all_weights.emplace_back();
      p.weight_ih =
          add_parameter("weight_ih", {rows, layer == 0 ? input_size : checked_mul(directions, state, name, loc)});
      p.weight_hh = add_parameter("weight_hh", {rows, state});
      if (options.bias) {
        p.bias_ih = add_parameter("bias_ih", {rows});
        p.bias_hh = add_parameter("bias_hh", {rows});
      }
      if (projected > 0) p.weight_hr = add_parameter("weight_hr", {projected, hidden_size});
    }
}

std::vector<RecurrentWeights> RecurrentModule::weights() const {
  std::vector<RecurrentWeights> all;
  all.reserve(all_weights.size());
  for (const RecurrentParameters& p : all_weights) all.push_back(p.tensors());
  return all;
}

std::string RecurrentModule::extra_repr() const {
  std::string text = concat(input_size_, ", ", hidden_size_);
  if (options_.proj_size != 0) text += concat(", proj_size=", options_.proj_size);
  if (options_.num_layers != 1) text += concat(", num_layers=", options_.num_layers);
  if (!options_.bias) text += ", bias=False";
  if (options_.batch_first) text += ", batch_first=True";
  if (options_.dropout != 0) text += ", dropout=" + detail::number(options_.dropout);
  if (options_.bidirectional) text += ", bidirectional=True";
  return text;
}

int64_t RecurrentModule::macs(const Shape& output_shape) const {
  int64_t of_a_row = 0;
  for (const RecurrentParameters& p : all_weights)
    for (const Tensor* w : {static_cast<const Tensor*>(&p.weight_ih), static_cast<const Tensor*>(&p.weight_hh),
                            static_cast<const Tensor*>(&p.weight_hr)})
      if (w->defined()) of_a_row += w->numel();
  return detail::saturated_product(rows_of(output_shape), of_a_row);
}

RNN::RNN(int64_t input_size, int64_t hidden_size, RNNOptions options, SourceLoc loc)
    : RecurrentModule("RNN", gate_count(rnn_kind("RNN", options.nonlinearity, loc)), input_size, hidden_size, options,
                      loc) {}
Tensor RNN::forward(const Tensor& x) { return forward(x, Tensor()).first; }
std::pair<Tensor, Tensor> RNN::forward(const Tensor& x, const Tensor& h0) {
  return functional::rnn(x, h0, weights(), options_, is_training());
}
std::pair<PackedSequence, Tensor> RNN::forward(const PackedSequence& x, const Tensor& h0) {
  return functional::rnn(x, h0, weights(), options_, is_training());
}

LSTM::LSTM(int64_t input_size, int64_t hidden_size, LSTMOptions options, SourceLoc loc)
    : RecurrentModule("LSTM", gate_count(RecurrentCell::lstm), input_size, hidden_size,
                      options_from<RNNOptions>(options), loc) {}
Tensor LSTM::forward(const Tensor& x) { return forward(x, LSTMState()).first; }
std::pair<Tensor, LSTMState> LSTM::forward(const Tensor& x, const LSTMState& state) {
  return functional::lstm(x, state, weights(), options_from<RecurrentOptions>(options_), is_training());
}
std::pair<PackedSequence, LSTMState> LSTM::forward(const PackedSequence& x, const LSTMState& state) {
  return functional::lstm(x, state, weights(), options_from<RecurrentOptions>(options_), is_training());
}

GRU::GRU(int64_t input_size, int64_t hidden_size, GRUOptions options, SourceLoc loc)
    : RecurrentModule("GRU", gate_count(RecurrentCell::gru), input_size, hidden_size, options_from<RNNOptions>(options),
                      loc) {}
Tensor GRU::forward(const Tensor& x) { return forward(x, Tensor()).first; }
std::pair<Tensor, Tensor> GRU::forward(const Tensor& x, const Tensor& h0) {
  return functional::gru(x, h0, weights(), options_from<RecurrentOptions>(options_), is_training());
}
std::pair<PackedSequence, Tensor> GRU::forward(const PackedSequence& x, const Tensor& h0) {
  return functional::gru(x, h0, weights(), options_from<RecurrentOptions>(options_), is_training());
}

// ---- cells

RecurrentCellModule::RecurrentCellModule(const char* name, int64_t gates, int64_t input_size, int64_t hidden_size,
                                         bool bias, SourceLoc loc)
    : input_size_(input_size), hidden_size_(hidden_size) {
  const CallerScope caller(loc);
  require_sizes(name, input_size, hidden_size, loc);
  const int64_t rows = checked_mul(gates, hidden_size, name, loc);
  weight_ih = parameter("weight_ih", detail::uniform_parameter({rows, input_size}, hidden_size), loc);
  weight_hh = parameter("weight_hh", detail::uniform_parameter({rows, hidden_size}, hidden_size), loc);
  if (!bias) return;
  bias_ih = parameter("bias_ih", detail::uniform_parameter({rows}, hidden_size), loc);
  bias_hh = parameter("bias_hh", detail::uniform_parameter({rows}, hidden_size), loc);
}

std::string RecurrentCellModule::extra_repr() const {
  return concat(input_size_, ", ", hidden_size_, bias_ih.defined() ? "" : ", bias=False");
}

int64_t RecurrentCellModule::macs(const Shape& output_shape) const {
  return detail::saturated_product(rows_of(output_shape), weight_ih.numel() + weight_hh.numel());
}

RNNCell::RNNCell(int64_t input_size, int64_t hidden_size, RNNCellOptions options, SourceLoc loc)
    : RecurrentCellModule("RNNCell", gate_count(rnn_kind("RNNCell", options.nonlinearity, loc)), input_size,
                          hidden_size, options.bias, loc),
      nonlinearity_(std::move(options.nonlinearity)) {}
Tensor RNNCell::forward(const Tensor& x, const Tensor& h) {
  return functional::rnn_cell(x, h, weights(), nonlinearity_);
}
std::string RNNCell::extra_repr() const {
  return RecurrentCellModule::extra_repr() + (nonlinearity_ == "tanh" ? "" : ", nonlinearity=" + nonlinearity_);
}

LSTMCell::LSTMCell(int64_t input_size, int64_t hidden_size, RecurrentCellOptions options, SourceLoc loc)
    : RecurrentCellModule("LSTMCell", gate_count(RecurrentCell::lstm), input_size, hidden_size, options.bias, loc) {}
LSTMState LSTMCell::forward(const Tensor& x, const LSTMState& state) {
  return functional::lstm_cell(x, state, weights());
}

GRUCell::GRUCell(int64_t input_size, int64_t hidden_size, RecurrentCellOptions options, SourceLoc loc)
    : RecurrentCellModule("GRUCell", gate_count(RecurrentCell::gru), input_size, hidden_size, options.bias, loc) {}
Tensor GRUCell::forward(const Tensor& x, const Tensor& h) { return functional::gru_cell(x, h, weights()); }

}  // namespace slope::nn
