#include "net.h"
#include "slope_data.h"

using namespace slope;
namespace net = compare::net;
using bench::Work;
using compare::slope_tensor;

namespace {

nn::Sequential mnist_cnn() {
  using namespace net::mnist;
  return nn::Sequential(nn::Conv2d(1, channels1, 3), nn::ReLU(), nn::Conv2d(channels1, channels2, 3), nn::ReLU(),
                        nn::MaxPool2d(2), nn::Flatten(), nn::Linear(channels2 * pooled * pooled, hidden), nn::ReLU(),
                        nn::Linear(hidden, classes));
}

struct ResidualBlock : nn::Module {
  nn::Conv2d conv1, conv2;
  nn::BatchNorm2d norm1, norm2;
  nn::Sequential shortcut = add("shortcut", nn::Sequential());
  ResidualBlock(std::int64_t in, std::int64_t out, std::int64_t stride)
      : conv1(add("conv1", nn::Conv2d(in, out, 3, {.stride = stride, .padding = 1, .bias = false}))),
        conv2(add("conv2", nn::Conv2d(out, out, 3, {.padding = 1, .bias = false}))),
        norm1(add("norm1", nn::BatchNorm2d(out))),
        norm2(add("norm2", nn::BatchNorm2d(out))) {
    if (stride == 1 && in == out) return;
    shortcut.push_back(nn::Conv2d(in, out, 1, {.stride = stride, .bias = false}));
    shortcut.push_back(nn::BatchNorm2d(out));
  }
  Tensor forward(const Tensor& x) override { return relu(norm2(conv2(relu(norm1(conv1(x))))) + shortcut(x)); }
};

nn::Sequential resnet20() {
  using namespace net::resnet;
  nn::Sequential all(nn::Conv2d(colours, widths[0], 3, {.padding = 1, .bias = false}), nn::BatchNorm2d(widths[0]),
                     nn::ReLU());
  std::int64_t in = widths[0];
  for (const std::int64_t out : widths)
    for (std::int64_t i = 0; i < blocks; ++i) {
      all.push_back(ResidualBlock(in, out, i == 0 && out != widths[0] ? 2 : 1));
      in = out;
    }
  all.push_back(nn::AdaptiveAvgPool2d(1));
  all.push_back(nn::Flatten());
  all.push_back(nn::Linear(in, classes));
  return all;
}

struct CharacterLSTM : nn::Module {
  nn::Embedding letters = add("letters", nn::Embedding(net::letters::count, net::letters::width));
  nn::LSTM lstm = add("lstm", nn::LSTM(net::letters::width, net::letters::hidden));
  nn::Linear next = add("next", nn::Linear(net::letters::hidden, net::letters::count));
  Tensor forward(const Tensor& x) override { return next(lstm(letters(x)).first); }
};

struct Block : nn::Module {
  static constexpr std::int64_t width = net::gpt::width, heads = net::gpt::heads;
  nn::LayerNorm norm1 = add("norm1", nn::LayerNorm(width)), norm2 = add("norm2", nn::LayerNorm(width));
  nn::Linear qkv = add("qkv", nn::Linear(width, 3 * width)), out = add("out", nn::Linear(width, width)),
             wide = add("wide", nn::Linear(width, 4 * width)), narrow = add("narrow", nn::Linear(4 * width, width));
  Tensor forward(const Tensor& x) override {
    const std::vector<Tensor> parts =
        qkv(norm1(x)).unflatten(2, {3, heads, width / heads}).permute({2, 0, 3, 1, 4}).unbind();
    const Tensor seen = F::scaled_dot_product_attention(parts[0], parts[1], parts[2], {.is_causal = true});
    const Tensor y = x + out(seen.transpose(1, 2).flatten(2));
    return y + narrow(gelu(wide(norm2(y))));
  }
};

struct GPT : nn::Module {
  nn::Embedding words = add("words", nn::Embedding(net::gpt::words, net::gpt::width)),
                places = add("places", nn::Embedding(net::gpt::positions, net::gpt::width));
  nn::Sequential blocks = add("blocks", nn::Sequential());
  nn::LayerNorm norm = add("norm", nn::LayerNorm(net::gpt::width));
  nn::Linear head = add("head", nn::Linear(net::gpt::width, net::gpt::words, {.bias = false}));
  GPT() {
    for (std::int64_t i = 0; i < net::gpt::layers; ++i) blocks.push_back(Block());
  }
  Tensor forward(const Tensor& x) override { return head(norm(blocks(words(x) + places(arange(x.size(1)))))); }
};

struct Tabular : nn::Module {
  nn::ModuleList embeddings = add("embeddings", nn::ModuleList());
  nn::BatchNorm1d norm = add("norm", nn::BatchNorm1d(net::tabular::numbers));
  nn::Sequential layers = add("layers", nn::Sequential());
  Tabular() {
    for (const auto& [categories, width] : net::tabular::columns)
      embeddings.push_back(nn::Embedding(categories, width));
    std::int64_t in = net::tabular::embedded() + net::tabular::numbers;
    for (const std::int64_t out : net::tabular::hidden) {
      layers.push_back(nn::Linear(in, out));
      layers.push_back(nn::ReLU());
      layers.push_back(nn::BatchNorm1d(out));
      in = out;
    }
    layers.push_back(nn::Linear(in, 1));
  }
  Tensor operator()(In values, const std::vector<Tensor>& categories) {
    return run(values, [&](const Tensor& x) {
      std::vector<Tensor> parts;
      for (std::size_t i = 0; i < categories.size(); ++i)
        parts.push_back(embeddings[static_cast<std::int64_t>(i)](categories[i]));
      parts.push_back(norm(x));
      return layers(cat(parts, 1)).squeeze(1);
    });
  }
};

/// With `forward(module)` as what is computed of the samples and `loss_of` that.
template <class Optimizer, class Options, class Module, class Forward, class Loss>
Work work_of(Module made, const Options& options, bool training, const Forward& forward, const Loss& loss_of) {
  const auto module = std::make_shared<Module>(std::move(made));
  std::size_t i = 0;
  for (const auto& [name, p] : module->named_parameters()) {
    const std::vector<float> initial = net::parameter(i++, name, p.size(0), p.numel(), p.dim() == 1);
    std::copy(initial.begin(), initial.end(), p.template data_ptr<float>());
  }
  if (!training) {
    module->eval();
    const auto predict = [=] {
      NoGradGuard no_grad;
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
    double sum = step().template item<double>();
    double gradients = 0;
    for (const Tensor& p : module->parameters()) gradients += compare::magnitude(p.grad());
    sum += std::log(gradients);
    for (int steps = 1; steps < net::check_steps; ++steps) sum += step().template item<double>();
    return sum;
  };
  return {.run = [=] { (void)step(); }, .check = check, .tolerance = net::tolerance};
}

}  // namespace

Work net::slope_net(const Net& n, bool training) {
  const std::int64_t samples = training ? n.batch : 1;
  const optim::SGDOptions sgd{.lr = n.rate, .momentum = momentum};
  const optim::AdamOptions adam{.lr = n.rate};
  const auto classes_of = [](const Tensor& t) { return [=](const Tensor& y) { return F::cross_entropy(y, t); }; };
  const auto letters_of = [](const Tensor& t) {
    return [=](const Tensor& y) { return F::cross_entropy(y.flatten(0, 1), t); };
  };
  switch (n.kind) {
    case Kind::mnist_cnn: {
      const Tensor x = slope_tensor(mnist::images(samples), {samples, 1, mnist::size, mnist::size});
      return work_of<optim::SGD>(
          mnist_cnn(), sgd, training, [=](nn::Sequential& m) { return m(x); },
          classes_of(slope_tensor(mnist::labels(samples), {samples})));
    }
    case Kind::resnet20: {
      const Tensor x = slope_tensor(resnet::images(samples), {samples, resnet::colours, resnet::size, resnet::size});
      return work_of<optim::SGD>(
          resnet20(), sgd, training, [=](nn::Sequential& m) { return m(x); },
          classes_of(slope_tensor(resnet::labels(samples), {samples})));
    }
    case Kind::character_lstm: {
      const Tensor x = slope_tensor(letters::text(samples), {letters::steps, samples});
      return work_of<optim::Adam>(
          CharacterLSTM(), adam, training, [=](CharacterLSTM& m) { return m(x); },
          letters_of(slope_tensor(letters::next(samples), {letters::steps * samples})));
    }
    case Kind::gpt: {
      const Tensor x = slope_tensor(gpt::text(samples), {samples, gpt::positions});
      return work_of<optim::AdamW>(
          GPT(), optim::AdamWOptions{.lr = n.rate, .weight_decay = decay}, training, [=](GPT& m) { return m(x); },
          letters_of(slope_tensor(gpt::next(samples), {samples * gpt::positions})));
    }
    case Kind::tabular: {
      std::vector<Tensor> categories;
      for (std::size_t i = 0; i < std::size(tabular::columns); ++i)
        categories.push_back(slope_tensor(tabular::categories(i, samples), {samples}));
      const Tensor x = slope_tensor(tabular::values(samples), {samples, tabular::numbers});
      const Tensor t = slope_tensor(tabular::answers(samples), {samples});
      return work_of<optim::Adam>(
          Tabular(), adam, training, [=](Tabular& m) { return m(x, categories); },
          [=](const Tensor& y) { return F::binary_cross_entropy_with_logits(y, t); });
    }
  }
  return {};
}
