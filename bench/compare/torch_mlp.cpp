#include "mlp.h"
#include "torch_data.h"

namespace F = torch::nn::functional;
namespace mlp = compare::mlp;
using torch::Tensor;

namespace {

template <class Optimizer>
struct Training {
  torch::nn::Sequential net{torch::nn::Linear(mlp::widths[0], mlp::widths[1]), torch::nn::ReLU(),
                            torch::nn::Linear(mlp::widths[1], mlp::widths[2]), torch::nn::ReLU(),
                            torch::nn::Linear(mlp::widths[2], mlp::widths[3])};
  Optimizer optimizer;
  Tensor x = compare::torch_tensor(mlp::input(), {mlp::batch, mlp::widths[0]}),
         t = compare::torch_tensor(mlp::labels(), {mlp::batch});

  template <class Options>
  explicit Training(const Options& options) : optimizer(net->parameters(), options) {
    std::size_t i = 0;
    for (const Tensor& p : net->parameters()) {
      const std::vector<float> initial = mlp::parameter(i++, p.numel());
      std::copy(initial.begin(), initial.end(), p.data_ptr<float>());
    }
  }
  Tensor step() {
    optimizer.zero_grad();
    Tensor loss = F::cross_entropy(net->forward(x), t);
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
    for (int i = 0; i < mlp::check_steps; ++i) sum += training->step().item().toDouble();
    return sum;
  };
  return {.run = [=] { (void)training->step(); }, .check = check};
}

const compare::Registered registered([] {
  compare::torch_works().add("mlp/sgd", [] {
    return work_of<torch::optim::SGD>(torch::optim::SGDOptions(mlp::sgd_rate).momentum(mlp::momentum));
  });
  compare::torch_works().add("mlp/adam",
                             [] { return work_of<torch::optim::Adam>(torch::optim::AdamOptions(mlp::adam_rate)); });
});

}  // namespace
