#include "focal.h"
#include "slope/pointwise.h"
#include "slope_data.h"

using namespace slope;
namespace focal = compare::focal;

namespace {

struct Net : nn::Module {
  nn::Linear fc1 = add("fc1", nn::Linear(2, 4));
  nn::Linear fc2 = add("fc2", nn::Linear(4, 8));
  nn::Linear fc3 = add("fc3", nn::Linear(8, 1));
  Tensor forward(const Tensor& x) override { return sigmoid(fc3(relu(fc2(relu(fc1(x)))))); }
};

/// The tutorial's loss and penalties, written out in some 90 operations.
struct Composed {
  Tensor operator()(nn::Module& net, const Tensor& p, const Tensor& y) const {
    const Tensor bce = F::binary_cross_entropy(p, y, {.reduction = Reduction::none});
    const Tensor p_t = (y * p) + ((1 - y) * (1 - p));
    const Tensor alpha_factor = y * 0.75 + (1 - y) * (1 - 0.75);
    const Tensor loss = (alpha_factor * pow(1.0 - p_t, 2.0) * bce).mean();
    Tensor l2 = tensor(0.0, {.requires_grad = true}), l1 = tensor(0.0, {.requires_grad = true});
    for (const auto& [name, w] : net.named_parameters())
      if (name.find("bias") == std::string::npos) {
        l2 = l2 + (0.5 * focal::coefficient * sum(pow(w, 2.0)));
        l1 = l1 + focal::coefficient * sum(abs(w));
      }
    return loss + l2 + l1;
  }
};

/// The loss as a lambda, the penalties built in.
struct Pointwise {
  Tensor operator()(nn::Module& net, const Tensor& p, const Tensor& y) const {
    static const auto loss = pointwise([](auto q, auto t) {
      auto p_t = t * q + (1.0 - t) * (1.0 - q);
      return (t * 0.75 + (1.0 - t) * 0.25) * pow(1.0 - p_t, 2.0) * -(t * log(q) + (1.0 - t) * log(1.0 - q));
    });
    return loss.mean(p, y) + nn::l2_penalty(net, focal::coefficient) + nn::l1_penalty(net, focal::coefficient);
  }
};

struct BuiltIn {
  Tensor operator()(nn::Module& net, const Tensor& p, const Tensor& y) const {
    return F::focal_loss(p, y) + nn::l2_penalty(net, focal::coefficient) + nn::l1_penalty(net, focal::coefficient);
  }
};

struct Training {
  Net net;
  optim::Adam adam{net.parameters(), {.lr = focal::learning_rate}};

  Training() {
    const std::vector<float> initial = focal::initial_parameters();
    const float* at = initial.data();
    for (const Tensor& p : net.parameters()) {
      std::copy_n(at, p.numel(), p.data_ptr<float>());
      at += p.numel();
    }
  }

  /// `each` gets the loss of every step.
  template <class Objective, class Each>
  void epoch(data::DataLoader& loader, const Objective& objective, const Each& each) {
    for (auto& [x, y] : loader) {
      adam.zero_grad();
      const Tensor loss = objective(net, net(x), y);
      loss.backward();
      adam.step();
      each(loss);
    }
  }
};

template <class Objective>
compare::Work work_of(const Objective& objective) {
  const focal::Points p = focal::make_points();
  const data::TensorDataset all(compare::slope_tensor(p.x, {focal::points, 2}),
                                compare::slope_tensor(p.y, {focal::points, 1}));
  const data::Subset rows(all, p.training_rows);
  const auto training = std::make_shared<Training>();
  const auto shuffled = std::make_shared<data::DataLoader>(
      rows, data::DataLoaderOptions{.batch_size = focal::batch, .shuffle = true, .seed = 1});
  const auto check = [=] {
    Training fresh;
    data::DataLoader in_order(rows, {.batch_size = focal::batch});
    double sum = 0;
    fresh.epoch(in_order, objective, [&](const Tensor& loss) { sum += loss.item<double>(); });
    return sum;
  };
  return {.run = [=] { training->epoch(*shuffled, objective, [](const Tensor&) {}); },
          .check = check,
          .count = focal::steps,
          .unit = "step",
          .tolerance = focal::tolerance};
}

const compare::Registered registered([] {
  for (const auto name : {focal::step_name, focal::plain_name}) {
    compare::slope_works().add(name("composed"), [] { return work_of(Composed{}); });
    compare::slope_works().add(name("pointwise"), [] { return work_of(Pointwise{}); });
    compare::slope_works().add(name("built_in"), [] { return work_of(BuiltIn{}); });
  }
});

}  // namespace
