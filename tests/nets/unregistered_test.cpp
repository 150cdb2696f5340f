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

BOOST_AUTO_TEST_SUITE_END()
