#pragma once

#include <string>
#include <utility>
#include <vector>

#include "slope/nn/losses/shared/common.h"
#include "support/loss_table.h"

// Rows that many losses have alike.

/// `function(inputs..., options)` of N inputs, the reduction filled in.
template <auto function, std::size_t N = 2, class Options>
LossSample::Function with(const Options& options) {
  return [options](const LossInputs& in, slope::Reduction r) {
    Options reduced = options;
    reduced.reduction = r;
    if constexpr (N == 1)
      return function(in[0], reduced);
    else if constexpr (N == 2)
      return function(in[0], in[1], reduced);
    else
      return function(in[0], in[1], in[2], reduced);
  };
}

inline void add_sample(std::vector<LossSample>& table, std::string name, LossSample::Function function,
                       LossInputs inputs) {
  table.push_back({.name = std::move(name), .function = std::move(function), .inputs = std::move(inputs)});
}

inline void add_refusal(std::vector<LossRefusal>& table, LossRefusal::Kind kind, std::string text,
                        std::function<void(const LossInputs&)> call, LossInputs inputs) {
  table.push_back({kind, std::move(text), std::move(call), std::move(inputs)});
}

/// What every loss of a floating prediction and a target refuses.
template <class Options, auto function>
void refuse_unfit_arguments(std::vector<LossRefusal>& table, const std::string& op) {
  using Kind = LossRefusal::Kind;
  using slope::Tensor;
  const Tensor x = numbers({2, 3}, 1), t = constants({2, 3}, 2), whole = slope::zeros({2, 3}, {.dtype = slope::int64}),
               flags = slope::zeros({2, 3}, {.dtype = slope::boolean});
  const auto call = [](const LossInputs& in) { function(in[0], in[1], Options()); };
  for (const Tensor& integral : {whole, flags}) add_refusal(table, Kind::dtype, op + ": ", call, {integral, t});
  add_refusal(table, Kind::value, op + ": batchmean is not a valid value for reduction",
              [](const LossInputs& in) {
                Options o;
                o.reduction = slope::Reduction::batchmean;
                function(in[0], in[1], o);
              },
              {x, t});
  add_refusal(table, Kind::value, op + ": average is not a valid value for reduction",
              [](const LossInputs& in) {
                Options o;
                o.reduction = std::string("average");
                function(in[0], in[1], o);
              },
              {x, t});
}

/// What a loss refuses whose prediction and target must have one shape.
template <class Options, auto function>
void refuse_shapes_that_differ(std::vector<LossRefusal>& table, const std::string& op) {
  using Kind = LossRefusal::Kind;
  using slope::Tensor;
  const auto call = [](const LossInputs& in) { function(in[0], in[1], Options()); };
  add_refusal(table, Kind::shape,
              op + ": prediction [4, 1] and target [4] differ in shape; did you mean target.unsqueeze(1)?", call,
              {numbers({4, 1}, 1), constants({4}, 2)});
  add_refusal(table, Kind::shape,
              op + ": prediction [4] and target [4, 1] differ in shape; did you mean target.squeeze(1)?", call,
              {numbers({4}, 1), constants({4, 1}, 2)});
  add_refusal(table, Kind::shape, op + ": prediction [2, 3] and target [3] differ in shape; reshape one", call,
              {numbers({2, 3}, 1), constants({3}, 2)});
  add_refusal(table, Kind::shape, op + ": prediction [] and target [1] differ in shape", call,
              {numbers({}, 1), constants({1}, 2)});
  add_refusal(table, Kind::value, op + ": the target is an undefined tensor", call, {numbers({2, 3}, 1), Tensor()});
}

/// What a loss refuses whose prediction and target broadcast.
template <class Options, auto function>
void refuse_shapes_that_do_not_broadcast(std::vector<LossRefusal>& table, const std::string& op) {
  using Kind = LossRefusal::Kind;
  using slope::Tensor;
  const auto call = [](const LossInputs& in) { function(in[0], in[1], Options()); };
  add_refusal(table, Kind::shape,
              op + ": The size of tensor a (3) must match the size of tensor b (2) at non-singleton dimension 1", call,
              {numbers({2, 3}, 1), constants({2}, 2)});
  add_refusal(table, Kind::shape, op + ": The size of tensor a (2) must match the size of tensor b (5)", call,
              {numbers({2, 3}, 1), constants({5, 3}, 2)});
  add_refusal(table, Kind::value, op + ": the target is an undefined tensor", call, {numbers({2, 3}, 1), Tensor()});
}
