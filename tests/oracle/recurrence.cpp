#include "oracle/module_support.h"
#include "slope/nn/nn.h"

// Recurrent layers, cells, and what packs sequences.

using namespace slope;
using oracle::Arguments;
using oracle::Record;
using oracle::Tensors;

namespace {

namespace rnn_utils = nn::utils::rnn;
using Names = std::map<std::string, nn::Parameter*>;

template <class Options>
Options layer_options(const Record& r) {
  Options o;
  o.num_layers = r.integer("num_layers", 1);
  o.bias = r.flag("bias", true);
  o.batch_first = r.flag("batch_first", false);
  o.dropout = r.real("dropout", 0);
  o.bidirectional = r.flag("bidirectional", false);
  o.proj_size = r.integer("proj_size", 0);
  if constexpr (std::is_same_v<Options, nn::RNNOptions>) o.nonlinearity = r.word("nonlinearity", "tanh");
  return o;
}

void add_name(Names& names, const std::string& name, nn::Parameter& p) {
  if (p.defined()) names[name] = &p;
}

Names layer_parameters(nn::RecurrentModule& m, bool bidirectional) {
  Names names;
  const std::size_t directions = bidirectional ? 2 : 1;
  for (std::size_t i = 0; i < m.all_weights.size(); ++i) {
    nn::RecurrentParameters& p = m.all_weights[i];
    const std::string end = "_l" + std::to_string(i / directions) + (i % directions == 1 ? "_reverse" : "");
    add_name(names, "weight_ih" + end, p.weight_ih);
    add_name(names, "weight_hh" + end, p.weight_hh);
    add_name(names, "bias_ih" + end, p.bias_ih);
    add_name(names, "bias_hh" + end, p.bias_hh);
    add_name(names, "weight_hr" + end, p.weight_hr);
  }
  return names;
}

void put_state(Tensors& results, const Tensor& h) { results["h_n"] = h; }
void put_state(Tensors& results, const nn::LSTMState& state) {
  results["h_n"] = state.h;
  results["c_n"] = state.c;
}

template <class Module, class Options>
oracle::Forms layer() {
  return {oracle::module_form([](const Record& r, const Arguments& in) {
    oracle::check_class<Module>(r);
    constexpr bool lstm = std::is_same_v<Module, nn::LSTM>;
    const Tensor x = in.get("input"), h0 = in.get("h0"), c0 = lstm ? in.get("c0") : Tensor();
    const std::int64_t input_size = r.integer("input_size", 0), hidden_size = r.integer("hidden_size", 0);
    const auto options = layer_options<Options>(r);
    const bool packed = r.contains("packed");
    const bool enforce_sorted = packed && r.at("packed").at("enforce_sorted").flag();
    const Tensor lengths = packed ? in.at("lengths") : Tensor();
    Module m(input_size, hidden_size, options);
    oracle::set_up(m, r, in, layer_parameters(m, options.bidirectional));
    const auto state = [&] {
      if constexpr (lstm)
        return nn::LSTMState{h0, c0};
      else
        return h0;
    }();
    Tensors results;
    if (!packed) {
      auto [output, last] = m(x, state);
      results["output"] = output;
      put_state(results, last);
      return results;
    }
    const auto [output, last] =
        m(rnn_utils::pack_padded_sequence(x, lengths, {options.batch_first, enforce_sorted}), state);
    std::tie(results["output"], results["output_lengths"]) =
        rnn_utils::pad_packed_sequence(output, {.batch_first = options.batch_first});
    put_state(results, last);
    return results;
  })};
}

template <class Module>
oracle::Forms cell() {
  return {oracle::module_form([](const Record& r, const Arguments& in) {
    oracle::check_class<Module>(r);
    constexpr bool lstm = std::is_same_v<Module, nn::LSTMCell>;
    const Tensor x = in.get("input"), h0 = in.get("h0"), c0 = lstm ? in.get("c0") : Tensor();
    const std::int64_t input_size = r.integer("input_size", 0), hidden_size = r.integer("hidden_size", 0);
    const bool bias = r.flag("bias", true);
    Module m = [&] {
      if constexpr (std::is_same_v<Module, nn::RNNCell>)
        return nn::RNNCell(input_size, hidden_size, {.bias = bias, .nonlinearity = r.word("nonlinearity", "tanh")});
      else
        return Module(input_size, hidden_size, {.bias = bias});
    }();
    Names names;
    add_name(names, "weight_ih", m.weight_ih);
    add_name(names, "weight_hh", m.weight_hh);
    add_name(names, "bias_ih", m.bias_ih);
    add_name(names, "bias_hh", m.bias_hh);
    oracle::set_up(m, r, in, names);
    if constexpr (lstm) {
      const nn::LSTMState state = m(x, {h0, c0});
      return Tensors{{"h", state.h}, {"c", state.c}};
    } else {
      return Tensors{{"", m(x, h0)}};
    }
  })};
}

std::vector<Tensor> sequences(const Arguments& in) {
  std::vector<Tensor> all;
  for (std::string name = "s0"; in.contains(name); name = "s" + std::to_string(all.size())) all.push_back(in.at(name));
  return all;
}

Tensors parts(const rnn_utils::PackedSequence& p) {
  Tensors all = {{"data", p.data}, {"batch_sizes", p.batch_sizes}};
  if (p.sorted_indices.defined()) all["sorted_indices"] = p.sorted_indices;
  if (p.unsorted_indices.defined()) all["unsorted_indices"] = p.unsorted_indices;
  return all;
}

}  // namespace

void oracle::add_recurrence(Drivers& drivers) {
  drivers[{"module", "RNN"}] = layer<nn::RNN, nn::RNNOptions>();
  drivers[{"module", "LSTM"}] = layer<nn::LSTM, nn::LSTMOptions>();
  drivers[{"module", "GRU"}] = layer<nn::GRU, nn::GRUOptions>();
  drivers[{"module", "RNNCell"}] = cell<nn::RNNCell>();
  drivers[{"module", "LSTMCell"}] = cell<nn::LSTMCell>();
  drivers[{"module", "GRUCell"}] = cell<nn::GRUCell>();
  drivers[{"util", "pack_padded_sequence"}] = {function_form([](const Record& r, const Arguments& in) {
    const Tensor x = in.at("input"), lengths = in.at("lengths");
    const bool batch_first = r.flag("batch_first", false), enforce_sorted = r.flag("enforce_sorted", true);
    return parts(rnn_utils::pack_padded_sequence(x, lengths, {batch_first, enforce_sorted}));
  })};
  drivers[{"util", "pad_packed_sequence"}] = {function_form([](const Record& r, const Arguments& in) {
    const rnn_utils::PackedSequence packed{in.at("data"), in.at("batch_sizes"), in.get("sorted_indices"),
                                           in.get("unsorted_indices")};
    rnn_utils::PadOptions o{.batch_first = r.flag("batch_first", false), .padding_value = r.real("padding_value", 0)};
    if (r.has("total_length")) o.total_length = r.integer("total_length", 0);
    const auto [output, lengths] = rnn_utils::pad_packed_sequence(packed, o);
    return Tensors{{"output", output}, {"lengths", lengths}};
  })};
  drivers[{"util", "pad_sequence"}] = {function_form([](const Record& r, const Arguments& in) {
    const std::vector<Tensor> all = sequences(in);
    const rnn_utils::PadSequenceOptions o{.batch_first = r.flag("batch_first", false),
                                          .padding_value = r.real("padding_value", 0),
                                          .padding_side = r.word("padding_side", "right")};
    return Tensors{{"", rnn_utils::pad_sequence(all, o)}};
  })};
  drivers[{"util", "pack_sequence"}] = {function_form([](const Record& r, const Arguments& in) {
    const std::vector<Tensor> all = sequences(in);
    return parts(rnn_utils::pack_sequence(all, r.flag("enforce_sorted", true)));
  })};
}
