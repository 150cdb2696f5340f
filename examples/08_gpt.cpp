// A small GPT (Radford et al. 2018) learns to add: it reads "57+68=" and goes on, one character after the other, each drawn from
// what it expects behind those before. The digits of sums are written from the last to the first, as one adds by hand.
#include <CLI/CLI.hpp>
#include <cmath>
#include <iostream>

#include "slope/slope.h"

using namespace slope;

namespace {

constexpr std::string_view alphabet = "0123456789+=";
constexpr std::int64_t asked = 6, answer = 3, length = asked + answer - 1;

struct Block : nn::Module {
  nn::LayerNorm norm1, norm2;
  nn::Linear qkv, out, wide, narrow;
  std::int64_t heads;
  Block(std::int64_t width, std::int64_t heads_)
      : norm1(add("norm1", nn::LayerNorm(width))),
        norm2(add("norm2", nn::LayerNorm(width))),
        qkv(add("qkv", nn::Linear(width, 3 * width))),
        out(add("out", nn::Linear(width, width))),
        wide(add("wide", nn::Linear(width, 4 * width))),
        narrow(add("narrow", nn::Linear(4 * width, width))),
        heads(heads_) {}
  Tensor forward(const Tensor& x) override {
    // (N, L, 3E) as three of (N, heads, L, E/heads)
    const std::vector<Tensor> parts =
        qkv(norm1(x)).unflatten(2, {3, heads, x.size(2) / heads}).permute({2, 0, 3, 1, 4}).unbind();
    const Tensor seen = F::scaled_dot_product_attention(parts[0], parts[1], parts[2], {.is_causal = true});
    const Tensor y = x + out(seen.transpose(1, 2).flatten(2));
    return y + narrow(gelu(wide(norm2(y))));
  }
};

struct GPT : nn::Module {
  nn::Embedding letters, places;
  nn::Sequential blocks = add("blocks", nn::Sequential());
  nn::LayerNorm norm;
  nn::Linear head;
  GPT(std::int64_t width, std::int64_t heads, int depth)
      : letters(add("letters", nn::Embedding(alphabet.size(), width))),
        places(add("places", nn::Embedding(length, width))),
        norm(add("norm", nn::LayerNorm(width))),
        head(add("head", nn::Linear(width, alphabet.size(), {.bias = false}))) {
    for (int i = 0; i < depth; ++i) blocks.push_back(Block(width, heads));
    for (nn::Embedding* e : {&letters, &places}) nn::init::normal_(e->weight, 0, 0.1);
  }
  /// Letters (N, L) -> the logits of the letter behind each.
  Tensor forward(const Tensor& x) override { return head(norm(blocks(letters(x) + places(arange(x.size(1)))))); }
  /// `x` and `count` letters more; at temperature 0 the likeliest ones.
  Tensor continued(Tensor x, std::int64_t count, double temperature) {
    NoGradGuard no_grad;
    for (std::int64_t i = 0; i < count; ++i) {
      const Tensor logits = (*this)(x).select(1, -1);
      const Tensor next = temperature > 0 ? multinomial(softmax(logits / temperature, 1), 1) : argmax(logits, 1, true);
      x = cat({x, next}, 1);
    }
    return x;
  }
};

/// "57+68=521" for each pair a·100 + b, as letters (N, 9).
Tensor sums(const Tensor& pairs) {
  const auto digit = [](const Tensor& n, std::int64_t unit) { return floor_divide(n, unit) % 10; };
  const Tensor a = floor_divide(pairs, 100), b = pairs % 100, c = a + b, plus = full_like(a, 10),
               equals = full_like(a, 11);
  return stack(
      {digit(a, 10), digit(a, 1), plus, digit(b, 10), digit(b, 1), equals, digit(c, 1), digit(c, 10), digit(c, 100)},
      1);
}
std::string text(const Tensor& letters) {
  std::string s;
  for (const std::int64_t i : letters.to_vector<std::int64_t>()) s += alphabet[static_cast<std::size_t>(i)];
  return s;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t seed = 1;
  int steps = 300;
  double temperature = 1;
  CLI::App app("A small GPT that adds");
  app.add_option("--seed", seed, "of weights and of what it is shown");
  app.add_option("--steps", steps)->check(CLI::PositiveNumber);
  app.add_option("--temperature", temperature, "0: what is likeliest, 1: as it expects")->check(CLI::NonNegativeNumber);
  CLI11_PARSE(app, argc, argv);
  manual_seed(seed);

  const Tensor all = sums(randperm(10'000)), shown = all.narrow(0, 0, 9'000), rest = all.narrow(0, 9'000, 1'000);
  GPT net(64, 4, 2);
  optim::AdamW adam(net.parameters(), {.lr = 3e-3, .weight_decay = 0.01});
  for (int i = 1; i <= steps; ++i) {
    adam.lr(0) = 1.5e-3 * (1 + std::cos(3.14159265 * i / steps));  // from 0.003 to 0
    const Tensor batch = index_select(shown, 0, randint(0, 9'000, {128}));
    const Tensor logits = net(batch.narrow(1, 0, length)).narrow(1, asked - 1, answer);
    const Tensor loss = F::cross_entropy(logits.flatten(0, 1), batch.narrow(1, asked, answer).flatten());
    adam.zero_grad();
    loss.backward();
    adam.step();
    if (i % 100 == 0) std::cout << "step " << i << ": loss " << loss.item() << "\n";
  }

  std::cout << "\nsums it was never shown, with the digits of the results from last to first:\n";
  for (const Tensor& line : net.continued(rest.narrow(0, 0, 5).narrow(1, 0, asked), answer, temperature).unbind())
    std::cout << "  " << text(line) << "\n";
  const Tensor right = (net.continued(rest.narrow(1, 0, asked), answer, 0) == rest).all(1);
  const double share = right.to(float32).mean().item();
  std::cout << (share >= 0.9 ? "learned: " : "NOT LEARNED: ") << 100 * share << " % of those are right\n";
  return share >= 0.9 ? 0 : 1;
}
