// The training step as one writes it in C: sample after sample, in the layout in which they come, and Adam.
#include <algorithm>
#include <cmath>
#include <memory>

#include "focal.h"
#include "harness.h"

namespace focal = compare::focal;

namespace {

struct Training {
  focal::Points points = focal::make_points();
  std::vector<std::int64_t> rows = points.training_rows;
  std::mt19937 random{1};
  float w[focal::parameters], g[focal::parameters], m[focal::parameters] = {}, v[focal::parameters] = {};
  double beta1_power = 1, beta2_power = 1;

  // Where the layers' parameters begin.
  static constexpr int w1 = 0, b1 = 8, w2 = 12, b2 = 44, w3 = 52, b3 = 60;

  Training() {
    const std::vector<float> initial = focal::initial_parameters();
    std::copy(initial.begin(), initial.end(), w);
  }

  /// Returns the sum of the losses of its steps.
  double epoch() {
    double sum = 0;
    for (std::int64_t at = 0; at < focal::training; at += focal::batch) {
      const std::int64_t n = std::min(focal::batch, focal::training - at);
      std::fill(std::begin(g), std::end(g), 0.f);
      float loss = 0;
      for (std::int64_t i = 0; i < n; ++i) {
        const auto row = static_cast<std::size_t>(rows[static_cast<std::size_t>(at + i)]);
        loss += sample(&points.x[2 * row], points.y[row], 1 / static_cast<float>(n));
      }
      sum += static_cast<double>(loss + penalties());
      adam();
    }
    return sum;
  }

  /// Adds to the gradients.
  float sample(const float* x, float u, float weight) {
    float h1[4], h2[8], d2[8], z = w[b3];
    for (int j = 0; j < 4; ++j) h1[j] = std::max(0.f, w[w1 + 2 * j] * x[0] + w[w1 + 2 * j + 1] * x[1] + w[b1 + j]);
    for (int j = 0; j < 8; ++j) {
      float sum = w[b2 + j];
      for (int k = 0; k < 4; ++k) sum += w[w2 + 4 * j + k] * h1[k];
      h2[j] = std::max(0.f, sum);
      z += w[w3 + j] * h2[j];
    }
    const float p = 1 / (1 + std::exp(-z));
    const float bce = -(u * std::max(std::log(p), -100.f) + (1 - u) * std::max(std::log(1 - p), -100.f));
    const float q = p + u - 2 * p * u, a = u * 0.75f + (1 - u) * 0.25f;
    const float by_p = a * (2 * q * (1 - 2 * u) * bce + q * q * (p - u) / std::max(p * (1 - p), 1e-12f));
    const float d = weight * by_p * p * (1 - p);
    for (int j = 0; j < 8; ++j) {
      g[w3 + j] += d * h2[j];
      d2[j] = h2[j] > 0 ? d * w[w3 + j] : 0.f;
      g[b2 + j] += d2[j];
      for (int k = 0; k < 4; ++k) g[w2 + 4 * j + k] += d2[j] * h1[k];
    }
    g[b3] += d;
    for (int k = 0; k < 4; ++k) {
      float d1 = 0;
      for (int j = 0; j < 8; ++j) d1 += d2[j] * w[w2 + 4 * j + k];
      if (h1[k] <= 0) d1 = 0;
      g[w1 + 2 * k] += d1 * x[0];
      g[w1 + 2 * k + 1] += d1 * x[1];
      g[b1 + k] += d1;
    }
    return weight * a * q * q * bce;
  }

  float penalties() {
    const float c = static_cast<float>(focal::coefficient);
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
    const float step = static_cast<float>(focal::learning_rate / (1 - beta1_power));
    const float root = static_cast<float>(1 / std::sqrt(1 - beta2_power));
    for (int i = 0; i < focal::parameters; ++i) {
      m[i] = 0.9f * m[i] + 0.1f * g[i];
      v[i] = 0.999f * v[i] + 0.001f * g[i] * g[i];
      w[i] -= step * m[i] / (std::sqrt(v[i]) * root + 1e-8f);
    }
  }
};

compare::Work by_hand() {
  const auto training = std::make_shared<Training>();
  const auto run = [=] {
    std::shuffle(training->rows.begin(), training->rows.end(), training->random);
    training->epoch();
  };
  return {.run = run, .check = [] { return std::make_unique<Training>()->epoch(); }, .tolerance = focal::tolerance};
}

const compare::Registered registered([] {
  for (const char* how : focal::forms) compare::limit_works().add(focal::plain_name(how), by_hand);
});

}  // namespace
