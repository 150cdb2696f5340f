#include "slope/nn/losses/losses.h"
#include "support/losses/families.h"

// Losses of class scores that count by a margin.

using namespace slope;
namespace F = slope::nn::functional;
using Kind = LossRefusal::Kind;

namespace {

void samples(std::vector<LossSample>& table) {
  const auto row = [&](std::string name, LossSample::Function f, LossInputs inputs) {
    table.push_back({.name = std::move(name), .function = std::move(f), .inputs = std::move(inputs)});
  };
  for (const std::int64_t p : {1, 2})
    for (const double margin : {1.0, 0.25}) {
      const auto multi = [=](const LossInputs& in, Reduction r) {
        return F::multi_margin_loss(in[0], in[1], {.p = p, .margin = margin, .reduction = r});
      };
      const auto weighted = [=](const LossInputs& in, Reduction r) {
        return F::multi_margin_loss(in[0], in[1], {.p = p, .margin = margin, .weight = in[2], .reduction = r});
      };
      const std::string name = concat("multi_margin_loss, p ", p, ", margin ", margin);
      row(name, multi, {numbers({4, 5}, 1, -0.9, 0.9), tensor({4, 0, 2, 2})});
      row(name + " of one sample", multi, {numbers({35}, 2, -0.9, 0.9), tensor(17)});
      row(name + " of one class", multi, {numbers({2, 1}, 3), tensor({0, 0})});
      row(name + ", weight", weighted, {numbers({4, 5}, 4, -0.9, 0.9), tensor({1, 4, 0, 1}), constants({5}, 5)});
      row(name + ", weight, of one sample", weighted, {numbers({19}, 6, -0.9, 0.9), tensor(0), constants({19}, 7)});
    }

  const auto multilabel = [](const LossInputs& in, Reduction r) {
    return F::multilabel_margin_loss(in[0], in[1], {.reduction = r});
  };
  row("multilabel_margin_loss", multilabel,
      {numbers({5, 4}, 1, -0.9, 0.9),
       tensor({{3, 0, -1, 1}, {-1, 2, 2, 2}, {1, 1, -1, -1}, {0, 1, 2, 3}, {2, -1, -1, -1}})});
  row("multilabel_margin_loss of one sample", multilabel, {numbers({4}, 2), tensor({1, 2, -1, 0})});
  row("multilabel_margin_loss of many classes", multilabel,
      {numbers({1, 19}, 3, -0.9, 0.9), tensor({{18, 3, 5, 3, 0, -1, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7}})});

  const auto soft = [](const LossInputs& in, Reduction r) {
    return F::multilabel_soft_margin_loss(in[0], in[1], {.reduction = r});
  };
  const auto soft_weighted = [](const LossInputs& in, Reduction r) {
    return F::multilabel_soft_margin_loss(in[0], in[1], {.weight = in[2], .reduction = r});
  };
  row("multilabel_soft_margin_loss", soft, {numbers({3, 4}, 1, -3, 3), numbers({3, 4}, 2)});
  row("multilabel_soft_margin_loss of one sample", soft, {numbers({19}, 3, -3, 3), numbers({19}, 4)});
  row("multilabel_soft_margin_loss of three dimensions", soft, {numbers({2, 2, 3}, 5, -3, 3), numbers({2, 2, 3}, 6)});
  row("multilabel_soft_margin_loss, whole targets", soft, {numbers({2, 3}, 7, -3, 3), tensor({{1, 0, 1}, {0, 1, 0}})});
  row("multilabel_soft_margin_loss, weight", soft_weighted,
      {numbers({3, 4}, 8, -3, 3), numbers({3, 4}, 9), numbers({4}, 10)});
  row("multilabel_soft_margin_loss, weight of each element", soft_weighted,
      {numbers({3, 4}, 11, -3, 3), numbers({3, 4}, 12), numbers({3, 4}, 13)});
  row("multilabel_soft_margin_loss, weight of one sample", soft_weighted,
      {numbers({5}, 14, -3, 3), numbers({5}, 15), numbers({5}, 16)});
}

void refusals(std::vector<LossRefusal>& table) {
  const Tensor x = numbers({2, 3}, 1), labels = tensor({2, 0}), whole = tensor({{1, 0, 1}, {0, 1, 0}}),
               row = constants({3}, 2);
  const Tensor vector = numbers({3}, 3), cube = numbers({2, 3, 2}, 4), lists = tensor({{1, -1, 0}, {0, 2, -1}});
  const auto refuse = [&](Kind kind, std::string text, std::function<void(const LossInputs&)> call, LossInputs inputs) {
    table.push_back({kind, std::move(text), std::move(call), std::move(inputs)});
  };
  const auto multi = [](const LossInputs& in) { F::multi_margin_loss(in[0], in[1]); };
  const auto weighted = [](const LossInputs& in) { F::multi_margin_loss(in[0], in[1], {.weight = in[2]}); };
  for (const std::int64_t p : {0, 3, -1})
    refuse(Kind::value, concat("multi_margin_loss: only p == 1 and p == 2 supported, got p = ", p),
           [p](const LossInputs& in) { F::multi_margin_loss(in[0], in[1], {.p = p}); }, {x, labels});
  refuse(Kind::value, "multi_margin_loss: only p == 1 and p == 2 supported, got p = 3",
         [](const LossInputs& in) { nn::MultiMarginLoss({.p = 3})(in[0], in[1]); }, {x, labels});
  refuse(Kind::shape, "multi_margin_loss: weight must be one-dimensional, got [3, 1]", weighted,
         {x, labels, constants({3, 1}, 5)});
  refuse(Kind::shape, "multi_margin_loss: weight must be one-dimensional, got []", weighted,
         {x, labels, constants({}, 5)});
  refuse(Kind::shape, "multi_margin_loss: inconsistent weight size, expected one entry for each of 3 classes, got [2]",
         weighted, {x, labels, constants({2}, 6)});
  refuse(Kind::autograd, "the function 'multi_margin_loss' is not differentiable with respect to argument 'weight'",
         weighted, {x, labels, vector});
  refuse(Kind::index, "multi_margin_loss: target out of range: it is 3 at position [1], outside of [0, 2]", multi,
         {x, tensor({0, 3})});
  refuse(Kind::index, "multi_margin_loss: target out of range: it is -1 at position [0], outside of [0, 2]", multi,
         {x, tensor({-1, 3})});
  refuse(Kind::index, "multi_margin_loss: target out of range: it is 7 at position []", multi, {vector, tensor(7)});
  refuse(Kind::index, "multi_margin_loss: target out of range: it is 0 at position [0]", multi,
         {zeros({2, 0}, {.dtype = float64}), tensor({0, 0})});
  refuse(Kind::shape, "multi_margin_loss: inconsistent target size, got: [3]; an input of [2, 3] takes 2 class indices",
         multi, {x, tensor({0, 1, 2})});
  refuse(Kind::shape, "multi_margin_loss: inconsistent target size, got: [2, 1]", multi, {x, tensor({{0}, {1}})});
  refuse(Kind::shape, "multi_margin_loss: inconsistent target size, got: [2]; an input of [3] takes 1 class", multi,
         {vector, labels});
  refuse(Kind::shape, "multi_margin_loss: inconsistent target size, got: []", multi, {x, tensor(1)});
  refuse(Kind::shape, "multi_margin_loss: Expected a vector [C] or a matrix [N, C] of scores, but got: [2, 3, 2]",
         multi, {cube, labels});
  refuse(Kind::dtype, "multi_margin_loss: class indices must be int64, but the target is float64", multi,
         {x, constants({2}, 7)});
  refuse(Kind::dtype, "multi_margin_loss: class indices must be int64, but the target is bool", multi,
         {x, tensor({true, false})});
  refuse(Kind::dtype, "multi_margin_loss: the prediction must be a floating point tensor, got int64", multi,
         {whole, labels});
  refuse(Kind::value, "multi_margin_loss: the target is an undefined tensor", multi, {x, Tensor()});
  refuse(Kind::value, "multi_margin_loss: batchmean is not a valid value for reduction",
         [](const LossInputs& in) { F::multi_margin_loss(in[0], in[1], {.reduction = Reduction::batchmean}); },
         {x, labels});

  const auto multilabel = [](const LossInputs& in) { F::multilabel_margin_loss(in[0], in[1]); };
  refuse(Kind::index,
         "multilabel_margin_loss: argument 'target' is out of range: it is 3 at position [1, 0], outside of [-1, 2]",
         multilabel, {x, tensor({{0, -1, -1}, {3, -1, -1}})});
  refuse(Kind::index,
         "multilabel_margin_loss: argument 'target' is out of range: it is -2 at position [0, 1], outside of [-1, 2]",
         multilabel, {x, tensor({{0, -2, -1}, {9, -1, -1}})});
  refuse(Kind::index, "multilabel_margin_loss: argument 'target' is out of range: it is 5 at position [1, 2]",
         multilabel, {x, tensor({{0, -1, -1}, {-1, -1, 5}})});
  refuse(Kind::index, "multilabel_margin_loss: argument 'target' is out of range: it is 3 at position [0]", multilabel,
         {vector, tensor({3, 0, 1})});
  refuse(Kind::shape,
         "multilabel_margin_loss: inconsistent size [2, 4] for argument 'target', which must have that of the input, "
         "[2, 3]",
         multilabel, {x, tensor({{0, 1, 2, -1}, {0, 1, 2, -1}})});
  refuse(Kind::shape, "multilabel_margin_loss: inconsistent size [2] for argument 'target'", multilabel, {x, labels});
  refuse(Kind::shape, "multilabel_margin_loss: inconsistent size [2, 3] for argument 'target'", multilabel,
         {vector, lists});
  refuse(Kind::shape, "multilabel_margin_loss: Expected a vector [C] or a matrix [N, C] of scores, but got: [2, 3, 2]",
         multilabel, {cube, zeros({2, 3, 2}, {.dtype = int64})});
  refuse(Kind::dtype, "multilabel_margin_loss: class indices must be int64, but the target is float64", multilabel,
         {x, constants({2, 3}, 8)});
  refuse(Kind::dtype, "multilabel_margin_loss: the prediction must be a floating point tensor, got int64", multilabel,
         {whole, lists});
  refuse(Kind::value, "multilabel_margin_loss: the target is an undefined tensor", multilabel, {x, Tensor()});
  refuse(Kind::value, "multilabel_margin_loss: batchmean is not a valid value for reduction",
         [](const LossInputs& in) { F::multilabel_margin_loss(in[0], in[1], {.reduction = Reduction::batchmean}); },
         {x, lists});

  const Tensor t = constants({2, 3}, 9);
  const auto soft = [](const LossInputs& in) { F::multilabel_soft_margin_loss(in[0], in[1]); };
  const auto soft_weighted = [](const LossInputs& in) {
    F::multilabel_soft_margin_loss(in[0], in[1], {.weight = in[2]});
  };
  refuse(Kind::shape, "multilabel_soft_margin_loss: prediction [2, 3] and target [3] differ in shape", soft, {x, row});
  refuse(Kind::shape,
         "multilabel_soft_margin_loss: prediction [2, 1] and target [2] differ in shape; did you mean "
         "target.unsqueeze(1)?",
         soft, {numbers({2, 1}, 10), constants({2}, 11)});
  refuse(
      Kind::shape,
      "multilabel_soft_margin_loss: the prediction must have at least one dimension, that of the classes, but is 0-d",
      soft, {numbers({}, 12), constants({}, 13)});
  refuse(Kind::shape, "multilabel_soft_margin_loss: The size of tensor a (2) must match the size of tensor b (3)",
         soft_weighted, {x, t, constants({2}, 14)});
  refuse(Kind::shape, "multilabel_soft_margin_loss: weight of shape [1, 2, 3] does not broadcast to shape [2, 3]",
         soft_weighted, {x, t, constants({1, 2, 3}, 15)});
  refuse(Kind::dtype, "multilabel_soft_margin_loss: the prediction must be a floating point tensor, got int64", soft,
         {whole, t});
  refuse(Kind::value, "multilabel_soft_margin_loss: the target is an undefined tensor", soft, {x, Tensor()});
  refuse(
      Kind::value, "multilabel_soft_margin_loss: batchmean is not a valid value for reduction",
      [](const LossInputs& in) { F::multilabel_soft_margin_loss(in[0], in[1], {.reduction = Reduction::batchmean}); },
      {x, t});
}

}  // namespace

LossFamily margin_losses() { return {samples, refusals}; }
