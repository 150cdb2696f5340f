#pragma once

#include <functional>
#include <string>
#include <vector>

#include "slope/autograd/ops/reduce/reduction.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/random.h"
#include "slope/autograd/tensor/tensor.h"

// One table of losses: samples to be swept for derivatives, layouts, dtypes and thread counts, and calls that must be
// refused. Each family of losses fills its part; a new loss adds rows and is checked for all of it.

using LossInputs = std::vector<slope::Tensor>;

struct LossSample {
  using Function = std::function<slope::Tensor(const LossInputs&, slope::Reduction)>;

  /// Name of the function and of the options: "huber_loss, delta 0.5".
  std::string name;
  /// Calls the loss with the inputs in order. Losses without a reduction ignore the second argument.
  Function function;
  /// float64 tensors, away from kinks; those that require grad are differentiated, other floating ones and integers are
  /// constants. A copy is made before each use.
  LossInputs inputs;
  /// Whether there is a second derivative; otherwise differentiating twice must throw an AutogradError.
  bool twice = true;
  /// What it is reduced by.
  std::vector<slope::Reduction> reductions = {slope::Reduction::none, slope::Reduction::mean, slope::Reduction::sum};
};

const std::vector<LossSample>& loss_table();

/// A call that must throw before it has changed anything.
struct LossRefusal {
  enum class Kind { value, shape, dtype, index, autograd };
  Kind kind;
  /// A part of the text, from the name of the function on.
  std::string text;
  std::function<void(const LossInputs&)> call;
  LossInputs inputs;
};

const std::vector<LossRefusal>& loss_refusals();

/// float64 numbers between low and high without a pattern, no two alike; a leaf that requires grad.
inline slope::Tensor numbers(const slope::Shape& shape, double seed, double low = 0.1, double high = 0.9,
                             bool requires_grad = true) {
  slope::Generator g(static_cast<std::uint64_t>(seed * 1000) + 17);
  const slope::Tensor t = slope::rand(shape, {.dtype = slope::float64}, g);
  for (std::int64_t i = 0; i < t.numel(); ++i) t.data_ptr<double>()[i] = low + (high - low) * t.data_ptr<double>()[i];
  return t.requires_grad_(requires_grad);
}

/// The same as a constant.
inline slope::Tensor constants(const slope::Shape& shape, double seed, double low = 0.1, double high = 0.9) {
  return numbers(shape, seed, low, high, false);
}
