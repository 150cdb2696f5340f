// The training step as one writes it in C: sample after sample, in the layout in which they come, and Adam.
#include "limit_focal.h"

namespace focal = compare::focal;

namespace {

struct Training : focal::Parameters<focal::parameters> {
  focal::Points points = focal::make_points();
  std::vector<std::int64_t> rows = points.training_rows;

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
    const auto [value, slope] = focal::loss_of_score(z, u);
    const float d = weight * slope;
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
    return weight * value;
  }
};

const compare::Registered registered([] {
  for (const char* how : focal::forms)
    compare::limit_works().add(focal::plain_name(how), focal::work_of_training<Training>);
});

}  // namespace
