#include <torch/torch.h>

#include "harness.h"

namespace F = torch::nn::functional;
using torch::Tensor;

namespace {

void add_loss(const std::string& name, const std::function<std::function<Tensor()>(std::vector<Tensor>& leaves)>& prepare) {
  for (const bool backward : {false, true})
    compare::torch_works().add("loss/" + name + (backward ? "/fwd+bwd" : "/fwd"), [=]() -> compare::Work {
      torch::manual_seed(1);
      std::vector<Tensor> leaves;
      const auto loss = prepare(leaves);
      if (!backward)
        return [=] {
          torch::NoGradGuard no_grad;
          (void)loss();
        };
      return [=] {
        loss().backward();
        for (const Tensor& t : leaves) t.mutable_grad() = Tensor();
      };
    });
}

const compare::Registered registered([] {
  add_loss("ctc_loss/T50xN16xC20", [](std::vector<Tensor>& leaves) -> std::function<Tensor()> {
    const Tensor x = torch::log_softmax(torch::randn({50, 16, 20}), -1).detach().requires_grad_(), t = torch::randint(1, 20, {16, 15});
    const Tensor steps = torch::full({16}, 50, torch::kLong), labels = torch::full({16}, 15, torch::kLong);
    leaves = {x};
    return [=] { return F::ctc_loss(x, t, steps, labels); };
  });
  add_loss("adaptive_log_softmax_with_loss/128x256", [](std::vector<Tensor>& leaves) -> std::function<Tensor()> {
    torch::nn::AdaptiveLogSoftmaxWithLoss softmax(torch::nn::AdaptiveLogSoftmaxWithLossOptions(256, 10000, {1000, 4000}));
    const Tensor x = torch::randn({128, 256}).requires_grad_(), t = torch::randint(10000, {128});
    leaves = softmax->parameters();
    leaves.push_back(x);
    // Its own loss is a number without a graph.
    return [=]() mutable { return -softmax(x, t).output.mean(); };
  });
});

}  // namespace
