// What modules add: parameters and their names, texts, hooks, containers, summaries, errors.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "slope/slope.h"
#include "support/checks.h"

using namespace slope;

namespace {

namespace packing = nn::utils::rnn;

std::vector<std::string> names_of(const nn::Module& m) {
  std::vector<std::string> names;
  for (const auto& [name, p] : m.named_parameters()) names.push_back(concat(name, " ", to_text(p.shape())));
  return names;
}

struct Tagger : nn::Module {
  nn::Embedding letters = add("letters", nn::Embedding(11, 6));
  nn::GRU gru = add("gru", nn::GRU(6, 8, {.batch_first = true, .bidirectional = true}));
  nn::Linear out = add("out", nn::Linear(16, 3));
  Tensor forward(const Tensor& x) override {
    auto [y, h_n] = gru(letters(x));
    return out(y);
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(recurrent_modules)

BOOST_AUTO_TEST_CASE(parameters_have_pytorchs_names_and_order) {
  const nn::LSTM lstm(3, 4, {.num_layers = 2, .bidirectional = true, .proj_size = 2});
  const std::vector<std::string> expected = {"weight_ih_l0 [16, 3]",
                                             "weight_hh_l0 [16, 2]",
                                             "bias_ih_l0 [16]",
                                             "bias_hh_l0 [16]",
                                             "weight_hr_l0 [2, 4]",
                                             "weight_ih_l0_reverse [16, 3]",
                                             "weight_hh_l0_reverse [16, 2]",
                                             "bias_ih_l0_reverse [16]",
                                             "bias_hh_l0_reverse [16]",
                                             "weight_hr_l0_reverse [2, 4]",
                                             "weight_ih_l1 [16, 4]",
                                             "weight_hh_l1 [16, 2]",
                                             "bias_ih_l1 [16]",
                                             "bias_hh_l1 [16]",
                                             "weight_hr_l1 [2, 4]",
                                             "weight_ih_l1_reverse [16, 4]",
                                             "weight_hh_l1_reverse [16, 2]",
                                             "bias_ih_l1_reverse [16]",
                                             "bias_hh_l1_reverse [16]",
                                             "weight_hr_l1_reverse [2, 4]"};
  BOOST_TEST(names_of(lstm) == expected);
  BOOST_TEST((names_of(nn::GRU(3, 4, {.bias = false})) ==
              std::vector<std::string>{"weight_ih_l0 [12, 3]", "weight_hh_l0 [12, 4]"}));
  BOOST_TEST((names_of(nn::RNN(3, 4)) == std::vector<std::string>{"weight_ih_l0 [4, 3]", "weight_hh_l0 [4, 4]",
                                                                  "bias_ih_l0 [4]", "bias_hh_l0 [4]"}));
  BOOST_TEST((names_of(nn::LSTMCell(3, 4)) ==
              std::vector<std::string>{"weight_ih [16, 3]", "weight_hh [16, 4]", "bias_ih [16]", "bias_hh [16]"}));
}

BOOST_AUTO_TEST_CASE(parameters_start_uniform_within_one_over_the_root_of_hidden_size) {
  manual_seed(2);
  const nn::LSTM lstm(50, 25);
  const nn::GRUCell cell(50, 25);
  for (const auto& p : {lstm.parameters(), cell.parameters()})
    for (const Tensor& t : p) {
      BOOST_TEST(t.abs().max().item() <= 0.2);
      BOOST_TEST(t.abs().max().item() > 0.17);
      BOOST_TEST(std::abs(t.mean().item()) < 0.05);
    }
}

BOOST_AUTO_TEST_CASE(the_printed_form_is_pytorchs) {
  BOOST_TEST(nn::LSTM(3, 4).to_string() == "LSTM(3, 4)");
  BOOST_TEST(
      nn::LSTM(3, 4, {.num_layers = 2, .batch_first = true, .dropout = 0.5, .bidirectional = true, .proj_size = 2})
          .to_string() == "LSTM(3, 4, proj_size=2, num_layers=2, batch_first=True, dropout=0.5, bidirectional=True)");
  BOOST_TEST(nn::GRU(3, 4, {.bias = false}).to_string() == "GRU(3, 4, bias=False)");
  BOOST_TEST(nn::RNN(3, 4, {.nonlinearity = "relu"}).to_string() == "RNN(3, 4)");
  BOOST_TEST(nn::RNNCell(3, 4, {.nonlinearity = "relu"}).to_string() == "RNNCell(3, 4, nonlinearity=relu)");
  BOOST_TEST(nn::GRUCell(3, 4, {.bias = false}).to_string() == "GRUCell(3, 4, bias=False)");
}

BOOST_AUTO_TEST_CASE(states_go_on_where_the_last_call_ended) {
  manual_seed(3);
  nn::LSTM lstm(2, 3, {.num_layers = 2});
  const Tensor x = randn({6, 2, 2});
  const auto [whole, end] = lstm(x);
  const auto [first, middle] = lstm(x.narrow(0, 0, 4));
  const auto [second, last] = lstm(x.narrow(0, 4, 2), middle);
  BOOST_TEST(equal(cat({first, second}), whole));
  BOOST_TEST(equal(last.h, end.h));
  BOOST_TEST(equal(last.c, end.c));
}

BOOST_AUTO_TEST_CASE(weights_are_saved_loaded_moved_and_tied) {
  manual_seed(4);
  nn::GRU a(2, 3, {.num_layers = 2}), b(2, 3, {.num_layers = 2});
  const Tensor x = randn({4, 1, 2});
  nn::clone_into(b, a);
  BOOST_TEST(equal(a(x).first, b(x).first));
  const Tensor before = a(x).first;
  nn::GRU moved = std::move(a);
  BOOST_TEST(equal(moved(x).first, before));
  b.all_weights[1].weight_hh.tie(b.all_weights[0].weight_hh);
  BOOST_TEST(b.parameters().size() == 7U);
  b(x).first.sum().backward();
  BOOST_TEST(b.all_weights[0].weight_hh.grad().defined());
}

BOOST_AUTO_TEST_CASE(hooks_see_and_replace_the_output) {
  nn::LSTM lstm(2, 3);
  nn::LSTMCell cell(2, 3);
  const Tensor x = ones({4, 2, 2});
  int called = 0;
  auto seen = lstm.register_forward_hook([&](nn::Module& m, const Tensor& in, const Tensor& out) {
    ++called;
    BOOST_TEST(m.class_name() == "LSTM");
    BOOST_TEST(in.is(x));
    BOOST_TEST((out.shape() == Shape{4, 2, 3}));
  });
  auto [y, state] = lstm(x);
  BOOST_TEST(called == 1);
  seen.remove();
  lstm.register_forward_hook([](nn::Module&, const Tensor&, const Tensor& out) { return out * 0; });
  BOOST_TEST((lstm(x).first == 0).all().item());
  BOOST_TEST(equal(lstm(x).second.h, state.h));
  cell.register_forward_hook([](nn::Module&, const Tensor&, const Tensor& h) { return h + 100; });
  BOOST_TEST((cell(x[0]).h > 90).all().item());
  BOOST_TEST((cell(x[0]).c < 90).all().item());
  lstm.register_forward_pre_hook([](nn::Module&, const Tensor& in) { return in.narrow(0, 0, 2); });
  BOOST_TEST(lstm(x).first.size(0) == 2);

  nn::GRU gru(2, 3);
  Shape packed_shape;
  gru.register_forward_hook([&](nn::Module&, const Tensor&, const Tensor& out) { packed_shape = out.shape(); });
  (void)gru(packing::pack_padded_sequence(x, {4, 2}));
  BOOST_TEST((packed_shape == Shape{6, 3}));
}

BOOST_AUTO_TEST_CASE(in_a_sequential_a_layer_gives_its_output) {
  manual_seed(5);
  nn::Sequential net(nn::LSTM(2, 4, {.batch_first = true}), nn::GRU(4, 3, {.batch_first = true}), nn::Linear(3, 1));
  BOOST_TEST((net(randn({5, 7, 2})).shape() == Shape{5, 7, 1}));
  check_error<ShapeError>([&] { net(randn({5, 7, 3})); },
                          "0 (LSTM): lstm: input.size(-1) must be equal to input_size. Expected 2, got 3");
}

BOOST_AUTO_TEST_CASE(summaries_list_layers_whose_result_is_no_tensor) {
  Tagger net;
  const train::SummaryInfo info = train::summarize(net, zeros({2, 9}, {.dtype = int64}));
  BOOST_REQUIRE(info.rows.size() == 3U);
  const train::SummaryRow& row = info.rows[1];
  BOOST_TEST(row.type == "GRU");
  BOOST_TEST(row.name == "gru");
  BOOST_TEST((row.output_shape == std::vector<std::int64_t>{-1, 9, 16}));
  BOOST_TEST(row.params == 2 * (24 * 6 + 24 * 8 + 48));
  BOOST_TEST(row.macs == 9 * 2 * (24 * 6 + 24 * 8));
  nn::LSTM alone(3, 4, {.batch_first = true, .proj_size = 2});
  const auto of_one = train::summarize(alone, {5, 3});
  BOOST_REQUIRE(of_one.rows.size() == 1U);
  BOOST_TEST(of_one.rows[0].macs == 5 * (16 * 3 + 16 * 2 + 8));
  nn::GRUCell cell(3, 4);
  BOOST_TEST(cell.macs({7, 4}) == 7 * (12 * 3 + 12 * 4));
}

// ---- errors

BOOST_AUTO_TEST_CASE(constructors_refuse_what_is_no_net) {
  const auto refused = [](const auto& make, const std::string& text) { check_error<ValueError>(make, text, __FILE__); };
  refused([] { nn::LSTM(2, 0); }, "LSTM: hidden_size must be greater than zero, got 0");
  refused([] { nn::GRU(2, -3); }, "GRU: hidden_size must be greater than zero, got -3");
  refused([] { nn::RNN(-1, 3); }, "RNN: input_size must not be negative, got -1");
  refused([] { nn::RNN(2, 3, {.num_layers = 0}); }, "RNN: num_layers must be greater than zero, got 0");
  refused([] { nn::LSTM(2, 3, {.num_layers = 1 << 20}); },
          "LSTM: num_layers must be greater than zero and at most 65536");
  refused([] { nn::GRU(2, 3, {.dropout = 1.5}); }, "GRU: dropout should be a number in range [0, 1]");
  refused([] { nn::GRU(2, 3, {.dropout = NAN}); }, "GRU: dropout should be a number in range [0, 1]");
  refused([] { nn::LSTM(2, 3, {.proj_size = 3}); }, "LSTM: proj_size has to be smaller than hidden_size, got 3 and 3");
  refused([] { nn::LSTM(2, 3, {.proj_size = -1}); },
          "LSTM: proj_size should be a positive integer or zero to disable projections, got -1");
  refused([] { nn::GRU(2, 3, {.proj_size = 2}); },
          "GRU: proj_size argument is only supported for LSTM, not RNN or GRU");
  refused([] { nn::RNN(2, 3, {.proj_size = 2}); },
          "RNN: proj_size argument is only supported for LSTM, not RNN or GRU");
  refused([] { nn::RNN(2, 3, {.nonlinearity = "elu"}); }, "RNN: Unknown nonlinearity 'elu'");
  refused([] { nn::RNNCell(2, 3, {.nonlinearity = ""}); }, "RNNCell: Unknown nonlinearity ''");
  refused([] { nn::LSTMCell(2, 0); }, "LSTMCell: hidden_size must be greater than zero, got 0");
  refused([] { nn::GRUCell(-2, 1); }, "GRUCell: input_size must not be negative, got -2");
}

BOOST_AUTO_TEST_CASE(inputs_and_states_that_do_not_fit_are_refused) {
  nn::LSTM lstm(2, 3);
  nn::GRU gru(2, 3, {.num_layers = 2, .batch_first = true, .bidirectional = true});
  nn::RNN rnn(2, 3);
  const Tensor x = zeros({4, 5, 2}), h = zeros({1, 5, 3});
  const auto shape = [](const auto& call, const std::string& text) { check_error<ShapeError>(call, text, __FILE__); };
  shape([&] { lstm(zeros({2})); }, "lstm: input must have 3 dimensions, (T, N, in), or 2, (T, in), got 1, shape [2]");
  shape([&] { gru(zeros({1, 1, 1, 2})); }, "gru: input must have 3 dimensions, (N, T, in), or 2, (T, in), got 4");
  shape([&] { rnn(zeros({4, 5, 4})); }, "rnn: input.size(-1) must be equal to input_size. Expected 2, got 4");
  shape([&] { rnn(x, zeros({2, 5, 3})); }, "rnn: Expected hidden size (1, 5, 3), got [2, 5, 3]");
  shape([&] { rnn(x, zeros({1, 1, 3})); }, "rnn: Expected hidden size (1, 5, 3), got [1, 1, 3]");
  shape([&] { gru(x, zeros({4, 5, 3})); }, "gru: Expected hidden size (4, 4, 3), got [4, 5, 3]");
  shape([&] { lstm(x, {h, zeros({1, 5, 2})}); }, "lstm: Expected hidden[1] size (1, 5, 3), got [1, 5, 2]");
  shape([&] { lstm(x, {zeros({1, 4, 3}), h}); }, "lstm: Expected hidden[0] size (1, 5, 3), got [1, 4, 3]");
  shape([&] { rnn(x, zeros({1, 3})); }, "rnn: For batched 3-D input, hx should also be 3-D but got 2-D tensor");
  shape([&] { rnn(zeros({4, 2}), h); }, "rnn: For unbatched 2-D input, hx should also be 2-D but got 3-D tensor");
  check_error<ValueError>([&] { lstm(x, {h, {}}); }, "lstm: the state needs both h and c, or neither");
  check_error<ValueError>([&] { lstm(zeros({0, 5, 2})); }, "lstm: Expected sequence length to be larger than 0 in RNN");
  check_error<ValueError>([&] { gru(zeros({5, 0, 2})); }, "gru: Expected sequence length to be larger than 0 in RNN");
  check_error<ValueError>([&] { gru(Tensor()); }, "gru: the input is an undefined tensor");
  check_error<DTypeError>([&] { gru(x.to(float64)); }, "gru: the input is float64 but the weights are float32");
  check_error<DTypeError>([&] { rnn(x, h.to(float64)); }, "rnn: hidden is float64 but the weights are float32");
  check_error<DTypeError>([&] { rnn(x.to(int64)); }, "rnn: the input is int64 but the weights are float32");
}

BOOST_AUTO_TEST_CASE(cells_refuse_what_does_not_fit) {
  nn::LSTMCell lstm(2, 3);
  nn::GRUCell gru(2, 3);
  const Tensor x = zeros({4, 2});
  check_error<ShapeError>([&] { gru(zeros({1, 4, 2})); }, "gru_cell: Expected input to be 1D or 2D, got 3D instead");
  check_error<ShapeError>([&] { gru(zeros({4, 3})); },
                          "gru_cell: input.size(-1) must be equal to input_size. Expected 2");
  check_error<ShapeError>([&] { gru(x, zeros({4, 2})); },
                          "gru_cell: Expected h of size (4, 3) for an input of shape [4, 2]");
  check_error<ShapeError>([&] { gru(x, zeros({3})); }, "gru_cell: Expected h of size (4, 3)");
  check_error<ShapeError>([&] { lstm(x, {zeros({4, 3}), zeros({5, 3})}); }, "lstm_cell: Expected c of size (4, 3)");
  check_error<ValueError>([&] { lstm(x, {{}, zeros({4, 3})}); }, "lstm_cell: the state needs both h and c");
  check_error<ValueError>([&] { lstm(Tensor()); }, "lstm_cell: the input is an undefined tensor");
  check_error<DTypeError>([&] { lstm(x.to(float64)); }, "lstm_cell: the input is float64 but the weights are float32");
}

BOOST_AUTO_TEST_CASE(functions_refuse_weights_that_do_not_fit) {
  const Tensor x = zeros({4, 5, 2});
  const nn::RecurrentWeights right{zeros({12, 2}), zeros({12, 3}), zeros({12}), zeros({12})};
  const auto with = [&](auto change) {
    nn::RecurrentWeights w = right;
    change(w);
    return std::vector{w};
  };
  BOOST_CHECK_NO_THROW(F::lstm(x, {}, {right}));
  check_error<ValueError>([&] { F::lstm(x, {}, {}); }, "lstm: num_layers=1 needs one set of weights for each layer");
  check_error<ValueError>([&] { F::lstm(x, {}, {right}, {.bidirectional = true}); },
                          "lstm: num_layers=1, bidirectional, needs one set of weights for each layer and direction");
  check_error<ValueError>([&] { F::lstm(x, {}, with([](auto& w) { w.weight_hh = {}; })); },
                          "lstm: weight_hh of layer 0 is an undefined tensor");
  check_error<ShapeError>([&] { F::lstm(x, {}, with([](auto& w) { w.weight_ih = zeros({10, 2}); })); },
                          "lstm: weight_ih of layer 0 must be a matrix of 4·H rows, but has shape [10, 2]");
  check_error<ShapeError>([&] { F::gru(x, {}, with([](auto& w) { w.bias_hh = zeros({9}); })); },
                          "gru: weight_hh of layer 0 must have shape [12, 4], but has [12, 3]");
  check_error<ShapeError>([&] { F::lstm(x, {}, with([](auto& w) { w.bias_hh = zeros({9}); })); },
                          "lstm: bias_hh of layer 0 must have shape [12], but has [9]");
  check_error<ShapeError>(
      [&] {
        F::lstm(x, {}, {right, right}, {.bidirectional = true, .proj_size = 0}),
            F::lstm(x, {}, {right, right}, {.num_layers = 2});
      },
      "lstm: weight_ih of layer 1 must have shape [12, 3], but has [12, 2]");
  check_error<DTypeError>([&] { F::lstm(x, {}, with([](auto& w) { w.bias_ih = zeros({12}, {.dtype = float64}); })); },
                          "lstm: weights must be of one floating dtype, but bias_ih of layer 0 is float64");
  check_error<ValueError>([&] { F::lstm(x, {}, {right}, {.proj_size = 2}); }, "lstm: proj_size=2 does not fit weights");
  check_error<ValueError>([&] { F::rnn(x, {}, {{zeros({3, 2}), zeros({3, 3}), {}, {}, zeros({2, 3})}}); },
                          "rnn: weight_hr of layer 0 is given, but only an LSTM has a projection");
  check_error<ValueError>([&] { F::rnn(x, {}, {{zeros({3, 2}), zeros({3, 3})}}, {.nonlinearity = "x"}); },
                          "rnn: Unknown nonlinearity 'x'");
  check_error<ValueError>([&] { F::rnn_cell(x[0], {}, {zeros({3, 2}), zeros({3, 3})}, "x"); },
                          "rnn_cell: Unknown nonlinearity 'x'");
  check_error<ValueError>([&] { F::gru(x, {}, {right}, {.dropout = -1}); }, "gru: dropout should be a number in range");
}

BOOST_AUTO_TEST_CASE(errors_name_the_path_of_the_module) {
  Tagger net;
  check_error<ShapeError>([&] { net(zeros({2, 2, 2, 2}, {.dtype = int64})); }, "gru (GRU): gru: input must have 3");
}

BOOST_AUTO_TEST_SUITE_END()
