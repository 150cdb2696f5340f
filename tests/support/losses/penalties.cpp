#include "slope/nn/penalties.h"

#include "slope/slope.h"
#include "support/losses/families.h"

using namespace slope;
using Kind = LossRefusal::Kind;

namespace {

void samples(std::vector<LossSample>& table) {
  const auto row = [&](std::string name, std::function<Tensor(const LossInputs&)> f, LossInputs inputs) {
    table.push_back({.name = std::move(name),
                     .function = [f = std::move(f)](const LossInputs& in, Reduction) { return f(in); },
                     .inputs = std::move(inputs),
                     .reductions = {Reduction::none}});
  };
  // Numbers of both signs, none at a kink.
  const Tensor a = numbers({2, 3}, 1, -1, 1), b = numbers({4}, 2, -1, 1), c = numbers({3, 2, 2}, 3, -1, 1),
               scalar = numbers({}, 4);
  const LossInputs mixed = {a, b, c, scalar};
  row("l1_penalty", [](const LossInputs& in) { return nn::l1_penalty(in, 0.3); }, mixed);
  row("l2_penalty", [](const LossInputs& in) { return nn::l2_penalty(in, 0.3); }, mixed);
  row("elastic_net_penalty", [](const LossInputs& in) { return nn::elastic_net_penalty(in, 0.3, 0.7); }, mixed);
  for (const auto& [name, group] :
       {std::pair{"rows", nn::LassoGroup::row}, std::pair{"tensors", nn::LassoGroup::tensor}})
    row(
        concat("group_lasso_penalty, ", name),
        [by = group](const LossInputs& in) { return nn::group_lasso_penalty(in, 0.3, by); }, mixed);
  row("orthogonality_penalty, wide and tall", [](const LossInputs& in) { return nn::orthogonality_penalty(in, 0.3); },
      {a, numbers({4, 2}, 5, -1, 1)});
  row("orthogonality_penalty, square and with more dimensions",
      [](const LossInputs& in) { return nn::orthogonality_penalty(in, 0.3); },
      {numbers({3, 3}, 6, -1, 1), c, numbers({9, 2, 2}, 7, -1, 1)});
  row("a constant among the parameters",
      [](const LossInputs& in) { return nn::group_lasso_penalty(in, 0.3) + nn::elastic_net_penalty(in, 1, 2); },
      {a, constants({3}, 8)});
}

void refusals(std::vector<LossRefusal>& table) {
  const Tensor w = numbers({2, 3}, 1);
  struct Penalty {
    const char* name;
    Tensor (*call)(const LossInputs&, SourceLoc);
  };
  const Penalty all[] = {
      {"l1_penalty", [](const LossInputs& in, SourceLoc loc) { return nn::l1_penalty(in, 0.1, loc); }},
      {"l2_penalty", [](const LossInputs& in, SourceLoc loc) { return nn::l2_penalty(in, 0.1, loc); }},
      {"elastic_net_penalty",
       [](const LossInputs& in, SourceLoc loc) { return nn::elastic_net_penalty(in, 0.1, 0.2, loc); }},
      {"group_lasso_penalty",
       [](const LossInputs& in, SourceLoc loc) { return nn::group_lasso_penalty(in, 0.1, nn::LassoGroup::row, loc); }},
      {"orthogonality_penalty",
       [](const LossInputs& in, SourceLoc loc) { return nn::orthogonality_penalty(in, 0.1, loc); }}};
  for (const Penalty& p : all) {
    const auto refuse = [&](Kind kind, const std::string& text, const LossInputs& inputs) {
      table.push_back({kind, concat(p.name, ": ", text),
                       [call = p.call](const LossInputs& in) { call(in, SourceLoc::here()); }, inputs});
    };
    refuse(Kind::value, "parameter 0 is an undefined tensor", {Tensor()});
    refuse(Kind::value, "parameter 1 is an undefined tensor", {w, Tensor()});
    refuse(Kind::dtype, "parameter 1 must be a floating point tensor, got int64", {w, ones({2, 2}, {.dtype = int64})});
    refuse(Kind::dtype, "parameter 0 must be a floating point tensor, got bool", {zeros({2, 2}, {.dtype = boolean})});
  }
  const auto orthogonal = [](const LossInputs& in) { nn::orthogonality_penalty(in, 0.1); };
  table.push_back({Kind::shape,
                   "orthogonality_penalty: parameter 1 must have at least 2 dimensions, but has shape [3]",
                   orthogonal,
                   {w, numbers({3}, 2)}});
  table.push_back({Kind::shape,
                   "orthogonality_penalty: parameter 0 must have at least 2 dimensions, but has shape []",
                   orthogonal,
                   {numbers({}, 2)}});
}

}  // namespace

LossFamily penalties() { return {samples, refusals}; }
