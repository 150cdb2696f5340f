#pragma once

#include <functional>
#include <string>
#include <vector>

#include "slope/autograd/tensor/tensor.h"

// One table of differentiable operations with sample inputs. Every sweep runs over all of it: a new operation adds rows here and is
// checked for first and second derivatives, layouts, dtypes, thread counts and empty inputs.

struct OpSample {
  using Function = std::function<slope::Tensor(const std::vector<slope::Tensor>&)>;

  std::string name;
  Function function;
  /// Shapes of the inputs, and the interval their values are drawn from: away from kinks.
  std::vector<slope::Shape> shapes;
  double low = -2, high = 2;
  /// Whether the second derivative exists and is checked.
  bool twice = true;
  /// Whether the operation takes inputs of any shape, so that empty and 0-d ones can be tried.
  bool any_shape = false;
};

const std::vector<OpSample>& op_table();

/// Deterministic float64 leaves for a sample; no two values of an input agree.
std::vector<slope::Tensor> sample_inputs(const OpSample& sample, std::uint64_t seed = 1);
