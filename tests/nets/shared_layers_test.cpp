#include <boost/test/unit_test.hpp>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "slope/slope.h"

// Threads may call one layer at the same time, each with an input of its own, while its parameters stay as they are. Every family of
// layers is called so; the thread sanitizer tells what they share.

using namespace slope;

namespace {

struct Shared {
  std::string name;
  std::shared_ptr<nn::Module> layer;
  Shape input;
  std::function<Tensor(nn::Module&, const Tensor&)> call = [](nn::Module& m, const Tensor& x) { return m(x); };
};

template <class Layer>
Shared shared(std::string name, Layer layer, Shape input) {
  return {std::move(name), std::make_shared<Layer>(std::move(layer)), input};
}

std::vector<Shared> all() {
  nn::Linear normed(4, 4);
  nn::utils::parametrizations::weight_norm(normed);
  std::vector<Shared> list;
  list.push_back(shared("Linear", nn::Linear(4, 3), {2, 4}));
  list.push_back(shared("Linear with weight_norm", std::move(normed), {2, 4}));
  list.push_back(shared("PReLU", nn::PReLU(), {2, 4}));
  list.push_back(shared("Conv2d", nn::Conv2d(4, 8, 3, {.padding = 1}), {2, 4, 9, 9}));
  list.push_back(shared("Conv2d, depthwise", nn::Conv2d(4, 4, 3, {.stride = 2, .groups = 4}), {2, 4, 9, 9}));
  list.push_back(shared("ConvTranspose2d", nn::ConvTranspose2d(4, 3, 3, {.stride = 2}), {2, 4, 5, 5}));
  list.push_back(shared("MaxPool2d", nn::MaxPool2d(2), {2, 4, 8, 8}));
  list.push_back(shared("AvgPool2d", nn::AvgPool2d(2), {2, 4, 8, 8}));
  list.push_back(shared("AdaptiveAvgPool2d", nn::AdaptiveAvgPool2d({2, 3}), {2, 4, 8, 8}));
  list.push_back(
      shared("Upsample", nn::Upsample({.scale_factor = 2, .mode = nn::InterpolateMode::bilinear}), {2, 4, 4, 4}));
  list.push_back(shared("ReflectionPad2d", nn::ReflectionPad2d(1), {2, 4, 4, 4}));
  list.push_back(shared("Unfold", nn::Unfold(2), {2, 4, 4, 4}));
  list.push_back(shared("BatchNorm2d", nn::BatchNorm2d(4), {2, 4, 4, 4}));
  list.push_back(shared("GroupNorm", nn::GroupNorm(2, 4), {2, 4, 4, 4}));
  list.push_back(shared("LayerNorm", nn::LayerNorm(4), {2, 4}));
  list.push_back(shared("LocalResponseNorm", nn::LocalResponseNorm(2), {2, 4, 4, 4}));
  list.push_back(shared("LSTM", nn::LSTM(4, 5, {.num_layers = 2, .bidirectional = true}), {3, 2, 4}));
  list.push_back(shared("GRU", nn::GRU(4, 5), {3, 2, 4}));
  list.push_back(
      shared("TransformerEncoderLayer", nn::TransformerEncoderLayer(4, 2, {.dim_feedforward = 8}), {3, 2, 4}));
  list.push_back(shared("PositionalEncoding", nn::PositionalEncoding(4), {3, 2, 4}));
  for (const Shared& s : list) {
    s.layer->eval();
    for (const Tensor& p : s.layer->parameters()) p.requires_grad_(false);
  }
  return list;
}

struct Result {
  Tensor y, gradient;
};
Result run(const Shared& s, std::uint64_t seed) {
  Generator gen(seed);
  const Tensor x = randn(s.input, {.requires_grad = true}, gen);
  const Tensor y = s.call(*s.layer, x);
  y.sum().backward();
  return {y.detach(), x.grad()};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(shared_layers)

BOOST_AUTO_TEST_CASE(threads_call_one_layer_at_the_same_time) {
  constexpr std::size_t threads = 4;
  for (const Shared& s : all()) {
    std::vector<Result> alone, together(threads);
    for (std::size_t i = 0; i < threads; ++i) alone.push_back(run(s, i));
    std::vector<std::thread> team;
    for (std::size_t i = 0; i < threads; ++i)
      team.emplace_back([&, i] {
        for (int round = 0; round < 5; ++round) together[i] = run(s, i);
      });
    for (std::thread& t : team) t.join();
    for (std::size_t i = 0; i < threads; ++i) {
      BOOST_TEST((alone[i].y == together[i].y).all().item<bool>(), s.name);
      BOOST_TEST((alone[i].gradient == together[i].gradient).all().item<bool>(), s.name << ", gradient");
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
