#pragma once

#include <iterator>
#include <optional>
#include <utility>

#include "slope/autograd/kernels/loops/iterate.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/optim/grouped.h"
#include "slope/optim/internal/fused.h"

namespace slope::optim {

namespace detail {
template <class Traits>
typename Traits::Options options_from(typename Traits::Options options, const NamedNumbers& numbers) {
  Traits::for_each_option(options, [&](const char* name, auto& value) {
    value = static_cast<std::remove_reference_t<decltype(value)>>(number_of(numbers, name, static_cast<double>(value)));
  });
  return options;
}

template <class Rule>
struct Pass {
  FusedUpdate<Rule> fused[2];                        // float32, float64
  std::vector<Tensor> keep;                          // gradients in use
  std::vector<std::pair<Tensor, Tensor>> scattered;  // non-contiguous parameters and their dense copies
};
}  // namespace detail

template <class Traits>
GroupedOptimizer<Traits>::GroupedOptimizer(const std::vector<Tensor>& params, const Options& options, SourceLoc loc)
    : defaults_(options) {
  Traits::validate(options, loc);
  if (params.empty()) throw ValueError(concat(Traits::name, ": optimizer got an empty parameter list"), loc);
  Group group{};
  group.params = params;
  add_param_group(group, loc);
}

template <class Traits>
GroupedOptimizer<Traits>::GroupedOptimizer(const std::vector<Group>& groups, const Options& options, SourceLoc loc)
    : defaults_(options) {
  Traits::validate(options, loc);
  if (groups.empty()) throw ValueError(concat(Traits::name, ": optimizer got an empty parameter list"), loc);
  for (const Group& g : groups) add_param_group(g, loc);
}

template <class Traits>
GroupedOptimizer<Traits>::~GroupedOptimizer() = default;

template <class Traits>
void GroupedOptimizer<Traits>::add_param_group(const Group& group, SourceLoc loc) {
  const Options options = Traits::complete(group, defaults_);
  Traits::validate(options, loc);
  check_params(group.params, loc);
  ParamGroup completed;
  static_cast<Options&>(completed) = options;
  completed.params = group.params;
  groups_.push_back(std::move(completed));
  adopt(group.params);
}

template <class Traits>
std::size_t GroupedOptimizer<Traits>::group_count() const {
  return groups_.size();
}

template <class Traits>
const std::vector<Tensor>& GroupedOptimizer<Traits>::group_params(std::size_t group) const {
  return groups_.at(group).params;
}

template <class Traits>
double& GroupedOptimizer<Traits>::lr(std::size_t group) {
  return groups_.at(group).lr;
}

template <class Traits>
std::vector<std::string> GroupedOptimizer<Traits>::slot_names() const {
  return std::vector<std::string>(std::begin(Traits::slot_names), std::end(Traits::slot_names));
}

template <class Traits>
NamedNumbers GroupedOptimizer<Traits>::group_options(std::size_t group) const {
  NamedNumbers out;
  Options options = groups_[group];
  Traits::for_each_option(options,
                          [&](const char* name, auto& value) { out.emplace_back(name, static_cast<double>(value)); });
  return out;
}

template <class Traits>
void GroupedOptimizer<Traits>::check_options(std::size_t group, const NamedNumbers& options, SourceLoc loc) const {
  Traits::validate(detail::options_from<Traits>(groups_[group], options), loc);
}

template <class Traits>
void GroupedOptimizer<Traits>::set_group_options(std::size_t group, const NamedNumbers& options) {
  static_cast<Options&>(groups_[group]) = detail::options_from<Traits>(groups_[group], options);
}

template <class Traits>
void GroupedOptimizer<Traits>::update(std::size_t index) {
  using Rule = typename Traits::Rule;
  const ParamGroup& group = groups_[index];
  if (!pass_) pass_ = std::make_shared<detail::Pass<Rule>>();
  auto& [fused, keep, scattered] = *static_cast<detail::Pass<Rule>*>(pass_.get());
  for (auto& f : fused) f.clear();
  std::optional<Rule> rule;  // of the last parameter, and mostly of the next
  std::pair rule_of{std::int64_t{-1}, false};
  for (const Tensor& p : group.params) {
    Tensor g = p.grad();
    if (!g.defined()) continue;
    ParamState& state = state_of(p);
    if (!state.initialized) {
      state.slots.resize(Rule::slots);
      state.initialized = true;
    }
    state.fresh = false;
    for (int k = 0; k < Rule::slots; ++k) {
      Tensor& slot = state.slots[static_cast<std::size_t>(k)];
      if (slot.defined() || !Traits::uses_slot(group, k)) continue;
      slot = Traits::initial_slot(group, k, p);
      state.fresh = true;
    }
    ++state.step;
    if (const std::pair key{static_cast<std::int64_t>(state.step), state.fresh}; !rule || rule_of != key) {
      rule = Traits::rule(group, state);
      rule_of = key;
    }
    if (!g.is_contiguous()) g = g.contiguous();
    Tensor dense = p;
    if (!p.is_contiguous()) {
      dense = p.detach().contiguous();
      scattered.emplace_back(p, dense);
    }
    void* slots[Rule::slots > 0 ? Rule::slots : 1] = {};
    for (int k = 0; k < Rule::slots; ++k)
      if (Traits::uses_slot(group, k)) slots[k] = state.slots[static_cast<std::size_t>(k)].raw_data();
    fused[p.dtype() == DType::float64].add(*rule, dense.raw_data(), g.raw_data(), slots, p.numel());
    p.impl().storage->bump_version();
    keep.push_back(std::move(g));
  }
  fused[0].template run<float>();
  fused[1].template run<double>();
  for (const auto& [p, dense] : scattered) copy_kernel(p.impl(), dense.impl());
  scattered.clear();
  keep.clear();
}

}  // namespace slope::optim
