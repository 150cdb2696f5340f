// Options per parameter, and weight_decay as what it is: an L2 penalty.
#include <cmath>
#include <iostream>
#include <string>

#include "slope/slope.h"

using namespace slope;

namespace {

struct Net : nn::Module {
  nn::Linear fc1 = add("fc1", nn::Linear(2, 4));
  nn::Linear fc2 = add("fc2", nn::Linear(4, 8));
  nn::Linear fc3 = add("fc3", nn::Linear(8, 1));
  Tensor forward(const Tensor& x) override { return sigmoid(fc3(relu(fc2(relu(fc1(x)))))); }
};

std::vector<Tensor> parameters_where(const Net& net, bool bias) {
  std::vector<Tensor> out;
  for (const auto& [name, p] : net.named_parameters())
    if ((name.find("bias") != std::string::npos) == bias) out.push_back(p);
  return out;
}

}  // namespace

int main() {
  manual_seed(1);
  Net decayed, penalised;
  nn::clone_into(penalised, decayed);

  // The tutorial's groups: weights decay, biases do not; both share learning rate and momentum.
  constexpr double decay = 0.01;
  optim::SGD with_decay({{.params = parameters_where(decayed, false), .weight_decay = decay},
                         {.params = parameters_where(decayed, true), .weight_decay = 0.0}},
                        {.lr = 1e-2, .momentum = 0.9});
  optim::SGD plain(penalised.parameters(), {.lr = 1e-2, .momentum = 0.9});

  const data::Rings rings = data::two_rings(100, 100);
  for (int step = 0; step < 50; ++step) {
    with_decay.zero_grad();
    F::binary_cross_entropy(decayed(rings.x), rings.y).backward();
    with_decay.step();

    plain.zero_grad();
    (F::binary_cross_entropy(penalised(rings.x), rings.y) + nn::l2_penalty(penalised, decay)).backward();
    plain.step();
  }

  double furthest = 0;
  const auto a = decayed.parameters(), b = penalised.parameters();
  for (std::size_t i = 0; i < a.size(); ++i)
    furthest = std::max(furthest, max(abs(a[i].detach() - b[i].detach())).item());
  std::cout << "groups: " << with_decay.group_count() << ", weight_decay " << with_decay.param_groups()[0].weight_decay
            << " and " << with_decay.param_groups()[1].weight_decay << "\n"
            << "after 50 steps the two nets differ by at most " << furthest << "\n";

  // Options are read at every step, so they may change in between.
  with_decay.param_groups()[0].lr *= 0.1;
  const bool right = furthest < 1e-5 && std::abs(with_decay.lr(0) - 1e-3) < 1e-15;
  std::cout << (right ? "weight_decay equals the L2 penalty\n" : "THEY DIFFER\n");
  return right ? 0 : 1;
}
