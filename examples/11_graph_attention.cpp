// Graph attention (Velickovic et al., 2018) on Zachary's karate club (1977): 34 members, 78 friendships, and a quarrel that split the
// club. From the sides of the two leaders alone, the net tells whom each of the others followed. Edges are lists of node numbers:
// nothing of size nodes x nodes is made.
#include <CLI/CLI.hpp>
#include <iostream>

#include "slope/slope.h"

using namespace slope;

namespace {

/// Pairs of friends.
const std::vector<std::int64_t> one = {0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  1,  1,  1,  1,
                                       1,  1,  1,  1,  2,  2,  2,  2,  2,  2,  2,  2,  3,  3,  3,  4,  4,  5,  5,  5,
                                       6,  8,  8,  8,  9,  13, 14, 14, 15, 15, 18, 18, 19, 20, 20, 22, 22, 23, 23, 23,
                                       23, 23, 24, 24, 24, 25, 26, 26, 27, 28, 28, 29, 29, 30, 30, 31, 31, 32};
const std::vector<std::int64_t> other = {1,  2,  3,  4,  5,  6,  7,  8,  10, 11, 12, 13, 17, 19, 21, 31, 2,  3,  7,  13,
                                         17, 19, 21, 30, 3,  7,  8,  9,  13, 27, 28, 32, 7,  12, 13, 6,  10, 6,  10, 16,
                                         16, 30, 32, 33, 33, 33, 32, 33, 32, 33, 32, 33, 33, 32, 33, 32, 33, 25, 27, 29,
                                         32, 33, 25, 27, 31, 31, 29, 33, 33, 31, 33, 32, 33, 32, 33, 32, 33, 33};
constexpr std::int64_t members = 34;
/// Who stayed with member 0; the others went with member 33.
const std::vector<std::int64_t> stayed = {0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 16, 17, 19, 21};

/// Edges in both directions, and from each node to itself.
struct Edges {
  Tensor from, to;
};
Edges edges() {
  const Tensor a = tensor(one), b = tensor(other), self = arange(members);
  return {cat({a, b, self}), cat({b, a, self})};
}

/// y_i = Σ_j α_ij·W·x_j over the edges j -> i, where α_ij is the softmax over j of LeakyReLU(a·W·x_j + b·W·x_i), per head.
struct GraphAttention : nn::Module {
  std::int64_t heads, width;
  nn::Linear project;
  nn::Parameter source, target;

  GraphAttention(std::int64_t in, std::int64_t width_, std::int64_t heads_)
      : heads(heads_),
        width(width_),
        project(add("project", nn::Linear(in, heads_ * width_, {.bias = false}))),
        source(parameter("source", 0.3 * randn({heads_, width_}))),
        target(parameter("target", 0.3 * randn({heads_, width_}))) {}
  using Module::forward;
  Tensor forward(const Tensor& x, const Edges& e) {
    const Tensor h = project(x).reshape({-1, heads, width});
    const Tensor sent = sum(h * source, -1), received = sum(h * target, -1);  // (nodes, heads)
    const Tensor score = leaky_relu(index_select(sent, 0, e.from) + index_select(received, 0, e.to), 0.2);
    const Tensor weight = exp(score - max(score).detach());
    const Tensor none = zeros({x.size(0), heads});
    const Tensor share = weight / index_select(index_add(none, 0, e.to, weight), 0, e.to);
    const Tensor messages = index_select(h, 0, e.from) * unsqueeze(share, -1);
    return index_add(zeros_like(h), 0, e.to, messages).reshape({-1, heads * width});
  }
  Tensor operator()(In x, const Edges& e) {
    return run(x, [&](const Tensor& nodes) { return forward(nodes, e); });
  }
};

struct Net : nn::Module {
  GraphAttention first = add("first", GraphAttention(members, 8, 4)), second = add("second", GraphAttention(32, 2, 1));
  Tensor operator()(In x, const Edges& e) {
    return run(x, [&](const Tensor& nodes) { return second(F::elu(first(nodes, e)), e); });
  }
};

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t seed = 1;
  std::string out = "out";
  bool no_plots = false;
  CLI::App app("Graph attention on Zachary's karate club");
  app.add_option("--seed", seed, "of the weights");
  app.add_option("--out", out, "folder for the picture");
  app.add_flag("--no-plots", no_plots, "draw nothing");
  CLI11_PARSE(app, argc, argv);
  manual_seed(seed);

  const Edges e = edges();
  const Tensor x = eye(members), leaders = tensor(std::vector<std::int64_t>{0, 33});
  const Tensor sides = index_fill(ones({members}, {.dtype = DType::int64}), 0, tensor(stayed), 0);
  Net net;
  optim::Adam adam(net.parameters(), {.lr = 0.01, .weight_decay = 5e-4});
  for (int step = 1; step <= 300; ++step) {
    adam.zero_grad();
    const Tensor loss = F::cross_entropy(index_select(net(x, e), 0, leaders), tensor(std::vector<std::int64_t>{0, 1}));
    loss.backward();
    adam.step();
    if (step % 100 == 0) std::cout << "step " << step << ": loss " << loss.item<double>() << "\n";
  }

  NoGradGuard no_grad;
  const Tensor y = net(x, e);
  const auto right = sum(argmax(y, 1) == sides).item<std::int64_t>();
  if (!no_plots) {
    const auto side = [&](std::int64_t which, const char* label, const char* color) {
      const Tensor rows = index(y, {sides == which});
      return train::scatter(label, rows.select(1, 0).to_vector<double>(), rows.select(1, 1).to_vector<double>(), color);
    };
    train::save_figure({.panels = {{.title = "scores of the members",
                                    .x_label = "stays",
                                    .y_label = "leaves",
                                    .series = {side(0, "stayed", "blue"), side(1, "left", "red")}}}},
                       out + "/club", {.notes = &std::cout});
  }
  std::cout << (right >= 32 ? "learned: " : "NOT LEARNED: ") << right << " of " << members
            << " members on their side\n";
  return right >= 32 ? 0 : 1;
}
