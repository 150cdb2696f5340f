#pragma once

#include <optional>

#include "slope/optim/scheduler.h"

/// What is behind a scheduler. A rule says what the rate of a group is in step e, given what it is; the base does the rest.
namespace slope::optim::detail {

/// Sees every number that lasts, by name: one list serves saving and loading.
class Visitor {
 public:
  /// One of these points to it.
  struct Value {
    double* real = nullptr;
    std::int64_t* whole = nullptr;
    bool* flag = nullptr;
    std::vector<double>* reals = nullptr;
    std::vector<std::int64_t>* wholes = nullptr;
  };
  explicit Visitor(Function<void(const char*, const Value&)> see) : see_(std::move(see)) {}
  void operator()(const char* name, double& x) const { see_(name, {.real = &x}); }
  void operator()(const char* name, std::int64_t& x) const { see_(name, {.whole = &x}); }
  void operator()(const char* name, bool& x) const { see_(name, {.flag = &x}); }
  void operator()(const char* name, std::vector<double>& x) const { see_(name, {.reals = &x}); }
  void operator()(const char* name, std::vector<std::int64_t>& x) const { see_(name, {.wholes = &x}); }

 private:
  Function<void(const char*, const Value&)> see_;
};

struct Schedule {
  /// A group in step e: its rate, and its first one.
  struct Now {
    std::size_t group;
    double lr, base;
    std::int64_t e;
  };

  Optimizer& optimizer;
  const char* name;
  std::int64_t epoch = -1, steps = 0;
  std::vector<double> base, last;

  Schedule(Optimizer& o, const char* n) : optimizer(o), name(n) {}
  virtual ~Schedule() = default;

  // ---- the rule
  /// Throws for options outside their domain.
  virtual void check(SourceLoc loc) const = 0;
  /// The rate in a step. Throws before anything changed, or not at all.
  virtual double rate(const Now& now, SourceLoc loc) const = 0;
  /// The rate in terms of the first one alone, where there is such a formula.
  virtual std::optional<double> closed(double, std::int64_t) const { return {}; }
  /// Before the rates of a step are asked for.
  virtual void prepare(std::int64_t, SourceLoc) {}
  /// Options and whatever else lasts.
  virtual void visit(const Visitor&) {}
  virtual std::vector<Schedule*> parts() { return {}; }

  // ---- steps
  virtual void begin(SourceLoc loc);
  virtual void advance(SourceLoc loc);
  virtual void advance_by(double value, SourceLoc loc);
  /// Epoch 0 anew, by the closed form where there is one.
  virtual void restart(SourceLoc loc);

  SchedulerState save();
  void load(const SchedulerState& state, SourceLoc loc);
  void warn_of_order(SourceLoc loc) const;
  static std::vector<std::shared_ptr<Schedule>> of(const std::vector<LRScheduler>& schedulers);

 protected:
  /// The number for a group; throws when there are neither one nor as many as groups.
  double of_group(const char* option, const std::vector<double>& values, std::size_t group, SourceLoc loc) const;
  void require(bool right, const char* option, double value, const char* domain, SourceLoc loc) const;
  void require_all(const char* option, const std::vector<double>& values, SourceLoc loc) const;
  std::vector<double> rates() const;
  void set(const std::vector<double>& rates);
  /// The rates that groups had when their first scheduler was made.
  void note_initial_rates();
  std::vector<double>& initial_rates();

 private:
  void go_to(std::int64_t e, bool closed_form, SourceLoc loc);
  void visit_all(const Visitor& v);
};

}  // namespace slope::optim::detail
