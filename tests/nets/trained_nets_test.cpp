#include <boost/test/unit_test.hpp>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "slope/slope.h"
#include "support/test_data.h"

// Nets that were trained with libtorch (tests/reference/trained_nets.cpp) hold the same tensors under the same names here, and give the
// same numbers and gradients.

using namespace slope;
using Json = nlohmann::json;

namespace {

struct Block : nn::Module {
  nn::Conv2d conv1 = add("conv1", nn::Conv2d(3, 4, 3, {.stride = 2, .padding = 1, .bias = false}));
  nn::BatchNorm2d bn1 = add("bn1", nn::BatchNorm2d(4));
  nn::Conv2d conv2 = add("conv2", nn::Conv2d(4, 4, 3, {.padding = 1, .bias = false}));
  nn::BatchNorm2d bn2 = add("bn2", nn::BatchNorm2d(4));
  nn::Sequential downsample =
      add("downsample", nn::Sequential(nn::Conv2d(3, 4, 1, {.stride = 2, .bias = false}), nn::BatchNorm2d(4)));
  Tensor forward(const Tensor& x) override { return relu(bn2(conv2(relu(bn1(conv1(x))))) + downsample(x)); }
};

struct Recurrent : nn::Module {
  nn::LSTM lstm = add("lstm", nn::LSTM(3, 4, {.num_layers = 2, .batch_first = true, .bidirectional = true}));
  nn::Linear out = add("out", nn::Linear(8, 2));
  Tensor forward(const Tensor& x) override { return out(lstm(x).first); }
};

struct Encoder : nn::Module {
  nn::TransformerEncoder encoder = add(
      "encoder", nn::TransformerEncoder(nn::TransformerEncoderLayer(8, 2, {.dim_feedforward = 12, .dropout = 0.0}), 2));
  Tensor forward(const Tensor& x) override { return encoder(x); }
};

Tensor read(const Json& j) {
  return tensor(j.at("data").get<std::vector<double>>(), {.dtype = DType::float64})
      .reshape(Shape(j.at("shape").get<std::vector<std::int64_t>>()));
}

void check_close(const std::string& what, const Tensor& got, const Tensor& want) {
  BOOST_REQUIRE_MESSAGE(got.shape() == want.shape(), what << " has another shape");
  const std::vector<double> a = got.to_vector<double>(), b = want.to_vector<double>();
  for (std::size_t i = 0; i < a.size(); ++i)
    BOOST_TEST(std::abs(a[i] - b[i]) <= 1e-9 * (1 + std::abs(b[i])),
               what << "[" << i << "]: " << a[i] << ", recorded " << b[i]);
}

template <class Net>
void check(const std::string& name) {
  std::ifstream file(test_data() / "trained_nets.jsonl");
  Json record;
  for (std::string line; std::getline(file, line);)
    if (Json j = Json::parse(line); j.at("name") == name) record = std::move(j);
  BOOST_REQUIRE_MESSAGE(!record.is_null(), "no record " << name);

  Net net;
  net.to(DType::float64);
  nn::StateDict state;
  for (const auto& [key, value] : record.at("state").items())
    state.append(key, key.ends_with("num_batches_tracked") ? to(read(value), DType::int64) : read(value));
  net.load_state_dict(state);
  net.eval();
  const Tensor x = read(record.at("input")).requires_grad_();
  const Tensor y = net(x);
  check_close("the output", y, read(record.at("output")));
  sum(square(y)).backward();
  std::set<std::string> seen = {"input"};
  const Json& grads = record.at("grads");
  check_close("the gradient of the input", x.grad(), read(grads.at("input")));
  for (const auto& [key, p] : net.named_parameters()) {
    check_close("the gradient of " + key, p.grad(), read(grads.at(key)));
    seen.insert(key);
  }
  BOOST_TEST(seen.size() == grads.size());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(trained_nets)

BOOST_AUTO_TEST_CASE(a_residual_block_gives_the_recorded_numbers) { check<Block>("resnet_block"); }
BOOST_AUTO_TEST_CASE(a_recurrent_net_gives_the_recorded_numbers) { check<Recurrent>("lstm"); }
BOOST_AUTO_TEST_CASE(a_transformer_encoder_gives_the_recorded_numbers) { check<Encoder>("transformer_encoder"); }

BOOST_AUTO_TEST_SUITE_END()
