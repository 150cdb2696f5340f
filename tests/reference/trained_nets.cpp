// Trains three small nets in float64 with libtorch and writes what they hold and compute to trained_nets.jsonl, which
// tests/nets/trained_nets_test.cpp reads. Made with libtorch 1.13:
//
//     g++ -std=c++17 -O1 tests/reference/trained_nets.cpp -I/usr/include/torch/csrc/api/include -ltorch -ltorch_cpu -lc10 -o trained_nets
//     ./trained_nets > tests/data/trained_nets.jsonl
//
// A line is one net: its name, every tensor of its state dict after a few steps of SGD, an input, the output in evaluation mode, and
// the gradients of the sum of the output's squares there.
#include <torch/torch.h>

#include <iomanip>
#include <iostream>

namespace nn = torch::nn;
using torch::Tensor;

struct BlockImpl : nn::Module {
  nn::Conv2d conv1{nullptr}, conv2{nullptr};
  nn::BatchNorm2d bn1{nullptr}, bn2{nullptr};
  nn::Sequential downsample{nullptr};
  BlockImpl() {
    conv1 = register_module("conv1", nn::Conv2d(nn::Conv2dOptions(3, 4, 3).stride(2).padding(1).bias(false)));
    bn1 = register_module("bn1", nn::BatchNorm2d(4));
    conv2 = register_module("conv2", nn::Conv2d(nn::Conv2dOptions(4, 4, 3).padding(1).bias(false)));
    bn2 = register_module("bn2", nn::BatchNorm2d(4));
    downsample = register_module(
        "downsample", nn::Sequential(nn::Conv2d(nn::Conv2dOptions(3, 4, 1).stride(2).bias(false)), nn::BatchNorm2d(4)));
  }
  Tensor forward(const Tensor& x) {
    const Tensor y = bn2(conv2(torch::relu(bn1(conv1(x)))));
    return torch::relu(y + downsample->forward(x));
  }
};
TORCH_MODULE(Block);

struct RecurrentImpl : nn::Module {
  nn::LSTM lstm{nullptr};
  nn::Linear out{nullptr};
  RecurrentImpl() {
    lstm = register_module("lstm", nn::LSTM(nn::LSTMOptions(3, 4).num_layers(2).bidirectional(true).batch_first(true)));
    out = register_module("out", nn::Linear(8, 2));
  }
  Tensor forward(const Tensor& x) { return out(std::get<0>(lstm(x))); }
};
TORCH_MODULE(Recurrent);

struct EncoderImpl : nn::Module {
  nn::TransformerEncoder encoder{nullptr};
  EncoderImpl() {
    const auto layer =
        nn::TransformerEncoderLayer(nn::TransformerEncoderLayerOptions(8, 2).dim_feedforward(12).dropout(0.0));
    encoder = register_module("encoder", nn::TransformerEncoder(nn::TransformerEncoderOptions(layer, 2)));
  }
  Tensor forward(const Tensor& x) { return encoder(x); }
};
TORCH_MODULE(Encoder);

namespace {

void write(const Tensor& t) {
  const Tensor flat = t.detach().to(torch::kFloat64).contiguous().view(-1);
  std::cout << "{\"shape\": [";
  for (int64_t i = 0; i < t.dim(); ++i) std::cout << (i ? ", " : "") << t.size(i);
  std::cout << "], \"data\": [";
  for (int64_t i = 0; i < flat.numel(); ++i) std::cout << (i ? ", " : "") << flat[i].item<double>();
  std::cout << "]}";
}

template <class Tensors>
void write_all(const Tensors& named) {
  bool first = true;
  for (const auto& entry : named) {
    std::cout << (first ? "" : ", ") << '"' << entry.key() << "\": ";
    write(entry.value());
    first = false;
  }
}

template <class Net>
void record(const char* name, Net net, const std::vector<int64_t>& shape) {
  net->to(torch::kFloat64);
  torch::optim::SGD sgd(net->parameters(), torch::optim::SGDOptions(0.05).momentum(0.9));
  for (int step = 0; step < 10; ++step) {
    sgd.zero_grad();
    const Tensor y = net->forward(torch::randn(shape, torch::kFloat64));
    (y - torch::randn_like(y)).pow(2).mean().backward();
    sgd.step();
  }
  net->eval();
  net->zero_grad();
  const Tensor x = torch::randn(shape, torch::kFloat64).set_requires_grad(true);
  const Tensor y = net->forward(x);
  y.pow(2).sum().backward();
  std::cout << "{\"name\": \"" << name << "\", \"state\": {";
  write_all(net->named_parameters());
  const auto buffers = net->named_buffers();
  if (!buffers.is_empty()) std::cout << ", ";
  write_all(buffers);
  std::cout << "}, \"input\": ";
  write(x);
  std::cout << ", \"output\": ";
  write(y);
  std::cout << ", \"grads\": {\"input\": ";
  write(x.grad());
  for (const auto& p : net->named_parameters()) {
    std::cout << ", \"" << p.key() << "\": ";
    write(p.value().grad());
  }
  std::cout << "}}\n";
}

}  // namespace

int main() {
  torch::manual_seed(3);
  std::cout << std::setprecision(17);
  record("resnet_block", Block(), {4, 3, 6, 6});
  record("lstm", Recurrent(), {2, 5, 3});
  record("transformer_encoder", Encoder(), {5, 2, 8});
}
