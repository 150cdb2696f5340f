#include <cmath>
#include <numeric>

#include "optim/support.h"
#include "slope/autograd/core/parallel.h"
#include "support/checks.h"

using namespace slope;

// Rules that need norms, rows or a search, against loops written from their formulas, and what they refuse.
BOOST_AUTO_TEST_SUITE(norms)

namespace {

using Values = std::vector<double>;

Values some(std::size_t n, double phase) {
  Values v(n);
  for (std::size_t i = 0; i < n; ++i) v[i] = std::sin(static_cast<double>(i) * 0.7 + phase);
  return v;
}
double norm(const Values& v) { return std::sqrt(std::inner_product(v.begin(), v.end(), v.begin(), 0.0)); }

void check_near(const Tensor& t, const Values& expected, double tolerance) {
  BOOST_TEST(allclose(t.detach(), tensor(expected).view(t.shape()), tolerance, tolerance));
}

}  // namespace

BOOST_AUTO_TEST_CASE(lamb_steps_as_far_as_its_formula_says) {
  for (const std::size_t n : {std::size_t{1}, std::size_t{13}, std::size_t{40'000}}) {
    Values w = some(n, 0.3), m(n), v(n), u(n);
    const Tensor p = param(w);
    optim::LAMB opt({p}, {.lr = 0.1, .betas = {0.8, 0.9}, .eps = 1e-3, .weight_decay = 0.05});
    for (int t = 1; t <= 4; ++t) {
      const Values g = some(n, t);
      give(p, g);
      opt.step();
      for (std::size_t i = 0; i < n; ++i) {
        m[i] = 0.8 * m[i] + 0.2 * g[i];
        v[i] = 0.9 * v[i] + 0.1 * g[i] * g[i];
        u[i] = m[i] / (1 - std::pow(0.8, t)) / (std::sqrt(v[i] / (1 - std::pow(0.9, t))) + 1e-3) + 0.05 * w[i];
      }
      const double ratio = norm(w) / norm(u);
      for (std::size_t i = 0; i < n; ++i) w[i] -= 0.1 * ratio * u[i];
      check_near(p, w, 1e-12);
    }
  }
}

BOOST_AUTO_TEST_CASE(lamb_takes_a_plain_step_from_zero_and_ignores_what_else_it_updates) {
  const Tensor p = param({0, 0});
  optim::LAMB opt({p}, {.lr = 0.1, .eps = 0, .weight_decay = 0});
  give(p, {3, -2});
  opt.step();
  check_close(p, {-0.1, 0.1}, 1e-12);

  const auto stepped = [](int threads, std::int64_t before) {
    set_num_threads(threads);
    const Tensor other = ones({before}).requires_grad_(), w = linspace(-1, 2, 70'001).requires_grad_();
    optim::LAMB both({other, w}, {.lr = 0.1});
    for (int t = 0; t < 3; ++t) {
      other.set_grad(ones({before}));
      w.set_grad(linspace(1, -0.5 - t, 70'001));
      both.step();
    }
    set_num_threads(1);
    return w.to_vector<float>();
  };
  const auto expected = stepped(1, 0);
  BOOST_TEST((stepped(3, 0) == expected));
  BOOST_TEST((stepped(2, 12'345) == expected));
}

BOOST_AUTO_TEST_CASE(adafactor_steps_as_far_as_its_formula_says) {
  constexpr std::size_t rows = 3, columns = 4, n = rows * columns;
  for (const bool matrix : {true, false})
    for (const bool maximize : {false, true}) {
      Values w = some(n, 0.3), row(rows), column(columns), v(n), u(n);
      const Tensor p = matrix ? param(w).detach().view({3, 4}).requires_grad_() : param(w);
      optim::Adafactor opt({p}, {.lr = 0.05, .eps = {1e-3, 0.01}, .d = 1.5, .weight_decay = 0.1, .maximize = maximize});
      for (int t = 1; t <= 4; ++t) {
        Values g = some(n, t);
        for (double& x : g) x *= 3;
        give(p, g);
        opt.step();
        const double share = std::pow(t, -0.8), rate = std::min(0.05, 1 / std::sqrt(t));
        const double step = std::max(0.01, norm(w) / std::sqrt(n)) * rate;
        if (matrix) {
          for (std::size_t r = 0; r < rows; ++r) {
            double mean = 0;
            for (std::size_t c = 0; c < columns; ++c) mean += g[r * columns + c] * g[r * columns + c] / columns;
            row[r] += share * (mean - row[r]);
          }
          for (std::size_t c = 0; c < columns; ++c) {
            double mean = 0;
            for (std::size_t r = 0; r < rows; ++r) mean += g[r * columns + c] * g[r * columns + c] / rows;
            column[c] += share * (mean - column[c]);
          }
          const double mean = std::accumulate(row.begin(), row.end(), 0.0) / rows;
          for (std::size_t i = 0; i < n; ++i) v[i] = row[i / columns] * column[i % columns] / std::max(mean, 1e-3);
        } else {
          for (std::size_t i = 0; i < n; ++i) v[i] += share * (g[i] * g[i] - v[i]);
        }
        for (std::size_t i = 0; i < n; ++i) u[i] = g[i] / std::sqrt(std::max(v[i], 1e-6));
        const double length = step / std::max(1.0, norm(u) / std::sqrt(n) / 1.5) * (maximize ? -1 : 1);
        for (std::size_t i = 0; i < n; ++i) w[i] = w[i] * (1 - 0.05 * 0.1) - length * u[i];
        check_near(p, w, 1e-12);
      }
      const auto& slots = opt.state(p)->tensors;
      BOOST_TEST(slots[0].defined() == matrix);
      BOOST_TEST(slots[2].defined() == !matrix);
      if (matrix) BOOST_TEST((slots[0].shape() == Shape{3, 1} && slots[1].shape() == Shape{1, 4}));
    }
}

BOOST_AUTO_TEST_CASE(muon_takes_matrices_alone_and_makes_steps_nearly_orthogonal) {
  check_error<ValueError>([] { optim::Muon({param({1, 2, 3})}); },
                          "Muon only supports 2D parameters whereas we found a parameter with size: [3]");
  for (const auto& shape : {Shape{4, 7}, Shape{7, 4}}) {
    const Tensor p = zeros(shape, {.dtype = float64}).requires_grad_();
    optim::Muon opt({p}, {.lr = 1, .adjust_lr_fn = optim::AdjustLr::match_rms_adamw});
    Values g(28);
    for (std::size_t i = 0; i < g.size(); ++i) g[i] = std::sin(static_cast<double>(i * i));
    p.set_grad(tensor(g).view(shape));
    opt.step();
    const Tensor x = p.detach() / (0.2 * std::sqrt(7.0)), wide = shape[0] < shape[1] ? x : x.t();
    const Tensor near = matmul(wide, wide.t());
    // The iteration brings singular values near 1 fast, not exactly.
    for (std::int64_t i = 0; i < 4; ++i)
      for (std::int64_t k = 0; k < 4; ++k) BOOST_TEST(std::abs(near[i][k].item() - (i == k ? 1 : 0)) < 0.6);
  }
}

BOOST_AUTO_TEST_CASE(lbfgs_finds_the_minimum_of_rosenbrocks_valley_in_a_few_steps) {
  for (const DType dtype : {float64, float32}) {
    const Tensor x = param({-1.2, 1}, dtype);
    optim::LBFGS opt({x}, {.max_iter = 40,
                           .tolerance_grad = 1e-12,
                           .tolerance_change = 1e-16,
                           .line_search_fn = optim::LineSearch::strong_wolfe});
    double last = 1;
    for (int i = 0; i < 5; ++i)
      last = opt.step([&] {
                  opt.zero_grad();
                  const Tensor a = x[0], b = x[1];
                  Tensor loss = square(1 - a) + 100 * square(b - a * a);
                  loss.backward();
                  return loss;
                })
                 .item();
    BOOST_TEST(last < (dtype == float64 ? 1e-15 : 1e-6));
    check_close(x.to(float64), {1, 1}, dtype == float64 ? 1e-6 : 1e-2);
    BOOST_TEST(opt.state(x)->step == 5);
  }
}

BOOST_AUTO_TEST_CASE(lbfgs_keeps_a_history_that_is_as_long_as_it_says_and_is_saved) {
  const Tensor x = param({3, -2, 1}), y = param({3, -2, 1});
  const auto stepped = [](optim::LBFGS& opt, const Tensor& p) {
    opt.step([&] {
      opt.zero_grad();
      Tensor loss = (p.square() * p.square()).sum() + (p - 1).square().sum();
      loss.backward();
      return loss;
    });
  };
  const optim::LBFGSOptions options{.lr = 0.5, .max_iter = 4, .history_size = 5};
  optim::LBFGS whole({x}, options), first({y}, options);
  for (int i = 0; i < 4; ++i) stepped(whole, x);
  for (int i = 0; i < 2; ++i) stepped(first, y);
  const auto dict = first.state_dict();
  BOOST_TEST((dict.state[0].second.tensors[2].first == "old_dirs"));
  BOOST_TEST((dict.state[0].second.tensors[2].second.shape() == Shape{5, 3}));
  optim::LBFGS resumed({y}, options);
  resumed.load_state_dict(dict);
  for (int i = 0; i < 2; ++i) stepped(resumed, y);
  BOOST_TEST(y.to_vector<double>() == x.to_vector<double>());

  auto torn = dict;
  torn.state[0].second.tensors[2].second = zeros({2, 3}, {.dtype = float64});
  resumed.load_state_dict(torn);
  check_error<ValueError>([&] { stepped(resumed, y); }, "the states of the parameters do not belong together");
}

BOOST_AUTO_TEST_CASE(lbfgs_wants_a_closure_one_group_and_a_number_and_undoes_what_failed) {
  const Tensor p = param({1, 2});
  optim::LBFGS opt({p}, {.lr = 0.1});
  give(p, {1, 1});
  check_error<ValueError>([&] { opt.step(); }, "LBFGS: step needs a closure");
  check_error<ValueError>([&] { opt.add_param_group({.params = {param({1})}}); },
                          "LBFGS doesn't support per-parameter options (parameter groups)");
  check_error<ValueError>([&] { opt.step([] { return std::string("loss"); }); }, "needs the loss");
  int calls = 0;
  BOOST_CHECK_THROW(opt.step([&] {
    if (++calls == 3) throw std::runtime_error("the third");
    give(p, {1, 2.0 - calls});
    return 5.0 - calls;
  }),
                    std::runtime_error);
  BOOST_TEST(calls == 3);
  check_values(p, {1, 2});
  BOOST_TEST(opt.state(p) == nullptr);
  // A closure through the base searches, too; a parameter without a gradient does not move.
  const Tensor idle = param({7});
  optim::LBFGS two({p, idle}, {.line_search_fn = optim::LineSearch::strong_wolfe});
  optim::Optimizer& any = two;
  calls = 0;
  const double loss = any.step([&] {
    ++calls;
    give(p, {2 * p[0].item(), 2 * p[1].item()});
    return p.detach().square().sum().item();
  });
  BOOST_TEST(loss == 5);
  BOOST_TEST(calls > 1);
  check_close(p, {0, 0}, 1e-6);
  check_values(idle, {7});
}

BOOST_AUTO_TEST_SUITE_END()
