#pragma once

#include <cmath>
#include <string>
#include <utility>

#include "data.h"

/// Recurrent layers over sequences of one length, without and with backward. Backward reaches the input and all weights.
namespace compare::recurrence {

struct Case {
  const char* cell;  // rnn, lstm or gru
  std::int64_t layers, steps, batch, in, hidden;

  std::int64_t gates() const {
    const std::string name = cell;
    return name == "lstm" ? 4 : name == "gru" ? 3 : 1;
  }
  std::string name() const {
    // Appended piece by piece: of `"_" + std::to_string(n)` GCC 12 warns at -O3 that it overlaps itself.
    std::string text = "layer/";
    text.append(cell);
    if (layers > 1) text.append("_").append(std::to_string(layers)).append("_layers");
    for (const auto& [letter, n] : {std::pair{"_t", steps}, {"_n", batch}, {"_", in}, {"_", hidden}})
      text.append(letter).append(std::to_string(n));
    return text;
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
  static const std::vector<Case> all = {{"lstm", 1, 50, 32, 128, 256},
                                        {"gru", 1, 50, 32, 128, 256},
                                        {"rnn", 1, 50, 32, 128, 256},
                                        {"lstm", 2, 100, 1, 64, 128}};
  return all;
}

}  // namespace compare::recurrence
