#include "focal.h"
#include "torch_data.h"

namespace F = torch::nn::functional;
namespace focal = compare::focal;
using torch::Tensor;

namespace {

struct Net : torch::nn::Module {
  torch::nn::Linear fc1 = register_module("fc1", torch::nn::Linear(2, 4));
  torch::nn::Linear fc2 = register_module("fc2", torch::nn::Linear(4, 8));
  torch::nn::Linear fc3 = register_module("fc3", torch::nn::Linear(8, 1));
  Tensor forward(const Tensor& x) { return torch::sigmoid(fc3(torch::relu(fc2(torch::relu(fc1(x)))))); }
};

Tensor objective(const Net& net, const Tensor& p, const Tensor& y) {
  const Tensor bce = F::binary_cross_entropy(p, y, F::BinaryCrossEntropyFuncOptions().reduction(torch::kNone));
  const Tensor p_t = (y * p) + ((1 - y) * (1 - p));
  const Tensor alpha_factor = y * 0.75 + (1 - y) * (1 - 0.75);
  const Tensor loss = (alpha_factor * torch::pow(1.0 - p_t, 2.0) * bce).mean();
  Tensor l2 = torch::zeros({}, torch::requires_grad()), l1 = torch::zeros({}, torch::requires_grad());
  for (const auto& item : net.named_parameters())
    if (item.key().find("bias") == std::string::npos) {
      l2 = l2 + (0.5 * focal::coefficient * torch::sum(torch::pow(item.value(), 2)));
      l1 = l1 + focal::coefficient * torch::sum(torch::abs(item.value()));
    }
  return loss + l2 + l1;
}

struct Training {
  Net net;
  torch::optim::Adam adam{net.parameters(), torch::optim::AdamOptions(focal::learning_rate)};
  Tensor x, y, rows;

  Training() {
    const focal::Points p = focal::make_points();
    x = compare::torch_tensor(p.x, {focal::points, 2});
    y = compare::torch_tensor(p.y, {focal::points, 1});
    rows = compare::torch_tensor(p.training_rows, {focal::training});
    const std::vector<float> initial = focal::initial_parameters();
    const float* at = initial.data();
    for (const Tensor& parameter : net.parameters()) {
      std::copy_n(at, parameter.numel(), parameter.data_ptr<float>());
      at += parameter.numel();
    }
  }

  /// Batches as one writes them for speed; the data loader of libtorch stacks single samples, which takes longer.
  template <class Each>
  void epoch(const Tensor& order, const Each& each) {
    for (std::int64_t at = 0; at < focal::training; at += focal::batch) {
      const Tensor index = order.narrow(0, at, std::min(focal::batch, focal::training - at));
      const Tensor batch_x = x.index_select(0, index), batch_y = y.index_select(0, index);
      adam.zero_grad();
      const Tensor loss = objective(net, net.forward(batch_x), batch_y);
      loss.backward();
      adam.step();
      each(loss);
    }
  }
};

/// libtorch has no other way to write it: all three works of slope are compared with this one.
compare::Work composed() {
  const auto training = std::make_shared<Training>();
  const auto run = [=] {
    training->epoch(training->rows.index_select(0, torch::randperm(focal::training)), [](const Tensor&) {});
  };
  const auto check = [] {
    Training fresh;
    double sum = 0;
    fresh.epoch(fresh.rows, [&](const Tensor& loss) { sum += loss.item().toDouble(); });
    return sum;
  };
  return {.run = run, .check = check, .tolerance = focal::tolerance};
}

const compare::Registered registered([] {
  for (const char* how : focal::forms)
    for (const auto name : {focal::step_name, focal::plain_name}) compare::torch_works().add(name(how), composed);
});

}  // namespace
