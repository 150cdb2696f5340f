#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <map>

#include "slope/slope.h"
#include "support/checks.h"

using namespace slope;

namespace {

using Labels = std::vector<std::int64_t>;
constexpr double inf = std::numeric_limits<double>::infinity(), nan_value = std::numeric_limits<double>::quiet_NaN();

// ---- every alignment, one by one

/// Of all alignments that spell the same labels: the sum of their probabilities, and of those with class c at step t.
struct Spelled {
  double probability = 0;
  std::vector<double> occupied;
};

Labels spell(const Labels& alignment, std::int64_t blank) {
  Labels labels;
  for (std::size_t t = 0; t < alignment.size(); ++t)
    if (alignment[t] != blank && (t == 0 || alignment[t] != alignment[t - 1])) labels.push_back(alignment[t]);
  return labels;
}

std::map<Labels, Spelled> all_alignments(const std::vector<double>& log_probs, std::int64_t steps, std::int64_t classes,
                                         std::int64_t blank) {
  std::map<Labels, Spelled> all;
  Labels alignment(static_cast<std::size_t>(steps), 0);
  for (;;) {
    double p = 1;
    for (std::size_t t = 0; t < alignment.size(); ++t)
      p *= std::exp(log_probs[t * static_cast<std::size_t>(classes) + static_cast<std::size_t>(alignment[t])]);
    Spelled& s = all[spell(alignment, blank)];
    s.probability += p;
    s.occupied.resize(static_cast<std::size_t>(steps * classes));
    for (std::size_t t = 0; t < alignment.size(); ++t)
      s.occupied[t * static_cast<std::size_t>(classes) + static_cast<std::size_t>(alignment[t])] += p;
    std::size_t t = 0;
    while (t < alignment.size() && ++alignment[t] == classes) alignment[t++] = 0;
    if (t == alignment.size()) return all;
  }
}

/// Every sequence of up to `longest` labels.
std::vector<Labels> all_targets(std::int64_t classes, std::int64_t blank, std::size_t longest) {
  std::vector<Labels> all = {{}};
  for (std::size_t i = 0; i < all.size(); ++i)
    if (all[i].size() < longest)
      for (std::int64_t c = 0; c < classes; ++c)
        if (c != blank) {
          Labels more = all[i];
          more.push_back(c);
          all.push_back(std::move(more));
        }
  return all;
}

bool about(double a, double b, double tolerance) {
  return same_number(a, b) || std::abs(a - b) <= tolerance * std::max(1.0, std::abs(b));
}

// ---- the recursions as the paper states them, with logarithms in long double

using Real = long double;
Real log_sum(Real a, Real b) {
  const Real top = std::max(a, b);
  return std::isinf(top) ? top : top + std::log(std::exp(a - top) + std::exp(b - top));
}

struct Plain {
  double loss;
  std::vector<double> gradient;  // [T, C]
};
Plain plain_ctc(const double* x, std::int64_t steps, std::int64_t step, std::int64_t classes, const Labels& labels,
                std::int64_t blank) {
  const std::size_t n = 2 * labels.size() + 1, rows = static_cast<std::size_t>(steps);
  const auto state = [&](std::size_t s) { return s % 2 ? labels[s / 2] : blank; };
  const auto may_skip = [&](std::size_t s) { return s % 2 && s >= 3 && state(s) != state(s - 2); };
  const auto log_p = [&](std::size_t t, std::size_t s) {
    return static_cast<Real>(x[static_cast<std::int64_t>(t) * step + state(s)]);
  };
  constexpr Real none = -std::numeric_limits<Real>::infinity();
  std::vector<std::vector<Real>> alpha(rows, std::vector<Real>(n, none)), beta = alpha;
  for (std::size_t t = 0; t < rows; ++t)
    for (std::size_t s = 0; s < n; ++s) {
      Real before = t == 0 ? (s < 2 ? 0 : none) : alpha[t - 1][s];
      if (t > 0 && s > 0) before = log_sum(before, alpha[t - 1][s - 1]);
      if (t > 0 && may_skip(s)) before = log_sum(before, alpha[t - 1][s - 2]);
      alpha[t][s] = before + log_p(t, s);
    }
  for (std::size_t t = rows; t-- > 0;)
    for (std::size_t s = 0; s < n; ++s) {
      Real after = t + 1 == rows ? (s + 2 >= n ? 0 : none) : beta[t + 1][s] + log_p(t + 1, s);
      if (t + 1 < rows && s + 1 < n) after = log_sum(after, beta[t + 1][s + 1] + log_p(t + 1, s + 1));
      if (t + 1 < rows && s + 2 < n && may_skip(s + 2))
        after = log_sum(after, beta[t + 1][s + 2] + log_p(t + 1, s + 2));
      beta[t][s] = after;
    }
  const Real total = n > 1 ? log_sum(alpha[rows - 1][n - 1], alpha[rows - 1][n - 2]) : alpha[rows - 1][0];
  Plain result{static_cast<double>(-total), std::vector<double>(static_cast<std::size_t>(steps * classes))};
  for (std::size_t t = 0; t < rows; ++t)
    for (std::size_t s = 0; s < n; ++s)
      result.gradient[t * static_cast<std::size_t>(classes) + static_cast<std::size_t>(state(s))] -=
          static_cast<double>(std::exp(alpha[t][s] + beta[t][s] - total));
  return result;
}

Tensor doubles(const Literal& values) { return tensor(values, {.dtype = float64, .requires_grad = true}); }

}  // namespace

BOOST_AUTO_TEST_SUITE(ctc)

BOOST_AUTO_TEST_CASE(sums_the_alignments_of_every_short_target) {
  Generator g(1);
  int feasible = 0, infeasible = 0;
  for (std::int64_t classes = 1; classes <= 4; ++classes)
    for (std::int64_t steps = 0; steps <= (classes == 4 ? 5 : 6); ++steps)
      for (std::int64_t blank = 0; blank < classes; ++blank) {
        const std::vector<double> log_probs =
            (randn({steps, classes}, {.dtype = float64}, g) * 2.0).to_vector<double>();
        const auto spelled = all_alignments(log_probs, steps, classes, blank);
        const auto targets = all_targets(classes, blank, static_cast<std::size_t>(classes == 4 ? 4 : 5));
        const auto size = static_cast<std::int64_t>(targets.size());
        // One batch with all targets. What must not be read is NaN, and labels that are none.
        const std::int64_t room = 6, rows = steps + 2;
        const Tensor x = full({rows, size, classes}, nan_value, {.dtype = float64});
        const Tensor padded = full({size, room}, -77);
        std::vector<std::int64_t> concatenated, counts;
        for (std::int64_t n = 0; n < size; ++n) {
          const Labels& labels = targets[static_cast<std::size_t>(n)];
          for (std::int64_t i = 0; i < steps * classes; ++i)
            x.data_ptr<double>()[(i / classes * size + n) * classes + i % classes] =
                log_probs[static_cast<std::size_t>(i)];
          std::copy(labels.begin(), labels.end(), padded.data_ptr<std::int64_t>() + n * room);
          concatenated.insert(concatenated.end(), labels.begin(), labels.end());
          counts.push_back(static_cast<std::int64_t>(labels.size()));
        }
        x.requires_grad_();
        const nn::Lengths lengths(std::vector<std::int64_t>(targets.size(), steps));
        for (const bool forgiving : {false, true})
          for (const bool in_a_row : {false, true}) {
            const nn::CTCLossOptions options{.blank = blank, .reduction = Reduction::none, .zero_infinity = forgiving};
            const Tensor loss =
                F::ctc_loss(x, in_a_row ? tensor(concatenated, {.dtype = int64}) : padded, lengths, counts, options);
            const Tensor gradient = autograd::grad({loss.sum()}, {x})[0];
            for (std::int64_t n = 0; n < size; ++n) {
              const auto found = spelled.find(targets[static_cast<std::size_t>(n)]);
              const bool possible = found != spelled.end();
              ++(possible ? feasible : infeasible);
              const double value = loss[n].item(), expected = possible    ? -std::log(found->second.probability)
                                                              : forgiving ? 0
                                                                          : inf;
              bool right = about(value, expected, 1e-13);
              for (std::int64_t t = 0; right && t < rows; ++t)
                for (std::int64_t c = 0; c < classes; ++c) {
                  const double d = gradient.data_ptr<double>()[(t * size + n) * classes + c];
                  const double wanted = t >= steps ? 0
                                        : possible
                                            ? -found->second.occupied[static_cast<std::size_t>(t * classes + c)] /
                                                  found->second.probability
                                            : (forgiving ? 0 : nan_value);
                  right &= about(d, wanted, 1e-13);
                }
              BOOST_TEST(right, steps << " steps, " << classes << " classes, blank " << blank << ", target " << n
                                      << ": " << value << " for " << expected);
            }
          }
      }
  BOOST_TEST(feasible > 4000);
  BOOST_TEST(infeasible > 4000);
}

BOOST_AUTO_TEST_CASE(the_mean_divides_by_the_lengths_of_the_targets_first) {
  Generator g(2);
  const Tensor x = log_softmax(randn({6, 3, 4}, {.dtype = float64}, g), -1),
               t = tensor({{1, 2, 3}, {2, 0, 0}, {0, 0, 0}});
  const Tensor each = F::ctc_loss(x, t, {6, 5, 4}, {3, 1, 0}, {.reduction = "none"});
  check_close(F::ctc_loss(x, t, {6, 5, 4}, {3, 1, 0}), {(each[0].item() / 3 + each[1].item() + each[2].item()) / 3},
              1e-15);
  check_close(F::ctc_loss(x, t, {6, 5, 4}, {3, 1, 0}, {.reduction = "sum"}), {each.sum().item()}, 1e-15);
  check_values(F::ctc_loss(x, t, {2, 5, 4}, {3, 1, 0}), {inf});
  check_close(F::ctc_loss(x, t, {2, 5, 4}, {3, 1, 0}, {.zero_infinity = true}), {(each[1].item() + each[2].item()) / 3},
              1e-15);
}

BOOST_AUTO_TEST_CASE(an_input_without_steps_spells_nothing_only) {
  const Tensor x = zeros({4, 2, 3}, {.dtype = float64, .requires_grad = true});
  const Tensor loss = F::ctc_loss(x, tensor({{1, 2}, {1, 1}}), {0, 0}, {0, 2}, {.reduction = "none"});
  check_values(loss, {0, inf});
  loss.sum().backward();
  check_values(x.grad(),
               std::initializer_list<double>{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  const Tensor nothing = zeros({0, 2, 3}, {.dtype = float64});
  check_values(F::ctc_loss(nothing, tensor({{1, 2}, {1, 1}}), {0, 0}, {0, 2}, {.reduction = "none"}), {0, inf});
}

BOOST_AUTO_TEST_CASE(an_empty_batch_has_mean_nan_and_sum_0) {
  const Tensor x = zeros({4, 0, 3}, {.dtype = float64, .requires_grad = true}), t = zeros({0, 2}, {.dtype = int64});
  const nn::Lengths none{};
  check_values(F::ctc_loss(x, t, none, none), {nan_value});
  check_values(F::ctc_loss(x, t, none, none, {.reduction = "sum"}), {0});
  BOOST_TEST(to_text(F::ctc_loss(x, t, {}, {}, {.reduction = "none"}).shape()) == "[0]");
  F::ctc_loss(x, zeros({0}, {.dtype = int64}), none, none).backward();
  BOOST_TEST(to_text(x.grad().shape()) == "[4, 0, 3]");
}

BOOST_AUTO_TEST_CASE(probabilities_of_any_size_neither_vanish_nor_overflow) {
  struct Case {
    std::int64_t steps, classes, labels;
    double spread, offset;
  };
  Generator g(3);
  for (const Case& c : {Case{40, 5, 12, 1, -1}, Case{60, 30, 20, 50, -60}, Case{50, 6, 15, 800, -900},
                        Case{40, 4, 9, 5000, 0}, Case{700, 8, 100, 3, -5}, Case{700, 8, 250, 400, -300},
                        Case{30, 5, 14, 1e6, -1e6}, Case{25, 7, 24, 700, 600}}) {
    for (const double impossible : {0.0, 0.2}) {
      const Tensor x = rand({c.steps, c.classes}, {.dtype = float64}, g) * c.spread + c.offset;
      if (impossible > 0) {
        const std::vector<double> dice = rand({c.steps, c.classes}, {.dtype = float64}, g).to_vector<double>();
        for (std::size_t i = 0; i < dice.size(); ++i)
          if (dice[i] < impossible) x.data_ptr<double>()[i] = -inf;
      }
      const Labels labels = randint(1, c.classes, Shape{c.labels}, {}, g).to_vector<std::int64_t>();
      const Plain expected = plain_ctc(x.data_ptr<double>(), c.steps, c.classes, c.classes, labels, 0);
      x.requires_grad_();
      const Tensor loss = F::ctc_loss(x, tensor(labels, {.dtype = int64}), c.steps, c.labels, {.reduction = "sum"});
      const std::string what = concat(c.steps, " steps, spread ", c.spread, ", impossible ", impossible);
      BOOST_TEST(about(loss.item(), expected.loss, 1e-13), what << ": " << loss.item() << " for " << expected.loss);
      if (std::isinf(expected.loss)) continue;
      loss.backward();
      // exp of a difference of large logarithms is what the plain version loses.
      const double tolerance = 1e-15 * std::max(1.0, c.spread * static_cast<double>(c.steps));
      const std::vector<double> got = x.grad().to_vector<double>();
      double worst = 0;
      for (std::size_t i = 0; i < got.size(); ++i) worst = std::max(worst, std::abs(got[i] - expected.gradient[i]));
      BOOST_TEST(worst <= tolerance, what << ": gradient off by " << worst);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_path_that_falls_far_behind_may_still_win) {
  // The label must be named at once, with probability e^-2000: beside the blank it is nothing, and the only way.
  const Tensor x = doubles({{0.0, -2000.0, -1.0}, {-1.0, -3000.0, 0.0}});
  const Tensor loss = F::ctc_loss(x, tensor({1, 2}), 2, 2, {.reduction = "sum"});
  check_close(loss, {2000}, 1e-15);
  loss.backward();
  check_values(x.grad(), {0, -1, 0, 0, 0, -1});
  // Two ways of equal weight, one of them e^-3000 behind at the first step.
  const Tensor y = doubles({{0.0, -3000.0}, {-3000.0, 0.0}});
  const Tensor both = F::ctc_loss(y, tensor({1}), 2, 1, {.reduction = "sum"});
  check_close(both, {-std::log1p(std::exp(-3000.0) * 2)}, 1e-15);
  const Tensor z = doubles({{0.0, -1500.0}, {-1500.0, -1500.0}});
  const Tensor three = F::ctc_loss(z, tensor({1}), 2, 1, {.reduction = "sum"});
  check_close(three, {1500}, 1e-15);
  const Tensor tie = doubles({{0.0, -1500.0, -inf}, {-1500.0, -inf, 0.0}, {-inf, 0.0, -1500.0}});
  F::ctc_loss(tie, tensor({1}), 3, 1, {.reduction = "sum"}).backward();
  check_close(tie.grad(), {-1, 0, 0, -1, 0, 0, 0, -1, 0}, 1e-15);
}

BOOST_AUTO_TEST_CASE(nan_in_what_is_read_gives_nan_and_nothing_else_does) {
  const Tensor x = full({3, 2, 4}, -1, {.dtype = float64});
  x.data_ptr<double>()[3] = nan_value;                    // class 3 of sequence 0, which is no label
  x.data_ptr<double>()[(1 * 2 + 1) * 4 + 2] = nan_value;  // label 2 of sequence 1
  x.requires_grad_();
  const Tensor loss =
      F::ctc_loss(x, tensor({{1, 1}, {2, 1}}), {3, 3}, {2, 2}, {.reduction = "none", .zero_infinity = true});
  BOOST_TEST(std::isfinite(loss[0].item()));
  BOOST_TEST(std::isnan(loss[1].item()));
  loss.sum().backward();
  BOOST_TEST(x.grad().select(1, 0).isfinite().all().item<bool>());
  BOOST_TEST(x.grad().select(1, 1).isnan().all().item<bool>());
}

BOOST_AUTO_TEST_CASE(behind_a_log_softmax_gradients_of_a_step_sum_to_zero) {
  Generator g(4);
  const Tensor logits = randn({8, 2, 5}, {.dtype = float64, .requires_grad = true}, g);
  F::ctc_loss(log_softmax(logits, -1), tensor({1, 4, 2, 2, 3}), {8, 7}, {2, 3}).backward();
  BOOST_TEST(logits.grad().sum(2).abs().max().item() < 1e-15);
  check_values(logits.grad()[7][1], {0, 0, 0, 0, 0});
  BOOST_TEST(logits.grad()[6][1].abs().max().item() > 0.01);
}

BOOST_AUTO_TEST_CASE(float32_is_computed_in_double) {
  Generator g(5);
  const Tensor x = log_softmax(randn({300, 4, 10}, {}, g) * 3.0, -1).detach().requires_grad_();
  const Tensor wide = x.detach().to(float64).requires_grad_(), t = randint(1, 10, {4, 40}, {}, g);
  const auto run = [&](const Tensor& in) {
    const Tensor loss = F::ctc_loss(in, t, {300, 300, 250, 200}, {40, 30, 40, 20}, {.reduction = "none"});
    loss.sum().backward();
    return loss.detach();
  };
  const Tensor a = run(x), b = run(wide);
  BOOST_TEST((a.dtype() == float32));
  BOOST_TEST(equal(a, b.to(float32)));
  BOOST_TEST(equal(x.grad(), wide.grad().to(float32)));
}

BOOST_AUTO_TEST_CASE(lengths_come_as_tensors_vectors_lists_or_a_number) {
  Generator g(6);
  const Tensor x = randn({6, 2, 4}, {.dtype = float64}, g), t = tensor({{1, 2}, {3, 1}}), one = x.select(1, 0);
  const std::vector<std::int64_t> steps = {6, 5}, counts = {2, 1};
  const double expected = F::ctc_loss(x, t, steps, counts).item();
  BOOST_TEST(F::ctc_loss(x, t, {6, 5}, {2, 1}).item() == expected);
  BOOST_TEST(F::ctc_loss(x, t, tensor({6, 5}), tensor({2, 1})).item() == expected);
  BOOST_TEST(F::ctc_loss(x, t, tensor({6, 0, 5, 0}).slice(0, 0, 4, 2), counts).item() == expected);
  BOOST_TEST(nn::CTCLoss()(x, t, steps, {2, 1}).item() == expected);
  const int six = 6;
  const double single = F::ctc_loss(one, tensor({1, 2}), six, 2).item();
  BOOST_TEST(F::ctc_loss(one, tensor({1, 2}), tensor(6), {2}).item() == single);
  BOOST_TEST(F::ctc_loss(one, tensor({1, 2}), tensor({6}), tensor(2)).item() == single);
  BOOST_TEST(F::ctc_loss(x.narrow(1, 0, 1), tensor({{1, 2}}), 6, 2).item() == single);
}

BOOST_AUTO_TEST_CASE(its_gradient_can_be_recorded_but_not_differentiated) {
  const Tensor x = full({4, 2, 3}, -1, {.dtype = float64}).requires_grad_();
  for (const auto& reduction : {Reduction::sum, Reduction::none}) {
    const Tensor loss = F::ctc_loss(x, tensor({{1, 2}, {2, 1}}), {4, 4}, {2, 2}, {.reduction = reduction}).sum();
    const Tensor plain = autograd::grad({loss}, {x}, {.retain_graph = true})[0];
    const Tensor recorded = autograd::grad({loss}, {x}, {.create_graph = true})[0];
    BOOST_TEST(equal(recorded.detach(), plain));
    BOOST_TEST(recorded.requires_grad());
    check_error<AutogradError>([&] { recorded.sum().backward(); },
                               "ctc_loss: its gradient cannot be differentiated again");
    BOOST_TEST(!x.grad().defined());
    BOOST_TEST(equal(autograd::grad({loss}, {x})[0], plain));
  }
}

BOOST_AUTO_TEST_CASE(labels_are_checked_again_in_backward) {
  const Tensor x = full({4, 3}, -1, {.dtype = float64}).requires_grad_(), t = tensor({1, 2}), lengths = tensor(2);
  const auto call = [&] { return F::ctc_loss(x, t, 4, lengths); };
  const Tensor behind = call();
  t.data_ptr<std::int64_t>()[1] = 1'000'000;
  check_error<IndexError>([&] { behind.backward(); },
                          "ctc_loss: target label 1000000 is out of range [0, 3); it is label 1 of sequence 0");
  t.data_ptr<std::int64_t>()[1] = 0;
  check_error<ValueError>([&] { behind.backward(); }, "ctc_loss: target label 0 is the blank");
  t.data_ptr<std::int64_t>()[1] = 2;
  const Tensor seen = call();
  t.fill_(1);
  check_error<AutogradError>([&] { seen.backward(); }, "overwritten in place");
  BOOST_TEST(!x.grad().defined());
  t.data_ptr<std::int64_t>()[1] = 2;
  const Tensor copied = call();
  lengths.fill_(500);
  copied.backward();
  BOOST_TEST(x.grad().isfinite().all().item<bool>());
  check_error<AutogradError>([&] { copied.backward(); }, "freed by an earlier backward");
}

BOOST_AUTO_TEST_CASE(many_sequences_on_many_threads_are_what_one_is_alone) {
  Generator g(7);
  const std::int64_t size = 50, steps = 40, classes = 12;
  const Tensor x =
      log_softmax(randn({steps, size, classes}, {.dtype = float64}, g) * 4.0, -1).detach().requires_grad_();
  const Tensor targets = randint(0, 11, {size, 15}, {}, g);
  std::vector<std::int64_t> lengths, counts;
  for (std::int64_t n = 0; n < size; ++n) {
    lengths.push_back(steps - n % 7);
    counts.push_back(n % 16);
  }
  const auto run = [&] {
    const Tensor loss = F::ctc_loss(x, targets, lengths, counts, {.blank = 11, .reduction = "none"});
    std::vector<double> all = loss.to_vector<double>();
    for (const double d : autograd::grad({loss.sum()}, {x})[0].to_vector<double>()) all.push_back(d);
    return all;
  };
  const int before = get_num_threads();
  set_num_threads(1);
  const std::vector<double> serial = run();
  for (const int threads : {2, 3, 8}) {
    set_num_threads(threads);
    BOOST_TEST((run() == serial), threads << " threads give other bits");
  }
  set_num_threads(before);
  double worst = 0;
  for (std::int64_t n = 0; n < size; ++n) {
    const auto i = static_cast<std::size_t>(n);
    Labels labels = targets[n].to_vector<std::int64_t>();
    labels.resize(static_cast<std::size_t>(counts[i]));
    const Plain expected =
        plain_ctc(x.data_ptr<double>() + n * classes, lengths[i], size * classes, classes, labels, 11);
    BOOST_TEST(about(serial[i], expected.loss, 1e-13));
    for (std::int64_t t = 0; t < steps; ++t)
      for (std::int64_t c = 0; c < classes; ++c)
        worst = std::max(worst,
                         std::abs(serial[static_cast<std::size_t>(size + (t * size + n) * classes + c)] -
                                  (t < lengths[i] ? expected.gradient[static_cast<std::size_t>(t * classes + c)] : 0)));
  }
  BOOST_TEST(worst < 1e-12);
}

BOOST_AUTO_TEST_SUITE_END()
