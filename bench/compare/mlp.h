#pragma once

#include <cmath>

#include "data.h"

/// A training step of the net 784-512-256-10 with ReLU, on 128 samples: cross entropy, then SGD with momentum or Adam.
namespace compare::mlp {

inline constexpr std::int64_t batch = 128, widths[] = {784, 512, 256, 10}, layers = 3;
inline constexpr double sgd_rate = 0.01, momentum = 0.9, adam_rate = 1e-3;
/// Steps whose losses are compared.
inline constexpr int check_steps = 3;

inline std::vector<float> input() { return normals(batch * widths[0], 1); }
inline std::vector<std::int64_t> labels() { return integers(batch, 2, 0, widths[layers]); }
/// Tensor i of weight, bias, weight, bias, ...
inline std::vector<float> parameter(std::size_t i, std::int64_t n) {
  const float bound = 1 / std::sqrt(static_cast<float>(widths[i / 2]));
  return uniforms(n, static_cast<unsigned>(10 + i), -bound, bound);
}

}  // namespace compare::mlp
