#pragma once

#include <cmath>
#include <string>

#include "data.h"

/// Whole nets: a training step (zero_grad, forward, loss, backward, the optimizer's step) on a batch, and what one sample costs to
/// predict. Everything that makes up a net is said here once, for all who build it and for bench/memory.
namespace compare::net {

enum class Kind { mnist_cnn, resnet20, character_lstm, gpt, tabular };

struct Net {
  Kind kind;
  const char* name;
  const char* description;
  std::int64_t batch;
  /// Of the optimizer.
  double rate;
};

inline const std::vector<Net>& nets() {
  static const std::vector<Net> all = {
      {Kind::mnist_cnn, "mnist_cnn", "CNN for MNIST, batch 64, SGD", 64, 0.01},
      {Kind::resnet20, "resnet20", "ResNet-20 on 32x32 pixels, batch 32, SGD", 32, 0.01},
      {Kind::character_lstm, "character_lstm", "character LSTM, 100 steps, 256 wide, batch 32, Adam", 32, 5e-3},
      {Kind::gpt, "gpt", "GPT, 4 layers, 4 heads, 128 wide, 64 positions, batch 12, AdamW", 12, 1e-3},
      {Kind::tabular, "tabular", "net for tables, 8 embeddings, batch norm, batch 256, Adam", 256, 1e-3},
  };
  return all;
}

/// A training step of a batch, or the output for one sample without a graph, in evaluation mode.
inline std::string name_of(const Net& n, bool training) {
  return std::string("net/") + n.name + (training ? "/step" : "/one_sample");
}

/// Of nets that are trained by SGD.
inline constexpr double momentum = 0.9;
/// Of AdamW.
inline constexpr double decay = 0.01;
/// What is checked of a training: the losses of these steps, and the logarithm of the magnitude of the first one's gradients, which are
/// hundreds and would hide the losses. Later gradients are not: rounding grows by ten with each step where ReLU follows batch norm.
inline constexpr int check_steps = 5;
/// Of outputs and of trainings. Those who agree are within 1e-5; a rate that is wrong by 3 % is noticed.
inline constexpr double tolerance = 5e-5;

/// Parameter number i, in the order of registration: weights of norms are 1, other vectors small, the rest as large as 1/√(numbers in a
/// row) allows.
inline std::vector<float> parameter(std::size_t i, const std::string& name, std::int64_t rows, std::int64_t n,
                                    bool vector) {
  if (vector && name.ends_with("weight")) return std::vector<float>(static_cast<std::size_t>(n), 1.F);
  const float bound = vector ? 0.05F : 1 / std::sqrt(static_cast<float>(n / rows));
  return uniforms(n, static_cast<unsigned>(10 + i), -bound, bound);
}

/// Two convolutions 3x3 without padding, pooling, two linear layers, all with ReLU.
namespace mnist {
inline constexpr std::int64_t size = 28, channels1 = 32, channels2 = 64, pooled = (size - 4) / 2, hidden = 128,
                              classes = 10;
inline std::vector<float> images(std::int64_t n) { return normals(n * size * size, 1); }
inline std::vector<std::int64_t> labels(std::int64_t n) { return integers(n, 2, 0, classes); }
}  // namespace mnist

/// He et al. 2016, section 4.2: a convolution, three stages of three blocks, and 1x1 convolutions where the shape changes.
namespace resnet {
inline constexpr std::int64_t size = 32, colours = 3, blocks = 3, widths[] = {16, 32, 64}, classes = 10;
inline std::vector<float> images(std::int64_t n) { return normals(n * colours * size * size, 1); }
inline std::vector<std::int64_t> labels(std::int64_t n) { return integers(n, 2, 0, classes); }
}  // namespace resnet

/// Embedding, LSTM, and a linear layer for the letter behind each.
namespace letters {
inline constexpr std::int64_t steps = 100, count = 65, width = 64, hidden = 256;
/// (steps, n), and the letters behind them.
inline std::vector<std::int64_t> text(std::int64_t n) { return integers(steps * n, 1, 0, count); }
inline std::vector<std::int64_t> next(std::int64_t n) { return integers(steps * n, 2, 0, count); }
}  // namespace letters

/// Radford et al. 2019: norms before attention and before the two linear layers of each block, positions learned, no dropout.
namespace gpt {
inline constexpr std::int64_t layers = 4, heads = 4, width = 128, positions = 64, words = 65;
/// (n, positions), and the words behind them.
inline std::vector<std::int64_t> text(std::int64_t n) { return integers(n * positions, 1, 0, words); }
inline std::vector<std::int64_t> next(std::int64_t n) { return integers(n * positions, 2, 0, words); }
}  // namespace gpt

/// Guo and Berkhahn 2016: embeddings of categories beside numbers that are normalised, two hidden layers with ReLU and batch norm, and a
/// yes or no.
namespace tabular {
struct Column {
  std::int64_t categories, width;
};
inline constexpr Column columns[] = {{4, 2}, {7, 4}, {12, 6}, {24, 12}, {31, 16}, {52, 26}, {1000, 50}, {5000, 50}};
inline constexpr std::int64_t numbers = 16, hidden[] = {200, 100};
constexpr std::int64_t embedded() {
  std::int64_t sum = 0;
  for (const Column& c : columns) sum += c.width;
  return sum;
}
/// The categories (n) of column i.
inline std::vector<std::int64_t> categories(std::size_t i, std::int64_t n) {
  return integers(n, static_cast<unsigned>(1 + i), 0, columns[i].categories);
}
inline std::vector<float> values(std::int64_t n) { return normals(n * numbers, 30, 2); }
inline std::vector<float> answers(std::int64_t n) {
  std::vector<float> x = uniforms(n, 31);
  for (float& v : x) v = v < 0.5F ? 0.F : 1.F;
  return x;
}
}  // namespace tabular

/// Who builds it with slope, and who with libtorch.
bench::Work slope_net(const Net& n, bool training);
bench::Work torch_net(const Net& n, bool training);

}  // namespace compare::net
