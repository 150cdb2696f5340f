#pragma once

#include <iterator>
#include <memory>

#include "slope/autograd/core/stable_vector.h"
#include "slope/optim/optimizer.h"

namespace slope::optim {

/// An optimizer made of an update rule. `Traits` names
///  - `Options`: the aggregate of options; `Group`: `params` plus every option as std::optional (absent: the default);
///  - `Rule`: the functor of fused.h; `slot_names`, and `uses_slot(options, k)`;
///  - `for_each_option(options, f)`: calls f(name, member) for every option;
///  - `complete(group, defaults)`: the group's options; `validate(options, loc)`: throws for values outside the domain;
///  - `rule(options, state)`: the scalars of one parameter's step, after `state.step` was incremented.
/// `update` is defined in grouped_update.h, which only the .cpp file of the optimizer includes.
template <class Traits>
class GroupedOptimizer : public Optimizer {
 public:
  using Options = typename Traits::Options;
  using Group = typename Traits::Group;

  /// A completed group: its parameters and options, read at every step, so they may be changed in between.
  struct ParamGroup : Options {
    std::vector<Tensor> params;
  };

  explicit GroupedOptimizer(const std::vector<Tensor>& params, const Options& options = {}, SourceLoc loc = SourceLoc::here())
      : defaults_(options) {
    Traits::validate(options, loc);
    if (params.empty()) throw ValueError(concat(Traits::name, ": optimizer got an empty parameter list"), loc);
    Group group{};
    group.params = params;
    add_param_group(group, loc);
  }
  explicit GroupedOptimizer(const std::vector<Group>& groups, const Options& options = {}, SourceLoc loc = SourceLoc::here())
      : defaults_(options) {
    Traits::validate(options, loc);
    if (groups.empty()) throw ValueError(concat(Traits::name, ": optimizer got an empty parameter list"), loc);
    for (const Group& g : groups) add_param_group(g, loc);
  }

  /// Adds parameters with options of their own; those left out take the constructor's. Works between steps, too.
  void add_param_group(const Group& group, SourceLoc loc = SourceLoc::here()) {
    const Options options = Traits::complete(group, defaults_);
    Traits::validate(options, loc);
    check_params(group.params, loc);
    ParamGroup completed;
    static_cast<Options&>(completed) = options;
    completed.params = group.params;
    groups_.push_back(std::move(completed));
    adopt(group.params);
  }

  StableVector<ParamGroup>& param_groups() { return groups_; }
  const StableVector<ParamGroup>& param_groups() const { return groups_; }
  std::size_t group_count() const override { return groups_.size(); }
  const std::vector<Tensor>& group_params(std::size_t group) const override { return groups_.at(group).params; }
  double& lr(std::size_t group) override { return groups_.at(group).lr; }

 protected:
  std::vector<std::string> slot_names() const override {
    return std::vector<std::string>(std::begin(Traits::slot_names), std::end(Traits::slot_names));
  }

  NamedNumbers group_options(std::size_t group) const override {
    NamedNumbers out;
    Options options = groups_[group];
    Traits::for_each_option(options, [&](const char* name, auto& value) { out.emplace_back(name, static_cast<double>(value)); });
    return out;
  }
  static Options options_from(Options options, const NamedNumbers& numbers) {
    Traits::for_each_option(options, [&](const char* name, auto& value) {
      value = static_cast<std::remove_reference_t<decltype(value)>>(
          detail::number_of(numbers, name, static_cast<double>(value)));
    });
    return options;
  }
  void check_options(std::size_t group, const NamedNumbers& options, SourceLoc loc) const override {
    Traits::validate(options_from(groups_[group], options), loc);
  }
  void set_group_options(std::size_t group, const NamedNumbers& options) override {
    static_cast<Options&>(groups_[group]) = options_from(groups_[group], options);
  }

  void update(std::size_t index) override;

 private:
  Options defaults_;
  StableVector<ParamGroup> groups_;  // references to groups stay valid when more are added
  std::shared_ptr<void> pass_;     // buffers of update(), kept between steps
};

}  // namespace slope::optim
