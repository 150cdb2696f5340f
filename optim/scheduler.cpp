#include "slope/optim/scheduler.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <numbers>

#include "slope/optim/internal/schedule.h"

namespace slope::optim {

using detail::Schedule;
using std::numbers::pi;

// ---- what all have in common

namespace detail {

namespace {

std::vector<double> as_list(const Visitor::Value& value) {
  if (value.real) return {*value.real};
  if (value.whole) return {static_cast<double>(*value.whole)};
  if (value.flag) return {static_cast<double>(*value.flag)};
  if (value.reals) return *value.reals;
  return {value.wholes->begin(), value.wholes->end()};
}

bool is_whole(double x) { return std::abs(x) < 9e15 && x == std::floor(x); }

void assign(const Visitor::Value& value, const std::vector<double>& from) {
  if (value.real) *value.real = from[0];
  if (value.whole) *value.whole = static_cast<std::int64_t>(from[0]);
  if (value.flag) *value.flag = from[0] != 0;
  if (value.reals) *value.reals = from;
  if (value.wholes) value.wholes->assign(from.begin(), from.end());
}

}  // namespace

double Schedule::of_group(const char* option, const std::vector<double>& values, std::size_t group,
                          SourceLoc loc) const {
  const std::size_t groups = optimizer.group_count();
  if (values.size() != 1 && values.size() != groups)
    throw ValueError(concat(name, ": expected ", groups, " values for ", option, ", got ", values.size(),
                            "; give one number, or one for each group of the optimizer"),
                     loc);
  return values[values.size() == 1 ? 0 : group];
}

void Schedule::require(bool right, const char* option, double value, const char* domain, SourceLoc loc) const {
  if (!right) throw ValueError(concat(name, ": Invalid ", option, ": ", value, "; it must be ", domain), loc);
}

void Schedule::require_all(const char* option, const std::vector<double>& values, SourceLoc loc) const {
  (void)of_group(option, values, 0, loc);
  for (const double v : values) require(v >= 0 && std::isfinite(v), option, v, "a number of at least 0", loc);
}

std::vector<double> Schedule::rates() const {
  std::vector<double> all;
  for (std::size_t g = 0; g < optimizer.group_count(); ++g) all.push_back(optimizer.lr(g));
  return all;
}

void Schedule::set(const std::vector<double>& rates) {
  for (std::size_t g = 0; g < rates.size(); ++g) optimizer.lr(g) = rates[g];
  last = rates;
}

void Schedule::note_initial_rates() {
  auto& initial = optimizer.initial_lrs_;
  for (std::size_t g = initial.size(); g < optimizer.group_count(); ++g) initial.push_back(optimizer.lr(g));
  base = initial;
}

std::vector<double>& Schedule::initial_rates() { return optimizer.initial_lrs_; }

void Schedule::begin(SourceLoc loc) {
  note_initial_rates();
  go_to(0, false, loc);
}

void Schedule::advance(SourceLoc loc) { go_to(epoch + 1, false, loc); }

void Schedule::advance_by(double value, SourceLoc loc) {
  throw ValueError(concat(name, ": step takes no number, got ", value, "; call step()"), loc);
}

void Schedule::restart(SourceLoc loc) { go_to(0, true, loc); }

void Schedule::go_to(std::int64_t e, bool closed_form, SourceLoc loc) {
  if (optimizer.group_count() > base.size()) note_initial_rates();
  prepare(e, loc);
  std::vector<double> next = rates();
  for (std::size_t g = 0; g < next.size(); ++g) {
    const std::optional<double> closed_rate = closed_form ? closed(base[g], e) : std::nullopt;
    next[g] = closed_rate ? *closed_rate : rate({g, next[g], base[g], e}, loc);
  }
  set(next);
  epoch = e;
  ++steps;
}

void Schedule::warn_of_order(SourceLoc loc) const {
  if (steps != 1 || optimizer.steps_ != 0) return;
  static std::atomic<bool> warned{false};
  if (warned.exchange(true)) return;
  const std::string text = concat(name,
                                  ": step() before the optimizer's first step() skips the first rate of the schedule; "
                                  "call the optimizer's step first (",
                                  user_line(loc).file, ":", user_line(loc).line, ")\n");
  std::fputs(text.c_str(), stderr);
}

void Schedule::visit_all(const Visitor& v) {
  v("last_epoch", epoch);
  v("_step_count", steps);
  v("base_lrs", base);
  v("_last_lr", last);
  visit(v);
}

SchedulerState Schedule::save() {
  SchedulerState state;
  state.scheduler = name;
  visit_all(
      Visitor([&](const char* key, const Visitor::Value& value) { state.values.emplace_back(key, as_list(value)); }));
  for (Schedule* part : parts()) state.schedulers.push_back(part->save());
  return state;
}

void Schedule::load(const SchedulerState& state, SourceLoc loc) {
  if (state.scheduler != name)
    throw ValueError(concat(name, ": the loaded state is of ",
                            state.scheduler.empty() ? "a scheduler it does not name" : state.scheduler,
                            "; load it into a scheduler of that type"),
                     loc);
  const std::vector<Schedule*> inner = parts();
  if (state.schedulers.size() != inner.size())
    throw ValueError(
        concat(name, ": the loaded state is of ", state.schedulers.size(), " schedulers, this one has ", inner.size()),
        loc);
  const auto find = [&](const std::string& key) -> const std::vector<double>* {
    const std::vector<double>* found = nullptr;
    for (const auto& [k, values] : state.values) {
      if (k != key) continue;
      if (found) throw ValueError(concat(name, ": the loaded state holds '", key, "' twice"), loc);
      found = &values;
    }
    return found;
  };
  std::size_t known = 0;
  visit_all(Visitor([&](const char* key, const Visitor::Value& value) {
    ++known;
    const std::vector<double>* given = find(key);
    if (!given) throw ValueError(concat(name, ": the loaded state lacks '", key, "'"), loc);
    const std::size_t size = value.reals == &base || value.reals == &last ? optimizer.group_count()
                             : value.reals || value.wholes                ? given->size()
                                                                          : 1;
    if (given->size() != size)
      throw ValueError(concat(name, ": the loaded '", key, "' has ", given->size(), " values, ", size, " are needed"),
                       loc);
    for (const double x : *given)
      if ((value.whole || value.wholes || value.flag) && !is_whole(x))
        throw ValueError(concat(name, ": the loaded '", key, "' is ", x, ", not a whole number"), loc);
  }));
  if (known != state.values.size())
    for (const auto& [key, values] : state.values) {
      bool there = false;
      visit_all(Visitor([&, k = &key](const char* own, const Visitor::Value&) { there = there || *k == own; }));
      if (!there)
        throw ValueError(concat(name, ": the loaded state holds '", key, "', which this scheduler does not have"), loc);
    }
  const SchedulerState before = save();
  const auto take = [this](const SchedulerState& from) {
    visit_all(Visitor([&](const char* key, const Visitor::Value& value) {
      for (const auto& [k, values] : from.values)
        if (k == key) assign(value, values);
    }));
  };
  std::size_t loaded = 0;
  try {
    take(state);
    check(loc);
    for (; loaded < inner.size(); ++loaded) inner[loaded]->load(state.schedulers[loaded], loc);
  } catch (...) {
    take(before);
    for (std::size_t i = 0; i < loaded; ++i) inner[i]->load(before.schedulers[i], loc);
    throw;
  }
}

}  // namespace detail

detail::Schedule& LRScheduler::schedule(SourceLoc loc) const {
  if (!schedule_) throw ValueError("LRScheduler: this scheduler was moved from; use the one it was moved to", loc);
  return *schedule_;
}

void LRScheduler::step(SourceLoc loc) {
  Schedule& s = schedule(loc);
  CallerScope scope(loc);
  s.warn_of_order(loc);
  s.advance(loc);
}

void LRScheduler::step(double value, SourceLoc loc) {
  Schedule& s = schedule(loc);
  CallerScope scope(loc);
  s.warn_of_order(loc);
  s.advance_by(value, loc);
}

std::vector<double> LRScheduler::get_last_lr(SourceLoc loc) const { return schedule(loc).last; }

std::int64_t LRScheduler::last_epoch(SourceLoc loc) const { return schedule(loc).epoch; }

SchedulerState LRScheduler::state_dict(SourceLoc loc) const { return schedule(loc).save(); }

void LRScheduler::load_state_dict(const SchedulerState& state, SourceLoc loc) { schedule(loc).load(state, loc); }

// ---- rules

namespace {

using detail::Visitor;
using Now = Schedule::Now;

/// Makes it, checks it, and performs the step of epoch 0.
template <class S, class... Arguments>
std::shared_ptr<Schedule> begun(SourceLoc loc, Optimizer& optimizer, Arguments&&... arguments) {
  CallerScope scope(loc);
  if (optimizer.group_count() == 0)
    throw ValueError("LRScheduler: the optimizer was moved from; give the one it was moved to", loc);
  auto schedule = std::make_shared<S>(optimizer, std::forward<Arguments>(arguments)...);
  schedule->check(loc);
  schedule->begin(loc);
  return schedule;
}

struct Functions : Schedule {
  std::vector<Function<double(std::int64_t)>> f;
  Functions(Optimizer& o, const char* n, std::vector<Function<double(std::int64_t)>> functions)
      : Schedule(o, n), f(std::move(functions)) {}
  void check(SourceLoc loc) const override {
    if (f.size() != 1 && f.size() != optimizer.group_count())
      throw ValueError(concat(name, ": Expected ", optimizer.group_count(), " lr_lambdas, but got ", f.size()), loc);
    for (const auto& one : f)
      if (!one) throw ValueError(concat(name, ": an lr_lambda is empty"), loc);
  }
  double at(const Now& now) const { return f[f.size() == 1 ? 0 : now.group](now.e); }
  void prepare(std::int64_t, SourceLoc loc) override { check(loc); }
};
struct Lambda : Functions {
  Lambda(Optimizer& o, std::vector<Function<double(std::int64_t)>> g) : Functions(o, "LambdaLR", std::move(g)) {}
  double rate(const Now& now, SourceLoc) const override { return now.base * at(now); }
};
struct Multiplicative : Functions {
  Multiplicative(Optimizer& o, std::vector<Function<double(std::int64_t)>> g)
      : Functions(o, "MultiplicativeLR", std::move(g)) {}
  double rate(const Now& now, SourceLoc) const override { return now.e > 0 ? now.lr * at(now) : now.lr; }
};

struct Step : Schedule {
  std::int64_t size;
  double gamma;
  Step(Optimizer& o, std::int64_t s, double g) : Schedule(o, "StepLR"), size(s), gamma(g) {}
  void check(SourceLoc loc) const override {
    require(size >= 1, "step_size", static_cast<double>(size), "at least 1", loc);
    require(!std::isnan(gamma), "gamma", gamma, "a number", loc);
  }
  double rate(const Now& now, SourceLoc) const override {
    return now.e > 0 && now.e % size == 0 ? now.lr * gamma : now.lr;
  }
  std::optional<double> closed(double b, std::int64_t e) const override {
    return b * std::pow(gamma, static_cast<double>(e / size));
  }
  void visit(const Visitor& v) override { v("step_size", size), v("gamma", gamma); }
};

struct MultiStep : Schedule {
  std::vector<std::int64_t> milestones;
  double gamma;
  MultiStep(Optimizer& o, std::vector<std::int64_t> m, double g)
      : Schedule(o, "MultiStepLR"), milestones(std::move(m)), gamma(g) {}
  void check(SourceLoc loc) const override {
    for (const std::int64_t m : milestones) require(m >= 0, "milestone", static_cast<double>(m), "at least 0", loc);
    require(!std::isnan(gamma), "gamma", gamma, "a number", loc);
  }
  double rate(const Now& now, SourceLoc) const override {
    const auto here = std::count(milestones.begin(), milestones.end(), now.e);
    return here == 0 ? now.lr : now.lr * std::pow(gamma, static_cast<double>(here));
  }
  std::optional<double> closed(double b, std::int64_t e) const override {
    const auto passed = std::count_if(milestones.begin(), milestones.end(), [e](std::int64_t m) { return m <= e; });
    return b * std::pow(gamma, static_cast<double>(passed));
  }
  void visit(const Visitor& v) override { v("milestones", milestones), v("gamma", gamma); }
};

struct Exponential : Schedule {
  double gamma;
  Exponential(Optimizer& o, double g) : Schedule(o, "ExponentialLR"), gamma(g) {}
  void check(SourceLoc loc) const override { require(!std::isnan(gamma), "gamma", gamma, "a number", loc); }
  double rate(const Now& now, SourceLoc) const override { return now.e > 0 ? now.lr * gamma : now.lr; }
  std::optional<double> closed(double b, std::int64_t e) const override {
    return b * std::pow(gamma, static_cast<double>(e));
  }
  void visit(const Visitor& v) override { v("gamma", gamma); }
};

struct Constant : Schedule {
  double factor;
  std::int64_t total;
  Constant(Optimizer& o, double f, std::int64_t t) : Schedule(o, "ConstantLR"), factor(f), total(t) {}
  void check(SourceLoc loc) const override {
    if (!(factor >= 0 && factor <= 1))
      throw ValueError(
          concat(name, ": Constant multiplicative factor expected to be between 0 and 1., but is ", factor), loc);
    require(total >= 0, "total_iters", static_cast<double>(total), "at least 0", loc);
  }
  double rate(const Now& now, SourceLoc) const override {
    if (now.e == 0) return now.lr * factor;
    if (now.e != total) return now.lr;
    return factor == 0 ? now.base : now.lr * (1 / factor);  // nothing is left of the rate to divide
  }
  std::optional<double> closed(double b, std::int64_t e) const override { return e < total ? b * factor : b; }
  void visit(const Visitor& v) override { v("factor", factor), v("total_iters", total); }
};

struct Linear : Schedule {
  double start, stop;
  std::int64_t total;
  Linear(Optimizer& o, double a, double b, std::int64_t t) : Schedule(o, "LinearLR"), start(a), stop(b), total(t) {}
  void check(SourceLoc loc) const override {
    require(start > 0 && start <= 1, "start_factor", start, "greater than 0 and at most 1", loc);
    require(stop >= 0 && stop <= 1, "end_factor", stop, "between 0 and 1", loc);
    require(total >= 1, "total_iters", static_cast<double>(total), "at least 1", loc);
  }
  double rate(const Now& now, SourceLoc) const override {
    if (now.e == 0) return now.lr * start;
    if (now.e > total) return now.lr;
    return now.lr * (1 + (stop - start) /
                             (static_cast<double>(total) * start + static_cast<double>(now.e - 1) * (stop - start)));
  }
  std::optional<double> closed(double b, std::int64_t e) const override {
    return b * (start + (stop - start) * static_cast<double>(std::min(e, total)) / static_cast<double>(total));
  }
  void visit(const Visitor& v) override { v("start_factor", start), v("end_factor", stop), v("total_iters", total); }
};

struct Polynomial : Schedule {
  std::int64_t total;
  double power;
  Polynomial(Optimizer& o, std::int64_t t, double p) : Schedule(o, "PolynomialLR"), total(t), power(p) {}
  void check(SourceLoc loc) const override {
    require(total >= 1, "total_iters", static_cast<double>(total), "at least 1", loc);
    require(power >= 0, "power", power, "at least 0", loc);
  }
  double left(std::int64_t e) const { return 1 - static_cast<double>(e) / static_cast<double>(total); }
  double rate(const Now& now, SourceLoc) const override {
    if (now.e == 0 || now.e > total) return now.lr;
    return now.lr * std::pow(left(now.e) / left(now.e - 1), power);
  }
  std::optional<double> closed(double b, std::int64_t e) const override {
    return b * std::pow(left(std::min(e, total)), power);
  }
  void visit(const Visitor& v) override { v("total_iters", total), v("power", power); }
};

double half_wave(double angle) { return (1 + std::cos(angle)) / 2; }

struct Cosine : Schedule {
  std::int64_t half;
  double eta_min;
  Cosine(Optimizer& o, std::int64_t t, double e) : Schedule(o, "CosineAnnealingLR"), half(t), eta_min(e) {}
  void check(SourceLoc loc) const override {
    require(half >= 1, "T_max", static_cast<double>(half), "at least 1", loc);
    require(!std::isnan(eta_min), "eta_min", eta_min, "a number", loc);
  }
  double angle(std::int64_t e) const { return pi * static_cast<double>(e) / static_cast<double>(half); }
  double rate(const Now& now, SourceLoc) const override {
    if (now.e == 0) return now.lr;
    if ((now.e - 1 - half) % (2 * half) == 0)
      return now.lr + (now.base - eta_min) * (1 - std::cos(pi / static_cast<double>(half))) / 2;
    return (1 + std::cos(angle(now.e))) / (1 + std::cos(angle(now.e - 1))) * (now.lr - eta_min) + eta_min;
  }
  std::optional<double> closed(double b, std::int64_t e) const override {
    return eta_min + (b - eta_min) * half_wave(angle(e));
  }
  void visit(const Visitor& v) override { v("T_max", half), v("eta_min", eta_min); }
};

struct WarmRestarts : Schedule {
  std::int64_t first, factor;
  double eta_min, at = 0, length;
  WarmRestarts(Optimizer& o, std::int64_t t, std::int64_t f, double e)
      : Schedule(o, "CosineAnnealingWarmRestarts"), first(t), factor(f), eta_min(e), length(static_cast<double>(t)) {}
  void check(SourceLoc loc) const override {
    require(first >= 1, "T_0", static_cast<double>(first), "at least 1", loc);
    require(factor >= 1, "T_mult", static_cast<double>(factor), "at least 1", loc);
    require(!std::isnan(eta_min), "eta_min", eta_min, "a number", loc);
  }
  void prepare(std::int64_t e, SourceLoc) override {
    if (e == 0) {
      at = 0;
      length = static_cast<double>(first);
      return;
    }
    at += 1;
    if (at >= length) {
      at -= length;
      length *= static_cast<double>(factor);
    }
  }
  void advance_by(double to, SourceLoc loc) override {
    require(to >= 0 && to < 9e15, "epoch", to, "at least 0", loc);
    double begin = 0;
    length = static_cast<double>(first);
    if (factor == 1)
      begin = std::floor(to / length) * length;
    else
      while (to >= begin + length) begin += length, length *= static_cast<double>(factor);
    at = to - begin;
    std::vector<double> next = rates();
    for (std::size_t g = 0; g < next.size(); ++g) next[g] = rate({g, next[g], base[g], 0}, loc);
    set(next);
    epoch = static_cast<std::int64_t>(to);
    ++steps;
  }
  double rate(const Now& now, SourceLoc) const override {
    return eta_min + (now.base - eta_min) * half_wave(pi * at / length);
  }
  void visit(const Visitor& v) override {
    v("T_0", first), v("T_mult", factor), v("eta_min", eta_min), v("T_cur", at), v("T_i", length);
  }
};

double annealed(Anneal how, double from, double to, double share) {
  return how == Anneal::linear ? (to - from) * share + from : to + (from - to) * half_wave(pi * share);
}

/// Schedules that move momentum against the rate.
struct WithMomentum : Schedule {
  bool cycle_momentum;
  std::vector<double> base_momentum, max_momentum;
  WithMomentum(Optimizer& o, const char* n, bool cycle, std::vector<double> low, std::vector<double> high)
      : Schedule(o, n), cycle_momentum(cycle), base_momentum(std::move(low)), max_momentum(std::move(high)) {}
  const char* option() const { return optimizer.has_option("momentum") ? "momentum" : "beta1"; }
  void check(SourceLoc loc) const override {
    if (!cycle_momentum) return;
    if (!optimizer.has_option(option()))
      throw ValueError(concat(name, ": ", optimizer.type(),
                              " must support momentum or betas with cycle_momentum; set cycle_momentum = false"),
                       loc);
    require_all("base_momentum", base_momentum, loc);
    require_all("max_momentum", max_momentum, loc);
    for (const auto* list : {&base_momentum, &max_momentum})
      for (const double m : *list) require(m < 1, "momentum", m, "below 1", loc);
  }
  void set_momentum(std::size_t group, double value) { optimizer.set_option(group, option(), value); }
  void visit(const Visitor& v) override {
    v("cycle_momentum", cycle_momentum), v("base_momentum", base_momentum), v("max_momentum", max_momentum);
  }
};

struct OneCycle : WithMomentum {
  std::vector<double> max_lr;
  std::int64_t total;
  double pct_start, div_factor, final_div_factor;
  bool linear, three_phase;
  OneCycle(Optimizer& o, const OneCycleLROptions& options, std::int64_t steps_in_all)
      : WithMomentum(o, "OneCycleLR", options.cycle_momentum, options.base_momentum, options.max_momentum),
        max_lr(options.max_lr),
        total(steps_in_all),
        pct_start(options.pct_start),
        div_factor(options.div_factor),
        final_div_factor(options.final_div_factor),
        linear(options.anneal_strategy == Anneal::linear),
        three_phase(options.three_phase) {}
  void check(SourceLoc loc) const override {
    require_all("max_lr", max_lr, loc);
    require(total >= 1, "total_steps", static_cast<double>(total), "at least 1", loc);
    require(pct_start >= 0 && pct_start <= 1, "pct_start", pct_start, "between 0 and 1", loc);
    require(div_factor > 0, "div_factor", div_factor, "above 0", loc);
    require(final_div_factor > 0, "final_div_factor", final_div_factor, "above 0", loc);
    WithMomentum::check(loc);
  }
  void begin(SourceLoc loc) override {
    note_initial_rates();
    for (std::size_t g = 0; g < base.size(); ++g) initial_rates()[g] = of_group("max_lr", max_lr, g, loc) / div_factor;
    Schedule::begin(loc);
  }
  void prepare(std::int64_t e, SourceLoc loc) override {
    if (e > total)
      throw ValueError(
          concat(name, ": Tried to step ", e + 1, " times. The specified number of total steps is ", total), loc);
    if (cycle_momentum)
      for (std::size_t g = 0; g < base.size(); ++g) {
        const double low = of_group("base_momentum", base_momentum, g, loc),
                     high = of_group("max_momentum", max_momentum, g, loc);
        set_momentum(g, three_phase ? between(e, high, low, high, high) : between(e, high, low, high));
      }
  }
  /// The value at step e of what goes from one of these to the next in each phase.
  template <class... Values>
  double between(std::int64_t e, Values... values) const {
    const double at = static_cast<double>(e), all = static_cast<double>(total), up = pct_start * all;
    const double v[] = {values...};
    constexpr std::size_t phases = sizeof...(Values) - 1;
    const double ends[3] = {up - 1, phases == 3 ? 2 * up - 2 : all - 1, all - 1};
    double begin = 0;
    for (std::size_t i = 0;; ++i) {
      if (i + 1 < phases && at > ends[i]) {
        begin = ends[i];
        continue;
      }
      const double length = ends[i] - begin;
      return annealed(linear ? Anneal::linear : Anneal::cos, v[i], v[i + 1], length == 0 ? 1 : (at - begin) / length);
    }
  }
  double rate(const Now& now, SourceLoc loc) const override {
    const double most = of_group("max_lr", max_lr, now.group, loc), initial = most / div_factor,
                 least = initial / final_div_factor;
    return three_phase ? between(now.e, initial, most, initial, least) : between(now.e, initial, most, least);
  }
  void visit(const Visitor& v) override {
    WithMomentum::visit(v);
    v("max_lr", max_lr), v("total_steps", total), v("pct_start", pct_start), v("div_factor", div_factor);
    v("final_div_factor", final_div_factor), v("linear", linear), v("three_phase", three_phase);
  }
};

struct Cyclic : WithMomentum {
  std::vector<double> base_lr, max_lr;
  double up, down, gamma;
  std::int64_t mode;
  bool by_iterations;
  Function<double(double)> scale_fn;
  Cyclic(Optimizer& o, const CyclicLROptions& options)
      : WithMomentum(o, "CyclicLR", options.cycle_momentum, options.base_momentum, options.max_momentum),
        base_lr(options.base_lr),
        max_lr(options.max_lr),
        up(static_cast<double>(options.step_size_up)),
        down(static_cast<double>(options.step_size_down == 0 ? options.step_size_up : options.step_size_down)),
        gamma(options.gamma),
        mode(static_cast<std::int64_t>(options.mode)),
        by_iterations(options.scale_by_iterations),
        scale_fn(options.scale_fn) {}
  void check(SourceLoc loc) const override {
    require_all("base_lr", base_lr, loc);
    require_all("max_lr", max_lr, loc);
    require(up >= 1, "step_size_up", up, "at least 1", loc);
    require(down >= 1, "step_size_down", down, "at least 1", loc);
    require(mode >= 0 && mode <= 2, "mode", static_cast<double>(mode), "triangular, triangular2 or exp_range", loc);
    require(!std::isnan(gamma), "gamma", gamma, "a number", loc);
    WithMomentum::check(loc);
  }
  void begin(SourceLoc loc) override {
    for (std::size_t g = 0; g < optimizer.group_count(); ++g) optimizer.lr(g) = of_group("base_lr", base_lr, g, loc);
    Schedule::begin(loc);
  }
  /// How far it is from the base to the top.
  double height(std::int64_t e) const {
    const double at = static_cast<double>(e), whole = up + down, cycle = std::floor(1 + at / whole);
    const double x = 1 + at / whole - cycle, turn = up / whole;
    const double share = x <= turn ? x / turn : (x - 1) / (turn - 1);
    if (scale_fn) return share * scale_fn(by_iterations ? at : cycle);
    return share * (mode == 0 ? 1 : mode == 1 ? std::pow(2, 1 - cycle) : std::pow(gamma, at));
  }
  void prepare(std::int64_t e, SourceLoc loc) override {
    if (!cycle_momentum) return;
    const double share = height(e);
    for (std::size_t g = 0; g < base.size(); ++g) {
      const double low = of_group("base_momentum", base_momentum, g, loc),
                   high = of_group("max_momentum", max_momentum, g, loc);
      set_momentum(g, high - (high - low) * share);
    }
  }
  double rate(const Now& now, SourceLoc loc) const override {
    const double low = of_group("base_lr", base_lr, now.group, loc), high = of_group("max_lr", max_lr, now.group, loc);
    return low + (high - low) * height(now.e);
  }
  void visit(const Visitor& v) override {
    WithMomentum::visit(v);
    v("base_lr", base_lr), v("max_lr", max_lr), v("step_size_up", up), v("step_size_down", down), v("mode", mode);
    v("gamma", gamma), v("scale_by_iterations", by_iterations);
  }
};

struct Plateau : Schedule {
  bool max_mode, absolute;
  double factor, threshold, eps, best;
  std::int64_t patience, cooldown, bad = 0, cooling = 0;
  std::vector<double> min_lr;
  Plateau(Optimizer& o, const ReduceLROnPlateauOptions& options)
      : Schedule(o, "ReduceLROnPlateau"),
        max_mode(options.mode == PlateauMode::max),
        absolute(options.threshold_mode == ThresholdMode::abs),
        factor(options.factor),
        threshold(options.threshold),
        eps(options.eps),
        best(max_mode ? -INFINITY : INFINITY),
        patience(options.patience),
        cooldown(options.cooldown),
        min_lr(options.min_lr) {}
  void check(SourceLoc loc) const override {
    if (!(factor < 1)) throw ValueError(concat(name, ": Factor should be < 1.0, got ", factor), loc);
    require(factor >= 0, "factor", factor, "at least 0", loc);
    require(threshold >= 0, "threshold", threshold, "at least 0", loc);
    require(eps >= 0, "eps", eps, "at least 0", loc);
    require(patience >= 0, "patience", static_cast<double>(patience), "at least 0", loc);
    require(cooldown >= 0, "cooldown", static_cast<double>(cooldown), "at least 0", loc);
    require_all("min_lr", min_lr, loc);
  }
  double rate(const Now& now, SourceLoc) const override { return now.lr; }
  void advance(SourceLoc loc) override {
    throw ValueError(concat(name, ": step needs the metric that is to become better: step(validation_loss)"), loc);
  }
  bool better(double a) const {
    if (absolute) return max_mode ? a > best + threshold : a < best - threshold;
    return max_mode ? a > best * (1 + threshold) : a < best * (1 - threshold);
  }
  void advance_by(double metric, SourceLoc loc) override {
    (void)of_group("min_lr", min_lr, 0, loc);
    ++epoch;
    ++steps;
    if (better(metric))
      best = metric, bad = 0;
    else
      ++bad;
    if (cooling > 0) --cooling, bad = 0;
    std::vector<double> next = rates();
    if (bad > patience) {
      for (std::size_t g = 0; g < next.size(); ++g) {
        const double lower = std::max(next[g] * factor, of_group("min_lr", min_lr, g, loc));
        if (next[g] - lower > eps) next[g] = lower;
      }
      cooling = cooldown;
      bad = 0;
    }
    set(next);
  }
  void visit(const Visitor& v) override {
    v("max_mode", max_mode), v("absolute", absolute), v("factor", factor), v("threshold", threshold), v("eps", eps);
    v("best", best), v("patience", patience), v("cooldown", cooldown), v("num_bad_epochs", bad);
    v("cooldown_counter", cooling), v("min_lr", min_lr);
  }
};

struct Swa : Schedule {
  std::vector<double> swa_lr;
  std::int64_t length;
  bool linear;
  Swa(Optimizer& o, std::vector<double> lr, std::int64_t epochs, Anneal how)
      : Schedule(o, "SWALR"), swa_lr(std::move(lr)), length(epochs), linear(how == Anneal::linear) {}
  void check(SourceLoc loc) const override {
    require_all("swa_lr", swa_lr, loc);
    require(length >= 0, "anneal_epochs", static_cast<double>(length), "at least 0", loc);
  }
  double share(double at) const {
    const double t = std::clamp(at / static_cast<double>(std::max<std::int64_t>(1, length)), 0.0, 1.0);
    return linear ? t : 1 - half_wave(pi * t);
  }
  double rate(const Now& now, SourceLoc loc) const override {
    const double to = of_group("swa_lr", swa_lr, now.group, loc);
    const auto at = static_cast<double>(length == 0 ? std::max<std::int64_t>(1, now.e) : now.e);
    const double before = share(at - 1), here = share(at);
    const double from = before == 1 ? to : (now.lr - before * to) / (1 - before);
    return to * here + from * (1 - here);
  }
  void visit(const Visitor& v) override { v("swa_lr", swa_lr), v("anneal_epochs", length), v("linear", linear); }
};

/// Made of others.
struct Composed : Schedule {
  std::vector<std::shared_ptr<Schedule>> inner;
  Composed(Optimizer& o, const char* n, std::vector<std::shared_ptr<Schedule>> schedulers)
      : Schedule(o, n), inner(std::move(schedulers)) {}
  void check(SourceLoc loc) const override {
    for (const auto& s : inner) {
      if (!s) throw ValueError(concat(name, ": one of the schedulers was moved from"), loc);
      if (&s->optimizer != &optimizer)
        throw ValueError(concat(name, ": all schedulers must belong to one optimizer; ", s->name, " is of another"),
                         loc);
      if (std::string_view(s->name) == "ReduceLROnPlateau")
        throw ValueError(concat(name, ": ReduceLROnPlateau needs a metric in every step; step it by itself"), loc);
    }
  }
  double rate(const Now& now, SourceLoc) const override { return now.lr; }
  std::vector<Schedule*> parts() override {
    std::vector<Schedule*> all;
    for (const auto& s : inner) all.push_back(s.get());
    return all;
  }
  void stepped(std::int64_t e) {
    last = rates();
    epoch = e;
    ++steps;
  }
};

struct Sequential : Composed {
  std::vector<std::int64_t> milestones;
  Sequential(Optimizer& o, std::vector<std::shared_ptr<Schedule>> schedulers, std::vector<std::int64_t> m)
      : Composed(o, "SequentialLR", std::move(schedulers)), milestones(std::move(m)) {}
  void check(SourceLoc loc) const override {
    if (inner.empty()) throw ValueError(concat(name, ": there is no scheduler"), loc);
    if (milestones.size() + 1 != inner.size())
      throw ValueError(concat(name, ": expects ", inner.size() - 1, " milestones for ", inner.size(),
                              " schedulers, one less than schedulers, got ", milestones.size()),
                       loc);
    for (std::size_t i = 0; i < milestones.size(); ++i)
      require(milestones[i] > (i == 0 ? 0 : milestones[i - 1]), "milestone", static_cast<double>(milestones[i]),
              "above 0 and above the one before", loc);
    Composed::check(loc);
  }
  void begin(SourceLoc loc) override {
    note_initial_rates();
    for (std::size_t g = 0; g < base.size(); ++g) optimizer.lr(g) = base[g];
    for (const auto& s : inner) s->epoch = -1, s->steps = 0;
    inner[0]->advance(loc);
    stepped(0);
  }
  void advance(SourceLoc loc) override {
    const std::int64_t e = epoch + 1;
    const auto passed =
        static_cast<std::size_t>(std::upper_bound(milestones.begin(), milestones.end(), e) - milestones.begin());
    if (passed > 0 && milestones[passed - 1] == e)
      inner[passed]->restart(loc);
    else
      inner[passed]->advance(loc);
    stepped(e);
  }
  void restart(SourceLoc loc) override { begin(loc); }
  void visit(const Visitor& v) override { v("_milestones", milestones); }
};

struct Chained : Composed {
  Chained(Optimizer& o, std::vector<std::shared_ptr<Schedule>> schedulers)
      : Composed(o, "ChainedScheduler", std::move(schedulers)) {}
  void begin(SourceLoc) override {
    note_initial_rates();
    stepped(0);
  }
  void advance(SourceLoc loc) override {
    for (const auto& s : inner) s->advance(loc);
    stepped(epoch + 1);
  }
  void restart(SourceLoc loc) override {
    for (const auto& s : inner) s->restart(loc);
    stepped(0);
  }
};

std::int64_t total_steps(const OneCycleLROptions& o, SourceLoc loc) {
  if (o.total_steps > 0) return o.total_steps;
  if (o.total_steps == 0 && o.epochs > 0 && o.steps_per_epoch > 0) return o.epochs * o.steps_per_epoch;
  throw ValueError("OneCycleLR: You must define either total_steps OR (epochs AND steps_per_epoch), as numbers above 0",
                   loc);
}

}  // namespace

std::vector<std::shared_ptr<Schedule>> Schedule::of(const std::vector<LRScheduler>& schedulers) {
  std::vector<std::shared_ptr<Schedule>> all;
  for (const LRScheduler& s : schedulers) all.push_back(s.schedule_);
  return all;
}

// ---- what users make

LambdaLR::LambdaLR(Optimizer& o, std::vector<Function<double(std::int64_t)>> f, SourceLoc loc)
    : LRScheduler(begun<Lambda>(loc, o, std::move(f))) {}
LambdaLR::LambdaLR(Optimizer& o, Function<double(std::int64_t)> f, SourceLoc loc)
    : LambdaLR(o, std::vector{std::move(f)}, loc) {}
MultiplicativeLR::MultiplicativeLR(Optimizer& o, std::vector<Function<double(std::int64_t)>> f, SourceLoc loc)
    : LRScheduler(begun<Multiplicative>(loc, o, std::move(f))) {}
MultiplicativeLR::MultiplicativeLR(Optimizer& o, Function<double(std::int64_t)> f, SourceLoc loc)
    : MultiplicativeLR(o, std::vector{std::move(f)}, loc) {}
StepLR::StepLR(Optimizer& o, std::int64_t step_size, double gamma, SourceLoc loc)
    : LRScheduler(begun<Step>(loc, o, step_size, gamma)) {}
MultiStepLR::MultiStepLR(Optimizer& o, const std::vector<std::int64_t>& milestones, double gamma, SourceLoc loc)
    : LRScheduler(begun<MultiStep>(loc, o, milestones, gamma)) {}
ExponentialLR::ExponentialLR(Optimizer& o, double gamma, SourceLoc loc)
    : LRScheduler(begun<Exponential>(loc, o, gamma)) {}
ConstantLR::ConstantLR(Optimizer& o, double factor, std::int64_t total_iters, SourceLoc loc)
    : LRScheduler(begun<Constant>(loc, o, factor, total_iters)) {}
LinearLR::LinearLR(Optimizer& o, double start_factor, double end_factor, std::int64_t total_iters, SourceLoc loc)
    : LRScheduler(begun<Linear>(loc, o, start_factor, end_factor, total_iters)) {}
PolynomialLR::PolynomialLR(Optimizer& o, std::int64_t total_iters, double power, SourceLoc loc)
    : LRScheduler(begun<Polynomial>(loc, o, total_iters, power)) {}
CosineAnnealingLR::CosineAnnealingLR(Optimizer& o, std::int64_t T_max, double eta_min, SourceLoc loc)
    : LRScheduler(begun<Cosine>(loc, o, T_max, eta_min)) {}
CosineAnnealingWarmRestarts::CosineAnnealingWarmRestarts(Optimizer& o, std::int64_t T_0, std::int64_t T_mult,
                                                         double eta_min, SourceLoc loc)
    : LRScheduler(begun<WarmRestarts>(loc, o, T_0, T_mult, eta_min)) {}
OneCycleLR::OneCycleLR(Optimizer& o, const OneCycleLROptions& options, SourceLoc loc)
    : LRScheduler(begun<OneCycle>(loc, o, options, total_steps(options, loc))) {}
CyclicLR::CyclicLR(Optimizer& o, const CyclicLROptions& options, SourceLoc loc)
    : LRScheduler(begun<Cyclic>(loc, o, options)) {}
ReduceLROnPlateau::ReduceLROnPlateau(Optimizer& o, const ReduceLROnPlateauOptions& options, SourceLoc loc)
    : LRScheduler(begun<Plateau>(loc, o, options)) {}
SequentialLR::SequentialLR(Optimizer& o, const std::vector<LRScheduler>& schedulers,
                           const std::vector<std::int64_t>& milestones, SourceLoc loc)
    : LRScheduler(begun<Sequential>(loc, o, Schedule::of(schedulers), milestones)) {}
ChainedScheduler::ChainedScheduler(const std::vector<LRScheduler>& schedulers, SourceLoc loc)
    : LRScheduler([&] {
        std::vector<std::shared_ptr<Schedule>> all = Schedule::of(schedulers);
        if (all.empty() || !all[0])
          throw ValueError("ChainedScheduler: expects at least one scheduler, and none that was moved from", loc);
        return begun<Chained>(loc, all[0]->optimizer, all);
      }()) {}
SWALR::SWALR(Optimizer& o, const PerGroup& swa_lr, std::int64_t anneal_epochs, Anneal anneal_strategy, SourceLoc loc)
    : LRScheduler(begun<Swa>(loc, o, swa_lr, anneal_epochs, anneal_strategy)) {}

SequentialLR linear_warmup(Optimizer& o, std::int64_t steps, const LRScheduler& then, double start_factor,
                           SourceLoc loc) {
  return SequentialLR(o, {LinearLR(o, start_factor, 1, steps, loc), then}, {steps}, loc);
}

}  // namespace slope::optim
