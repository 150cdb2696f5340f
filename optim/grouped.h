#pragma once

#include <memory>

#include "slope/autograd/core/stable_vector.h"
#include "slope/optim/optimizer.h"

namespace slope::optim {

/// An optimizer made of an update rule. `Traits` names
///  - `Options`: the aggregate of options; `Group`: `params` plus every option as std::optional (absent: the default);
///  - `Rule`: the functor of fused.h; `slot_names`, and `uses_slot(options, k)`;
///  - `for_each_option(options, f)`: calls f(name, member) for every option;
///  - `complete(group, defaults)`: the group's options; `validate(options, loc)`: throws for values outside the domain;
///  - `rule(options, state)`: the scalars of one parameter's step, after `state.step` was incremented; of the state it
///    reads `step` and `fresh` alone.
/// Its functions are defined in grouped_update.h, which only the .cpp file of the optimizer includes: users' programs
/// compile none of this.
template <class Traits>
class GroupedOptimizer : public Optimizer {
 public:
  using Options = typename Traits::Options;
  using Group = typename Traits::Group;

  /// A completed group: its parameters and options, read at every step, so they may be changed in between.
  struct ParamGroup : Options {
    std::vector<Tensor> params;
  };

  explicit GroupedOptimizer(const std::vector<Tensor>& params, const Options& options = {},
                            SourceLoc loc = SourceLoc::here());
  explicit GroupedOptimizer(const std::vector<Group>& groups, const Options& options = {},
                            SourceLoc loc = SourceLoc::here());
  ~GroupedOptimizer() override;

  /// Adds parameters with options of their own; those left out take the constructor's. Works between steps, too.
  void add_param_group(const Group& group, SourceLoc loc = SourceLoc::here());

  StableVector<ParamGroup>& param_groups() { return groups_; }
  const StableVector<ParamGroup>& param_groups() const { return groups_; }
  std::size_t group_count() const override;
  const std::vector<Tensor>& group_params(std::size_t group) const override;
  double& lr(std::size_t group) override;

 protected:
  std::vector<std::string> slot_names() const override;
  NamedNumbers group_options(std::size_t group) const override;
  void check_options(std::size_t group, const NamedNumbers& options, SourceLoc loc) const override;
  void set_group_options(std::size_t group, const NamedNumbers& options) override;
  void update(std::size_t index) override;

 private:
  Options defaults_;
  StableVector<ParamGroup> groups_;  // references to groups stay valid when more are added
  std::shared_ptr<void> pass_;       // buffers of update(), kept between steps
};

}  // namespace slope::optim
