#include <map>
#include <memory>

#include "oracle/module_support.h"
#include "slope/autograd.h"
#include "slope/optim.h"

// Trajectories of whole optimizers: 10 steps to a relative 1e-9.

using namespace slope;

namespace {

using oracle::Problems;
using oracle::Value;
constexpr oracle::Tolerance tight{1e-12, 1e-9};

void read(const Value& v, bool& to) { to = v.flag(); }
void read(const Value& v, double& to) { to = v.real(); }
void read(const Value& v, std::int64_t& to) { to = v.integer(); }
template <std::size_t N>
void read(const Value& v, std::array<double, N>& to) {
  if (v.size() != N) throw std::runtime_error("an option of another number of values");
  for (std::size_t i = 0; i < N; ++i) to[i] = v.at(i).real();
}
template <class Enum>
void read_word(const Value& v, Enum& to, std::initializer_list<const char*> words) {
  if (v.is_null()) return;
  for (std::size_t i = 0; i < words.size(); ++i)
    if (v.text() == words.begin()[i]) return void(to = static_cast<Enum>(i));
  throw std::runtime_error("an unknown word: " + v.text());
}
void read(const Value& v, optim::AdjustLr& to) { read_word(v, to, {"original", "match_rms_adamw"}); }
void read(const Value& v, optim::LineSearch& to) { read_word(v, to, {"none", "strong_wolfe"}); }
template <class T>
void read(const Value& v, std::optional<T>& to) {
  read(v, to.emplace());
}

/// An option, or the std::optional of one in a group.
template <class T>
void set(const Value& options, const char* name, T& member) {
  if (options.contains(name)) read(options.at(name), member);
}

/// Every option that this optimizer has: what else a record holds was not asked for, which is an error.
template <class Options, class Given>
void read_options(const Value& v, Given& o) {
  optim::detail::OptionRows<Options>::each([&](const char* name, auto member, auto override, const auto&) {
    if constexpr (std::is_same_v<Given, Options>)
      set(v, name, o.*member);
    else
      set(v, name, o.*override);
  });
}

Tensor loss_of(const Value& problem, const std::string& type, const oracle::Tensors& p) {
  if (type == "quadratic") {
    Tensor total;
    for (const auto& [name, param] : p) {
      const Tensor d = param - problem.at("target").at(name).tensor();
      const Tensor part = (0.5 * problem.at("coef").at(name).tensor() * d * d).sum();
      total = total.defined() ? total + part : part;
    }
    return total;
  }
  if (type != "mlp") throw std::runtime_error("unknown problem: " + type);
  const Tensor d = (problem.at("x").tensor().matmul(p.at("w")) + p.at("b")).tanh() - problem.at("y").tensor();
  return (d * d).mean();
}

template <class Optimizer>
class Trajectory {
 public:
  Trajectory(const oracle::Record& record, Problems& problems) : record_(record), problems_(problems) {}

  void check() {
    oracle::check_class<Optimizer>(record_);
    typename Optimizer::Options options;
    read_options<typename Optimizer::Options>(record_.at("options"), options);
    if (record_.expects_error()) {
      const Tensor w = zeros({1, 1}, {.requires_grad = true});
      return oracle::expect_error(record_, [&] { Optimizer({w}, options); }, problems_);
    }
    start(options, 0);
    std::vector<Tensor> got = steps();
    // The search of LBFGS may amplify rounding errors without bound: what starts that differ by them reach is all that can be known.
    std::vector<double> spread(got.size());
    if (std::is_same_v<Optimizer, optim::LBFGS>)
      for (int run = 1; run <= 8; ++run) {
        start(options, run);
        const std::vector<Tensor> near = steps();
        for (std::size_t i = 0; i < got.size(); ++i)
          spread[i] = std::max(spread[i], (near[i] - got[i]).abs().max().item());
      }
    start(options, 0);
    got = steps();
    compare(got, spread);
    state();
  }

 private:
  void same(const Tensor& got, const Tensor& expected, const std::string& what, double spread = 0) {
    oracle::expect_same(got.detach(), expected, {tight.absolute + 4 * spread, tight.relative},
                        record_.title() + ", " + what, problems_);
  }

  /// `nudge`: 0, or the number of a start that differs by rounding errors.
  void start(const typename Optimizer::Options& options, int nudge) {
    const Value init = record_.at("init");
    params_.clear();
    for (const std::string& name : init.keys()) {
      Tensor p = init.at(name).tensor();
      if (nudge > 0)
        p = p * (1 + 1.2e-16 * cos(arange(p.numel(), {.dtype = float64}).reshape(p.shape()) * nudge + nudge));
      params_[name] = p.detach().requires_grad_();
    }
    std::vector<typename Optimizer::Group> groups;
    const Value listed = record_.at("groups");
    for (std::size_t i = 0; i < listed.size(); ++i) {
      groups.emplace_back();
      for (const std::string& name : listed.at(i).at("params").words())
        groups.back().params.tensors.push_back(params_.at(name));
      read_options<typename Optimizer::Options>(listed.at(i).at("options"), groups.back());
    }
    optimizer_ = std::make_unique<Optimizer>(groups, options);
  }

  /// The losses and the parameters after each step.
  std::vector<Tensor> steps() {
    std::vector<Tensor> got;
    const Value problem = record_.at("problem"), trajectory = record_.at("trajectory");
    const std::string type = problem.at("type").text();
    const auto count = static_cast<std::size_t>(record_.at("steps").integer());
    if (trajectory.size() != count) throw std::runtime_error("the trajectory has not as many entries as steps");
    for (std::size_t i = 0; i < count; ++i) {
      if (type == "fixed_grads") {
        for (const auto& [name, p] : params_) {
          p.zero_grad();
          const Value g = problem.at("grads").at(i).at(name);
          if (!g.is_null()) p.set_grad(g.tensor());
        }
        optimizer_->step();
      } else {
        const Tensor loss = optimizer_->step([&] {
          optimizer_->zero_grad();
          const Tensor value = loss_of(problem, type, params_);
          value.backward();
          return value;
        });
        got.push_back(loss.detach());
      }
      for (const auto& [name, p] : params_) got.push_back(p.detach().clone());
    }
    return got;
  }

  void compare(const std::vector<Tensor>& got, const std::vector<double>& spread) {
    const bool has_losses = record_.contains("losses");
    std::size_t at = 0;
    for (std::size_t i = 0; at < got.size(); ++i) {
      if (has_losses) {
        same(got[at], full({}, record_.at("losses").at(i).real(), {.dtype = got[at].dtype()}),
             concat("loss of step ", i), spread[at]);
        ++at;
      }
      for (const auto& [name, p] : params_) {
        same(got[at], record_.at("trajectory").at(i).at(name).tensor(), concat(name, " after step ", i + 1),
             spread[at]);
        ++at;
      }
    }
  }

  // Every slot the record has, and no other.
  void state() {
    const optim::OptimizerState state = optimizer_->state_dict();
    const Value final_state = record_.at("final_state");
    if (final_state.size() == 0) return;  // LBFGS: what it remembers of all parameters is not recorded
    for (const auto& [name, p] : params_) {
      std::map<std::string, Tensor> slots;
      for (const auto& [i, entry] : state.state) {
        if (!param(i).is(p)) continue;
        slots.insert(entry.tensors.begin(), entry.tensors.end());
        for (const auto& [slot, value] : entry.numbers) slots[slot] = full({}, value, {.dtype = float64});
        slots["step"] = full({}, static_cast<double>(entry.step), {.dtype = float64});
      }
      const Value expected = final_state.at(name);
      for (const std::string& slot : expected.keys()) {
        if (expected.at(slot).is_null()) continue;
        const Value value = expected.at(slot);
        if (slots.contains(slot))
          same(slots.at(slot), value.is_tensor() ? value.tensor() : full({}, value.real(), {.dtype = float64}),
               "state " + slot + " of " + name);
        else
          problems_.push_back(record_.title() + ", the state of " + name + " lacks " + slot);
      }
      for (const auto& [slot, value] : slots)
        if (slot != "step" && (!expected.contains(slot) || expected.at(slot).is_null()))
          problems_.push_back(record_.title() + ", the state of " + name + " has a " + slot);
    }
  }

  Tensor param(std::int64_t index) const {
    for (std::size_t g = 0; g < optimizer_->group_count(); ++g) {
      const auto& params = optimizer_->group_params(g);
      if (index < static_cast<std::int64_t>(params.size())) return params[static_cast<std::size_t>(index)];
      index -= static_cast<std::int64_t>(params.size());
    }
    throw std::runtime_error("no such parameter");
  }

  const oracle::Record& record_;
  Problems& problems_;
  oracle::Tensors params_;
  std::unique_ptr<Optimizer> optimizer_;
};

template <class Optimizer>
oracle::Forms trajectory() {
  return {[](const oracle::Record& record, Problems& problems) { Trajectory<Optimizer>(record, problems).check(); }};
}

}  // namespace

void oracle::add_optimizers(Drivers& drivers) {
  const std::map<std::string, Forms> all = {
      {"SGD", trajectory<optim::SGD>()},         {"Adam", trajectory<optim::Adam>()},
      {"AdamW", trajectory<optim::AdamW>()},     {"NAdam", trajectory<optim::NAdam>()},
      {"RAdam", trajectory<optim::RAdam>()},     {"Adamax", trajectory<optim::Adamax>()},
      {"Adagrad", trajectory<optim::Adagrad>()}, {"Adadelta", trajectory<optim::Adadelta>()},
      {"RMSprop", trajectory<optim::RMSprop>()}, {"Rprop", trajectory<optim::Rprop>()},
      {"ASGD", trajectory<optim::ASGD>()},       {"Lion", trajectory<optim::Lion>()},
      {"Muon", trajectory<optim::Muon>()},       {"LBFGS", trajectory<optim::LBFGS>()},
  };
  for (const auto& [name, forms] : all) drivers[{"optimizer", name}] = forms;
}
