#include <boost/test/unit_test.hpp>
#include <cmath>

#include "slope/slope.h"
#include "support/checks.h"

using namespace slope;

namespace {

/// Weights of several shapes, in both signs, some of them zero.
struct Net : nn::Module {
  nn::Linear fc1 = add("fc1", nn::Linear(5, 3));
  nn::Linear fc2 = add("fc2", nn::Linear(3, 4));
  nn::Parameter scale = parameter("scale", rand({4}));
};

Net net(DType dtype) {
  manual_seed(7);
  Net n;
  n.to(dtype);
  NoGradGuard no_grad;
  n.fc1.weight[1].zero_();
  return n;
}

/// Both have the same value and the same gradients.
void check_equal(nn::Module& module, const Tensor& built, const Tensor& written, double tolerance) {
  BOOST_TEST(built.dim() == 0);
  BOOST_TEST(std::abs(built.item() - written.item()) <= tolerance * std::abs(written.item()));
  const auto parameters = module.parameters();
  const auto got = autograd::grad({built}, parameters, {.allow_unused = true}),
             expected = autograd::grad({written}, parameters, {.allow_unused = true});
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    BOOST_TEST(got[i].defined() == expected[i].defined(), "gradient " << i);
    if (got[i].defined()) BOOST_TEST(allclose(got[i], expected[i], tolerance, tolerance), "gradient " << i);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(penalties)

BOOST_AUTO_TEST_CASE(equal_what_writing_them_out_gives) {
  for (const DType dtype : {float64, float32}) {
    const double tolerance = dtype == float64 ? 1e-14 : 3e-6;
    Net n = net(dtype);
    const Tensor w1 = n.fc1.weight, w2 = n.fc2.weight, s = n.scale;
    const auto both = [&](const auto& f) { return f(w1) + f(w2) + f(s); };
    check_equal(n, nn::elastic_net_penalty(n, 0.3, 0.2),
                both([](const Tensor& w) { return 0.3 * abs(w).sum() + 0.5 * 0.2 * (w * w).sum(); }), tolerance);
    check_equal(n, nn::elastic_net_penalty(n, 0.3, 0.2), nn::l1_penalty(n, 0.3) + nn::l2_penalty(n, 0.2), tolerance);
    check_equal(n, nn::group_lasso_penalty(n, 0.3),
                0.3 * (std::sqrt(5.0) * norm(w1, 2, 1).sum() + std::sqrt(3.0) * norm(w2, 2, 1).sum() + abs(s).sum()),
                tolerance);
    check_equal(n, nn::group_lasso_penalty(n, 0.3, nn::without_bias, nn::LassoGroup::tensor),
                0.3 * (std::sqrt(15.0) * norm(w1) + std::sqrt(12.0) * norm(w2) + std::sqrt(4.0) * norm(s)), tolerance);
    // fc1 is wide, fc2 tall; the vector is no matrix.
    const Tensor r1 = matmul(w1, w1.t()) - eye(3, {.dtype = dtype}), r2 = matmul(w2.t(), w2) - eye(3, {.dtype = dtype});
    check_equal(n, nn::orthogonality_penalty(n, 0.3), 0.3 * ((r1 * r1).sum() + (r2 * r2).sum()), tolerance);
  }
}

BOOST_AUTO_TEST_CASE(take_the_parameters_that_the_filter_names) {
  Net n = net(float64);
  const auto only = [](std::string_view name) { return name == "fc2.weight"; };
  const auto all = [](std::string_view) { return true; };
  const auto none = [](std::string_view) { return false; };
  const std::vector<Tensor> one = {n.fc2.weight}, matrices = {n.fc1.weight, n.fc2.weight};
  BOOST_TEST(nn::elastic_net_penalty(n, 0.1, 0.2, only).item() == nn::elastic_net_penalty(one, 0.1, 0.2).item());
  BOOST_TEST(nn::group_lasso_penalty(n, 0.1, only).item() == nn::group_lasso_penalty(one, 0.1).item());
  BOOST_TEST(nn::group_lasso_penalty(n, 0.1, only, nn::LassoGroup::tensor).item() ==
             nn::group_lasso_penalty(one, 0.1, nn::LassoGroup::tensor).item());
  BOOST_TEST(nn::orthogonality_penalty(n, 0.1, only).item() == nn::orthogonality_penalty(one, 0.1).item());
  BOOST_TEST(nn::elastic_net_penalty(n, 0.1, 0.2, all).item() ==
             nn::elastic_net_penalty(n.parameters(), 0.1, 0.2).item());
  BOOST_TEST(nn::group_lasso_penalty(n, 0.1, all).item() == nn::group_lasso_penalty(n.parameters(), 0.1).item());
  BOOST_TEST(nn::orthogonality_penalty(n, 0.1, all).item() == nn::orthogonality_penalty(matrices, 0.1).item());
  for (const Tensor& nothing :
       {nn::elastic_net_penalty(n, 0.1, 0.2, none), nn::group_lasso_penalty(n, 0.1, none),
        nn::orthogonality_penalty(n, 0.1, none), nn::elastic_net_penalty(std::vector<Tensor>{}, 1, 1)})
    check_values(nothing, {0});
  BOOST_TEST(nn::elastic_net_penalty(n, 0.1, 0.2).item() < nn::elastic_net_penalty(n, 0.1, 0.2, all).item());
}

BOOST_AUTO_TEST_CASE(a_group_of_zeros_has_gradient_0_to_any_order) {
  const Tensor w = tensor({{3.0, 4.0}, {0.0, 0.0}}, {.dtype = float64, .requires_grad = true});
  const double root = std::sqrt(2.0);
  const Tensor loss = nn::group_lasso_penalty({w}, 0.5);
  check_close(loss, {0.5 * root * 5}, 1e-15);
  const Tensor g = autograd::grad({loss}, {w}, {.create_graph = true})[0];
  check_close(g.detach(), {0.5 * root * 0.6, 0.5 * root * 0.8, 0, 0}, 1e-15);
  const Tensor h = autograd::grad({(g * g).sum()}, {w})[0];
  BOOST_TEST(h.isfinite().all().item<bool>());
  check_values(h[1], {0, 0});
  const Tensor all_zero = zeros({2, 2}, {.requires_grad = true});
  nn::group_lasso_penalty({all_zero}, 1, nn::LassoGroup::tensor).backward();
  check_values(all_zero.grad(), {0, 0, 0, 0});
}

BOOST_AUTO_TEST_CASE(sizes_at_the_ends_of_the_range_keep_their_direction) {
  const Tensor w = tensor({{3e30, 4e30}, {3e-41, 4e-41}, {0.0, 5e-324}}, {.dtype = float64});
  const Tensor single = w.narrow(0, 0, 2).to(float32).requires_grad_(), wide = (w * 1e200).requires_grad_();
  nn::group_lasso_penalty({single}, 1).backward();
  const double root = std::sqrt(2.0);
  BOOST_TEST(single.grad().isfinite().all().item<bool>());
  check_close(single.grad(), {0.6 * root, 0.8 * root, 0.6 * root, 0.8 * root}, 1e-4);  // denormals have few digits
  nn::group_lasso_penalty({wide}, 1).backward();
  check_close(wide.grad(), {0.6 * root, 0.8 * root, 0.6 * root, 0.8 * root, 0, root}, 1e-6);
}

BOOST_AUTO_TEST_CASE(an_orthonormal_matrix_costs_nothing) {
  const double r = std::sqrt(0.5);
  const Tensor w = tensor({{r, r, 0.0}, {r, -r, 0.0}}, {.dtype = float64, .requires_grad = true});
  const Tensor loss = nn::orthogonality_penalty({w}, 2);
  BOOST_TEST(loss.item() < 1e-30);
  loss.backward();
  BOOST_TEST(w.grad().abs().max().item() < 1e-14);
  const Tensor twice = tensor({{2.0, 0.0}, {0.0, 2.0}}, {.dtype = float64, .requires_grad = true});
  const Tensor cost = nn::orthogonality_penalty({twice}, 0.5);
  check_values(cost, {0.5 * (9 + 9)});
  cost.backward();
  check_values(twice.grad(), {0.5 * 4 * 2 * 3, 0, 0, 12});
}

BOOST_AUTO_TEST_CASE(nothing_in_a_parameter_and_mixed_dtypes_are_fine) {
  const Tensor w = full({2, 2}, 0.5, {.dtype = float32}).requires_grad_(),
               x = full({2, 2}, 2.0, {.dtype = float64}).requires_grad_();
  const Tensor hollow = zeros({0, 3}, {.requires_grad = true}), flat = zeros({3, 0}, {.requires_grad = true});
  for (const auto& call :
       {+[](const std::vector<Tensor>& p) { return nn::elastic_net_penalty(p, 1, 2); },
        +[](const std::vector<Tensor>& p) { return nn::group_lasso_penalty(p, 1); },
        +[](const std::vector<Tensor>& p) { return nn::group_lasso_penalty(p, 1, nn::LassoGroup::tensor); },
        +[](const std::vector<Tensor>& p) { return nn::orthogonality_penalty(p, 1); }}) {
    const Tensor all = call({w, x, hollow, flat});
    BOOST_TEST((all.dtype() == float64));
    BOOST_TEST((call({w}).dtype() == float32));
    BOOST_TEST(std::abs(all.item() - call({w}).item() - call({x}).item()) < 1e-6);
    const auto grads = autograd::grad({all}, {w, x, hollow, flat});
    BOOST_TEST((grads[0].dtype() == float32));
    BOOST_TEST((grads[1].dtype() == float64));
    BOOST_TEST(to_text(grads[2].shape()) == "[0, 3]");
    BOOST_TEST(to_text(grads[3].shape()) == "[3, 0]");
    check_error<AutogradError>(
        [&] {
          const Tensor again = call({w});
          again.backward();
          again.backward();
        },
        "freed by an earlier backward");
  }
}

BOOST_AUTO_TEST_SUITE_END()
