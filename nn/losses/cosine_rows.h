#pragma once

#include <cmath>

#include "slope/nn/losses/row_loss.h"

namespace slope::nn::detail {

/// What functions of the angle between two rows a, b share: Σab, Σa², Σb², and the gradient
/// ∂a = c0·b - c1·a, ∂b = c0·a - c2·b.
struct CosineRows {
  static constexpr int operands = 2, terms = 3, coefficients = 3;

  template <class Sum, class V, class Keep>
  void add(Sum* sum, const V* x, const Keep& keep) const {
    const V a = keep(x[0]), b = keep(x[1]);
    sum[0].add_product(a, b);
    sum[1].add_product(a, a);
    sum[2].add_product(b, b);
  }
  template <class V>
  void gradient(const V* x, const V* c, V* d) const {
    d[0] = c[0] * x[1] - c[1] * x[0];
    d[1] = c[0] * x[0] - c[2] * x[1];
  }
};

}  // namespace slope::nn::detail
