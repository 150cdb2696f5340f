#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/tensor/tensor.h"

namespace slope::optim {

/// What an optimizer remembers about one parameter: its update count and named tensors of the parameter's shape.
struct ParamState {
  std::int64_t step = 0;
  std::vector<Tensor> slots;    // parallel to the optimizer's slot names; undefined while not in use
  std::vector<double> scalars;  // parallel to its scalar names
  bool initialized = false;     // created at the first update
  bool fresh = false;           // in a step: some slot is used for the first time
};

/// A value of a group's options in a state dict: the name and the number (booleans are 0 or 1).
using NamedNumbers = std::vector<std::pair<std::string, double>>;

/// Everything needed to resume: plain values, in the order of the groups.
struct OptimizerState {
  struct Param {
    std::int64_t step = 0;
    std::vector<std::pair<std::string, Tensor>> tensors;
    NamedNumbers scalars;
  };
  struct Group {
    NamedNumbers options;
    std::vector<std::int64_t> params;  // indices, counted over all groups
  };
  std::vector<std::pair<std::int64_t, Param>> state;  // only parameters that were updated
  std::vector<Group> param_groups;
};

/// Base of all optimizers: groups of parameters, their state, and the rules every `step()` obeys.
///
/// A parameter whose gradient is undefined is skipped completely; a zero gradient is not. Updates happen in place, under
/// no_grad, in the parameter's dtype, and bump its version; gradients are never modified. All parameters of a step run in
/// one pass, so how they are split into tensors does not matter.
///
///     optim::Adam opt(net.parameters(), {.lr = 1e-2});
///     opt.zero_grad();
///     loss.backward();
///     opt.step();
class Optimizer {
 public:
  virtual ~Optimizer();
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// Updates every parameter that has a gradient. Throws AutogradError when a parameter of some module received a gradient
  /// together with ours but no living optimizer holds it: it would silently stay untrained (see `check_orphans`).
  void step(SourceLoc loc = SourceLoc::here());
  /// Runs `closure` once with gradients enabled, then `step()`; returns what the closure returned, its loss.
  template <class Closure>
    requires std::is_invocable_v<Closure&>
  auto step(Closure&& closure, SourceLoc loc = SourceLoc::here()) {
    auto loss = [&] {
      EnableGradGuard grad;
      return closure();
    }();
    step(loc);
    return loss;
  }
  /// Drops the gradients of all parameters, or zeroes them in place.
  void zero_grad(bool set_to_none = true);

  /// Number of groups, the parameters of one, and its learning rate: what schedulers need of any optimizer.
  virtual std::size_t group_count() const = 0;
  virtual const std::vector<Tensor>& group_params(std::size_t group) const = 0;
  virtual double& lr(std::size_t group) = 0;
  /// What is remembered about a parameter; null before its first update.
  const ParamState* state(const Tensor& param) const;

  OptimizerState state_dict() const;
  /// Replaces options and state. Group count and sizes must match; on error nothing changes. Floating state is cast to the
  /// dtype of its parameter.
  void load_state_dict(const OptimizerState& dict, SourceLoc loc = SourceLoc::here());

  /// Whether `step()` looks for parameters that no optimizer holds. On by default.
  bool check_orphans = true;

 protected:
  Optimizer();

  // What a concrete optimizer provides.
  virtual std::vector<std::string> slot_names() const = 0;
  virtual std::vector<std::string> scalar_names() const { return {}; }
  virtual NamedNumbers group_options(std::size_t group) const = 0;
  /// Sets the options of a group from a state dict; throws without having changed anything.
  virtual void check_options(std::size_t group, const NamedNumbers& options, SourceLoc loc) const = 0;
  virtual void set_group_options(std::size_t group, const NamedNumbers& options) = 0;
  virtual void update(std::size_t group) = 0;

  /// Checks a new group against all existing ones and takes it under the optimizer's wing.
  void check_params(const std::vector<Tensor>& params, SourceLoc loc) const;
  void adopt(const std::vector<Tensor>& params);
  ParamState& state_of(const Tensor& param);

 private:
  void check_for_orphans(SourceLoc loc) const;
  struct States;
  std::unique_ptr<States> states_;
  std::vector<Tensor> adopted_;
};

namespace detail {
/// Throws ValueError "<optimizer>: <what>: <value>" unless ok.
void require_option(bool ok, const char* optimizer, const char* what, double value, SourceLoc loc);
double number_of(const NamedNumbers& options, const std::string& name, double otherwise);
}  // namespace detail

}  // namespace slope::optim
