#include "slope/nn/losses/losses.h"
#include "support/losses/families.h"

using namespace slope;
namespace F = slope::nn::functional;
using Kind = LossRefusal::Kind;

namespace {

void samples(std::vector<LossSample>& table) {
  const Tensor x = numbers({3, 4}, 1), t = numbers({3, 4}, 2), w = numbers({3, 4}, 3);
  const auto row = [&](std::string name, LossSample::Function f, LossInputs inputs) {
    table.push_back({.name = std::move(name), .function = std::move(f), .inputs = std::move(inputs)});
  };
  row("mse_loss", [](const LossInputs& in, Reduction r) { return F::mse_loss(in[0], in[1], {.reduction = r}); },
      {x, t});
  row("mse_loss, weight",
      [](const LossInputs& in, Reduction r) { return F::mse_loss(in[0], in[1], {.reduction = r, .weight = in[2]}); },
      {x, t, w});
  row("l1_loss", [](const LossInputs& in, Reduction r) { return F::l1_loss(in[0], in[1], {.reduction = r}); }, {x, t});
  row("l1_loss, weight",
      [](const LossInputs& in, Reduction r) { return F::l1_loss(in[0], in[1], {.reduction = r, .weight = in[2]}); },
      {x, t, w});
  for (const double beta : {0.0, 0.3, 1.0})
    row(concat("smooth_l1_loss, beta ", beta),
        [=](const LossInputs& in, Reduction r) {
          return F::smooth_l1_loss(in[0], in[1], {.reduction = r, .beta = beta});
        },
        {x, t});
}

void refusals(std::vector<LossRefusal>& table) {
  const Tensor x = numbers({2, 3}, 1), t = constants({2, 3}, 2), row = constants({3}, 3);
  const auto refuse = [&](Kind kind, std::string text, std::function<void(const LossInputs&)> call, LossInputs inputs) {
    table.push_back({kind, std::move(text), std::move(call), std::move(inputs)});
  };
  refuse(Kind::value, "smooth_l1_loss: smooth_l1_loss does not support negative values for beta. Got beta -1",
         [](const LossInputs& in) { F::smooth_l1_loss(in[0], in[1], {.beta = -1}); }, {x, t});
  refuse(Kind::shape, "mse_loss: Weights and input must have the same size. Got weight [3] and input [2, 3]",
         [](const LossInputs& in) { F::mse_loss(in[0], in[1], {.weight = in[2]}); }, {x, t, row});
}

}  // namespace

LossFamily regression_losses() { return {samples, refusals}; }
