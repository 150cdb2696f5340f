#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "slope/autograd.h"
#include "slope/optim.h"

// Every optimizer, with options that put each of its slots to use: what tests of optimizers in general run over. A test demands
// a row for every optimizer of the headers.

struct OptimizerRow {
  std::string name, variant;
  std::function<std::unique_ptr<slope::optim::Optimizer>(const slope::optim::ParamList&)> make;
  /// The same, moved once before it is handed out.
  std::function<std::unique_ptr<slope::optim::Optimizer>(const slope::optim::ParamList&)> make_moved;
  /// Moves one into another that holds other parameters; what is left of it.
  std::function<std::unique_ptr<slope::optim::Optimizer>(const slope::optim::ParamList&)> moved_from;

  /// It takes matrices alone.
  bool only_matrices = false;

  std::string title() const { return name + " " + variant; }
};

template <class O>
OptimizerRow optimizer_row(std::string name, std::string variant, typename O::Options options,
                           bool only_matrices = false) {
  using slope::optim::ParamList;
  return {std::move(name),
          std::move(variant),
          [=](const ParamList& p) { return std::make_unique<O>(p, options); },
          [=](const ParamList& p) {
            O first(p, options);
            return std::make_unique<O>(std::move(first));
          },
          [=](const ParamList& p) {
            auto gone = std::make_unique<O>(p, options);
            O other({slope::zeros({2, 1}, {.requires_grad = true})}, options);
            other = std::move(*gone);
            return gone;
          },
          only_matrices};
}

inline std::vector<OptimizerRow> optimizer_table() {
  using namespace slope::optim;
  return {
      optimizer_row<SGD>("SGD", "plain", {.lr = 0.1}),
      optimizer_row<SGD>("SGD", "momentum", {.lr = 0.1, .momentum = 0.9, .dampening = 0.1, .weight_decay = 0.01}),
      optimizer_row<SGD>("SGD", "nesterov", {.lr = 0.1, .momentum = 0.9, .nesterov = true, .maximize = true}),
      optimizer_row<Adam>("Adam", "plain", {.lr = 0.1}),
      optimizer_row<Adam>("Adam", "amsgrad", {.lr = 0.1, .weight_decay = 0.1, .amsgrad = true, .maximize = true}),
      optimizer_row<AdamW>("AdamW", "plain", {.lr = 0.1}),
      optimizer_row<AdamW>("AdamW", "amsgrad", {.lr = 0.1, .betas = {0.8, 0.99}, .amsgrad = true}),
      optimizer_row<NAdam>("NAdam", "plain", {.lr = 0.1, .weight_decay = 0.1}),
      optimizer_row<NAdam>("NAdam", "decoupled",
                           {.weight_decay = 0.1, .decoupled_weight_decay = true, .maximize = true}),
      optimizer_row<RAdam>("RAdam", "plain", {.lr = 0.1, .betas = {0.8, 0.9}}),
      optimizer_row<RAdam>("RAdam", "decoupled",
                           {.weight_decay = 0.1, .decoupled_weight_decay = true, .maximize = true}),
      optimizer_row<Adamax>("Adamax", "plain", {.lr = 0.1, .weight_decay = 0.1}),
      optimizer_row<Adagrad>("Adagrad", "plain", {.lr = 0.1, .lr_decay = 0.1, .initial_accumulator_value = 0.5}),
      optimizer_row<Adadelta>("Adadelta", "plain", {.weight_decay = 0.1}),
      optimizer_row<RMSprop>("RMSprop", "plain", {.lr = 0.1}),
      optimizer_row<RMSprop>("RMSprop", "all", {.lr = 0.1, .weight_decay = 0.1, .momentum = 0.9, .centered = true}),
      optimizer_row<Rprop>("Rprop", "plain", {.lr = 0.1}),
      optimizer_row<ASGD>("ASGD", "plain", {.lr = 0.1, .t0 = 1, .weight_decay = 0.1}),
      optimizer_row<Lion>("Lion", "plain", {.lr = 0.1, .weight_decay = 0.1}),
      optimizer_row<LAMB>("LAMB", "plain", {.lr = 0.1}),
      optimizer_row<Adafactor>("Adafactor", "plain", {.lr = 0.1, .weight_decay = 0.1}),
      optimizer_row<Muon>("Muon", "plain", {.lr = 0.1}, true),
      optimizer_row<LBFGS>("LBFGS", "plain", {.lr = 0.1, .max_iter = 3}),
      optimizer_row<LBFGS>("LBFGS", "search", {.history_size = 2, .line_search_fn = LineSearch::strong_wolfe}),
  };
}
