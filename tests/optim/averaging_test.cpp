#include <cmath>

#include "optim/support.h"
#include "slope/nn.h"
#include "support/checks.h"

using namespace slope;

// Averages of weights, groups by name, gradients in parts.
BOOST_AUTO_TEST_SUITE(averaging)

namespace {

struct Net : nn::Module {
  nn::Linear fc = add("fc", nn::Linear(2, 3));
  nn::BatchNorm1d norm = add("norm", nn::BatchNorm1d(3));
  nn::Linear out = add("out", nn::Linear(3, 1));
  Tensor forward(const Tensor& x) override { return out(norm(fc(x))); }
};

void fill(Net& net, double value) {
  NoGradGuard no_grad;
  for (const Tensor& p : net.parameters()) p.fill_(value);
  net.norm.running_mean.fill_(10 * value);
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_mean_counts_all_updates_alike_and_the_exponential_one_the_last_most) {
  for (const auto dtype : {float32, float64}) {
    Net net;
    net.to(dtype);
    optim::AveragedModel mean((Net())), smooth(Net(), {.decay = 0.75}),
        own(Net(), {.avg_fn = [](auto& a, auto& p, auto n) { return a * static_cast<double>(n) + p; }});
    for (const double value : {1.0, 2.0, 6.0}) {
      fill(net, value);
      mean.update_parameters(net);
      smooth.update_parameters(net);
      own.update_parameters(net);
    }
    check_close(mean.module.out.bias, {3}, 1e-6);
    check_close(smooth.module.out.bias, {0.75 * 1.25 + 0.25 * 6}, 1e-6);
    check_values(own.module.out.bias, {(1 * 1 + 2) * 2 + 6});
    check_values(mean.module.norm.running_mean, {60, 60, 60});
    BOOST_TEST(mean.n_averaged.item<std::int64_t>() == 3);
    for (const Tensor& p : mean.parameters()) BOOST_TEST(!p.requires_grad());
    BOOST_TEST(mean.state_dict().contains("module.fc.weight"));
    BOOST_TEST(mean.state_dict().contains("n_averaged"));
  }
}

BOOST_AUTO_TEST_CASE(buffers_are_averaged_on_request_but_those_that_count) {
  Net net;
  optim::AveragedModel mean(Net(), {.use_buffers = true});
  for (const double value : {1.0, 2.0}) {
    fill(net, value);
    net(ones({4, 2}));  // counts a batch
    net.norm.running_mean.fill_(10 * value);
    mean.update_parameters(net);
  }
  check_close(mean.module.norm.running_mean, {15, 15, 15}, 1e-6);
  check_values(mean.module.norm.num_batches_tracked, {2});
}

BOOST_AUTO_TEST_CASE(another_structure_and_a_decay_outside_its_range_are_refused) {
  optim::AveragedModel mean((Net()));
  const nn::Linear other(2, 1);
  check_error<ValueError>([&] { mean.update_parameters(other); }, "the model has 2 parameters, the average 6");
  struct Wide : nn::Module {
    nn::Linear fc = add("fc", nn::Linear(2, 4));
    nn::BatchNorm1d norm = add("norm", nn::BatchNorm1d(4));
    nn::Linear out = add("out", nn::Linear(4, 1));
  } wide;
  check_error<ValueError>([&] { mean.update_parameters(wide); }, "'fc.weight' is [4, 2] in the model and [3, 2]");
  BOOST_TEST(mean.n_averaged.item<std::int64_t>() == 0);
  check_error<ValueError>([] { optim::AveragedModel bad(Net(), {.decay = 1.5}); }, "Invalid decay value 1.5");
}

BOOST_AUTO_TEST_CASE(moments_of_batch_norms_are_means_over_the_batches) {
  Net net;
  net.eval();
  net.norm.train();
  const std::vector<Tensor> batches = {linspace(0, 1, 8).view({4, 2}), linspace(-3, 1, 12).view({6, 2}),
                                       linspace(2, 5, 10).view({5, 2})};
  Tensor mean = zeros({3}), var = zeros({3});
  {
    NoGradGuard no_grad;
    for (const Tensor& x : batches) {
      mean += net.fc(x).mean(0) / 3.0;
      var += net.fc(x).var(0) / 3.0;
    }
  }
  net.norm.running_mean.fill_(77);
  optim::update_bn(batches, net);
  BOOST_TEST(allclose(net.norm.running_mean, mean, 1e-5, 1e-6));
  BOOST_TEST(allclose(net.norm.running_var, var, 1e-5, 1e-6));
  check_values(net.norm.num_batches_tracked, {3});
  BOOST_TEST(!net.is_training());
  BOOST_TEST(net.norm.is_training());
  BOOST_TEST((net.norm.options().momentum == 0.1));
  for (const Tensor& p : net.parameters()) BOOST_TEST(!p.grad().defined());

  // Where the data fail, modes and momenta come back.
  BOOST_CHECK_THROW(optim::update_bn(std::vector<Tensor>{ones({2, 7})}, net), Error);
  BOOST_TEST(!net.is_training());
  BOOST_TEST((net.norm.options().momentum == 0.1));
  nn::Linear none(2, 1);
  optim::update_bn(std::vector<Tensor>{ones({2, 7})}, none);  // no norm, no pass
}

BOOST_AUTO_TEST_CASE(groups_are_made_of_names_by_pattern_the_first_of_which_counts) {
  Net net;
  const auto groups = optim::groups<optim::AdamW>(
      net, {{"*.bias", {.weight_decay = 0}}, {"norm.*", {.lr = 0.5}}, {"f?.*", {.lr = 0.25}}});
  BOOST_REQUIRE(groups.size() == 4u);
  BOOST_TEST((groups[0].params.names == std::vector<std::string>{"fc.bias", "norm.bias", "out.bias"}));
  BOOST_TEST((groups[1].params.names == std::vector<std::string>{"norm.weight"}));
  BOOST_TEST((groups[2].params.names == std::vector<std::string>{"fc.weight"}));
  BOOST_TEST((groups[3].params.names == std::vector<std::string>{"out.weight"}));
  optim::AdamW opt(groups, {.lr = 0.125});
  BOOST_TEST(opt.param_groups()[0].weight_decay == 0);
  BOOST_TEST(opt.lr(2) == 0.25);
  BOOST_TEST(opt.lr(3) == 0.125);
  BOOST_TEST(optim::groups<optim::SGD>(net, {{"*", {}}}).size() == 1u);
  BOOST_TEST(optim::groups<optim::SGD>(net, {{"**c*weight*", {}}})[0].params.names.size() == 1u);
  check_error<ValueError>([&] { (void)optim::groups<optim::SGD>(net, {{"*", {}}, {"fc.*", {}}}); },
                          "no parameter belongs to the pattern 'fc.*'");
  check_error<ValueError>([&] { (void)optim::groups<optim::SGD>(net, {{"head", {}}}); }, "the names are fc.weight, ");
}

BOOST_AUTO_TEST_CASE(rates_fall_from_the_last_layer_to_the_first) {
  nn::Sequential net(nn::Linear(2, 3), nn::ReLU(), nn::Linear(3, 3), nn::Linear(3, 1));
  const optim::SGD opt(optim::layer_decay<optim::SGD>(net, 0.8, 0.5), {.momentum = 0.9});
  BOOST_REQUIRE(opt.group_count() == 3u);
  BOOST_TEST(opt.option(0, "lr") == 0.2);
  BOOST_TEST(opt.option(1, "lr") == 0.4);
  BOOST_TEST(opt.option(2, "lr") == 0.8);
  BOOST_TEST(opt.option(0, "momentum") == 0.9);
  check_error<ValueError>([&] { (void)optim::layer_decay<optim::SGD>(net, 0.1, 0); }, "decay must be above 0");
  check_error<ValueError>([&] { (void)optim::layer_decay<optim::SGD>(net, -1, 1); }, "lr must be at least 0");
}

BOOST_AUTO_TEST_CASE(gradients_in_parts_make_the_step_of_their_mean) {
  const Tensor p = param({1, 2}), q = param({1, 2});
  optim::SGD whole({p}, {.lr = 0.5}), parts({q}, {.lr = 0.5});
  optim::GradientAccumulation accumulation(parts, 4);
  const auto loss = [](const Tensor& w, double scale) { return (w * w * scale).sum(); };
  for (int round = 0; round < 2; ++round) {
    whole.zero_grad();
    ((loss(p, 1) + loss(p, 2) + loss(p, 3) + loss(p, 4)) / 4.0).backward();
    whole.step();
    for (int i = 1; i <= 4; ++i) BOOST_TEST(accumulation.backward(loss(q, i)) == (i == 4));
    BOOST_TEST(!q.grad().defined());
    BOOST_TEST(allclose(q, p, 1e-14, 0));
  }
  BOOST_TEST(!accumulation.flush());
  whole.zero_grad();
  ((loss(p, 1) + loss(p, 2) + loss(p, 3)) / 3.0).backward();
  whole.step();
  for (int i = 1; i <= 3; ++i) BOOST_TEST(!accumulation.backward(loss(q, i)));
  BOOST_TEST(accumulation.flush());
  BOOST_TEST(!accumulation.flush());
  BOOST_TEST(allclose(q, p, 1e-14, 0));
  check_error<ValueError>([&] { optim::GradientAccumulation(parts, 0); }, "parts must be at least 1, got 0");
}

BOOST_AUTO_TEST_SUITE_END()
