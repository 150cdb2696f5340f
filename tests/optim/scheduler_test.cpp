#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <numbers>
#include <regex>
#include <set>
#include <sstream>

#include "optim/support.h"
#include "support/checks.h"
#include "support/optimizer_table.h"
#include "support/test_data.h"

using namespace slope;
using namespace slope::optim;

// What holds for every scheduler; the rates themselves are checked by the oracle.
BOOST_AUTO_TEST_SUITE(schedulers)

namespace {

struct Row {
  std::string name;
  std::function<LRScheduler(Optimizer&)> make;
  bool momentum = false;  // it moves it
};

std::vector<Row> rows() {
  const auto half = [](std::int64_t e) { return 1.0 / (1.0 + static_cast<double>(e)); };
  return {
      {"LambdaLR", [=](Optimizer& o) { return LambdaLR(o, half); }},
      {"MultiplicativeLR", [](Optimizer& o) { return MultiplicativeLR(o, [](std::int64_t) { return 0.9; }); }},
      {"StepLR", [](Optimizer& o) { return StepLR(o, 3); }},
      {"MultiStepLR", [](Optimizer& o) { return MultiStepLR(o, {2, 5, 5}, 0.5); }},
      {"ExponentialLR", [](Optimizer& o) { return ExponentialLR(o, 0.9); }},
      {"ConstantLR", [](Optimizer& o) { return ConstantLR(o, 0.3, 4); }},
      {"LinearLR", [](Optimizer& o) { return LinearLR(o, 0.2, 0.9, 5); }},
      {"PolynomialLR", [](Optimizer& o) { return PolynomialLR(o, 9, 1.5); }},
      {"CosineAnnealingLR", [](Optimizer& o) { return CosineAnnealingLR(o, 5, 0.01); }},
      {"CosineAnnealingWarmRestarts", [](Optimizer& o) { return CosineAnnealingWarmRestarts(o, 2, 2); }},
      {"OneCycleLR",
       [](Optimizer& o) {
         return OneCycleLR(o, {.max_lr = 0.5, .total_steps = 12, .cycle_momentum = o.has_option("momentum")});
       },
       true},
      {"CyclicLR",
       [](Optimizer& o) {
         return CyclicLR(o, {.base_lr = 0.1,
                             .max_lr = 0.5,
                             .step_size_up = 2,
                             .step_size_down = 3,
                             .mode = CyclicMode::triangular2,
                             .cycle_momentum = o.has_option("momentum")});
       },
       true},
      {"ReduceLROnPlateau", [](Optimizer& o) { return ReduceLROnPlateau(o, {.patience = 1, .cooldown = 1}); }},
      {"SequentialLR",
       [](Optimizer& o) {
         return SequentialLR(o, {ConstantLR(o, 0.1, 2), CosineAnnealingWarmRestarts(o, 3), ExponentialLR(o, 0.8)},
                             {3, 8});
       }},
      {"ChainedScheduler", [](Optimizer& o) { return ChainedScheduler({LinearLR(o), ExponentialLR(o, 0.95)}); }},
      {"SWALR", [](Optimizer& o) { return SWALR(o, 0.05, 6); }},
  };
}

void advance(LRScheduler& s, int i) {
  if (s.state_dict().scheduler == "ReduceLROnPlateau")
    s.step(i < 3 ? 1.0 / (1 + i) : 0.5);
  else
    s.step();
}

/// Two groups of an optimizer with rates of their own.
struct Setup {
  Tensor a = param({1, 2}), b = param({3});
  SGD opt{{{.params = {a}}, {.params = {b}, .lr = 0.02}}, {.lr = 0.1, .momentum = 0.9}};
  void step(int i) {
    give(a, {0.1 * i, -1});
    give(b, {0.5});
    opt.step();
  }
  std::vector<double> all() const {
    return {opt.param_groups()[0].lr,       opt.param_groups()[1].lr,     opt.param_groups()[0].momentum,
            opt.param_groups()[1].momentum, a.detach()[0].item<double>(), b.detach().item<double>()};
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(every_one_of_the_header_is_in_the_table) {
  std::ifstream file(source_root() / "optim/scheduler.h");
  std::stringstream text;
  text << file.rdbuf();
  const std::string header = text.str();
  std::set<std::string> declared, listed;
  const std::regex declaration("struct (\\w+) : LRScheduler");
  for (std::sregex_iterator it(header.begin(), header.end(), declaration), end; it != end; ++it)
    declared.insert((*it)[1]);
  for (const Row& row : rows()) listed.insert(row.name);
  BOOST_TEST(declared.size() == 16u);
  BOOST_TEST((declared == listed));
}

BOOST_AUTO_TEST_CASE(one_resumed_at_any_step_goes_on_with_equal_bits) {
  for (const Row& row : rows()) BOOST_TEST_CONTEXT(row.name) {
      Setup whole;
      LRScheduler all = row.make(whole.opt);
      std::vector<std::vector<double>> expected = {whole.all()};
      for (int i = 0; i < 11; ++i) {
        whole.step(i);
        advance(all, i);
        expected.push_back(whole.all());
      }
      std::set<double> rates;
      for (const auto& e : expected) rates.insert(e[0]);
      BOOST_TEST(rates.size() > 1u);
      for (int at = 0; at <= 11; ++at) {
        Setup first, second;
        LRScheduler before = row.make(first.opt);
        for (int i = 0; i < at; ++i) {
          first.step(i);
          advance(before, i);
        }
        LRScheduler after = row.make(second.opt);
        second.opt.load_state_dict(first.opt.state_dict());
        after.load_state_dict(before.state_dict());
        second.a.detach().copy_(first.a.detach());
        second.b.detach().copy_(first.b.detach());
        BOOST_TEST(after.last_epoch() == at);
        BOOST_TEST(after.get_last_lr() == before.get_last_lr());
        BOOST_TEST(second.all() == expected[static_cast<std::size_t>(at)]);
        for (int i = at; i < 11; ++i) {
          second.step(i);
          advance(after, i);
          BOOST_TEST(second.all() == expected[static_cast<std::size_t>(i) + 1], "at " << at << ", step " << i);
        }
      }
    }
}

BOOST_AUTO_TEST_CASE(each_moves_the_rates_of_any_optimizer) {
  for (const OptimizerRow& optimizer : optimizer_table())
    for (const Row& row : rows()) BOOST_TEST_CONTEXT(row.name << " of " << optimizer.title()) {
        const auto opt = optimizer.make({zeros({2, 2}).requires_grad_()});
        const double start = opt->lr(0);
        LRScheduler s = row.make(*opt);
        bool moved = opt->lr(0) != start;
        for (int i = 0; i < 8; ++i) {
          opt->step([] { return 1.0; });
          advance(s, i);
          moved = moved || opt->lr(0) != start;
          BOOST_TEST(s.get_last_lr() == std::vector<double>{opt->lr(0)});
        }
        BOOST_TEST(moved);
      }
}

BOOST_AUTO_TEST_CASE(the_state_of_another_one_or_with_other_keys_is_refused_and_nothing_changes) {
  for (const Row& row : rows()) BOOST_TEST_CONTEXT(row.name) {
      Setup setup;
      LRScheduler s = row.make(setup.opt);
      setup.step(0);
      advance(s, 0);
      const auto text = [&] {
        std::string all;
        std::function<void(const SchedulerState&)> add = [&](const SchedulerState& state) {
          all += state.scheduler;
          for (const auto& [key, values] : state.values) {
            all += key;
            for (const double v : values) all += concat(" ", v);
          }
          for (const auto& part : state.schedulers) add(part);
        };
        add(s.state_dict());
        for (const double v : setup.all()) all += concat(" ", v);
        return all;
      };
      const SchedulerState own = s.state_dict();
      const std::string before = text();
      const auto refused = [&](const auto& spoil, const std::string& message) {
        SchedulerState state = own;
        spoil(state);
        check_error<ValueError>([&] { s.load_state_dict(state); }, message);
        BOOST_TEST(text() == before);
      };
      refused([](auto& d) { d.scheduler = "Other"; }, row.name + ": the loaded state is of Other");
      refused([](auto& d) { d.scheduler.clear(); }, "is of a scheduler it does not name");
      refused([](auto& d) { d.values.pop_back(); }, "lacks '" + own.values.back().first + "'");
      refused([](auto& d) { d.values.emplace_back("stranger", std::vector<double>{1}); }, "holds 'stranger'");
      refused([](auto& d) { d.values.push_back(d.values[0]); }, "holds 'last_epoch' twice");
      refused([](auto& d) { d.values[0].second = {0.5}; }, "'last_epoch' is 0.5, not a whole number");
      refused([](auto& d) { d.values[2].second.pop_back(); }, "'base_lrs' has 1 values, 2 are needed");
      refused([](auto& d) { d.schedulers.emplace_back(); }, "this one has");
      if (!own.schedulers.empty()) refused([](auto& d) { d.schedulers.back().values.clear(); }, "lacks 'last_epoch'");
      for (std::size_t k = 4; k < own.values.size(); ++k)  // an option that makes no sense
        if (own.values[k].first == "step_size" || own.values[k].first == "T_max" || own.values[k].first == "T_0")
          refused([k](auto& d) { d.values[k].second = {0}; }, "Invalid " + own.values[k].first + ": 0");
      s.load_state_dict(own);
      BOOST_TEST(text() == before);
    }
}

BOOST_AUTO_TEST_CASE(options_outside_their_domain_throw_and_leave_the_optimizer_alone) {
  Setup s;
  const auto before = s.all();
  const auto bad = [&](const auto& make, const std::string& text) {
    check_error<ValueError>([&] { make(s.opt); }, text);
    BOOST_TEST(s.all() == before);
  };
  bad([](auto& o) { StepLR(o, 0); }, "StepLR: Invalid step_size: 0; it must be at least 1");
  bad([](auto& o) { MultiStepLR(o, {3, -1}); }, "MultiStepLR: Invalid milestone: -1");
  bad([](auto& o) { ExponentialLR(o, NAN); }, "ExponentialLR: Invalid gamma: nan");
  bad([](auto& o) { ConstantLR(o, 1.5); }, "Constant multiplicative factor expected to be between 0 and 1.");
  bad([](auto& o) { LinearLR(o, 0); }, "LinearLR: Invalid start_factor: 0");
  bad([](auto& o) { LinearLR(o, 0.5, 2); }, "LinearLR: Invalid end_factor: 2");
  bad([](auto& o) { PolynomialLR(o, 0); }, "PolynomialLR: Invalid total_iters: 0");
  bad([](auto& o) { CosineAnnealingLR(o, 0); }, "CosineAnnealingLR: Invalid T_max: 0");
  bad([](auto& o) { CosineAnnealingWarmRestarts(o, 0); }, "CosineAnnealingWarmRestarts: Invalid T_0: 0");
  bad([](auto& o) { CosineAnnealingWarmRestarts(o, 1, 0); }, "Invalid T_mult: 0");
  bad([](auto& o) { OneCycleLR(o, {.max_lr = 1.0}); },
      "You must define either total_steps OR (epochs AND steps_per_epoch)");
  bad([](auto& o) { OneCycleLR(o, {.max_lr = 1.0, .total_steps = 5, .pct_start = 2}); }, "Invalid pct_start: 2");
  bad([](auto& o) { OneCycleLR(o, {.max_lr = {1.0, 1.0, 1.0}, .total_steps = 5}); },
      "expected 2 values for max_lr, got 3");
  bad([](auto& o) { CyclicLR(o, {.base_lr = 0.1}); }, "expected 2 values for max_lr, got 0");
  bad([](auto& o) { CyclicLR(o, {.base_lr = 0.1, .max_lr = 0.2, .step_size_up = 0}); }, "Invalid step_size_up: 0");
  bad([](auto& o) { ReduceLROnPlateau(o, {.factor = 1}); }, "Factor should be < 1.0");
  bad([](auto& o) { ReduceLROnPlateau(o, {.min_lr = {0.1, 0.1, 0.1}}); }, "expected 2 values for min_lr, got 3");
  bad([](auto& o) { SWALR(o, -1); }, "SWALR: Invalid swa_lr: -1");
  bad([](auto& o) { LambdaLR(o, {[](auto) { return 1.0; }, [](auto) { return 1.0; }, [](auto) { return 1.0; }}); },
      "Expected 2 lr_lambdas, but got 3");
  bad([](auto& o) { LambdaLR(o, Function<double(std::int64_t)>()); }, "an lr_lambda is empty");
  bad([](auto&) { ChainedScheduler({}); }, "expects at least one scheduler");
  bad([](auto& o) { SequentialLR(o, {}, {}); }, "there is no scheduler");
  LBFGS none({param({1})});
  check_error<ValueError>([&] { OneCycleLR(none, {.max_lr = 1.0, .total_steps = 4}); },
                          "LBFGS must support momentum or betas with cycle_momentum");
  Setup other;
  const LRScheduler of_other = StepLR(other.opt, 1);
  bad([&](auto& o) { SequentialLR(o, {StepLR(o, 1), of_other}, {2}); }, "StepLR is of another");
  bad([&](auto& o) { SequentialLR(o, {StepLR(o, 1), StepLR(o, 1)}, {2, 3}); }, "expects 1 milestones for 2 schedulers");
  bad([&](auto& o) { SequentialLR(o, {StepLR(o, 1), StepLR(o, 1)}, {0}); }, "Invalid milestone: 0");
  bad([&](auto& o) { ChainedScheduler({ReduceLROnPlateau(o)}); }, "step it by itself");
  LRScheduler plateau = ReduceLROnPlateau(s.opt), step = StepLR(s.opt, 1);
  check_error<ValueError>([&] { plateau.step(); }, "step needs the metric");
  check_error<ValueError>([&] { step.step(0.5); }, "StepLR: step takes no number");
  LRScheduler gone = std::move(step);
  check_error<ValueError>([&] { step.step(); }, "was moved from");
}

BOOST_AUTO_TEST_CASE(steps_beyond_one_cycle_throw_and_change_nothing) {
  Setup s;
  OneCycleLR cycle(s.opt, {.max_lr = {0.5, 0.1}, .epochs = 2, .steps_per_epoch = 2});
  for (int i = 0; i < 4; ++i) {
    s.step(i);
    cycle.step();
  }
  const auto before = s.all();
  check_error<ValueError>([&] { cycle.step(); }, "Tried to step 6 times. The specified number of total steps is 4");
  BOOST_TEST(s.all() == before);
  BOOST_TEST(cycle.last_epoch() == 4);
}

BOOST_AUTO_TEST_CASE(a_warmup_ends_at_the_rate_of_the_group_and_hands_over) {
  Setup s;
  SequentialLR schedule = linear_warmup(s.opt, 4, CosineAnnealingLR(s.opt, 10), 0.2);
  std::vector<double> first;
  for (int i = 0; i < 15; ++i) {
    first.push_back(s.opt.lr(0));
    s.step(i);
    schedule.step();
  }
  for (int e = 0; e < 4; ++e) BOOST_TEST(std::abs(first[static_cast<std::size_t>(e)] - 0.1 * (0.2 + 0.2 * e)) < 1e-15);
  for (int e = 0; e <= 10; ++e)
    BOOST_TEST(std::abs(first[static_cast<std::size_t>(4 + e)] - 0.05 * (1 + std::cos(std::numbers::pi * e / 10))) <
               1e-15);
  BOOST_TEST(std::abs(s.opt.lr(1) / s.opt.lr(0) - 0.2) < 1e-12);
}

BOOST_AUTO_TEST_CASE(averaging_anneals_to_its_rate_and_stays_there) {
  for (const std::int64_t length : {0, 4}) {
    Setup s;
    SWALR swa(s.opt, 0.05, length, Anneal::linear);
    for (int e = 0; e <= 6; ++e) {
      const double share = length == 0 ? 1 : std::min(1.0, e / 4.0);
      BOOST_TEST(std::abs(s.opt.lr(0) - (0.05 * share + 0.1 * (1 - share))) < 1e-15);
      s.step(e);
      swa.step();
    }
  }
}

BOOST_AUTO_TEST_CASE(warm_restarts_jump_to_any_epoch) {
  Setup s;
  CosineAnnealingWarmRestarts r(s.opt, 2, 2);
  const auto rate = [](double share) { return 0.05 * (1 + std::cos(std::numbers::pi * share)); };
  s.step(0);
  for (const auto& [epoch, share] : std::vector<std::pair<double, double>>{
           {0, 0}, {0.5, 0.25}, {2, 0}, {3, 0.25}, {5.5, 0.875}, {6, 0}, {10, 0.5}, {13.5, 0.9375}}) {
    r.step(epoch);
    BOOST_TEST(std::abs(s.opt.lr(0) - rate(share)) < 1e-15, "epoch " << epoch);
  }
  r.step();  // 14.5: the fourth period
  BOOST_TEST(std::abs(s.opt.lr(0) - rate(0.5 / 16)) < 1e-15);
  check_error<ValueError>([&] { r.step(-1); }, "Invalid epoch: -1");
}

BOOST_AUTO_TEST_CASE(a_group_added_later_is_scheduled_too) {
  Setup s;
  ExponentialLR decay(s.opt, 0.5);
  LambdaLR both(s.opt, [](std::int64_t e) { return std::pow(0.5, static_cast<double>(e)); });
  s.opt.add_param_group({.params = {param({1})}, .lr = 0.8});
  s.step(0);
  decay.step();
  BOOST_TEST(s.opt.lr(2) == 0.4);
  BOOST_TEST(decay.get_last_lr().size() == 3u);
}

BOOST_AUTO_TEST_SUITE_END()
