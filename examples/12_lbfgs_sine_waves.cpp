// Time series by L-BFGS: two LSTM cells read a hundred sine waves of different phases, learn in a few steps over all data to say what
// comes next, and then go on by themselves.
#include <CLI/CLI.hpp>
#include <iostream>
#include <numbers>

#include "slope/slope.h"

using namespace slope;

namespace {

struct Sequence : nn::Module {
  nn::LSTMCell lstm1 = add("lstm1", nn::LSTMCell(1, 51));
  nn::LSTMCell lstm2 = add("lstm2", nn::LSTMCell(51, 51));
  nn::Linear linear = add("linear", nn::Linear(51, 1));

  /// What follows each element of (N, T), and `future` more, each from the one before: (N, T + future).
  Tensor predict(const Tensor& waves, std::int64_t future = 0) {
    nn::LSTMState one, two;
    std::vector<Tensor> all;
    for (std::int64_t t = 0; t < waves.size(1) + future; ++t) {
      const Tensor x = t < waves.size(1) ? waves.narrow(1, t, 1) : all.back();
      one = lstm1(x, one);
      two = lstm2(one.h, two);
      all.push_back(linear(two.h));
    }
    return cat(all, 1);
  }
};

std::vector<double> values(const Tensor& t) { return t.to_vector<double>(); }

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t seed = 0;
  std::int64_t steps = 6, length = 120, future = 120;
  std::string out = "out";
  bool no_plots = false;
  CLI::App app("L-BFGS learns sine waves");
  app.add_option("--seed", seed, "of weights and phases");
  app.add_option("--steps", steps, "of L-BFGS, each of up to 20 evaluations")->check(CLI::PositiveNumber);
  app.add_option("--length", length, "of a wave that is learned")->check(CLI::Range(2, 100000));
  app.add_option("--out", out, "folder for the picture");
  app.add_flag("--no-plots", no_plots, "draw nothing");
  CLI11_PARSE(app, argc, argv);
  manual_seed(seed);

  // 24 waves of a period of 2π·20 elements; the first three are for the test.
  const Tensor phases = randint(-80, 80, {24, 1}).to(float64);
  const Tensor waves = sin((arange(length + future + 1).to(float64) + phases) / 20.0);
  const Tensor input = waves.narrow(0, 3, 21).narrow(1, 0, length),
               target = waves.narrow(0, 3, 21).narrow(1, 1, length);
  const Tensor test_input = waves.narrow(0, 0, 3).narrow(1, 0, length);
  const Tensor test_target = waves.narrow(0, 0, 3).narrow(1, 1, length + future);

  Sequence net;
  net.to(float64);
  optim::LBFGS opt(net.parameters(), {.lr = 0.8});
  Tensor told;
  double test_loss = 1;
  for (std::int64_t step = 1; step <= steps; ++step) {
    int evaluations = 0;
    const double loss = opt.step([&] {
                             opt.zero_grad();
                             Tensor l = F::mse_loss(net.predict(input), target);
                             l.backward();
                             ++evaluations;
                             return l;
                           })
                            .item();
    NoGradGuard no_grad;
    told = net.predict(test_input, future);
    test_loss = F::mse_loss(told, test_target).item();
    std::cout << "step " << step << ": loss " << loss << " at its start, " << evaluations << " evaluations; test with "
              << future << " elements of its own: " << test_loss << std::endl;
  }
  if (!no_plots) {
    train::Panel panel{.title = "what it was shown, then what it went on with", .x_label = "element"};
    const Tensor x = arange(length + future).to(float64);
    for (std::int64_t i = 0; i < 3; ++i) {
      const char* color = i == 0 ? "#c0392b" : i == 1 ? "#27ae60" : "#2980b9";
      panel.series.push_back(
          train::curve("", values(x.narrow(0, 0, length)), values(told[i].narrow(0, 0, length)), color));
      panel.series.push_back(train::curve("", values(x.narrow(0, length, future)),
                                          values(told[i].narrow(0, length, future)), color, train::Stroke::dashed));
    }
    train::save_figure({.panels = {panel}, .panels_per_row = 1, .panel_width = 900}, out + "/waves",
                       {.notes = &std::cout});
  }
  const bool learned = test_loss < 0.05;
  std::cout << (learned ? "learned: " : "NOT LEARNED: ") << "test loss " << test_loss << ", of a wave 0.5\n";
  return learned ? 0 : 1;
}
