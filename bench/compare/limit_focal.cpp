// The training step by hand, as fast as we can: forward, loss, backward, penalties and Adam as loops over the samples
// of a batch, which are held so that every loop is whole vectors.
#include "limit_focal.h"

namespace focal = compare::focal;

namespace {

// A batch, rounded up so that loops over it are whole vectors; the samples too many have no weight.
constexpr int width = 112;
using Row = float[width];

struct Training : focal::Parameters<64> {
  std::vector<float> x, y;
  std::vector<std::int64_t> rows;
  alignas(64) Row x0 = {}, x1 = {}, t = {}, weight = {};
  alignas(64) Row h1[4], h2[8], z, d, d1[4], d2[8];

  Training() {
    focal::Points p = focal::make_points();
    x = std::move(p.x);
    y = std::move(p.y);
    rows = std::move(p.training_rows);
  }

  /// Returns the sum of the losses of its steps.
  double epoch() {
    double sum = 0;
    for (std::int64_t at = 0; at < focal::training; at += focal::batch) {
      gather(at, std::min(focal::batch, focal::training - at));
      forward();
      sum += static_cast<double>(loss());
      backward();
      sum += static_cast<double>(penalties());
      adam();
    }
    return sum;
  }

  void gather(std::int64_t at, std::int64_t n) {
    for (int i = 0; i < width; ++i) weight[i] = i < n ? 1 / static_cast<float>(n) : 0.f;
    for (std::int64_t i = 0; i < n; ++i) {
      const auto row = static_cast<std::size_t>(rows[static_cast<std::size_t>(at + i)]);
      x0[i] = x[2 * row];
      x1[i] = x[2 * row + 1];
      t[i] = y[row];
    }
  }

  void forward() {
    for (int j = 0; j < 4; ++j)
      for (int i = 0; i < width; ++i)
        h1[j][i] = std::max(0.f, w[w1 + 2 * j] * x0[i] + w[w1 + 2 * j + 1] * x1[i] + w[b1 + j]);
    for (int j = 0; j < 8; ++j) {
      const float* a = w + w2 + 4 * j;
      for (int i = 0; i < width; ++i)
        h2[j][i] = std::max(0.f, a[0] * h1[0][i] + a[1] * h1[1][i] + a[2] * h1[2][i] + a[3] * h1[3][i] + w[b2 + j]);
    }
    for (int i = 0; i < width; ++i) {
      float sum = w[b3];
      for (int j = 0; j < 8; ++j) sum += w[w3 + j] * h2[j][i];
      z[i] = sum;
    }
  }

  /// Also sets d, the derivative by the last layer's scores.
  float loss() {
    float sum = 0;
    for (int i = 0; i < width; ++i) {
      const auto [value, slope] = focal::loss_of_score(z[i], t[i]);
      sum += weight[i] * value;
      d[i] = weight[i] * slope;
    }
    return sum;
  }

  static float dot(const Row& a, const Row& b) {
    float sum = 0;
    for (int i = 0; i < width; ++i) sum += a[i] * b[i];
    return sum;
  }
  static float total(const Row& a) {
    float sum = 0;
    for (int i = 0; i < width; ++i) sum += a[i];
    return sum;
  }

  void backward() {
    for (int j = 0; j < 8; ++j) {
      g[w3 + j] = dot(d, h2[j]);
      for (int i = 0; i < width; ++i) d2[j][i] = h2[j][i] > 0 ? w[w3 + j] * d[i] : 0.f;
      for (int k = 0; k < 4; ++k) g[w2 + 4 * j + k] = dot(d2[j], h1[k]);
      g[b2 + j] = total(d2[j]);
    }
    g[b3] = total(d);
    for (int k = 0; k < 4; ++k) {
      for (int i = 0; i < width; ++i) {
        float sum = 0;
        for (int j = 0; j < 8; ++j) sum += w[w2 + 4 * j + k] * d2[j][i];
        d1[k][i] = h1[k][i] > 0 ? sum : 0.f;
      }
      g[w1 + 2 * k] = dot(d1[k], x0);
      g[w1 + 2 * k + 1] = dot(d1[k], x1);
      g[b1 + k] = total(d1[k]);
    }
  }
};

const compare::Registered registered([] {
  for (const char* how : focal::forms)
    compare::limit_works().add(focal::step_name(how), focal::work_of_training<Training>);
});

}  // namespace
