#include "slope/nn/utils/parametrize.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <thread>

#include "slope/gradcheck.h"
#include "slope/slope.h"
#include "support/checks.h"

using namespace slope;
namespace utils = nn::utils;
namespace parametrize = nn::utils::parametrize;
namespace parametrizations = nn::utils::parametrizations;

namespace {

struct Seeded {
  Seeded() { manual_seed(5); }
};

struct Symmetric : nn::Module {
  Tensor forward(const Tensor& x) override { return x.triu() + x.triu(1).t(); }
};
struct Positive : parametrize::Parametrization {
  Tensor forward(const Tensor& x) override { return exp(x); }
  std::vector<Tensor> right_inverse(const Tensor& w) override { return {log(w)}; }
};
struct Twice : nn::Module {
  Tensor forward(const Tensor& x) override { return x * 2; }
};
struct Wider : nn::Module {
  Tensor forward(const Tensor& x) override { return cat({x, x}, 0); }
};

std::vector<std::string> keys(const nn::Module& m) {
  std::vector<std::string> names;
  for (const auto& [name, t] : m.state_dict()) names.push_back(name);
  return names;
}
using Names = std::vector<std::string>;

Tensor random(const Shape& shape) { return randn(shape, {.dtype = float64}); }

/// Gradients of a module's output by its input and all of its parameters are right, to second order.
template <class Call>
void check_derivatives(nn::Module& m, const Tensor& x, const Call& call) {
  std::vector<Tensor> inputs = m.parameters();
  inputs.insert(inputs.begin(), x.detach().requires_grad_());
  const auto f = [&](const std::vector<Tensor>& in) { return std::vector<Tensor>{call(in[0])}; };
  autograd::require_gradcheck(f, inputs);
  autograd::require_gradgradcheck(f, inputs);
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(parametrizing, Seeded)

BOOST_AUTO_TEST_CASE(weight_norm_keeps_the_value_and_names_length_and_direction) {
  nn::Linear fc(3, 2);
  const Tensor before = fc.weight.detach().clone(), x = randn({4, 3});
  const Tensor y = fc(x);
  parametrizations::weight_norm(fc);
  BOOST_TEST(keys(fc) == (Names{"bias", "parametrizations.weight.original0", "parametrizations.weight.original1"}),
             boost::test_tools::per_element());
  BOOST_TEST(allclose(fc.weight, before, 1e-6, 1e-6));
  BOOST_TEST(allclose(fc(x), y, 1e-5, 1e-6));
  BOOST_TEST(fc.state_dict().at("parametrizations.weight.original0").shape() == (Shape{2, 1}));
  BOOST_TEST(fc.parameters().size() == 3U);

  nn::Linear old(3, 2);
  utils::weight_norm(old, "weight", {});
  BOOST_TEST(keys(old) == (Names{"bias", "weight_g", "weight_v"}), boost::test_tools::per_element());
  BOOST_TEST(old.state_dict().at("weight_g").dim() == 0);
}

BOOST_AUTO_TEST_CASE(the_printed_form_shows_what_computes) {
  nn::Linear fc(3, 2);
  parametrizations::weight_norm(fc);
  BOOST_TEST(fc.to_string() ==
             "Linear(\n  in_features=3, out_features=2, bias=True\n  (parametrizations): ModuleDict(\n"
             "    (weight): ParametrizationList(\n      (0): _WeightNorm()\n    )\n  )\n)");
}

BOOST_AUTO_TEST_CASE(gradients_reach_what_a_parameter_is_computed_from) {
  for (const bool older : {false, true})
    for (const std::int64_t dim : {0, 1, -1}) {
      nn::Linear fc(3, 2);
      fc.to(float64);
      older ? utils::weight_norm(fc, "weight", dim) : parametrizations::weight_norm(fc, "weight", dim);
      check_derivatives(fc, random({4, 3}), [&](const Tensor& x) { return tanh(fc(x)); });
    }
  for (const bool older : {false, true}) {
    nn::Conv1d conv(2, 3, 2);
    conv.to(float64);
    older ? utils::spectral_norm(conv) : parametrizations::spectral_norm(conv);
    conv.eval();
    check_derivatives(conv, random({2, 2, 5}), [&](const Tensor& x) { return tanh(conv(x)); });
  }
}

BOOST_AUTO_TEST_CASE(a_vector_has_spectral_norm_one) {
  nn::LayerNorm layer(Shape{4});
  layer.to(float64);
  layer.weight.requires_grad_(false);
  layer.weight.copy_(random({4}));
  layer.weight.requires_grad_(true);
  parametrizations::spectral_norm(layer);
  BOOST_TEST(layer.buffers().empty());
  BOOST_TEST(norm(layer.weight).item() == 1, boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(spectral_norm_finds_the_largest_singular_value) {
  nn::ConvTranspose2d conv(3, 4, 2);
  conv.to(float64);
  parametrizations::spectral_norm(conv, "weight", {.n_power_iterations = 200});
  (void)conv(random({1, 3, 4, 4}));
  const Tensor m = flatten(movedim(conv.weight.detach(), {1}, {0}), 1);  // of the outputs
  Tensor v = ones({m.size(1)}, {.dtype = float64});
  for (int i = 0; i < 2000; ++i) {
    v = matmul(m.t(), matmul(m, v));
    v = v / norm(v);
  }
  BOOST_TEST(norm(matmul(m, v)).item() == 1, boost::test_tools::tolerance(1e-8));
  const Tensor u = conv.state_dict().at("parametrizations.weight.0._u").clone();
  conv.eval();
  (void)conv(random({1, 3, 4, 4}));
  BOOST_TEST(equal(u, conv.state_dict().at("parametrizations.weight.0._u")));
}

BOOST_AUTO_TEST_CASE(several_forwards_in_training_can_be_differentiated_together) {
  nn::Linear fc(3, 3);
  parametrizations::spectral_norm(fc);
  const Tensor x = randn({2, 3});
  (fc(x).sum() + fc(x).square().sum()).backward();  // u and v moved on in between
  BOOST_TEST(fc.parameters()[1].grad().defined());
}

BOOST_AUTO_TEST_CASE(both_spellings_load_into_both_forms) {
  nn::Linear a(3, 2), b(3, 2);
  parametrizations::weight_norm(a);
  utils::weight_norm(b);
  b.load_state_dict(a.state_dict());
  const Tensor x = randn({4, 3});
  BOOST_TEST(equal(a.weight, b.weight));
  BOOST_TEST(equal(a(x), b(x)));
  b.state_dict().at("weight_g").mul_(2);
  a.load_state_dict(b.state_dict());
  BOOST_TEST(equal(a(x), b(x)));

  nn::Linear c(3, 2), d(3, 2);
  parametrizations::spectral_norm(c);
  utils::spectral_norm(d);
  BOOST_TEST(keys(d) == (Names{"bias", "weight_orig", "weight_u", "weight_v"}), boost::test_tools::per_element());
  d.load_state_dict(c.state_dict());
  BOOST_TEST(equal(c(x), d(x)));
  c.load_state_dict(d.state_dict());
  BOOST_TEST(equal(c.eval()(x), d.eval()(x)));
  check_error<ValueError>([&] { nn::Linear(3, 2).load_state_dict(d.state_dict()); }, "\"weight_orig\"");
}

BOOST_AUTO_TEST_CASE(nets_move_and_are_cloned) {
  nn::Sequential net(nn::Linear(3, 3), nn::ReLU(), nn::Linear(3, 2));
  parametrizations::weight_norm(net[0]);
  utils::weight_norm(net[2]);
  const Tensor x = randn({4, 3}), y = net(x);
  nn::Sequential moved = std::move(net);
  BOOST_TEST(equal(moved(x), y));
  BOOST_TEST(moved.state_dict().contains("0.parametrizations.weight.original0"));
  nn::Sequential copy(nn::Linear(3, 3), nn::ReLU(), nn::Linear(3, 2));
  check_error<ValueError>([&] { nn::clone_into(copy, moved); }, "Missing");
  parametrizations::weight_norm(copy[0]);
  utils::weight_norm(copy[2]);
  nn::clone_into(copy, moved);
  BOOST_TEST(equal(copy.at<nn::Linear>(0).weight, moved.at<nn::Linear>(0).weight));
  BOOST_TEST(equal(copy(x), y));
  moved.to(float64);
  BOOST_TEST((moved.at<nn::Linear>(0).weight.dtype() == float64));
  BOOST_TEST(allclose(moved(x.to(float64)), y.to(float64), 1e-5, 1e-6));
}

BOOST_AUTO_TEST_CASE(training_moves_the_originals) {
  nn::Linear fc(3, 1);
  parametrizations::weight_norm(fc);
  optim::SGD sgd(fc.named_parameters(), {.lr = 0.1});
  const Tensor x = randn({16, 3}), y = x.sum(1, true);
  double first = 0, last = 0;
  for (int i = 0; i < 60; ++i) {
    sgd.zero_grad();
    const Tensor loss = F::mse_loss(fc(x), y);
    loss.backward();
    sgd.step();
    (i == 0 ? first : last) = loss.item();
  }
  BOOST_TEST(last < first / 20);
  BOOST_TEST(allclose(fc.weight, ones({1, 3}), 0.2, 0.2));
}

BOOST_AUTO_TEST_CASE(parametrizations_compose_in_order) {
  nn::Linear fc(3, 3);
  {
    const NoGradGuard no_grad;
    fc.weight.abs_();
  }
  const Tensor w = fc.weight.detach().clone();
  parametrize::register_parametrization(fc, "weight", Positive());
  BOOST_TEST(allclose(fc.weight, w, 1e-5, 1e-6));
  BOOST_TEST(allclose(fc.state_dict().at("parametrizations.weight.original"), log(w), 1e-5, 1e-6));
  parametrize::register_parametrization(fc, "weight", Symmetric());
  parametrize::register_parametrization(fc, "bias", Twice());
  (void)fc(randn({2, 3}));
  BOOST_TEST(allclose(fc.weight, Symmetric()(w), 1e-5, 1e-6));
  BOOST_TEST(parametrize::is_parametrized(fc, "bias"));
  BOOST_TEST(keys(fc) == (Names{"parametrizations.weight.original", "parametrizations.bias.original"}),
             boost::test_tools::per_element());
  fc.to(float64);
  check_derivatives(fc, random({2, 3}), [&](const Tensor& x) { return tanh(fc(x)); });
  parametrize::remove_parametrizations(fc, "weight");
  BOOST_TEST(!parametrize::is_parametrized(fc, "weight"));
  BOOST_TEST(parametrize::is_parametrized(fc));
  parametrize::remove_parametrizations(fc, "bias", false);
  BOOST_TEST(!parametrize::is_parametrized(fc));
  BOOST_TEST(keys(fc) == (Names{"weight", "bias"}), boost::test_tools::per_element());
  BOOST_TEST(allclose(fc.weight, Symmetric()(w.to(float64)), 1e-5, 1e-6));
  BOOST_TEST(fc.weight.is_leaf());
  BOOST_TEST(fc.weight.requires_grad());
}

BOOST_AUTO_TEST_CASE(removing_leaves_the_value) {
  const Tensor x = randn({2, 3});
  nn::Linear a(3, 2), b(3, 2), c(3, 2), d(3, 2);
  const Tensor held = c.weight;
  parametrizations::weight_norm(a);
  utils::weight_norm(b);
  parametrizations::spectral_norm(c);
  utils::spectral_norm(d);
  for (nn::Linear* m : {&a, &b, &c, &d}) m->eval();
  const std::vector<Tensor> y = {a(x), b(x), c(x), d(x)};
  check_error<ValueError>([&] { parametrize::remove_parametrizations(a, "weight", false); }, "from 2 tensors");
  parametrize::remove_parametrizations(a, "weight");
  utils::remove_weight_norm(b);
  parametrize::remove_parametrizations(c, "weight");
  utils::remove_spectral_norm(d);
  std::size_t i = 0;
  for (nn::Linear* m : {&a, &b, &c, &d}) {
    BOOST_TEST(keys(*m) == (Names{"bias", "weight"}), boost::test_tools::per_element());
    BOOST_TEST(m->buffers().empty());
    BOOST_TEST(allclose((*m)(x), y[i++], 1e-6, 1e-6));
    BOOST_TEST(m->children().empty());
    (*m)(x).sum().backward();
    BOOST_TEST(m->weight.grad().defined());
  }
  BOOST_TEST(held.is(c.weight));  // what an optimizer may hold
}

BOOST_AUTO_TEST_CASE(layers_of_all_kinds_compute_before_a_call) {
  const auto each = [](nn::Module& m, const std::string& name, const auto& call) {
    const Tensor before = call();
    parametrize::register_parametrization(m, name, Twice());
    m.zero_grad();
    const Tensor after = call();
    BOOST_TEST(!allclose(before, after, 1e-4, 1e-4), name);
    after.sum().backward();
    bool found = false;
    for (const auto& [key, p] : m.named_parameters())
      if (key == "parametrizations." + name + ".original") found = p.grad().defined();
    BOOST_TEST(found, name);
    parametrize::remove_parametrizations(m, name, false);
    BOOST_TEST(allclose(before, call(), 1e-5, 1e-6), name);
  };
  const Tensor x = randn({5, 2, 4});
  nn::RNN rnn(4, 3);
  nn::GRU gru(4, 3, {.num_layers = 2, .bidirectional = true});
  nn::LSTM lstm(4, 3, {.proj_size = 2});
  nn::GRUCell cell(4, 3);
  each(rnn, "weight_hh_l0", [&] { return rnn(x).first; });
  each(gru, "weight_ih_l1_reverse", [&] { return gru(x).first; });
  each(lstm, "weight_hr_l0", [&] { return lstm(x).first; });
  each(cell, "bias_hh", [&] { return cell(x[0], zeros({2, 3})); });
  nn::MultiheadAttention mha(4, 2);
  each(mha, "in_proj_weight", [&] { return mha(x, x, x).first; });
  each(mha.out_proj, "weight", [&] { return mha(x, x, x).first; });
  nn::Embedding table(6, 3);
  each(table, "weight", [&] { return table(arange(4)); });
  nn::Bilinear bilinear(4, 4, 2);
  each(bilinear, "weight", [&] { return bilinear(x, x); });
  nn::BatchNorm1d bn(2);
  each(bn, "weight", [&] { return bn(x).square(); });
  nn::PReLU prelu;
  each(prelu, "weight", [&] { return prelu(x); });
  nn::ConvTranspose1d up(2, 3, 2);
  each(up, "bias", [&] { return up(x); });
}

BOOST_AUTO_TEST_CASE(cached_computes_once) {
  struct Counting : nn::Module {
    Tensor forward(const Tensor& x) override {
      ++*calls;
      return x * 2;
    }
    std::shared_ptr<int> calls = std::make_shared<int>(0);
  } counting;
  const auto calls = counting.calls;
  nn::Sequential net(nn::Linear(3, 3));
  parametrize::register_parametrization(net[0], "weight", std::move(counting));
  *calls = 0;
  const Tensor x = randn({2, 3});
  {
    const parametrize::Cached cached(net);
    BOOST_TEST(*calls == 1);
    const Tensor y = net(net(x)).sum() + net.at<nn::Linear>(0).weight.square().sum();
    y.backward();
    BOOST_TEST(*calls == 1);
  }
  (void)net(x);
  BOOST_TEST(*calls == 2);
}

BOOST_AUTO_TEST_CASE(threads_share_a_parametrized_layer) {
  nn::Linear fc(8, 8);
  parametrizations::weight_norm(fc);
  const Tensor x = randn({4, 8});
  fc(x).sum().backward();
  std::vector<Tensor> expected;
  for (const Tensor& p : fc.parameters()) expected.push_back(p.grad() * 40);
  fc.zero_grad();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) fc(x).sum().backward();
    });
  for (auto& t : threads) t.join();
  for (std::size_t i = 0; i < expected.size(); ++i)
    BOOST_TEST(allclose(fc.parameters()[i].grad(), expected[i], 1e-4, 1e-4));
}

BOOST_AUTO_TEST_CASE(copies_and_ties_follow) {
  nn::Linear a(3, 3), b(3, 3);
  const nn::Parameter copy = a.weight;
  b.weight.tie(a.weight);
  const Tensor shared = b.weight;
  a.weight.tie(randn({3, 3}));
  BOOST_TEST(copy.is(a.weight));
  BOOST_TEST(!a.weight.is(b.weight));
  parametrizations::weight_norm(a);
  BOOST_TEST(copy.is(a.weight));
  check_error<ValueError>([&] { a.weight.tie(randn({3, 3})); }, "computed by a parametrization");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_parametrized_stays_as_it_is) {
  nn::Linear fc(3, 2);
  const Names before = keys(fc);
  const Tensor w = fc.weight;
  check_error<ValueError>(
      [&] { parametrizations::weight_norm(fc, "wight"); },
      "Linear does not have a parameter or a parametrized element with name 'wight'; it has weight, bias");
  check_error<IndexError>([&] { parametrizations::weight_norm(fc, "weight", 2); }, "dim 2 is out of range");
  check_error<IndexError>([&] { utils::weight_norm(fc, "weight", -2); }, "dim -2 is out of range");
  check_error<ValueError>([&] { utils::spectral_norm(fc, "weight", {.n_power_iterations = 0}); },
                          "Expected n_power_iterations to be positive, but got n_power_iterations=0");
  check_error<ShapeError>([&] { parametrize::register_parametrization(fc, "weight", Wider()); },
                          "has shape [4, 3], the parameter has [2, 3]");
  check_error<ValueError>([&] { parametrize::register_parametrization(fc, "weight", std::unique_ptr<nn::Module>()); },
                          "is null");
  check_error<ValueError>([&] { parametrize::remove_parametrizations(fc, "weight"); }, "is not parametrized");
  check_error<ValueError>([&] { utils::remove_weight_norm(fc); }, "is not computed that way");
  BOOST_TEST(keys(fc) == before, boost::test_tools::per_element());
  BOOST_TEST(w.is(fc.weight));
  utils::weight_norm(fc);
  check_error<ValueError>([&] { parametrizations::spectral_norm(fc); }, "is computed by weight_norm already");
  check_error<ValueError>([&] { utils::remove_spectral_norm(fc); }, "is not computed that way");
  parametrize::register_parametrization(fc, "bias", Twice());
  check_error<ShapeError>([&] { parametrize::register_parametrization(fc, "bias", Wider()); }, "has shape [4]");
  (void)fc(randn({1, 3}));
}

BOOST_AUTO_TEST_CASE(a_rule_that_throws_leaves_the_module_usable) {
  struct Moody : nn::Module {
    Tensor forward(const Tensor& x) override {
      if (*bad) throw ValueError("not today");
      return x * 2;
    }
    std::shared_ptr<bool> bad = std::make_shared<bool>(false);
  } moody;
  const auto bad = moody.bad;
  nn::Linear fc(3, 2);
  parametrize::register_parametrization(fc, "weight", std::move(moody));
  const Tensor x = randn({2, 3}), y = fc(x);
  *bad = true;
  check_error<ValueError>([&] { (void)fc(x); }, "not today");
  *bad = false;
  BOOST_TEST(equal(fc(x), y));
}

BOOST_AUTO_TEST_SUITE_END()
