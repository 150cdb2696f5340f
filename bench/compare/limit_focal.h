#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>

#include "focal.h"
#include "harness.h"

/// What the two trainings by hand have in common.
namespace compare::focal {

/// The parameters with their gradients and Adam's averages, `Held` numbers each: those that are too many stay 0.
template <int Held>
struct Parameters {
  alignas(64) float w[Held] = {}, g[Held] = {}, m[Held] = {}, v[Held] = {};
  double beta1_power = 1, beta2_power = 1;

  // Where the layers' weights and biases begin.
  static constexpr int w1 = 0, b1 = 8, w2 = 12, b2 = 44, w3 = 52, b3 = 60;
  static_assert(b3 + 1 == parameters && Held >= parameters);

  Parameters() {
    const std::vector<float> initial = initial_parameters();
    std::copy(initial.begin(), initial.end(), w);
  }

  /// Returns their sum and adds their gradients.
  float penalties() {
    const float c = static_cast<float>(coefficient);
    float sum = 0;
    for (const auto& [begin, end] : {std::pair{w1, b1}, {w2, b2}, {w3, b3}})
      for (int i = begin; i < end; ++i) {
        sum += c * std::abs(w[i]) + 0.5f * c * w[i] * w[i];
        g[i] += c * (w[i] > 0 ? 1.f : w[i] < 0 ? -1.f : 0.f) + c * w[i];
      }
    return sum;
  }

  void adam() {
    beta1_power *= 0.9;
    beta2_power *= 0.999;
    const float step = static_cast<float>(learning_rate / (1 - beta1_power));
    const float root = static_cast<float>(1 / std::sqrt(1 - beta2_power));
    for (int i = 0; i < Held; ++i) {
      m[i] = 0.9f * m[i] + 0.1f * g[i];
      v[i] = 0.999f * v[i] + 0.001f * g[i] * g[i];
      w[i] -= step * m[i] / (std::sqrt(v[i]) * root + 1e-8f);
    }
  }
};

/// The loss of one sample and its derivative by the score z, for the label u.
struct LossOfScore {
  float value, slope;
};
inline LossOfScore loss_of_score(float z, float u) {
  const float p = 1 / (1 + std::exp(-z));
  const float bce = -(u * std::max(std::log(p), -100.f) + (1 - u) * std::max(std::log(1 - p), -100.f));
  const float q = p + u - 2 * p * u, a = u * 0.75f + (1 - u) * 0.25f;
  const float by_p = a * (2 * q * (1 - 2 * u) * bce + q * q * (p - u) / std::max(p * (1 - p), 1e-12f));
  return {a * q * q * bce, by_p * p * (1 - p)};
}

/// `Training` has `rows` to shuffle and an `epoch()` that returns the sum of the losses of its steps.
template <class Training>
Work work_of_training() {
  const auto trained = std::make_shared<Training>();
  const auto random = std::make_shared<std::mt19937>(1);
  const auto run = [=] {
    std::shuffle(trained->rows.begin(), trained->rows.end(), *random);
    trained->epoch();
  };
  return {.run = run, .check = [] { return std::make_unique<Training>()->epoch(); }, .tolerance = tolerance};
}

}  // namespace compare::focal
