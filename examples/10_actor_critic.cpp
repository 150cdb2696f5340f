// Actor-critic (Sutton and Barto, Reinforcement Learning, 13.5) on cart-pole: the net pushes a cart left or right so that the pole on
// it stays upright. One part of the net chooses, the other foretells the reward that is still to come; what turns out better than
// foretold is done more often.
#include <CLI/CLI.hpp>
#include <cmath>
#include <iostream>
#include <random>

#include "slope/slope.h"

using namespace slope;

namespace {

/// A pole on a cart (Barto, Sutton and Anderson, 1983), in steps of 0.02 s.
class CartPole {
 public:
  static constexpr int longest = 500;
  explicit CartPole(std::uint64_t seed) : random_(seed) {}
  void reset() {
    for (double& s : state_) s = std::uniform_real_distribution(-0.05, 0.05)(random_);
    steps_ = 0;
  }
  /// False at the end: the pole has fallen, the cart has left its track, or the time is over.
  bool step(bool right) {
    auto& [x, v, angle, turn] = state_;
    constexpr double gravity = 9.8, pole = 0.1, total = 1.1, half_length = 0.5, seconds = 0.02;
    const double force = right ? 10 : -10, c = std::cos(angle), s = std::sin(angle);
    const double pushed = (force + pole * half_length * turn * turn * s) / total;
    const double turned = (gravity * s - c * pushed) / (half_length * (4.0 / 3 - pole * c * c / total));
    const double moved = pushed - pole * half_length * turned * c / total;
    x += seconds * v;
    v += seconds * moved;
    angle += seconds * turn;
    turn += seconds * turned;
    return ++steps_ < longest && std::abs(x) <= 2.4 && std::abs(angle) <= 12 * 3.14159265358979 / 180;
  }
  std::vector<float> state() const { return {state_.begin(), state_.end()}; }

 private:
  std::array<double, 4> state_{};
  int steps_ = 0;
  std::mt19937_64 random_;
};

struct ActorCritic : nn::Module {
  nn::Linear hidden = add("hidden", nn::Linear(4, 128));
  nn::Linear choice = add("choice", nn::Linear(128, 2)), value = add("value", nn::Linear(128, 1));
  /// The logits of both pushes, and the reward foretold.
  std::pair<Tensor, Tensor> operator()(In state) {
    return run(state, [&](const Tensor& s) {
      const Tensor h = relu(hidden(s));
      return std::pair(choice(h), value(h).squeeze(-1));
    });
  }
};

/// Plays until the end: the states seen and the pushes made, drawn from the net's probabilities or its preference.
struct Episode {
  std::vector<float> states;
  std::vector<std::int64_t> pushes;
  std::size_t length() const { return pushes.size(); }
};
Episode play(CartPole& cart, ActorCritic& net, bool explore) {
  NoGradGuard no_grad;
  Episode e;
  cart.reset();
  for (bool goes_on = true; goes_on;) {
    const std::vector<float> s = cart.state();
    const Tensor logits = net(tensor(s).reshape({1, 4})).first;
    const std::int64_t push =
        explore ? (rand({1}) < softmax(logits, 1).select(1, 1)).item<bool>() : argmax(logits, 1).item<std::int64_t>();
    e.states.insert(e.states.end(), s.begin(), s.end());
    e.pushes.push_back(push);
    goes_on = cart.step(push == 1);
  }
  return e;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t seed = 1;
  int episodes = 1500;
  CLI::App app("Actor-critic on cart-pole");
  app.add_option("--seed", seed, "of weights, pushes and starts");
  app.add_option("--episodes", episodes, "at most")->check(CLI::Range(1, 1000000));
  CLI11_PARSE(app, argc, argv);
  manual_seed(seed);

  CartPole cart(seed);
  ActorCritic net;
  optim::Adam adam(net.parameters(), {.lr = 0.01});
  double usual = 10;  // length
  for (int i = 1; i <= episodes && usual < 475; ++i) {
    const Episode e = play(cart, net, true);
    std::vector<float> returns(e.pushes.size());
    for (std::size_t t = returns.size(); t-- > 0;)
      returns[t] = 1 + (t + 1 < returns.size() ? 0.99F * returns[t + 1] : 0);
    const Tensor r = tensor(returns), target = returns.size() > 1 ? (r - mean(r)) / (r.std() + 1e-6) : r;

    const auto [logits, value] = net(tensor(e.states).reshape({-1, 4}));
    const Tensor log_probability = gather(log_softmax(logits, 1), 1, tensor(e.pushes).reshape({-1, 1})).squeeze(1);
    const Tensor loss = -sum(log_probability * (target - value.detach())) +
                        F::smooth_l1_loss(value, target, {.reduction = Reduction::sum});
    adam.zero_grad();
    loss.backward();
    adam.step();
    usual = 0.95 * usual + 0.05 * static_cast<double>(e.length());
    if (i % 100 == 0) std::cout << "episode " << i << ": " << e.length() << " steps, usually " << usual << "\n";
  }

  double mean_length = 0;
  for (int i = 0; i < 20; ++i) mean_length += static_cast<double>(play(cart, net, false).length()) / 20;
  const bool learned = mean_length >= 195;
  std::cout << (learned ? "learned: " : "NOT LEARNED: ") << "the pole stands for " << mean_length << " of at most "
            << CartPole::longest << " steps\n";
  return learned ? 0 : 1;
}
