#include "slope/nn/containers.h"

#include <boost/test/unit_test.hpp>
#include <memory>
#include <string>
#include <vector>

#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/nn/layers/activation.h"
#include "slope/nn/layers/linear.h"
#include "support/checks.h"

using namespace slope;

namespace {

std::string keys(const nn::Module& m) {
  std::string out;
  for (const auto& [name, t] : m.state_dict()) out += (out.empty() ? "" : " ") + name;
  return out;
}

std::string children(const nn::Module& m) {
  std::string out;
  for (const auto& [name, child] : m.named_children())
    out += (out.empty() ? "" : " ") + name + ":" + child->class_name();
  return out;
}

/// Adds a number, so that order matters and a wrong module shows.
struct Plus : nn::Module {
  explicit Plus(double n) : number(n) {}
  Tensor forward(const Tensor& x) override { return x + number; }
  double number;
};

struct Times : nn::Module {
  explicit Times(double n) : number(n) {}
  Tensor forward(const Tensor& x) override { return x * number; }
  double number;
};

nn::Sequential chain() { return nn::Sequential(Plus(1), Times(10), Plus(2)); }

}  // namespace

BOOST_AUTO_TEST_SUITE(containers)

BOOST_AUTO_TEST_CASE(sequential_calls_its_modules_one_after_the_other) {
  nn::Sequential net = chain();
  check_values(net(tensor({1.0, 2.0})), {22, 32});
  BOOST_TEST(net.size() == 3u);
  nn::Sequential nothing;
  const Tensor x = tensor({4.0});
  BOOST_TEST(nothing(x).is(x));
  BOOST_TEST(nothing.empty());
}

BOOST_AUTO_TEST_CASE(sequential_names_its_modules_by_position_or_as_given) {
  nn::Sequential net(nn::Linear(2, 3), nn::ReLU(), nn::Linear(3, 1, {.bias = false}));
  BOOST_TEST(keys(net) == "0.weight 0.bias 2.weight");
  nn::Sequential named(nn::named("fc", nn::Linear(2, 3)), nn::ReLU(), nn::named("out", nn::Linear(3, 1)));
  BOOST_TEST(children(named) == "fc:Linear 1:ReLU out:Linear");
  named.push_back("last", Plus(1));
  BOOST_TEST(children(named) == "fc:Linear 1:ReLU out:Linear last:Plus");
  check_error<ValueError>([&] { named.push_back("fc", Plus(1)); }, "the name 'fc' already exists");
  check_error<ValueError>([&] { named.push_back("a.b", Plus(1)); }, "can't contain");
  BOOST_TEST(named.size() == 4u);
  check_error<ValueError>([&] { named.push_back(std::unique_ptr<nn::Module>()); }, "Sequential: the module is null");
}

BOOST_AUTO_TEST_CASE(sequentials_nest_and_move) {
  nn::Sequential net(nn::Sequential(nn::Linear(2, 2), nn::ReLU()), nn::Linear(2, 1));
  BOOST_TEST(keys(net) == "0.0.weight 0.0.bias 1.weight 1.bias");
  nn::Sequential moved = std::move(net);
  BOOST_TEST(keys(moved) == "0.0.weight 0.0.bias 1.weight 1.bias");
  std::vector<nn::Sequential> many;
  for (int i = 0; i < 5; ++i) many.push_back(chain());
  for (auto& s : many) check_values(s(tensor({1.0})), {22});
  moved = chain();
  check_values(moved(tensor({1.0})), {22});
  BOOST_TEST(children(moved) == "0:Plus 1:Times 2:Plus");
}

BOOST_AUTO_TEST_CASE(sequentials_as_members_are_children_of_their_net) {
  struct Net : nn::Module {
    nn::Sequential body = add("body", nn::Sequential(nn::Linear(2, 4), nn::ReLU()));
    nn::Linear head = add("head", nn::Linear(4, 1));
    Tensor forward(const Tensor& x) override { return head(body(x)); }
  };
  Net net;
  Net moved = std::move(net);
  BOOST_TEST(keys(moved) == "body.0.weight body.0.bias head.weight head.bias");
  BOOST_TEST(to_text(moved(ones({3, 2})).shape()) == "[3, 1]");
  moved.eval();
  BOOST_TEST(!moved.body[1].is_training());
}

BOOST_AUTO_TEST_CASE(positions_count_from_both_ends) {
  nn::Sequential net = chain();
  BOOST_TEST(net.at<Plus>(0).number == 1);
  BOOST_TEST(net.at<Plus>(-1).number == 2);
  BOOST_TEST(net[1].class_name() == "Times");
  check_error<IndexError>([&] { (void)net[3]; }, "Sequential: index 3 is out of range for 3 entries");
  check_error<IndexError>([&] { (void)net[-4]; }, "Sequential: index -4 is out of range for 3 entries");
  check_error<ValueError>([&] { (void)net.at<Plus>(1); }, "Sequential: entry 1 is a Times");
  int count = 0;
  for (nn::Module& m : net) count += m.class_name() == "Plus";
  BOOST_TEST(count == 2);
}

BOOST_AUTO_TEST_CASE(insert_append_extend_and_pop_keep_names_in_step) {
  nn::Sequential net = chain();
  net.insert(1, Plus(5));
  BOOST_TEST(children(net) == "0:Plus 1:Plus 2:Times 3:Plus");
  check_values(net(tensor({1.0})), {72});
  net.insert(-1, Times(0));
  BOOST_TEST(children(net) == "0:Plus 1:Plus 2:Times 3:Times 4:Plus");
  check_values(net(tensor({1.0})), {2});
  const auto taken = net.pop(3);
  BOOST_TEST(taken->class_name() == "Times");
  BOOST_TEST(children(net) == "0:Plus 1:Plus 2:Times 3:Plus");
  net.append(Times(3)).append(nn::named("final", Plus(1)));
  check_values(net(tensor({1.0})), {217});
  nn::Sequential longer;
  longer.append(Plus(0)).extend(std::move(net));
  BOOST_TEST(children(longer) == "0:Plus 1:Plus 2:Plus 3:Times 4:Plus 5:Times final:Plus");
  check_values(longer(tensor({1.0})), {217});
  check_error<IndexError>([&] { longer.insert(9, Plus(1)); }, "position 9 is out of range for 7 entries");
  nn::Sequential clash(nn::named("1", Plus(1)));
  clash.insert(0, Plus(2));
  BOOST_TEST(children(clash) == "0:Plus 1:Plus");
  check_error<ValueError>([&] { clash.insert(0, Plus(3)); }, "the name '1' would occur twice");
  BOOST_TEST(children(clash) == "0:Plus 1:Plus");
  (void)clash.pop();
  check_error<IndexError>([&] { (void)nn::Sequential().pop(); }, "Sequential: index -1 is out of range for 0 entries");
}

BOOST_AUTO_TEST_CASE(a_module_list_registers_but_is_not_callable) {
  struct Deep : nn::Module {
    nn::ModuleList layers = add("layers", nn::ModuleList());
    Deep() {
      for (int i = 0; i < 3; ++i) layers.push_back(nn::Linear(2, 2));
    }
    Tensor forward(const Tensor& x) override {
      Tensor y = x;
      for (nn::Module& layer : layers) y = relu(layer(y));
      return y;
    }
  };
  Deep net;
  BOOST_TEST(keys(net) == "layers.0.weight layers.0.bias layers.1.weight layers.1.bias layers.2.weight layers.2.bias");
  BOOST_TEST(to_text(net(ones({5, 2})).shape()) == "[5, 2]");
  check_error<ValueError>([&] { net.layers(ones({1})); }, "ModuleList: has no forward");
  nn::Linear& first = net.layers.at<nn::Linear>(0);
  BOOST_TEST(first.weight.is(net.parameters()[0]));
  nn::ModuleList other(nn::ReLU(), nn::Linear(1, 1));
  other.extend(nn::ModuleList(nn::Tanh()));
  BOOST_TEST(children(other) == "0:ReLU 1:Linear 2:Tanh");
}

BOOST_AUTO_TEST_CASE(a_module_dict_keeps_names_in_order) {
  nn::ModuleDict dict;
  dict.insert("mean", nn::Linear(2, 1));
  dict.insert("act", nn::Tanh());
  BOOST_TEST(keys(dict) == "mean.weight mean.bias");
  BOOST_TEST(dict["act"].class_name() == "Tanh");
  BOOST_TEST(dict.contains("mean"));
  BOOST_TEST(!dict.contains("sum"));
  check_error<IndexError>([&] { (void)dict.at("sum"); }, "ModuleDict: there is no entry 'sum'; entries are: mean, act");
  check_error<ValueError>([&] { dict.insert("act", nn::ReLU()); }, "the name 'act' already exists");
  nn::ModuleDict moved = std::move(dict);
  const auto taken = moved.pop("mean");
  BOOST_TEST(taken->class_name() == "Linear");
  BOOST_TEST(moved.size() == 1u);
  BOOST_TEST(keys(moved).empty());
  BOOST_TEST((moved.keys() == std::vector<std::string>{"act"}));
}

BOOST_AUTO_TEST_CASE(parameter_lists_and_dicts_register_their_tensors) {
  struct Net : nn::Module {
    nn::ParameterList scales = add("scales", nn::ParameterList({ones({2}), zeros({3})}));
    nn::ParameterDict table = add("table", nn::ParameterDict());
    Net() { table.insert("left", ones({1})).insert("right", ones({2})); }
  };
  Net net;
  Net moved = std::move(net);
  BOOST_TEST(keys(moved) == "scales.0 scales.1 table.left table.right");
  BOOST_TEST(moved.scales[-1].numel() == 3);
  BOOST_TEST(moved.table["right"].requires_grad());
  BOOST_TEST(moved.parameters()[0].is(moved.scales[0]));
  moved.scales.append(ones({4}));
  BOOST_TEST(keys(moved) == "scales.0 scales.1 scales.2 table.left table.right");
  check_error<IndexError>([&] { (void)moved.scales[3]; }, "ParameterList: index 3 is out of range for 3 entries");
  check_error<IndexError>([&] { (void)moved.table.at("up"); },
                          "ParameterDict: there is no entry 'up'; entries are: left, right");
  check_error<ValueError>([&] { moved.table.insert("left", ones({1})); }, "the name 'left' already exists");
  BOOST_TEST(moved.table.size() == 2u);
}

BOOST_AUTO_TEST_SUITE_END()
