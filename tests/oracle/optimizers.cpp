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
void read(const Value& v, std::array<double, 2>& to) { to = {v.at(0).real(), v.at(1).real()}; }
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
template <class Options>
void read_options(const Value& v, Options& o) {
#define READ(option) \
  if constexpr (requires { o.option; }) set(v, #option, o.option)
  READ(lr);
  READ(momentum);
  READ(dampening);
  READ(betas);
  READ(eps);
  READ(weight_decay);
  READ(nesterov);
  READ(amsgrad);
  READ(maximize);
#undef READ
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
    read_options(record_.at("options"), options);
    if (record_.expects_error()) {
      const Tensor w = zeros({1}, {.requires_grad = true});
      return oracle::expect_error(record_, [&] { Optimizer({w}, options); }, problems_);
    }
    const Value init = record_.at("init");
    for (const std::string& name : init.keys()) params_[name] = init.at(name).tensor().requires_grad_();
    make(options);
    steps();
    state();
  }

 private:
  void same(const Tensor& got, const Tensor& expected, const std::string& what) {
    oracle::expect_same(got.detach(), expected, tight, record_.title() + ", " + what, problems_);
  }

  void make(const typename Optimizer::Options& options) {
    std::vector<typename Optimizer::Group> groups;
    const Value listed = record_.at("groups");
    for (std::size_t i = 0; i < listed.size(); ++i) {
      groups.emplace_back();
      for (const std::string& name : listed.at(i).at("params").words())
        groups.back().params.tensors.push_back(params_.at(name));
      read_options(listed.at(i).at("options"), groups.back());
    }
    optimizer_ = std::make_unique<Optimizer>(groups, options);
  }

  void steps() {
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
        same(loss, full({}, record_.at("losses").at(i).real(), {.dtype = loss.dtype()}), concat("loss of step ", i));
      }
      for (const auto& [name, p] : params_)
        same(p, trajectory.at(i).at(name).tensor(), concat(name, " after step ", i + 1));
    }
  }

  // Every slot the record has, and no other.
  void state() {
    const optim::OptimizerState state = optimizer_->state_dict();
    const Value final_state = record_.at("final_state");
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
        if (slots.contains(slot))
          same(slots.at(slot), expected.at(slot).tensor(), "state " + slot + " of " + name);
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
      {"SGD", trajectory<optim::SGD>()},
      {"Adam", trajectory<optim::Adam>()},
      {"AdamW", trajectory<optim::AdamW>()},
  };
  for (const auto& [name, forms] : all) drivers[{"optimizer", name}] = forms;
}
