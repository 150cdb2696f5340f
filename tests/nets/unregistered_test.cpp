#include <boost/test/unit_test.hpp>
#include <string>

#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/nn/layers/linear.h"
#include "slope/optim.h"
#include "support/checks.h"

using namespace slope;

BOOST_AUTO_TEST_SUITE(unregistered)

BOOST_AUTO_TEST_CASE(a_member_without_add_is_noticed_by_the_first_step) {
  struct Forgetful : nn::Module {
    nn::Linear fc1 = add("fc1", nn::Linear(2, 3));
    nn::Linear fc2{3, 1};
    Tensor forward(const Tensor& x) override { return fc2(fc1(x)); }
  };
  Forgetful net;
  optim::SGD opt(net.parameters(), {.lr = 0.1});
  net(ones({1, 2})).sum().backward();
  const auto before = net.fc1.weight.to_vector<double>();
  check_error<AutogradError>([&] { opt.step(); }, "did you forget add()");
  check_error<AutogradError>([&] { opt.step(); }, "created at tests/nets/unregistered_test.cpp:");
  BOOST_TEST(net.fc1.weight.to_vector<double>() == before);
  net.fc2.requires_grad_(false);
  net.zero_grad();
  net.fc2.zero_grad();
  net(ones({1, 2})).sum().backward();
  opt.step();
  BOOST_TEST(net.fc1.weight.to_vector<double>() != before);
}

namespace {
struct Small : nn::Module {
  nn::Linear fc = add("fc", nn::Linear(2, 1));
  Tensor forward(const Tensor& x) override { return fc(x); }
};
}  // namespace

BOOST_AUTO_TEST_CASE(a_net_assigned_anew_is_noticed_by_the_next_step) {
  for (const bool stepped : {false, true})
    for (const bool drop : {false, true}) {
      Small net;
      optim::Adam opt(net.parameters());
      if (stepped) {
        net(ones({1, 2})).sum().backward();
        opt.step();
      }
      opt.zero_grad(drop);
      net = Small();
      net(ones({1, 2})).sum().backward();
      check_error<AutogradError>(
          [&] { opt.step(); },
          "step: no parameter of this Adam received a gradient since its last step, but others did that no "
          "optimizer holds: Linear.weight of shape [1, 2], created at tests/nets/unregistered_test.cpp:");
      check_error<AutogradError>([&] { opt.step(); }, "; Linear.bias of shape [1], created at");
      check_error<AutogradError>([&] { opt.step(); }, "Was the module assigned anew after the optimizer was made");
      opt = optim::Adam(net.parameters());
      const auto before = net.fc.weight.to_vector<float>();
      opt.step();
      BOOST_TEST(net.fc.weight.to_vector<float>() != before);
    }
}

BOOST_AUTO_TEST_CASE(a_layer_in_use_without_add_beside_one_that_is_unused_is_noticed) {
  struct Forgetful : nn::Module {
    nn::Linear unused = add("fc", nn::Linear(2, 1));
    nn::Linear used{2, 1};
    Tensor forward(const Tensor& x) override { return used(x); }
  };
  Forgetful net;
  optim::SGD opt(net.parameters(), {.lr = 0.1});
  net(ones({1, 2})).sum().backward();
  check_error<AutogradError>([&] { opt.step(); }, "or does the layer in use lack add()?");
  opt.check_orphans = false;
  opt.step();
}

BOOST_AUTO_TEST_CASE(of_many_parameters_that_nobody_holds_four_are_listed_and_the_others_counted) {
  Small net;
  optim::Adam opt(net.parameters());
  const auto message_with = [&](std::size_t layers) {
    std::vector<Small> strangers(layers);
    Tensor sum = zeros({});
    for (Small& s : strangers) sum = sum + s(ones({1, 2})).sum();
    sum.backward();
    try {
      opt.step();
    } catch (const AutogradError& e) {
      return std::string(e.what());
    }
    return std::string("nothing was thrown");
  };
  BOOST_TEST(message_with(2).find(" more") == std::string::npos);
  BOOST_TEST(message_with(3).find("; and 2 more. Was the module") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(steps_without_gradients_are_fine_when_nobody_elses_were_lost) {
  Small net, other, trained;
  optim::SGD opt(net.parameters(), {.lr = 0.1}), its(trained.parameters(), {.lr = 0.1});
  opt.step();  // no backward at all
  trained(ones({1, 2})).sum().backward();
  opt.step();  // another optimizer's
  other(ones({1, 2})).sum().backward();
  net(ones({1, 2})).sum().backward();
  opt.step();  // a module without an optimizer, apart from ours
  other(ones({1, 2})).sum().backward();
  for (const Tensor& p : net.parameters()) p.set_grad(ones(p.shape()));
  opt.step();  // gradients given by hand
  Small late;
  late(ones({1, 2})).sum().backward();
  optim::SGD after(late.parameters(), {.lr = 0.1});
  after.step();  // gradients from before the optimizer
  {
    Small gone;
    gone(ones({1, 2})).sum().backward();
  }
  after.step();
}

BOOST_AUTO_TEST_CASE(a_struct_that_owns_a_net_and_its_optimizer_can_be_returned) {
  struct Trainer {
    Small net;
    optim::Adam opt{net.named_parameters(), {.lr = 0.1}};
    void train() {
      opt.zero_grad();
      net(ones({1, 2})).sum().backward();
      opt.step();
    }
  };
  const auto make = [] {
    Trainer t;
    t.train();
    return std::pair(std::move(t), 1);
  };
  auto [trainer, number] = make();
  const auto before = trainer.net.fc.weight.to_vector<float>();
  trainer.train();
  BOOST_TEST(trainer.net.fc.weight.to_vector<float>() != before);
  BOOST_TEST(trainer.opt.state(trainer.net.fc.weight)->step == 2);
  static_assert(!std::is_copy_constructible_v<optim::Adam> && std::is_nothrow_move_constructible_v<optim::Adam>);
}

BOOST_AUTO_TEST_SUITE_END()
