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

  std::string title() const { return name + " " + variant; }
};

template <class O>
OptimizerRow optimizer_row(std::string name, std::string variant, typename O::Options options) {
  using slope::optim::ParamList;
  return {std::move(name), std::move(variant), [=](const ParamList& p) { return std::make_unique<O>(p, options); },
          [=](const ParamList& p) {
            O first(p, options);
            return std::make_unique<O>(std::move(first));
          },
          [=](const ParamList& p) {
            auto gone = std::make_unique<O>(p, options);
            O other({slope::zeros({2}, {.requires_grad = true})}, options);
            other = std::move(*gone);
            return gone;
          }};
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
  };
}
