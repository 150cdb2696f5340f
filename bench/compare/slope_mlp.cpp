#include "mlp.h"
#include "slope_data.h"

using namespace slope;
namespace mlp = compare::mlp;

namespace {

template <class Optimizer>
struct Training {
  nn::Sequential net{nn::Linear(mlp::widths[0], mlp::widths[1]), nn::ReLU(), nn::Linear(mlp::widths[1], mlp::widths[2]),
                     nn::ReLU(), nn::Linear(mlp::widths[2], mlp::widths[3])};
  Optimizer optimizer;
  Tensor x = compare::slope_tensor(mlp::input(), {mlp::batch, mlp::widths[0]}),
         t = compare::slope_tensor(mlp::labels(), {mlp::batch});

  template <class Options>
  explicit Training(const Options& options) : optimizer(net.parameters(), options) {
    std::size_t i = 0;
    for (const Tensor& p : net.parameters()) {
      const std::vector<float> initial = mlp::parameter(i++, p.numel());
      std::copy(initial.begin(), initial.end(), p.data_ptr<float>());
    }
  }
  Tensor step() {
    optimizer.zero_grad();
    Tensor loss = F::cross_entropy(net(x), t);
    loss.backward();
    optimizer.step();
    return loss;
  }
};

template <class Optimizer, class Options>
compare::Work work_of(const Options& options) {
  const auto training = std::make_shared<Training<Optimizer>>(options);
  const auto check = [=] {
    double sum = 0;
    for (int i = 0; i < mlp::check_steps; ++i) sum += training->step().template item<double>();
    return sum;
  };
  return {.run = [=] { (void)training->step(); }, .check = check};
}

const compare::Registered registered([] {
  compare::slope_works().add(
      "mlp/sgd", [] { return work_of<optim::SGD>(optim::SGDOptions{.lr = mlp::sgd_rate, .momentum = mlp::momentum}); });
  compare::slope_works().add("mlp/adam", [] { return work_of<optim::Adam>(optim::AdamOptions{.lr = mlp::adam_rate}); });
});

}  // namespace
