#include "op_table.h"

#include "slope/autograd/core/random.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"

using namespace slope;

const OpTable& op_table() {
  static const OpTable table = [] {
    OpTable t;
    add_unary(t);
    add_binary(t);
    add_formulas(t);
    add_reductions(t);
    add_movement(t);
    add_joins(t);
    add_indexing(t);
    add_products(t);
    add_normalization(t);
    add_pooling(t);
    add_in_place(t);
    return t;
  }();
  return table;
}

Inputs sample_inputs(const OpSample& sample, std::uint64_t seed) {
  Generator g(seed);
  Inputs inputs;
  for (const Shape& shape : sample.shapes) {
    // Values in random order on a grid with jitter: away from each other, hence from ties.
    const std::int64_t n = checked_numel(shape, "sample");
    std::vector<std::int64_t> order(static_cast<std::size_t>(n));
    fill_randperm(order.data(), n, g);
    std::vector<double> values;
    for (std::int64_t i : order)
      values.push_back(sample.low + (sample.high - sample.low) *
                                        (static_cast<double>(i) + 0.25 + 0.5 * g.next_double()) /
                                        static_cast<double>(n));
    inputs.push_back(tensor(values, {.dtype = float64}).reshape(shape).clone().requires_grad_());
  }
  return inputs;
}
