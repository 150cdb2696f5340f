#include <cmath>
#include <limits>

#include "optim/support.h"
#include "slope/autograd/core/parallel.h"
#include "support/checks.h"

using namespace slope;

// What one step does to numbers and to memory.
BOOST_AUTO_TEST_SUITE(update)

BOOST_AUTO_TEST_CASE(plain_sgd_subtracts_the_scaled_gradient) {
  const Tensor p = param({1, -2});
  optim::SGD opt({p}, {.lr = 0.5});
  give(p, {2, 4});
  opt.step();
  check_values(p, {0, -4});
}

BOOST_AUTO_TEST_CASE(sgd_momentum_starts_with_the_gradient_and_is_dampened_later) {
  const Tensor p = param({0});
  optim::SGD opt({p}, {.lr = 1, .momentum = 0.5, .dampening = 0.25});
  give(p, {1});
  opt.step();
  check_values(p, {-1});  // b = g
  give(p, {2});
  opt.step();
  check_values(p, {-3});  // b = 0.5·1 + 0.75·2
}

BOOST_AUTO_TEST_CASE(momentum_that_is_set_later_starts_with_the_gradient_too) {
  const Tensor p = param({0});
  optim::SGD opt({p}, {.lr = 1, .dampening = 0.25});
  give(p, {1});
  opt.step();
  check_values(p, {-1});
  opt.param_groups()[0].momentum = 0.5;
  give(p, {2});
  opt.step();
  check_values(p, {-3});  // b = g, not 0.75·g
  give(p, {4});
  opt.step();
  check_values(p, {-7});  // b = 0.5·2 + 0.75·4
}

BOOST_AUTO_TEST_CASE(nesterov_looks_ahead) {
  const Tensor p = param({0});
  optim::SGD opt({p}, {.lr = 1, .momentum = 0.5, .nesterov = true});
  give(p, {1});
  opt.step();
  check_values(p, {-1.5});
  give(p, {1});
  opt.step();
  check_values(p, {-3.25});  // b = 1.5, g + 0.5·b = 1.75
}

BOOST_AUTO_TEST_CASE(weight_decay_is_an_l2_penalty_and_comes_after_maximize) {
  const Tensor p = param({2}), q = param({2});
  optim::SGD a({p}, {.lr = 1, .weight_decay = 0.25}), b({q}, {.lr = 1, .weight_decay = 0.25, .maximize = true});
  give(p, {1});
  give(q, {1});
  a.step();
  b.step();
  check_values(p, {0.5});
  check_values(q, {2.5});  // g = -1 + 0.25·2
}

BOOST_AUTO_TEST_CASE(the_first_step_of_adam_is_the_learning_rate_against_the_sign) {
  for (DType dtype : {float64, float32}) {
    const Tensor p = param({0, 0, 0}, dtype);
    optim::Adam opt({p}, {.lr = 0.1});
    give(p, {5, -0.02, 0});
    opt.step();
    check_close(p, {-0.1, 0.1, 0}, 1e-6);
  }
}

BOOST_AUTO_TEST_CASE(adamw_shrinks_the_parameter_and_adam_adds_to_the_gradient) {
  const Tensor p = param({1}), q = param({1});
  optim::Adam adam({p}, {.lr = 0.1, .weight_decay = 0.5});
  optim::AdamW adamw({q}, {.lr = 0.1, .weight_decay = 0.5});
  give(p, {0});
  give(q, {0});
  adam.step();
  adamw.step();
  check_close(p, {0.9}, 1e-7);    // a full step against the sign of 0.5·1
  check_close(q, {0.95}, 1e-12);  // 1 - 0.1·0.5, then a step of zero
}

BOOST_AUTO_TEST_CASE(amsgrad_remembers_the_largest_second_moment) {
  const Tensor p = param({0}), q = param({0});
  optim::Adam plain({p}, {.lr = 0.1, .betas = {0.0, 0.5}}), ams({q}, {.lr = 0.1, .betas = {0.0, 0.5}, .amsgrad = true});
  for (double g : {10.0, 0.1, 0.1, 0.1}) {
    give(p, {g});
    give(q, {g});
    plain.step();
    ams.step();
  }
  BOOST_TEST(std::abs(p.item()) > std::abs(q.item()));
  BOOST_TEST(ams.state(q)->tensors[2].item() == 50.0);
  BOOST_TEST(!plain.state(p)->tensors[2].defined());
}

BOOST_AUTO_TEST_CASE(a_parameter_without_a_gradient_is_skipped_completely) {
  const Tensor p = param({1}), q = param({1});
  optim::Adam opt({p, q}, {.lr = 0.1, .weight_decay = 0.1});
  const auto version = q.version();
  give(p, {1});
  opt.step();
  check_values(q, {1});
  BOOST_TEST(q.version() == version);
  BOOST_TEST(opt.state(q) == nullptr);
  give(q, {1});
  opt.step();
  BOOST_TEST(opt.state(p)->step == 2);
  BOOST_TEST(opt.state(q)->step == 1);
  p.zero_grad();
  const Tensor moment = opt.state(p)->tensors[0].clone();
  opt.step();
  BOOST_TEST(opt.state(p)->step == 2);
  BOOST_TEST(opt.state(p)->tensors[0].item() == moment.item());
}

BOOST_AUTO_TEST_CASE(a_zero_gradient_is_not_skipped) {
  const Tensor p = param({1});
  optim::SGD opt({p}, {.lr = 0.5, .weight_decay = 0.5});
  give(p, {0});
  opt.step();
  check_values(p, {0.75});
}

BOOST_AUTO_TEST_CASE(gradients_are_never_modified) {
  const Tensor p = param({1, 2});
  optim::AdamW opt({p}, {.lr = 0.1, .maximize = true});
  give(p, {3, 4});
  const Tensor g = p.grad();
  const auto version = g.version();
  opt.step();
  check_values(g, {3, 4});
  BOOST_TEST(g.version() == version);
  BOOST_TEST(p.grad().is(g));
}

BOOST_AUTO_TEST_CASE(updates_happen_in_place_so_views_stay_valid_and_versions_rise) {
  const Tensor p = param({1, 2, 3});
  const Tensor view = p.detach().slice(0, 1);
  const auto version = p.version();
  optim::SGD opt({p}, {.lr = 1});
  give(p, {1, 1, 1});
  opt.step();
  check_values(view, {1, 2});
  BOOST_TEST(p.version() > version);
  BOOST_TEST(p.is_leaf());
  BOOST_TEST(p.requires_grad());
}

BOOST_AUTO_TEST_CASE(a_graph_that_saved_a_parameter_notices_its_update) {
  const Tensor p = param({1, 2});
  optim::SGD opt({p}, {.lr = 1});
  const Tensor loss = (p * p).sum();
  give(p, {1, 1});
  opt.step();
  BOOST_CHECK_EXCEPTION(loss.backward(), AutogradError, [](const AutogradError& e) {
    return std::string(e.what()).find("overwritten in place") != std::string::npos;
  });
}

BOOST_AUTO_TEST_CASE(parameters_and_gradients_that_are_not_contiguous_are_updated_where_they_lie) {
  const Tensor base = tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}});
  const Tensor p = base.t().detach().requires_grad_();
  const Tensor dense = base.t().contiguous().detach().requires_grad_();
  BOOST_TEST(!p.is_contiguous());
  const Tensor g = tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}).t();
  optim::Adam a({p}, {.lr = 0.1}), b({dense}, {.lr = 0.1});
  for (int i = 0; i < 3; ++i) {
    p.set_grad(g);
    dense.set_grad(g.contiguous());
    a.step();
    b.step();
  }
  BOOST_TEST(p.to_vector<double>() == dense.to_vector<double>());
  BOOST_TEST(base.t().to_vector<double>() == dense.to_vector<double>());
  BOOST_TEST(p.strides() == base.t().strides());
}

BOOST_AUTO_TEST_CASE(gradients_that_are_not_finite_stay_where_they_are) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  const Tensor p = param({1, 1, 1});
  optim::Adam opt({p}, {.lr = 0.5});
  give(p, {nan, 1, inf});
  opt.step();
  const auto v = p.to_vector<double>();
  BOOST_TEST(std::isnan(v[0]));
  BOOST_TEST(std::abs(v[1] - 0.5) < 1e-6);
  BOOST_TEST(!std::isfinite(v[2]));
}

BOOST_AUTO_TEST_CASE(empty_and_scalar_parameters_are_fine) {
  const Tensor none = zeros({0, 3}, {.requires_grad = true}), one = tensor(2.0, {.requires_grad = true});
  optim::SGD opt({none, one}, {.lr = 1, .momentum = 0.9});
  none.set_grad(zeros({0, 3}));
  one.set_grad(tensor(0.5));
  opt.step();
  BOOST_TEST(one.item() == 1.5);
}

namespace {
/// Runs `steps` of an optimizer over `values` cut into `pieces` tensors; all numbers afterwards.
template <class Optimizer, class Options>
std::vector<double> trained(const std::vector<double>& values, std::size_t pieces, const Options& options,
                            DType dtype) {
  std::vector<Tensor> params;
  const std::size_t n = values.size();
  for (std::size_t k = 0; k < pieces; ++k)
    params.push_back(param({values.begin() + static_cast<std::ptrdiff_t>(k * n / pieces),
                            values.begin() + static_cast<std::ptrdiff_t>((k + 1) * n / pieces)},
                           dtype));
  Optimizer opt(params, options);
  for (int step = 0; step < 3; ++step) {
    std::size_t at = 0;
    for (const Tensor& p : params) {
      std::vector<double> g;
      for (std::int64_t i = 0; i < p.numel(); ++i, ++at) g.push_back(std::sin(static_cast<double>(at) + step));
      give(p, g);
    }
    opt.step();
  }
  std::vector<double> out;
  for (const Tensor& p : params)
    for (double v : p.to_vector<double>()) out.push_back(v);
  return out;
}
}  // namespace

BOOST_AUTO_TEST_CASE(how_numbers_are_split_into_tensors_and_threads_does_not_matter) {
  std::vector<double> values;
  for (int i = 0; i < 70'003; ++i) values.push_back(std::cos(i));
  const int before = get_num_threads();
  for (DType dtype : {float32, float64}) {
    const optim::AdamOptions adam{.lr = 0.1, .weight_decay = 0.01, .amsgrad = true};
    const optim::SGDOptions sgd{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01, .nesterov = true};
    set_num_threads(1);
    const auto one_adam = trained<optim::Adam>(values, 1, adam, dtype);
    const auto one_sgd = trained<optim::SGD>(values, 1, sgd, dtype);
    BOOST_TEST((one_adam != values));
    for (int threads : {1, 2, 3, 8}) {
      set_num_threads(threads);
      for (std::size_t pieces : {1, 7, 1000}) {
        BOOST_TEST((trained<optim::Adam>(values, pieces, adam, dtype) == one_adam),
                   threads << " threads, " << pieces << " tensors");
        BOOST_TEST((trained<optim::SGD>(values, pieces, sgd, dtype) == one_sgd),
                   threads << " threads, " << pieces << " tensors");
      }
    }
  }
  set_num_threads(before);
}

BOOST_AUTO_TEST_CASE(float32_follows_float64_within_rounding) {
  std::vector<double> values;
  for (int i = 0; i < 100; ++i) values.push_back(static_cast<float>(std::cos(i)));
  const optim::AdamOptions options{.lr = 0.1};
  const auto f = trained<optim::Adam>(values, 3, options, float32),
             d = trained<optim::Adam>(values, 3, options, float64);
  for (std::size_t i = 0; i < f.size(); ++i) BOOST_TEST(std::abs(f[i] - d[i]) < 1e-5);
  BOOST_TEST((f != d));
}

BOOST_AUTO_TEST_CASE(float32_and_float64_parameters_share_a_group) {
  const Tensor p = param({1}, float32), q = param({1}, float64);
  optim::SGD opt({p, q}, {.lr = 0.1});
  give(p, {1});
  give(q, {1});
  opt.step();
  BOOST_TEST(p.item<float>() == 0.9F);
  BOOST_TEST(q.item() == 0.9);
  BOOST_TEST((p.dtype() == float32));
}

BOOST_AUTO_TEST_SUITE_END()
