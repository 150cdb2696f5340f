// Losses whose inputs fit into no row of losses.h: sequences, parameters, boxes, and those sorted by their errors.
#include "harness.h"
#include "slope/slope.h"

using namespace slope;

namespace {

/// Forward alone, and forward and backward with the gradients of `leaves`.
void add_loss(const std::string& name, const std::function<std::function<Tensor()>(std::vector<Tensor>& leaves)>& prepare) {
  for (const bool backward : {false, true})
    compare::slope_works().add("loss/" + name + (backward ? "/fwd+bwd" : "/fwd"), [=]() -> compare::Work {
      std::vector<Tensor> leaves;
      const auto loss = prepare(leaves);
      if (!backward)
        return [=] {
          NoGradGuard no_grad;
          (void)loss();
        };
      return [=] {
        loss().backward();
        for (const Tensor& t : leaves) t.zero_grad();
      };
    });
}

const compare::Registered registered([] {
  add_loss("ctc_loss/T50xN16xC20", [](std::vector<Tensor>& leaves) -> std::function<Tensor()> {
    Generator g(1);
    const Tensor x = log_softmax(randn({50, 16, 20}, {}, g), -1).detach().requires_grad_(), t = randint(1, 20, {16, 15}, {}, g);
    leaves = {x};
    const std::vector<std::int64_t> steps(16, 50), labels(16, 15);
    return [=] { return F::ctc_loss(x, t, steps, labels); };
  });
  add_loss("adaptive_log_softmax_with_loss/128x256", [](std::vector<Tensor>& leaves) -> std::function<Tensor()> {
    Generator g(1);
    const auto softmax = std::make_shared<nn::AdaptiveLogSoftmaxWithLoss>(256, 10000, std::vector<std::int64_t>{1000, 4000});
    const Tensor x = randn({128, 256}, {}, g).requires_grad_(), t = randint(0, 10000, Shape{128}, {}, g);
    leaves = softmax->parameters();
    leaves.push_back(x);
    return [=] { return (*softmax)(x, t).loss; };
  });
  add_loss("arcface_loss/128x256", [](std::vector<Tensor>& leaves) -> std::function<Tensor()> {
    Generator g(1);
    const Tensor x = randn({128, 256}, {}, g).requires_grad_(), w = randn({1000, 256}, {}, g).requires_grad_();
    const Tensor t = randint(0, 1000, Shape{128}, {}, g);
    leaves = {x, w};
    return [=] { return F::arcface_loss(x, w, t); };
  });
  add_loss("sce_loss/4096x1000", [](std::vector<Tensor>& leaves) -> std::function<Tensor()> {
    Generator g(1);
    const Tensor x = randn({4096, 1000}, {}, g).requires_grad_(), t = randint(0, 1000, Shape{4096}, {}, g);
    leaves = {x};
    return [=] { return F::sce_loss(x, t); };
  });
  add_loss("generalized_box_iou_loss/10000x4", [](std::vector<Tensor>& leaves) -> std::function<Tensor()> {
    Generator g(1);
    const auto boxes = [&] {
      const Tensor corner = rand({10000, 2}, {}, g);
      return cat({corner, corner + rand({10000, 2}, {}, g)}, 1);
    };
    const Tensor x = boxes().requires_grad_(), t = boxes();
    leaves = {x};
    return [=] { return F::generalized_box_iou_loss(x, t, {.reduction = Reduction::mean}); };
  });
  add_loss("lovasz_hinge_loss/10000", [](std::vector<Tensor>& leaves) -> std::function<Tensor()> {
    Generator g(1);
    const Tensor x = randn({10000}, {}, g).requires_grad_(), t = (rand({10000}, {}, g) > 0.5).to(float32);
    leaves = {x};
    return [=] { return F::lovasz_hinge_loss(x, t); };
  });
  add_loss("lovasz_softmax_loss/10000x10", [](std::vector<Tensor>& leaves) -> std::function<Tensor()> {
    Generator g(1);
    const Tensor x = softmax(randn({10000, 10}, {}, g), 1).detach().requires_grad_(), t = randint(0, 10, Shape{10000}, {}, g);
    leaves = {x};
    return [=] { return F::lovasz_softmax_loss(x, t); };
  });
});

}  // namespace
