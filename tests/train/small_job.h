#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "slope/slope.h"

// A job small enough to follow by hand: ten training and six validation samples, batches of four, fixed weights.
namespace small_job {

using namespace slope;

/// The i-th number is (i * factor mod modulus) / modulus - 0.5.
inline Tensor numbers(std::int64_t count, std::int64_t factor, std::int64_t modulus) {
  std::vector<float> values;
  for (std::int64_t i = 0; i < count; ++i)
    values.push_back(
        static_cast<float>(static_cast<double>(i * factor % modulus) / static_cast<double>(modulus) - 0.5));
  return tensor(values);
}

struct Net : nn::Module {
  nn::Linear fc1 = add("fc1", nn::Linear(2, 4));
  nn::Linear fc2 = add("fc2", nn::Linear(4, 1));
  Net() {
    NoGradGuard no_grad;
    fc1.weight.copy_(numbers(8, 5, 9).reshape({4, 2}));
    fc1.bias.copy_(numbers(4, 3, 7) * 0.1);
    fc2.weight.copy_(numbers(4, 7, 5).reshape({1, 4}) + 0.3);
    fc2.bias.zero_();
  }
  Tensor forward(const Tensor& x) override { return sigmoid(fc2(relu(fc1(x)))); }
};

inline Tensor inputs() { return numbers(32, 7, 33).reshape({16, 2}) * 4; }
inline Tensor targets() {
  const Tensor x = inputs();
  return (x.select(1, 0) * x.select(1, 1) > 0).to(float32).reshape({16, 1});
}

struct Data {
  data::DataLoader train, valid;
  explicit Data(data::DataLoaderOptions options = {.batch_size = 4})
      : train(rows(0, 10), options), valid(rows(10, 16), {.batch_size = 4}) {}
  static data::TensorDataset rows(std::int64_t begin, std::int64_t end) {
    return {inputs().slice(0, begin, end), targets().slice(0, begin, end)};
  }
};

inline Tensor mean_absolute_error(const Tensor& y_pred, const Tensor& y_true) { return mean(abs(y_pred - y_true)); }

/// What a loop written by hand, without any of slope::train, measures in every epoch: loss, accuracy, val_loss,
/// val_accuracy as unweighted means over the batches, and the running means of loss and accuracy after every step.
struct ByHand {
  std::vector<std::vector<double>> epochs;
  std::vector<std::vector<std::vector<double>>> steps;
};

inline double share_right(const Tensor& y_pred, const Tensor& y_true) {
  const auto p = y_pred.to_vector<double>(), t = y_true.to_vector<double>();
  float right = 0;
  for (std::size_t i = 0; i < p.size(); ++i) right += (p[i] > 0.5) == (t[i] == 1);
  return right / static_cast<float>(p.size());
}

inline ByHand train_by_hand(Net& net, std::int64_t epochs, Data& data, double lr = 0.05) {
  ByHand out;
  optim::Adam adam(net.parameters(), {.lr = lr});
  for (std::int64_t epoch = 0; epoch < epochs; ++epoch) {
    double loss = 0, right = 0, batches = 0;
    out.steps.emplace_back();
    for (auto& [x, y] : data.train) {
      const Tensor p = net(x);
      const Tensor value = F::binary_cross_entropy(p, y);
      net.zero_grad();
      value.backward();
      adam.step();
      loss += value.item();
      right += share_right(p, y);
      ++batches;
      out.steps.back().push_back({loss / batches, right / batches});
    }
    double val_loss = 0, val_right = 0, val_batches = 0;
    NoGradGuard no_grad;
    for (auto& [x, y] : data.valid) {
      const Tensor p = net(x);
      val_loss += F::binary_cross_entropy(p, y).item();
      val_right += share_right(p, y);
      ++val_batches;
    }
    out.epochs.push_back({loss / batches, right / batches, val_loss / val_batches, val_right / val_batches});
  }
  return out;
}

}  // namespace small_job
