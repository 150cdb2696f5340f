// The tutorial's complete example: focal loss with L1 and L2 penalties on two rings of very unequal size.
//
// With the tutorial's own settings training collapses to "all negative" for about one seed in three, in PyTorch as
// here, and accuracy (0.967) is then just the share of negatives. So this judges by AUC and recall, and pins a seed
// that learns.
#include <CLI/CLI.hpp>
#include <iostream>

#include "slope/slope.h"

using namespace slope;

namespace {

struct DNNModel : nn::Module {
  nn::Linear fc1 = add("fc1", nn::Linear(2, 4));
  nn::Linear fc2 = add("fc2", nn::Linear(4, 8));
  nn::Linear fc3 = add("fc3", nn::Linear(8, 1));
  Tensor forward(const Tensor& x) override { return sigmoid(fc3(relu(fc2(relu(fc1(x)))))); }
};

/// Points of the rows where `mask` holds.
train::Series points(const std::string& label, const Tensor& x, const Tensor& mask, const char* color) {
  const Tensor rows = index_select(x, 0, nonzero(mask.reshape({-1})).reshape({-1}));
  return train::scatter(label, rows.select(1, 0).to_vector<double>(), rows.select(1, 1).to_vector<double>(), color);
}

train::Panel rings(const std::string& title, const Tensor& x, const Tensor& positive) {
  return {.title = title,
          .series = {points("negative", x, logical_not(positive), "green"), points("positive", x, positive, "red")},
          .equal_axes = true};
}

/// The predicted probability over the square that holds the data.
train::Panel heat_map(DNNModel& net) {
  train::Grid grid = train::Grid::over(-12, 12, 121, -12, 12, 121);
  std::vector<float> inputs;
  for (const auto& [x, y] : grid.points()) {
    inputs.push_back(static_cast<float>(x));
    inputs.push_back(static_cast<float>(y));
  }
  grid.z = net(tensor(inputs).reshape({-1, 2})).to_vector<double>();
  return {.title = "predicted probability",
          .heat_maps = {{.grid = grid, .levels = {0.5}, .level_label = "0.5"}},
          .equal_axes = true};
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t seed = 1;
  std::int64_t epochs = 30;
  double coefficient = 1e-3;
  std::string style = "progress", out = "out";
  bool no_plots = false;
  CLI::App app("Focal loss with L1 and L2 penalties on two rings");
  app.add_option("--seed", seed, "of data, weights and order");
  app.add_option("--epochs", epochs, "passes over the training data")->check(CLI::Range(1, 1000000));
  app.add_option("--reg", coefficient, "of both penalties");
  app.add_option("--style", style, "progress or classic (torchkeras)")->check(CLI::IsMember({"progress", "classic"}));
  app.add_option("--out", out, "folder for history and pictures");
  app.add_flag("--no-plots", no_plots, "draw nothing");
  CLI11_PARSE(app, argc, argv);
  manual_seed(seed);
  const auto log_style = style == "classic" ? train::Style::classic : train::Style::automatic;

  // 1. Data
  const auto [x, y] = data::two_rings(200, 6000);
  const auto [ds_train, ds_valid] = data::random_split(data::TensorDataset(x, y), 0.7);
  data::DataLoader dl_train(ds_train, {.batch_size = 100, .shuffle = true, .num_workers = 2});
  data::DataLoader dl_valid(ds_valid, {.batch_size = 100, .num_workers = 2});

  // 2. Model
  DNNModel net;
  train::Model model(net);
  std::cout << model.summary({2}, log_style) << "\n";

  // 3. Training
  optim::Adam adam(net.parameters(), {.lr = 0.01});
  nn::FocalLoss focal({.gamma = 2.0, .alpha = 0.75});
  const auto objective = [&](const Tensor& y_pred, const Tensor& y_true) {
    return focal(y_pred, y_true) + nn::l2_penalty(net, coefficient) + nn::l1_penalty(net, coefficient);
  };
  model.compile(objective, adam, {{"accuracy", train::accuracy}, {"auc", train::AUC()}, {"recall", train::Recall()}});
  const train::History history = model.fit(epochs, dl_train, dl_valid, {.log_step_freq = 30, .style = log_style});
  history.to_csv(out + "/history.csv");

  // 4. Result
  net.eval();
  NoGradGuard no_grad;
  std::cout << "\n" << history << "\n\n";
  std::int64_t small = 0, weights = 0;
  for (const auto& [name, p] : net.named_parameters())
    if (name.find("bias") == std::string::npos) {
      small += sum(abs(p) < 1e-2).item<std::int64_t>();
      weights += p.numel();
    }
  std::cout << "L1 sparsity: " << small << " of " << weights << " weights are within 0.01 of zero\n";
  double auc = 0, recall = 0;  // of the net as it is, which after Ctrl-C is not what the history ends with
  for (const auto& [name, value] : model.evaluate(dl_valid)) {
    std::cout << name << " " << value << "\n";
    if (name == "val_auc") auc = value;
    if (name == "val_recall") recall = value;
  }

  if (!no_plots) {
    const train::PlotOptions plot{.svg = true, .png = true};
    const Tensor positive = net(x) > 0.5;
    train::save_figure({.panels = {rings("data", x, y > 0.5)}}, out + "/data", {.text = &std::cout});
    train::save_figure({.panels = {rings("y_true", x, y > 0.5), rings("y_pred", x, positive)}}, out + "/result", plot);
    train::save_figure({.panels = {heat_map(net)}}, out + "/heat_map", plot);
    train::save_figure({.panels = {train::metric_panel(history, "loss"), train::metric_panel(history, "auc")}},
                       out + "/curves", plot);
    std::cout << "pictures and history are in " << out << "/\n";
  }

  const bool learned = auc >= 0.95 && recall >= 0.35;
  std::cout << (learned ? "learned: " : "NOT LEARNED: ") << "validation AUC " << auc << ", recall " << recall << "\n";
  return learned ? 0 : 1;
}
