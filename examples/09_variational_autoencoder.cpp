// A variational autoencoder (Kingma and Welling, 2013) of the 8x8 digits: it learns eight numbers that describe a digit, and draws
// digits nobody wrote from numbers drawn at random. A net of two parts, a loss of two terms, and random numbers in the middle.
#include <CLI/CLI.hpp>
#include <iostream>

#include "data/digits.h"

using namespace slope;

namespace {

struct Autoencoder : nn::Module {
  static constexpr std::int64_t latent = 8;
  nn::Linear encode = add("encode", nn::Linear(64, 256));
  nn::Linear mean = add("mean", nn::Linear(256, latent)), log_variance = add("log_variance", nn::Linear(256, latent));
  nn::Linear decode = add("decode", nn::Linear(latent, 256)), pixels = add("pixels", nn::Linear(256, 64));

  struct Result {
    Tensor logits, mean, log_variance;
  };
  Result reconstruct(const Tensor& x) {
    const Tensor h = relu(encode(flatten(x, 1)));
    const Tensor m = mean(h), v = log_variance(h);
    // Drawn as m + σ·ε, so that gradients reach m and σ.
    const Tensor z = is_training() ? m + exp(0.5 * v) * randn_like(m) : m;
    return {draw(z), m, v};
  }
  /// Logits of pixels for latent numbers.
  Tensor draw(const Tensor& z) { return pixels(relu(decode(z))).reshape({-1, 1, 8, 8}); }
};

/// The negative evidence lower bound per image: how badly pixels are predicted, and how far the latent numbers are from N(0, 1).
Tensor negative_elbo(const Autoencoder::Result& r, const Tensor& x) {
  const Tensor reconstruction = F::binary_cross_entropy_with_logits(r.logits, x, {.reduction = Reduction::sum});
  const Tensor divergence = -0.5 * sum(1 + r.log_variance - square(r.mean) - exp(r.log_variance));
  return (reconstruction + divergence) / static_cast<double>(x.size(0));
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t seed = 1;
  std::int64_t epochs = 60;
  std::string path = "examples/data/digits.csv", out = "out";
  bool no_plots = false;
  CLI::App app("A variational autoencoder of handwritten digits");
  app.add_option("--seed", seed, "of weights, order and latent numbers");
  app.add_option("--epochs", epochs, "passes over the training data")->check(CLI::Range(1, 100000));
  app.add_option("--data", path, "digits.csv");
  app.add_option("--out", out, "folder for pictures");
  app.add_flag("--no-plots", no_plots, "draw nothing");
  CLI11_PARSE(app, argc, argv);
  manual_seed(seed);

  const Digits digits = read_digits(path);
  const Digits training = digits.rows(0, 1500), held_out = digits.rows(1500, digits.images.size(0));
  data::DataLoader loader(data::TensorDataset(training.images, training.labels), {.batch_size = 50, .shuffle = true});
  Autoencoder net;
  optim::Adam adam(net.parameters(), {.lr = 2e-3});
  const auto judge = [&] {
    NoGradGuard no_grad;
    net.eval();
    const double value = negative_elbo(net.reconstruct(held_out.images), held_out.images).item<double>();
    net.train();
    return value;
  };
  const double before = judge();
  for (std::int64_t epoch = 1; epoch <= epochs; ++epoch) {
    double total = 0;
    for (auto& [x, label] : loader) {
      adam.zero_grad();
      const Tensor loss = negative_elbo(net.reconstruct(x), x);
      loss.backward();
      adam.step();
      total += loss.item<double>() * static_cast<double>(x.size(0));
    }
    if (epoch % 10 == 0)
      std::cout << "epoch " << epoch << ": -ELBO " << total / 1500 << ", held out " << judge() << "\n";
  }

  NoGradGuard no_grad;
  net.eval();
  const Tensor drawn = sigmoid(net.draw(randn({40, Autoencoder::latent})));
  if (!no_plots) {
    const Tensor some = narrow(held_out.images, 0, 0, 20);
    const Tensor pairs = cat({some, sigmoid(net.reconstruct(some).logits)});
    train::save_figure(
        {.panels = {mosaic(pairs, 10, "written, and as reconstructed below"), mosaic(drawn, 10, "generated")},
         .panels_per_row = 1,
         .panel_width = 720,
         .panel_height = 320},
        out + "/digits", {.notes = &std::cout});
    std::cout << "pictures are in " << out << "/\n";
  }
  const double after = judge();
  const bool learned = after < 0.6 * before;
  std::cout << (learned ? "learned: " : "NOT LEARNED: ") << "held-out -ELBO " << before << " -> " << after << "\n";
  return learned ? 0 : 1;
}
