#include <cmath>
#include <memory>

#include "oracle/module_support.h"
#include "slope/nn.h"
#include "slope/optim.h"

// Learning rates (and momenta) of whole schedules, right after construction and after each step; averages of weights.

using namespace slope;

namespace {

using oracle::Problems;
using oracle::Record;
using oracle::Value;
using namespace slope::optim;

/// The options of a schedule: null is as absent.
class Options {
 public:
  explicit Options(const Value& v) : v_(v) {}
  bool has(const char* name) const { return v_.contains(name) && !v_.at(name).is_null(); }
  double real(const char* name, double otherwise) const { return has(name) ? v_.at(name).real() : otherwise; }
  std::int64_t integer(const char* name, std::int64_t otherwise) const {
    return has(name) ? v_.at(name).integer() : otherwise;
  }
  bool flag(const char* name, bool otherwise) const { return has(name) ? v_.at(name).flag() : otherwise; }
  std::string word(const char* name, const char* otherwise) const { return has(name) ? v_.at(name).text() : otherwise; }
  std::vector<std::int64_t> integers(const char* name) const { return v_.at(name).integers(); }
  PerGroup per_group(const char* name, double otherwise) const {
    if (!has(name)) return otherwise;
    const Value v = v_.at(name);
    if (v.size() == 1 && !v.is_tensor()) {
      try {
        return v.real();
      } catch (const std::exception&) {
      }
    }
    std::vector<double> all;
    for (std::size_t i = 0; i < v.size(); ++i) all.push_back(v.at(i).real());
    return all;
  }
  template <class Enum>
  Enum one_of(const char* name, std::initializer_list<const char*> words) const {
    const std::string word = this->word(name, *words.begin());
    for (std::size_t i = 0; i < words.size(); ++i)
      if (word == words.begin()[i]) return static_cast<Enum>(i);
    throw std::runtime_error("an unknown word: " + word);
  }
  Value at(const char* name) const { return v_.at(name); }

 private:
  Value v_;
};

double function_of(const std::string& text, std::int64_t e) {
  const auto x = static_cast<double>(e);
  if (text == "0.95**epoch") return std::pow(0.95, x);
  if (text == "1/(epoch+1)") return 1 / (x + 1);
  if (text == "0.9 for every epoch") return 0.9;
  throw std::runtime_error("an unknown function: " + text);
}
std::vector<Function<double(std::int64_t)>> functions(const Options& o) {
  const Value v = o.at("lr_lambda");
  std::vector<std::string> texts;
  try {
    texts = v.words();
  } catch (const std::exception&) {
    texts = {v.text()};
  }
  std::vector<Function<double(std::int64_t)>> all;
  for (const std::string& text : texts) all.emplace_back([text](std::int64_t e) { return function_of(text, e); });
  return all;
}

LRScheduler make(const std::string& name, const Options& o, Optimizer& opt);

std::vector<LRScheduler> parts(const Options& o, Optimizer& opt) {
  std::vector<LRScheduler> all;
  const Value list = o.at("schedulers");
  for (std::size_t i = 0; i < list.size(); ++i)
    all.push_back(make(list.at(i).at("name").text(), Options(list.at(i).at("options")), opt));
  return all;
}

LRScheduler make(const std::string& name, const Options& o, Optimizer& opt) {
  if (name == "LambdaLR") return LambdaLR(opt, functions(o));
  if (name == "MultiplicativeLR") return MultiplicativeLR(opt, functions(o));
  if (name == "StepLR") return StepLR(opt, o.integer("step_size", 0), o.real("gamma", 0.1));
  if (name == "MultiStepLR") return MultiStepLR(opt, o.integers("milestones"), o.real("gamma", 0.1));
  if (name == "ExponentialLR") return ExponentialLR(opt, o.real("gamma", NAN));
  if (name == "ConstantLR") return ConstantLR(opt, o.real("factor", 1.0 / 3), o.integer("total_iters", 5));
  if (name == "LinearLR")
    return LinearLR(opt, o.real("start_factor", 1.0 / 3), o.real("end_factor", 1), o.integer("total_iters", 5));
  if (name == "PolynomialLR") return PolynomialLR(opt, o.integer("total_iters", 5), o.real("power", 1));
  if (name == "CosineAnnealingLR") return CosineAnnealingLR(opt, o.integer("T_max", 0), o.real("eta_min", 0));
  if (name == "CosineAnnealingWarmRestarts")
    return CosineAnnealingWarmRestarts(opt, o.integer("T_0", 0), o.integer("T_mult", 1), o.real("eta_min", 0));
  if (name == "OneCycleLR")
    return OneCycleLR(opt, {.max_lr = o.per_group("max_lr", NAN),
                            .total_steps = o.integer("total_steps", 0),
                            .epochs = o.integer("epochs", 0),
                            .steps_per_epoch = o.integer("steps_per_epoch", 0),
                            .pct_start = o.real("pct_start", 0.3),
                            .anneal_strategy = o.one_of<Anneal>("anneal_strategy", {"cos", "linear"}),
                            .cycle_momentum = o.flag("cycle_momentum", true),
                            .base_momentum = o.per_group("base_momentum", 0.85),
                            .max_momentum = o.per_group("max_momentum", 0.95),
                            .div_factor = o.real("div_factor", 25),
                            .final_div_factor = o.real("final_div_factor", 1e4),
                            .three_phase = o.flag("three_phase", false)});
  if (name == "CyclicLR")
    return CyclicLR(opt, {.base_lr = o.per_group("base_lr", NAN),
                          .max_lr = o.per_group("max_lr", NAN),
                          .step_size_up = o.integer("step_size_up", 2000),
                          .step_size_down = o.integer("step_size_down", 0),
                          .mode = o.one_of<CyclicMode>("mode", {"triangular", "triangular2", "exp_range"}),
                          .gamma = o.real("gamma", 1),
                          .cycle_momentum = o.flag("cycle_momentum", true),
                          .base_momentum = o.per_group("base_momentum", 0.8),
                          .max_momentum = o.per_group("max_momentum", 0.9)});
  if (name == "ReduceLROnPlateau")
    return ReduceLROnPlateau(opt, {.mode = o.one_of<PlateauMode>("mode", {"min", "max"}),
                                   .factor = o.real("factor", 0.1),
                                   .patience = o.integer("patience", 10),
                                   .threshold = o.real("threshold", 1e-4),
                                   .threshold_mode = o.one_of<ThresholdMode>("threshold_mode", {"rel", "abs"}),
                                   .cooldown = o.integer("cooldown", 0),
                                   .min_lr = o.per_group("min_lr", 0),
                                   .eps = o.real("eps", 1e-8)});
  if (name == "SequentialLR") return SequentialLR(opt, parts(o, opt), o.integers("milestones"));
  if (name == "ChainedScheduler") return ChainedScheduler(parts(o, opt));
  if (name == "SWALR")
    return SWALR(opt, o.per_group("swa_lr", NAN), o.integer("anneal_epochs", 10),
                 o.one_of<Anneal>("anneal_strategy", {"cos", "linear"}));
  throw std::runtime_error("an unknown scheduler: " + name);
}

template <class O>
std::unique_ptr<Optimizer> with_groups(const std::vector<double>& rates, const typename O::Options& options) {
  std::vector<typename O::Group> groups;
  for (const double rate : rates) groups.push_back({.params = {zeros({1}).requires_grad_()}, .lr = rate});
  return std::make_unique<O>(groups, options);
}

std::vector<double> numbers(const Value& v) {
  std::vector<double> all;
  for (std::size_t i = 0; i < v.size(); ++i) all.push_back(v.at(i).real());
  return all;
}

void check(const Record& record, Problems& problems) {
  const Value about = record.at("optimizer");
  const Options given(about.at("options"));
  const std::vector<double> rates = numbers(about.at("group_lrs"));
  const std::string type = about.at("name").text();
  std::unique_ptr<Optimizer> opt;
  if (type == "SGD")
    opt = with_groups<SGD>(rates, {.momentum = given.real("momentum", 0)});
  else if (type == "Adam")
    opt = with_groups<Adam>(rates, {});
  else
    throw std::runtime_error("an unknown optimizer: " + type);

  const Options options(record.at("options"));
  const auto made = [&]() -> LRScheduler { return make(record.name(), options, *opt); };
  if (record.expects_error()) return oracle::expect_error(record, [&] { (void)made(); }, problems);
  LRScheduler schedule = made();
  const auto state = [&](const char* field, std::size_t i, const auto& of_group) {
    if (!record.contains(field)) return;
    const std::vector<double> expected = numbers(record.at(field).at(i));
    if (expected.size() != rates.size()) problems.push_back(concat(record.title(), ": ", field, " of other groups"));
    for (std::size_t g = 0; g < expected.size() && g < rates.size(); ++g)
      oracle::expect_same(full({}, of_group(g), {.dtype = float64}), full({}, expected[g], {.dtype = float64}),
                          {1e-15, 1e-9}, concat(record.title(), ", ", field, " of group ", g, " after step ", i),
                          problems);
  };
  const std::size_t count = record.at("lrs").size();
  for (const char* field : {"momenta", "metrics"})
    if (record.contains(field) && record.at(field).size() != count - (field == std::string("metrics")))
      problems.push_back(concat(record.title(), ": another number of ", field, " than of steps"));
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) {
      opt->step();
      if (record.contains("metrics"))
        schedule.step(record.at("metrics").at(i - 1).real());
      else
        schedule.step();
    }
    state("lrs", i, [&](std::size_t g) { return opt->lr(g); });
    state("momenta", i, [&](std::size_t g) { return opt->option(g, type == "SGD" ? "momentum" : "beta1"); });
    if (schedule.get_last_lr() != [&] {
          std::vector<double> now;
          for (std::size_t g = 0; g < rates.size(); ++g) now.push_back(opt->lr(g));
          return now;
        }())
      problems.push_back(concat(record.title(), ": get_last_lr() is not what the optimizer has"));
  }
}

struct One : nn::Module {
  nn::Parameter p;
  explicit One(const Tensor& value) : p(parameter("p", value)) {}
};

/// Models p0, p1, ..., and the average after each.
void check_average(const Record& record, Problems& problems) {
  AveragingOptions options;
  if (record.name() == "ema") options.decay = record.real("decay", 0.999);
  const Value inputs = record.at("inputs"), outputs = record.at("output");
  if (inputs.size() != outputs.size())
    problems.push_back(record.title() + ": another number of averages than of models");
  AveragedModel average(One(zeros_like(inputs.at("p0").tensor())), options);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    average.update_parameters(One(inputs.at(concat("p", i)).tensor()));
    const std::string name = concat("avg", i);
    oracle::expect_same(average.module.p.detach(), outputs.at(name).tensor(), record.tolerance(),
                        record.title() + ", " + name, problems);
  }
}

}  // namespace

void oracle::add_schedulers(Drivers& drivers) {
  for (const char* name : {"ema", "swa"}) drivers[{"util", name}] = {check_average};
  for (const char* name : {"LambdaLR", "MultiplicativeLR", "StepLR", "MultiStepLR", "ExponentialLR", "ConstantLR",
                           "LinearLR", "PolynomialLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "OneCycleLR",
                           "CyclicLR", "ReduceLROnPlateau", "SequentialLR", "ChainedScheduler"})
    drivers[{"scheduler", name}] = {check};
}
