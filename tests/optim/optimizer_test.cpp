#include <cmath>
#include <memory>

#include "optim/support.h"
#include "support/checks.h"

using namespace slope;

// Groups, options, closures, saving and loading.
BOOST_AUTO_TEST_SUITE(optimizer)

BOOST_AUTO_TEST_CASE(what_a_group_leaves_out_it_inherits) {
  const Tensor w = param({1}), b = param({1});
  optim::SGD opt({{.params = {w}, .weight_decay = 0.5}, {.params = {b}, .lr = 0.25, .weight_decay = 0.0}},
                 {.lr = 1, .weight_decay = 9});
  BOOST_TEST(opt.param_groups()[0].lr == 1);
  BOOST_TEST(opt.param_groups()[0].weight_decay == 0.5);
  BOOST_TEST(opt.param_groups()[1].lr == 0.25);
  BOOST_TEST(opt.param_groups()[1].weight_decay == 0);
  give(w, {0});
  give(b, {1});
  opt.step();
  check_values(w, {0.5});
  check_values(b, {0.75});
}

BOOST_AUTO_TEST_CASE(options_are_read_at_every_step) {
  const Tensor p = param({0});
  optim::SGD opt({p}, {.lr = 1});
  give(p, {1});
  opt.step();
  opt.param_groups()[0].lr *= 0.5;
  opt.step();
  check_values(p, {-1.5});
  opt.lr(0) = 0.25;
  opt.step();
  check_values(p, {-1.75});
}

BOOST_AUTO_TEST_CASE(groups_can_be_added_between_steps_and_references_to_others_stay_valid) {
  const Tensor p = param({0}), q = param({0});
  optim::Adam opt({p}, {.lr = 0.5});
  auto& first = opt.param_groups()[0];
  give(p, {1});
  opt.step();
  for (int i = 0; i < 20; ++i) opt.add_param_group({.params = {param({0})}});
  opt.add_param_group({.params = {q}, .lr = 0.125});
  BOOST_TEST(&first == &opt.param_groups()[0]);
  BOOST_TEST(opt.group_count() == 22u);
  BOOST_TEST(opt.param_groups()[21].eps == 1e-8);
  int groups = 0;
  for (const auto& group : std::as_const(opt).param_groups()) groups += group.params.size() == 1;
  BOOST_TEST(groups == 22);
  for (auto& group : opt.param_groups()) group.weight_decay = 0;
  check_error<IndexError>([&] { opt.param_groups().at(22).lr = 1; }, "index 22 is out of range for 22 elements");
  give(q, {1});
  opt.step();
  check_close(q, {-0.125}, 1e-7);
  BOOST_TEST(opt.state(p)->step == 2);
  BOOST_TEST(opt.state(q)->step == 1);
}

BOOST_AUTO_TEST_CASE(a_closure_runs_once_with_gradients_enabled_and_its_loss_is_returned) {
  const Tensor p = param({3});
  optim::SGD opt({p}, {.lr = 0.1});
  int calls = 0;
  NoGradGuard outer;
  const Tensor loss = opt.step([&] {
    ++calls;
    BOOST_TEST(grad_enabled());
    opt.zero_grad();
    const Tensor value = (p * p).sum();
    value.backward();
    return value;
  });
  BOOST_TEST(calls == 1);
  BOOST_TEST(loss.item() == 9);
  BOOST_TEST(!grad_enabled());
  check_close(p, {2.4}, 1e-12);
}

BOOST_AUTO_TEST_CASE(zero_grad_drops_gradients_or_zeroes_them_in_place) {
  const Tensor p = param({1});
  optim::SGD opt({p});
  give(p, {2});
  const Tensor g = p.grad();
  opt.zero_grad(false);
  BOOST_TEST(p.grad().is(g));
  check_values(g, {0});
  opt.zero_grad();
  BOOST_TEST(!p.grad().defined());
  check_values(g, {0});
}

BOOST_AUTO_TEST_CASE(training_resumed_from_a_state_dict_is_bit_identical) {
  auto run = [](bool resume) {
    const Tensor p = param({1, -2, 3}), q = param({0.5});
    auto make = [&] {
      return std::make_unique<optim::Adam>(std::vector<optim::AdamGroup>{{.params = {p}}, {.params = {q}, .lr = 0.3}},
                                           optim::AdamOptions{.lr = 0.1, .amsgrad = true});
    };
    auto opt = make();
    for (int i = 0; i < 10; ++i) {
      if (i == 4) opt->param_groups()[0].lr = 0.05;
      if (resume && i == 5) {
        const optim::OptimizerState saved = opt->state_dict();
        opt = make();
        opt->load_state_dict(saved);
      }
      opt->zero_grad();
      ((p * p).sum() * q.sum()).backward();
      opt->step();
    }
    auto out = p.to_vector<double>();
    out.push_back(q.item());
    return out;
  };
  BOOST_TEST(run(true) == run(false));
}

BOOST_AUTO_TEST_CASE(a_state_dict_numbers_parameters_over_all_groups_and_holds_plain_values) {
  const Tensor a = param({1}), b = param({1, 2}), c = param({1});
  optim::SGD opt({{.params = {a, b}}, {.params = {c}, .lr = 0.5}}, {.lr = 1, .momentum = 0.9});
  give(b, {3, 4});
  give(c, {5});
  opt.step();
  const auto dict = opt.state_dict();
  BOOST_REQUIRE_EQUAL(dict.param_groups.size(), 2u);
  BOOST_TEST(dict.param_groups[0].params == std::vector<std::int64_t>({0, 1}));
  BOOST_TEST(dict.param_groups[1].params == std::vector<std::int64_t>({2}));
  BOOST_TEST((dict.param_groups[1].options[0] == std::pair<std::string, double>("lr", 0.5)));
  BOOST_REQUIRE_EQUAL(dict.state.size(), 2u);
  BOOST_TEST(dict.state[0].first == 1);
  BOOST_TEST(dict.state[0].second.step == 1);
  BOOST_TEST(dict.state[0].second.tensors[0].first == "momentum_buffer");
  check_values(dict.state[0].second.tensors[0].second, {3, 4});
}

BOOST_AUTO_TEST_CASE(a_state_dict_of_another_dtype_is_cast_and_copied) {
  const Tensor p = param({1}), q = param({1}, float32);
  optim::SGD a({p}, {.lr = 1, .momentum = 0.5}), b({q}, {.lr = 7});
  give(p, {2});
  a.step();
  b.load_state_dict(a.state_dict());
  BOOST_TEST(b.param_groups()[0].lr == 1);
  BOOST_TEST(b.param_groups()[0].momentum == 0.5);
  BOOST_TEST((b.state(q)->tensors[0].dtype() == float32));
  give(p, {0});
  a.step();
  BOOST_TEST(b.state(q)->tensors[0].item() == 2);  // no shared memory
}

BOOST_AUTO_TEST_CASE(a_state_dict_that_does_not_fit_is_refused_and_nothing_changes) {
  const Tensor p = param({1, 2}), q = param({1});
  optim::SGD two({p, q}, {.lr = 1, .momentum = 0.5}),
      groups({{.params = {param({1})}}, {.params = {param({1})}}}, {.lr = 1});
  optim::SGD one({param({1, 2, 3})}, {.lr = 3, .momentum = 0.5});
  give(p, {1, 1});
  two.step();
  auto dict = two.state_dict();
  check_error<ValueError>([&] { groups.load_state_dict(dict); },
                          "loaded state dict has a different number of parameter groups: 1, this optimizer has 2");
  check_error<ValueError>(
      [&] { one.load_state_dict(dict); },
      "loaded state dict contains a parameter group that doesn't match the size of optimizer's group 0: 2 against 1");
  auto wrong = dict;
  wrong.param_groups[0].params = {0};
  check_error<ShapeError>([&] { one.load_state_dict(wrong); },
                          "loaded momentum_buffer has shape [2] but parameter 0 of shape [3] needs [3]");
  auto negative = dict;
  negative.param_groups[0].options[0].second = -1;
  check_error<ValueError>([&] { two.load_state_dict(negative); }, "Invalid learning rate: -1");
  auto stray = dict;
  stray.state[0].first = 7;
  check_error<ValueError>([&] { two.load_state_dict(stray); }, "holds state of parameter 7, which is in no group");
  BOOST_TEST(one.param_groups()[0].lr == 3);
  BOOST_TEST(two.param_groups()[0].lr == 1);
  BOOST_TEST(two.state(p)->step == 1);
}

BOOST_AUTO_TEST_CASE(options_outside_their_domain_are_refused) {
  const std::vector<Tensor> ps = {param({1})};
  check_error<ValueError>([&] { optim::SGD(ps, {.lr = -1}); }, "SGD: Invalid learning rate: -1; lr must be at least 0");
  check_error<ValueError>([&] { optim::SGD(ps, {.momentum = -0.1}); }, "SGD: Invalid momentum value: -0.1");
  check_error<ValueError>([&] { optim::SGD(ps, {.weight_decay = -2}); }, "SGD: Invalid weight_decay value: -2");
  check_error<ValueError>([&] { optim::SGD(ps, {.nesterov = true}); },
                          "Nesterov momentum requires a momentum and zero dampening");
  check_error<ValueError>([&] { optim::SGD(ps, {.momentum = 0.9, .dampening = 0.1, .nesterov = true}); },
                          "Nesterov momentum requires a momentum and zero dampening");
  check_error<ValueError>([&] { optim::Adam(ps, {.lr = -1}); }, "Adam: Invalid learning rate: -1");
  check_error<ValueError>([&] { optim::Adam(ps, {.lr = std::nan("")}); }, "Adam: Invalid learning rate: nan");
  check_error<ValueError>([&] { optim::Adam(ps, {.betas = {1.0, 0.9}}); },
                          "Adam: Invalid beta parameter at index 0: 1; betas must be at least 0 and below 1");
  check_error<ValueError>([&] { optim::Adam(ps, {.betas = {0.9, -0.1}}); },
                          "Adam: Invalid beta parameter at index 1: -0.1");
  check_error<ValueError>([&] { optim::Adam(ps, {.eps = -1e-3}); }, "Adam: Invalid epsilon value: -0.001");
  check_error<ValueError>([&] { optim::AdamW(ps, {.weight_decay = -1}); }, "AdamW: Invalid weight_decay value: -1");
  check_error<ValueError>([&] { optim::Adam({{.params = ps, .lr = -3.0}}, {}); }, "Adam: Invalid learning rate: -3");
}

BOOST_AUTO_TEST_CASE(parameters_that_cannot_be_trained_are_refused) {
  const Tensor p = param({1}), q = param({1});
  check_error<ValueError>([] { optim::Adam(std::vector<Tensor>{}); }, "optimizer got an empty parameter list");
  check_error<ValueError>([&] { optim::Adam({p, q, p}); },
                          "optimizer contains a parameter group with duplicate parameters");
  check_error<ValueError>([&] { optim::Adam({{.params = {p}}, {.params = {q, p}}}, {}); },
                          "some parameters appear in more than one parameter group");
  check_error<AutogradError>(
      [&] { optim::Adam({p * 2}); },
      "Adam: can't optimize a non-leaf Tensor: parameter 0 of shape [1] was computed by MulBackward; pass the tensor");
  check_error<DTypeError>([] { optim::Adam({arange(3)}); },
                          "can only optimize floating point tensors, but parameter 0 of shape [3] is int64");
  check_error<ValueError>([] { optim::Adam({Tensor()}); }, "a parameter is an undefined tensor");
  optim::Adam opt({p});
  check_error<ValueError>([&] { opt.add_param_group({.params = {p}}); },
                          "some parameters appear in more than one parameter group");
  check_error<ValueError>([&] { opt.add_param_group({.params = {q}, .lr = -1}); }, "Invalid learning rate: -1");
  BOOST_TEST(opt.group_count() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
