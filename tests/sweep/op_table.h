#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "slope/autograd/tensor/tensor.h"

// One table of differentiable operations with sample inputs. Every sweep runs over all of it: a new operation adds rows
// here and is checked for first and second derivatives, layouts, dtypes, thread counts, zero cotangents and undefined
// inputs. A function of the headers in autograd/ops without a row fails a test.

using Inputs = std::vector<slope::Tensor>;

struct OpSample {
  using Function = std::function<slope::Tensor(const Inputs&)>;

  /// The operation, and behind a slash what is special about this sample: "sum", "sum/keepdim".
  std::string name;
  Function function;
  /// Shapes of the inputs, and the interval their values are drawn from: away from kinks.
  std::vector<slope::Shape> shapes;
  double low = -2, high = 2;
  /// Whether the second derivative exists and is checked.
  bool twice = true;
  /// Whether the operation takes inputs of any shape, so that empty and 0-d ones can be tried.
  bool any_shape = false;
  /// Whether a zero cotangent stays zero whatever the inputs. BLAS multiplies 0 by infinity.
  bool zero_stays = true;

  std::string operation() const { return name.substr(0, name.find('/')); }
  std::string title() const {
    std::string t = name;
    for (const slope::Shape& shape : shapes) t += " " + to_text(shape);
    return t;
  }
};

using OpTable = std::vector<OpSample>;

// The families, each in a file of its own.
void add_unary(OpTable& table);
void add_binary(OpTable& table);
void add_formulas(OpTable& table);
void add_reductions(OpTable& table);
void add_movement(OpTable& table);
void add_joins(OpTable& table);
void add_indexing(OpTable& table);
void add_products(OpTable& table);
void add_normalization(OpTable& table);
void add_pooling(OpTable& table);
void add_in_place(OpTable& table);

const OpTable& op_table();

/// Deterministic float64 leaves for a sample; no two values of an input agree.
Inputs sample_inputs(const OpSample& sample, std::uint64_t seed = 1);
