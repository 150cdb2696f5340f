#include "slope/nn/utils/prune.h"

#include <boost/test/unit_test.hpp>

#include "slope/slope.h"
#include "support/checks.h"

using namespace slope;
namespace prune = nn::utils::prune;

namespace {

nn::Linear layer(const Tensor& weight) {
  nn::Linear m(weight.size(1), weight.size(0));
  m.to(weight.dtype());
  m.weight.tie(weight.clone());
  return m;
}
double zeros_of(const Tensor& t) { return (t == 0).to(float64).sum().item(); }

}  // namespace

BOOST_AUTO_TEST_SUITE(pruning)

BOOST_AUTO_TEST_CASE(pruned_elements_stay_zero_and_get_no_gradient) {
  nn::Linear m = layer(tensor({{1.0, -0.5, 3.0}, {0.25, -4.0, 2.0}}));
  const Tensor parameter = m.weight;
  prune::l1_unstructured(m, "weight", 2);
  check_values(m.weight, {1, 0, 3, 0, -4, 2});
  std::string names;
  for (const auto& [name, t] : m.state_dict()) names += name + " ";
  BOOST_TEST(names == "bias weight_orig weight_mask ");
  BOOST_TEST(m.named_parameters()[1].second.is(parameter));
  m(ones({1, 3})).sum().backward();
  check_values(parameter.grad(), {1, 0, 1, 0, 1, 1});
  optim::SGD sgd(m.parameters(), {.lr = 1});
  sgd.step();
  (void)m(ones({1, 3}));
  check_values(m.weight, {0, 0, 2, 0, -5, 1});
  prune::remove(m, "weight");
  check_values(m.weight, {0, 0, 2, 0, -5, 1});
  BOOST_TEST(m.weight.is(parameter));
  BOOST_TEST(m.weight.is_leaf());
  BOOST_TEST(m.buffers().empty());
  BOOST_TEST(!prune::is_pruned(m));
}

BOOST_AUTO_TEST_CASE(pruning_again_acts_on_what_is_left) {
  nn::Linear m = layer(tensor({{1.0, -0.5, 3.0}, {0.25, -4.0, 2.0}}));
  prune::l1_unstructured(m, "weight", 0.5);
  check_values(m.weight, {0, 0, 3, 0, -4, 2});
  prune::l1_unstructured(m, "weight", 1);
  check_values(m.weight, {0, 0, 3, 0, -4, 0});
  check_error<ValueError>([&] { prune::l1_unstructured(m, "weight", 3); },
                          "amount=3 should be smaller than the number of parameters to prune=2");
  prune::ln_structured(m, "weight", 1, 2, 1);  // of columns 1 and 2
  check_values(m.weight, {0, 0, 0, 0, -4, 0});
  prune::custom_from_mask(m, "weight", zeros({2, 3}));
  check_values(m.weight, {0, 0, 0, 0, 0, 0});
}

BOOST_AUTO_TEST_CASE(amounts_are_numbers_or_fractions) {
  nn::Linear m = layer(randn({2, 5}));
  prune::random_unstructured(m, "weight", 0.25);  // 2.5: half to even
  BOOST_TEST(zeros_of(m.weight) == 2);
  prune::random_structured(m, "weight", 1, 1);
  prune::random_structured(m, "weight", 1.0, 0);
  BOOST_TEST(zeros_of(m.weight) == 10);
  nn::Linear other = layer(randn({2, 5}));
  const auto wrong = "should either be a float in the range [0, 1] or a non-negative integer";
  check_error<ValueError>([&] { prune::l1_unstructured(other, "weight", 1.5); }, std::string("amount=1.5 ") + wrong);
  check_error<ValueError>([&] { prune::random_unstructured(other, "weight", -1); }, std::string("amount=-1 ") + wrong);
  check_error<ValueError>([&] { prune::ln_structured(other, "weight", std::nan(""), 2, 0); }, wrong);
  BOOST_TEST(!prune::is_pruned(other));
}

BOOST_AUTO_TEST_CASE(importance_scores_rank_instead_of_the_weight) {
  nn::Linear m = layer(tensor({{1.0, 2.0}, {3.0, 4.0}}));
  prune::l1_unstructured(m, "weight", 1, tensor({{9.0, 8.0}, {7.0, 6.0}}));
  check_values(m.weight, {1, 2, 3, 0});
  nn::Linear n = layer(tensor({{1.0, 2.0}, {3.0, 4.0}}));
  prune::ln_structured(n, "weight", 1, 1, 0, tensor({{9.0, 8.0}, {7.0, 6.0}}));
  check_values(n.weight, {1, 2, 0, 0});
  check_error<ShapeError>([&] { prune::l1_unstructured(n, "weight", 1, ones({4})); },
                          "importance_scores have shape [4]");
}

BOOST_AUTO_TEST_CASE(parameters_are_ranked_together) {
  nn::Sequential net(layer(tensor({{1.0, -6.0}})), layer(tensor({{0.5}, {7.0}})));
  prune::global_unstructured({{&net[0], "weight"}, {&net[1], "weight"}}, prune::Method::l1_unstructured, 0.5);
  check_values(net.at<nn::Linear>(0).weight, {0, -6});
  check_values(net.at<nn::Linear>(1).weight, {0, 7});
  BOOST_TEST(prune::is_pruned(net));
  prune::global_unstructured({{&net[0], "weight"}, {&net[1], "weight"}}, prune::Method::random_unstructured, 1);
  BOOST_TEST(zeros_of(net.at<nn::Linear>(0).weight) + zeros_of(net.at<nn::Linear>(1).weight) == 3);
  check_error<ValueError>([&] { prune::global_unstructured({}, prune::Method::l1_unstructured, 1); }, "no parameters");
  check_error<ValueError>(
      [&] { prune::global_unstructured({{&net[0], "bias"}, {&net[0], "bias"}}, prune::Method::l1_unstructured, 1); },
      "listed twice");
}

BOOST_AUTO_TEST_CASE(masks_are_saved_converted_and_loaded) {
  nn::Linear a = layer(randn({3, 4})), b = layer(randn({3, 4}));
  prune::l1_unstructured(a, "weight", 0.5);
  prune::identity(b, "weight");
  BOOST_TEST(zeros_of(b.weight) == 0);
  b.load_state_dict(a.state_dict());
  BOOST_TEST(equal(a.weight, b.weight));
  a.to(float64);
  const Tensor x = randn({2, 4});
  BOOST_TEST(allclose(a(x.to(float64)), b(x).to(float64), 1e-5, 1e-6));
  BOOST_TEST((a.weight.dtype() == float64));
}

BOOST_AUTO_TEST_CASE(pruning_a_direction_of_weight_norm) {
  nn::Linear m = layer(tensor({{3.0, 4.0}}));
  nn::utils::weight_norm(m);
  prune::custom_from_mask(m, "weight_v", tensor({{0.0, 1.0}}));
  m(ones({1, 2})).sum().backward();
  check_close(m.weight.detach(), {0, 5}, 1e-6);
  check_error<ValueError>([&] { nn::utils::remove_weight_norm(m); }, "'weight_v' is itself computed");
  prune::remove(m, "weight_v");
  nn::utils::remove_weight_norm(m);
  check_close(m.weight.detach(), {0, 5}, 1e-6);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_pruned_stays_as_it_is) {
  nn::Linear m = layer(randn({2, 3}));
  const Tensor w = m.weight;
  check_error<ValueError>([&] { prune::identity(m, "wight"); }, "does not have a parameter");
  check_error<ShapeError>([&] { prune::ln_structured(m, "bias", 1, 2, 0); },
                          "Structured pruning can only be applied to multidimensional tensors.");
  check_error<IndexError>([&] { prune::ln_structured(m, "weight", 1, 2, 2); },
                          "Invalid index 2 for tensor of size [2, 3]");
  check_error<ShapeError>([&] { prune::custom_from_mask(m, "weight", ones({3, 2})); }, "the mask has shape [3, 2]");
  check_error<ValueError>([&] { prune::remove(m, "weight"); },
                          "Parameter 'weight' of module Linear has to be pruned before pruning can be removed");
  BOOST_TEST(w.is(m.weight));
  nn::utils::parametrizations::weight_norm(m);
  check_error<ValueError>([&] { prune::identity(m, "weight"); }, "is computed by a parametrization already");
}

BOOST_AUTO_TEST_SUITE_END()
