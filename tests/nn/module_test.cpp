#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/random.h"
#include "slope/nn/layers/activation.h"
#include "slope/nn/layers/dropout.h"
#include "slope/nn/layers/linear.h"
#include "slope/nn/module.h"
#include "support/checks.h"

using namespace slope;

namespace {

struct Net : nn::Module {
  nn::Linear fc1 = add("fc1", nn::Linear(2, 4));
  nn::Linear fc2 = add("fc2", nn::Linear(4, 1));
  Tensor forward(const Tensor& x) override { return sigmoid(fc2(relu(fc1(x)))); }
};

/// Parameters, buffers and children mixed, two levels deep.
struct Block : nn::Module {
  nn::Parameter scale = parameter("scale", ones({3}));
  Tensor mean = buffer("mean", zeros({3}));
  Tensor scratch = buffer("scratch", zeros({5}), false);
  Tensor count = buffer("count", zeros({}, {.dtype = int64}));
  nn::Linear fc = add("fc", nn::Linear(3, 3));
  Tensor forward(const Tensor& x) override { return fc(x * scale); }
};

struct Deep : nn::Module {
  Block first = add("first", Block());
  nn::ReLU act = add("act", nn::ReLU());
  Block second = add("second", Block());
  nn::Parameter gain = parameter("gain", ones({}));
  Tensor forward(const Tensor& x) override { return second(act(first(x))) * gain; }
};

/// For calls that do not know the line they stand on.
template <class F>
void check_moved_from(const F& call) {
  BOOST_CHECK_EXCEPTION(call(), ValueError, [](const ValueError& e) {
    return std::string(e.what()).starts_with("Linear: this module was moved from");
  });
}

template <class Named>
std::string names(const Named& named) {
  std::string out;
  for (const auto& [name, item] : named) out += (out.empty() ? "" : " ") + name;
  return out;
}

std::string joined(const std::vector<std::string>& keys) {
  std::string out;
  for (const auto& k : keys) out += (out.empty() ? "" : " ") + k;
  return out;
}

/// Every child of every module is where its parent believes it to be: its parameters are those of the member.
void check_is_wired(Net& net) {
  BOOST_TEST(names(net.named_parameters()) == "fc1.weight fc1.bias fc2.weight fc2.bias");
  const auto children = net.named_children();
  BOOST_REQUIRE_EQUAL(children.size(), 2u);
  BOOST_TEST(children[0].second == &net.fc1);
  BOOST_TEST(children[1].second == &net.fc2);
  const auto p = net.parameters();
  BOOST_TEST(p[0].is(net.fc1.weight));
  BOOST_TEST(p[3].is(net.fc2.bias));
  net.train();
  BOOST_TEST(net.fc1.is_training());
  net.eval();
  BOOST_TEST(!net.fc1.is_training());
  BOOST_TEST(to_text(net(ones({5, 2})).shape()) == "[5, 1]");
}

Net made() {
  Net net;
  nn::Linear other(2, 4);  // keeps the compiler from building in place
  return other.weight.numel() > 100 ? Net() : std::move(net);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(module)

// ---- the tree

BOOST_AUTO_TEST_CASE(names_are_dotted_paths_in_order_of_registration) {
  Deep net;
  BOOST_TEST(names(net.named_parameters()) ==
             "gain first.scale first.fc.weight first.fc.bias second.scale second.fc.weight second.fc.bias");
  BOOST_TEST(names(net.named_buffers()) ==
             "first.mean first.scratch first.count second.mean second.scratch second.count");
  BOOST_TEST(names(net.named_children()) == "first act second");
  BOOST_TEST(names(net.named_modules()) == "first first.fc act second second.fc");
  BOOST_TEST(net.named_modules().front().first.empty());
  BOOST_TEST(names(net.named_parameters("model")) ==
             "model.gain model.first.scale model.first.fc.weight model.first.fc.bias model.second.scale "
             "model.second.fc.weight model.second.fc.bias");
  BOOST_TEST(net.modules().front() == &net);
  BOOST_TEST(net.children()[0] == &net.first);
}

BOOST_AUTO_TEST_CASE(without_recursion_only_own_tensors_are_listed) {
  Deep net;
  BOOST_TEST(names(net.named_parameters("", false)) == "gain");
  BOOST_TEST(net.parameters(false).size() == 1u);
  BOOST_TEST(net.buffers(false).empty());
  BOOST_TEST(names(net.first.named_buffers("", false)) == "mean scratch count");
}

BOOST_AUTO_TEST_CASE(apply_calls_children_before_their_parent) {
  Deep net;
  std::string order;
  net.apply([&](nn::Module& m) { order += m.class_name() + " "; });
  BOOST_TEST(order == "Linear Block ReLU Linear Block Deep ");
}

BOOST_AUTO_TEST_CASE(a_shared_tensor_is_listed_once_but_saved_under_both_names) {
  struct Tied : nn::Module {
    nn::Linear encode = add("encode", nn::Linear(3, 3, {.bias = false}));
    nn::Linear decode = add("decode", nn::Linear(3, 3, {.bias = false}));
    Tied() { decode.weight.tie(encode.weight); }
    Tensor forward(const Tensor& x) override { return decode(encode(x)); }
  };
  Tied net;
  BOOST_TEST(names(net.named_parameters()) == "encode.weight");
  BOOST_TEST(joined(net.state_dict().keys()) == "encode.weight decode.weight");
  BOOST_TEST(net.decode.weight.is(net.encode.weight));
  net(ones({1, 3})).sum().backward();
  // y = Σ (W·W·1): the gradient has a part from each use.
  const Tensor w = net.encode.weight.detach(), one = ones({3});
  const Tensor expected = outer(one, matmul(w, one)) + outer(matmul(w.t(), one), one);
  BOOST_TEST(allclose(net.encode.weight.grad(), expected, 1e-5, 1e-6));
}

BOOST_AUTO_TEST_CASE(two_values_for_one_tied_tensor_are_refused_and_nothing_changes) {
  struct Tied : nn::Module {
    nn::Linear encode = add("encode", nn::Linear(3, 3, {.bias = false}));
    nn::Linear decode = add("decode", nn::Linear(3, 3, {.bias = false}));
    Tied() { decode.weight.tie(encode.weight); }
  };
  Tied net, other;
  const Tensor before = net.encode.weight.detach().clone();
  nn::StateDict dict = other.state_dict();
  dict["decode.weight"] = ones({3, 3});
  for (const bool strict : {true, false})
    check_error<ValueError>(
        [&] { net.load_state_dict(dict, strict); },
        "encode.weight and decode.weight are one tensor in this model, but the state dict holds two different "
        "values for it");
  BOOST_TEST(equal(net.encode.weight, before));
  dict["decode.weight"] = dict.at("encode.weight").to(float64);  // the same value, also in another dtype
  net.load_state_dict(dict);
  BOOST_TEST(equal(net.decode.weight, other.encode.weight));
  dict.erase("decode.weight");
  dict["encode.weight"] = ones({3, 3});
  net.load_state_dict(dict, false);  // one of the names is enough
  BOOST_TEST(equal(net.decode.weight, ones({3, 3})));
}

BOOST_AUTO_TEST_CASE(of_many_parameters_each_is_listed_once) {
  struct Wide : nn::Module {
    explicit Wide(int count) {
      for (int i = 0; i < count; ++i) all.push_back(parameter(concat("p", i), full({1}, static_cast<double>(i))));
      for (int i = 0; i < count; i += 7) all.push_back(parameter(concat("again", i), all[static_cast<std::size_t>(i)]));
    }
    std::vector<nn::Parameter> all;
  };
  for (const int count : {23, 24, 25, 60}) {
    const Wide net(count);
    const auto named = net.named_parameters();
    BOOST_REQUIRE_EQUAL(named.size(), static_cast<std::size_t>(count));
    std::size_t at = 0;
    net.each_parameter([&](const std::string& name, const Tensor& p) {
      BOOST_TEST(name == concat("p", at));
      BOOST_TEST(name == named[at].first);
      BOOST_TEST(p.is(named[at].second));
      ++at;
    });
    BOOST_TEST(at == named.size());
  }
}

// each_parameter() remembers what it found.
BOOST_AUTO_TEST_CASE(what_was_walked_before_is_walked_anew_when_the_tree_has_changed) {
  const auto check = [](const nn::Module& net, const char* after) {
    for (int again = 0; again < 2; ++again) {
      const auto named = net.named_parameters();
      std::size_t at = 0;
      net.each_parameter([&](const std::string& name, const Tensor& p) {
        BOOST_REQUIRE_LT(at, named.size());
        BOOST_TEST((name == named[at].first && p.is(named[at].second)), name << " after " << after);
        ++at;
      });
      BOOST_TEST(at == named.size(), at << " parameters after " << after);
    }
  };
  struct Net : nn::Module {
    nn::Linear a = add("a", nn::Linear(2, 2));
    std::optional<nn::Linear> b = add("b", nn::Linear(2, 2));
    using nn::Module::parameter;
    nn::Parameter own;
    void grow() { own = parameter("own", ones({2})); }
    void take_in() { b.emplace(add("c", nn::Linear(2, 2))); }
  };
  Net net;
  check(net, "it was made");
  net.grow();
  check(net, "a parameter was added");
  net.b->weight.tie(net.a.weight);
  check(net, "two were tied");
  net.b.reset();
  check(net, "a child died");
  net.take_in();
  check(net, "a child was added");
  net.a = nn::Linear(2, 2, {.bias = false});
  check(net, "a child was assigned");
  Net moved = std::move(net);
  check(moved, "it was moved");
  moved.to(float64);
  check(moved, "its dtype changed");
  const nn::Linear others[] = {nn::Linear(1, 1), nn::Linear(1, 1), nn::Linear(1, 1), nn::Linear(1, 1),
                               nn::Linear(1, 1)};
  moved.each_parameter([&](const std::string&, const Tensor&) {
    for (const nn::Linear& other : others) check(other, "another was being walked");
  });
  check(moved, "others were walked meanwhile");
}

BOOST_AUTO_TEST_CASE(tying_tensors_that_differ_throws_and_changes_nothing) {
  nn::Linear a(2, 3), b(3, 2);
  const Tensor before = a.weight;
  check_error<ShapeError>([&] { a.weight.tie(b.weight); },
                          "tie: a parameter of shape [3, 2] can't share a tensor of shape [2, 3]");
  check_error<DTypeError>([&] { a.weight.tie(zeros({3, 2}, {.dtype = float64})); },
                          "tie: a parameter of float32 can't share");
  check_error<AutogradError>([&] { a.weight.tie(b.weight.t()); }, "a parameter must be a leaf");
  nn::Parameter stray;
  {
    nn::Linear gone(2, 3);
    stray = std::move(gone.weight);
  }
  check_error<ValueError>([&] { stray.tie(a.weight); }, "tie: this parameter belongs to no living module");
  BOOST_TEST(a.weight.is(before));
  BOOST_TEST(a.parameters()[0].is(before));
}

// ---- registration

BOOST_AUTO_TEST_CASE(bad_names_throw) {
  struct Probe : nn::Module {
    void child(std::string name) { extra.emplace_back(add(std::move(name), nn::Linear(1, 1))); }
    void param(std::string name) { (void)parameter(std::move(name), ones({1})); }
    void buf(std::string name) { (void)buffer(std::move(name), ones({1})); }
    std::vector<nn::Linear> extra;
  };
  Probe m;
  m.child("a");
  m.param("b");
  m.buf("c");
  for (const char* name : {"a", "b", "c"}) {
    const std::string text = std::string("Probe: the name '") + name + "' already exists";
    check_error<ValueError>([&] { m.child(name); }, text);
    check_error<ValueError>([&] { m.param(name); }, text);
    check_error<ValueError>([&] { m.buf(name); }, text);
  }
  check_error<ValueError>([&] { m.child("a.b"); }, "the name 'a.b' can't contain \".\"");
  check_error<ValueError>([&] { m.param(""); }, "can't have the empty string \"\" as its name");
  BOOST_TEST(joined(m.state_dict().keys()) == "b c a.weight a.bias");
}

BOOST_AUTO_TEST_CASE(a_parameter_must_be_a_floating_leaf) {
  struct Probe : nn::Module {
    void param(const Tensor& t) { (void)parameter("w", t); }
    void buf(const Tensor& t) { (void)buffer("w", t); }
  };
  Probe m;
  const Tensor x = ones({2}, {.requires_grad = true});
  check_error<AutogradError>([&] { m.param(x * 2); }, "Probe: parameter 'w': the tensor was computed by MulBackward");
  check_error<AutogradError>([&] { m.param(ones({2}, {.dtype = int64})); },
                             "only floating point tensors can require grad, got int64");
  check_error<ValueError>([&] { m.param(Tensor()); }, "parameter 'w': the tensor is undefined");
  check_error<ValueError>([&] { m.buf(Tensor()); }, "buffer 'w': the tensor is undefined");
  BOOST_TEST(m.parameters().empty());
  const Tensor plain = ones({2});
  m.param(plain);
  BOOST_TEST(plain.requires_grad());
  BOOST_TEST(m.parameters()[0].is(plain));
}

// ---- life: moves, returns, vectors

BOOST_AUTO_TEST_CASE(nets_can_be_moved_and_returned) {
  Net net = made();
  check_is_wired(net);
  Net second = std::move(net);
  check_is_wired(second);
  const auto heap = std::make_unique<Net>(std::move(second));
  check_is_wired(*heap);
}

BOOST_AUTO_TEST_CASE(nets_can_be_kept_in_vectors_that_grow) {
  std::vector<Net> nets;
  for (int i = 0; i < 20; ++i) nets.push_back(Net());
  for (Net& net : nets) check_is_wired(net);
  nets.erase(nets.begin() + 3);
  for (Net& net : nets) check_is_wired(net);
}

BOOST_AUTO_TEST_CASE(a_net_can_be_assigned_to_another) {
  Net a, b;
  const Tensor kept = b.fc1.weight;
  a = std::move(b);
  check_is_wired(a);
  BOOST_TEST(a.fc1.weight.is(kept));
  a = Net();
  check_is_wired(a);
  Net c;
  std::swap(a, c);
  check_is_wired(a);
  check_is_wired(c);
  Net& same = a;
  a = std::move(same);
  check_is_wired(a);
}

BOOST_AUTO_TEST_CASE(a_layer_that_is_assigned_stays_the_child_it_was) {
  Net net;
  net.fc1 = nn::Linear(2, 4, {.bias = false});
  BOOST_TEST(names(net.named_parameters()) == "fc1.weight fc2.weight fc2.bias");
  BOOST_TEST(net.parameters()[0].is(net.fc1.weight));
  Net other;
  const Tensor w = other.fc2.weight;
  net.fc2 = std::move(other.fc2);
  BOOST_TEST(net.parameters()[1].is(w));
  check_moved_from([&] { (void)other.parameters(); });
}

BOOST_AUTO_TEST_CASE(a_child_outlives_its_parent) {
  std::optional<Net> net(std::in_place);
  nn::Linear layer = std::move(net->fc1);
  BOOST_TEST(net->named_children()[0].second == &layer);
  net.reset();
  BOOST_TEST(to_text(layer(ones({3, 2})).shape()) == "[3, 4]");
  BOOST_TEST(names(layer.named_parameters()) == "weight bias");
}

BOOST_AUTO_TEST_CASE(a_parent_forgets_a_child_that_died) {
  struct Holder : nn::Module {
    std::optional<nn::Linear> head;
    std::unique_ptr<nn::Linear> body = add("body", std::make_unique<nn::Linear>(2, 2));
    void renew() { head.emplace(add("head", nn::Linear(2, 3))); }
  };
  Holder m;
  m.renew();
  BOOST_TEST(names(m.named_parameters()) == "body.weight body.bias head.weight head.bias");
  m.head.reset();
  BOOST_TEST(names(m.named_parameters()) == "body.weight body.bias");
  m.renew();  // the name is free again
  BOOST_TEST(names(m.named_parameters()) == "body.weight body.bias head.weight head.bias");
  m.body.reset();
  BOOST_TEST(names(m.named_children()) == "head");
}

BOOST_AUTO_TEST_CASE(a_child_that_is_added_elsewhere_leaves_its_parent) {
  Net net;
  struct Other : nn::Module {
    explicit Other(nn::Linear layer) : taken(add("taken", std::move(layer))) {}
    nn::Linear taken;
  };
  Other other(std::move(net.fc1));
  BOOST_TEST(names(other.named_parameters()) == "taken.weight taken.bias");
  BOOST_TEST(names(net.named_parameters()) == "fc2.weight fc2.bias");
}

BOOST_AUTO_TEST_CASE(layers_in_a_vector_of_a_net_stay_registered) {
  struct Stack : nn::Module {
    std::vector<nn::Linear> layers;
    explicit Stack(int n) {
      for (int i = 0; i < n; ++i) layers.push_back(add("layer" + std::to_string(i), nn::Linear(2, 2)));
    }
    Tensor forward(const Tensor& x) override {
      Tensor y = x;
      for (auto& layer : layers) y = layer(y);
      return y;
    }
  };
  Stack s(9);
  Stack moved = std::move(s);
  const auto children = moved.children();
  BOOST_REQUIRE_EQUAL(children.size(), 9u);
  for (std::size_t i = 0; i < 9; ++i) BOOST_TEST(children[i] == &moved.layers[i]);
  BOOST_TEST(moved.parameters().size() == 18u);
}

BOOST_AUTO_TEST_CASE(using_a_module_that_was_moved_from_throws) {
  nn::Linear a(2, 2);
  const nn::Linear b = std::move(a);
  check_moved_from([&] { a.train(); });
  check_error<ValueError>([&] { (void)a(ones({1, 2})); }, "Linear: this module was moved from");
  check_moved_from([&] { (void)a.state_dict(); });
  BOOST_TEST(b.parameters().size() == 2u);
}

// ---- modes

BOOST_AUTO_TEST_CASE(train_and_eval_reach_all_descendants) {
  Deep net;
  BOOST_TEST(net.is_training());
  net.eval();
  for (nn::Module* m : net.modules()) BOOST_TEST(!m->is_training());
  net.first.train();
  BOOST_TEST(net.first.fc.is_training());
  BOOST_TEST(!net.second.is_training());
}

BOOST_AUTO_TEST_CASE(zero_grad_drops_gradients_or_zeroes_them) {
  Net net;
  net(ones({1, 2})).sum().backward();
  net.zero_grad(false);
  for (const Tensor& p : net.parameters()) {
    BOOST_REQUIRE(p.grad().defined());
    BOOST_TEST(p.grad().abs().sum().item() == 0.0);
  }
  net.zero_grad();
  for (const Tensor& p : net.parameters()) BOOST_TEST(!p.grad().defined());
}

BOOST_AUTO_TEST_CASE(requires_grad_freezes_all_parameters) {
  Net net;
  net.fc1.requires_grad_(false);
  BOOST_TEST(!net.fc1.weight.requires_grad());
  net(ones({1, 2})).sum().backward();
  BOOST_TEST(!net.fc1.weight.grad().defined());
  BOOST_TEST(net.fc2.weight.grad().defined());
}

BOOST_AUTO_TEST_CASE(to_converts_floating_tensors_behind_all_their_handles) {
  Block m;
  const Tensor held = m.fc.weight, buffer = m.mean;
  const std::vector<double> values = held.to_vector<double>();
  m(ones({1, 3})).sum().backward();
  m.to(float64);
  BOOST_TEST((held.dtype() == float64));
  BOOST_TEST((buffer.dtype() == float64));
  BOOST_TEST((m.count.dtype() == int64));
  BOOST_TEST((held.grad().dtype() == float64));
  BOOST_TEST(held.to_vector<double>() == values);
  BOOST_TEST(held.is_leaf());
  BOOST_TEST(held.requires_grad());
  BOOST_TEST((m(ones({1, 3}, {.dtype = float64})).dtype() == float64));
  check_error<DTypeError>([&] { m.to(int64); }, "Block.to: only accepts floating point dtypes, got int64");
  const Tensor y = m(ones({1, 3}, {.dtype = float64}));
  m.to(float32);
  check_error<AutogradError>([&] { y.sum().backward(); }, "had saved was overwritten in place");
}

// ---- calling

BOOST_AUTO_TEST_CASE(a_module_without_forward_says_its_name) {
  struct Silent : nn::Module {};
  Silent m;
  check_error<ValueError>([&] { m(ones({1})); }, "Silent: has no forward for one tensor");
}

BOOST_AUTO_TEST_CASE(errors_inside_a_net_name_the_line_of_the_call) {
  Net net;
  const int line = __LINE__ + 2;
  try {
    net(ones({3, 5}));
    BOOST_ERROR("nothing was thrown");
  } catch (const ShapeError& e) {
    // fc1(x) in forward above is the innermost line of this file.
    BOOST_TEST(std::string(e.where().file).find("module_test.cpp") != std::string::npos);
    BOOST_TEST(e.where().line < line);
  }
  nn::Linear layer(2, 4);
  try {
    layer(ones({3, 5}));
    BOOST_ERROR("nothing was thrown");
  } catch (const ShapeError& e) {
    BOOST_TEST(e.where().line == __LINE__ - 3);
  }
}

BOOST_AUTO_TEST_CASE(hooks_see_and_may_replace_what_passes) {
  nn::Linear layer(2, 2);
  std::string seen;
  auto before = layer.register_forward_pre_hook(
      [&](nn::Module& m, const Tensor& x) { seen += "pre " + m.class_name() + to_text(x.shape()) + ";"; });
  auto first = layer.register_forward_hook([&](nn::Module&, const Tensor& x, const Tensor& y) {
    seen += "a" + to_text(x.shape()) + to_text(y.shape()) + ";";
  });
  auto second = layer.register_forward_hook([&](nn::Module&, const Tensor&, const Tensor& y) {
    seen += "b;";
    return y * 0;
  });
  BOOST_TEST(layer(ones({3, 2})).abs().sum().item() == 0.0);
  BOOST_TEST(seen == "pre Linear[3, 2];a[3, 2][3, 2];b;");
  seen.clear();
  first.remove();
  second.remove();
  second.remove();
  BOOST_TEST(layer(ones({3, 2})).abs().sum().item() != 0.0);
  BOOST_TEST(seen == "pre Linear[3, 2];");
  before.remove();
  auto replace = layer.register_forward_pre_hook([](nn::Module&, const Tensor& x) { return x * 0; });
  check_close(layer(ones({1, 2})) - layer.bias, {0, 0}, 1e-7);
}

BOOST_AUTO_TEST_CASE(hooks_may_outlive_and_remove_themselves) {
  nn::ForwardHookHandle handle;
  int calls = 0;
  {
    nn::Identity m;
    handle = m.register_forward_hook([&](nn::Module&, const Tensor&, const Tensor&) {
      ++calls;
      handle.remove();
    });
    m(ones({1}));
    m(ones({1}));
    BOOST_TEST(calls == 1);
    handle = m.register_forward_hook([](nn::Module&, const Tensor&, const Tensor&) {});
  }
  handle.remove();  // the module is gone
}

BOOST_AUTO_TEST_CASE(modules_of_several_inputs_run_between_their_hooks) {
  struct Pair : nn::Module {
    using Module::forward;
    std::pair<Tensor, Tensor> forward(const Tensor& a, const Tensor& b) { return {a + b, a - b}; }
    std::pair<Tensor, Tensor> operator()(In a, const Tensor& b) {
      return run(a, [&](const Tensor& x) { return forward(x, b); });
    }
  };
  Pair m;
  int calls = 0;
  m.register_forward_hook([&](nn::Module&, const Tensor& x, const Tensor& y) {
    ++calls;
    check_values(x, {3});
    check_values(y, {5});
  });
  const auto [sum, difference] = m(tensor({3.0}), tensor({2.0}));
  BOOST_TEST(calls == 1);
  check_values(sum, {5});
  check_values(difference, {1});
  check_error<ShapeError>([&] { m(ones({2}), ones({3})); }, "must match the size of tensor b");
}

// ---- saving and loading

BOOST_AUTO_TEST_CASE(state_dict_holds_parameters_then_persistent_buffers_then_children) {
  Deep net;
  const nn::StateDict dict = net.state_dict();
  BOOST_TEST(
      joined(dict.keys()) ==
      "gain first.scale first.mean first.count first.fc.weight first.fc.bias second.scale second.mean second.count "
      "second.fc.weight second.fc.bias");
  BOOST_TEST(!dict.at("gain").requires_grad());
  BOOST_TEST(dict.at("first.fc.weight").shares_storage(net.first.fc.weight));
  BOOST_TEST(joined(net.first.state_dict("block").keys()) ==
             "block.scale block.mean block.count block.fc.weight block.fc.bias");
}

BOOST_AUTO_TEST_CASE(load_state_dict_copies_into_the_tensors_that_are_there) {
  Deep a, b;
  const Tensor held = b.first.fc.weight;
  const std::uint32_t version = held.version();
  a.first.mean.fill_(3);
  a.first.count.fill_(7);
  const nn::LoadResult result = b.load_state_dict(a.state_dict());
  BOOST_TEST(result.missing_keys.empty());
  BOOST_TEST(result.unexpected_keys.empty());
  BOOST_TEST(b.first.fc.weight.is(held));
  BOOST_TEST(held.version() > version);
  BOOST_TEST(equal(held, a.first.fc.weight));
  BOOST_TEST(!held.shares_storage(a.first.fc.weight));
  BOOST_TEST(b.first.count.item<std::int64_t>() == 7);
  check_values(b.first.mean, {3, 3, 3});
  BOOST_TEST(held.requires_grad());
  const Tensor x = ones({2, 3});
  BOOST_TEST(equal(a(x), b(x)));
}

BOOST_AUTO_TEST_CASE(load_state_dict_converts_dtypes) {
  nn::Linear layer(2, 1);
  layer.load_state_dict({{"weight", tensor({{1.5, 2.5}}, {.dtype = float64})}, {"bias", tensor({3})}});
  BOOST_TEST((layer.weight.dtype() == float32));
  check_values(layer.weight, {1.5, 2.5});
  check_values(layer.bias, {3});
}

BOOST_AUTO_TEST_CASE(a_strict_load_lists_all_problems_in_one_error_and_changes_nothing) {
  Net net;
  const auto before = net.fc1.bias.to_vector<double>();
  const nn::StateDict dict{{"fc1.weight", ones({4, 3})},
                           {"fc1.bias", ones({4})},
                           {"fc2.bias", Tensor()},
                           {"fc3.weight", ones({1})},
                           {"extra", ones({1})}};
  const auto load = [&] { net.load_state_dict(dict); };
  for (const char* text :
       {"Error(s) in loading state_dict for Net:", "Missing key(s) in state_dict: \"fc2.weight\".",
        "Unexpected key(s) in state_dict: \"fc3.weight\", \"extra\".",
        "size mismatch for fc1.weight: copying a param with shape [4, 3] from checkpoint, the shape in current "
        "model is [4, 2].",
        "undefined tensor for fc2.bias"})
    check_error<ValueError>(load, text);
  BOOST_TEST(net.fc1.bias.to_vector<double>() == before);
  check_error<ValueError>([&] { net.load_state_dict(dict, false); }, "size mismatch for fc1.weight");
  BOOST_TEST(net.fc1.bias.to_vector<double>() == before);
}

BOOST_AUTO_TEST_CASE(a_lenient_load_returns_what_it_left_out) {
  Net net;
  const auto result = net.load_state_dict({{"fc1.bias", full({4}, 2.0)}, {"other", ones({1})}}, false);
  BOOST_TEST(joined(result.missing_keys) == "fc1.weight fc2.weight fc2.bias");
  BOOST_TEST(joined(result.unexpected_keys) == "other");
  check_values(net.fc1.bias, {2, 2, 2, 2});
}

BOOST_AUTO_TEST_CASE(a_load_from_its_own_tensors_is_right) {
  struct Two : nn::Module {
    nn::Parameter a = parameter("a", tensor({1.0, 2.0}));
    nn::Parameter b = parameter("b", tensor({3.0, 4.0}));
  };
  Two m;
  m.load_state_dict({{"a", m.b.detach()}, {"b", m.a.detach()}});
  check_values(m.a, {3, 4});
  check_values(m.b, {1, 2});
}

BOOST_AUTO_TEST_CASE(clone_into_copies_a_net) {
  Net a, b;
  nn::clone_into(b, a);
  const Tensor x = rand({3, 2});
  BOOST_TEST(equal(a(x), b(x)));
  {
    NoGradGuard no_grad;
    b.fc1.weight.mul_(2);
  }
  BOOST_TEST(!equal(a.fc1.weight, b.fc1.weight));
  nn::Linear c(2, 2);
  check_error<ValueError>([&] { nn::clone_into(c, a); }, "Missing key(s) in state_dict: \"weight\", \"bias\"");
}

BOOST_AUTO_TEST_CASE(clone_into_copies_also_buffers_that_are_not_saved) {
  struct Counter : nn::Module {
    Tensor seen = buffer("seen", zeros({2}), false);
  };
  Counter a, b;
  a.seen.fill_(3);
  BOOST_TEST(a.state_dict().empty());
  nn::clone_into(b, a);
  check_values(b.seen, {3, 3});
  BOOST_TEST(!b.seen.shares_storage(a.seen));
}

BOOST_AUTO_TEST_CASE(state_dicts_keep_their_order) {
  nn::StateDict dict;
  dict["b"] = ones({1});
  dict["a"] = ones({2});
  dict["b"] = ones({3});
  dict.append("c", ones({4}));
  BOOST_TEST(joined(dict.keys()) == "b a c");
  BOOST_TEST(dict.at("b").numel() == 3);
  check_error<ValueError>([&] { dict.append("a", ones({1})); }, "the name \"a\" is already in use");
  BOOST_TEST(dict.erase("b"));
  BOOST_TEST(!dict.erase("b"));
  BOOST_TEST(dict.at("c").numel() == 4);
  BOOST_TEST(!dict.contains("b"));
  BOOST_TEST(dict.size() == 2u);
  check_error<IndexError>([&] { (void)dict.at("b"); }, "there is no entry \"b\"");
  check_error<ValueError>([&] { nn::StateDict({{"x", ones({1})}, {"x", ones({1})}}); },
                          "the name \"x\" is already in use");
}

BOOST_AUTO_TEST_CASE(state_dicts_find_every_name_among_many) {
  nn::StateDict dict;
  const auto name = [](int i) {
    return "layer" + std::to_string(i * 7919 % 1000) + ".weight";
  };  // each of 1000 names once, unsorted
  for (int i = 0; i < 1000; ++i) dict.append(name(i), full({1}, i));
  for (int i = 0; i < 1000; i += 3) BOOST_TEST(dict.erase(name(i)));
  for (int i = 0; i < 1000; ++i) {
    const Tensor* found = dict.find(name(i));
    BOOST_REQUIRE_EQUAL(found != nullptr, i % 3 != 0);
    if (found) BOOST_TEST(found->item<double>() == i);
  }
  int last = -1;
  for (const auto& [key, value] : dict) {
    BOOST_TEST(value.item<double>() > last);
    last = value.item<int>();
  }
  const nn::StateDict copy = dict;
  dict[name(0)] = ones({1});
  BOOST_TEST(dict.size() == 667u);
  BOOST_TEST(copy.size() == 666u);
  BOOST_TEST(!copy.contains(name(0)));
  BOOST_TEST(!copy.contains(""));
}

// ---- description

BOOST_AUTO_TEST_CASE(the_tree_prints_as_in_pytorch) {
  Deep net;
  std::ostringstream out;
  out << net;
  BOOST_TEST(out.str() ==
             "Deep(\n"
             "  (first): Block(\n"
             "    (fc): Linear(in_features=3, out_features=3, bias=True)\n"
             "  )\n"
             "  (act): ReLU()\n"
             "  (second): Block(\n"
             "    (fc): Linear(in_features=3, out_features=3, bias=True)\n"
             "  )\n"
             ")");
  BOOST_TEST(nn::Linear(2, 1, {.bias = false}).to_string() == "Linear(in_features=2, out_features=1, bias=False)");
}

namespace outer {
template <class T, int n>
struct Generic : nn::Module {};
}  // namespace outer

BOOST_AUTO_TEST_CASE(class_names_stand_without_what_encloses_them) {
  struct Local : nn::Module {};
  struct Nested {
    struct Inner : nn::Module {};
  };
  const auto in_lambda = [](auto) {
    struct Hidden : nn::Module {};
    return Hidden().class_name();
  };
  BOOST_TEST(Local().class_name() == "Local");
  BOOST_TEST(Nested::Inner().class_name() == "Inner");
  BOOST_TEST((outer::Generic<std::vector<nn::Linear>, 3>().class_name() == "Generic"));
  BOOST_TEST(in_lambda(std::vector<int>()) == "Hidden");
  BOOST_TEST(nn::Dropout().class_name() == "Dropout");
}

BOOST_AUTO_TEST_SUITE_END()
