// A convolutional net that reads handwritten digits: convolution, batch norm, pooling, dropout, and the trainer.
#include <CLI/CLI.hpp>
#include <iostream>

#include "data/digits.h"

using namespace slope;

namespace {

nn::Sequential make_net() {
  return nn::Sequential(nn::Conv2d(1, 16, 3, {.padding = 1, .bias = false}), nn::BatchNorm2d(16), nn::ReLU(),
                        nn::Conv2d(16, 32, 3, {.padding = 1, .bias = false}), nn::BatchNorm2d(32), nn::ReLU(),
                        nn::MaxPool2d(2), nn::Conv2d(32, 64, 3, {.padding = 1, .bias = false}), nn::BatchNorm2d(64),
                        nn::ReLU(), nn::MaxPool2d(2), nn::Flatten(), nn::Dropout(0.3), nn::Linear(64 * 2 * 2, 10));
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t seed = 1;
  std::int64_t epochs = 15;
  std::string path = "examples/data/digits.csv", out = "out";
  bool no_plots = false;
  CLI::App app("A convolutional net for handwritten digits");
  app.add_option("--seed", seed, "of weights, order and dropout");
  app.add_option("--epochs", epochs, "passes over the training data")->check(CLI::Range(1, 100000));
  app.add_option("--data", path, "digits.csv");
  app.add_option("--out", out, "folder for pictures");
  app.add_flag("--no-plots", no_plots, "draw nothing");
  CLI11_PARSE(app, argc, argv);
  manual_seed(seed);

  // The last digits of the file were written by other people than the first.
  const Digits digits = read_digits(path);
  const Digits training = digits.rows(0, 1440), test = digits.rows(1440, digits.images.size(0));
  data::DataLoader train_loader(data::TensorDataset(training.images, training.labels),
                                {.batch_size = 32, .shuffle = true});
  data::DataLoader test_loader(data::TensorDataset(test.images, test.labels), {.batch_size = 100});

  nn::Sequential net = make_net();
  train::Model model(net);
  std::cout << model.summary({1, 8, 8}) << "\n";
  optim::Adam adam(net.parameters(), {.lr = 2e-3});
  model.compile(nn::CrossEntropyLoss(), adam, {{"accuracy", train::accuracy}});
  const train::History history = model.fit(epochs, train_loader, test_loader);

  net.eval();
  NoGradGuard no_grad;
  const Tensor scores = net(test.images), guess = argmax(scores, 1);
  const Tensor wrong = nonzero(guess != test.labels).reshape({-1});
  const double accuracy = 1 - static_cast<double>(wrong.numel()) / static_cast<double>(test.labels.numel());
  for (const std::int64_t i : wrong.to_vector<std::int64_t>())
    std::cout << "test digit " << i << " is " << test.labels[i].item<std::int64_t>() << ", read as "
              << guess[i].item<std::int64_t>() << "\n";
  if (!no_plots) {
    if (wrong.numel() > 0)
      train::save_figure({.panels = {mosaic(index_select(test.images, 0, wrong), 8, "digits that were not recognised")},
                          .panels_per_row = 1,
                          .panel_width = 720,
                          .panel_height = 320},
                         out + "/wrong", {.notes = &std::cout});
    train::save_figure({.panels = {train::metric_panel(history, "loss"), train::metric_panel(history, "accuracy")}},
                       out + "/curves", {.notes = &std::cout});
  }
  const bool learned = accuracy >= 0.97;
  std::cout << (learned ? "learned: " : "NOT LEARNED: ") << "test accuracy " << accuracy << "\n";
  return learned ? 0 : 1;
}
