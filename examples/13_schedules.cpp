// The same small net learns the digits under four schedules of its learning rate, with gradients clipped; an exponential average of its
// weights is tested beside the weights themselves. The rates are drawn.
#include <CLI/CLI.hpp>
#include <functional>
#include <iostream>

#include "data/digits.h"

using namespace slope;

namespace {

nn::Sequential make_net() {
  return nn::Sequential(nn::Flatten(), nn::Linear(64, 64), nn::BatchNorm1d(64), nn::ReLU(), nn::Linear(64, 10));
}

double accuracy(nn::Module& net, const Digits& test) {
  net.eval();
  NoGradGuard no_grad;
  const double share = train::accuracy(net(test.images), test.labels).item();
  net.train();
  return share;
}

using MakeSchedule = std::function<optim::LRScheduler(optim::Optimizer&, std::int64_t steps)>;

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t seed = 1;
  std::int64_t epochs = 8;
  std::string path = "examples/data/digits.csv", out = "out";
  bool no_plots = false;
  CLI::App app("Schedules, clipping and averaging on handwritten digits");
  app.add_option("--seed", seed, "of weights and order");
  app.add_option("--epochs", epochs, "passes over the training data")->check(CLI::Range(1, 100000));
  app.add_option("--data", path, "digits.csv");
  app.add_option("--out", out, "folder for the picture");
  app.add_flag("--no-plots", no_plots, "draw nothing");
  CLI11_PARSE(app, argc, argv);
  const Digits digits = read_digits(path);
  const Digits training = digits.rows(0, 1440), test = digits.rows(1440, digits.images.size(0));

  const std::vector<std::pair<std::string, MakeSchedule>> schedules = {
      {"constant", [](auto& opt, auto) { return optim::LambdaLR(opt, [](std::int64_t) { return 1.0; }); }},
      {"warm-up, cosine",
       [](auto& opt, auto n) { return optim::linear_warmup(opt, n / 10, optim::CosineAnnealingLR(opt, n - n / 10)); }},
      {"one cycle", [](auto& opt, auto n) { return optim::OneCycleLR(opt, {.max_lr = 0.3, .total_steps = n}); }},
      {"warm restarts", [](auto& opt, auto n) { return optim::CosineAnnealingWarmRestarts(opt, n / 7 + 1, 2); }},
  };
  train::Panel rates{.title = "learning rates", .x_label = "step", .y_label = "lr"};
  const char* const colors[] = {"#7f8c8d", "#2980b9", "#c0392b", "#27ae60"};
  double worst = 1, worst_average = 1;
  for (const auto& [name, make] : schedules) {
    manual_seed(seed);
    data::DataLoader loader(data::TensorDataset(training.images, training.labels), {.batch_size = 32, .shuffle = true});
    nn::Sequential net = make_net();
    optim::SGD opt(optim::groups<optim::SGD>(net, {{"*.weight", {.weight_decay = 1e-3}}}),
                   {.lr = 0.1, .momentum = 0.9});
    optim::LRScheduler schedule = make(opt, epochs * loader.size());
    optim::AveragedModel average(make_net(), {.decay = 0.98});
    std::vector<double> x, y;
    int clipped = 0;
    for (std::int64_t epoch = 0; epoch < epochs; ++epoch)
      for (const auto& batch : loader) {
        x.push_back(static_cast<double>(x.size()));
        y.push_back(schedule.get_last_lr()[0]);
        opt.zero_grad();
        F::cross_entropy(net(batch.x()), batch.y()).backward();
        clipped += nn::utils::clip_grad_norm_(net, 2.0).item() > 2.0;
        opt.step();
        schedule.step();
        average.update_parameters(net);
      }
    optim::update_bn(loader, average);
    const double own = accuracy(net, test), smooth = accuracy(average, test);
    std::cout << name << ": accuracy " << own << ", of the average " << smooth << "; " << clipped << " of " << x.size()
              << " gradients were clipped\n";
    worst = std::min(worst, own);
    worst_average = std::min(worst_average, smooth);
    rates.series.push_back(train::curve(name, x, y, colors[rates.series.size()]));
  }
  if (!no_plots)
    train::save_figure({.panels = {rates}, .panels_per_row = 1, .panel_width = 900}, out + "/rates",
                       {.notes = &std::cout});
  const bool learned = worst >= 0.92 && worst_average >= 0.92;
  std::cout << (learned ? "learned: " : "NOT LEARNED: ") << "at least " << worst << ", averages " << worst_average
            << "\n";
  return learned ? 0 : 1;
}
