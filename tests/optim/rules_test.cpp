#include <cmath>

#include "optim/support.h"
#include "slope/optim/internal/grouped_update.h"
#include "support/checks.h"
#include "support/optimizer_table.h"

// What a rule may be besides a formula of elements with options: rules with numbers of their own, rules of whole tensors.

namespace slope::optim {

// NAdam's momentum schedule: a running product per parameter.
struct ProductOptions {
  double lr = 0.1;
  double beta = 0.9;
};
struct ProductGroup {
  ParamList params{};
  std::optional<double> lr{}, beta{};
};
namespace detail {
struct ProductRule {
  static constexpr const char* name = "Product";
  static constexpr std::tuple options = {option("lr", &ProductOptions::lr, &ProductGroup::lr, at_least_0),
                                         option("beta", &ProductOptions::beta, &ProductGroup::beta, from_0_below_1)};
  static constexpr Number numbers[] = {{"product", 1}};
  double rate;
  ProductRule(const ProductOptions& o, Moment now, std::span<double> own) {
    own[0] *= o.beta / static_cast<double>(now.step);
    rate = o.lr * own[0];
  }
  template <class V>
  void operator()(V& p, V g, V*) const {
    p = p - rate * g;
  }
};
}  // namespace detail
template class GroupedOptimizer<ProductOptions, ProductGroup, detail::ProductRule>;
class Product : public GroupedOptimizer<ProductOptions, ProductGroup, detail::ProductRule> {
  using GroupedOptimizer::GroupedOptimizer;
};

// A step of unit length along the gradient, scaled by row sums that are remembered: a norm, and a slot of another shape.
struct RowsOptions {
  double lr = 0.5;
};
struct RowsGroup {
  ParamList params{};
  std::optional<double> lr{};
};
namespace detail {
struct RowsRule {
  static constexpr const char* name = "Rows";
  static constexpr std::tuple options = {option("lr", &RowsOptions::lr, &RowsGroup::lr, at_least_0)};
  static constexpr Slot<RowsOptions> slots[] = {{"row_sums", nullptr, [](const RowsOptions&) { return 1.0; }}};
  static Shape slot_shape(std::size_t, const Tensor& p) { return {p.size(0)}; }
  static Tensor next(const RowsOptions& o, Moment, const Tensor& p, const Tensor& g, std::span<Tensor> s,
                     std::span<double>) {
    s[0] = s[0] + g.square().sum(1);
    return p - o.lr * g / (g.norm() * s[0].unsqueeze(1));
  }
};
}  // namespace detail
template class GroupedOptimizer<RowsOptions, RowsGroup, detail::RowsRule>;
class Rows : public GroupedOptimizer<RowsOptions, RowsGroup, detail::RowsRule> {
  using GroupedOptimizer::GroupedOptimizer;
};

}  // namespace slope::optim

using namespace slope;

BOOST_AUTO_TEST_SUITE(rules)

BOOST_AUTO_TEST_CASE(a_rule_has_numbers_of_its_own_for_each_parameter) {
  const Tensor p = param({0}), q = param({0});
  optim::Product opt({p, q}, {.lr = 1, .beta = 0.5});
  give(p, {1});
  opt.step();
  check_values(p, {-0.5});
  give(q, {1});
  opt.step();
  check_values(p, {-0.625});  // 0.5 · 0.5/2
  check_values(q, {-0.5});    // not p's product, though both are in one pass
  BOOST_TEST(opt.state(p)->numbers[0] == 0.125);
  BOOST_TEST(opt.state(q)->numbers[0] == 0.5);

  const auto dict = opt.state_dict();
  BOOST_TEST((dict.state[0].second.numbers == optim::NamedNumbers{{"product", 0.125}}));
  const Tensor r = param({0}), s = param({0});
  optim::Product resumed({r, s});
  resumed.load_state_dict(dict);
  give(r, {1});
  resumed.step();
  opt.step();
  BOOST_TEST(std::abs(r.item() - (p.item() + 0.625)) < 1e-15);
  BOOST_TEST(resumed.state(r)->numbers[0] == opt.state(p)->numbers[0]);
  auto lost = dict;
  lost.state[0].second.numbers.clear();
  check_error<ValueError>([&] { resumed.load_state_dict(lost); }, "lacks 'product'");
}

BOOST_AUTO_TEST_CASE(a_rule_may_need_norms_and_rows_and_slots_of_another_shape) {
  const Tensor p = param({1, 2, 3, 4}).view({2, 2}).detach().t().requires_grad_();
  optim::Rows opt({p}, {.lr = 1});
  p.set_grad(tensor({{3.0, 0.0}, {0.0, 4.0}}, {.dtype = float64}));
  opt.step();
  check_close(p, {1 - 3.0 / (5 * 10), 3, 2, 4 - 4.0 / (5 * 17)}, 1e-15);
  check_values(opt.state(p)->tensors[0], {10, 17});
  const auto dict = opt.state_dict();
  optim::Rows other({param({1, 2})});
  check_error<ValueError>([&] { optim::Product({p}).load_state_dict(dict); }, "the loaded state dict is of Rows");
  const Tensor wide = param({1, 2, 3, 4, 5, 6}).detach().view({3, 2}).requires_grad_();
  optim::Rows three({wide});
  check_error<ShapeError>([&] { three.load_state_dict(dict); },
                          "loaded row_sums has shape [2] but parameter 0 of shape [3, 2] needs [3]");
  // A later parameter that fails takes nothing with it.
  const Tensor flat = param({1, 2});
  opt.add_param_group({.params = {flat}});
  give(flat, {1, 1});
  const auto before = p.to_vector<double>();
  BOOST_CHECK_THROW(opt.step(), Error);
  BOOST_TEST(p.to_vector<double>() == before);
  check_values(opt.state(p)->tensors[0], {10, 17});
  BOOST_TEST(opt.state(p)->step == 1);
}

BOOST_AUTO_TEST_SUITE_END()
