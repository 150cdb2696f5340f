#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/tensor/tensor.h"

namespace slope::optim {

/// The parameters of a group: tensors, or names and tensors as `named_parameters()` gives them. With names, errors say which
/// parameter is meant, and `load_state_dict` finds each parameter's state by its name instead of its position.
///
///     optim::Adam opt(net.named_parameters(), {.lr = 1e-2});
class ParamList {
 public:
  ParamList() = default;
  ParamList(std::initializer_list<Tensor> params) : tensors(params) {}
  ParamList(std::vector<Tensor> params) : tensors(std::move(params)) {}
  ParamList(const std::vector<std::pair<std::string, Tensor>>& named);

  /// The parameters.
  std::vector<Tensor> tensors{};
  std::vector<std::string> names{};  // one per tensor, or none at all
};

/// What an optimizer remembers about one parameter: its update count, and tensors and numbers of the rule's.
struct ParamState {
  /// How often it was updated.
  std::int64_t step = 0;
  std::vector<Tensor> tensors;  // parallel to the rule's slots; undefined while not in use
  std::vector<double> numbers;  // parallel to the rule's numbers
  bool initialized = false;     // by the first update
};

/// Options of a group by name: booleans are 0 or 1, the elements of `betas` are `beta1` and `beta2`.
using NamedNumbers = std::vector<std::pair<std::string, double>>;

/// Everything needed to resume, in the order of the groups. The tensors are the optimizer's own, which its next step changes:
/// clone them to keep what they hold now.
struct OptimizerState {
  /// The state of one parameter.
  struct Param {
    /// How often it was updated.
    std::int64_t step = 0;
    std::vector<std::pair<std::string, Tensor>> tensors;  // undefined: in use from the next step on
    /// The numbers of the rule by name.
    NamedNumbers numbers;
  };
  struct Group {
    /// The options by name.
    NamedNumbers options;
    std::vector<std::int64_t> params;  // indices, counted over all groups
    std::vector<std::string> names;    // of the parameters; empty when the optimizer knows none
  };
  std::string optimizer;                              // whose state it is: "Adam"
  std::vector<std::pair<std::int64_t, Param>> state;  // only parameters that were updated
  /// The groups, in order.
  std::vector<Group> param_groups;
};

/// Base of all optimizers: groups of parameters, their state, and the rules every `step()` obeys.
///
/// A parameter whose gradient is undefined is skipped completely; a zero gradient is not. Updates happen in place, under
/// no_grad, in the parameter's dtype, and bump its version; gradients are never modified. All parameters of a step run in
/// one pass, so how they are split into tensors does not matter. When a parameter has another dtype than at the last step (a
/// module's `to`), its state and gradient are converted.
///
/// A step that fails has changed nothing: whatever can fail, such as getting memory, is done for all parameters before the
/// first of them changes.
///
/// Optimizers can be moved and returned, but not copied; one that was moved from throws ValueError.
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

  /// Updates every parameter that has a gradient. Throws AutogradError when a parameter of some module received a gradient but
  /// no living optimizer holds it, together with ours or while none of ours received one: it would silently stay untrained
  /// (see `check_orphans`).
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
    if constexpr (std::is_same_v<decltype(loss), Tensor>)
      return TensorAlias(loss);  // which a caller may drop
    else
      return loss;
  }
  /// Drops the gradients of all parameters, or zeroes them in place.
  void zero_grad(bool set_to_none = true, SourceLoc loc = SourceLoc::here());

  /// "Adam".
  virtual const char* type() const = 0;
  /// Number of groups, the parameters of one, and their names, if known.
  virtual std::size_t group_count() const = 0;
  virtual const std::vector<Tensor>& group_params(std::size_t group, SourceLoc loc = SourceLoc::here()) const = 0;
  virtual const std::vector<std::string>& group_names(std::size_t group, SourceLoc loc = SourceLoc::here()) const = 0;
  /// The learning rate of a group.
  virtual double& lr(std::size_t group, SourceLoc loc = SourceLoc::here()) = 0;

  /// What schedulers need of any optimizer: options by name, as in a state dict ("lr", "momentum", "beta1").
  bool has_option(std::string_view name, SourceLoc loc = SourceLoc::here()) const;
  /// Throws ValueError when there is no such option, IndexError when there is no such group.
  double option(std::size_t group, std::string_view name, SourceLoc loc = SourceLoc::here()) const;
  /// Throws for values outside the option's domain as well, and changes nothing then.
  void set_option(std::size_t group, std::string_view name, double value, SourceLoc loc = SourceLoc::here());

  /// What is remembered about a parameter; null before its first update.
  const ParamState* state(const Tensor& param, SourceLoc loc = SourceLoc::here()) const;

  /// Options and state.
  OptimizerState state_dict(SourceLoc loc = SourceLoc::here()) const;
  /// Replaces options and state. Parameters are matched by name when this optimizer and the one that was saved know the names of
  /// all, else by position: then their order must be the same, which nothing but their shapes can tell. Floating state is cast
  /// to the dtype of its parameter.
  ///
  /// Throws ValueError for a state dict of another type of optimizer, for other groups or names, and for options, tensors or
  /// numbers that are missing or not this optimizer's; ShapeError when a tensor does not fit its parameter. Nothing changes then.
  void load_state_dict(const OptimizerState& dict, SourceLoc loc = SourceLoc::here());

  /// Whether `step()` looks for parameters that no optimizer holds. On by default.
  bool check_orphans = true;

 protected:
  Optimizer();
  Optimizer(Optimizer&& other) noexcept;
  Optimizer& operator=(Optimizer&& other) noexcept;

  /// A tensor that the rule remembers of each parameter.
  struct SlotInfo {
    const char* name;  // in the state dict
    bool in_use;       // with these options
    bool always;       // whatever the options are
  };

  /// What a concrete optimizer provides: the tensors it keeps for each parameter, their shapes, the names of numbers and the options of a
  /// group.
  virtual std::vector<SlotInfo> slot_infos(const NamedNumbers& options) const = 0;
  virtual Shape slot_shape(std::size_t slot, const Tensor& param) const = 0;
  virtual std::vector<std::string> number_names() const = 0;
  virtual NamedNumbers group_options(std::size_t group) const = 0;
  /// Throws unless `options` holds every option once, nothing else, and all values lie in their domains.
  virtual void check_options(const NamedNumbers& options, SourceLoc loc) const = 0;
  /// Takes checked options; does not throw.
  virtual void set_group_options(std::size_t group, const NamedNumbers& options) = 0;
  /// Updates the parameters of all groups, or throws and changes nothing.
  virtual void update() = 0;

  /// Throws ValueError when it was moved from.
  void check_not_moved_from(SourceLoc loc = {}) const;
  /// Checks a new group against all existing ones.
  void check_params(const ParamList& params, SourceLoc loc) const;
  /// Takes checked parameters under the optimizer's wing. Does not throw after `prepare_to_adopt` of as many.
  void prepare_to_adopt(std::size_t count);
  void adopt(const std::vector<Tensor>& params) noexcept;
  ParamState& state_of(const Tensor& param);

 private:
  std::size_t checked_option(std::size_t group, std::string_view name, const NamedNumbers& options,
                             SourceLoc loc) const;
  void check_for_orphans(SourceLoc loc) const;
  struct States;
  struct Loaded;
  Loaded match(const OptimizerState& dict, SourceLoc loc) const;
  ParamState loaded_state(const OptimizerState& dict, const Loaded& loaded, std::size_t entry, SourceLoc loc) const;
  std::unique_ptr<States> states_;  // null: moved from
  std::vector<Tensor> adopted_;
  std::uint64_t stepped_at_ = 0;  // the latest backward of the process at the last step
};

}  // namespace slope::optim
