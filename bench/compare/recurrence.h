#pragma once

#include <cmath>
#include <string>

#include "data.h"

/// Recurrent layers over sequences of one length, without and with backward. Backward reaches the input and all weights.
namespace compare::recurrence {

struct Case {
  const char* cell;  // lstm or gru
  std::int64_t layers, steps, batch, in, hidden;

  std::int64_t gates() const { return std::string(cell) == "lstm" ? 4 : 3; }
  std::string name() const {
    return "layer/" + std::string(cell) + (layers == 1 ? "" : "_" + std::to_string(layers) + "_layers") + "_t" +
           std::to_string(steps) + "_n" + std::to_string(batch) + "_" + std::to_string(in) + "_" +
           std::to_string(hidden);
  }
  /// Of a forward.
  std::int64_t multiply_adds() const {
    const std::int64_t of_a_row = gates() * hidden * (in + hidden) + (layers - 1) * gates() * hidden * 2 * hidden;
    return steps * batch * of_a_row;
  }
  std::vector<float> input() const { return normals(steps * batch * in, 1); }
  std::vector<float> upstream() const { return normals(steps * batch * hidden, 2); }
  /// Parameter i in the order of weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, weight_ih_l1, ...
  std::vector<float> parameter(std::size_t i, std::int64_t n) const {
    const float bound = 1 / std::sqrt(static_cast<float>(hidden));
    return uniforms(n, static_cast<unsigned>(10 + i), -bound, bound);
  }
};

inline const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"lstm", 1, 50, 32, 128, 256}, {"gru", 1, 50, 32, 128, 256}, {"lstm", 2, 100, 1, 64, 128}};
  return all;
}

}  // namespace compare::recurrence
