// The small layer as plain loops.
#include <algorithm>
#include <memory>

#include "harness.h"
#include "op.h"

using namespace compare::op;

namespace {

struct Layer {
  std::vector<float> x = input(), w = weight(), b = bias();
  std::vector<float> y = std::vector<float>(batch * out_features), dx = x, dw = w, db = b;
  volatile double result = 0;

  double forward() {
    double total = 0;
    for (std::int64_t i = 0; i < batch; ++i)
      for (std::int64_t j = 0; j < out_features; ++j) {
        float sum = b[static_cast<std::size_t>(j)];
        for (std::int64_t k = 0; k < in_features; ++k) sum += x[at(i, k)] * w[at(j, k)];
        y[static_cast<std::size_t>(i * out_features + j)] = sum;
      }
    for (const float v : y) total += static_cast<double>(v);
    return total;
  }

  /// Of the sum of all results: 1 for each of them.
  void backward() {
    std::fill(dw.begin(), dw.end(), 0.f);
    std::fill(db.begin(), db.end(), static_cast<float>(batch));
    for (std::int64_t i = 0; i < batch; ++i)
      for (std::int64_t k = 0; k < in_features; ++k) {
        float sum = 0;
        for (std::int64_t j = 0; j < out_features; ++j) {
          sum += w[at(j, k)];
          dw[at(j, k)] += x[at(i, k)];
        }
        dx[at(i, k)] = sum;
      }
  }

 private:
  static std::size_t at(std::int64_t row, std::int64_t k) { return static_cast<std::size_t>(row * in_features + k); }
};

const compare::Registered registered([] {
  compare::limit_works().add("op/linear_4_8_batch_100/fwd", []() -> compare::Work {
    const auto layer = std::make_shared<Layer>();
    return {.run = [=] { layer->result = layer->forward(); },
            .check =
                [=] {
                  layer->forward();
                  return compare::magnitude(layer->y);
                }};
  });
  compare::limit_works().add("op/linear_4_8_batch_100/fwd+bwd", []() -> compare::Work {
    const auto layer = std::make_shared<Layer>();
    return {.run =
                [=] {
                  layer->result = layer->forward();
                  layer->backward();
                },
            .check =
                [=] {
                  const double sum = layer->forward();
                  layer->backward();
                  return sum + compare::magnitude(layer->dw) + compare::magnitude(layer->db) +
                         compare::magnitude(layer->dx);
                }};
  });
});

}  // namespace
