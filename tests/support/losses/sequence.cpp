#include <limits>

#include "slope/nn/losses/losses.h"
#include "slope/slope.h"
#include "support/losses/families.h"

using namespace slope;
namespace F = slope::nn::functional;
using Kind = LossRefusal::Kind;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

void samples(std::vector<LossSample>& table) {
  const Tensor x = numbers({6, 3, 4}, 1, -4, 0), one = numbers({5, 3}, 2, -4, 0);
  const Tensor input_lengths = tensor({6, 4, 5}), padded = tensor({{1, 2, 3}, {3, 3, 0}, {2, 0, 0}});
  const auto row = [&](std::string name, LossSample::Function f, LossInputs inputs) {
    table.push_back({.name = std::move(name), .function = std::move(f), .inputs = std::move(inputs), .twice = false});
  };
  row("ctc_loss, padded targets",
      [](const LossInputs& in, Reduction r) { return F::ctc_loss(in[0], in[1], in[2], in[3], {.reduction = r}); },
      {x, padded, input_lengths, tensor({3, 2, 1})});
  row("ctc_loss, concatenated targets",
      [](const LossInputs& in, Reduction r) {
        return F::ctc_loss(in[0], in[1], {6, 6, 5}, {1, 3, 2}, {.reduction = r});
      },
      {x, tensor({2, 1, 1, 3, 3, 3})});
  for (const std::int64_t blank : {1, 3})
    row(concat("ctc_loss, blank ", blank),
        [=](const LossInputs& in, Reduction r) {
          return F::ctc_loss(in[0], in[1], {6, 2, 5}, in[2], {.blank = blank, .reduction = r});
        },
        {x, tensor({{0, 2, 0}, {2, 1, 1}, {0, 0, 2}}), tensor({3, 1, 3})});
  row("ctc_loss, no labels",
      [](const LossInputs& in, Reduction r) {
        return F::ctc_loss(in[0], in[1], {6, 0, 3}, {0, 0, 0}, {.reduction = r});
      },
      {x, zeros({0}, {.dtype = int64})});
  row("ctc_loss, zero_infinity",
      [](const LossInputs& in, Reduction r) {
        return F::ctc_loss(in[0], in[1], {3, 6, 0}, {3, 3, 3}, {.reduction = r, .zero_infinity = true});
      },
      {x, tensor({{1, 1, 2}, {1, 1, 2}, {1, 2, 3}})});
  row("ctc_loss, unbatched",
      [](const LossInputs& in, Reduction r) { return F::ctc_loss(in[0], in[1], 5, in[2], {.reduction = r}); },
      {one, tensor({1, 2, 2}), tensor(3)});
  row("ctc_loss, impossible classes",
      [](const LossInputs& in, Reduction r) {
        return F::ctc_loss(where(in[0].detach() < -3.0, -inf, in[0]), in[1], {6, 6, 6}, {1, 2, 1}, {.reduction = r});
      },
      {x, tensor({{1, 0}, {1, 2}, {3, 0}})});
  row("ctc_loss, logits",
      [](const LossInputs& in, Reduction r) {
        return F::ctc_loss(log_softmax(in[0] * 5.0, -1), in[1], in[2], {3, 2, 1}, {.reduction = r});
      },
      {x, padded, input_lengths});
  // More sequences than one thread is given.
  table.push_back({.name = "ctc_loss, many long sequences",
                   .function =
                       [](const LossInputs& in, Reduction r) {
                         return F::ctc_loss(in[0], in[1], {32, 32, 31, 32, 30}, {15, 12, 15, 9, 15}, {.reduction = r});
                       },
                   .inputs = {numbers({32, 5, 2}, 4, -3, 0), ones({5, 15}, {.dtype = int64})},
                   .twice = false,
                   .reductions = {Reduction::mean}});
}

void refusals(std::vector<LossRefusal>& table) {
  const Tensor x = numbers({6, 2, 4}, 1, -4, 0), one = numbers({6, 4}, 2, -4, 0);
  const Tensor padded = tensor({{1, 2, 3}, {2, 2, 0}}), flat = tensor({1, 2, 3, 2, 2}), lengths = tensor({6, 6}),
               counts = tensor({3, 2});
  const auto refuse = [&](Kind kind, std::string text, std::function<void(const LossInputs&)> call, LossInputs inputs) {
    table.push_back({kind, std::move(text), std::move(call), std::move(inputs)});
  };
  // The same call with one argument changed.
  const auto with = [&](Kind kind, std::string text, LossInputs inputs, nn::CTCLossOptions options = {}) {
    refuse(kind, text, [=](const LossInputs& in) { F::ctc_loss(in[0], in[1], in[2], in[3], options); }, inputs);
    refuse(kind, text, [=](const LossInputs& in) { nn::CTCLoss{options}(in[0], in[1], in[2], in[3]); }, inputs);
  };
  with(Kind::dtype, "ctc_loss: the prediction must be a floating point tensor, got int64",
       {zeros({6, 2, 4}, {.dtype = int64}), padded, lengths, counts});
  with(Kind::dtype, "ctc_loss: targets must be int64, but is float64", {x, constants({2, 3}, 1), lengths, counts});
  with(Kind::dtype, "ctc_loss: targets must be int64, but is bool", {x, padded.to(boolean), lengths, counts});
  with(Kind::dtype, "ctc_loss: input_lengths must be int64, but is float32", {x, padded, tensor({6.0, 6.0}), counts});
  with(Kind::dtype, "ctc_loss: target_lengths must be int64, but is float32", {x, padded, lengths, tensor({3.0, 2.0})});
  with(Kind::value, "ctc_loss: targets is an undefined tensor", {x, Tensor(), lengths, counts});
  with(Kind::value, "ctc_loss: input_lengths is an undefined tensor", {x, padded, Tensor(), counts});
  with(Kind::value, "ctc_loss: target_lengths is an undefined tensor", {x, padded, lengths, Tensor()});
  with(Kind::value, "ctc_loss: blank must be in label range [0, 4), but is 4", {x, padded, lengths, counts},
       {.blank = 4});
  with(Kind::value, "ctc_loss: blank must be in label range [0, 4), but is -1", {x, padded, lengths, counts},
       {.blank = -1});
  with(Kind::value, "ctc_loss: blank must be in label range [0, 0), but is 0",
       {zeros({6, 2, 0}, {.dtype = float64}), padded, lengths, counts});
  with(Kind::value, "ctc_loss: batchmean is not a valid value for reduction", {x, padded, lengths, counts},
       {.reduction = Reduction::batchmean});
  with(Kind::shape, "ctc_loss: log_probs must be [T, N, C], or [T, C] for one sequence, but has shape [6]",
       {numbers({6}, 1), flat, lengths, counts});
  with(Kind::shape, "ctc_loss: log_probs must be [T, N, C], or [T, C] for one sequence, but has shape [1, 6, 2, 4]",
       {numbers({1, 6, 2, 4}, 1), padded, lengths, counts});
  with(Kind::shape,
       "ctc_loss: targets must be [N, S], padded, or [sum of target_lengths] for log_probs [6, 2, 4], but has shape []",
       {x, tensor(1), lengths, counts});
  with(Kind::shape, "ctc_loss: targets must be [S] for log_probs [6, 4], but has shape [2, 3]",
       {one, padded, tensor(6), tensor(3)});
  with(Kind::shape, "ctc_loss: targets [3, 2] must have one row for each of the 2 sequences of log_probs [6, 2, 4]",
       {x, ones({3, 2}, {.dtype = int64}), lengths, counts});
  with(Kind::shape, "ctc_loss: input_lengths must be of size batch_size, 2, but there are 3",
       {x, padded, tensor({6, 6, 6}), counts});
  with(Kind::shape, "ctc_loss: target_lengths must be of size batch_size, 2, but there are 1",
       {x, padded, lengths, tensor({3})});
  with(Kind::shape, "ctc_loss: target_lengths must be of size batch_size, 2, but there are 1",
       {x, padded, lengths, tensor(3)});
  with(Kind::shape, "ctc_loss: input_lengths must be [N], one number for each sequence, but has shape [2, 1]",
       {x, padded, tensor({{6}, {6}}), counts});
  with(Kind::shape, "ctc_loss: input_lengths must be of size batch_size, 1, but there are 2",
       {one, tensor({1, 2, 3}), lengths, tensor(3)});
  with(Kind::value, "ctc_loss: Expected input_lengths to have value at most 6, but got value 7 at position 1",
       {x, padded, tensor({6, 7}), counts});
  with(Kind::value, "ctc_loss: Expected input_lengths to be at least 0, but got value -1 at position 0",
       {x, padded, tensor({-1, 6}), counts});
  with(Kind::value, "ctc_loss: Expected target_lengths to be at least 0, but got value -2 at position 1",
       {x, padded, lengths, tensor({3, -2})});
  with(Kind::value, "ctc_loss: Expected target_lengths to be at least 0, but got value -2 at position 1",
       {x, flat, lengths, tensor({7, -2})});
  with(Kind::shape,
       "ctc_loss: Expected tensor to have size at least 4 at dimension 1, but got size 3 for targets [2, 3]; "
       "target_lengths at position 0 is 4",
       {x, padded, lengths, tensor({4, 2})});
  with(Kind::shape,
       "ctc_loss: Expected tensor to have size at least 6 at dimension 0, but got size 5 for targets [5]; "
       "target_lengths at position 1 is 3",
       {x, flat, lengths, tensor({3, 3})});
  with(Kind::shape, "ctc_loss: Expected tensor to have size at least", {x, flat, lengths, tensor({1, INT64_MAX})});
  with(Kind::shape, "ctc_loss: targets of shape [5] must hold the labels of all sequences, 4 by target_lengths",
       {x, flat, lengths, tensor({2, 2})});
  with(Kind::shape, "ctc_loss: targets of shape [3] must hold the labels of all sequences, 2 by target_lengths",
       {one, tensor({1, 2, 3}), tensor(6), tensor(2)});
  with(Kind::index, "ctc_loss: target label 4 is out of range [0, 4); it is label 1 of sequence 0",
       {x, tensor({{1, 4, 3}, {2, 2, 0}}), lengths, counts});
  with(Kind::index, "ctc_loss: target label -1 is out of range [0, 4); it is label 0 of sequence 1",
       {x, tensor({1, 2, 3, -1, 2}), lengths, counts});
  with(Kind::index, "ctc_loss: target label 9 is out of range [0, 4); it is label 2 of sequence 0",
       {one, tensor({1, 2, 9}), tensor(0), tensor(3)});
  with(Kind::value,
       "ctc_loss: target label 0 is the blank, which separates labels and is none; it is label 2 of sequence 1",
       {x, padded, lengths, tensor({3, 3})});
  with(Kind::value, "ctc_loss: target label 3 is the blank", {x, padded, lengths, counts}, {.blank = 3});
}

}  // namespace

LossFamily sequence_losses() { return {samples, refusals}; }
