// A character model (Graves, Generating Sequences With Recurrent Neural Networks, 2013): an LSTM reads a text and learns which
// character comes next. Then it writes: each character is drawn from what it expects behind those before.
#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <sstream>

#include "slope/slope.h"

using namespace slope;

namespace {

/// A text as numbers, one for each of the characters that occur in it.
struct Text {
  std::string alphabet;
  Tensor numbers;
  explicit Text(const std::string& text) {
    std::vector<std::int64_t> number(256, -1), all;
    for (const char c : text) {
      std::int64_t& n = number[static_cast<unsigned char>(c)];
      if (n < 0) n = letters(), alphabet += c;
      all.push_back(n);
    }
    numbers = tensor(all);
  }
  std::int64_t letters() const { return static_cast<std::int64_t>(alphabet.size()); }
};

struct Writer : nn::Module {
  nn::Embedding letters;
  nn::LSTM lstm = add("lstm", nn::LSTM(32, 192));
  nn::Linear next;
  explicit Writer(std::int64_t count)
      : letters(add("letters", nn::Embedding(count, 32))), next(add("next", nn::Linear(192, count))) {}
  /// The logits of the character behind each of (T, N), and the state behind the last.
  std::pair<Tensor, nn::LSTMState> operator()(In x, const nn::LSTMState& before = {}) {
    return run(x, [&](const Tensor& t) {
      auto [y, state] = lstm(letters(t), before);
      return std::pair(next(y), state);
    });
  }
};

/// Numbers [from, from + steps) of `batch` passages `apart` characters apart, (T, N), and those behind each, (T·N).
std::pair<Tensor, Tensor> passages(const Text& text, std::int64_t from, std::int64_t steps, std::int64_t batch,
                                   std::int64_t apart) {
  const Tensor at = arange(steps).unsqueeze(1) + arange(batch) * apart + from;
  return {take(text.numbers, at), take(text.numbers, at.flatten() + 1)};
}

/// What counting pairs of characters in the first `seen` numbers achieves on the rest: the loss to be beaten.
double loss_of_pairs(const Text& text, std::int64_t seen) {
  const std::int64_t n = text.letters(), all = text.numbers.numel() - 1;
  const Tensor pairs = text.numbers.narrow(0, 0, all) * n + text.numbers.narrow(0, 1, all);
  const Tensor counts = full({n * n}, 0.1).index_add(0, pairs.narrow(0, 0, seen), ones({seen})).reshape({n, n});
  return -take(log(counts / counts.sum(1, true)), pairs.narrow(0, seen, all - seen)).mean().item();
}

std::string write(Writer& net, const Text& text, int characters, double temperature) {
  NoGradGuard no_grad;
  std::string written;
  nn::LSTMState state;
  Tensor last = zeros({1, 1}, {.dtype = int64}), logits;
  for (int i = 0; i < characters; ++i) {
    std::tie(logits, state) = net(last, state);
    last = multinomial(softmax(logits[0] / temperature, 1), 1);
    written += text.alphabet[static_cast<std::size_t>(last.item<std::int64_t>())];
  }
  return written;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> paths;
  std::uint64_t seed = 1;
  double temperature = 0.5;
  CLI::App app("A character LSTM");
  app.add_option("--text", paths, "files to read")->required()->check(CLI::ExistingFile);
  app.add_option("--seed", seed, "of weights and of what it writes");
  app.add_option("--temperature", temperature, "0.1: what is likeliest, 1: as it expects");
  CLI11_PARSE(app, argc, argv);
  manual_seed(seed);
  std::ostringstream read;
  for (const std::string& path : paths) read << std::ifstream(path, std::ios::binary).rdbuf();
  const Text text(read.str());
  constexpr std::int64_t batch = 16, steps = 50;
  const auto all = text.numbers.numel(), seen = all * 9 / 10, apart = (seen - 1) / batch;
  if (apart < steps) return std::cerr << "the text is too short\n", 2;

  // The passages of a batch go on where those of the batch before ended, and so does the state.
  Writer net(text.letters());
  optim::Adam adam(net.parameters(), {.lr = 5e-3});
  for (int epoch = 1; epoch <= 6; ++epoch) {
    nn::LSTMState state;
    double sum = 0;
    for (std::int64_t from = 0; from + steps <= apart; from += steps) {
      const auto [x, t] = passages(text, from, steps, batch, apart);
      const auto [logits, behind] = net(x, state);
      const Tensor loss = F::cross_entropy(logits.flatten(0, 1), t);
      adam.zero_grad();
      loss.backward();
      adam.step();
      state = {behind.h.detach(), behind.c.detach()};
      sum += loss.item();
    }
    std::cout << "epoch " << epoch << ": loss " << sum / static_cast<double>(apart / steps) << "\n";
  }

  NoGradGuard no_grad;
  const auto [x, t] = passages(text, seen, all - seen - 1, 1, 0);
  const double loss = F::cross_entropy(net(x).first.flatten(0, 1), t).item(), pairs = loss_of_pairs(text, seen);
  std::cout << "\n" << write(net, text, 400, temperature) << "\n\n";
  const bool learned = loss < 0.9 * pairs;
  std::cout << (learned ? "learned: " : "NOT LEARNED: ") << "loss " << loss
            << " on the last tenth, by pairs of characters " << pairs << "\n";
  return learned ? 0 : 1;
}
