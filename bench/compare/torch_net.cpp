#include "net.h"
#include "torch_data.h"

namespace F = torch::nn::functional;
namespace net = compare::net;
using bench::Work;
using compare::torch_tensor;
using torch::Tensor;

namespace {

torch::nn::Conv2dOptions convolution(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride = 1) {
  return torch::nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false);
}
/// In place, as one writes it where nothing else needs what it gets.
torch::nn::ReLU in_place() { return torch::nn::ReLU(torch::nn::ReLUOptions(true)); }

torch::nn::Sequential mnist_cnn() {
  using namespace net::mnist;
  return torch::nn::Sequential(torch::nn::Conv2d(torch::nn::Conv2dOptions(1, channels1, 3)), in_place(),
                               torch::nn::Conv2d(torch::nn::Conv2dOptions(channels1, channels2, 3)), in_place(),
                               torch::nn::MaxPool2d(2), torch::nn::Flatten(),
                               torch::nn::Linear(channels2 * pooled * pooled, hidden), in_place(),
                               torch::nn::Linear(hidden, classes));
}

struct ResidualBlock : torch::nn::Module {
  torch::nn::Conv2d conv1, conv2;
  torch::nn::BatchNorm2d norm1, norm2;
  torch::nn::Sequential shortcut;
  ResidualBlock(std::int64_t in, std::int64_t out, std::int64_t stride)
      : conv1(convolution(in, out, 3, stride)), conv2(convolution(out, out, 3)), norm1(out), norm2(out) {
    register_module("conv1", conv1);
    register_module("conv2", conv2);
    register_module("norm1", norm1);
    register_module("norm2", norm2);
    register_module("shortcut", shortcut);
    if (stride == 1 && in == out) return;
    shortcut->push_back(torch::nn::Conv2d(convolution(in, out, 1, stride)));
    shortcut->push_back(torch::nn::BatchNorm2d(out));
  }
  Tensor forward(const Tensor& x) {
    Tensor y = norm2(conv2(norm1(conv1(x)).relu_()));
    y += shortcut->is_empty() ? x : shortcut->forward(x);
    return y.relu_();
  }
};

torch::nn::Sequential resnet20() {
  using namespace net::resnet;
  torch::nn::Sequential all(torch::nn::Conv2d(convolution(colours, widths[0], 3)), torch::nn::BatchNorm2d(widths[0]),
                            in_place());
  std::int64_t in = widths[0];
  for (const std::int64_t out : widths)
    for (std::int64_t i = 0; i < blocks; ++i) {
      all->push_back(std::make_shared<ResidualBlock>(in, out, i == 0 && out != widths[0] ? 2 : 1));
      in = out;
    }
  all->push_back(torch::nn::AdaptiveAvgPool2d(1));
  all->push_back(torch::nn::Flatten());
  all->push_back(torch::nn::Linear(in, classes));
  return all;
}

struct CharacterLSTM : torch::nn::Module {
  torch::nn::Embedding letters{net::letters::count, net::letters::width};
  torch::nn::LSTM lstm{net::letters::width, net::letters::hidden};
  torch::nn::Linear next{net::letters::hidden, net::letters::count};
  CharacterLSTM() {
    register_module("letters", letters);
    register_module("lstm", lstm);
    register_module("next", next);
  }
  Tensor forward(const Tensor& x) { return next(std::get<0>(lstm(letters(x)))); }
};

struct Block : torch::nn::Module {
  static constexpr std::int64_t width = net::gpt::width, heads = net::gpt::heads, head = width / heads;
  torch::nn::LayerNorm norm1{torch::nn::LayerNormOptions({width})}, norm2{torch::nn::LayerNormOptions({width})};
  torch::nn::Linear qkv{width, 3 * width}, out{width, width}, wide{width, 4 * width}, narrow{4 * width, width};
  /// What a position may not see: those behind it.
  Tensor hidden = torch::ones({net::gpt::positions, net::gpt::positions}, torch::kBool).triu(1);
  Block() {
    register_module("norm1", norm1);
    register_module("norm2", norm2);
    register_module("qkv", qkv);
    register_module("out", out);
    register_module("wide", wide);
    register_module("narrow", narrow);
    register_buffer("hidden", hidden);
  }
  /// This version has no scaled_dot_product_attention: the query is scaled, which is smaller than the scores, and these are masked in place.
  Tensor forward(const Tensor& x) {
    const std::int64_t n = x.size(0), length = x.size(1);
    const std::vector<Tensor> parts = qkv(norm1(x)).view({n, length, 3, heads, head}).permute({2, 0, 3, 1, 4}).unbind();
    Tensor scores = torch::matmul(parts[0] * (1 / std::sqrt(static_cast<double>(head))), parts[1].transpose(-2, -1));
    scores.masked_fill_(hidden, -std::numeric_limits<float>::infinity());
    const Tensor seen = torch::matmul(torch::softmax(scores, -1), parts[2]);
    const Tensor y = x + out(seen.transpose(1, 2).reshape({n, length, width}));
    return y + narrow(torch::gelu(wide(norm2(y))));
  }
};

struct GPT : torch::nn::Module {
  torch::nn::Embedding words{net::gpt::words, net::gpt::width}, places{net::gpt::positions, net::gpt::width};
  torch::nn::Sequential blocks;
  torch::nn::LayerNorm norm{torch::nn::LayerNormOptions({net::gpt::width})};
  torch::nn::Linear head{torch::nn::LinearOptions(net::gpt::width, net::gpt::words).bias(false)};
  GPT() {
    register_module("words", words);
    register_module("places", places);
    register_module("blocks", blocks);
    register_module("norm", norm);
    register_module("head", head);
    for (std::int64_t i = 0; i < net::gpt::layers; ++i) blocks->push_back(std::make_shared<Block>());
  }
  Tensor forward(const Tensor& x) { return head(norm(blocks->forward(words(x) + places(torch::arange(x.size(1)))))); }
};

struct Tabular : torch::nn::Module {
  std::vector<torch::nn::Embedding> embeddings;
  torch::nn::BatchNorm1d norm{net::tabular::numbers};
  torch::nn::Sequential layers;
  Tabular() {
    for (const auto& [categories, width] : net::tabular::columns)
      embeddings.push_back(
          register_module("embeddings" + std::to_string(embeddings.size()), torch::nn::Embedding(categories, width)));
    register_module("norm", norm);
    register_module("layers", layers);
    std::int64_t in = net::tabular::embedded() + net::tabular::numbers;
    for (const std::int64_t out : net::tabular::hidden) {
      layers->push_back(torch::nn::Linear(in, out));
      layers->push_back(in_place());
      layers->push_back(torch::nn::BatchNorm1d(out));
      in = out;
    }
    layers->push_back(torch::nn::Linear(in, 1));
  }
  Tensor forward(const Tensor& values, const std::vector<Tensor>& categories) {
    std::vector<Tensor> parts;
    for (std::size_t i = 0; i < categories.size(); ++i) parts.push_back(embeddings[i]->forward(categories[i]));
    parts.push_back(norm(values));
    return layers->forward(torch::cat(parts, 1)).squeeze(1);
  }
};

/// With `forward(module)` as what is computed of the samples and `loss_of` that.
template <class Optimizer, class Options, class Module, class Forward, class Loss>
Work work_of(const std::shared_ptr<Module>& module, const Options& options, bool training, const Forward& forward,
             const Loss& loss_of) {
  std::size_t i = 0;
  for (const auto& p : module->named_parameters()) {
    const std::vector<float> initial =
        net::parameter(i++, p.key(), p.value().size(0), p.value().numel(), p.value().dim() == 1);
    std::copy(initial.begin(), initial.end(), p.value().template data_ptr<float>());
  }
  if (!training) {
    module->eval();
    const auto predict = [=] {
      torch::NoGradGuard no_grad;
      return forward(*module);
    };
    return {.run = [=] { (void)predict(); },
            .check = [=] { return compare::magnitude(predict()); },
            .tolerance = net::tolerance};
  }
  const auto optimizer = std::make_shared<Optimizer>(module->parameters(), options);
  const auto step = [=] {
    optimizer->zero_grad();
    Tensor loss = loss_of(forward(*module));
    loss.backward();
    optimizer->step();
    return loss;
  };
  const auto check = [=] {
    double sum = step().item().toDouble();
    double gradients = 0;
    for (const Tensor& p : module->parameters()) gradients += compare::magnitude(p.grad());
    sum += std::log(gradients);
    for (int steps = 1; steps < net::check_steps; ++steps) sum += step().item().toDouble();
    return sum;
  };
  return {.run = [=] { (void)step(); }, .check = check, .tolerance = net::tolerance};
}

}  // namespace

Work net::torch_net(const Net& n, bool training) {
  const std::int64_t samples = training ? n.batch : 1;
  const auto sgd = torch::optim::SGDOptions(n.rate).momentum(momentum);
  const auto adam = torch::optim::AdamOptions(n.rate);
  const auto classes_of = [](const Tensor& t) { return [=](const Tensor& y) { return F::cross_entropy(y, t); }; };
  const auto letters_of = [](const Tensor& t) {
    return [=](const Tensor& y) { return F::cross_entropy(y.flatten(0, 1), t); };
  };
  switch (n.kind) {
    case Kind::mnist_cnn: {
      const Tensor x = torch_tensor(mnist::images(samples), {samples, 1, mnist::size, mnist::size});
      return work_of<torch::optim::SGD>(
          mnist_cnn().ptr(), sgd, training, [=](torch::nn::SequentialImpl& m) { return m.forward(x); },
          classes_of(torch_tensor(mnist::labels(samples), {samples})));
    }
    case Kind::resnet20: {
      const Tensor x = torch_tensor(resnet::images(samples), {samples, resnet::colours, resnet::size, resnet::size});
      return work_of<torch::optim::SGD>(
          resnet20().ptr(), sgd, training, [=](torch::nn::SequentialImpl& m) { return m.forward(x); },
          classes_of(torch_tensor(resnet::labels(samples), {samples})));
    }
    case Kind::character_lstm: {
      const Tensor x = torch_tensor(letters::text(samples), {letters::steps, samples});
      return work_of<torch::optim::Adam>(
          std::make_shared<CharacterLSTM>(), adam, training, [=](CharacterLSTM& m) { return m.forward(x); },
          letters_of(torch_tensor(letters::next(samples), {letters::steps * samples})));
    }
    case Kind::gpt: {
      const Tensor x = torch_tensor(gpt::text(samples), {samples, gpt::positions});
      return work_of<torch::optim::AdamW>(
          std::make_shared<GPT>(), torch::optim::AdamWOptions(n.rate).weight_decay(decay), training,
          [=](GPT& m) { return m.forward(x); },
          letters_of(torch_tensor(gpt::next(samples), {samples * gpt::positions})));
    }
    case Kind::tabular: {
      std::vector<Tensor> categories;
      for (std::size_t i = 0; i < std::size(tabular::columns); ++i)
        categories.push_back(torch_tensor(tabular::categories(i, samples), {samples}));
      const Tensor x = torch_tensor(tabular::values(samples), {samples, tabular::numbers});
      const Tensor t = torch_tensor(tabular::answers(samples), {samples});
      return work_of<torch::optim::Adam>(
          std::make_shared<Tabular>(), adam, training, [=](Tabular& m) { return m.forward(x, categories); },
          [=](const Tensor& y) { return F::binary_cross_entropy_with_logits(y, t); });
    }
  }
  return {};
}
