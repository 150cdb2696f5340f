// What losses and layers were given besides their inputs is freed by backward.
#include <boost/test/unit_test.hpp>
#include <functional>
#include <vector>

#include "slope/autograd.h"
#include "slope/nn.h"
#include "support/checks.h"

using namespace slope;

BOOST_AUTO_TEST_SUITE(saved_values)

namespace {

Tensor plain(std::initializer_list<double> values) { return tensor(std::vector<double>(values), {.dtype = float64}); }

/// How often a tensor's handle and memory are held.
std::uint32_t references(const Tensor& t) { return t.impl().refs.value() + t.impl().storage->refs.value(); }

}  // namespace

BOOST_AUTO_TEST_CASE(constants_are_freed_by_backward_though_the_result_lives_on) {
  namespace F = nn::functional;
  const Tensor index = tensor({std::int64_t{0}, std::int64_t{1}}), many = index.reshape({2, 1});
  struct Case {
    const char* name;
    Tensor constant;
    std::function<Tensor(const Tensor& x, const Tensor& c)> run;
  };
  const Tensor mask = tensor({true, false, true, false}).reshape({2, 2});
  const std::vector<Case> cases = {
      {"index_select", index.clone(), [](const Tensor& x, const Tensor& c) { return index_select(x, 0, c); }},
      {"gather", many.clone(), [](const Tensor& x, const Tensor& c) { return gather(x, 1, c); }},
      {"scatter_add", many.clone(), [](const Tensor& x, const Tensor& c) { return scatter_add(x, 1, c, x); }},
      {"index_add", index.clone(), [](const Tensor& x, const Tensor& c) { return index_add(x, 0, c, x); }},
      {"where", mask.clone(), [](const Tensor& x, const Tensor& c) { return where(c, x, 0.0); }},
      {"masked_select", mask.clone(), [](const Tensor& x, const Tensor& c) { return masked_select(x, c); }},
      {"masked_scatter", mask.clone(),
       [](const Tensor& x, const Tensor& c) { return masked_scatter(x, c, x.reshape({4})); }},
      {"embedding", index.clone(), [](const Tensor& x, const Tensor& c) { return F::embedding(c, x); }},
      {"nll_loss", index.clone(), [](const Tensor& x, const Tensor& c) { return F::nll_loss(x, c); }},
      {"nll_loss, weight", plain({1, 2}),
       [&](const Tensor& x, const Tensor& c) { return F::nll_loss(x, index, {.weight = c}); }},
      {"cross_entropy", index.clone(), [](const Tensor& x, const Tensor& c) { return F::cross_entropy(x, c); }},
      {"cross_entropy, weight", plain({1, 2}),
       [&](const Tensor& x, const Tensor& c) { return F::cross_entropy(x, index, {.weight = c}); }},
      {"cross_entropy of probabilities, weight", plain({1, 2}),
       [&](const Tensor& x, const Tensor& c) {
         return F::cross_entropy(x, full({2, 2}, 0.5, {.dtype = float64}), {.weight = c});
       }},
      {"multi_margin_loss", index.clone(), [](const Tensor& x, const Tensor& c) { return F::multi_margin_loss(x, c); }},
      {"cosine_embedding_loss", plain({1, -1}),
       [](const Tensor& x, const Tensor& c) { return F::cosine_embedding_loss(x, x, c); }},
      {"ctc_loss", tensor({std::int64_t{1}}).reshape({1, 1}),
       [](const Tensor& x, const Tensor& c) {
         return F::ctc_loss(x.log_softmax(1).reshape({2, 1, 2}), c, std::vector<std::int64_t>{2},
                            std::vector<std::int64_t>{1});
       }},
  };
  for (const Case& c : cases) {
    const Tensor x = tensor({0.5, -0.25, 0.75, 1.5}, {.dtype = float64}).reshape({2, 2}).detach();
    x.requires_grad_();
    const auto before = references(c.constant);
    const Tensor y = c.run(x, c.constant);
    BOOST_TEST(references(c.constant) > before, c.name << ": nothing was saved");
    y.sum().backward();
    BOOST_TEST(references(c.constant) == before, c.name << ": backward did not free its constant");
  }
}

BOOST_AUTO_TEST_CASE(a_second_backward_of_a_penalty_says_that_its_graph_was_freed) {
  const Tensor x = tensor({1.0, -2.0}, {.requires_grad = true});
  const Tensor penalty = nn::l1_penalty({x}, 1.0);
  penalty.backward();
  check_error<AutogradError>([&] { penalty.backward(); }, "graph");
}

BOOST_AUTO_TEST_SUITE_END()
