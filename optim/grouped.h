#pragma once

#include "slope/autograd/core/stable_vector.h"
#include "slope/optim/optimizer.h"

namespace slope::optim {

namespace detail {
template <class Rule>
struct Pass;
}

/// An optimizer made of an update rule. `OptionsOf` is the aggregate of its options; `GroupOf` holds `params` and every option
/// as std::optional, where absent means inherited. What `Rule` has to say is described in internal/grouped_update.h, where the
/// functions below are defined: only the .cpp file of an optimizer includes that, and users' programs compile none of it.
template <class OptionsOf, class GroupOf, class Rule>
class GroupedOptimizer : public Optimizer {
 public:
  using Options = OptionsOf;
  using Group = GroupOf;

  /// A completed group: its parameters and options, read at every step, so they may be changed in between.
  struct ParamGroup : Options {
    std::vector<Tensor> params;
    std::vector<std::string> names;
  };

  explicit GroupedOptimizer(const ParamList& params, const Options& options = {}, SourceLoc loc = SourceLoc::here());
  explicit GroupedOptimizer(const std::vector<Group>& groups, const Options& options = {},
                            SourceLoc loc = SourceLoc::here());
  GroupedOptimizer(GroupedOptimizer&& other) noexcept;
  GroupedOptimizer& operator=(GroupedOptimizer&& other) noexcept;
  ~GroupedOptimizer() override;

  /// Adds parameters with options of their own; those left out take the constructor's. Works between steps, too.
  void add_param_group(const Group& group, SourceLoc loc = SourceLoc::here());

  StableVector<ParamGroup>& param_groups() { return groups_; }
  const StableVector<ParamGroup>& param_groups() const { return groups_; }
  const char* type() const override;
  std::size_t group_count() const override;
  const std::vector<Tensor>& group_params(std::size_t group, SourceLoc loc = SourceLoc::here()) const override;
  const std::vector<std::string>& group_names(std::size_t group, SourceLoc loc = SourceLoc::here()) const override;
  double& lr(std::size_t group, SourceLoc loc = SourceLoc::here()) override;

 protected:
  std::vector<SlotInfo> slot_infos(const NamedNumbers& options) const override;
  Shape slot_shape(std::size_t slot, const Tensor& param) const override;
  std::vector<std::string> number_names() const override;
  NamedNumbers group_options(std::size_t group) const override;
  void check_options(const NamedNumbers& options, SourceLoc loc) const override;
  void set_group_options(std::size_t group, const NamedNumbers& options) override;
  void update() override;

 private:
  void plan(const ParamGroup& group, const Tensor& param);

  Options defaults_;
  StableVector<ParamGroup> groups_;           // references to groups stay valid when more are added
  std::unique_ptr<detail::Pass<Rule>> pass_;  // buffers of update(), kept between steps
};

}  // namespace slope::optim
